"""What is still to be done: spans that somebody asked for, calls that have not settled or have no row yet."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from shipper.spool.file import SpoolFile

LAST_CALL = "last_call"
"""The note of when the latest call that AMI heard began, seconds since 1970."""


class Unsettled(NamedTuple):
    """A call of which rows were read and that is not sent yet."""

    linked: str
    """Its linkedid, or what stands for it."""
    first: str
    """The bucket of ``calldate`` in which its first row may be."""
    last: str
    """The bucket in which its last row may be."""
    due: float
    """When it is looked at again, seconds since 1970."""
    generation: int = 0
    """Of a rebuild, see `shipper.assembly.builder.sequence_of`."""


class SpoolToDo(SpoolFile):
    """Requests and unsettled calls; both outlive the process."""

    def request_backfill(self, since: str, until: str) -> int:
        """Ask the running agent to read a span of buckets again; gives the request's number."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO backfills (since, until, requested) VALUES (?, ?, ?)",
                (since, until, time.time()),
            )
        return int(cursor.lastrowid or 0)

    def next_backfill(self) -> tuple[int, str, str, float] | None:
        """The oldest request: number, first and last bucket, and when it was made (seconds since 1970)."""
        with self._explained():
            row = self._db.execute(
                "SELECT number, since, until, requested FROM backfills ORDER BY number LIMIT 1"
            ).fetchone()
        return None if row is None else (int(row[0]), str(row[1]), str(row[2]), float(row[3]))

    def has_backfill(self, number: int) -> bool:
        """The request is still to be carried out."""
        with self._explained():
            found = self._db.execute("SELECT 1 FROM backfills WHERE number = ?", (number,)).fetchone()
        return found is not None

    def finish_backfill(self, number: int) -> None:
        """The request was carried out."""
        with self._transaction():
            self._db.execute("DELETE FROM backfills WHERE number = ?", (number,))

    def due(self, now: float, limit: int) -> list[Unsettled]:
        """The calls that are to be looked at now, by their first buckets."""
        with self._explained():
            found = self._db.execute(
                "SELECT linked, first, last, due, generation FROM unsettled WHERE due <= ? "
                "ORDER BY first, linked LIMIT ?",
                (now, limit),
            )
            return [Unsettled(*row) for row in found]

    def next_due(self) -> float | None:
        """When the next call is to be looked at, seconds since 1970; None where none is."""
        with self._explained():
            found = self._db.execute(
                "SELECT min(due) FROM (SELECT min(due) AS due FROM unsettled "
                "UNION ALL SELECT min(due) FROM heard)"
            ).fetchone()
        return None if found[0] is None else float(found[0])

    def unsettled(self) -> int:
        """How many calls have not settled."""
        with self._explained():
            return int(self._db.execute("SELECT COUNT(*) FROM unsettled").fetchone()[0])

    def hasten(self, now: float) -> None:
        """Look at all of them now: a clock that was wrong may have put one off for long."""
        with self._transaction():
            self._db.execute("UPDATE unsettled SET due = ? WHERE due > ?", (now, now))

    def postpone(self, calls: Iterable[Unsettled]) -> None:
        """Look at calls again at another time."""
        with self._transaction():
            self._db.executemany(
                "UPDATE unsettled SET due = ? WHERE linked = ?", [(call.due, call.linked) for call in calls]
            )

    def _leave_open(self, calls: Iterable[Unsettled]) -> None:
        """Remember calls; of one that is known already the span grows."""
        self._db.executemany(
            "INSERT INTO unsettled VALUES (?, ?, ?, ?, ?) ON CONFLICT (linked) DO UPDATE SET "
            "first = min(first, excluded.first), last = max(last, excluded.last), due = excluded.due, "
            "generation = max(generation, excluded.generation)",
            calls,
        )

    def _settle_calls(self, linked: Iterable[str]) -> None:
        names = [(name,) for name in linked]
        self._db.executemany("DELETE FROM unsettled WHERE linked = ?", names)
        self._forget_heard(name for (name,) in names)  # they have rows

    def _forget_heard(self, linked: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM heard WHERE linked = ?", [(name,) for name in linked])

    def hear(self, calls: Iterable[tuple[str, float, str]], latest: float | None = None) -> None:
        """Remember calls that AMI heard.

        Args:
            calls: Linkedid, when to look for their rows (seconds since 1970), what was heard (JSON).
            latest: When the latest of all calls began, for the next start: it may never have a row.
        """
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO heard VALUES (?, ?, ?)", calls)
            if latest is not None:
                self._note(LAST_CALL, f"{latest:.3f}", time.time())

    def heard(self, now: float, limit: int) -> list[tuple[str, str]]:
        """The heard calls whose rows should have appeared by now: linkedid and what was heard."""
        with self._explained():
            return self._db.execute(
                "SELECT linked, body FROM heard WHERE due <= ? ORDER BY due LIMIT ?", (now, limit)
            ).fetchall()
