"""Every number of the overview, against the truth."""

from collections import Counter
from fractions import Fraction

import pytest

from tests.dashboards import reckon
from tests.dashboards.cases import WEEK, Case
from tests.dashboards.reckon import grouped, sums
from tests.dashboards.world import Made
from tests.dashboards.written import change, count, minutes, points, share

FEWEST, MOST = 10, 10
OUTCOMES = {
    "answered": "atendida",
    "voicemail": "caixa postal",
    "abandoned": "desistiu na espera",
    "no_answer": "ninguém atendeu",
    "busy": "ocupado",
    "failed": "falhou",
    "blocked": "bloqueada",
    "system": "só a máquina atendeu",
}


def kind(call: Made) -> str:
    """Which of the parts of a day's bar a call is."""
    truth = call.truth
    if truth.direction == "inbound":
        answered = "Recebidas atendidas" if truth.outcome == "answered" else "Bloqueadas e outras"
        return "Perdidas" if truth.missed else answered
    return "Feitas" if truth.direction == "outbound" else "Internas"


KINDS = ("Recebidas atendidas", "Perdidas", "Feitas", "Internas", "Bloqueadas e outras")


def by_days(calls: list[Made]) -> dict[tuple[str, str], str]:
    days = grouped(calls, reckon.day)
    parts = Counter((reckon.day(call), kind(call)) for call in calls)
    return {(day, name): count(parts[day, name]) for day in days for name in KINDS}


def test_the_figures(case: Case) -> None:
    now, before = sums(case.calls), sums(case.before(WEEK))
    reached, reached_before = (
        Fraction(one.answered_inbound, one.inbound) if one.inbound else None for one in (now, before)
    )
    missed, missed_before = (one.missed if one.inbound else None for one in (now, before))
    assert case.screens.figures("overview-figures", case.selection) == [
        ("Chamadas", count(now.calls), change(now.calls, before.calls, WEEK)),
        ("Recebidas", count(now.inbound), change(now.inbound, before.inbound, WEEK)),
        ("Atendidas", share(reached), points(reached, reached_before, WEEK)),
        ("Perdidas", count(missed), change(missed, missed_before, WEEK)),
        (
            "Perdidas / recebidas",
            share(now.missed_share),
            points(now.missed_share, before.missed_share, WEEK),
        ),
        ("Feitas", count(now.outbound), change(now.outbound, before.outbound, WEEK)),
        ("Internas", count(now.internal), change(now.internal, before.internal, WEEK)),
        ("Minutos falados", minutes(now.talk_seconds), change(now.talk_seconds, before.talk_seconds, WEEK)),
    ]


@pytest.mark.parametrize("panel", ["overview-days", "store-days"])
def test_each_day(case: Case, panel: str) -> None:
    found = case.screens.parts(panel, case.selection)
    assert {(one["Dia"], one["O quê"]): one["chamadas"] for one in found} == by_days(case.calls)
    assert len(found) == len(by_days(case.calls))


def test_the_trend(case: Case) -> None:
    found = case.screens.parts("overview-trend", case.selection, "symbol")
    wanted = {
        (period, day): count(len(calls))
        for period, some in (("neste período", case.calls), ("7 dias antes", case.before(WEEK)))
        for day, calls in grouped(some, reckon.day).items()
    }
    assert {(one["Período"], one["Dia"]): one["chamadas"] for one in found} == wanted
    assert len(found) == len(wanted)


@pytest.mark.parametrize(("panel", "sign"), [("overview-worst", -1), ("overview-best", 1)])
def test_the_worst_and_the_best_stores(case: Case, panel: str, sign: int) -> None:
    inbound = [call for call in case.calls if call.truth.direction == "inbound"]
    stores = {
        calls[0].store.name: sums(calls)
        for calls in grouped(inbound, reckon.store).values()
        if len(calls) >= FEWEST
    }
    names = sorted(
        stores, key=lambda name: (sign * (stores[name].missed_share or 0), -stores[name].calls, name)
    )
    wanted = [(name, stores[name]) for name in names[:MOST]]
    assert case.screens.ranking(panel, case.selection) == [
        (name, f"{share(one.missed_share)}  ({count(one.missed)} de {count(one.calls)})")
        for name, one in wanted
    ]
    shares = [float(one.missed_share or 0) for _, one in wanted]
    assert case.screens.lengths(panel, case.selection) == pytest.approx(shares)


def test_how_calls_ended(case: Case) -> None:
    outcomes = grouped(case.calls, reckon.outcome)
    names = sorted(outcomes, key=lambda name: (-len(outcomes[name]), name))
    assert case.screens.ranking("overview-outcomes", case.selection) == [
        (
            OUTCOMES[name],
            f"{count(one.inbound)} receb. · {count(one.outbound)} feitas · {count(one.internal)} int.",
        )
        for name in names
        for one in [sums(outcomes[name])]
    ]
