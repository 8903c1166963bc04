"""What the calls cost: the stores' ranking, the kinds of numbers, and the calls that have no price yet."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from compose.demo.documents import Bucket, Documents
from compose.simulator import StoreProfile

BILLABLE = {"range": {"call.billable_seconds": {"gt": 0}}}
UNRATED = {"exists": {"field": "call.unrated"}}
ONWARD = {"exists": {"field": "call.billable_category"}}
SECONDS = {"sum": {"field": "call.billable_seconds"}}
SUMS: Mapping[str, Any] = {
    "seconds": SECONDS,
    "cost": {"sum": {"field": "call.cost.amount"}},
    "rated": {"filter": {"exists": {"field": "call.cost.amount"}}, "aggs": {"seconds": SECONDS}},
    "unrated": {"filter": UNRATED},
}
CATEGORIES = 20
REASONS = 1_000
WIDEST = 62
"""Characters for a reason."""
FEW = 3
"""Stores that are named for a reason."""


@dataclass
class Sum:
    """Billable calls of one kind; seconds as the providers may bill them, cost in the tariffs' currency."""

    seconds: float = 0
    rated: int = 0
    rated_seconds: float = 0
    unrated: int = 0
    cost: float = 0

    @classmethod
    def of(cls, bucket: Bucket) -> Self:
        """What a bucket with `SUMS` holds."""
        return cls(
            bucket["seconds"]["value"],
            bucket["rated"]["doc_count"],
            bucket["rated"]["seconds"]["value"],
            bucket["unrated"]["doc_count"],
            bucket["cost"]["value"],
        )

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.seconds + other.seconds,
            self.rated + other.rated,
            self.rated_seconds + other.rated_seconds,
            self.unrated + other.unrated,
            self.cost + other.cost,
        )


@dataclass
class Reason:
    """Calls that are unrated for one reason."""

    calls: int = 0
    seconds: float = 0
    stores: set[str] = field(default_factory=set)


def show(documents: Documents, stores: Sequence[StoreProfile]) -> None:
    """Print the answers."""
    cities = {store.id: store.city for store in stores}
    print("\nWhat the calls cost, the dearest store first (billable: minutes that a provider may charge)\n")
    _table("store", {f"{store:<10}{cities[store]}": sums for store, sums in _by_store(documents).items()})
    print("\nThe same by the kind of number that was called\n")
    _table("kind of number", _by_category(documents))
    _unrated(documents)


def _by_store(documents: Documents) -> dict[str, Sum]:
    return {store: Sum.of(bucket) for store, bucket in documents.by_store(SUMS, BILLABLE).items()}


def _by_category(documents: Documents) -> dict[str, Sum]:
    """A call that came in and went on to an outside number counts as what it went on to."""
    found = documents.totals(
        {
            name: {
                "filter": query,
                "aggs": {"kinds": {"terms": {"field": category, "size": CATEGORIES}, "aggs": SUMS}},
            }
            for name, query, category in (
                ("onward", ONWARD, "call.billable_category"),
                ("plain", {"bool": {"must_not": [ONWARD]}}, "call.category"),
            )
        },
        BILLABLE,
    )
    sums: dict[str, Sum] = {}
    for part in ("onward", "plain"):
        for bucket in found[part]["kinds"]["buckets"]:
            sums[bucket["key"]] = sums.get(bucket["key"], Sum()) + Sum.of(bucket)
    return sums


def _table(name: str, sums: Mapping[str, Sum]) -> None:
    print(f"{name:<32}{'billable min':>13}{'rated':>9}{'unrated':>9}{'cost BRL':>12}{'per minute':>12}")
    for key, one in sorted(sums.items(), key=lambda entry: (-entry[1].cost, entry[0])):
        print(_line(key, one))
    print(_line("all", sum(sums.values(), Sum())))


def _line(name: str, sums: Sum) -> str:
    # Minutes without a price would make the others look cheaper.
    each = f"{sums.cost / sums.rated_seconds * 60:.4f}" if sums.rated_seconds else "-"
    cost = f"{sums.cost:,.2f}" if sums.rated else "-"
    return f"{name:<32}{sums.seconds / 60:>13,.0f}{sums.rated:>9,}{sums.unrated:>9,}{cost:>12}{each:>12}"


def _unrated(documents: Documents) -> None:
    """The list to work off: each reason says what the tariffs lack."""
    found = documents.totals(
        {
            "reasons": {
                "terms": {"field": "call.unrated", "size": REASONS},
                "aggs": {"seconds": SECONDS, "stores": {"terms": {"field": "store.id", "size": REASONS}}},
            }
        },
        UNRATED,
    )
    reasons: dict[str, Reason] = {}
    for bucket in found["reasons"]["buckets"]:
        # The day that some reasons end with would make a line of each day.
        reason = reasons.setdefault(re.sub(r" on \d{4}-\d\d-\d\d$", "", bucket["key"]), Reason())
        reason.calls += bucket["doc_count"]
        reason.seconds += bucket["seconds"]["value"]
        reason.stores.update(store["key"] for store in bucket["stores"]["buckets"])
    print("\nCalls without a price, which add nothing to the costs above until the tariffs say more\n")
    if not reasons:
        print("none: the tariffs have a price for every call")
        return
    print(f"{'reason':<{WIDEST}}{'calls':>7}{'minutes':>9}  stores")
    for text, reason in sorted(reasons.items(), key=lambda entry: (-entry[1].calls, entry[0])):
        print(f"{text:<{WIDEST}}{reason.calls:>7,}{reason.seconds / 60:>9,.0f}  {_few(reason.stores)}")


def _few(stores: set[str]) -> str:
    names = sorted(stores)
    if len(names) <= FEW:
        return ", ".join(names)
    return f"{', '.join(names[: FEW - 1])} and {len(names) - FEW + 1} more"
