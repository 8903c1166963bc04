"""What every output does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from shipper.document.validate import Invalid
from shipper.spool import Spooled


class Refused(NamedTuple):
    """A document that the other side will never take, and why."""

    document: Spooled
    reason: Invalid


@dataclass(slots=True)
class Outcome:
    """What became of each document of a batch; one that is in none of the lists was not decided."""

    done: list[int] = field(default_factory=list)
    """Acknowledged (``seq``): they may leave the spool."""
    quarantined: int = 0
    """How many of those are in the quarantine, put there by the agent or by the cluster's pipeline."""
    refused: list[Refused] = field(default_factory=list)
    """Never to be sent again as they are."""
    retry: list[int] = field(default_factory=list)
    """To be sent again (``seq``)."""
    retry_reason: str = ""
    """Why the first of those has to be."""
    retry_hint: str = "they wait in the spool and are sent again"
    """What mends that."""


class Output(Protocol):
    """A way to the cluster. Not thread-safe: one sender owns it."""

    max_documents: int
    """How many documents a batch may hold."""
    max_bytes: int
    """How many bytes of JSON a batch may hold, unless it is a single document."""

    def send(self, batch: Sequence[Spooled]) -> Outcome:
        """Deliver and wait for the acknowledgement.

        Sending a document again is harmless: its ``_id`` makes the second one a no-op.

        Raises:
            OutputError: Nothing is known to have arrived; the whole batch is to be sent again.
        """
        ...

    def check(self) -> str:
        """Try the way without sending a document; says what was reached.

        Raises:
            OutputError: It does not work, and what mends it.
        """
        ...

    def close(self) -> None:
        """End the connection, if there is one."""
        ...
