"""The days of a store: when calls begin, which ones, and their run through one Asterisk as time goes on."""

import heapq
import random
from collections import deque
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import accumulate

from compose.simulator import inbound, internal, outbound
from compose.simulator.draft import Draft
from compose.simulator.exchange import Exchange, Script
from compose.simulator.model import SimulatedCall
from compose.simulator.numbers import Contact, contact
from compose.simulator.stores import StoreProfile, source_of_chance

# How busy each hour of an open day is: peaks at 11 and at 17 h, a dip after lunch.
HOURS = (1, 1, 1, 1, 1, 1, 2, 4, 30, 62, 88, 100, 74, 56, 64, 76, 90, 98, 70, 48, 32, 18, 6, 2)
# Monday to Sunday; Sunday counts for stores that open on Sundays.
WEEKDAYS = (1.04, 0.92, 0.94, 0.99, 1.16, 1.34, 0.55)
CLOSED_DAY = 0.035  # calls on a day on which the store is closed
AFTER_HOURS = 0.045  # share of the calls that come when the store is closed
KINDS = ("inbound", "outbound", "internal")
KIND_WEIGHTS = tuple(accumulate((63, 22, 15)))
KNOWN_CALLERS = 4000
MISSED_KEPT = 20
DAY_MINUTES = 24 * 60


class _People:
    """Those who call the store and are called, some often; those who called in vain may be called back."""

    def __init__(self, store: StoreProfile, seed: int) -> None:
        rng = source_of_chance(seed, store.id, "people")
        count = min(KNOWN_CALLERS, 40 + store.calls_per_day * 8)
        self._known = [contact(rng, store.area_code) for _ in range(count)]
        self._missed: deque[Contact] = deque(maxlen=MISSED_KEPT)

    def caller(self, rng: random.Random) -> Contact:
        """Return someone, regular customers more often."""
        return self._known[int(len(self._known) * rng.random() ** 2)]

    def called(self, rng: random.Random) -> Contact:
        """Return whom an employee calls: sometimes one who called in vain."""
        if self._missed and rng.random() < 1 / 3:
            return self._missed.popleft()
        return self.caller(rng)

    def in_vain(self, who: Contact) -> None:
        """Remember someone who reached nobody."""
        self._missed.append(who)


def moments(store: StoreProfile, day: date, rng: random.Random) -> list[tuple[int, bool]]:
    """Return the beginnings of the day's calls (ms after midnight) and whether the store is open, sorted."""
    weekday = day.weekday()
    opening = store.hours[weekday]
    mean = store.calls_per_day * (WEEKDAYS[weekday] if opening else CLOSED_DAY)
    count = max(0, round(rng.gauss(mean * rng.uniform(0.88, 1.12), mean**0.5)))
    shares = [share(hour, opening) for hour in range(24)]
    found = []
    for hour in rng.choices(range(24), shares, k=count):
        first, last = hour * 60, hour * 60 + 60
        if opening and opening[0] < last and first < opening[1] and rng.random() >= AFTER_HOURS:
            first, last = max(first, opening[0]), min(last, opening[1])
        at = int((first + (last - first) * rng.random()) * 60_000)
        found.append((at, bool(opening) and opening[0] * 60_000 <= at < opening[1] * 60_000))  # type: ignore[index]
    return sorted(found)


def share(hour: int, opening: tuple[int, int] | None) -> float:
    """Return an hour's weight: while closed only a little of it is left."""
    minutes = min(opening[1], hour * 60 + 60) - max(opening[0], hour * 60) if opening else 0
    part = max(0, minutes) / 60
    return HOURS[hour] * (part + (1 - part) * AFTER_HOURS)


class _Run:
    """The calls that are going on in one store, resumed in the order of time."""

    def __init__(self, store: StoreProfile, seed: int) -> None:
        self.pbx = Exchange(store)
        self.store = store
        self.people = _People(store, seed)
        self._agenda: list[tuple[int, int, Draft, Script, Contact | None]] = []
        self._begun: deque[Draft] = deque()
        self._done: dict[int, SimulatedCall] = {}
        self._ids = 0

    def begin(self, at: int, rng: random.Random, *, is_open: bool) -> None:
        """Start a call; outside the opening hours only customers call."""
        draft = Draft(self.pbx, rng, at)
        kind = rng.choices(KINDS, cum_weights=KIND_WEIGHTS)[0] if is_open else "inbound"
        who: Contact | None = None
        if kind == "inbound":
            who = self.people.caller(rng) if not draft.chance(0.02) else None
            script = inbound.call(draft, who, is_open=is_open)
        elif kind == "outbound":
            who = self.people.called(rng) if not draft.chance(0.12) else None
            script = outbound.call(draft, who)
        else:
            script = internal.call(draft)
        self._ids += 1
        self.pbx.active += 1
        self._begun.append(draft)
        self._go_on(self._ids, draft, script, who)

    def _go_on(self, number: int, draft: Draft, script: Script, who: Contact | None) -> None:
        try:
            heapq.heappush(self._agenda, (next(script), number, draft, script, who))
        except StopIteration:
            self.pbx.active -= 1
            call = self._done[id(draft)] = draft.finish()
            if call.truth.missed and who:
                self.people.in_vain(who)

    def until(self, moment: int | None) -> None:
        """Let everything happen that happens before a moment (None: to the end)."""
        agenda = self._agenda
        while agenda and (moment is None or agenda[0][0] <= moment):
            at, number, draft, script, who = heapq.heappop(agenda)
            draft.now = max(draft.now, at)
            self._go_on(number, draft, script, who)

    def finished(self) -> Iterator[SimulatedCall]:
        """Yield the calls that are over, in the order of their beginnings."""
        while self._begun and id(self._begun[0]) in self._done:
            yield self._done.pop(id(self._begun.popleft()))


def simulate(store: StoreProfile, start: date, days: int, seed: int) -> Iterator[SimulatedCall]:
    """Yield a store's calls in the order of their beginnings.

    The same store, dates and seed give the same calls. Nothing but the calls in progress is kept in memory.

    Args:
        store: The store.
        start: First day, in the store's local time.
        days: How many days.
        seed: Any number.
    """
    run = _Run(store, seed)
    for n in range(days):
        day = start + timedelta(days=n)
        if n >= days - store.silent_last_days or store.is_silent(day):
            continue
        rng = source_of_chance(seed, store.id, day.isoformat())
        midnight = run.pbx.epoch_ms(datetime.combine(day, time()))
        restart = midnight + int(rng.random() * DAY_MINUTES) * 60_000 if rng.random() < 1 / 12 else None
        for at, is_open in moments(store, day, rng):
            run.until(midnight + at)
            if restart is not None and midnight + at > restart and run.pbx.active == 0:
                run.pbx.restart()
                restart = None
            run.begin(midnight + at, rng, is_open=is_open)
            yield from run.finished()
    run.until(None)
    yield from run.finished()
