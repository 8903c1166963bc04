"""How many calls a store has on each weekday, from days of which some are odd; pure.

A day is held against its weekday's level and against what the three weeks around it were like: so a season or
a decline is followed, and one odd week is not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from statistics import fmean, median
from typing import Final, NamedTuple

WEEK: Final = 7
CLASSES: Final = (0, 0, 0, 0, 0, 1, 2)
"""Of Monday to Sunday: weekdays of one class have the same shape, and similar levels."""

_HALF_LIFE: Final = 28.0  # days: so old a day counts half
_POOLED_DAYS: Final = 1.5  # a weekday's level is drawn to its class as if by so many days
_PASSES: Final = 3
_FAR: Final = 3.0  # standard deviations, from which on a day does not teach
_IMPROBABLE: Final = 0.01  # a day without any call that is less probable than this is an outage
_NORMAL: Final = 1.4826  # standard deviations in a median absolute deviation
_AROUND: Final = 21  # days
_TELLING: Final = 0.5  # calls a day from which on a single day's ratio to its level says anything
_RECENT_WEEKS: Final = 3
_LEAST_DAYS_OF_A_WEEK: Final = 3
_LEVEL_CALLS: Final = 30.0  # the long level holds against the recent weeks as if learned from so many calls
_MEDIAN_WORTH: Final = 0.55  # a median of three weeks tells as much as so much of their mean
_LEAST_VARIATION: Final = 0.01  # of days beyond chance, squared
_MOST_VARIATION: Final = 0.25


class Taught(NamedTuple):
    """A day that may teach.

    Attributes:
        day: which.
        age: days before today.
        calls: how many it had.
    """

    day: date
    age: int
    calls: int

    @property
    def weekday(self) -> int:
        """0 is Monday."""
        return self.day.weekday()

    @property
    def weight(self) -> float:
        """How much it counts."""
        return float(0.5 ** (self.age / _HALF_LIFE))


@dataclass(frozen=True, slots=True)
class Levels:
    """What was learned.

    Attributes:
        calls: on each weekday, Monday first, as it is now.
        kept: the days that taught.
        known_from: the levels are as sure as if they had been counted from so many calls.
        variation: how much days differ beyond chance: square of the coefficient of variation.
    """

    calls: tuple[float, ...]
    kept: tuple[Taught, ...]
    known_from: float
    variation: float


def levels_of(days: Sequence[Taught]) -> Levels:
    """Learn the levels.

    Args:
        days: in their order.
    """
    levels = _first_levels(days)
    variation = _LEAST_VARIATION
    kept: Sequence[Taught] = days
    for _ in range(_PASSES):
        around = _around(days, levels)
        variation = _variation(days, levels, around)
        means = [levels[day.weekday] * like for day, like in zip(days, around, strict=True)]
        teaches = _teaching(days, means, variation)
        teaching = [pair for pair, one in zip(zip(days, around, strict=True), teaches, strict=True) if one]
        kept = [day for day, _ in teaching]
        levels = _pooled(teaching)
    now, known_from = _now(kept, levels)
    return Levels(tuple(level * now for level in levels), tuple(kept), known_from, variation)


def ratio(days: Sequence[Taught], levels: Sequence[float]) -> float | None:
    """Give the calls of some days as a share of what their levels say; None: those say nothing."""
    expected = sum(levels[day.weekday] * day.weight for day in days)
    return sum(day.calls * day.weight for day in days) / expected if expected else None


def _first_levels(days: Sequence[Taught]) -> list[float]:
    """Medians, of a weekday's days with calls or, where there are few, of its class's."""
    found = []
    for weekday, kind in enumerate(CLASSES):
        own = [day.calls for day in days if day.weekday == weekday and day.calls]
        if len(own) <= _LEAST_DAYS_OF_A_WEEK:
            own = [day.calls for day in days if CLASSES[day.weekday] == kind and day.calls]
        found.append(float(median(own)) if own else 0.0)
    return found


def _around(days: Sequence[Taught], levels: Sequence[float]) -> list[float]:
    """For each day what the three weeks around it were like: 1 is as the levels say."""
    ratios = [day.calls / levels[day.weekday] if levels[day.weekday] >= _TELLING else None for day in days]
    found = []
    for number in range(len(days)):
        first = max(0, min(number - _AROUND // 2, len(days) - _AROUND))
        near = [one for one in ratios[first : first + _AROUND] if one is not None]
        found.append((median(near) or 1.0) if near else 1.0)
    return found


def _variation(days: Sequence[Taught], levels: Sequence[float], around: Sequence[float]) -> float:
    means = [levels[day.weekday] * like for day, like in zip(days, around, strict=True)]
    telling = [(day.calls, mean) for day, mean in zip(days, means, strict=True) if mean >= _TELLING]
    if not telling:
        return _LEAST_VARIATION
    spread = _NORMAL * median(abs(calls - mean) / math.sqrt(mean) for calls, mean in telling)
    beyond = (spread**2 - 1) / fmean(mean for _, mean in telling)
    return min(_MOST_VARIATION, max(_LEAST_VARIATION, beyond))


def _teaching(days: Sequence[Taught], means: Sequence[float], variation: float) -> list[bool]:
    """Say of each day whether it teaches: days without any call are judged with those around them.

    A silence that still goes on never does: else the longer it lasts, the more usual it would seem.
    """
    found: list[bool] = []
    last = max((day.day for day in days if day.calls), default=None)
    for is_silent, run in groupby(zip(days, means, strict=True), key=lambda pair: pair[0].calls == 0):
        pairs = list(run)
        if is_silent:
            whole = sum(mean for _, mean in pairs)
            over = last is not None and pairs[0][0].day < last
            found += [over and no_call(whole, 1 / variation) >= _IMPROBABLE] * len(pairs)
        else:
            found += [_is_near(day.calls, mean, variation) for day, mean in pairs]
    return found


def _is_near(calls: int, mean: float, variation: float) -> bool:
    return abs(calls - mean) <= max(1.0, _FAR * math.sqrt(mean + variation * mean**2))


def no_call(expected: float, shape: float) -> float:
    """Give the probability of no call at all where so many are expected.

    Source: the gamma-Poisson (negative binomial) distribution.

    Args:
        expected: calls.
        shape: how sure the expectation is: 1 / (square of its coefficient of variation).
    """
    return float((1 + expected / shape) ** -shape)


def _pooled(days: Sequence[tuple[Taught, float]]) -> list[float]:
    calls, weights = [0.0] * WEEK, [0.0] * WEEK
    for day, like in days:
        calls[day.weekday] += day.weight * day.calls
        weights[day.weekday] += day.weight * like
    found = []
    for weekday, kind in enumerate(CLASSES):
        of_class = [one for one, other in enumerate(CLASSES) if other == kind]
        weight = sum(weights[one] for one in of_class)
        mean = sum(calls[one] for one in of_class) / weight if weight else 0.0
        found.append((calls[weekday] + _POOLED_DAYS * mean) / (weights[weekday] + _POOLED_DAYS))
    return found


def _now(kept: Sequence[Taught], levels: Sequence[float]) -> tuple[float, float]:
    """How the store is now, 1 is as the levels say, and from how many calls that is known.

    The median of the last three weeks follows a decline within two, and no single odd week moves it.
    """
    long = ratio(kept, levels)
    if long is None:
        return 1.0, 0.0
    weeks: dict[int, list[Taught]] = {}
    for day in kept:
        weeks.setdefault((day.age - 1) // WEEK, []).append(day)
    recent = [weeks[age] for age in sorted(weeks) if len(weeks[age]) >= _LEAST_DAYS_OF_A_WEEK][:_RECENT_WEEKS]
    ratios = [found for week in recent if (found := ratio(week, levels)) is not None]
    if not ratios:
        return long, float(sum(day.calls for day in kept))
    told = _MEDIAN_WORTH * sum(levels[day.weekday] for week in recent for day in week)
    now = (median(ratios) * told + long * _LEVEL_CALLS) / (told + _LEVEL_CALLS)
    return now, min(told + _LEVEL_CALLS, float(sum(day.calls for day in kept)))
