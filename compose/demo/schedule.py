"""Which simulated calls a store makes within the next seconds, and when: a handful at once. Pure."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from compose.simulator import SimulatedCall, StoreProfile, simulate
from compose.simulator.ami_events import events
from compose.simulator.ami_switchboard import GoingOn, going_on
from compose.simulator.ami_tape import Timed
from compose.simulator.shift import shifted

DAY = date(2026, 9, 7)
"""A Monday, on which all stores are open."""
CALLS_PER_DAY = 600
SECONDS_PER_DAY = 1800
"""So long a day's calls are enough for."""
OPEN_HOUR = 10
"""By then all stores are open."""
FEWEST, MOST = 3, 6
PHONES_A_CALL = 3
PAUSE_SECONDS = 1
LAST_SECONDS = 5
"""Nothing begins so shortly before the end: calls that are over at once would be all that fits."""
APART_SECONDS = 1
"""The first calls begin so far from one another."""


class Planned(NamedTuple):
    """A call that will be made."""

    call: SimulatedCall
    events: list[Timed]
    going_on: list[GoingOn]


def plan(store: StoreProfile, begin: int, seconds: int, seed: int) -> list[Planned]:
    """What a store telephones; every call is over by the end.

    Nobody is in two calls at once; a telephone may ring while it is talked on, as FreePBX has it by default.

    Args:
        store: The store, silent or not.
        begin: Whole seconds since 1970.
        seconds: How long.
        seed: Of the simulation.
    """
    busy = replace(store, silent_last_days=0, silent=(), calls_per_day=CALLS_PER_DAY)
    days = simulate(busy, DAY, 1 + seconds // SECONDS_PER_DAY, seed)
    pool = [call for call in days if call.truth.start.hour >= OPEN_HOUR]
    lines = max(FEWEST, min(MOST, len(store.extensions) // PHONES_A_CALL))
    zone = ZoneInfo(store.timezone)
    planned = []
    for at, call in _fitted(pool, seconds, lines):
        moved = shifted(call, begin + at - call.start_ms // 1000, zone)
        told = events(moved, store)
        planned.append(Planned(moved, told, going_on(told)))
    return planned


def _fitted(pool: Sequence[SimulatedCall], seconds: int, lines: int) -> Iterator[tuple[int, SimulatedCall]]:
    """The calls, one after the other on so many lines, with the second in which each begins."""
    free = [(line * APART_SECONDS, line) for line in range(lines)]
    left = list(pool)
    taken: dict[str, int] = {}
    names: set[str] = set()
    while free:
        at, line = heapq.heappop(free)
        if at + LAST_SECONDS > seconds:
            continue
        found = next((one for one in left if _fits(one, at, seconds, taken, names)), None)
        if found is None:
            heapq.heappush(free, (at + PAUSE_SECONDS, line))
            continue
        left.remove(found)
        end = at + _length(found)
        taken.update(dict.fromkeys(_people(found), end))
        names |= _channels(found)
        yield at, found
        heapq.heappush(free, (end + PAUSE_SECONDS, line))


def _fits(call: SimulatedCall, at: int, seconds: int, taken: dict[str, int], names: set[str]) -> bool:
    if at + _length(call) > seconds or any(taken.get(person, 0) > at for person in _people(call)):
        return False
    # A restarted Asterisk counts anew; two of these calls would share a channel's name.
    return names.isdisjoint(_channels(call))


def _length(call: SimulatedCall) -> int:
    """Seconds until the last row is there, rounded up."""
    last = max(row.inserted_ms for row in call.rows)
    return -(-(last - call.start_ms // 1000 * 1000) // 1000)


def _people(call: SimulatedCall) -> set[str]:
    """Who talks, or calls."""
    calling = {call.truth.source} if call.truth.direction != "inbound" else set()
    return {*call.truth.answered_by, *calling}


def _channels(call: SimulatedCall) -> set[str]:
    return {name for row in call.rows for name in (row.channel, row.dstchannel) if name}
