"""Every number of the peaks, against the truth; those of trunks: `test_panels_relations`."""

from collections import Counter

import pytest

from tests.dashboards import reckon
from tests.dashboards.cases import MONTH, Case
from tests.dashboards.reckon import grouped
from tests.dashboards.world import Made
from tests.dashboards.written import count

WEEKDAYS = ("Seg", "Ter", "Qua", "Qui", "Sex", "Sáb", "Dom")
COMPARED = 5


def by_hour_of_week(calls: list[Made]) -> dict[tuple[str, str], str]:
    hours = Counter(map(reckon.weekday_hour, calls))
    return {(WEEKDAYS[day - 1], str(hour)): count(number) for (day, hour), number in hours.items()}


@pytest.mark.parametrize(
    ("panel", "unit", "only_missed"),
    [
        ("peaks-calls", "chamadas", False),
        ("peaks-missed", "perdidas", True),
        ("store-week", "chamadas", False),
    ],
)
def test_each_hour_of_the_week(case: Case, panel: str, unit: str, only_missed: bool) -> None:
    calls = [call for call in case.calls if call.truth.missed or not only_missed]
    for kind in ("rect", "text"):
        found = case.screens.parts(panel, case.selection, kind)
        assert {(one["Dia"], one["Hora"]): one[unit] for one in found} == by_hour_of_week(calls)
        assert len(found) == len(by_hour_of_week(calls))


def test_stores_compared(case: Case) -> None:
    stores = grouped(case.calls, lambda call: call.store.name)
    names = sorted(stores, key=lambda name: (-len(stores[name]), name))[:COMPARED]
    wanted = {
        (name, str(hour)): count(Counter(map(reckon.hour, stores[name]))[hour])
        for name in names
        for hour in range(24)
    }
    found = case.screens.parts("peaks-stores", case.selection, "symbol")
    assert {(one["Loja"], one["Hora"]): one["chamadas"] for one in found} == wanted
    assert len(found) == len(wanted)


def test_periods_compared(case: Case) -> None:
    periods = {"neste período": case.calls, "28 dias antes": case.before(MONTH)}
    wanted = {
        (name, str(hour)): count(Counter(map(reckon.hour, calls))[hour])
        for name, calls in periods.items()
        for hour in range(24)
    }
    found = case.screens.parts("peaks-periods", case.selection, "symbol")
    assert {(one["Período"], one["Hora"]): one["chamadas"] for one in found} == wanted
    assert len(found) == len(wanted)
