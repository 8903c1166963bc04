"""The short form of the simulated year: twenty stores for 150 days, held to the bounds."""

import pytest

from central.usual.expectation import MOST_CALLS
from tests.year.judging import AGENT_WITHIN, PBX_WITHIN, Found, Verdict
from tests.year.plan import DUMB, OFF, TROUBLED
from tests.year.stores import CLASSES
from tests.year.table import SILENT, false_of, lines
from tests.year.year import year


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return year(20, 150, 1)


def due(verdict: Verdict, kinds: frozenset[str]) -> list[Found]:
    found = [one for one in verdict.found if one.kind in kinds and one.due]
    assert len(found) >= 10, "the year has too few of them to say anything"
    return found


def test_every_silent_agent_is_found_in_time(verdict: Verdict) -> None:
    assert [one for one in due(verdict, OFF) if one.delay is None or one.delay > AGENT_WITHIN] == []


def test_every_silent_pbx_is_found_in_time(verdict: Verdict) -> None:
    assert [one for one in due(verdict, TROUBLED) if one.delay is None or one.delay > PBX_WITHIN] == []


def test_every_idle_store_is_found_when_its_silence_is_improbable(verdict: Verdict) -> None:
    found = due(verdict, DUMB)
    assert [one for one in found if one.delay is None] == []
    # The bound is by the true rate, which nobody knows: what was learned is off by a few percent, after a
    # change of season by more.
    assert sum(one.calls for one in found) / len(found) < MOST_CALLS
    assert max(one.calls for one in found) < 1.5 * MOST_CALLS
    assert sum(one.late for one in found) <= 0.25 * len(found)


@pytest.mark.parametrize("size", CLASSES)
def test_a_store_has_at_most_one_false_alarm_a_quarter(verdict: Verdict, size: str) -> None:
    assert false_of(verdict, size, *SILENT).total() == 0
    assert false_of(verdict, size, "idle").total() <= verdict.quarters[size]


def test_nothing_is_raised_while_a_store_is_closed(verdict: Verdict) -> None:
    assert verdict.holidays > 50
    assert verdict.while_closed == 0


def test_the_tables_tell_of_every_incident(verdict: Verdict) -> None:
    rows = [line.split(" | ") for line in lines(verdict) if line.startswith("| ")]
    happened = [int(row[2]) for row in rows if len(row) == 11 and row[2].isdecimal()]
    assert sum(happened) == len(verdict.found)


def test_the_same_seed_gives_the_same_year(verdict: Verdict) -> None:
    again = year(2, 60, 1)
    assert list(lines(again)) == list(lines(year(2, 60, 1)))
    assert list(lines(again)) != list(lines(verdict))
