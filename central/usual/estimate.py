"""What is usual for a store, from how many calls it had on each day and in each hour of it; pure.

Two factors: a level per weekday, times a shape over the hours. Days that are no usual ones do not teach:
public holidays, exceptions, days without any call where that is improbable, days far off their level.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from central.usual.calendar import Calendar
from central.usual.expectation import MOST_CALLS
from central.usual.levels import CLASSES, WEEK, Levels, Taught, levels_of, ratio

LEAST_CALLS: Final = 5.0
"""The lowest limit: fewer expected calls without a single one are never silence."""
FALSE_ALARMS: Final = 0.25
"""So many false alarms a quarter are what a store's limit aims at."""

_HOURS: Final = 24
# Below the 12 calls that a silence may last at most: what is expected is itself known with an error.
_HIGHEST: Final = 11.5
_SHAPE_CALLS: Final = 20.0  # a class's shape is drawn to that of all days as if by so many calls
_OLDER_THAN: Final = 28  # days
_QUARTER_WEEKS: Final = 13
_BUSY: Final = 0.9


@dataclass(frozen=True, slots=True)
class Day:
    """What a store's calls of one day came to.

    Attributes:
        hours: calls that began in each hour of the store's clock, 24 numbers.
        inbound: how many of them came in.
        missed: how many of those were missed.
        billable_seconds: of outbound calls.
        cost: of all calls, in the currency of the tariffs; None: no call has one.
    """

    hours: Sequence[int]
    inbound: int = 0
    missed: int = 0
    billable_seconds: int = 0
    cost: float | None = None


_EMPTY: Final = Day((0,) * _HOURS)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a store, as `store.usual` says it (docs/fields.md).

    Attributes:
        days: of history that it was learned from: those since the first call that were usual ones.
        calls: in each hour of a week, Monday 00:00 first: 168 numbers.
        limit: so many expected calls without a single one are silence that chance does not explain.
        week_calls: in seven days, before the last four weeks.
        recent_calls: of the last seven days; a holiday or an outage among them is made up for. None: there is
            no other day among them.
        missed_share: of the inbound calls, 0 to 1; None: there were none.
        day_billable_seconds: nine of ten days have no more.
        day_cost: nine of ten days cost no more; None: no call has a cost.
    """

    days: int
    calls: tuple[float, ...]
    limit: float
    week_calls: float
    recent_calls: int | None
    missed_share: float | None
    day_billable_seconds: int
    day_cost: float | None

    def as_dict(self) -> dict[str, Any]:
        """Give it for the document; what is not known is left out."""
        found: dict[str, Any] = {
            "days": self.days,
            "calls": [round(number, 3) for number in self.calls],
            "limit": round(self.limit, 2),
            "week_calls": round(self.week_calls, 1),
            "day_billable_seconds": self.day_billable_seconds,
        }
        if self.recent_calls is not None:
            found["recent_calls"] = self.recent_calls
        if self.missed_share is not None:
            found["missed_share"] = round(self.missed_share, 4)
        if self.day_cost is not None:
            found["day_cost"] = round(self.day_cost, 2)
        return found


def usual_of(history: Mapping[date, Day], calendar: Calendar, today: date) -> Usual:
    """Learn what is usual.

    Args:
        history: the days that had calls, within the span that is looked at.
        calendar: of the store.
        today: the store's day that is not over yet: it and what follows are left out.
    """
    calls = {day: sum(found.hours) for day, found in history.items() if day < today}
    begun = min((day for day, number in calls.items() if number), default=today)
    span = [begun + timedelta(days=number) for number in range((today - begun).days)]
    days = [Taught(day, (today - day).days, calls.get(day, 0)) for day in span if calendar.is_ordinary(day)]
    levels = levels_of(days)
    of_week = sum(levels.calls)
    taught = [history.get(one.day, _EMPTY) for one in levels.kept]
    shapes = _shapes(levels.kept, taught, calendar)
    inbound = sum(day.inbound for day in history.values())
    costs = [day.cost or 0.0 for day in taught]
    return Usual(
        days=len(levels.kept),
        calls=tuple(
            level * share for level, kind in zip(levels.calls, CLASSES, strict=True) for share in shapes[kind]
        ),
        limit=_limit(levels),
        week_calls=_week_before(levels) if levels.kept else of_week,
        recent_calls=_recent(days, levels),
        missed_share=sum(day.missed for day in history.values()) / inbound if inbound else None,
        day_billable_seconds=int(_busy(day.billable_seconds for day in taught)),
        day_cost=_busy(costs) if any(day.cost is not None for day in taught) else None,
    )


def _limit(levels: Levels) -> float:
    """So many expected calls that none at all among them is as improbable as the aim asks for.

    Each call of a quarter begins a span that may be such a silence.
    """
    calls = sum(levels.calls) * _QUARTER_WEEKS
    if not levels.known_from or not calls:
        return MOST_CALLS
    shape = 1 / (1 / levels.known_from + levels.variation)
    probability = min(1.0, FALSE_ALARMS / calls)
    # Solved for the expectation at which `levels.no_call` is so improbable.
    limit = shape * math.expm1(-math.log(probability) / shape)
    return max(LEAST_CALLS, min(_HIGHEST, limit))


def _shapes(kept: Sequence[Taught], taught: Sequence[Day], calendar: Calendar) -> list[list[float]]:
    """For each class of weekdays the share of each hour; they add up to 1."""
    sums = [[0.0] * _HOURS for _ in set(CLASSES)]
    for one, day in zip(kept, taught, strict=True):
        weight, into = one.weight, sums[CLASSES[one.weekday]]
        for hour, number in enumerate(day.hours):
            if number:
                into[hour] += weight * number
    together = [sum(hours) for hours in zip(*sums, strict=True)]
    found = []
    for kind, own in enumerate(sums):
        prior = _open_only(together, kind, calendar)
        total = sum(prior)
        drawn = [_SHAPE_CALLS * number / total if total else 1.0 for number in prior]
        whole = sum(own) + sum(drawn)
        found.append([(number + one) / whole for number, one in zip(own, drawn, strict=True)])
    return found


def _open_only(shape: Sequence[float], kind: int, calendar: Calendar) -> Sequence[float]:
    """Leave of a shape the hours in which the store is open on a class of weekdays; all where it never is."""
    weekdays = [weekday for weekday, other in enumerate(CLASSES) if other == kind]
    parts = [
        max(calendar.open_parts[weekday * _HOURS + hour] for weekday in weekdays) for hour in range(_HOURS)
    ]
    masked = [number * part for number, part in zip(shape, parts, strict=True)]
    return masked if any(masked) else shape


def _week_before(levels: Levels) -> float:
    older = [day for day in levels.kept if day.age > _OLDER_THAN]
    like = ratio(older, levels.calls) if len(older) >= WEEK else None
    return sum(levels.calls) * (1.0 if like is None else like)


def _recent(days: Sequence[Taught], levels: Levels) -> int | None:
    kept = set(levels.kept)
    recent = [day for day in days if day.age <= WEEK and (day.calls or day in kept)]
    expected = sum(levels.calls[day.weekday] for day in recent)
    if not expected:
        return None
    return round(sum(day.calls for day in recent) / expected * sum(levels.calls))


def _busy(values: Iterable[float]) -> float:
    """Give what nine of ten values do not exceed; 0 where there are none."""
    found = sorted(values)
    return found[math.ceil(_BUSY * len(found)) - 1] if found else 0.0
