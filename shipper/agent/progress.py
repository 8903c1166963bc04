"""What reading and listening tell of themselves, for the heartbeat; other threads ask."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from shipper.errors import ShipperError


class Progress(NamedTuple):
    """Of reading the PBX's table."""

    error: ShipperError | None = None
    """What is wrong now, if anything."""
    wrong_seconds: int = 0
    """For how long the table could not be read; 0: it can, or it is the spool that takes no more."""
    read_seconds: int | None = None
    """How long ago a comparison of the table was complete; None: none has been, since the start."""
    last_row: float | None = None
    """Date of the latest row that was read, seconds since 1970; None: not known yet, or there is none."""
    last_call: float | None = None
    """Date of the latest row in the table, whether it was read or not."""


class Listened(NamedTuple):
    """Of listening to the PBX."""

    trouble: str
    """What is wrong with it; empty: nothing."""
    fields: Mapping[str, Any]
    """What the PBX tells, as fields of ``store``; empty while it is not heard."""
    wrong_seconds: int = 0
    """For how long it has not been heard although it is to be; 0: it is heard."""
    last_call: float | None = None
    """Begin of the latest call that was heard, seconds since 1970; None: none was."""
