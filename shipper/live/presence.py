"""Which telephones and trunks are there, and how many calls a trunk carries at most."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shipper.assembly.endpoints import Endpoint, Endpoints
from shipper.live.channel import Event

UNAVAILABLE: Final = "4"
"""``Status`` of an extension of which no telephone is registered; negative: there is no such extension."""
ABSENT_DEVICES: Final = {"INVALID", "UNKNOWN"}
REACHED: Final = {"Reachable", "Registered", "Lagged", "NonQualified", "Created"}
LOST: Final = {"Unreachable", "Unregistered", "Rejected", "Timeout", "Failed", "No Authentication"}
"""What ``PeerStatus``, ``ContactStatus`` and ``Registry`` say; other words are steps on the way."""


class Presence:
    """Telephones and trunks of one PBX.

    An extension is what has a hint with a telephone in it; where the PBX has no such hints, each device that
    is an extension's. A trunk is there while its device is, and while its registration is not refused.

    Attributes:
        endpoints: Tells trunks from telephones.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self._hinted: dict[str, bool] = {}
        self._telephones: dict[str, bool] = {}
        self._trunks: dict[str, bool] = {}
        self._registrations: dict[str, bool] = {}

    def resync(self, extensions: Sequence[Event], devices: Sequence[Event]) -> None:
        """Forget what was known, and take these; registrations stay, as no list tells them.

        Args:
            extensions: The ``ExtensionStatus`` events of ``ExtensionStateList``.
            devices: The ``DeviceStateChange`` events of ``DeviceStateList``.
        """
        self._hinted, self._telephones, self._trunks = {}, {}, {}
        for event in extensions:
            self._extension(event)
        for event in devices:
            self._device(event)

    def apply(self, event: Event) -> None:
        """Take an event; any dict of texts is one."""
        name = event.get("Event", "")
        if name == "DeviceStateChange":
            self._device(event)
        elif name == "ExtensionStatus":
            self._extension(event)
        elif name == "PeerStatus":
            self._status(event.get("Peer", ""), event.get("PeerStatus", ""))
        elif name == "ContactStatus" and event.get("ContactStatus") in REACHED:
            # That one of several contacts went away says nothing: the peer's own event tells of the last.
            self._status(f"PJSIP/{event.get('EndpointName', '')}", event["ContactStatus"])
        elif name == "Registry":
            self._registration(event)

    @property
    def registered(self) -> set[str]:
        """Extensions that have a telephone."""
        return {name for name, there in self._extensions.items() if there}

    @property
    def missing(self) -> set[str]:
        """Extensions without one."""
        return {name for name, there in self._extensions.items() if not there}

    @property
    def trunks_up(self) -> set[str]:
        """Trunks that can be used, as far as the PBX knows."""
        return {name for name, there in self._all_trunks().items() if there}

    @property
    def trunks_down(self) -> set[str]:
        """Trunks that do not answer, or refuse the registration."""
        return {name for name, there in self._all_trunks().items() if not there}

    @property
    def _extensions(self) -> dict[str, bool]:
        return self._hinted or self._telephones

    def _all_trunks(self) -> dict[str, bool]:
        return {
            name: self._trunks.get(name, True) and self._registrations.get(name, True)
            for name in self._trunks | self._registrations
        }

    def _extension(self, event: Event) -> None:
        extension, status = event.get("Exten", ""), event.get("Status", "")
        if status.startswith("-"):
            self._hinted.pop(extension, None)
        elif status and extension.isdigit() and _has_telephone(event.get("Hint", "")):
            self._hinted[extension] = status != UNAVAILABLE

    def _device(self, event: Event) -> None:
        device, state = event.get("Device", ""), event.get("State", "")
        endpoint = self._endpoint(device)
        known = self._trunks if endpoint.kind == "trunk" else self._telephones
        if endpoint.kind not in {"trunk", "extension"}:
            return
        if state in ABSENT_DEVICES:
            known.pop(endpoint.name, None)
        elif state:
            known[endpoint.name] = state != "UNAVAILABLE"

    def _status(self, device: str, status: str) -> None:
        endpoint = self._endpoint(device)
        if status not in REACHED | LOST:
            return
        if endpoint.kind == "trunk":
            self._trunks[endpoint.name] = status in REACHED
        elif endpoint.kind == "extension":
            self._telephones[endpoint.name] = status in REACHED

    def _registration(self, event: Event) -> None:
        status = event.get("Status", "")
        if status in REACHED | LOST:
            user, domain = (_bare(event.get(key, "")) for key in ("Username", "Domain"))
            names = [self._endpoint(f"PJSIP/{part}") for part in (user, domain, *user.split("@"))]
            # The event does not name the trunk: it is found where it is called like its account or server.
            trunk = next((found.name for found in names if found.kind == "trunk"), "")
            account = user if "@" in user else f"{user}@{domain}"
            self._registrations[trunk or account] = status in REACHED

    def _endpoint(self, device: str) -> Endpoint:
        # A channel's name is its device's, a hyphen and a counter.
        return self.endpoints.of(f"{device}-0")


class Gone:
    """For how long nothing of a kind has been there."""

    def __init__(self) -> None:
        self._since: float | None = None

    def seconds(self, gone: bool, now: float) -> int:
        """Take how it is now, and give for how long it has been gone, whole seconds; 0: it is there.

        Args:
            gone: All of it is gone.
            now: Monotonic seconds.
        """
        if not gone:
            self._since = None
        elif self._since is None:
            self._since = now
        return 0 if self._since is None else int(now - self._since)


class Peaks:
    """Most simultaneous calls of each trunk, in the local hour and on the local day.

    Attributes:
        now: Calls at this moment, by trunk.
        hour: Most at once in this hour.
        day: Most at once on this day.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.now: dict[str, int] = {}
        self.hour: dict[str, int] = {}
        self.day: dict[str, int] = {}
        self._zone = zone
        self._date = ""
        self._from = self._until = 0.0
        self._ended: dict[str, int] = {}

    def change(self, before: Iterable[str], after: Iterable[str], now: float) -> None:
        """Take the change of one call.

        Args:
            before: `LiveCall.trunks` as it was; empty for a new call.
            after: The same as it is; empty for one that has ended.
            now: Seconds since 1970.
        """
        self._turn(now)
        for trunk in before:
            left = self.now.get(trunk, 0) - 1
            if left > 0:
                self.now[trunk] = left
            else:
                self.now.pop(trunk, None)
        for trunk in after:
            self.now[trunk] = self.now.get(trunk, 0) + 1
        for trunk in self.now:
            for most in (self.hour, self.day):
                most[trunk] = max(most.get(trunk, 0), self.now[trunk])

    def tick(self, now: float) -> dict[str, int]:
        """The peaks of the hour that has ended since the last time; empty where none has.

        Args:
            now: Seconds since 1970.
        """
        self._turn(now)
        ended, self._ended = self._ended, {}
        return ended

    def _turn(self, now: float) -> None:
        """Begin a new hour or day where the clock says so, backwards too."""
        if self._from <= now < self._until:
            return
        local = datetime.fromtimestamp(now, self._zone)
        inside = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        self._from = now - inside.total_seconds()
        self._until = self._from + 3600
        for trunk, most in self.hour.items():
            self._ended[trunk] = max(self._ended.get(trunk, 0), most)
        self.hour = dict(self.now)
        if local.date().isoformat() != self._date:
            self._date = local.date().isoformat()
            self.day = dict(self.now)


def _has_telephone(hint: str) -> bool:
    """``PJSIP/100&Custom:DND100,CustomPresence:100`` has one; ``park:71@parkedcalls`` has none."""
    return any(
        "/" in device and ":" not in device.partition("/")[0] and not device.startswith("Local/")
        for device in hint.partition(",")[0].split("&")
    )


def _bare(address: str) -> str:
    """``sip:vivo@sip.example:5060`` without what stands around user and server."""
    text = address.partition(";")[0].removeprefix("sips:").removeprefix("sip:")
    user, at, server = text.rpartition("@")
    return f"{user}{at}{server.partition(':')[0]}"
