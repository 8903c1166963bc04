"""Which legs are one call.

Legs with the same linkedid are, and so are groups that share a channel: by its uniqueid, or by its name
in ``channel`` or ``dstchannel`` at the same time. The name is what joins an attended transfer: the
consultation keeps its own linkedid, but the party that was asked is the one whom the caller then gets
(measured on Asterisk 22). A name counts only while its channel lives: Asterisk's counters restart, and
the same name comes back another day.
"""

from collections.abc import Iterable, Sequence

from shipper.assembly.leg import Leg, birth, in_order

TOUCHING_SECONDS = 2
"""Legs of one channel follow each other without a gap; their times are cut off to whole seconds."""


def join(legs: Iterable[Leg]) -> list[list[Leg]]:
    """Put legs together to calls.

    The result depends on the set of legs alone, not on their order.

    Args:
        legs: Each row once.

    Returns:
        Each call's legs in the order of time; calls in the order of their first legs.
    """
    ordered = sorted(legs, key=in_order)
    groups = _Groups()
    ends: dict[str, tuple[int, str]] = {}
    for leg in ordered:
        groups.add(leg.linked)
        if leg.uniqueid:
            groups.unite(leg.linked, groups.owner.setdefault(leg.uniqueid, leg.linked))
        for name in (leg.channel, leg.dstchannel):
            if "-" not in name:
                continue  # no channel's own name, see `names_of`
            before = ends.get(name)
            if before is not None and leg.start <= before[0] + TOUCHING_SECONDS:
                groups.unite(leg.linked, before[1])
                ends[name] = (max(leg.end, before[0]), leg.linked)
            else:
                ends[name] = (leg.end, leg.linked)
    calls: dict[str, list[Leg]] = {}
    for leg in ordered:
        calls.setdefault(groups.root(leg.linked), []).append(leg)
    return list(calls.values())


def linked_ids(legs: Iterable[Leg]) -> list[str]:
    """The linkedids of a call, the oldest first."""
    found = {leg.linked for leg in legs}
    return sorted(found, key=birth) if len(found) > 1 else list(found)


def is_complete(legs: Sequence[Leg]) -> bool:
    """The first channel of each group has hung up: all that it wrote is there.

    Asterisk writes a channel's rows when it hangs up, and a linkedid is the uniqueid of the first
    channel: as long as no row has it, the call is still going on (or that row was lost).
    """
    if len(legs) == 1:
        return legs[0].linked == (legs[0].uniqueid or legs[0].linked)
    ended = {leg.uniqueid or leg.linked for leg in legs}
    return all(leg.linked in ended for leg in legs)


class _Groups:
    """Sets of linkedids that grow together (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self.owner: dict[str, str] = {}

    def add(self, name: str) -> None:
        self._parent.setdefault(name, name)

    def root(self, name: str) -> str:
        while self._parent[name] != name:
            self._parent[name] = self._parent[self._parent[name]]
            name = self._parent[name]
        return name

    def unite(self, one: str, other: str) -> None:
        self._parent[self.root(one)] = self.root(other)
