"""The channels of one linkedid to the call that a FreePBX user sees."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from shipper.assembly.endpoints import (
    LONGEST_EXTENSION,
    LONGEST_PROBABLE_EXTENSION,
    Endpoint,
    Endpoints,
    comes_from_phone,
    comes_from_trunk,
)
from shipper.assembly.leg import birth
from shipper.document.clock import created_at
from shipper.live.channel import RINGING, UP, Channel

State = Literal["ringing", "talking", "queued", "on_hold"]
Direction = Literal["internal", "inbound", "outbound", "unknown"]

NOWHERE: Final = {"", "s", "h"}
"""What the dialplan calls an extension where none was dialled."""


class LiveParty(NamedTuple):
    """One side of a call; what is not known is empty."""

    number: str = ""
    name: str = ""
    extension: str = ""


class LiveCall(NamedTuple):
    """A call that is going on."""

    linked_ids: tuple[str, ...]
    """The oldest first: it identifies the call, here as in the table."""
    state: State
    machine: bool
    """Only a machine is connected: an announcement, a menu, voicemail. Then the state is ``talking``."""
    direction: Direction
    trunk: str
    queue: str
    did: str
    group: str
    source: LiveParty
    destination: LiveParty
    extensions: tuple[str, ...]
    """The store's extensions that take part, ringing ones too."""
    ringing: tuple[str, ...]
    """Extensions that are called and ring."""
    talking: tuple[str, ...]
    """Extensions that are connected; none while the call is on hold."""
    trunks: tuple[str, ...]
    """The trunk of each channel on one, for counting simultaneous calls."""
    begin: float
    """When the first channel was made, seconds since 1970; 0.0 where the linkedid does not say it."""


class _Member(NamedTuple):
    channel: Channel
    endpoint: Endpoint


def live_call(channels: Sequence[Channel], endpoints: Endpoints) -> LiveCall | None:
    """Say what the channels of one linkedid are as a call.

    State and direction follow from what a listing shows, and from hold and queue. The direction is decided as
    `shipper.assembly` decides it from rows, so that the document of now and that of the finished call agree.

    Args:
        channels: As `Channels.of` gives them.
        endpoints: Tells channels apart.

    Returns:
        None where nobody takes part: there is no channel, or only halves of Local channels.
    """
    members = [
        _Member(channel, endpoints.called(channel.name, channel.dial))
        for channel in channels
        if not channel.hidden
    ]
    if not members:
        return None
    kin = channels[0].kin
    origin = kin.first or channels[0]
    caller = endpoints.called(origin.name, origin.dial)
    connected = _connected(channels)
    state, machine = _state(members, channels, connected)
    called = [member for member in members if member.channel is not origin]
    direction = _direction(origin, caller, called, channels)
    inside = [member for member in members if member.endpoint.kind == "extension"]
    talking = [m for m in inside if m.channel in connected or not connected] if state == "talking" else []
    past = [origin, *channels]
    linked_ids = tuple(sorted({kin.linkedid, *kin.former}, key=birth))
    source, destination = _parties(origin, caller, called, connected, direction, channels)
    return LiveCall(
        linked_ids,
        state,
        machine,
        direction,
        _trunk(caller, called, direction),
        next((channel.queue for channel in past if channel.queue), ""),
        origin.dialled if direction == "inbound" and origin.dialled not in NOWHERE else "",
        next((channel.group for channel in past if channel.group), ""),
        source,
        destination,
        _names(inside),
        _names(member for member in inside if member.channel.state == RINGING),
        _names(talking),
        tuple(
            [
                member.endpoint.name
                for member in members
                if member.endpoint.kind == "trunk"
                or (member.channel is origin and _came_in(caller, direction))
            ]
        ),
        float(created_at(linked_ids[0]) or 0),
    )


def _names(members: Iterable[_Member]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([member.endpoint.name for member in members]))


def _connected(channels: Sequence[Channel]) -> list[Channel]:
    """The channels that are put through to somebody, through Local channels too."""
    bridged = [channel for channel in channels if channel.bridge]
    if not any(channel.half for channel in bridged):
        return [channel for channel in bridged if not channel.hidden]
    # Both halves of a Local channel make one of their bridges.
    joined = {channel.bridge: channel.bridge for channel in bridged}
    halves: dict[str, str] = {}
    for channel in bridged:
        if channel.half and (other := halves.setdefault(channel.half, channel.bridge)) != channel.bridge:
            old, new = joined[channel.bridge], joined[other]
            for bridge, whole in joined.items():
                if whole == old:
                    joined[bridge] = new
    through = {joined[channel.bridge] for channel in bridged if channel.half}
    persons: dict[str, int] = {}
    for channel in bridged:
        whole = joined[channel.bridge]
        # A conference counts as somebody: its other members have linkedids of their own.
        persons[whole] = persons.get(whole, 0) + (not channel.hidden) + (channel.conference != "")
    return [
        channel
        for channel in bridged
        if not channel.hidden
        and (persons[joined[channel.bridge]] > 1 or joined[channel.bridge] not in through)
    ]


def _state(
    members: Sequence[_Member], channels: Sequence[Channel], connected: Sequence[Channel]
) -> tuple[State, bool]:
    """The state, and whether only a machine is connected."""
    if any(member.channel.on_hold for member in members):
        return "on_hold", False
    if connected:
        return "talking", False
    if any(channel.waiting for channel in channels):
        return "queued", False
    # Not answered: it rings, or is about to, or its caller hears why it does not.
    if any(member.channel.state != UP for member in members):
        return "ringing", False
    # Two that were answered and are not connected yet are about to be.
    return "talking", len(members) == 1


def _direction(
    origin: Channel, caller: Endpoint, called: Sequence[_Member], channels: Sequence[Channel]
) -> Direction:
    began = origin.uniqueid == origin.kin.linkedid
    if caller.kind == "trunk":
        # Of a call whose first channel is gone and was never seen: the store called whoever is on the trunk.
        return "inbound" if began else "outbound"
    if caller.kind != "extension" and not comes_from_phone(origin.entry):
        return "inbound" if comes_from_trunk(origin.entry) else "unknown"
    kinds = {member.endpoint.kind for member in called}
    # A mobile phone that only rings with a group makes no outbound call of it.
    folded = not origin.hidden and any(channel.half for channel in channels)
    trunks = [member for member in called if member.endpoint.kind == "trunk"]
    if any(not folded or member.channel.state == UP for member in trunks) or (trunks and kinds == {"trunk"}):
        return "outbound"
    if kinds & {"extension", "trunk"}:
        return "internal"
    if origin.sent or (origin.dialled.isdigit() and len(origin.dialled) > LONGEST_PROBABLE_EXTENSION):
        return "outbound"
    return "unknown" if "unknown" in kinds else "internal"


def _came_in(caller: Endpoint, direction: Direction) -> bool:
    """A call that is inbound by its context came over a trunk, listed or not."""
    return direction == "inbound" and caller.kind == "unknown"


def _trunk(caller: Endpoint, called: Sequence[_Member], direction: Direction) -> str:
    if direction == "inbound":
        return caller.name if caller.kind in {"trunk", "unknown"} else ""
    trunks = [member for member in called if member.endpoint.kind == "trunk"]
    carried = next((member for member in trunks if member.channel.state == UP), None)
    if carried or trunks:
        return (carried or trunks[-1]).endpoint.name
    return caller.name if caller.kind == "trunk" else ""


def _parties(
    origin: Channel,
    caller: Endpoint,
    called: Sequence[_Member],
    connected: Sequence[Channel],
    direction: Direction,
    channels: Sequence[Channel],
) -> tuple[LiveParty, LiveParty]:
    """Who calls whom, as `shipper.assembly.parties` tells it of rows."""
    number = origin.caller_number
    name = next((n for n in (origin.own_name, origin.caller_name) if n.casefold() not in {"", number}), "")
    extension = caller.name if caller.kind == "extension" else _short(caller.name) or _short(number)
    dialled = "" if origin.dialled in NOWHERE else origin.dialled
    if direction == "outbound":
        if not dialled or origin.hidden:
            dialled = next((channel.sent for channel in channels if channel.sent), origin.sent)
        return LiveParty(number, name, extension), LiveParty(dialled)
    taken = _extension_called(called, connected)
    if direction != "internal":
        return LiveParty(number, name), LiveParty(dialled, "", taken)
    if not dialled and origin.entry == "":
        dialled = _short(origin.connected_number)
    return LiveParty(number, name, extension), LiveParty(dialled, "", taken or _short(dialled))


def _extension_called(called: Sequence[_Member], connected: Sequence[Channel]) -> str:
    """The telephone that took the call, else the one that is called alone."""
    inside = [member for member in called if member.endpoint.kind == "extension"]
    for member in inside:
        if member.channel in connected:
            return member.endpoint.name
    return inside[0].endpoint.name if len({member.endpoint.name for member in inside}) == 1 else ""


def _short(number: str) -> str:
    return number if number.isascii() and number.isdigit() and len(number) <= LONGEST_EXTENSION else ""
