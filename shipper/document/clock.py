"""The store's clock: Asterisk's naive local ``calldate`` to UTC, and the local hour for reports."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

FIRST_YEAR = 1990
"""Older than any PBX: an earlier year is a zero date or a database's default, no time of a call."""

LAST_YEAR = 2099
"""Later is no time of a call either; up to here every sum of a date and a duration is a date too."""

_LENGTH = len("2026-11-23 05:10:07")
_HOUR = 3600
_SLOT = 14
"""Seconds as a power of two: 16,384 are four hours and a half."""
_CACHED_HOURS = 4096
_MINUTES_AND_SECONDS = tuple(f"{minute:02d}:{second:02d}Z" for minute in range(60) for second in range(60))


class Moment(NamedTuple):
    """A call's start: seconds since 1970 in UTC, and what the store's wall clock showed."""

    epoch: int
    date: str
    hour: int
    weekday: int


class _Hour(NamedTuple):
    """One hour of the wall clock: where it begins in UTC, once or (clocks going back) twice."""

    first: int
    second: int
    date: str
    hour: int
    weekday: int


class StoreClock:
    """Converts the times of one store.

    Args:
        timezone: IANA name of the zone that the PBX's clock runs by.
    """

    def __init__(self, timezone: str) -> None:
        self.zone = ZoneInfo(timezone)
        self._hours: dict[str, _Hour] = {}
        self._prefixes: dict[int, str] = {}
        self._shifts: dict[tuple[int, int], bool] = {}

    def moment(self, calldate: str, uniqueid: str) -> Moment | None:
        """When a call leg began.

        The hour that is repeated when clocks go back is told apart by the uniqueid, which begins
        with the channel's creation in seconds since 1970: a leg cannot begin before its channel.

        Args:
            calldate: ``YYYY-MM-DD HH:MM:SS`` in local time, as Asterisk wrote it.
            uniqueid: The row's uniqueid, ``<epoch>.<n>``, perhaps with a system name before it.

        Returns:
            None where ``calldate`` is no usable time (zero date, default of the column).
        """
        if len(calldate) < _LENGTH:
            return None
        hour = self._hours.get(calldate[:13]) or self._hour(calldate[:13])
        if hour is None:
            return None
        try:
            inside = int(calldate[14:16]) * 60 + int(calldate[17:19])
        except ValueError:
            return None
        epoch = hour.first + inside
        if hour.second != hour.first:
            epoch = self._exact(calldate, fold=0)
            created = created_at(uniqueid)
            if created is not None and epoch < created - 5:
                epoch = self._exact(calldate, fold=1)
        return Moment(epoch, hour.date, hour.hour, hour.weekday)

    def local(self, epoch: int) -> Moment:
        """The same for a time that is known in UTC."""
        at = datetime.fromtimestamp(epoch, self.zone)
        return Moment(epoch, at.date().isoformat(), at.hour, at.isoweekday())

    def iso(self, epoch: int) -> str:
        """``YYYY-MM-DDTHH:MM:SSZ`` of seconds since 1970."""
        hour, inside = divmod(epoch, _HOUR)
        prefix = self._prefixes.get(hour)
        if prefix is None:
            _make_room(self._prefixes)
            start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
            prefix = self._prefixes[hour] = start.strftime("%Y-%m-%dT%H:")
        return prefix + _MINUTES_AND_SECONDS[inside]

    def shifts(self, start: int, end: int) -> bool:
        """The wall clock was set forward or back between two moments, or a few hours around them.

        Then the order of local times is not that of time.
        """
        # In slots of four hours and a half, so that most calls of a day ask nothing new.
        slots = (start >> _SLOT) - 1, (end >> _SLOT) + 2
        found = self._shifts.get(slots)
        if found is None:
            if len(self._shifts) >= _CACHED_HOURS:
                self._shifts.clear()
            before, after = (datetime.fromtimestamp(slot << _SLOT, self.zone) for slot in slots)
            found = self._shifts[slots] = before.utcoffset() != after.utcoffset()
        return found

    def _hour(self, text: str) -> _Hour | None:
        try:
            start = datetime.fromisoformat(text + ":00:00")
        except ValueError:
            return None
        if not plausible(start.year):
            return None
        last = text + ":59:59"
        first = self._exact(text + ":00:00", fold=0)
        # An hour in which the offset changes, or that occurs twice, is converted exactly each time.
        plain = first + _HOUR - 1 == self._exact(last, fold=0) == self._exact(last, fold=1)
        plain = plain and first == self._exact(text + ":00:00", fold=1)
        _make_room(self._hours)
        self._hours[text] = found = _Hour(
            first, first if plain else -1, start.date().isoformat(), start.hour, start.isoweekday()
        )
        return found

    def _exact(self, calldate: str, *, fold: int) -> int:
        local = datetime.fromisoformat(calldate[:19]).replace(tzinfo=self.zone, fold=fold)
        return int(local.timestamp())


def stamp(at: datetime, timespec: str = "milliseconds") -> str:
    """A moment in UTC as documents, log and status write it, such as ``2026-11-23T05:10:15.123Z``."""
    return at.isoformat(timespec=timespec).replace("+00:00", "Z")


def created_at(uniqueid: str) -> int | None:
    """The channel's creation in seconds since 1970, from a uniqueid such as ``pbx-1795410607.7``."""
    text = uniqueid.rpartition("-")[2].partition(".")[0]
    if not (text.isascii() and text.isdigit() and 9 <= len(text) <= 10):  # noqa: PLR2004
        return None
    return int(text) or None


def plausible(year: int) -> bool:
    """A call can have been made in that year."""
    return FIRST_YEAR <= year <= LAST_YEAR


def _make_room(cache: dict[int, str] | dict[str, _Hour]) -> None:
    if len(cache) >= _CACHED_HOURS:
        cache.clear()
