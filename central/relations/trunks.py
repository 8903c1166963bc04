"""How many calls were on a trunk at once. Pure; reads calls as they come and holds only those that go on."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import groupby
from operator import attrgetter
from typing import Final, TypeVar

from central.relations.call import Call

HELD_MS: Final = 24 * 3_600_000
"""The longest that a call is taken to hold its trunk: from so far back a call must be read."""

Some = TypeVar("Some", bound=Call)


def simultaneous(calls: Iterable[Some]) -> Iterator[tuple[Some, int | None]]:
    """Say of each call how many were on its trunk when it began.

    A call holds its trunk from its start until before its end. Calls that begin in the same moment count each
    other; one without any duration counts for itself alone.

    Args:
        calls: of one store, in the order of their start, beginning with those that still went on then.

    Yields:
        Each call in its place, with the calls on its trunk at its start, itself included; None where it has
        no trunk.
    """
    ends: dict[str, list[int]] = defaultdict(list)
    for start, together in groupby(calls, attrgetter("start")):
        begun = list(together)
        for call in begun:
            for trunk in {call.trunk, call.onward} - {None}:
                heappush(ends[str(trunk)], min(call.end, call.start + HELD_MS))
        for call in begun:
            if call.trunk is None:
                yield call, None
                continue
            going = ends[call.trunk]
            while going and going[0] <= start:
                heappop(going)
            yield call, len(going) + (call.end <= start)
