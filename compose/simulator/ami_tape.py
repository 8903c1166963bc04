"""The events of one call as Asterisk 22 sends them: each carries the channel as it was at that moment.

Keys, their order and the order of events are those of a recorded Asterisk 22 (tests/ami/recordings).
"""

from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from compose.simulator.ami_answers import Fields

DOWN: Final = "Down"
RING: Final = "Ring"
RINGING: Final = "Ringing"
UP: Final = "Up"
BUSY: Final = "Busy"
_STATES: Final = {DOWN: "0", RING: "4", RINGING: "5", UP: "6", BUSY: "7"}
UNKNOWN: Final = "<unknown>"
NORMAL: Final = 16
CAUSES: Final = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    NORMAL: "Normal Clearing",
    17: "User busy",
    26: "Answered elsewhere",
    34: "Circuit/channel congestion",
    127: "Interworking, unspecified",
}
"""ITU-T Q.850, in Asterisk's words."""


class Timed(NamedTuple):
    """An event and its moment, ms since the epoch."""

    at: int
    event: Fields


class Live:
    """A channel as its next event shows it; numbers and names are empty where unknown."""

    def __init__(self, name: str, uniqueid: str, linkedid: str, context: str, exten: str) -> None:
        self.name, self.uniqueid, self.linkedid = name, uniqueid, linkedid
        self.context, self.exten = context, exten
        self.state = DOWN
        self.number = self.person = self.connected_number = self.connected_person = self.bridge = ""
        self.bridge_type = "basic"

    def fields(self, prefix: str = "") -> dict[str, str]:
        """What every event says of it; ``prefix`` stands before the keys of a second channel."""
        shown = {
            "Channel": self.name,
            "ChannelState": _STATES[self.state],
            "ChannelStateDesc": self.state,
            "CallerIDNum": self.number or UNKNOWN,
            "CallerIDName": escaped(self.person),
            "ConnectedLineNum": self.connected_number or UNKNOWN,
            "ConnectedLineName": escaped(self.connected_person),
            "Language": "pt_BR",
            "AccountCode": "",
            "Context": self.context,
            "Exten": self.exten,
            "Priority": "1",
            "Uniqueid": self.uniqueid,
            "Linkedid": self.linkedid,
        }
        return {f"{prefix}{key}": value for key, value in shown.items()} if prefix else shown


class Tape:
    """Collects the events of a call; times need not rise from one to the next.

    Args:
        seed: Makes the ids of its bridges unlike those of other calls.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._bridges = 0
        self._events: list[Timed] = []

    def events(self) -> list[Timed]:
        """In the order of time; events of one moment in the order in which they were noted."""
        return sorted(self._events, key=_moment)

    def note(self, at: int, name: str, fields: Fields, privilege: str = "call,all") -> None:
        """An event."""
        self._events.append(Timed(at, {"Event": name, "Privilege": privilege, **fields}))

    def show(self, at: int, name: str, channel: Live, **more: str) -> None:
        """An event that is about one channel."""
        self.note(at, name, {**channel.fields(), **more})

    def new(self, at: int, channel: Live, state: str = DOWN) -> None:
        """The channel is made."""
        channel.state = state
        self.show(at, "Newchannel", channel)

    def state(self, at: int, channel: Live, state: str, context: str = "", exten: str = "") -> None:
        """It changes its state, perhaps at another place in the dialplan."""
        channel.state = state
        if context:
            channel.context, channel.exten = context, exten
        self.show(at, "Newstate", channel)

    def caller(self, at: int, channel: Live, number: str, person: str) -> None:
        """It shows another number or name."""
        channel.number, channel.person = number, person
        pres = "0 (Presentation Allowed, Not Screened)"
        self.show(at, "NewCallerid", channel, **{"CID-CallingPres": pres})

    def connected(self, at: int, channel: Live, other: Live) -> None:
        """It is shown whom it is connected to, or rings."""
        channel.connected_number, channel.connected_person = other.number, other.person
        self.show(at, "NewConnectedLine", channel)

    def dial(self, at: int, caller: Live, called: Live, string: str) -> None:
        """One channel begins to call another."""
        fields = {**caller.fields(), **called.fields("Dest"), "DialString": string}
        self.note(at, "DialBegin", fields)

    def dialled(self, at: int, caller: Live, called: Live, status: str) -> None:
        """It has ended: ANSWER, BUSY, CANCEL, CHANUNAVAIL, CONGESTION or NOANSWER."""
        if status == "ANSWER":
            called.exten = ""
        self.note(at, "DialEnd", {**caller.fields(), **called.fields("Dest"), "DialStatus": status})

    def bridge(self) -> str:
        """The id of a new bridge."""
        self._bridges += 1
        return str(uuid5(NAMESPACE_URL, f"{self._seed}/{self._bridges}"))

    def enter(self, at: int, channel: Live, bridge: str, kind: str = "basic", **more: str) -> None:
        """It enters a bridge."""
        channel.bridge, channel.bridge_type = bridge, kind
        self.note(at, "BridgeEnter", {**bridge_fields(channel), **channel.fields(), **more})

    def join(self, at: int, first: Live, second: Live) -> None:
        """Two channels are connected; both are then of the older one's call, which no event tells."""
        bridge = self.bridge()
        self.enter(at, first, bridge)
        self.enter(at, second, bridge)

    def leave(self, at: int, channel: Live) -> None:
        """It leaves its bridge, if it is in one."""
        if channel.bridge:
            self.note(at, "BridgeLeave", {**bridge_fields(channel), **channel.fields()})
            channel.bridge = ""

    def hangup(self, at: int, channel: Live, cause: int = NORMAL) -> None:
        """It is gone."""
        self.leave(at, channel)
        self.show(at, "Hangup", channel, Cause=str(cause), **{"Cause-txt": CAUSES[cause]})

    def queue(self, at: int, name: str, channel: Live, queue: str, **more: str) -> None:
        """An event of a queue and a caller."""
        self.note(at, name, {**channel.fields(), "Queue": queue, **more}, "agent,all")


def escaped(name: str) -> str:
    """A name as events write it."""
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'") or UNKNOWN


def bridge_fields(channel: Live, prefix: str = "") -> dict[str, str]:
    """What events say of the bridge that a channel is in."""
    return {
        f"{prefix}BridgeUniqueid": channel.bridge,
        f"{prefix}BridgeType": channel.bridge_type,
        f"{prefix}BridgeTechnology": "holding_bridge"
        if channel.bridge_type == "parking"
        else "simple_bridge",
        f"{prefix}BridgeCreator": "<unknown>",
        f"{prefix}BridgeName": "<unknown>",
        f"{prefix}BridgeNumChannels": "2",
        f"{prefix}BridgeVideoSourceMode": "none",
    }


def _moment(timed: Timed) -> int:
    return timed.at
