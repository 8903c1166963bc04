"""When a heartbeat is due, and what it says."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from shipper.agent.machine import boot_time, disk_space
from shipper.agent.progress import Listened, Progress
from shipper.agent.upgrade import LastUpgrade
from shipper.config import AmiSettings
from shipper.document.clock import stamp
from shipper.document.heartbeat import OFF, State, heartbeat
from shipper.document.model import Document, Origin
from shipper.errors import ShipperError, SpoolError
from shipper.spool import DAMAGE, Spool, SpoolFullError

FULL = "full"
NOT_SET_UP = "ami.secret is empty: calls in progress are not seen; shipper check says what to set"
SPREAD_SECONDS = 5.0
"""Agents that start at once, as after a power cut in a whole town, do not beat in step."""

SLOTS: Final = 8
SLOT_SECONDS: Final = 600.0
SETTLED_SECONDS: Final = 180.0
"""An agent that has had its slot for so long left no fresh beat in another one."""

DAMAGE_SECONDS: Final = 86400.0
"""So long a store whose spool was damaged says so."""

AHEAD: Final = timedelta(days=1)
"""A call that began further ahead of the clock is of a clock that was wrong."""

NOT_GONE: Final = {"trunks_down_seconds": 0, "extensions_gone_seconds": 0}
"""Said of a PBX that is not heard: what was said before must not stay in the store's document."""


def silence(settings: AmiSettings) -> str:
    """Why the PBX is not listened to; empty: it is."""
    if not settings.enabled:
        return OFF
    return "" if settings.secret else NOT_SET_UP


def nothing_heard() -> Listened:
    """Nobody asked for more than rows."""
    return Listened(OFF, {})


class Slot:
    """Which of eight places for the moment of a heartbeat is this agent's, for ten minutes each.

    Two agents with one store's id write over each other in all else; but seven times of eight they draw two
    places, and two that are fresh at once give them away.

    Args:
        clock: Monotonic seconds.
        draw: Gives a number from 0 to 7.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        draw: Callable[[], int] = lambda: random.randrange(SLOTS),  # noqa: S311  # not for secrets
    ) -> None:
        self._clock = clock
        self._draw = draw
        self._number = draw()
        self._since = clock()

    def fields(self, created: str) -> dict[str, Any]:
        """As fields of ``store``; the pipeline puts the moment of arrival into it.

        Args:
            created: When the heartbeat was made.
        """
        now = self._clock()
        if now - self._since >= SLOT_SECONDS:
            self._number, self._since = self._draw(), now
        return {
            "beats": {f"s{self._number}": created},
            "beats_settled": now - self._since > SETTLED_SECONDS,
        }


class Pulse:
    """Makes one agent's heartbeats.

    Args:
        origin: Store and agent.
        seconds: The pause between two of them.
        reading: Gives how reading goes.
        pbx: Gives how listening to the PBX goes, and what it tells.
        clock: Monotonic seconds; a test may set it.
    """

    def __init__(
        self,
        origin: Origin,
        seconds: float,
        reading: Callable[[], Progress],
        pbx: Callable[[], Listened] = nothing_heard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin = origin
        self._seconds = seconds
        self._reading = reading
        self._pbx = pbx
        self._clock = clock
        self._slot = Slot(clock)
        self._upgrade = LastUpgrade()
        self._started = datetime.now(UTC)
        first = random.uniform(0, min(seconds, SPREAD_SECONDS))  # noqa: S311  # not for secrets
        self._due = clock() + first

    def is_due(self) -> bool:
        """It is time for the next one; it is taken to be sent then, whether it arrives or not."""
        now = self._clock()
        if now < self._due:
            return False
        self._due += self._seconds
        if self._due <= now:  # the one before took long
            self._due = now + self._seconds
        return True

    def document(self, spool: Spool, sending: ShipperError | None, sending_seconds: int = 0) -> Document:
        """The heartbeat of now; of a spool that cannot be read it says so, and no figures.

        Args:
            spool: The asking thread's connection to it.
            sending: What is wrong with sending now, if anything.
            sending_seconds: For how long.
        """
        reading, pbx = self._reading(), self._pbx()
        full = isinstance(reading.error, SpoolFullError)
        broken = next((error for error in (reading.error, sending) if isinstance(error, SpoolError)), None)
        now = datetime.now(UTC)
        state = State(
            documents=None,
            used_bytes=None,
            limit_bytes=spool.limit_bytes,
            full=full,
            oldest=None,
            refused=None,
            acknowledged=None,
            reading=str(reading.error or ""),
            sending=str(sending or ""),
            spool="",
            ami=pbx.trouble,
            pbx=NOT_GONE | dict(pbx.fields),
            more={
                **_known(reading, pbx, now),
                "reading_wrong_seconds": reading.wrong_seconds,
                "sending_wrong_seconds": sending_seconds,
                "ami_wrong_seconds": pbx.wrong_seconds,
                "agent_started": stamp(self._started, "seconds"),
                **_of_machine(spool.path.parent),
                **self._upgrade.fields(spool.path.parent),
                **self._slot.fields(stamp(now)),
            },
        )
        damage = ""
        try:
            notes = spool.notes()
            state = _filled(state, spool, notes)
            damage = _mended(notes, now.timestamp())
        except SpoolError as error:
            broken = error
        return heartbeat(self._origin, state._replace(spool=FULL if full else str(broken or damage)), now)


def _mended(notes: Mapping[str, tuple[str, float]], now: float) -> str:
    """What happened to the spool before this one, for as long as somebody may want to look at the disk."""
    text, at = notes.get(DAMAGE, ("", 0.0))
    return text if 0 <= now - at < DAMAGE_SECONDS else ""


def _filled(state: State, spool: Spool, notes: Mapping[str, tuple[str, float]]) -> State:
    """With the spool's figures.

    Raises:
        SpoolError: It cannot be read.
    """
    acknowledged = notes.get("last_acknowledgement")
    return state._replace(
        documents=spool.waiting(),
        used_bytes=spool.used_bytes(),
        oldest=spool.oldest(),
        refused=spool.refused(),
        acknowledged=None if acknowledged is None else acknowledged[1],
    )


def _known(reading: Progress, pbx: Listened, now: datetime) -> dict[str, Any]:
    """The latest row and call, and the age of the last comparison, as far as they are known."""
    limit = (now + AHEAD).timestamp()
    calls = [at for at in (reading.last_call, pbx.last_call) if at is not None and at <= limit]
    moments = {"last_row": reading.last_row, "last_call": max(calls, default=None)}
    return {
        **{
            name: stamp(datetime.fromtimestamp(at, UTC), "seconds")
            for name, at in moments.items()
            if at is not None
        },
        **({} if reading.read_seconds is None else {"read_seconds": reading.read_seconds}),
    }


def _of_machine(folder: Path) -> dict[str, Any]:
    """Since when the machine runs, and the disk of a folder, as far as they are known."""
    found: dict[str, Any] = {}
    if (booted := boot_time()) is not None:
        found["machine_started"] = stamp(datetime.fromtimestamp(booted, UTC), "seconds")
    if (space := disk_space(folder)) is not None:
        found["disk_free_bytes"], found["disk_bytes"] = space
    return found
