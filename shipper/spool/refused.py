"""Documents that not even the quarantine took: kept apart, and put back when a person says so."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from shipper.document.model import Document
from shipper.spool.todo import SpoolToDo

WAITING = "waiting"
"""The counter of documents that wait; it goes down too, and is none of those that `Spool.counters` gives."""


class Kept(NamedTuple):
    """One of those, as the spool keeps it for a person."""

    number: int
    index_name: str
    id: str
    body: bytes
    reason: str
    refused: float
    """When, seconds since 1970."""


class SpoolRefused(SpoolToDo):
    """What is kept, and how documents are put into the spool."""

    def kept(self) -> list[Kept]:
        """The refused documents that are kept here, the oldest first."""
        with self._explained():
            found = self._db.execute(
                "SELECT number, idx, id, body, reason, refused FROM refused ORDER BY number"
            )
            return [Kept(*row) for row in found]

    def refused(self) -> int:
        """How many of those there are."""
        with self._explained():
            return int(self._db.execute("SELECT COUNT(*) FROM refused").fetchone()[0])

    def release(self) -> int:
        """Put all of them back, to be sent again; gives how many.

        They are documents of the quarantine: what was refused first is whole inside each.
        """
        with self._transaction():
            found = self._db.execute("SELECT idx, id, body FROM refused ORDER BY number").fetchall()
            self._append([Document(*row) for row in found])
            self._db.execute("DELETE FROM refused")
        return len(found)

    # Inner parts.

    def _append(self, documents: Iterable[Document]) -> None:
        now = time.time()
        rows = [(*document, now) for document in documents]
        self._db.executemany(
            "INSERT INTO documents (idx, id, body, operation, spooled) VALUES (?, ?, ?, ?, ?)", rows
        )
        self._count({WAITING: len(rows)})
