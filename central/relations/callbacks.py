"""What became of missed calls. Pure; reads calls as they come and holds only what is still open."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, groupby
from operator import attrgetter
from typing import Final, Generic, NamedTuple, TypeVar

from central.relations.call import Call

CALLED_BACK: Final = "called_back"
CAME_AGAIN: Final = "came_again"
TRIED: Final = "tried"
WAITING: Final = "waiting"
NEVER: Final = "never"
NO_NUMBER: Final = "no_number"
STATES: Final = (CALLED_BACK, CAME_AGAIN, TRIED, WAITING, NEVER, NO_NUMBER)

Some = TypeVar("Some", bound=Call)


class Callback(NamedTuple):
    """What became of a missed call, with the names of `call.callback`.

    Attributes:
        state: one of `STATES`.
        seconds: from the missed call's end to the start of the call that this is by.
        by: extension that called, or who answered; None: not known.
        call_id: that call.
    """

    state: str
    seconds: int | None = None
    by: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which calls it is asked, and how; moments are milliseconds since 1970.

    Attributes:
        since: start of the first call.
        until: no call that begins then, or later.
        within: milliseconds after its end in which a missed call counts as settled.
        now: a missed call whose time is not over waits.
    """

    since: int
    until: int
    within: int
    now: int

    def holds(self, call: Call) -> bool:
        """Tell whether it is asked of this call."""
        return self.since <= call.start < self.until


def callbacks(calls: Iterable[Some], asked: Asked) -> Iterator[tuple[Some, Callback | None]]:
    """Say of each missed call whether the store called back, or the caller came again.

    What counts is a call with the same number that begins in the time after the missed call's end. The first
    of them that reached a person settles it, whoever called; without one, the first that the store made is
    what it tried.

    Args:
        calls: of one store, in the order of their start; not read farther than needed.
        asked: of which of them.

    Yields:
        Each call that it is asked of, once: those that were not missed with None and at once, missed ones
        when they are settled.
    """
    waiting = _Open[Some](asked)
    for start, together in groupby(calls, attrgetter("start")):
        yield from waiting.expired(start)
        if start >= asked.until and not waiting:
            return
        begun = list(together)
        for call in begun:
            if not asked.holds(call):
                continue
            if not call.missed:
                yield call, None
            elif call.number is None:
                yield call, Callback(NO_NUMBER)
            else:
                waiting.add(call, call.number)
        for call in begun:
            yield from waiting.settled(call)
    yield from waiting.expired(None)


@dataclass(slots=True, eq=False)
class _Missed(Generic[Some]):
    call: Some
    tried: Callback | None = None


class _Open(Generic[Some]):
    """Missed calls that nothing settled yet, by number and by the end of their time."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._by_number: dict[str, dict[int, _Missed[Some]]] = {}
        self._by_end: list[tuple[int, int, str]] = []
        self._order = count()

    def __bool__(self) -> bool:
        return bool(self._by_number)

    def add(self, call: Some, number: str) -> None:
        place = next(self._order)
        self._by_number.setdefault(number, {})[place] = _Missed(call)
        heappush(self._by_end, (call.end + self._asked.within, place, number))

    def settled(self, later: Call) -> Iterator[tuple[Some, Callback]]:
        """Give what a call settles; what it only tried is noted."""
        if later.number is None or not (later.answered or later.outbound):
            return
        for place, missed in list(self._by_number.get(later.number, {}).items()):
            if later.start < missed.call.end:
                continue
            if later.answered:
                self._remove(place, later.number)
                yield missed.call, _by(CALLED_BACK if later.outbound else CAME_AGAIN, missed.call, later)
            elif missed.tried is None:
                missed.tried = _by(TRIED, missed.call, later)

    def expired(self, start: int | None) -> Iterator[tuple[Some, Callback]]:
        """Give those whose time was over before a moment; None: all."""
        while self._by_end and (start is None or self._by_end[0][0] < start):
            end, place, number = heappop(self._by_end)
            missed = self._remove(place, number)
            if missed is not None:
                yield missed.call, missed.tried or Callback(WAITING if self._asked.now < end else NEVER)

    def _remove(self, place: int, number: str) -> _Missed[Some] | None:
        same = self._by_number.get(number, {})
        missed = same.pop(place, None)
        if not same:
            self._by_number.pop(number, None)
        return missed


def _by(state: str, missed: Call, later: Call) -> Callback:
    return Callback(state, (later.start - missed.end) // 1000, later.by, later.call_id)
