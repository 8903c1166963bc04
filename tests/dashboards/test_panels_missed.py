"""Every number of the missed calls, against the truth; those of calling back: `test_panels_relations`."""

from collections import Counter
from fractions import Fraction

import pytest

from tests.dashboards import reckon
from tests.dashboards.cases import WEEK, Case
from tests.dashboards.reckon import grouped, sums
from tests.dashboards.world import Made
from tests.dashboards.written import change, count, points, share

STORES = 20
"""How many stores the tables name."""
NAMES = 10


def missed(calls: list[Made]) -> list[Made]:
    return [call for call in calls if call.truth.missed]


def test_the_figures(case: Case) -> None:
    now, before = sums(case.calls), sums(case.before(WEEK))
    number, number_before = (one.missed if one.inbound else None for one in (now, before))
    found = case.screens.figures("missed-figures", case.selection)
    assert found[:2] == [
        ("Perdidas", count(number), change(number, number_before, WEEK)),
        (
            "Das recebidas",
            share(now.missed_share),
            points(now.missed_share, before.missed_share, WEEK),
        ),
    ]


def test_each_day(case: Case) -> None:
    found = case.screens.parts("missed-days", case.selection)
    days: Counter[str] = Counter()
    for one in found:
        days[one["Dia"]] += int(one["perdidas"].replace(".", ""))
    wanted = Counter(map(reckon.day, missed(case.calls)))
    assert days == wanted


def test_each_hour(case: Case) -> None:
    found = case.screens.parts("missed-hours", case.selection)
    inbound = [call for call in case.calls if call.truth.direction == "inbound"]
    by_hour = grouped(inbound, reckon.hour)
    wanted = {}
    for hour in range(24):
        one = sums(by_hour.get(hour, []))
        wanted[str(hour), "Perdidas"] = count(one.missed)
        wanted[str(hour), "Atendidas"] = count(one.answered)
    assert {(one["hora no relógio da loja"], one["O quê"]): one["chamadas"] for one in found} == wanted
    assert len(found) == len(wanted)


def mean_wait(calls: list[Made]) -> Fraction | None:
    told = [call.seconds.wait for call in calls if call.seconds.wait is not None]
    return Fraction(sum(told), len(told)) if told else None


@pytest.mark.parametrize(
    ("panel", "key"),
    [("missed-did", reckon.did), ("missed-queue", reckon.queue), ("missed-group", reckon.group)],
)
def test_each_number_queue_and_group(case: Case, panel: str, key: reckon.Name) -> None:
    some = [call for call in missed(case.calls) if key(call)]
    stores = grouped(some, lambda call: call.store.name)
    names = sorted(stores, key=lambda name: (-len(stores[name]), name))[:STORES]
    wanted = []
    for name in names:
        inside = grouped(stores[name], key)
        most = sorted(inside, key=lambda one: (-len(inside[one]), one))[:NAMES]
        wanted += [(name, which, len(inside[which]), mean_wait(inside[which])) for which in most]
    found = case.screens.table(panel, case.selection)
    assert [row[:3] for row in found] == [row[:3] for row in wanted]
    for shown, meant in zip(found, wanted, strict=True):
        assert shown[3] == (None if meant[3] is None else pytest.approx(float(meant[3]))), shown
