"""What a simulated PBX knows: the channels and devices after its events, and its answers. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from compose.simulator.ami_answers import Fields
from compose.simulator.ami_tape import Timed
from compose.simulator.stores import StoreProfile

_SHOWN: Final = (
    *("Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum"),
    *("ConnectedLineName", "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid"),
)
_WAITS: Final = {"QueueCallerJoin": True, "QueueCallerLeave": False}
_HOLDS: Final = {"Hold": True, "Unhold": False}


class GoingOn(NamedTuple):
    """A call as Asterisk knows it: from its first channel to its last, by one linkedid."""

    linkedid: str
    begin: int
    end: int


def going_on(events: Iterable[Timed]) -> list[GoingOn]:
    """The calls that events are about, times in ms; a consultation is one until it is joined to another."""
    channels: dict[str, str] = {}
    begins: dict[str, int] = {}
    found = []
    for at, event in events:
        uniqueid, linkedid = event.get("Uniqueid", ""), event.get("Linkedid", "")
        if event["Event"] == "Newchannel":
            begins.setdefault(linkedid, at)
            channels[uniqueid] = linkedid
        elif uniqueid in channels:
            before = channels[uniqueid]
            if event["Event"] == "Hangup":
                del channels[uniqueid]
            else:
                channels[uniqueid] = linkedid
            if before not in channels.values():
                found.append(GoingOn(before, begins.pop(before), at))
    return found


class Switchboard:
    """The channels of one PBX.

    Args:
        store: Has the telephones and trunks.
    """

    def __init__(self, store: StoreProfile) -> None:
        self._store = store
        self._channels: dict[str, dict[str, str]] = {}
        self._holding: set[str] = set()
        self._parked: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def apply(self, event: Fields) -> None:
        """An event is sent."""
        name, uniqueid = event["Event"], event.get("Uniqueid", "")
        if name == "Newchannel":
            self._channels[uniqueid] = {"Application": "", "ApplicationData": "", "BridgeId": ""}
        elif name == "ParkedCall":
            self._parked[event["ParkeeUniqueid"]] = event["ParkingSpace"]
        elif name == "UnParkedCall":
            self._parked.pop(event["ParkeeUniqueid"], None)
        channel = self._channels.get(uniqueid)
        if channel is None:
            return
        channel.update({key: event[key] for key in _SHOWN})
        if name == "Hangup":
            del self._channels[uniqueid]
            self._holding.discard(uniqueid)
            self._parked.pop(uniqueid, None)
        elif name in {"BridgeEnter", "BridgeLeave"}:
            channel["BridgeId"] = event["BridgeUniqueid"] if name == "BridgeEnter" else ""
        elif name in _WAITS:
            told = ("Queue", f"{event['Queue']},t,,") if _WAITS[name] else ("", "")
            channel["Application"], channel["ApplicationData"] = told
        elif name in _HOLDS:
            (self._holding.add if _HOLDS[name] else self._holding.discard)(uniqueid)

    def answer(self, action: str) -> list[Fields]:
        """The items of the answer to an action, as `compose.simulator.ami.FakeAmi` asks for them."""
        if action == "CoreShowChannels":
            return [{"Event": "CoreShowChannel", **channel} for channel in self._channels.values()]
        if action == "DeviceStateList":
            return [{"Event": "DeviceStateChange", **device} for device in self._devices()]
        if action == "ExtensionStateList":
            return list(self._extensions())
        return []

    def _devices(self) -> Iterator[Mapping[str, str]]:
        held: dict[str, list[bool]] = {}
        bridges = [self._channels[one]["BridgeId"] for one in self._holding]
        for uniqueid, channel in self._channels.items():
            on_hold = channel["BridgeId"] in bridges and uniqueid not in self._holding
            held.setdefault(channel["Channel"].rpartition("-")[0], []).append(on_hold)
        names = [one.number for one in self._store.extensions] + [one.name for one in self._store.trunks]
        for device in (f"PJSIP/{name}" for name in names):
            yield {"Device": device, "State": _state(held.get(device, []))}
        for slot in self._parked.values():
            yield {"Device": f"park:{slot}@parkedcalls", "State": "INUSE"}

    def _extensions(self) -> Iterator[Fields]:
        for one in self._store.extensions:
            hint = {"Exten": one.number, "Context": "ext-local", "Hint": f"PJSIP/{one.number}"}
            yield {"Event": "ExtensionStatus", **hint, "Status": "0", "StatusText": "Idle"}


def _state(held: list[bool]) -> str:
    """A device's state; with some channels on hold and some not, it is busy, which tells neither."""
    if not held:
        return "NOT_INUSE"
    return "ONHOLD" if all(held) else "BUSY" if any(held) else "INUSE"
