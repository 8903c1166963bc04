"""The period that the preview's page shows: relative and absolute ends, by the calendar of the reader."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.preview.period import PeriodError, between, moment

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 11, 25, 17, 30, 12, 345000, tzinfo=UTC)  # a Wednesday, 14:30 in São Paulo


def at(text: str, zone: ZoneInfo = SAO_PAULO, now: datetime = NOW, **more: Any) -> str:
    return moment(text, now, zone, **more).isoformat()


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("now", "2026-11-25T17:30:12.345000+00:00", "2026-11-25T17:30:12.345000+00:00"),
        ("now-7d", "2026-11-18T17:30:12.345000+00:00", "2026-11-18T17:30:12.345000+00:00"),
        ("now/d", "2026-11-25T03:00:00+00:00", "2026-11-26T02:59:59.999000+00:00"),
        ("now-1d/d", "2026-11-24T03:00:00+00:00", "2026-11-25T02:59:59.999000+00:00"),
        ("now/w", "2026-11-22T03:00:00+00:00", "2026-11-29T02:59:59.999000+00:00"),
        ("now/M", "2026-11-01T03:00:00+00:00", "2026-12-01T02:59:59.999000+00:00"),
        ("now-1M/M", "2026-10-01T03:00:00+00:00", "2026-11-01T02:59:59.999000+00:00"),
        ("now/y", "2026-01-01T03:00:00+00:00", "2027-01-01T02:59:59.999000+00:00"),
        ("now/h", "2026-11-25T17:00:00+00:00", "2026-11-25T17:59:59.999000+00:00"),
        ("now-12M", "2025-11-25T17:30:12.345000+00:00", "2025-11-25T17:30:12.345000+00:00"),
        ("now-1h-30m", "2026-11-25T16:00:12.345000+00:00", "2026-11-25T16:00:12.345000+00:00"),
        ("2026-11-23T10:00:00", "2026-11-23T13:00:00+00:00", "2026-11-23T13:00:00+00:00"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00+00:00", "2026-11-23T10:00:00+00:00"),
    ],
)
def test_moments_are_those_of_the_calendar_of_the_readers_zone(text: str, first: str, last: str) -> None:
    assert (at(text), at(text, up=True)) == (first, last)


def test_a_month_back_from_its_31st_is_the_months_last_day() -> None:
    assert at("now-1M", ZoneInfo("UTC"), datetime(2026, 3, 31, 12, tzinfo=UTC)) == "2026-02-28T12:00:00+00:00"


def test_a_day_is_as_long_as_the_clocks_make_it() -> None:
    """In 2018 Brazil's clocks went forward at midnight of 4 November: that day had 23 hours, from 1:00 on."""
    then = datetime(2018, 11, 4, 15, tzinfo=UTC)
    since, until = between("now/d", "now/d", then, SAO_PAULO)
    assert (since.isoformat(), until.isoformat()) == (
        "2018-11-04T03:00:00+00:00",
        "2018-11-05T01:59:59.999000+00:00",
    )
    assert moment("now-1d", then, SAO_PAULO).isoformat() == "2018-11-03T16:00:00+00:00"


def test_hours_of_half_hour_zones_begin_by_their_own_clock() -> None:
    now = datetime(2026, 11, 25, 18, 10, tzinfo=UTC)  # 23:40 there
    assert at("now/h", ZoneInfo("Asia/Kolkata"), now) == "2026-11-25T17:30:00+00:00"


@pytest.mark.parametrize(
    "text", ["", "later", "now-", "now-7", "now-7q", "now-7d/", "now-999999y", "23/11/2026", "now 7d"]
)
def test_what_is_no_moment_is_told(text: str) -> None:
    with pytest.raises(PeriodError, match=re.escape(repr(text))):
        moment(text, NOW, SAO_PAULO)


def test_a_period_does_not_end_before_it_begins() -> None:
    with pytest.raises(PeriodError, match=r"ends \(now-2d\) before it begins \(now-1d\)"):
        between("now-1d", "now-2d", NOW, SAO_PAULO)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001  # the zone follows
    st.sampled_from(
        ["America/Sao_Paulo", "America/Noronha", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]
    ),
    st.sampled_from("smhdwMy"),
)
def test_rounding_encloses_the_moment_and_leaves_no_gap(naive: datetime, zone: str, unit: str) -> None:
    now = naive.replace(tzinfo=UTC)
    first, last = between(f"now/{unit}", f"now/{unit}", now, ZoneInfo(zone))
    assert first <= now < last + timedelta(milliseconds=1)
    following = last + timedelta(milliseconds=1)
    assert moment(f"now/{unit}", following, ZoneInfo(zone)) == following
