"""Whom the caller was put through to, or at least rang: Local channels folded away.

The caller's own rows say when; where a row's other side is one half of a Local channel (a queue's
member, a mobile phone in a ring group), the row of the other half says who, and its seconds are that
person's alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shipper.assembly.endpoints import Endpoint, Endpoints, Kind, half, sent_number
from shipper.assembly.leg import Leg

_DEEPEST = 4
"""Local channels behind Local channels; more than that is a loop."""

NEVER = 1 << 62


class Contact(NamedTuple):
    """One party that rang or was talked to."""

    leg: Leg
    """The row that tells about this party alone."""
    via: Leg
    """The caller's row: the same one, unless a Local channel stands between."""
    kind: Kind
    name: str
    """Of the trunk or the telephone."""
    number: str
    """The extension, or the outside number that was dialled."""
    reached: bool
    """The caller and this party were connected: both rows say so."""
    folded: bool
    """A Local channel stands between."""


class Call(NamedTuple):
    """A call's rows, sorted out."""

    legs: Sequence[Leg]
    """All of them, in the order of time."""
    origin: Leg
    """The first row of the channel that began the call."""
    caller: Endpoint
    main: Sequence[Leg]
    """The caller's own rows, and those of parties that stayed when the caller was transferred away."""
    contacts: Sequence[Contact]
    up: dict[str, int]
    """Of each channel of these rows, the start of its first row that was answered."""


def sort_out(legs: Sequence[Leg], first: str, endpoints: Endpoints) -> Call:
    """Find the caller's rows among all, and the parties behind them.

    Args:
        legs: The call's legs in the order of time.
        first: The oldest linkedid.
        endpoints: Tells channels apart.
    """
    origin = legs[0]
    contacts: list[Contact] = []
    if len(legs) == 1:
        if origin.dstchannel:
            _behind(origin, origin, {}, endpoints, contacts, 0)
        return Call(legs, origin, endpoints.of(origin.channel), legs, contacts, {})
    if origin.uniqueid != first:
        origin = next((leg for leg in legs if leg.uniqueid == first), origin)
    by_channel: dict[str, list[Leg]] = {}
    for leg in legs:
        by_channel.setdefault(leg.channel, []).append(leg)
    main = _callers(origin, by_channel, endpoints, contacts)
    up: dict[str, int] = {}
    for leg in main:
        if leg.answered and leg.billsec:
            up.setdefault(leg.channel, leg.start)
    return Call(legs, origin, endpoints.of(origin.channel), main, contacts, up)


def _callers(
    origin: Leg, by_channel: dict[str, list[Leg]], endpoints: Endpoints, contacts: list[Contact]
) -> list[Leg]:
    """The caller's rows, then those of whoever was reached and stayed; finds the contacts on the way."""
    main: list[Leg] = []
    waiting, known = [origin.channel], {origin.channel}
    while waiting:
        for leg in by_channel[waiting.pop()]:
            main.append(leg)
            if not leg.dstchannel:
                continue
            number = len(contacts)
            _behind(leg, leg, by_channel, endpoints, contacts, 0)
            for contact in contacts[number:]:
                stays = contact.leg.dstchannel
                if contact.reached and stays in by_channel and stays not in known:
                    known.add(stays)
                    waiting.append(stays)
    if len(known) > 1:
        main.sort(key=lambda leg: (leg.start, leg.sequence))
    return main


def _behind(
    leg: Leg,
    via: Leg,
    by_channel: dict[str, list[Leg]],
    endpoints: Endpoints,
    found: list[Contact],
    depth: int,
) -> None:
    """Find the parties behind a row's called channel."""
    endpoint = endpoints.called(leg.dstchannel, leg.lastdata)
    if endpoint.kind == "local" and depth < _DEEPEST:
        further = [row for row in by_channel.get(half(leg.dstchannel), ()) if row.dstchannel]
        for row in further:
            _behind(row, via, by_channel, endpoints, found, depth + 1)
        if further:
            return
    if endpoint.kind == "trunk":
        number = sent_number(leg.lastdata) or leg.dst
    else:
        number = leg.dst if endpoint.kind == "unknown" else endpoint.name
    reached = leg.answered and via.answered
    found.append(Contact(leg, via, endpoint.kind, endpoint.name, number, reached, leg is not via))
