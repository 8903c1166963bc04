"""One store's year as it happens: its calls, when its agent is heard, when its PBX is in trouble."""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from central.usual.estimate import Day
from tests.year.plan import HOUR, NO_CALLS, OFF, TROUBLED, TRUNK_DEAF, TRUNK_DOWN, Plan
from tests.year.stores import Store, wanted_calls


@dataclass
class Life:
    """What happened.

    Attributes:
        store: whose.
        plan: what was to happen.
        days: all days.
        calls: their beginnings, seconds since 1970, in order.
        off: spans in which the agent is not heard, in order.
        troubled: spans in which the heartbeat says that the PBX is in trouble, in order.
        by_day: what the calls of each day came to.
    """

    store: Store
    plan: Plan
    days: Sequence[date]
    calls: list[float] = field(default_factory=list)
    off: list[tuple[float, float]] = field(default_factory=list)
    troubled: list[tuple[float, float]] = field(default_factory=list)
    by_day: dict[date, Day] = field(default_factory=dict)

    def seen_by(self, day: date, moment: float) -> Day | None:
        """What head office has of a day at a moment: while an agent is off, what it had sent before."""
        begin = next((begin for begin, end in self.off if begin <= moment < end), None)
        if begin is None or self.store.midnight(day) + 26 * HOUR < begin:
            return self.by_day.get(day)
        midnight = self.store.midnight(day)
        calls = self.calls[
            bisect_left(self.calls, midnight) : bisect_right(self.calls, min(begin, midnight + 24 * HOUR))
        ]
        return _day(midnight, calls)

    def last_call(self, moment: float) -> float | None:
        number = bisect_right(self.calls, moment)
        return self.calls[number - 1] if number else None


def life_of(store: Store, plan: Plan, days: Sequence[date], seed: int) -> Life:
    """Let a store live through the days."""
    life = Life(store, plan, days)
    rng = random.Random(f"{seed} life {store.profile.id}")
    calendar = store.calendar()
    # On a public holiday the stores are closed in truth as well.
    for day in days:
        midnight = store.midnight(day)
        factor = plan.factor.get(day, 1.0) * plan.decline(midnight)
        is_open = bool(calendar.openings(day))
        calls = [
            at
            for at, internal in wanted_calls(store, day, factor, rng, is_open=is_open)
            if rng.random() < _remaining(plan, at, internal=internal)
        ]
        life.calls += calls
    life.calls.sort()
    for day in days:
        midnight = store.midnight(day)
        of_day = life.calls[bisect_left(life.calls, midnight) : bisect_left(life.calls, midnight + 24 * HOUR)]
        if of_day:
            life.by_day[day] = _day(midnight, of_day)
    life.off = _off(store, plan, days, rng)
    life.troubled = sorted((one.begin, one.end) for one in plan.incidents if one.kind in TROUBLED)
    return life


def _day(midnight: float, calls: Sequence[float]) -> Day:
    hours = [0] * 24
    for at in calls:
        # None of Brazil's zones has had daylight saving time since 2019.
        hours[min(23, int((at - midnight) // HOUR))] += 1
    return Day(hours, inbound=len(calls))


def _remaining(plan: Plan, at: float, *, internal: bool) -> float:
    """The share of calls that are made at a moment."""
    share = 1.0
    for begin, end, left in plan.windows:
        if begin <= at < end:
            share *= left
    for one in plan.incidents:
        if one.begin <= at < one.end:
            if one.kind in NO_CALLS:
                return 0.0
            if one.kind in {TRUNK_DOWN, TRUNK_DEAF} and not internal:
                return 0.0
    return share


def _off(store: Store, plan: Plan, days: Sequence[date], rng: random.Random) -> list[tuple[float, float]]:
    """Incidents, and the nights of a store that switches its PC off; those that overlap become one."""
    spans = [(one.begin, one.end) for one in plan.incidents if one.kind in OFF]
    if store.switched_off:
        end = store.midnight(days[0])
        for day in days:
            for opening in store.calendar().openings(day):
                spans.append((end, opening.begin + rng.uniform(-1200, 600)))
                end = opening.end + rng.uniform(300, 1800)
        spans.append((end, store.midnight(days[-1]) + 24 * HOUR))
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
