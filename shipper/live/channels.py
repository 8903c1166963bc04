"""Manager events to channels, and channels made equal to a listing again."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from shipper.assembly.endpoints import sent_number
from shipper.assembly.leg import birth
from shipper.live.channel import SHOWN, Channel, Event, shown
from shipper.live.roster import Roster

ON_HOLD: Final = "ONHOLD"
IN_USE: Final = "INUSE"
NOT_IN_USE: Final = "NOT_INUSE"
QUEUE_DEVICE: Final = "Queue:"
_MARKS: Final[dict[str, tuple[str, bool]]] = {
    "Hold": ("holding", True),
    "Unhold": ("holding", False),
    "QueueCallerLeave": ("waiting", False),
    "QueueCallerAbandon": ("waiting", False),
}


class Difference(NamedTuple):
    """What a listing corrected."""

    missing: int
    """Channels that were there and not known."""
    surplus: int
    """Channels that were known and not there."""
    changed: int
    """Channels of which something else was known than the listing shows."""
    linkedids: set[str]
    """Calls that may look different now."""


class Channels(Roster):
    """All channels of one PBX.

    A channel is made by ``Newchannel`` or a listing alone: other events may come after its ``Hangup``
    (measured on Asterisk 22). Events that are applied again, or late, after a listing that was newer end in
    the same state.
    """

    def __init__(self) -> None:
        super().__init__()
        self._on_hold: set[str] = set()
        self._handlers: Final[dict[str, Callable[[Event], set[str]]]] = {
            "Newchannel": self._on_new,
            "Newstate": self._on_channel,
            "NewCallerid": self._on_channel,
            "NewConnectedLine": self._on_channel,
            "MusicOnHoldStart": self._on_channel,
            "MusicOnHoldStop": self._on_channel,
            "Hangup": self._on_hangup,
            "Rename": self._on_rename,
            "BridgeEnter": self._on_enter,
            "BridgeLeave": self._on_leave,
            "DialBegin": self._on_dial,
            "QueueCallerJoin": self._on_queue,
            "ConfbridgeJoin": self._on_conference,
            "ConfbridgeLeave": self._on_conference,
            "DeviceStateChange": self._on_device,
            **dict.fromkeys(_MARKS, self._on_mark),
        }

    def apply(self, event: Event) -> set[str]:
        """Take an event; any dict of texts is one.

        Returns:
            The linkedids of calls that may look different now, those that ended included.
        """
        handler = self._handlers.get(event.get("Event", ""))
        return handler(event) if handler else set()

    def resync(self, channels: Sequence[Event], devices: Sequence[Event] = ()) -> Difference:
        """Become equal to a listing.

        Hold and queue of channels that stay are kept where the listing does not say otherwise.

        Args:
            channels: The ``CoreShowChannel`` events of one answer.
            devices: The ``DeviceStateChange`` events of ``DeviceStateList``, which tell hold and parking.
        """
        listed = {event["Uniqueid"]: event for event in channels if event.get("Uniqueid")}
        gone = [channel for uniqueid, channel in self._channels.items() if uniqueid not in listed]
        touched: set[str] = set()
        for channel in gone:
            touched |= self._remove(channel)
        before = {channel: (channel.listed(), channel.marks()) for channel in self._channels.values()}
        for uniqueid, event in listed.items():
            touched |= self._list(self._channels.get(uniqueid), uniqueid, event)
        if devices:
            fresh = {c for c in self._channels.values() if c not in before or before[c][0][3] != c.bridge}
            self._take_devices({event.get("Device", ""): event.get("State", "") for event in devices}, fresh)
        missing = changed = 0
        for channel in self._channels.values():
            known = before.get(channel)
            if known is None:
                missing += 1
                touched.add(channel.kin.linkedid)
            elif known != (now := (channel.listed(), channel.marks())):
                changed += known[0] != now[0]
                touched.add(channel.kin.linkedid)
        return Difference(missing, len(gone), changed, touched)

    def _list(self, channel: Channel | None, uniqueid: str, event: Event) -> set[str]:
        """Take one channel of a listing; tell the linkedids of calls that were put together by it."""
        values = tuple([event.get(key, "") for key in SHOWN])
        linkedid = values[-1] or uniqueid
        name = event.get("Channel", "")
        if channel is None:
            channel = self._add(uniqueid, name, linkedid)
        elif name and name != channel.name:
            channel.rename(name)
        bridge = event.get("BridgeId", "")
        if bridge != channel.bridge:
            self._leave(channel)
            if bridge:
                self._enter(channel, bridge)
        channel.show(values)
        if "Application" in event:
            channel.run(event["Application"], event.get("ApplicationData", ""))
        return self._join(channel, linkedid) if linkedid != channel.kin.linkedid else set()

    def _take_devices(self, states: dict[str, str], fresh: set[Channel]) -> None:
        """Take hold from the devices, and parking of channels that were not known, or not in their bridge."""
        self._on_hold = {device for device, state in states.items() if state == ON_HOLD}
        parking = any(state == IN_USE and device.startswith("park:") for device, state in states.items())
        for channel in self._channels.values():
            channel.held = channel.device in self._on_hold
            partners = self._bridges.get(channel.bridge, set()) - {channel}
            # Only this state is plain: BUSY hides a hold, and NOT_INUSE is older than the channel.
            if channel.holding and partners and all(states.get(p.device) == IN_USE for p in partners):
                channel.holding = False
            if channel in fresh:
                # A listing does not say it, but who is parked is alone in a bridge.
                alone = channel.bridge != "" and not (partners or channel.hidden or channel.conference)
                channel.parked = parking and alone
            elif not parking:
                channel.parked = False

    def _show(self, event: Event, channel: Channel) -> set[str]:
        """Take what any event says of a channel."""
        try:
            values = shown(event)
        except KeyError:
            return set()
        if values == channel.seen:
            return set()
        linkedid = values[-1]
        channel.show(values)
        # A linkedid only ever gets older: an event may have been made before one that was sent earlier.
        if linkedid and linkedid != channel.kin.linkedid and birth(linkedid) < birth(channel.kin.linkedid):
            return self._join(channel, linkedid)
        return {channel.kin.linkedid}

    def _on_channel(self, event: Event) -> set[str]:
        channel = self._channels.get(event.get("Uniqueid", ""))
        return self._show(event, channel) if channel else set()

    def _on_new(self, event: Event) -> set[str]:
        uniqueid = event.get("Uniqueid", "")
        try:
            values = shown(event)
        except KeyError:
            return set()
        if not uniqueid:
            return set()
        channel = self._channels.get(uniqueid)
        if channel is None:
            channel = self._add(uniqueid, event.get("Channel", ""), values[-1] or uniqueid)
        touched = self._show(event, channel)
        if not channel.entry:
            channel.entry, channel.dialled = values[5], values[6]
        return touched

    def _on_hangup(self, event: Event) -> set[str]:
        channel = self._channels.get(event.get("Uniqueid", ""))
        return self._remove(channel) if channel else set()

    def _on_rename(self, event: Event) -> set[str]:
        channel = self._channels.get(event.get("Uniqueid", ""))
        if channel is None:
            return set()
        channel.rename(event.get("Newname", channel.name))
        return {channel.kin.linkedid}

    def _on_enter(self, event: Event) -> set[str]:
        channel = self._channels.get(event.get("Uniqueid", ""))
        bridge = event.get("BridgeUniqueid", "")
        if channel is None or not bridge:
            return set()
        touched = self._show(event, channel)
        if channel.bridge != bridge:
            self._leave(channel)
            self._enter(channel, bridge)
        kind = event.get("BridgeType", "")
        channel.parked = kind == "parking"
        touched.add(channel.kin.linkedid)
        if kind == "basic":
            # In such a bridge, and in no other, all get the oldest linkedid, without an event (measured).
            linkedids = {member.kin.linkedid for member in self._bridges[bridge]}
            if len(linkedids) > 1:
                oldest = min(linkedids, key=birth)
                for member in self._bridges[bridge]:
                    if member.kin.linkedid != oldest:
                        touched |= self._join(member, oldest)
        return touched

    def _on_leave(self, event: Event) -> set[str]:
        channel = self._channels.get(event.get("Uniqueid", ""))
        if channel is None:
            return set()
        touched = self._show(event, channel)
        if channel.bridge == event.get("BridgeUniqueid", ""):
            self._leave(channel)
        return touched | {channel.kin.linkedid}

    def _on_dial(self, event: Event) -> set[str]:
        called = self._channels.get(event.get("DestUniqueid", ""))
        if called is None:
            return set()
        technology, text = called.name.partition("/")[0], event.get("DialString", "")
        called.dial = text if text.startswith(technology + "/") else f"{technology}/{text}"
        dialler = self._channels.get(event.get("Uniqueid", ""))
        if dialler:
            dialler.sent = sent_number(called.dial) or dialler.sent
            self._show(event, dialler)
        return {called.kin.linkedid}

    def _on_mark(self, event: Event) -> set[str]:
        channel = self._channels.get(event.get("Uniqueid", ""))
        if channel is None:
            return set()
        self._show(event, channel)
        name, value = _MARKS[event["Event"]]
        setattr(channel, name, value)
        return {channel.kin.linkedid}

    def _on_queue(self, event: Event) -> set[str]:
        channel = self._channels.get(event.get("Uniqueid", ""))
        if channel is None:
            return set()
        self._show(event, channel)
        channel.queue, channel.waiting = event.get("Queue", ""), not channel.bridge
        return {channel.kin.linkedid}

    def _on_conference(self, event: Event) -> set[str]:
        channel = self._channels.get(event.get("Uniqueid", ""))
        if channel is None:
            return set()
        self._show(event, channel)
        inside = event["Event"] == "ConfbridgeJoin" and channel.bridge
        channel.conference = event.get("Conference", "") if inside else ""
        return {channel.kin.linkedid}

    def _on_device(self, event: Event) -> set[str]:
        device, state = event.get("Device", ""), event.get("State")
        if state == NOT_IN_USE and device.startswith(QUEUE_DEVICE):
            return self._emptied(device.removeprefix(QUEUE_DEVICE))
        held = state == ON_HOLD
        if held == (device in self._on_hold):
            return set()
        found = [channel for channel in self._channels.values() if channel.device == device]
        for channel in found:
            channel.held = held
        if not held:
            self._on_hold.discard(device)
        elif found:
            self._on_hold.add(device)
        return {channel.kin.linkedid for channel in found}

    def _emptied(self, queue: str) -> set[str]:
        """Nobody waits any more: what the class ``agent`` would have told of each caller."""
        found = [channel for channel in self._channels.values() if channel.waiting and channel.queue == queue]
        for channel in found:
            channel.waiting = False
        return {channel.kin.linkedid for channel in found}
