"""What head office raises: each night it learns, each minute it looks; worked out event by event.

The figures that monitors hold against their thresholds come from the functions of production. Between two
events (a call, a heartbeat that stays away) they only rise, so that the first minute in which a condition
holds can be searched for instead of looking at each.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, Final

from central.alerts.measures import measure, stamp
from central.alerts.thresholds import thresholds
from central.usual.calendar import calendar_of
from central.usual.estimate import Usual, usual_of
from central.usual.expectation import Expectation
from tests.year.life import Life
from tests.year.plan import DAY, HOUR

BEAT: Final = 30.0
MINUTE: Final = 60.0
WATCH: Final = 30.0
LEARNED_AT: Final = 5 * HOUR  # after midnight, by the store's clock
WINDOW: Final = 90  # days
NOTICED: Final = 60.0  # after so long at most the agent knows that its PBX does not answer
LIMITS: Final = thresholds()


@dataclass(frozen=True)
class Alarm:
    """One alert of one store: `at`, and `since`, where what it is raised for began; seconds since 1970."""

    finding: str
    at: float
    since: float


@dataclass(frozen=True)
class Night:
    """What was usual from a night on."""

    begin: float
    end: float
    usual: Usual
    fields: dict[str, Any]
    expectation: Expectation
    fastest: float

    def day(self, moment: float) -> date:
        """The store's day at a moment."""
        return self.expectation.calendar.day_of(moment)


class Watch:
    """Head office, looking at one store."""

    def __init__(self, life: Life, seed: int) -> None:
        self._life = life
        rng = random.Random(f"{seed} watch {life.store.profile.id}")
        self._beat = rng.uniform(0, BEAT)
        self._look = rng.uniform(0, WATCH)
        self._notice = rng.uniform(5, NOTICED)
        self.nights = list(self._learn())

    def alarms(self) -> list[Alarm]:
        """Everything that is raised in the year."""
        return sorted([*self._agent_silent(), *self._pbx_silent(), *self._idle()], key=lambda one: one.at)

    def _learn(self) -> Iterator[Night]:
        """As `central learn` does each night; as soon as the register is applied, with it."""
        life = self._life
        calendars: dict[str, Any] = {}
        for number, day in enumerate(life.days):
            begin = life.store.midnight(day) + LEARNED_AT if number else 0.0
            fields = dict(life.store.fields)
            if life.plan.exceptions:
                fields["opening_exceptions"] = sorted(life.plan.exceptions)
            closed = life.plan.closed_from
            if closed is not None and day >= closed + timedelta(days=7):
                fields["closed_from"] = str(closed)
            calendar = calendars.setdefault(str(fields.get("closed_from")), None) or calendar_of(fields)
            calendars[str(fields.get("closed_from"))] = calendar
            window = life.days[max(0, number - WINDOW) : number]
            history = {one: found for one in window if (found := life.seen_by(one, begin)) is not None}
            usual = usual_of(history, calendar, day)
            expectation = Expectation(calendar, usual.calls, usual.days)
            fastest = max(expectation._a_second)
            end = life.store.midnight(day) + DAY + LEARNED_AT
            yield Night(begin, end, usual, fields, expectation, fastest)

    def at(self, moment: float) -> Night:
        """What was usual at a moment."""
        return self.nights[max(0, bisect_right(self.nights, moment, key=lambda one: one.begin) - 1)]

    def _document(self, moment: float, **said: Any) -> dict[str, Any]:
        night = self.at(moment)
        registered = stamp(self._life.store.midnight(self._life.days[0]))
        return {**night.fields, "registered_at": registered, **said}

    def _agent_silent(self) -> Iterator[Alarm]:
        seconds = LIMITS["agent_silent"]["seconds"]
        for begin, end in self._life.off:
            seen = begin - (begin - self._beat) % BEAT
            back = end + (self._beat - end) % BEAT

            def holds(minute: float, seen: float = seen) -> bool:
                looked = minute - (minute - self._look) % WATCH
                document = self._document(minute, last_seen=_precise(seen))
                measured = measure("x", document, self.at(minute).expectation, {}, {}, looked)
                if measured.watch["closed"]:
                    return False
                return minute - seen >= seconds and measured.watch["silent_open_seconds"] >= seconds

            # Silence only grows, whatever is learned; but a store may be closed for good.
            last = min(back, self._closed_for_good())
            found = _first_minute(seen, last, holds)
            if found is not None:
                yield Alarm("agent_silent", found, begin)

    def _closed_for_good(self) -> float:
        return next((night.begin for night in self.nights if "closed_from" in night.fields), float("inf"))

    def _pbx_silent(self) -> Iterator[Alarm]:
        seconds = LIMITS["pbx_silent"]["seconds"]
        for begin, end in self._life.troubled:
            known = begin + self._notice
            beat = known + seconds
            beat += (self._beat - beat) % BEAT
            if beat < end and not self._is_off(beat):
                yield Alarm("pbx_silent", beat + (-beat) % MINUTE, begin)

    def _is_off(self, moment: float) -> bool:
        return any(begin <= moment < end for begin, end in self._life.off)

    def _idle(self) -> Iterator[Alarm]:
        life = self._life
        start, end = life.store.midnight(life.days[0]), life.store.midnight(life.days[-1]) + DAY
        for since, until in pairwise([start, *life.calls, end]):
            if until - since < MINUTE:
                continue
            night = self.at(since)
            # Most gaps are far too short at the busiest hour of the week.
            if until < night.end and night.fastest * (until - since) < night.usual.limit:
                continue
            alarm = self._idle_in(since, until)
            if alarm is not None:
                yield alarm

    def _idle_in(self, call: float, until: float) -> Alarm | None:
        """The first minute of a span without a call in which the store is found idle."""
        for since, last in self._complete(call, until):
            for night in self._nights(since, last):
                begin, end = max(since, night.begin), min(last, night.end)
                reached = night.expectation.reached(since, night.usual.limit)
                if reached is None or reached >= end:
                    continue
                for first, stop in self._heard(max(begin, reached - 3 * MINUTE), end):
                    found = _first_minute(first, stop, partial(self._is_idle, call=call, complete=since))
                    if found is not None:
                        return Alarm("idle", found, call)
        return None

    def _is_idle(self, minute: float, *, call: float, complete: float) -> bool:
        looked = minute - (minute - self._look) % WATCH
        night = self.at(looked)
        if self._is_off(minute):
            return False
        day = night.day(call)
        of_day = bisect_right(self._life.calls, call) - bisect_right(
            self._life.calls, night.expectation.calendar.midnight(day)
        )
        said = {"last_seen": _precise(looked), "last_call": _precise(call)}
        watch = {"complete_from": _precise(complete)} if complete > call else {}
        document = self._document(looked, **said, watch=watch)
        found = measure("x", document, night.expectation, {}, {str(day): of_day}, looked).watch
        return not found["closed"] and found["expected_calls"] >= round(night.usual.limit, 2) > 0

    def _complete(self, call: float, until: float) -> Iterator[tuple[float, float]]:
        """The parts of a span without a call in which nothing hid one: trouble begins it anew."""
        since = call
        marks = [
            (begin + LIMITS["watch"]["trouble_seconds"], end + BEAT + WATCH)
            for begin, end in self._life.troubled
            if end - begin > LIMITS["watch"]["trouble_seconds"]
        ]
        # While an agent is not heard, its PBX may be off as well.
        marks += [(begin, end) for begin, end in self._life.off if self._hides(begin, end)]
        for begin, end in sorted(marks):
            if since < end and begin < until:
                if begin > since:
                    yield since, begin
                since = max(since, end)
        if since < until:
            yield since, until

    def _hides(self, begin: float, end: float) -> bool:
        """An agent that is off overnight hides nothing."""
        return watched(self.at(begin).expectation, begin, end) >= LIMITS["watch"]["trouble_seconds"]

    def _nights(self, since: float, last: float) -> Iterator[Night]:
        first = max(0, bisect_right(self.nights, since, key=lambda one: one.begin) - 1)
        for night in self.nights[first:]:
            if night.begin >= last:
                return
            yield night

    def _heard(self, moment: float, end: float) -> Iterator[tuple[float, float]]:
        """The parts of a span in which the agent is heard."""
        for begin, back in self._life.off:
            if begin < end and back > moment:
                if begin > moment:
                    yield moment, begin
                moment = back + MINUTE
        if moment < end:
            yield moment, end


def _first_minute(since: float, until: float, holds: Callable[[float], bool]) -> float | None:
    """The first full minute between two moments in which something holds that goes on then."""
    first, last = int(since // MINUTE) + 1, int(-(-until // MINUTE)) - 1
    if last < first or not holds(last * MINUTE):
        return None
    while first < last:
        middle = (first + last) // 2
        if holds(middle * MINUTE):
            last = middle
        else:
            first = middle + 1
    return first * MINUTE


def watched(expectation: Expectation, begin: float, end: float) -> float:
    """Opening time between two moments, without the first minutes of an opening that began meanwhile."""
    grace = LIMITS["watch"]["grace_seconds"]
    total = 0.0
    for day in expectation.calendar.days(begin, end):
        for span in expectation.calendar.openings(day):
            first = span.begin + grace if span.begin > begin else begin
            total += max(0.0, min(end, span.end) - first)
    return total


def _precise(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
