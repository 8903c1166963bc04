"""When a heartbeat is due, and what it says."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from shipper.config import AmiSettings
from shipper.document.heartbeat import OFF, State, heartbeat
from shipper.document.model import Document, Origin
from shipper.errors import ShipperError, SpoolError
from shipper.spool import Spool, SpoolFullError

FULL = "full"
NOT_SET_UP = "ami.secret is empty: calls in progress are not seen; shipper check says what to set"
SPREAD_SECONDS = 5.0
"""Agents that start at once, as after a power cut in a whole town, do not beat in step."""


def silence(settings: AmiSettings) -> str:
    """Why the PBX is not listened to; empty: it is."""
    if not settings.enabled:
        return OFF
    return "" if settings.secret else NOT_SET_UP


def nothing_heard() -> tuple[str, Mapping[str, Any]]:
    """Nobody asked for more than rows."""
    return OFF, {}


class Pulse:
    """Makes one agent's heartbeats.

    Args:
        origin: Store and agent.
        seconds: The pause between two of them.
        reading: Gives what is wrong with reading now, if anything.
        pbx: Gives what is wrong with listening to the PBX, and what it tells, as fields of ``store``.
    """

    def __init__(
        self,
        origin: Origin,
        seconds: float,
        reading: Callable[[], ShipperError | None],
        pbx: Callable[[], tuple[str, Mapping[str, Any]]] = nothing_heard,
    ) -> None:
        self._origin = origin
        self._seconds = seconds
        self._reading = reading
        self._pbx = pbx
        first = random.uniform(0, min(seconds, SPREAD_SECONDS))  # noqa: S311  # not for secrets
        self._due = time.monotonic() + first

    def is_due(self) -> bool:
        """It is time for the next one; it is taken to be sent then, whether it arrives or not."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due += self._seconds
        if self._due <= now:  # the one before took long
            self._due = now + self._seconds
        return True

    def document(self, spool: Spool, sending: ShipperError | None) -> Document:
        """The heartbeat of now.

        Args:
            spool: The asking thread's connection to it.
            sending: What is wrong with sending now, if anything.

        Raises:
            SpoolError: The spool cannot be read.
        """
        reading = self._reading()
        acknowledged = spool.notes().get("last_acknowledgement")
        full = isinstance(reading, SpoolFullError)
        ami, pbx = self._pbx()
        broken = next((error for error in (reading, sending) if isinstance(error, SpoolError)), None)
        state = State(
            documents=spool.waiting(),
            used_bytes=spool.used_bytes(),
            limit_bytes=spool.limit_bytes,
            full=full,
            oldest=spool.oldest(),
            refused=spool.refused(),
            acknowledged=None if acknowledged is None else acknowledged[1],
            reading=str(reading or ""),
            sending=str(sending or ""),
            spool=FULL if full else str(broken or ""),
            ami=ami,
            pbx=pbx,
        )
        return heartbeat(self._origin, state, datetime.now(UTC))
