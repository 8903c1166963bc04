"""A period as OpenSearch Dashboards writes it (`now-7d/d`, `now`, an ISO date), as moments. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from central.errors import CentralError

_STEP: Final = re.compile(r"(?:([+-])(\d{1,6})|/)([smhdwMy])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_DAYS: Final = {"d": 1, "w": 7}
_MONTHS: Final = {"M": 1, "y": 12}
_LAST: Final = timedelta(milliseconds=1)
_YEAR_MONTHS: Final = 12


class PeriodError(CentralError):
    """A period cannot be understood; the message says how it is written."""


def between(since: str, until: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give both ends of a period, UTC.

    Args:
        since: its beginning; rounded down where it is to be rounded.
        until: its end; rounded up, to the last millisecond.
        now: this moment.
        zone: whose days, weeks (from Sunday, as OpenSearch Dashboards begins them), months and years.

    Raises:
        PeriodError: an end cannot be understood, or the end is before the beginning.
    """
    first, last = moment(since, now, zone), moment(until, now, zone, up=True)
    if last < first:
        raise PeriodError(f"the period ends ({until}) before it begins ({since}): swap them")
    return first, last


def moment(text: str, now: datetime, zone: ZoneInfo, *, up: bool = False) -> datetime:
    """Give one end of a period, UTC.

    Args:
        text: `now`, with steps such as `-7d`, `+1M`, `/d`; or an ISO date, without a zone one of `zone`.
        now: this moment.
        zone: whose calendar.
        up: rounding goes to the unit's last millisecond, not to its first.

    Raises:
        PeriodError: it is none of these, or beyond the calendar.
    """
    try:
        if not text.startswith("now"):
            return _absolute(text, zone)
        at = now.astimezone(zone)
        position = len("now")
        while position < len(text):
            step = _STEP.match(text, position)
            if step is None:
                raise _unknown(text)
            position = step.end()
            sign, number, unit = step.groups()
            at = _moved(at, int(f"{sign}{number}"), unit) if sign else _rounded(at, unit, up=up)
        return at.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise _unknown(text) from error


def iso(at: datetime) -> str:
    """Write a moment as requests have it: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _absolute(text: str, zone: ZoneInfo) -> datetime:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _moved(at: datetime, number: int, unit: str) -> datetime:
    """Days and longer ones keep the clock's time, shorter ones are spans."""
    if unit in _SECONDS:
        return (at.astimezone(UTC) + timedelta(seconds=number * _SECONDS[unit])).astimezone(at.tzinfo)
    if unit in _DAYS:
        return at + timedelta(days=number * _DAYS[unit])
    months = at.year * _YEAR_MONTHS + at.month - 1 + number * _MONTHS[unit]
    year, month = divmod(months, _YEAR_MONTHS)
    return at.replace(year=year, month=month + 1, day=min(at.day, _length(year, month + 1)))


def _length(year: int, month: int) -> int:
    following = date(year + month // _YEAR_MONTHS, month % _YEAR_MONTHS + 1, 1)
    return (following - timedelta(days=1)).day


def _rounded(at: datetime, unit: str, *, up: bool) -> datetime:
    if unit in _SECONDS:
        # By the clock's minutes: some zones are half an hour off.
        inside = timedelta(
            minutes=at.minute if unit == "h" else 0,
            seconds=0 if unit == "s" else at.second,
            microseconds=at.microsecond,
        )
        first = (at.astimezone(UTC) - inside).astimezone(at.tzinfo)
    else:
        day = at.date()
        if unit == "w":
            day -= timedelta(days=(day.weekday() + 1) % 7)
        elif unit in _MONTHS:
            day = day.replace(day=1, month=1 if unit == "y" else day.month)
        first = datetime.combine(day, time(), at.tzinfo)
    end = _moved(first, 1, unit).astimezone(UTC) - _LAST
    # Through UTC also where nothing is moved: there may be no midnight on the day when clocks go forward.
    return (end if up else first.astimezone(UTC)).astimezone(at.tzinfo)


def _unknown(text: str) -> PeriodError:
    return PeriodError(f"{text!r} is no moment such as now-7d, now/d or 2026-11-23T14:00:00Z")
