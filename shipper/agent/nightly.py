"""When the last days are read once more, sent again and counted: each night, not all stores at once."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from hashlib import blake2b

from shipper.document.account import AUDIT_DAYS

FIRST_HOUR = 1
HOURS = 4
"""From 01:00 to 05:00 of the store's clock."""


def moment_of(store_id: str) -> timedelta:
    """When, behind midnight, a store's turn is: each store has its own, spread by a hash of its id."""
    number = int.from_bytes(blake2b(b"nightly\0" + store_id.encode(), digest_size=4).digest(), "big")
    return timedelta(hours=FIRST_HOUR, seconds=number % (HOURS * 3600))


def complete_days(now: datetime) -> list[str]:
    """The last `AUDIT_DAYS` days that are over, the oldest first.

    Args:
        now: The store's clock.
    """
    return [(now.date() - timedelta(days=days)).isoformat() for days in range(AUDIT_DAYS, 0, -1)]


class Nightly:
    """Which day is the next to be read once more.

    Args:
        store_id: Whose turn it is.
        now: The store's clock.
        done: Yesterday's date when all days were done last; empty: never.
    """

    def __init__(self, store_id: str, now: Callable[[], datetime], done: str) -> None:
        self._moment = moment_of(store_id)
        self._now = now
        self._done = done
        self._left: list[str] = []
        self._until = ""

    def complete_days(self) -> list[str]:
        """See `complete_days`."""
        return complete_days(self._now())

    def next(self) -> str | None:
        """The next day, if there is one to be done now; the same one until `did`."""
        now = self._now().replace(tzinfo=None)
        days = complete_days(now)
        if self._left and self._until != days[-1]:
            self._left = []  # midnight has passed meanwhile
        if not self._left and self._done != days[-1] and now - _midnight(now.date()) >= self._moment:
            self._left, self._until = days, days[-1]
        return self._left[0] if self._left else None

    def did(self) -> str:
        """The day was done; gives what is to be remembered when all are, else an empty text."""
        self._left.pop(0)
        if self._left:
            return ""
        self._done = self._until
        return self._done


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  # the store's clock, as it shows
