"""The store's Asterisk: counters of channels, uniqueids and CDRs, the local clock, and the making of a row.

Asterisk makes one CDR for every channel, the called ones' are thrown away: so each channel takes a number of
`sequence`, and each further row of a channel takes another. All counters begin at 0 when Asterisk starts.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from compose.simulator.stores import StoreProfile

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the clock of the table is naive

OFFSETS_KEPT = 4096  # about six weeks of quarters of an hour

Script = Generator[int, None, None]
"""A call as it happens: yields the next moment (ms since the epoch) at which it wants to go on."""


class Channel(NamedTuple):
    """A channel of Asterisk: its name, its uniqueid and the sequence of its first CDR."""

    name: str
    uniqueid: str
    sequence: int


class Exchange:
    """The running Asterisk of one store. Called in the order of time, so that its counters rise with time."""

    def __init__(self, store: StoreProfile) -> None:
        self.store = store
        self.busy: set[str] = set()
        self.active = 0
        self._zone = ZoneInfo(store.timezone)
        self._offsets: dict[int, int] = {}
        self._uniqueid = self._sequence = self._channel = self._local = 0

    def restart(self) -> None:
        """Start Asterisk anew: every counter begins at 0."""
        self._uniqueid = self._sequence = self._channel = self._local = 0

    def clock(self, at: int) -> datetime:
        """Return the store's local time, naive, of a moment in ms since the epoch."""
        seconds, ms = divmod(at, 1000)
        # Zones change their offset at full quarters of an hour, so one look-up serves the quarter.
        offset = self._offsets.get(seconds // 900)
        if offset is None:
            if len(self._offsets) >= OFFSETS_KEPT:
                self._offsets.clear()
            shift = datetime.fromtimestamp(seconds, self._zone).utcoffset() or timedelta()
            offset = self._offsets[seconds // 900] = int(shift.total_seconds())
        return _EPOCH + timedelta(seconds=seconds + offset, milliseconds=ms)

    def epoch_ms(self, local: datetime) -> int:
        """Return the moment of a naive local time (the first one where clocks go back)."""
        return int(local.replace(tzinfo=self._zone).timestamp()) * 1000

    def fork(self) -> int:
        """Return the sequence of a further CDR on a channel that has one."""
        self._sequence += 1
        return self._sequence - 1

    def _new(self, name: str, at: int) -> Channel:
        self._uniqueid += 1
        return Channel(name, f"{at // 1000}.{self._uniqueid - 1}", self.fork())

    def channel(self, endpoint: str, at: int) -> Channel:
        """Open a PJSIP channel of an extension or a trunk."""
        self._channel += 1
        return self._new(f"PJSIP/{endpoint}-{self._channel - 1:08x}", at)

    def local_pair(self, target: str, at: int) -> tuple[Channel, Channel]:
        """Open both halves of a Local channel, `target` being like `102@from-queue`."""
        name = f"Local/{target}-{self._local:08x}"
        self._local += 1
        return self._new(f"{name};1", at), self._new(f"{name};2", at)

    def dial_string(self, extension: str) -> str:
        """Return what `Dial` is given for a phone."""
        return f"PJSIP/{extension}/sip:{extension}@{self.store.network}.{int(extension) % 250}:5060"
