"""The agent's own log: text for a person at a terminal, one JSON object a line for a collector."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from shipper.document.clock import stamp


class JsonFormatter(logging.Formatter):
    """One line of JSON with ECS names."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "@timestamp": stamp(at),
            "log.level": record.levelname.lower(),
            "log.logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error.stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start(kind: Literal["auto", "text", "json"]) -> None:
    """Log to standard error in this format."""
    handler = logging.StreamHandler()
    if kind == "json" or (kind == "auto" and not sys.stderr.isatty()):
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
