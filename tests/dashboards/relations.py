"""Calls that have to do with each other, from the truth: at the same time on a trunk, and called back.

Naive on purpose: each call is compared with each other one of its store that may matter.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from tests.dashboards.reckon import grouped, store
from tests.dashboards.world import Made

HIDDEN = "anonymous"
SHORT = 5
"""Digits up to which a number is a service's, and no subscriber's."""


def simultaneous(calls: Iterable[Made]) -> dict[str, int]:
    """Give for each call on a trunk how many there were on it when it began, itself included; by its key.

    A call is on its trunk from its beginning until its last row ends; one that ends in the second in which
    another begins is over. Of calls that begin in the same second each counts the others. A call that came in
    and went on to the outside holds the trunk of that way, too.
    """
    held: dict[tuple[str, str], list[Made]] = defaultdict(list)
    for call in calls:
        for name in {call.truth.trunk, call.owed.trunk if call.owed else ""} - {"", None}:
            held[call.store.id, str(name)].append(call)
    found = {}
    for (_, name), together in held.items():
        longest = max(call.end - call.begin for call in together)
        ordered = sorted(together, key=attrgetter("begin"))
        first = 0
        for call in ordered:
            while ordered[first].begin < call.begin - longest:
                first += 1
            others = 0
            for other in ordered[first:]:
                if other.begin > call.begin:
                    break
                others += other is not call and other.end > call.begin
            if call.truth.trunk == name:
                found[call.key] = 1 + others
    return found


@dataclass(frozen=True)
class Callback:
    """What became of a missed call, with the names of the document's `call.callback`."""

    state: str
    seconds: int | None = None
    by: str | None = None
    call_id: str | None = None


def outside_number(call: Made) -> str:
    """The number outside with + and country; empty where nobody can be called by it."""
    truth = call.truth
    if truth.direction == "inbound":
        national, abroad = truth.source, truth.source
        known = truth.source != HIDDEN
    else:
        # See `compose.simulator.numbers`: how an employee dials it.
        local = f"{call.store.area_code}{truth.destination}"
        far = truth.destination[3:]
        other = truth.destination.removeprefix("0")
        kind = truth.category.partition("_")[0]
        national, abroad = {"local": local, "long": far}.get(kind, other), truth.destination[4:]
        known = len(truth.destination) > SHORT
    if not known:
        return ""
    return f"+{abroad}" if truth.category == "international" else f"+55{national}"


def callbacks(calls: Iterable[Made], within: int, now: int) -> dict[str, Callback]:
    """Give for each missed call what became of it, by its key.

    Args:
        calls: Some stores' calls.
        within: Seconds in which somebody has to be called back.
        now: Until when the calls are known, seconds since 1970.
    """
    found = {}
    for together in grouped(calls, store).values():
        ordered = sorted(together, key=lambda call: (call.begin, call.key))
        for call in ordered:
            if call.truth.missed:
                found[call.key] = _callback(call, ordered, within, now)
    return found


def _callback(missed: Made, calls: Iterable[Made], within: int, now: int) -> Callback:
    number = outside_number(missed)
    if not number:
        return Callback("no_number")
    later = list(_later(missed, calls, number, within))
    for call in later:
        if call.truth.outcome == "answered":
            who = call.truth.source if call.truth.direction == "outbound" else call.truth.answered_by[0]
            state = "called_back" if call.truth.direction == "outbound" else "came_again"
            return Callback(state, call.begin - missed.end, who, call.key)
    tried = [call for call in later if call.truth.direction == "outbound"]
    if tried:
        return Callback("tried", tried[0].begin - missed.end, tried[0].truth.source, tried[0].key)
    return Callback("waiting" if now < missed.end + within else "never")


def _later(missed: Made, calls: Iterable[Made], number: str, within: int) -> Iterator[Made]:
    for call in calls:
        if (
            missed.end <= call.begin <= missed.end + within
            and call is not missed
            and call.truth.direction in {"inbound", "outbound"}
            and outside_number(call) == number
        ):
            yield call
