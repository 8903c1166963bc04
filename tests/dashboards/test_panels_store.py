"""Every number of the one store's dashboard, against the truth; its days and hours: with the other ones."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from tests.dashboards import reckon
from tests.dashboards.cases import WEEK, Case
from tests.dashboards.reckon import grouped, sums
from tests.dashboards.world import Made
from tests.dashboards.written import change, count, decimal, minutes, money, points, same, share

MOST = 50
TRUNKS = 20
SHOWN = 200


def ringing(calls: list[Made]) -> Fraction | None:
    """The mean over inbound calls that somebody answered and of which the rows tell it."""
    told = [
        call.seconds.ring
        for call in calls
        if call.truth.direction == "inbound"
        and call.truth.outcome == "answered"
        and call.seconds.ring is not None
    ]
    return Fraction(sum(told), len(told)) if told else None


def test_the_figures(case: Case) -> None:
    earlier = case.before(WEEK)
    now, before = sums(case.calls), sums(earlier)
    missed, missed_before = (one.missed if one.inbound else None for one in (now, before))
    rings, rang = ringing(case.calls), ringing(earlier)
    costs = reckon.costs(case.calls, case.costs)
    wanted = [
        ("Chamadas", count(now.calls), change(now.calls, before.calls, WEEK)),
        ("Recebidas", count(now.inbound), change(now.inbound, before.inbound, WEEK)),
        ("Perdidas", count(missed), change(missed, missed_before, WEEK)),
        (
            "Perdidas / recebidas",
            share(now.missed_share),
            points(now.missed_share, before.missed_share, WEEK),
        ),
        ("Feitas", count(now.outbound), change(now.outbound, before.outbound, WEEK)),
        ("Internas", count(now.internal), change(now.internal, before.internal, WEEK)),
        ("Minutos falados", minutes(now.talk_seconds), change(now.talk_seconds, before.talk_seconds, WEEK)),
        ("Toca até atenderem (s)", decimal(rings), change(rings, rang, WEEK)),
        (
            "Custo previsto",
            money(costs.amount),
            f"{count(costs.unrated)} sem preço" if costs.unrated else "",
        ),
    ]
    found = case.screens.figures("store-figures", case.selection)
    assert same(found, wanted), (found, wanted)


def rows(groups: dict[str, list[Made]], figures: Callable[[list[Made]], tuple[Any, ...]]) -> list[Any]:
    names = sorted(groups, key=lambda name: (-len(groups[name]), name))[:MOST]
    return [(name, len(groups[name]), *figures(groups[name])) for name in names]


def test_who_answers(case: Case) -> None:
    some = [call for call in case.calls if call.truth.direction != "outbound"]
    people: dict[str, list[Made]] = {}
    for (_, who), calls in reckon.answered_by(some).items():
        people.setdefault(who, []).extend(calls)

    def talked(calls: list[Made]) -> tuple[Any, ...]:
        told = [call.seconds.talk for call in calls if call.seconds.talk is not None]
        return sum(told), pytest.approx(sum(told) / len(told)) if told else None

    assert case.screens.table("store-answered-by", case.selection) == rows(people, talked)


def test_who_calls_outside(case: Case) -> None:
    some = [call for call in case.calls if call.truth.direction == "outbound"]
    found = case.screens.table("store-callers", case.selection)
    callers = grouped(some, lambda call: call.truth.source)
    assert found == rows(callers, lambda calls: (sum(call.truth.billable_seconds for call in calls),))


def test_each_trunk(case: Case) -> None:
    found = case.screens.table("store-trunks", case.selection)
    trunks = grouped(case.calls, reckon.trunk)
    wanted = rows(trunks, lambda calls: (sum(call.truth.billable_seconds for call in calls),))[:TRUNKS]
    assert [(name, calls, seconds) for name, calls, _, seconds in found] == wanted


def test_the_list_of_calls(case: Case) -> None:
    found = case.screens.answer("search-calls", case.selection)
    assert found["found"] == len(case.calls)
    assert len(found["rows"]) == min(len(case.calls), SHOWN)
    wanted = {call.key: call for call in case.calls}
    shown = [wanted[row["fields"]["call.id"][0]] for row in found["rows"]]
    assert [call.begin for call in shown] == sorted((call.begin for call in case.calls), reverse=True)[:SHOWN]
    for row, call in zip(found["rows"], shown, strict=True):
        fields, truth = row["fields"], call.truth
        assert fields["store.name"] == [call.store.name]
        said = [fields[f"call.{name}"] for name in ("direction", "outcome", "missed")]
        assert said == [[truth.direction], [truth.outcome], [truth.missed]]
        seconds = [fields.get(f"call.{name}_seconds", [None]) for name in ("talk", "wait")]
        assert seconds == [[call.seconds.talk], [call.seconds.wait]]


def test_the_list_of_rows(case: Case) -> None:
    """One world only has its rows; their times are those of legs, so that a cut may part a call from some."""
    found = case.screens.answer("search-rows", case.selection)["found"]
    if not case.world.rows:
        assert found == 0
        return
    some = sum(call.truth.rows for call in case.calls)
    edge = sum(
        call.truth.rows
        for call in case.world.calls
        if any(
            call.begin < at.timestamp() <= call.end
            for at in (case.selection.since, case.selection.until)
            if at
        )
    )
    assert some - edge <= found <= some + edge
    assert edge < some / 100
