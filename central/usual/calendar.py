"""When a store is open, in absolute time: its week, public holidays, exceptions, closed for good; pure.

An exception goes before a holiday, a holiday before the hours of the week. On a public holiday without an
exception a store counts as closed: holiday hours of shopping centres are not known, and nothing is expected.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from central.stores.exceptions import Exceptional, exceptions_of
from central.stores.holidays import NONE, code_of, holidays_of
from central.stores.hours import Ranges, week_of

WEEK_HOURS: Final = 168

_HOURS: Final = 24
_MINUTES: Final = 60
_DAY_MINUTES: Final = _HOURS * _MINUTES
_ONE_DAY: Final = timedelta(days=1)
# Where no hours are registered, an hour with so many calls, and so much of the busiest one, counts as open.
_CALLS_OF_AN_OPEN_HOUR: Final = 0.05
_SHARE_OF_THE_BUSIEST: Final = 0.1


class Piece(NamedTuple):
    """A part of an opening that lies within one hour of the clock.

    Attributes:
        begin: UTC, seconds since 1970.
        end: likewise.
        hour: of the week by the store's clock, 0 is Monday 00:00.
    """

    begin: float
    end: float
    hour: int


class Span(NamedTuple):
    """An opening.

    Attributes:
        begin: UTC, seconds since 1970.
        end: likewise.
    """

    begin: float
    end: float


class Calendar:
    """When one store is open.

    Args:
        zone: of its clock.
        week: hours of Monday to Sunday; None: nothing is known of them.
        exceptions: days that are otherwise, those first that go before others.
        holidays: code of the calendar of its public holidays.
        closed_from: first day from which it is closed for good; None: it is not.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        week: tuple[Ranges, ...] | None,
        exceptions: Sequence[Exceptional] = (),
        holidays: str = NONE,
        closed_from: date | None = None,
    ) -> None:
        self.zone = zone
        self.week = week
        self._exceptions = tuple(exceptions)
        self._holidays = holidays
        self._closed_from = closed_from
        self._pieces: dict[date, tuple[Piece, ...]] = {}

    def is_ordinary(self, day: date) -> bool:
        """Tell whether the hours of the week hold on a day: no holiday, no exception, not closed for good."""
        return not (self.is_closed_for_good(day) or self._exception(day) or self._is_holiday(day))

    def is_closed_for_good(self, day: date) -> bool:
        """Tell whether the store is closed for good on a day."""
        return self._closed_from is not None and day >= self._closed_from

    def day_of(self, moment: float) -> date:
        """Give the day on the store's clock at a moment (UTC, seconds since 1970)."""
        return datetime.fromtimestamp(moment, self.zone).date()

    def hour_of(self, moment: float) -> int:
        """Give the hour of the week on the store's clock at a moment, 0 is Monday 00:00."""
        local = datetime.fromtimestamp(moment, self.zone)
        return local.weekday() * _HOURS + local.hour

    def midnight(self, day: date) -> float:
        """Give the moment at which a day begins on the store's clock (UTC, seconds since 1970)."""
        return self._moment(day, 0)

    def pieces(self, day: date) -> tuple[Piece, ...]:
        """Give the opening that begins on a day, hour by hour; what ends after midnight belongs to it."""
        found = self._pieces.get(day)
        if found is None:
            found = self._pieces[day] = tuple(self._cut(day))
        return found

    def openings(self, day: date) -> tuple[Span, ...]:
        """Give the openings that begin on a day."""
        spans: list[Span] = []
        for begin, end, _ in self.pieces(day):
            if spans and spans[-1].end == begin:
                spans[-1] = Span(spans[-1].begin, end)
            else:
                spans.append(Span(begin, end))
        return tuple(spans)

    def days(self, begin: float, end: float) -> Iterator[date]:
        """Give the days whose openings may lie between two moments (UTC, seconds since 1970), in order."""
        # The opening of the day before may go on after midnight.
        day, last = self.day_of(begin) - _ONE_DAY, self.day_of(end)
        while day <= last:
            yield day
            day += _ONE_DAY

    @cached_property
    def open_parts(self) -> tuple[float, ...]:
        """Which part of each hour of the week the store is usually open, 0 to 1; Monday 00:00 first."""
        return tuple(map(self._open_part, range(WEEK_HOURS)))

    def _open_part(self, hour: int) -> float:
        weekday, of_day = divmod(hour, _HOURS)
        first = of_day * _MINUTES
        minutes = _within(self._of_weekday(weekday), first)
        minutes += _within(self._of_weekday(weekday - 1), first + _DAY_MINUTES)
        return min(1.0, minutes / _MINUTES)

    def _of_weekday(self, weekday: int) -> Ranges:
        return self.week[weekday] if self.week else ()

    def _ranges(self, day: date) -> Ranges:
        if self.week is None or self.is_closed_for_good(day):
            return ()
        exception = self._exception(day)
        if exception is not None:
            return exception.ranges
        return () if self._is_holiday(day) else self.week[day.weekday()]

    def _exception(self, day: date) -> Exceptional | None:
        return next((one for one in self._exceptions if one.first <= day <= one.last), None)

    def _is_holiday(self, day: date) -> bool:
        return day in holidays_of(self._holidays, day.year)

    def _cut(self, day: date) -> Iterator[Piece]:
        before = self._ranges(day - _ONE_DAY)
        # An exception may begin before the opening of the day before has ended: that one goes on.
        earliest = max(0, before[-1][1] - _DAY_MINUTES) if before else 0
        for first, last in self._ranges(day):
            begin = max(first, earliest)
            whole = range((begin // _MINUTES + 1) * _MINUTES, last, _MINUTES)
            edges = [begin, *whole, last]
            for start, end in pairwise(edges) if begin < last else ():
                piece = Piece(self._moment(day, start), self._moment(day, end), self._hour(day, start))
                # On a day on which clocks go forward an hour may have no length.
                if piece.end > piece.begin:
                    yield piece

    def _moment(self, day: date, minute: int) -> float:
        local = datetime.combine(day, time()) + timedelta(minutes=minute)
        return local.replace(tzinfo=self.zone).astimezone(UTC).timestamp()

    @staticmethod
    def _hour(day: date, minute: int) -> int:
        return (day.weekday() * _HOURS + minute // _MINUTES) % WEEK_HOURS


def calendar_of(store: Mapping[str, Any]) -> Calendar:
    """Give the calendar of a store.

    Args:
        store: fields as in `store` of its document in `pabx-stores`, or as `Line.said` gives them. Where it
            has no `opening_hours`, the hours in which calls are usual (`usual.calls`) count as open.

    Raises:
        ValueError: the zone or the hours cannot be used.
    """
    try:
        zone = ZoneInfo(store["timezone"])
    except (KeyError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"store.timezone {store.get('timezone')!r}: no known zone") from error
    lines = store.get("opening_hours", ())
    closed_from = store.get("closed_from")
    return Calendar(
        zone,
        week_of(lines) if lines else usual_week(store.get("usual", {}).get("calls", ())),
        exceptions_of(store.get("opening_exceptions", ())),
        store.get("holidays") or code_of(store.get("state", ""), store.get("city", "")),
        date.fromisoformat(closed_from) if closed_from else None,
    )


def usual_week(calls: Sequence[float]) -> tuple[Ranges, ...] | None:
    """Give the hours of a week in which calls are usual, as if they were opening hours; None: there are none.

    Args:
        calls: in each hour of a week, Monday 00:00 first; empty: nothing is known.
    """
    least = max(_CALLS_OF_AN_OPEN_HOUR, max(calls, default=0.0) * _SHARE_OF_THE_BUSIEST)
    is_open = [number >= least for number in calls]
    if not any(is_open):
        return None
    return tuple(_runs(is_open[first : first + _HOURS]) for first in range(0, WEEK_HOURS, _HOURS))


def _runs(is_open: Sequence[bool]) -> Ranges:
    found = []
    for open_, group in groupby(range(len(is_open)), key=is_open.__getitem__):
        hours = list(group)
        if open_:
            found.append((hours[0] * _MINUTES, (hours[-1] + 1) * _MINUTES))
    return tuple(found)


def _within(ranges: Ranges, first: int) -> int:
    """Minutes of ranges that lie in the hour that begins at a minute of the day."""
    return sum(max(0, min(end, first + _MINUTES) - max(begin, first)) for begin, end in ranges)
