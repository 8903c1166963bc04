"""How many calls would have been usual: only while open, by the hour, and by how the day went."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.usual.calendar import calendar_of
from central.usual.expectation import Expectation, expectation_of, pace

STORE = {
    "timezone": "America/Sao_Paulo",
    "state": "SP",
    "opening_hours": ["Mon-Fri 09:00-18:00", "Sat 08:30-12:00"],
}


def week(**hours: float) -> list[float]:
    """168 numbers; `mon10=6` is Monday, 10 to 11 h."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    calls = [0.0] * 168
    for name, number in hours.items():
        calls[days.index(name[:3]) * 24 + int(name[3:])] = number
    return calls


def expectation(calls: list[float], days: int = 80, **store: Any) -> Expectation:
    return expectation_of({**STORE, **store, "usual": {"calls": calls, "days": days}})


def at(text: str) -> float:
    """A moment of November or December 2026 by the clock of São Paulo, three hours behind UTC."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC).timestamp() + 3 * 3600


BUSY = week(mon9=6, mon10=12, mon17=3, mon20=5, tue9=8, sat8=2, sat9=4)


def test_calls_are_expected_while_the_store_is_open_alone() -> None:
    usual = expectation(BUSY)
    assert usual.between(at("11-23 09:00"), at("11-23 10:00")) == pytest.approx(6)
    assert usual.between(at("11-23 09:30"), at("11-23 10:15")) == pytest.approx(3 + 3)
    assert usual.between(at("11-23 10:00"), at("11-24 09:30")) == pytest.approx(12 + 3 + 4), "none at 20 h"
    assert usual.between(at("11-23 18:00"), at("11-24 09:00")) == 0
    assert usual.between(at("11-24 09:00"), at("11-23 09:00")) == 0
    assert usual.between(at("11-22 00:00"), at("11-29 00:00")) == pytest.approx(6 + 12 + 3 + 8 + 2 + 4)


def test_the_calls_of_an_hour_are_spread_over_the_part_that_is_open() -> None:
    usual = expectation(BUSY)
    assert usual.between(at("11-28 08:00"), at("11-28 08:30")) == 0
    assert usual.between(at("11-28 08:30"), at("11-28 08:45")) == pytest.approx(1)


def test_nothing_is_expected_on_holidays_and_of_a_closed_store() -> None:
    days = (at("11-02 00:00"), at("11-03 00:00"))  # Finados, a Monday
    assert expectation(BUSY).between(*days) == 0
    assert expectation(BUSY, holidays="none").between(*days) == pytest.approx(21)
    assert expectation(BUSY, closed_from="2026-11-23").between(at("11-23 00:00"), at("11-30 00:00")) == 0
    exceptions = ["2026-11-23..2026-11-24 closed"]
    assert expectation(BUSY, opening_exceptions=exceptions).between(at("11-23 00:00"), at("11-25 00:00")) == 0


def test_when_so_many_are_reached() -> None:
    usual = expectation(BUSY)
    assert usual.reached(at("11-22 12:00"), 3) == pytest.approx(at("11-23 09:30"))
    assert usual.reached(at("11-23 10:30"), 6 + 3 + 4) == pytest.approx(at("11-24 09:30"))
    assert usual.reached(at("11-23 18:00"), 0.5) == pytest.approx(at("11-24 09:03:45"))
    assert expectation([0.0] * 168).reached(at("11-23 09:00"), 1) is None


def test_the_opening_that_goes_on_or_the_next_one() -> None:
    usual = expectation(BUSY)
    assert usual.span(at("11-23 12:00")) == (at("11-23 09:00"), at("11-23 18:00"))
    assert usual.span(at("11-23 18:00")) == (at("11-24 09:00"), at("11-24 18:00"))
    assert usual.span(at("11-28 12:00")) == (at("11-30 09:00"), at("11-30 18:00"))
    assert expectation(BUSY, closed_from="2026-11-23").span(at("11-23 12:00")) is None
    late = expectation(BUSY, opening_hours=["Fri 18:00-24:00", "Sat 00:00-04:00"])
    assert (
        late.span(at("11-28 01:00")) == late.span(at("11-27 19:00")) == (at("11-27 18:00"), at("11-28 04:00"))
    )
    always = expectation(BUSY, opening_hours=["Mon-Sun 00:00-24:00"], holidays="none").span(at("11-25 12:00"))
    assert always is not None
    assert always.begin <= at("11-25 00:00")
    assert always.end >= at("11-28 00:00")


def test_a_machine_that_starts_in_the_middle_of_an_opening_was_off_while_the_store_was_open() -> None:
    usual = expectation(BUSY)
    moments = ("11-23 08:50", "11-23 09:10", "11-23 09:20", "11-23 18:00", "11-22 12:00")
    assert [usual.is_within(at(moment), 900) for moment in moments] == [False, False, True, False, False]


def test_how_long_it_is_open() -> None:
    usual = expectation(BUSY)
    assert usual.open_seconds(at("11-23 08:00"), at("11-24 10:00")) == (9 + 1) * 3600
    assert usual.open_seconds(at("11-23 10:00"), at("11-23 10:00:30")) == 30
    assert usual.this_hour(at("11-23 10:59")) == 12
    assert usual.this_hour(at("11-23 20:00")) == 5, "what is usual is told although it is closed then"


def test_a_new_store_is_silent_after_sixteen_opening_hours() -> None:
    new = expectation_of(STORE)
    assert new.between(at("11-23 09:00"), at("11-24 16:00")) == pytest.approx(12)
    few = expectation([0.02] * 168, days=9)
    assert few.between(at("11-23 09:00"), at("11-24 16:00")) == pytest.approx(12)
    known = expectation([0.02] * 168, days=14)
    assert known.between(at("11-23 09:00"), at("11-24 16:00")) == pytest.approx(16 * 0.02)


def test_where_no_hours_are_known_nothing_is_expected() -> None:
    nothing = expectation_of({"timezone": "America/Sao_Paulo"})
    assert not nothing.known
    assert nothing.between(at("11-23 09:00"), at("11-27 09:00")) == 0
    assert nothing.span(at("11-23 09:00")) is None
    assert expectation(BUSY).known


def test_a_slow_day_expects_fewer_calls() -> None:
    assert pace(100, 100) == pace(150, 100) == pace(0, 0) == 1
    assert pace(90, 100) == 1, "chance explains it"
    # One standard deviation of days that vary by 10 % beyond chance: sqrt(100 + 0.01 * 100²).
    assert pace(45, 100) == pytest.approx((45 + 14.142) / 100, abs=1e-4)
    assert pace(0, 20) == pytest.approx(0.2449, abs=1e-4)
    assert pace(1, 2) == 1, "two calls say nothing"


def test_silence_goes_by_the_pace_of_the_day_of_the_last_call_alone() -> None:
    usual = expectation(week(mon9=40, mon10=60, mon11=20, tue9=10))
    call, now = at("11-23 11:00"), at("11-23 11:30")
    assert usual.silence(call, now, None) == pytest.approx(10)
    assert usual.silence(call, now, 100) == pytest.approx(10)
    assert usual.silence(call, now, 45) == pytest.approx(10 * pace(45, 100))
    assert usual.silence(call, at("11-24 10:00"), 45) == pytest.approx(20 * pace(45, 100) + 10)


@given(
    st.lists(st.floats(0, 50), min_size=168, max_size=168),
    st.floats(0, 14 * 86400),
    st.floats(0, 7 * 86400),
    st.floats(0, 7 * 86400),
)
def test_what_is_expected_adds_up_and_is_reached_when_it_is(
    calls: list[float], start: float, first: float, second: float
) -> None:
    usual = Expectation(calendar_of(STORE), tuple(calls), 80)
    begin = at("11-01 00:00") + start
    middle, end = begin + first, begin + first + second
    whole = usual.between(begin, end)
    assert whole == pytest.approx(usual.between(begin, middle) + usual.between(middle, end), abs=1e-6)
    reached = usual.reached(begin, whole / 2) if whole > 1e-3 else None
    if reached is not None:
        assert begin <= reached <= end
        assert usual.between(begin, reached) == pytest.approx(whole / 2, abs=1e-6)
