"""How many calls a store would usually have had between two moments while it was open; pure.

Only opening time counts. The calls of an hour of the clock in which a store is usually open for a part of it
are spread over that part.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from central.usual.calendar import WEEK_HOURS, Calendar, Piece, Span, calendar_of

NEW_STORE_HOURS: Final = 16
"""So many opening hours without a call are silence in a store of which nothing is known yet."""
MOST_CALLS: Final = 12.0
"""The highest limit: so many expected calls without a single one are always silence."""
KNOWN_FROM_CALLS: Final = 5
"""A store of which fewer calls were learned counts as not known yet,"""
KNOWN_FROM_DAYS: Final = 14
"""and does so for so many days."""

_HOUR: Final = 3600.0
# The calls of an hour that is hardly ever open are not pressed into its few minutes.
_LEAST_PART: Final = 0.25
_CHANCE: Final = 1.0  # standard deviations below what was expected, from which on a day is a slow one
_VARIATION: Final = 0.01  # of days beyond chance, squared
_LONGEST_SEARCH: Final = timedelta(days=120)


class Expectation:
    """What is usual for one store, by its calendar.

    Args:
        calendar: when it is open.
        calls: in each hour of a week by its clock, Monday 00:00 first: 168 numbers; empty: not learned yet.
        days: of history that they were learned from.
    """

    def __init__(self, calendar: Calendar, calls: tuple[float, ...], days: int) -> None:
        self.calendar = calendar
        self._calls = calls or (0.0,) * WEEK_HOURS
        is_new = days < KNOWN_FROM_DAYS and sum(self._calls) / 7 * days < KNOWN_FROM_CALLS
        least = MOST_CALLS / NEW_STORE_HOURS if is_new else 0.0
        self._a_second = tuple(
            max(least, number / max(_LEAST_PART, part)) / _HOUR
            for number, part in zip(self._calls, calendar.open_parts, strict=True)
        )
        self._of_days: dict[date, float] = {}

    @property
    def known(self) -> bool:
        """Whether anything is known of its opening hours; else nothing is ever expected."""
        return self.calendar.week is not None

    def between(self, begin: float, end: float) -> float:
        """Give the calls that are expected between two moments (UTC, seconds since 1970)."""
        return sum(self._of_day(day, begin, end) for day in self.calendar.days(begin, end))

    def silence(self, call: float, now: float, calls_of_day: int | None) -> float:
        """Give the calls that are expected between a store's last call and now, by how its day went.

        A day of rain is known by its fewer calls: what is left of it is expected at no more than its pace.

        Args:
            call: the last one, UTC, seconds since 1970.
            now: likewise.
            calls_of_day: calls on the day of the last one, by the store's clock; None: that is not known.
        """
        if calls_of_day is None:
            return self.between(call, now)
        day = self.calendar.day_of(call)
        begin, end = self.calendar.midnight(day), self.calendar.midnight(day + timedelta(days=1))
        share = pace(calls_of_day, self.between(begin, call))
        return share * self.between(call, min(now, end)) + self.between(end, max(now, end))

    def reached(self, since: float, calls: float) -> float | None:
        """Give the moment at which so many calls would have been expected since another one.

        Returns:
            UTC, seconds since 1970; None: not within 120 days.
        """
        left = calls
        for day in self._days_from(since):
            of_day = self._of_day(day, since, float("inf"))
            if of_day < left:
                left -= of_day
                continue
            for begin, end, hour in self.calendar.pieces(day):
                rate = self._a_second[hour]
                first = max(begin, since)
                if end > first and rate and rate * (end - first) >= left:
                    return first + left / rate
                left -= max(0.0, end - first) * rate
        return None

    def open_seconds(self, begin: float, end: float) -> float:
        """Give for how long the store is open between two moments."""
        spans = (span for day in self.calendar.days(begin, end) for span in self.calendar.openings(day))
        return sum(max(0.0, min(span.end, end) - max(span.begin, begin)) for span in spans)

    def span(self, now: float) -> Span | None:
        """Give the opening that goes on, else the next one; None: none within 120 days.

        The store is open now where its `begin` is not after `now`.
        """
        spans = self._openings_from(now)
        found = next((span for span in spans if span.end > now), None)
        if found is None:
            return None
        # An opening that goes on at midnight is written as two; more than a week of it says no more.
        following = self.calendar.days(found.end, found.end + 7 * 24 * _HOUR)
        for span in (span for day in following for span in self.calendar.openings(day)):
            if span.begin == found.end:
                found = Span(found.begin, span.end)
        return found

    def is_within(self, moment: float, grace: float) -> bool:
        """Tell whether a moment lies in an opening, later than so many seconds after its beginning.

        A machine that was started then had been off while the store was open.
        """
        span = self.span(moment)
        return span is not None and span.begin + grace < moment

    def this_hour(self, now: float) -> float:
        """Give the calls that are usual in this hour of the store's clock."""
        return self._calls[self.calendar.hour_of(now)]

    def _of_day(self, day: date, begin: float, end: float) -> float:
        """Expected calls of a day's openings, between two moments."""
        pieces = self.calendar.pieces(day)
        if not pieces or pieces[-1].end <= begin or pieces[0].begin >= end:
            return 0.0
        if begin <= pieces[0].begin and pieces[-1].end <= end:
            found = self._of_days.get(day)
            if found is None:
                found = self._of_days[day] = sum(map(self._of_piece, pieces))
            return found
        rates = self._a_second
        return sum(
            (min(piece.end, end) - max(piece.begin, begin)) * rates[piece.hour]
            for piece in pieces
            if piece.end > begin and piece.begin < end
        )

    def _of_piece(self, piece: Piece) -> float:
        return (piece.end - piece.begin) * self._a_second[piece.hour]

    def _days_from(self, moment: float) -> Iterator[date]:
        return self.calendar.days(moment, moment + _LONGEST_SEARCH.total_seconds())

    def _openings_from(self, now: float) -> Iterator[Span]:
        """Openings from the day before on, those that touch joined with the one before."""
        before: Span | None = None
        for day in self._days_from(now):
            for span in self.calendar.openings(day):
                if before is not None and before.end == span.begin:
                    before = Span(before.begin, span.end)
                else:
                    if before is not None:
                        yield before
                    before = span
                # Whoever looks for the opening at `now` needs no more than this one.
                if before.end > now:
                    yield before
                    return
        if before is not None:
            yield before


def pace(calls: int, expected: float) -> float:
    """Give how busy a day is so far, as far as chance cannot explain that it had fewer calls; at most 1.

    Args:
        calls: that it had.
        expected: that were expected until the last one.
    """
    if expected <= 0:
        return 1.0
    chance = _CHANCE * math.sqrt(expected + _VARIATION * expected**2)
    return min(1.0, (calls + chance) / expected)


def expectation_of(store: Mapping[str, Any]) -> Expectation:
    """Give what is usual for a store.

    Args:
        store: fields as in `store` of its document in `pabx-stores`.

    Raises:
        ValueError: the zone or the hours cannot be used.
    """
    usual = store.get("usual", {})
    return Expectation(calendar_of(store), tuple(usual.get("calls", ())), int(usual.get("days", 0)))
