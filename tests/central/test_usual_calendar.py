"""When a store is open, in absolute time: zones, holidays, exceptions, closed for good, usual hours."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.stores.holidays import calendar_code, code_of, holidays_of
from central.usual.calendar import Calendar, calendar_of, usual_week

SAO_PAULO = {"timezone": "America/Sao_Paulo", "state": "SP", "city": "São Paulo"}
HOURS = ["Mon-Fri 09:00-12:00, 14:00-18:30", "Sat 09:00-13:00"]


def openings(store: dict[str, Any], day: str) -> list[tuple[str, str]]:
    """The openings of a day, in UTC."""
    spans = calendar_of(store).openings(date.fromisoformat(day))
    return [
        (f"{datetime.fromtimestamp(begin, UTC):%d %H:%M}", f"{datetime.fromtimestamp(end, UTC):%d %H:%M}")
        for begin, end in spans
    ]


def test_hours_of_the_week_are_moments_by_the_stores_clock() -> None:
    store = SAO_PAULO | {"opening_hours": HOURS}
    assert openings(store, "2026-11-23") == [("23 12:00", "23 15:00"), ("23 17:00", "23 21:30")]
    assert openings(store | {"timezone": "America/Rio_Branco"}, "2026-11-23")[0] == ("23 14:00", "23 17:00")
    assert openings(store, "2026-11-28") == [("28 12:00", "28 16:00")]
    assert openings(store, "2026-11-29") == []


def test_an_exception_goes_before_a_holiday_and_a_holiday_before_the_week() -> None:
    store = SAO_PAULO | {
        "opening_hours": HOURS,
        "opening_exceptions": [
            "2026-12-25 10:00-12:00",
            "2026-12-28..2026-12-30 closed",
            "2026-12-29 09:00-10:00",
        ],
    }
    assert openings(store, "2026-11-20") == [], "Consciência Negra"
    assert openings(store, "2027-01-25") == [], "the city's own day"
    assert openings(store | {"city": "Santos"}, "2027-01-25") != []
    assert openings(store | {"holidays": "none"}, "2026-11-20") != []
    assert openings(store, "2026-12-25") == [("25 13:00", "25 15:00")]
    assert openings(store, "2026-12-28") == []
    assert openings(store, "2026-12-29") == [("29 12:00", "29 13:00")]
    calendar = calendar_of(store)
    ordinary = [day for day in range(20, 32) if calendar.is_ordinary(date(2026, 12, day))]
    assert ordinary == [20, 21, 22, 23, 24, 26, 27, 31]


def test_a_store_that_is_closed_for_good_never_opens() -> None:
    store = SAO_PAULO | {
        "opening_hours": HOURS,
        "closed_from": "2026-11-24",
        "opening_exceptions": ["2026-11-25 24h"],
    }
    assert openings(store, "2026-11-23") != []
    assert openings(store, "2026-11-24") == openings(store, "2026-11-25") == []


def test_what_ends_after_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    store = SAO_PAULO | {
        "opening_hours": ["Fri-Sat 18:00-02:00"],
        "opening_exceptions": ["2026-11-28 01:00-03:00"],
    }
    assert openings(store, "2026-11-27") == [("27 21:00", "28 05:00")]
    assert openings(store, "2026-11-28") == [("28 05:00", "28 06:00")], "the night before goes on until two"
    calendar = calendar_of(store)
    hours = [piece.hour for piece in calendar.pieces(date(2026, 11, 27))]
    assert hours == [*range(4 * 24 + 18, 5 * 24), 5 * 24, 5 * 24 + 1]


def test_clocks_that_go_forward_and_back() -> None:
    store = {"timezone": "America/New_York", "holidays": "none", "opening_hours": ["Mon-Sun 00:00-24:00"]}
    calendar = calendar_of(store)
    lengths = {
        day: sum(end - begin for begin, end in calendar.openings(day)) / 3600
        for day in (date(2026, 3, 8), date(2026, 11, 1))
    }
    assert lengths == {date(2026, 3, 8): 23, date(2026, 11, 1): 25}
    assert len(calendar.pieces(date(2026, 3, 8))) == 23


def test_without_opening_hours_the_usual_ones_count() -> None:
    calls = [0.0] * 168
    calls[9:12] = [1.0, 4.0, 0.3]
    calls[14] = 0.5
    calls[-1] = 2.0
    week = usual_week(calls)
    assert week is not None
    assert (week[0], week[1], week[6]) == (((540, 660), (840, 900)), (), ((1380, 1440),))
    assert openings(SAO_PAULO | {"usual": {"calls": calls}}, "2026-11-23") == [
        ("23 12:00", "23 14:00"),
        ("23 17:00", "23 18:00"),
    ]
    assert usual_week([0.01] * 168) is usual_week([]) is None
    assert calendar_of(SAO_PAULO).week is None
    assert openings(SAO_PAULO, "2026-11-23") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [({"timezone": "No/Where"}, "store.timezone 'No/Where'"), ({"opening_hours": ["Mon 9"]}, "'Mon 9'")],
)
def test_what_cannot_be_used_is_told(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calendar_of(SAO_PAULO | change)


def test_which_part_of_an_hour_a_store_is_usually_open() -> None:
    calendar = calendar_of(SAO_PAULO | {"opening_hours": ["Mon 08:30-10:15", "Sun 22:00-01:30"]})
    parts = {hour: part for hour, part in enumerate(calendar.open_parts) if part}
    assert parts == {0: 1.0, 1: 0.5, 8: 0.5, 9: 1.0, 10: 0.25, 166: 1.0, 167: 1.0}


# Sources: Laws 662/1949, 6.802/1980, 9.093/1995, 14.759/2023; Carnival and Corpus Christi by Easter.
NATION = {
    *(date(2026, 1, 1), date(2026, 2, 17), date(2026, 4, 3), date(2026, 4, 21), date(2026, 5, 1)),
    *(date(2026, 6, 4), date(2026, 9, 7), date(2026, 10, 12), date(2026, 11, 2), date(2026, 11, 15)),
    *(date(2026, 11, 20), date(2026, 12, 25)),
}


def test_holidays_of_nation_state_and_city() -> None:
    assert holidays_of(code_of("", ""), 2026) == NATION
    assert holidays_of(code_of("SP", "Bauru"), 2026) - NATION == {date(2026, 7, 9)}
    assert holidays_of(code_of("SP", "SAO PAULO"), 2026) - NATION == {date(2026, 7, 9), date(2026, 1, 25)}
    assert holidays_of(code_of("PE", "Recife"), 2026) >= {date(2026, 3, 12)}
    assert holidays_of("none", 2026) == frozenset()


def test_calendars_have_one_name() -> None:
    assert [
        calendar_code(text)
        for text in ("Nenhum", "none", "br", "br-sp", "BR-SP-sao paulo", "BR-SC-Joinville")
    ] == [
        "none",
        "none",
        "BR",
        "BR-SP",
        "BR-SP-São Paulo",
        "BR-SC-Joinville",
    ]
    assert [calendar_code(text) for text in ("SP", "BR-XX", "BR-SP-Manaus", "AR", "")] == [None] * 5
    assert (code_of("SP", "Manaus"), code_of("XX", "Manaus"), code_of("AM", "manaus")) == (
        "BR-SP",
        "BR",
        "BR-AM-Manaus",
    )


@given(
    st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 1440)), min_size=7, max_size=7),
    st.sampled_from(["America/Sao_Paulo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.dates(date(2020, 1, 2), date(2030, 12, 30)),
)
def test_pieces_never_overlap_and_are_an_hour_at_most(
    week: list[tuple[int, int]], zone: str, first: date
) -> None:
    ranges = tuple(((begin, begin + length),) for begin, length in week)
    calendar = Calendar(ZoneInfo(zone), ranges)
    pieces = [piece for number in range(10) for piece in calendar.pieces(first + timedelta(days=number))]
    for piece in pieces:
        assert 0 < piece.end - piece.begin <= 2 * 3600
    for before, after in pairwise(pieces):
        assert before.end <= after.begin
