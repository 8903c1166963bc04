"""Simulated calls of twelve stores against their truth, and the judge itself against wrong documents."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any

import pytest

from compose.simulator import SimulatedCall, StoreProfile, chain, simulate
from shipper.document.model import Document
from tests.assembly.costs import UNRATED, Charged, Outcome, Prices
from tests.assembly.judge import Findings, Where, compare
from tests.assembly.rated import TARIFFS, Billed, billed, charged, compare_costs, settle
from tests.assembly.scale import assembled, judge, report

STORE = chain(1, 1)[0]
LINKED = "1788264251.9"
"""An inbound call that waited 15 s in a menu and a queue, rang 8 s of them, and talked for 596 s."""

Change = Callable[[dict[str, Any]], None]


def test_every_call_is_right_and_every_sum_equal() -> None:
    findings = judge(60_000, stores=12)
    assert "\n".join(report(findings)).splitlines()[10:] == ["every call is right, every sum is equal"]
    assert findings.right
    assert findings.rows >= 60_000
    assert findings.calls > 20_000
    assert len(findings.scenarios) == 34
    assert min(findings.documents.values()) > 50_000
    assert 0 < findings.left_out["talk"] < findings.left_out["ring"] < findings.calls / 4
    assert findings.charged.rated > 4_000
    assert findings.charged.unrated > 100
    assert findings.charged.bundled["whole"] > 100
    assert findings.charged.bundled["part"] > 5
    assert len(findings.charged.stores) == 12
    assert findings.charged.amount > 1_000


@cache
def some() -> tuple[list[SimulatedCall], list[Document]]:
    calls = list(islice(simulate(STORE, date(2026, 9, 1), 10, 1), 1500))
    return calls, assembled(STORE, calls, 1)


def judged(documents: list[Document]) -> Findings:
    findings = Findings()
    compare(some()[0], documents, STORE.timezone, findings)
    return findings


def altered(linked: str, change: Change) -> list[Document]:
    documents = []
    for document in some()[1]:
        body = json.loads(document.body)
        if body["call"]["linked_ids"][0] == linked:
            change(body)
        documents.append(document._replace(body=json.dumps(body).encode()))
    return documents


def setting(name: str, value: object) -> Change:
    return lambda body: body["call"].update({name: value})


def named(findings: Findings) -> dict[Where, int]:
    return dict(findings.differences)


def test_untouched_documents_are_right() -> None:
    findings = judged(some()[1])
    assert named(findings) == {}
    assert findings.right


@pytest.mark.parametrize(
    ("name", "value", "differences"),
    [
        ("outcome", "abandoned", ["outcome"]),
        ("answered_by", ["2013"], ["answered_by"]),
        ("linked_ids", [LINKED, "1"], ["linked_ids"]),
        ("billable_seconds", 1, ["billable_seconds", "billable_seconds by the rows"]),
        ("talk_seconds", 597, ["talk_seconds by the rows"]),
        ("talk_seconds", 590, ["talk_seconds", "talk_seconds by the rows"]),
        ("ring_seconds", None, ["ring_seconds", "ring_seconds by the rows"]),
        ("wait_seconds", 8, ["wait_seconds", "wait_seconds by the rows"]),
        ("duration_seconds", 612, ["duration_seconds by the rows"]),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object, differences: list[str]) -> None:
    findings = judged(altered(LINKED, setting(name, value)))
    assert named(findings) == {(field, "inbound_queue_answered"): 1 for field in differences}
    assert not findings.right
    lines = list(report(findings))
    assert lines[-1] == "DIFFERENT"
    assert lines[-2].startswith(f"{differences[-1]} in inbound_queue_answered: 1, as Loja001 {LINKED}: ")


def test_a_sum_that_differs_is_enough() -> None:
    findings = judged(some()[1])
    findings.billable += 1
    assert named(findings) == {}
    assert not findings.right


def test_a_guess_where_the_rows_cannot_tell_is_named() -> None:
    call = next(c for c in some()[0] if c.truth.unrecoverable == ("ring", "wait", "talk"))
    truth = call.truth
    findings = judged(altered(truth.linked_ids[0], setting("talk_seconds", truth.talk_seconds)))
    assert named(findings) == {("talk_seconds by the rows", truth.scenario): 1}


def test_a_missing_call_and_one_too_many_are_named() -> None:
    documents = some()[1]
    assert named(judged(documents[1:])) == {("documents", some()[0][0].truth.scenario): 1}
    assert named(judged([*documents, documents[0]])) == {("documents", some()[0][0].truth.scenario): 1}
    alone = altered(LINKED, setting("linked_ids", ["1"]))
    assert named(judged(alone)) == {("documents", "inbound_queue_answered"): 1, ("documents", ""): 1}


def test_a_part_that_lives_on_is_named() -> None:
    merged = next(call for call in some()[0] if len(call.truth.linked_ids) > 1)
    documents = [document for document in some()[1] if document.operation != "delete"]
    several = sum(len(call.truth.linked_ids) > 1 for call in some()[0])
    assert named(judged(documents)) == {("merged", merged.truth.scenario): several}


@cache
def bills() -> list[Billed]:
    return billed_of(STORE, *some())


def billed_of(
    store: StoreProfile, calls: Sequence[SimulatedCall], documents: Sequence[Document]
) -> list[Billed]:
    found: list[Billed | None] = []
    compare(
        calls,
        documents,
        store.timezone,
        Findings(),
        lambda call, body: found.append(billed(store, call, body)),
    )
    return [bill for bill in found if bill]


def wanted() -> list[Outcome]:
    return Prices(TARIFFS).charge([bill.owed for bill in bills()])


def costs_judged(got: Sequence[Outcome]) -> Findings:
    findings = Findings()
    compare_costs(bills(), got, wanted(), findings)
    return findings


def position(of_kind: Callable[[Outcome], bool]) -> int:
    return next(number for number, outcome in enumerate(wanted()) if of_kind(outcome))


def test_untouched_costs_are_right() -> None:
    findings = costs_judged(charged(bills()))
    assert named(findings) == {}
    assert findings.right
    assert findings.charged.rated > 150
    assert findings.charged.unrated > 5


def test_a_cost_that_is_off_by_the_last_decimal_is_named() -> None:
    got = charged(bills())
    number = position(lambda outcome: isinstance(outcome, Charged) and outcome.amount > 0)
    right = got[number]
    assert isinstance(right, Charged)
    got[number] = right._replace(amount=right.amount + Decimal("0.0001"))
    findings = costs_judged(got)
    assert named(findings) == {("cost", bills()[number].scenario): 1}
    assert findings.charged.amount - findings.owed.amount == Decimal("0.0001")
    assert not findings.right


@pytest.mark.parametrize("amount", ["0.0000", "0.3500"])
def test_a_call_that_is_rated_without_a_price_is_named(amount: str) -> None:
    got = charged(bills())
    number = position(lambda outcome: outcome == UNRATED)
    got[number] = Charged(Decimal(amount), 60, 0)
    findings = costs_judged(got)
    assert named(findings) == {("cost", bills()[number].scenario): 1}
    assert findings.charged.rated == findings.owed.rated + 1
    assert not findings.right


def test_a_call_that_is_not_rated_is_named() -> None:
    got = charged(bills())
    number = position(lambda outcome: isinstance(outcome, Charged))
    got[number] = UNRATED
    findings = costs_judged(got)
    assert named(findings) == {("cost", bills()[number].scenario): 1}


def test_a_sum_of_costs_that_differs_is_enough() -> None:
    findings = costs_judged(charged(bills()))
    findings.charged.stores[STORE.id] += Decimal("0.0001")
    assert named(findings) == {}
    assert not findings.right


def test_a_document_that_names_another_trunk_costs_something_else() -> None:
    found = Findings()
    bill = next(bill for bill, outcome in zip(bills(), wanted(), strict=True) if isinstance(outcome, Charged))
    settle([bill._replace(call=replace(bill.call, trunk=None))], found)
    assert named(found) == {("cost", bill.scenario): 1}


def test_of_an_inbound_call_that_goes_on_outside_the_way_out_is_what_costs() -> None:
    store = next(store for store in chain(12, 1) if any(group.external for group in store.groups))
    calls = [
        call
        for call in islice(simulate(store, date(2026, 9, 1), 30, 1), 3000)
        if call.truth.scenario == "inbound_group_outside"
    ]
    found, documents = Findings(), assembled(store, calls, 1)
    outside = billed_of(store, calls, documents)
    settle(outside, found)
    assert named(found) == {}
    assert found.charged.rated == len(calls) > 10
    by_way_in = [
        bill._replace(call=replace(bill.call, category=call.truth.category))
        for bill, call in zip(outside, calls, strict=True)
    ]
    settle(by_way_in, found)
    assert 0 < named(found)[Where("cost", "inbound_group_outside")] < len(calls)
