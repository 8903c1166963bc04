"""Calls out of rows that are read one after another, in the order of their beginnings.

A call can be sent as soon as everything that begins before its end, and a little later, has been read.
What cannot be decided this way (it began before the reading did, its first channel's row is missing,
it is several linkedids put together) is named, and decided by asking the table.
"""

from typing import NamedTuple

from shipper.assembly.join import is_complete, join
from shipper.assembly.leg import Leg, names_of

MARGIN_SECONDS = 60
"""How long after its end a further leg of a call may begin: a second in truth, generously."""

EDGE_SECONDS = 3600
"""A call this soon after the beginning of the reading may have legs before it."""


class Passed(NamedTuple):
    """What reading has gone past."""

    calls: list[list[Leg]]
    """Whole calls."""
    undecided: list[Leg]
    """Legs of calls that cannot be told from this reading alone."""


class Stream:
    """The calls that are open in one uninterrupted reading.

    Args:
        begin: Where the reading begins, seconds since 1970; None where nothing comes before.
    """

    def __init__(self, begin: int | None) -> None:
        self._edge = None if begin is None else begin + EDGE_SECONDS
        self.open: dict[str, list[Leg]] = {}
        self._owner: dict[str, str] = {}
        self._cluster: dict[str, set[str]] = {}

    def add(self, leg: Leg) -> None:
        """Take the next leg."""
        linked = leg.linked
        legs = self.open.get(linked)
        claim = self._owner.setdefault
        if legs is None:
            self.open[linked] = [leg]
            if self._owner.get(linked, linked) != linked:
                self._tangle(linked, self._owner[linked])
        else:
            legs.append(leg)
        # `names_of`, written out: this runs for every row.
        uniqueid = leg.uniqueid
        if uniqueid and uniqueid != linked:
            if claim(uniqueid, linked) != linked:
                self._tangle(linked, self._owner[uniqueid])
            if uniqueid in self.open:
                self._tangle(linked, uniqueid)
        if "-" in leg.channel and claim(leg.channel, linked) != linked:
            self._tangle(linked, self._owner[leg.channel])
        if "-" in leg.dstchannel and claim(leg.dstchannel, linked) != linked:
            self._tangle(linked, self._owner[leg.dstchannel])

    def passed(self, position: int | None) -> Passed:
        """Give up the calls that are over.

        Args:
            position: All that begins before it has been read; None: the reading ends here, what is still
                open is undecided, and the stream is not to be used again.
        """
        done = Passed([], [])
        if position is None:
            for legs in self.open.values():
                done.undecided.extend(legs)
            return done
        before = position - MARGIN_SECONDS
        over = [
            linked for linked, legs in self.open.items() if legs[-1].end < before and _ended(legs, before)
        ]
        for linked in over:
            if linked not in self.open:
                continue  # went with its cluster
            cluster = self._cluster.get(linked)
            if cluster is None:
                self._close(self._take_alone(linked), done)
            elif all(_ended(self.open[member], before) for member in cluster):
                legs = [leg for member in list(cluster) for leg in self._take(member)]
                for call in join(legs):
                    self._close(call, done)
        return done

    def _tangle(self, one: str, other: str) -> None:
        """Two groups that share a name are looked at together; whether they are one call, `join` says."""
        both = self._cluster.get(one, {one}) | self._cluster.get(other, {other})
        for member in both:
            self._cluster[member] = both

    def _take_alone(self, linked: str) -> list[Leg]:
        """A group that shares no name with another: all that it claimed is its own."""
        legs = self.open.pop(linked)
        drop = self._owner.pop
        for leg in legs:
            drop(leg.channel, None)
            drop(leg.dstchannel, None)
            drop(leg.uniqueid, None)
        return legs

    def _take(self, linked: str) -> list[Leg]:
        legs = self.open.pop(linked)
        self._cluster.pop(linked, None)
        for leg in legs:
            for name in names_of(leg):
                if self._owner.get(name) == linked:
                    del self._owner[name]
        return legs

    def _close(self, legs: list[Leg], done: Passed) -> None:
        early = self._edge is not None and min(leg.start for leg in legs) < self._edge
        several = any(leg.linked != legs[0].linked for leg in legs)
        if early or several or not is_complete(legs):
            done.undecided.extend(legs)
        else:
            done.calls.append(legs)


def _ended(legs: list[Leg], before: int) -> bool:
    return all(leg.end < before for leg in legs)
