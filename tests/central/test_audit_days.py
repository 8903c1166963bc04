"""Which days are compared: by each store's own clock, from when it was there."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from central.audit.days import UNKNOWN, Registered, compared, last_days, zone_of

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOON = datetime(2026, 11, 25, 15, tzinfo=UTC)
WEEK = [f"2026-11-{day}" for day in range(18, 25)]


def of(store: Registered, reported: list[str], held: list[str], now: datetime = NOON) -> list[str]:
    wanted = compared(store, SAO_PAULO, reported, held, now)
    return [day for day in last_days(SAO_PAULO, 7, now) if wanted(day)]


@pytest.mark.parametrize(
    ("zone", "now", "days"),
    [
        ("America/Sao_Paulo", "2026-11-25T02:59:59Z", ["2026-11-22", "2026-11-23"]),
        ("America/Sao_Paulo", "2026-11-25T03:00:00Z", ["2026-11-23", "2026-11-24"]),
        ("Pacific/Kiritimati", "2026-11-25T10:00:00Z", ["2026-11-24", "2026-11-25"]),
        ("Europe/Berlin", "2026-03-29T22:30:00Z", ["2026-03-28", "2026-03-29"]),  # a day of 23 hours
    ],
)
def test_complete_days(zone: str, now: str, days: list[str]) -> None:
    assert last_days(ZoneInfo(zone), 2, datetime.fromisoformat(now)) == days


def test_a_gap_and_an_agent_that_has_stopped() -> None:
    assert of(UNKNOWN, WEEK[:2] + WEEK[3:5], []) == WEEK


def test_not_before_it_was_there() -> None:
    assert of(UNKNOWN, WEEK[4:], []) == WEEK[4:]
    assert of(UNKNOWN, WEEK[4:], WEEK[2:]) == WEEK[2:]
    assert of(Registered("", datetime(2026, 11, 1, tzinfo=UTC)), WEEK[4:], []) == WEEK
    # The first night counts the seven days before it; 02:00 UTC of the 27th is the 26th in Sao Paulo.
    assert of(Registered("", datetime(2026, 11, 27, 2, tzinfo=UTC)), WEEK[4:], []) == WEEK[1:]
    assert of(UNKNOWN, [], []) == []


def test_yesterday_is_due_at_five() -> None:
    before = datetime(2026, 11, 25, 7, 59, 59, tzinfo=UTC)
    at = datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert of(UNKNOWN, WEEK[:6], [], before) == WEEK[:6]
    assert of(UNKNOWN, WEEK[:6], [], at) == WEEK
    assert of(UNKNOWN, WEEK, [], before) == WEEK


def test_a_store_that_was_revoked_owes_nothing() -> None:
    store = Registered("", datetime(2026, 1, 1, tzinfo=UTC), revoked=True)
    assert of(store, WEEK[:2], WEEK[:4]) == WEEK[:2]


def test_zones() -> None:
    assert zone_of("", "nonsense/zone", "America/Manaus", "UTC") == ZoneInfo("America/Manaus")
    assert zone_of("../etc", "America") == ZoneInfo("UTC")
