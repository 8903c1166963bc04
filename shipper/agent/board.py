"""The newest state of each call in progress, on its way to the output: replaced, never queued."""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Final

from shipper.document.model import Document
from shipper.spool import Spooled

STALE_SECONDS: Final = 60.0
"""A state that could not be delivered for so long is dropped; the next refresh brings the call back."""
MOST: Final = 5000
"""Calls; a document has half a kilobyte."""


class Board:
    """Between the thread that folds events and the one that sends. Safe for both."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[float, Document]] = {}

    def put(self, documents: Iterable[Document]) -> None:
        """These are to be sent; each takes the place of an older one of its call."""
        now = time.monotonic()
        with self._lock:
            for document in documents:
                self._waiting.pop(document.id, None)
                if len(self._waiting) >= MOST:
                    del self._waiting[next(iter(self._waiting))]
                self._waiting[document.id] = (now, document)

    def take(self, limit: int) -> list[tuple[float, Document]]:
        """What is to be sent, the oldest first, with the moment at which it came; it leaves the board."""
        old = time.monotonic() - STALE_SECONDS
        with self._lock:
            keys = list(self._waiting)[:limit]
            found = [self._waiting.pop(key) for key in keys]
        return [entry for entry in found if entry[0] >= old]

    def give_back(self, entries: Sequence[tuple[float, Document]]) -> None:
        """These did not arrive; where a newer state has come meanwhile, that one stays."""
        with self._lock:
            for at, document in entries:
                if len(self._waiting) < MOST:
                    self._waiting.setdefault(document.id, (at, document))


def spooled(entries: Sequence[tuple[float, Document]]) -> list[Spooled]:
    """As an output takes them: they are in no spool, as ``seq`` 0 says."""
    return [Spooled(0, *document) for _, document in entries]
