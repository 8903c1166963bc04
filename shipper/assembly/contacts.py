"""Whom the caller was put through to, or at least rang: Local channels folded away.

The caller's own rows say when; where a row's other side is one half of a Local channel (a queue's
member, a mobile phone in a ring group), the row of the other half says who, and its seconds are that
person's alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shipper.assembly.endpoints import Endpoint, Endpoints, half, sent_number
from shipper.assembly.leg import Leg

_DEEPEST = 4
"""Local channels behind Local channels; more than that is a loop."""


class Contact(NamedTuple):
    """One party that rang or was talked to."""

    leg: Leg
    """The row that tells about this party alone."""
    via: Leg
    """The caller's row: the same one, unless a Local channel stands between."""
    endpoint: Endpoint
    number: str
    """The extension, or the outside number that was dialled."""

    @property
    def reached(self) -> bool:
        """The caller and this party were connected: both rows say so."""
        return self.leg.answered and self.via.answered

    @property
    def folded(self) -> bool:
        """A Local channel stands between."""
        return self.leg is not self.via


class Call(NamedTuple):
    """A call's rows, sorted out."""

    legs: Sequence[Leg]
    """All of them, in the order of time."""
    origin: Leg
    """The first row of the channel that began the call."""
    caller: Endpoint
    main: list[Leg]
    """The caller's own rows, and those of parties that stayed when the caller was transferred away."""
    contacts: list[Contact]


def sort_out(legs: Sequence[Leg], first: str, endpoints: Endpoints) -> Call:
    """Find the caller's rows among all, and the parties behind them.

    Args:
        legs: The call's legs in the order of time.
        first: The oldest linkedid.
        endpoints: Tells channels apart.
    """
    origin = next((leg for leg in legs if leg.uniqueid == first), legs[0])
    if len(legs) == 1:
        contacts = _behind(origin, origin, {}, endpoints, 0) if origin.dstchannel else []
        return Call(legs, origin, endpoints.of(origin.channel), [origin], contacts)
    by_channel: dict[str, list[Leg]] = {}
    for leg in legs:
        by_channel.setdefault(leg.channel, []).append(leg)
    main: list[Leg] = []
    contacts = []
    waiting, known = [origin.channel], {origin.channel}
    while waiting:
        for leg in by_channel.get(waiting.pop(), [origin]):
            main.append(leg)
            if not leg.dstchannel:
                continue
            for contact in _behind(leg, leg, by_channel, endpoints, 0):
                contacts.append(contact)
                stays = contact.leg.dstchannel
                if contact.reached and stays not in known:
                    known.add(stays)
                    if stays in by_channel:
                        waiting.append(stays)
    main.sort(key=lambda leg: (leg.start, leg.sequence))
    return Call(legs, origin, endpoints.of(origin.channel), main, contacts)


def _behind(
    leg: Leg, via: Leg, by_channel: dict[str, list[Leg]], endpoints: Endpoints, depth: int
) -> list[Contact]:
    """The parties behind a row's called channel."""
    other = half(leg.dstchannel)
    further = [row for row in by_channel.get(other, ()) if row.dstchannel] if other else []
    if further and depth < _DEEPEST:
        found: list[Contact] = []
        for row in further:
            found += _behind(row, via, by_channel, endpoints, depth + 1)
        return found
    endpoint = endpoints.called(leg.dstchannel, leg.lastdata)
    if endpoint.kind == "trunk":
        number = sent_number(leg.lastdata) or leg.dst
    elif endpoint.kind == "unknown":
        number = leg.dst
    else:
        number = endpoint.name
    return [Contact(leg, via, endpoint, number)]
