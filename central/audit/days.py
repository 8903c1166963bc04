"""Which days of which store are compared; pure functions."""

from collections.abc import Iterable
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
        except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError only when no data has it
            continue
        except KeyError:
            continue
    return ZoneInfo("UTC")


def last_days(zone: ZoneInfo, number: int, now: datetime) -> list[str]:
    """The last days that are over on a store's clock, the oldest first."""
    today = now.astimezone(zone).date()
    return [(today - timedelta(days=days)).isoformat() for days in range(number, 0, -1)]


def compared(
    store: Registered, zone: ZoneInfo, reported: Iterable[str], held: Iterable[str], window: list[str]
) -> list[str]:
    """The days of a store that are to be compared: what it reported, and what it ought to have reported.

    Args:
        store: what the register says of it.
        zone: its clock's.
        reported: days that it has reported.
        held: days of which the index holds documents.
        window: see `last_days`.

    Returns:
        Days of the window. One that was not reported is among them if the store is one to report (not
        revoked), if it was there on that day (it has reported or sent an earlier one, or was registered),
        and if it is due.
    """
    there = {*reported}
    known = [*there, *({*held} if not store.revoked else ())]
    if store.since is not None:
        first = store.since.astimezone(zone).date() - timedelta(days=REPORTED_DAYS)
        known.append(first.isoformat())
    begin = min(known, default="")
    return [day for day in window if day in there or (not store.revoked and begin and day >= begin)]


def due(zone: ZoneInfo, day: str, now: datetime) -> bool:
    """Whether a store must have counted a day by now."""
    at = datetime.fromisoformat(day).replace(tzinfo=zone) + timedelta(days=1, hours=DUE_HOUR)
    return at.astimezone(UTC) <= now
