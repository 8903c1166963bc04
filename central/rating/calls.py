"""Calls as rating sees them: what they are rated by, and what their documents say of their cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from opensearchpy import OpenSearch

from central.calls.cluster import Change, Place, StoredCalls, place_of
from central.client import Connection
from central.rating.rate import BundleUse, Call, Cost, Unrated

Decision = Cost | Unrated | None

_FIELDS: Final = ["store.id", "local.date", "call.cost", "call.unrated"] + [
    f"call.{name}"
    for name in (
        "billable_seconds",
        "billable_trunk",
        "billable_category",
        "trunk",
        "category",
        "prefix",
        "collect",
    )
]
# A call has an amount or a reason, never both.
_OWNED: Final = ("cost", "unrated")


class Said(NamedTuple):
    """What a call's document says of its cost.

    Attributes:
        amount: None: it has none, or it is no number.
        currency: as it stands there.
        tariff: as it stands there.
        trunk: as it stands there.
        category: as it stands there.
        bundle: None: nothing of it stands there, or nothing that makes sense.
    """

    amount: Decimal | None
    currency: Any
    tariff: Any
    trunk: Any
    category: Any
    bundle: BundleUse | None


@dataclass(frozen=True, slots=True)
class Found:
    """A call's document, and what it says of its cost.

    Attributes:
        place: where it is.
        call: what it is rated by.
        cost: as it stands there; None: it has none.
        unrated: the reason that stands there; None: it has none.
    """

    place: Place
    call: Call
    cost: Said | None
    unrated: str | None

    @property
    def document_id(self) -> str:
        """The document's `_id`."""
        return self.place.document_id

    def has(self, decision: Decision) -> bool:
        """Tell whether the document says exactly this already."""
        if isinstance(decision, Cost):
            wanted = Said(
                decision.amount,
                decision.currency,
                decision.tariff,
                self.call.trunk,
                self.call.category,
                decision.bundle,
            )
            return self.unrated is None and self.cost == wanted
        return self.cost is None and self.unrated == (None if decision is None else decision.reason)


class Calls:
    """The calls of one cluster, for rating.

    Args:
        client: connected.
        connection: for what a failure says.
    """

    def __init__(self, client: OpenSearch, connection: Connection) -> None:
        self._stored = StoredCalls(client, connection, _OWNED, "cost")

    def refresh(self) -> None:
        """Let a search see everything that was written until now.

        Raises:
            CentralError: the cluster fails or refuses it, as with the methods below.
        """
        self._stored.refresh()

    def scan(self, query: dict[str, Any]) -> Iterator[Found]:
        """Give what a query finds, in the order of (`@timestamp`, `_id`)."""
        return map(_found, self._stored.scan(query, _FIELDS))

    def write(self, wanted: Sequence[tuple[Found, Decision]]) -> list[bool]:
        """Write costs and reasons.

        Returns:
            For each whether it was written; False: the document changed or went since it was read.
        """
        return self._stored.write(
            [Change(found.place, _fields(found.call, decision)) for found, decision in wanted]
        )


def _fields(call: Call, decision: Decision) -> dict[str, Any]:
    if isinstance(decision, Cost):
        # Four decimals pass through a float unchanged: the index keeps ten-thousandths as whole numbers.
        amount = float(decision.amount)
        cost: dict[str, Any] = {
            "amount": amount,
            "currency": decision.currency,
            "tariff": decision.tariff,
        }
        cost |= {name: value for name, value in (("trunk", call.trunk), ("category", call.category)) if value}
        return {"cost": cost | ({"bundle": decision.bundle._asdict()} if decision.bundle else {})}
    return {} if decision is None else {"unrated": decision.reason}


def _found(hit: dict[str, Any]) -> Found:
    source = hit["_source"]
    call = source.get("call", {})
    return Found(
        place_of(hit),
        Call(
            store=source["store"]["id"],
            day=_day(source.get("local", {}).get("date")),
            seconds=_seconds(call.get("billable_seconds")),
            # Of an inbound call that went on to an outside number, that way out is what costs.
            trunk=call.get("billable_trunk") or call.get("trunk"),
            category=call.get("billable_category") or call.get("category"),
            prefix=call.get("prefix"),
            collect=call.get("collect") is True,
        ),
        _said(call.get("cost")),
        call.get("unrated"),
    )


def _said(cost: Any) -> Said | None:
    if cost is None:
        return None
    return Said(
        amount=_decimal(cost.get("amount")),
        currency=cost.get("currency"),
        tariff=cost.get("tariff"),
        trunk=cost.get("trunk"),
        category=cost.get("category"),
        bundle=_use(cost.get("bundle")),
    )


def _use(bundle: Any) -> BundleUse | None:
    try:
        return BundleUse(**bundle)
    except TypeError:  # nothing there, or not what this program writes: it is written anew
        return None


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _seconds(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
