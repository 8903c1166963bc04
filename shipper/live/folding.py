"""All that is made of a PBX's events: calls in progress, events worth keeping, calls that are over, presence.

Pure but for what it remembers; the clock is given.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from shipper.assembly.endpoints import Endpoints
from shipper.document.clock import stamp
from shipper.document.model import Document
from shipper.live.calls import live_call
from shipper.live.channel import Event
from shipper.live.channels import Channels
from shipper.live.events import EventWriter
from shipper.live.heard import Heard
from shipper.live.judge import Judge, Kept
from shipper.live.panel import Panel
from shipper.live.presence import Gone, Peaks, Presence
from shipper.live.unwritten import HeardCall
from shipper.live.writing import LiveWriter

LISTED: Final = 200
"""Names of a kind in a heartbeat; a store with more telephones that are gone has one trouble, not many."""

START_SECONDS: Final = 30.0
"""Two starts are further apart; so much may a clock be set forward."""
HANG_UPS: Final = frozenset({"Hangup", "Cdr"})
"""After these the table may have new rows."""


@dataclass(slots=True)
class Told:
    """What is new."""

    live: list[Document] = field(default_factory=list)
    events: list[Document] = field(default_factory=list)
    heard: list[HeardCall] = field(default_factory=list)


class Snapshot(NamedTuple):
    """What the PBX answered when it was asked how things are."""

    channels: Sequence[Event]
    """`CoreShowChannels`."""
    devices: Sequence[Event]
    """`DeviceStateList`."""
    extensions: Sequence[Event]
    """`ExtensionStateList`."""


class Folding:
    """One store's PBX.

    Args:
        endpoints: Tells trunks from telephones.
        panel_writer: Writes calls in progress.
        event_writer: Writes events.
        clock: Seconds since 1970.
        zone: Of the store's clock, by which its hours and days begin.
        monotonic: Seconds that no setting of the clock moves.

    Attributes:
        last_call: When the latest call that was heard began, seconds since 1970; None: none was.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        panel_writer: LiveWriter,
        event_writer: EventWriter,
        clock: Callable[[], float],
        zone: ZoneInfo,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.last_call: float | None = None
        self.panel = Panel(panel_writer)
        self.differences = 0
        self._endpoints = endpoints
        self._clock = clock
        self._channels = Channels()
        self._heard = Heard(clock)
        self._judge = Judge(endpoints)
        self._presence = Presence(endpoints)
        self._peaks = Peaks(zone)
        self._monotonic = monotonic
        self._no_trunk = Gone()
        self._no_extension = Gone()
        self._writer = event_writer
        self._started: float | None = None
        self._changed: set[str] = set()
        self._kept: list[tuple[str, Kept]] = []
        self._lost: float | None = None

    def know(self, endpoints: Endpoints) -> None:
        """The list of trunks has changed."""
        self._endpoints = self._judge.endpoints = self._presence.endpoints = endpoints
        self._changed |= self._channels.linkedids()

    def take(self, event: Event) -> bool:
        """Take an event in; True where the table may have new rows behind it."""
        self._changed |= self._channels.apply(event)
        self._heard.apply(event)
        self._presence.apply(event)
        if event.get("Event") == "FullyBooted":
            self._booted(event)
        if (kept := self._judge.judge(event)) is not None:
            self._kept.append((event["Event"], kept))
        return event.get("Event") in HANG_UPS

    def lost(self) -> None:
        """The PBX is not heard any more: what is gone when it is heard again ended now, or in between."""
        self._lost = self._clock()
        # What was the matter meanwhile nobody knows.
        self._no_trunk, self._no_extension = Gone(), Gone()

    def _booted(self, event: Event) -> None:
        """Told at each log-in, with ``Uptime`` in seconds: another start than the one that was known?"""
        uptime = event.get("Uptime", "")
        if not (uptime.isascii() and uptime.isdigit()):
            return
        started, before = self._clock() - int(uptime), self._started
        self._started = started
        if before is not None and started > before + START_SECONDS:
            words = f"Asterisk was started {uptime} s ago"
            self.note(event["Event"], Kept("restart", "warning", words, "asterisk", "system"))

    def note(self, name: str, kept: Kept) -> None:
        """An event of our own."""
        self._kept.append((name, kept))

    def resync(self, snapshot: Snapshot, meanwhile: Sequence[Event], *, first: bool) -> int:
        """Make the state equal to what the PBX answered; gives how many differences were healed.

        Args:
            snapshot: What it answered.
            meanwhile: The events that came between question and answer. They have been taken in already, and
                the answer may be older than they are.
            first: Nothing was known before, as after a reconnect: then differences are no fault.
        """
        found = self._channels.resync(snapshot.channels, snapshot.devices)
        self._presence.resync(snapshot.extensions, snapshot.devices)
        for device in snapshot.devices:
            self._judge.seen(device.get("Device", ""), device.get("State", ""))
        for event in meanwhile:
            self._changed |= self._channels.apply(event)
        self._changed |= found.linkedids
        if first or not meanwhile:
            # While calls go on the answer is of another moment than the state.
            self._heard.resync(snapshot.channels, self._lost)
            self._lost = None
        count = found.missing + found.surplus + found.changed
        if first or meanwhile:
            return 0
        self.differences += count
        return count

    def flush(self, *, everything: bool = False) -> Told:
        """What is new since the last time, as documents.

        Args:
            everything: Tell of each call in progress, changed or not.
        """
        now = self._clock()
        at = datetime.fromtimestamp(now, UTC)
        told = Told(heard=self._heard.over())
        for heard in told.heard:
            self._began(heard.begin, now)
        for linked in self._changed:
            channels = self._channels.of(linked)
            call = live_call(channels, self._endpoints) if channels else None
            if call is not None:
                self._began(call.begin, now)
            self._peaks.change(self.panel.trunks_of(linked), () if call is None else call.trunks, now)
            if (document := self.panel.update(linked, call, now)) is not None:
                told.live.append(document)
        self._changed.clear()
        told.live += self.panel.refresh(now, everything=everything)
        for trunk, most in self._peaks.tick(now).items():
            words = f"trunk {trunk}: {most} simultaneous calls at most within an hour"
            self.note("Agent", Kept("trunk-peak", "info", words, trunk, "trunk", calls=most))
        for name, kept in self._kept:
            told.events += self._writer.write(name, kept, at)
        self._kept.clear()
        told.events += self._writer.repeated(at)
        return told

    def _began(self, begin: float, now: float) -> None:
        """A call is heard of that began then; a linkedid that does not say when stands for now."""
        before = self.last_call
        begin = min(begin or now, now)
        # One that is still to come was of a clock that has been set back.
        self.last_call = begin if before is None or before > now else max(before, begin)

    def report(self) -> dict[str, Any]:
        """For the heartbeat, as fields of ``store``; how long all is gone counts from when it is asked."""
        presence, now = self._presence, self._monotonic()
        registered, missing = presence.registered, presence.missing
        up, down = presence.trunks_up, presence.trunks_down
        started = {} if self._started is None else {"pbx_started": _stamped(self._started)}
        return {
            **started,
            "calls_now": len(self.panel),
            "extensions_registered": len(registered),
            "extensions_unregistered": len(missing),
            "extensions_missing": sorted(missing)[:LISTED],
            "extensions_gone_seconds": self._no_extension.seconds(bool(missing) and not registered, now),
            "trunks_up": sorted(up)[:LISTED],
            "trunks_down": sorted(down)[:LISTED],
            "trunks_down_seconds": self._no_trunk.seconds(bool(down) and not up, now),
            "trunk_peaks": [f"{trunk}={most}" for trunk, most in sorted(self._peaks.day.items())][:LISTED],
            "ami_resync_differences": self.differences,
        }


def _stamped(epoch: float) -> str:
    return stamp(datetime.fromtimestamp(epoch, UTC), "seconds")
