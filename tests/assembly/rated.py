"""Rates documents by the product's own code and judges the costs by those of `tests.assembly.costs`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from central.rating.calls import _found
from central.rating.rate import Bundles, Call, Match, charge, match
from central.rating.tariffs import Plan, Tariffs, load
from compose.simulator import SimulatedCall, StoreProfile
from tests.assembly.costs import BUNDLE_PART, UNRATED, Charged, Outcome, Owed, Prices, owed
from tests.assembly.judge import Findings, Sums

TARIFFS = Path(__file__).parents[1] / "data" / "tariffs.toml"


class Billed(NamedTuple):
    """A call that costs something, by its document or by what was meant.

    Attributes:
        which: Store and linkedid.
        scenario: What kind of call it is.
        moment: The document's `@timestamp`.
        key: The document's `_id`; the same stands in `event.id`.
        call: What the document says for its cost.
        owed: What was meant.
    """

    which: str
    scenario: str
    moment: datetime
    key: str
    call: Call
    owed: Owed | None


@cache
def tariffs() -> Tariffs:
    """Read the file as the product does; of each bundle a part is left."""
    whole = load(TARIFFS)
    return replace(whole, plans=tuple(_shortened(plan) for plan in whole.plans))


def _shortened(plan: Plan) -> Plan:
    bundle = plan.bundle
    return replace(plan, bundle=bundle and replace(bundle, seconds=bundle.seconds // BUNDLE_PART))


def billed(store: StoreProfile, call: SimulatedCall, body: Mapping[str, Any]) -> Billed | None:
    """Take of a call and its document what its cost depends on; None where there is nothing to bill."""
    key = body["event"]["id"]
    hit = {"_index": "", "_id": key, "_seq_no": 0, "_primary_term": 1, "_source": body}
    said, meant = _found(hit).call, owed(call, store, key)
    if said.seconds <= 0 and meant is None:
        return None
    which = f"{store.id} {call.truth.linked_ids[0]}"
    moment = datetime.fromisoformat(body["@timestamp"])
    return Billed(which, call.truth.scenario, moment, key, said, meant)


def of_chain(bill: Billed) -> bool:
    """Tell whether other stores' calls decide over its cost: a bundle of all stores may pay for it."""
    found = match(tariffs(), bill.call)
    shared = isinstance(found, Match) and found.account is not None and not found.account.store
    return shared or (bill.owed is not None and _prices().of_chain(bill.owed))


@cache
def _prices() -> Prices:
    return Prices(TARIFFS)


def settle(bills: Sequence[Billed], findings: Findings) -> None:
    """Rate calls both ways and judge them.

    Args:
        bills: Whatever shares a bundle stands in one call of this function; in any order.
        findings: Where the result is added.
    """
    compare_costs(bills, charged(bills), Prices(TARIFFS).charge([bill.owed for bill in bills]), findings)


def charged(bills: Sequence[Billed]) -> list[Outcome]:
    """Rate documents as `central rate` does a month: in the order of (`@timestamp`, `_id`)."""
    bundles = Bundles()
    found: list[Outcome] = [None] * len(bills)
    for number in sorted(range(len(bills)), key=lambda number: (bills[number].moment, bills[number].key)):
        call = bills[number].call
        priced = match(tariffs(), call)
        if isinstance(priced, Match):
            cost = charge(tariffs(), priced, call.seconds, bundles)
            found[number] = Charged(cost.amount, cost.seconds, cost.bundle_seconds)
        elif priced is not None:
            found[number] = UNRATED
    return found


def compare_costs(
    bills: Iterable[Billed], got: Iterable[Outcome], wanted: Iterable[Outcome], findings: Findings
) -> None:
    """Judge each call's cost, and add up the sums of its store."""
    for bill, one, other in zip(bills, got, wanted, strict=True):
        if one != other:
            findings.differ("cost", bill.scenario, bill.which, one, other)
        _count(findings.charged, bill.call.store, one)
        if bill.owed is not None:
            _count(findings.owed, bill.owed.store, other)


def _count(sums: Sums, store: str, outcome: Outcome) -> None:
    if isinstance(outcome, Charged):
        by_bundle = "whole" if outcome.paid == outcome.seconds else "part"
        sums.add(store, outcome.amount, by_bundle if outcome.paid else "")
    elif outcome == UNRATED:
        sums.unrated += 1
