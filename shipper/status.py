"""What the agent did and what waits, from its spool."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shipper.config import Config
from shipper.document.clock import stamp
from shipper.spool import ACCOUNT, Spool, SpoolLock


@dataclass(frozen=True, slots=True)
class Status:
    """One look at an agent; times are UTC in ISO 8601, ages in seconds."""

    store: str
    running: bool
    read: int
    """Rows read, those read again included."""
    documents: int
    """Documents built and spooled."""
    calls: int
    """States of calls among them: a call with a late row counts twice."""
    calls_open: int
    """Calls of which rows were read and that have not settled."""
    delivered: int
    """Acknowledged by the output."""
    quarantined: int
    """Acknowledged, but in the quarantine: refused by the agent, the pipeline or the index."""
    refused: int
    """Refused even there, kept in the spool: ``shipper refused``."""
    sent_again: int
    """Documents spooled once more by the nightly account; ``delivered`` counts them too."""
    reports: int
    """Accounts of a day that were acknowledged."""
    counted_until: str | None
    """The last day that was sent again and counted at night."""
    spool_documents: int
    spool_bytes: int
    spool_limit_bytes: int
    spool_oldest_seconds: int | None
    last_acknowledgement: str | None
    errors: dict[str, dict[str, str]]
    """By part: the error that lasts, and since when."""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: these names are kept."""
        return asdict(self)

    def __str__(self) -> str:
        """For a person."""
        waits = f"{self.spool_documents} documents, {self.spool_bytes / 1024 / 1024:.1f} MiB"
        if self.spool_oldest_seconds is not None:
            waits += f", the oldest for {self.spool_oldest_seconds} s"
        lines = [
            f"store       {self.store} ({'running' if self.running else 'not running'})",
            f"read        {self.read} rows, {self.documents} documents",
            f"calls       {self.calls} made, {self.calls_open} not settled yet",
            f"delivered   {self.delivered}, last acknowledgement {self.last_acknowledgement or 'never'}",
            f"refused     {self.quarantined} to the quarantine, {self.refused} kept here",
            f"counted     up to {self.counted_until or 'no day yet'}, {self.reports} reports delivered",
            f"spool       {waits}",
        ]
        lines += [
            f"error       {part}: {found['message']} (since {found['since']})"
            for part, found in self.errors.items()
        ]
        return "\n".join(lines)


def status(config: Config) -> Status:
    """Look at an agent, whether it runs or not.

    Raises:
        SpoolError: There is no spool, or it cannot be read.
    """
    path = Path(config.spool.path)
    spool = Spool(path, config.spool.max_mib, read_only=True)
    counters, notes = spool.counters(), spool.notes()
    waiting, oldest = spool.depth()
    acknowledged = notes.get("last_acknowledgement")
    found = Status(
        store=config.store.id,
        running=SpoolLock(path).is_held(),
        read=counters.get("read", 0),
        documents=counters.get("documents", 0),
        calls=counters.get("calls", 0),
        calls_open=spool.unsettled(),
        delivered=counters.get("delivered", 0),
        quarantined=counters.get("quarantined", 0),
        refused=spool.refused(),
        sent_again=counters.get("again", 0),
        reports=counters.get("reports", 0),
        counted_until=notes.get(ACCOUNT, (None, 0.0))[0],
        spool_documents=waiting,
        spool_bytes=spool.used_bytes(),
        spool_limit_bytes=spool.limit_bytes,
        spool_oldest_seconds=None if oldest is None else max(0, round(time.time() - oldest)),
        last_acknowledgement=_iso(acknowledged[1]) if acknowledged else None,
        errors={
            name.removeprefix("error."): {"message": text, "since": _iso(at)}
            for name, (text, at) in sorted(notes.items())
            if name.startswith("error.") and text
        },
    )
    spool.close()
    return found


def _iso(at: float) -> str:
    return stamp(datetime.fromtimestamp(at, UTC), "seconds")
