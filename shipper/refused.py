"""The documents that not even the quarantine took, as a person reads them."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shipper.config import Config
from shipper.document.clock import stamp
from shipper.spool import Kept, Spool


@dataclass(frozen=True, slots=True)
class RefusedDocument:
    """One of them; what is not known is empty."""

    number: int
    at: str
    """When, UTC in ISO 8601."""
    index: str
    """Of the quarantine, which did not take it."""
    id: str
    reason: str
    """Why the quarantine did not take it."""
    stage: str
    """Where it was refused first: ``document``, ``output``."""
    path: str
    """Where in the document."""
    rule: str
    """By which rule."""
    message: str
    """Why, in words."""
    document: Any
    """What was refused first, as it was."""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: these names are kept."""
        return asdict(self)

    def __str__(self) -> str:
        """For a person."""
        first = ", ".join(part for part in (self.stage, self.path, self.rule) if part)
        return (
            f"{self.number}  {self.at}  {self.index}/{self.id}\n"
            f"    refused ({first or 'why is not known'}): {self.message or '-'}\n"
            f"    and by the quarantine: {self.reason}"
        )


def refused(config: Config) -> list[RefusedDocument]:
    """The documents that are kept in the spool, whether the agent runs or not.

    Raises:
        SpoolError: There is no spool, or it cannot be read.
    """
    spool = Spool(Path(config.spool.path), config.spool.max_mib, read_only=True)
    try:
        return [_explained(kept) for kept in spool.kept()]
    finally:
        spool.close()


def release(config: Config) -> int:
    """Put all of them back, to be sent by the agent that runs or the next one; gives how many.

    Raises:
        SpoolError: There is no spool, or it cannot be written.
    """
    path = Path(config.spool.path)
    Spool(path, config.spool.max_mib, read_only=True).close()  # makes none where there is none
    spool = Spool(path, config.spool.max_mib)
    try:
        return spool.release()
    finally:
        spool.close()


def _explained(kept: Kept) -> RefusedDocument:
    body = json.loads(kept.body)
    details = body.get("quarantine", {})
    return RefusedDocument(
        number=kept.number,
        at=stamp(datetime.fromtimestamp(kept.refused, UTC), "seconds"),
        index=kept.index_name,
        id=kept.id,
        reason=kept.reason,
        stage=details.get("stage", ""),
        path=details.get("path", ""),
        rule=details.get("rule", ""),
        message=body.get("error", {}).get("message", ""),
        document=details.get("document"),
    )
