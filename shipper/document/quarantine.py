"""A document that was refused becomes another document that says why, and keeps it whole."""

import re
from typing import Any, Final

from shipper.document.model import Document, Origin, encode
from shipper.document.text import brief
from shipper.document.validate import Invalid

DATASET = "pabx.quarantine"
INDEX = "pabx-quarantine"
"""What the names of its indices begin with."""
LONGEST = 2000
"""Characters of a reason: a message that holds the refused value must not be refused itself."""
_MONTH: Final = re.compile(r"-(\d{4}\.\d{2})(?:\.\d{2})?$")
UNKNOWN_MONTH = "1970.01"
"""Where a refused row of unknown time goes: always the same index, so that its ``_id`` meets itself."""


class Quarantine:
    """Makes quarantine documents for one agent."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def document(
        self, key: str, *, stage: str, dataset: str, index: str, document: Any, reason: Invalid, created: str
    ) -> Document:
        """The quarantine document of a refused one.

        Args:
            key: The refused document's ``_id``, kept.
            stage: Where it was refused: ``document``, ``spool``, ``output``.
            dataset: What it would have been, such as ``pabx.cdr``.
            index: Where it should have gone; empty where not even its month is known.
            document: What was refused, as it was.
            reason: Path, rule and words.
            created: When, UTC in ISO 8601.
        """
        found = _MONTH.search(index)
        month = found[1] if found else UNKNOWN_MONTH
        details: dict[str, Any] = {
            "stage": stage,
            "dataset": dataset,
            "path": reason.path,
            "rule": reason.rule,
            "document": document if isinstance(document, dict) else {"text": str(document)},
        }
        if index:
            details["index"] = index
        body = {
            "@timestamp": created,
            "event": {"id": key, "kind": "pipeline_error", "dataset": DATASET, "created": created},
            "store": {"id": self._origin.store_id},
            "agent": {"version": self._origin.version},
            "error": {"type": reason.rule, "message": brief(reason.message, LONGEST)},
            "quarantine": details,
        }
        return Document(f"{INDEX}-{month}", key, encode(body).encode())
