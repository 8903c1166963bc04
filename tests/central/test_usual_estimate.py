"""What is learned: levels and hours, what does not teach, and the silence that chance does not explain."""

import json
import math
import random
from datetime import date, timedelta

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.usual.calendar import calendar_of
from central.usual.estimate import Day, Usual, usual_of
from central.usual.expectation import expectation_of
from central.usual.levels import no_call
from shipper.schema import load as load_schema

TODAY = date(2026, 9, 21)  # a Monday; in the ninety days before are two holidays of São Paulo
STORE = {
    "timezone": "America/Sao_Paulo",
    "state": "SP",
    "city": "Bauru",
    "opening_hours": ["Mon-Fri 09:00-18:00", "Sat 09:00-13:00"],
}
CALENDAR = calendar_of(STORE)
HOURS = {0: range(9, 18), 1: range(9, 13)}  # Monday to Friday, Saturday
WEEK = (1.0, 0.9, 1.0, 1.0, 1.2, 0.5, 0.0)
HOLIDAYS = (date(2026, 7, 9), date(2026, 9, 7))

History = dict[date, Day]


def day(calls: int, weekday: int = 0) -> Day:
    """A day whose calls are spread evenly over its opening hours."""
    hours = [0] * 24
    of = HOURS[1 if weekday == 5 else 0]
    for number in range(calls):
        hours[of[number % len(of)]] += 1
    return Day(hours, inbound=calls)


def history(mean: float, days: int = 90, rng: random.Random | None = None) -> History:
    """A steady store: without chance, or by Poisson's law."""
    found = {}
    for age in range(1, days + 1):
        one = TODAY - timedelta(days=age)
        expected = mean * WEEK[one.weekday()]
        calls = _poisson(rng, expected) if rng else round(expected)
        if calls and one not in HOLIDAYS:
            found[one] = day(calls, one.weekday())
    return found


def _poisson(rng: random.Random, mean: float) -> int:
    count, product = 0, rng.random()
    while product > math.exp(-mean):
        count, product = count + 1, product * rng.random()
    return count


def learned(of: History) -> Usual:
    return usual_of(of, CALENDAR, TODAY)


def by_day(usual: Usual) -> list[float]:
    return [sum(usual.calls[first : first + 24]) for first in range(0, 168, 24)]


def test_a_steady_store_is_learned_as_it_is() -> None:
    usual = learned(history(100))
    assert usual.days == 90 - 2 - 1, "two holidays, and yesterday, a Sunday: the silence has not ended yet"
    assert by_day(usual)[:6] == pytest.approx([100, 90, 100, 100, 120, 50], rel=0.04)
    assert by_day(usual)[6] < 1
    assert usual.calls[9:18] == pytest.approx([100 / 9] * 9, rel=0.07)
    assert sum(usual.calls[:9]) + sum(usual.calls[18:24]) == pytest.approx(0, abs=0.01)
    assert usual.week_calls == pytest.approx(560, rel=0.02)


def test_what_no_call_says_is_left_out_of_the_document() -> None:
    usual = learned({})
    assert (usual.days, sum(usual.calls), usual.limit) == (0, 0, 12)
    none = {"days": 0, "calls": [0.0] * 168, "limit": 12, "week_calls": 0, "day_billable_seconds": 0}
    assert usual.as_dict() == none


def test_a_day_that_is_not_over_teaches_nothing() -> None:
    before = history(100)
    after = {TODAY: day(900), TODAY + timedelta(days=1): day(900)}
    assert learned(before | after).calls == learned(before).calls


def test_holidays_and_exceptions_teach_nothing() -> None:
    before = history(100)
    assert learned(before | {HOLIDAYS[0]: day(900)}).calls == learned(before).calls
    store = STORE | {"opening_exceptions": ["2026-08-03..2026-08-14 closed"]}
    odd = {date(2026, 8, number): day(3) for number in range(3, 15)}
    steady = usual_of(before | odd, calendar_of(store), TODAY)
    assert by_day(steady) == pytest.approx(by_day(learned(before)), rel=0.02, abs=0.5)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(3, 300),
    st.integers(0, 12),
    st.sampled_from([0.0, 0.1, 3.0, 10.0]),
    st.none() | st.integers(0, 2**32),
)
def test_one_odd_week_moves_nothing_by_more_than_a_few_percent(
    mean: int, weeks_ago: int, times: float, seed: int | None
) -> None:
    before = history(mean, rng=None if seed is None else random.Random(seed))
    odd = dict(before)
    for age in range(7 * weeks_ago + 1, 7 * weeks_ago + 8):
        one = TODAY - timedelta(days=age)
        if one in odd:
            odd[one] = Day([round(number * times) for number in odd[one].hours])
    ratio = sum(learned(odd).calls) / sum(learned(before).calls)
    # A week differs from its neighbours by 1 / sqrt(5.6 * mean): that is left to chance where one is missing.
    chance = 0.0 if seed is None else 5 / math.sqrt(5.6 * mean)
    assert abs(ratio - 1) < 0.04 + chance


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([3, 8, 30, 150]), st.integers(0, 2**32))
def test_the_level_is_right_within_what_chance_allows(mean: int, seed: int) -> None:
    usual = learned(history(mean, rng=random.Random(seed)))
    # Five standard deviations, as if 40 days had taught.
    assert sum(usual.calls) / (5.6 * mean) == pytest.approx(1, abs=0.04 + 5 / math.sqrt(40 * mean))


def test_an_outage_teaches_nothing_also_of_a_slow_store_and_while_it_goes_on() -> None:
    for mean in (3, 100):
        before = history(mean, rng=random.Random(5))
        for last in (30, 1):
            ages = range(last, last + 10)
            gone = {one: found for one, found in before.items() if (TODAY - one).days not in ages}
            ratio = sum(learned(gone).calls) / sum(learned(before).calls)
            assert ratio == pytest.approx(1, abs=0.12), (mean, last)


def test_a_decline_is_followed() -> None:
    before = {
        one: Day([round(number * 0.2 ** (max(0, 70 - (TODAY - one).days) / 70)) for number in found.hours])
        for one, found in history(200).items()
    }
    # The true level of today is 40 calls; the last week's is 43 on average.
    assert 40 < by_day(learned(before))[0] < 62


def test_a_season_that_begins_is_followed_within_three_weeks() -> None:
    before = history(100)
    for age in range(1, 22):
        one = TODAY - timedelta(days=age)
        if one in before:
            before[one] = day(round(140 * WEEK[one.weekday()]), one.weekday())
    assert by_day(learned(before))[0] == pytest.approx(140, rel=0.08)


def test_the_limit_is_the_silence_that_is_as_improbable_as_is_aimed_at() -> None:
    assert no_call(3, 1e9) == pytest.approx(math.exp(-3), rel=1e-6), "a rate known for sure: Poisson's law"
    assert no_call(3, 2) == pytest.approx((2 / 5) ** 2)
    # Known from 30 calls and 0.55 of those of three weeks, days that vary by 10 % beyond chance, 0.25 false
    # alarms a quarter: 36.7 * (exp(ln(4 * 218) / 36.7) - 1), and 55 * (exp(ln(4 * 728) / 55) - 1).
    assert learned(history(3)).limit == pytest.approx(7.44, abs=0.3)
    assert learned(history(10)).limit == pytest.approx(8.58, abs=0.3)
    assert learned(history(300)).limit == 11.5
    few = learned({TODAY - timedelta(days=2): day(3)})
    assert few.limit == 11.5, "three calls do not say much"
    assert (few.days, sum(few.calls) > 0) == (1, True)


def test_a_store_of_which_only_days_of_calls_are_known_is_not_new() -> None:
    usual = learned(history(3, days=10, rng=random.Random(2)))
    store = STORE | {"usual": usual.as_dict()}
    monday = 1_790_000_000.0
    # Below the floor of a new store: 0.75 calls in each opening hour.
    assert 0.1 < expectation_of(store).between(monday, monday + 7 * 86400) / 49 < 0.6


def test_the_figures_beside_the_calls() -> None:
    before = {
        one: Day(found.hours, 10, 2, billable_seconds=60 * (one.day % 10), cost=float(one.day % 10))
        for one, found in history(20).items()
    }
    usual = learned(before)
    assert usual.missed_share == pytest.approx(0.2)
    days = sorted(one.day % 10 for one in before)
    busy = days[math.ceil(0.9 * len(days)) - 1]
    assert (usual.day_billable_seconds, usual.day_cost) == (60 * busy, busy)


def test_what_was_usual_before_the_last_four_weeks() -> None:
    before = history(100)
    for age in range(1, 29):
        before.pop(TODAY - timedelta(days=age), None)
        one = TODAY - timedelta(days=age)
        if WEEK[one.weekday()] and one not in HOLIDAYS:
            before[one] = day(round(70 * WEEK[one.weekday()]), one.weekday())
    usual = learned(before)
    assert usual.week_calls == pytest.approx(560, rel=0.05)
    assert sum(usual.calls) == pytest.approx(0.7 * 560, rel=0.05)


def test_what_is_learned_is_as_the_schema_says() -> None:
    usual = load_schema("store")["properties"]["store"]["properties"]["usual"]
    before = {one: Day(found.hours, 10, 2, 60, 1.5) for one, found in history(20).items()}
    for found in (learned(before), learned({})):
        document = json.loads(json.dumps(found.as_dict() | {"learned_at": "2026-09-21T05:00:00Z"}))
        jsonschema.validate(document, usual)
    assert set(learned(before).as_dict()) == set(usual["properties"]) - {"learned_at"}


def test_recent_calls_make_up_for_a_holiday_and_an_outage() -> None:
    before = history(100)
    assert learned(before).recent_calls == pytest.approx(560, rel=0.03)
    for age in (3, 4):
        del before[TODAY - timedelta(days=age)]
    assert learned(before).recent_calls == pytest.approx(560, rel=0.04), "two days without any call"
    half = {one: found for one, found in history(100).items() if (TODAY - one).days > 7}
    half |= {
        one: day(round(50 * WEEK[one.weekday()]), one.weekday())
        for one in history(100)
        if (TODAY - one).days <= 7
    }
    assert learned(half).recent_calls == pytest.approx(280, rel=0.05)
    assert learned({TODAY - timedelta(days=40): day(5)}).recent_calls is None
