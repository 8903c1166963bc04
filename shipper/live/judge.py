"""Which AMI events are worth keeping, and what they say. Pure but for each object's last state.

Of states only a change is told, from up to down or back: a telephone that rings is no news, one that is
gone is.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from shipper.assembly.endpoints import Endpoints
from shipper.live.channel import Event

PERSON: Final = "\0"
"""Stands in a message for who is told of."""
MOST_OBJECTS: Final = 10_000
"""States that are remembered; a store has some hundred."""


class Kept(NamedTuple):
    """What an event says."""

    action: str
    level: str
    message: str
    object: str = ""
    object_type: str = ""
    state: str = ""
    previous: str = ""
    cause: str = ""
    address: str = ""
    """An IP address."""
    queue: str = ""
    linked: str = ""
    calls: int | None = None
    person: str = ""
    """A name or number that `PERSON` stands for in the message; it may have to be hidden."""


class Judge:
    """Says of each AMI event whether it is worth keeping; remembers what is up and what is down.

    Args:
        endpoints: Tells trunks from telephones.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self._up: dict[str, bool] = {}
        self._state: dict[str, str] = {}
        self._contacts: dict[str, set[str]] = {}

    def seen(self, device: str, state: str) -> None:
        """A state that was asked for (`DeviceStateList`): what it was before the next change."""
        self._without_contact(device, state)
        self._up[f"device {device}"] = state not in _DEVICE_DOWN
        self._state[f"device {device}"] = state

    def judge(self, event: Event) -> Kept | None:
        """What an event says; None where it is not worth keeping."""
        found = _JUDGES.get(event.get("Event", ""))
        return None if found is None else found(self, event)

    def _contact(self, event: Event) -> Kept | None:
        state = event.get("ContactStatus", "")
        up = {
            "Reachable": True,
            "NonQualified": True,
            "Created": True,
            "Unreachable": False,
            "Removed": False,
        }
        name = event.get("EndpointName") or event.get("AOR", "")
        if not name or state not in up:
            return None
        # A telephone that came back from another port is there, though its old contact goes.
        there = self._contacts.setdefault(name, set())
        there.discard(event.get("URI", ""))
        if up[state]:
            there.add(event.get("URI", ""))
        return self._changed("contact", name, state, bool(there))

    def _without_contact(self, device: str, state: str) -> None:
        """Events of contacts may have been lost: an endpoint that cannot be reached has none."""
        if state in _DEVICE_DOWN:
            self._contacts.pop(device.partition("/")[2], None)

    def _peer(self, event: Event) -> Kept | None:
        state = event.get("PeerStatus", "")
        up = {
            "Reachable": True,
            "Registered": True,
            "Unreachable": False,
            "Unregistered": False,
            "Rejected": False,
        }
        return self._changed("peer", event.get("Peer", ""), state, up.get(state), event.get("Cause", ""))

    def _registry(self, event: Event) -> Kept | None:
        state = event.get("Status", "")
        name = event.get("Username") or event.get("Domain", "")
        up = {"Registered": True, "Unregistered": False, "Rejected": False, "Failed": False, "Timeout": False}
        # Its name is an account, and only a trunk's: telephones register here, not the PBX there.
        cause = event.get("Cause", "")
        return self._changed("registration", name, state, up.get(state), cause, "trunk")

    def _device(self, event: Event) -> Kept | None:
        device, state = event.get("Device", ""), event.get("State", "")
        if device.partition("/")[0] not in _TECHNOLOGIES:
            return None  # a queue's or FreePBX's own, such as Custom:DND100
        self._without_contact(device, state)
        found = self._changed("device", device, state, state not in _DEVICE_DOWN)
        return found and found._replace(
            action="device-back" if found.action == "device-back" else "device-unavailable"
        )

    def _changed(
        self, what: str, name: str, state: str, up: bool | None, cause: str = "", kind: str = ""
    ) -> Kept | None:
        """Only a change from up to down, or back, is told; what was never seen is taken to have been up."""
        key = f"{what} {name}"
        before, previous = self._up.get(key, True), self._state.get(key, "")
        if up is None or not name:
            return None
        if len(self._up) >= MOST_OBJECTS:
            self._up.clear()
            self._state.clear()
            self._contacts.clear()
        self._up[key], self._state[key] = up, state
        if up == before:
            return None
        kind = kind or self._kind(name)
        level = "info" if up else "error" if kind == "trunk" else "warning"
        word, name = "back" if up else "lost", name.rpartition("/")[2]
        words = f"{what} of {kind} {name} {'is back' if up else 'is lost'} ({state})"
        return Kept(f"{what}-{word}", level, words, name, kind, state, previous, cause)

    def _kind(self, name: str) -> str:
        """Of ``PJSIP/acme`` or ``acme``."""
        channel = f"{name}-0" if "/" in name else f"PJSIP/{name}-0"
        kind = self.endpoints.of(channel).kind
        return kind if kind in {"trunk", "extension"} else "device"

    def _queue(self, event: Event) -> Kept | None:
        action, words, level = _QUEUE[event["Event"]]
        queue = event.get("Queue", "")
        member = event.get("MemberName") or event.get("Interface", "")
        message = f"queue {queue}: {words}" + (f" ({PERSON})" if member else "")
        waited = event.get("HoldTime", "")
        message += f", waited {waited} s" if waited else ""
        linked = event.get("Linkedid", "")
        return Kept(action, level, message, queue, "queue", queue=queue, linked=linked, person=member)

    def _alarm(self, event: Event) -> Kept | None:
        name = event.get("Channel") or event.get("Span") or event.get("DAHDIChannel", "")
        over = event["Event"].endswith("Clear")
        state = "" if over else event.get("Alarm", "")
        words = f"line {name}: " + ("the alarm is over" if over else f"alarm {state}")
        return Kept(
            "alarm-clear" if over else "alarm", "info" if over else "error", words, name, "trunk", state
        )

    def _system(self, event: Event) -> Kept | None:
        name = event["Event"]
        if name == "Shutdown":
            restarts = event.get("Restart", "") == "True"
            words = "Asterisk shuts down" + (" to start again" if restarts else "")
            return Kept("shutdown", "warning", words, "asterisk", "system", event.get("Shutdown", ""))
        module = event.get("Module") or event.get("ChannelType") or "all"
        return Kept("reload", "info", f"Asterisk read its settings again: {module}", module, "system")

    def _login(self, event: Event) -> Kept | None:
        service, account = event.get("Service", ""), event.get("AccountID", "")
        address = ip_of(event.get("RemoteAddress", ""))
        # Not the account: somebody may have typed a person's number, and only `pbx.object` hides it.
        words = f"{service}: a log-in from {address or 'an unknown address'} was refused"
        state = event["Event"]
        return Kept(
            "login-failed", "warning", words, account, "account", state, cause=service, address=address
        )


_TECHNOLOGIES: Final = frozenset({"PJSIP", "SIP", "IAX2", "DAHDI"})
_DEVICE_DOWN: Final = frozenset({"UNAVAILABLE", "INVALID"})
_QUEUE: Final = {
    "QueueCallerJoin": ("queue-join", "a caller waits", "info"),
    "QueueCallerAbandon": ("queue-abandon", "a caller gave up", "warning"),
    "AgentConnect": ("queue-answered", "a caller was answered", "info"),
    "AgentRingNoAnswer": ("agent-no-answer", "a member did not answer", "warning"),
}
_JUDGES: Final[Mapping[str, Callable[[Judge, Event], Kept | None]]] = {
    "ContactStatus": Judge._contact,  # noqa: SLF001
    "PeerStatus": Judge._peer,  # noqa: SLF001
    "Registry": Judge._registry,  # noqa: SLF001
    "DeviceStateChange": Judge._device,  # noqa: SLF001
    **dict.fromkeys(_QUEUE, Judge._queue),  # noqa: SLF001
    **dict.fromkeys(("Alarm", "AlarmClear", "SpanAlarm", "SpanAlarmClear"), Judge._alarm),  # noqa: SLF001
    **dict.fromkeys(("Shutdown", "Reload", "ChannelReload"), Judge._system),  # noqa: SLF001
    **dict.fromkeys(
        ("InvalidPassword", "InvalidAccountID", "ChallengeResponseFailed", "FailedACL"),
        Judge._login,  # noqa: SLF001
    ),
}


def ip_of(address: str) -> str:
    """Of ``IPV4/UDP/203.0.113.7/5060`` the address; empty where there is none."""
    parts = address.split("/")
    try:
        return str(ipaddress.ip_address(parts[2])) if len(parts) > 2 else ""  # noqa: PLR2004
    except ValueError:
        return ""
