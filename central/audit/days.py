"""Which days of which store are compared; pure functions."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

REPORTED_DAYS: Final = 7
"""How many days a store counts each night, so how far back its first report reaches."""
DUE_HOUR: Final = 5
"""On the store's clock: by then a store whose machine is on has counted the day before."""


@dataclass(frozen=True)
class Registered:
    """A store of the register.

    Attributes:
        timezone: IANA name; empty: unknown.
        since: when it was registered, UTC; None: it only has sent something.
        revoked: whether its credential was ended.
    """

    timezone: str = ""
    since: datetime | None = None
    revoked: bool = False


UNKNOWN: Final = Registered()


def zone_of(*names: str) -> ZoneInfo:
    """The first of the names that is a zone; UTC if none is."""
    for name in names:
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, KeyError):  # empty, a directory's name, or unknown
            continue
    return ZoneInfo("UTC")


def last_days(zone: ZoneInfo, number: int, now: datetime) -> list[str]:
    """The last days that are over on a store's clock, the oldest first."""
    today = now.astimezone(zone).date()
    return [(today - timedelta(days=days)).isoformat() for days in range(number, 0, -1)]


def compared(
    store: Registered, zone: ZoneInfo, reported: Collection[str], held: Collection[str], now: datetime
) -> Callable[[str], bool]:
    """Make the function that says whether a day of a store is compared: it was reported, or should have been.

    Args:
        store: what the register says of it.
        zone: its clock's.
        reported: days that it has reported.
        held: days of which the index holds documents.
        now: the clock, UTC.

    Returns:
        True also for a day that was not reported if the store's credential is in force, if the store was
        there on that day (an earlier one was reported or sent, or it was registered), and if the hour has
        come by which it counts.
    """
    known = [*reported, *held]
    if store.since is not None:
        first = store.since.astimezone(zone).date() - timedelta(days=REPORTED_DAYS)
        known.append(first.isoformat())
    begin = min(known, default="")

    def is_compared(day: str) -> bool:
        return day in reported or bool(begin and begin <= day and not store.revoked and _due(zone, day, now))

    return is_compared


def _due(zone: ZoneInfo, day: str, now: datetime) -> bool:
    at = datetime.fromisoformat(day).replace(tzinfo=zone) + timedelta(days=1, hours=DUE_HOUR)
    return at.astimezone(UTC) <= now
