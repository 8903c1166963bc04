"""Documents and reading position in one SQLite file, each step one transaction."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from shipper.document.model import Document
from shipper.errors import SpoolError
from shipper.spool.schema import connect, explain

MIB = 1024 * 1024


class Bucket(NamedTuple):
    """What is known of one bucket of ``calldate``: how many rows, and the sum of their dates' CRC-32."""

    rows: int
    crc: int


class Spooled(NamedTuple):
    """A document that waits for its acknowledgement."""

    seq: int
    index_name: str
    id: str
    body: bytes


class Refusal(NamedTuple):
    """A document that not even the quarantine took, and why."""

    document: Spooled
    reason: str


class SpoolFullError(SpoolError):
    """The spool has reached ``spool.max_mib``: reading stops until documents were delivered."""


class Spool:
    """One connection to the spool; each thread has its own.

    Args:
        path: The file.
        max_mib: How large its content may grow before `add` refuses more.
        read_only: For looking only (``shipper status``).
    """

    def __init__(self, path: Path, max_mib: int = 512, *, read_only: bool = False) -> None:
        self.path = path
        self._limit = max_mib * MIB
        self._db = connect(path, read_only=read_only)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    # Writing: what the reader does.

    def add(
        self,
        documents: Iterable[Document],
        buckets: dict[str, Bucket] | None = None,
        seen: Iterable[tuple[str, str]] = (),
        counts: dict[str, int] | None = None,
    ) -> None:
        """Documents and the reading position behind them, together or not at all.

        Args:
            documents: What was built.
            buckets: The buckets that are now completely read, with what they held.
            seen: (bucket, id) of rows beside which more may appear.
            counts: Counters to raise.

        Raises:
            SpoolFullError: ``max_mib`` is reached; nothing was written.
            SpoolError: The file cannot be written; nothing was written.
        """
        # The reading position alone never blocks: without waiting documents nothing would ever free it.
        if self.used_bytes() > self._limit and not self.is_empty():
            raise SpoolFullError(
                f"{self.path} holds {self.used_bytes() / MIB:.0f} MiB, spool.max_mib is {self._limit // MIB}",
                "reading waits until documents were delivered; see why with: shipper status",
            )
        with self._transaction():
            self._append(documents)
            if seen:
                self._db.executemany(
                    "INSERT OR IGNORE INTO seen VALUES (?, ?)",
                    [(bucket, bytes.fromhex(key)) for bucket, key in seen],
                )
            for name, (rows, crc) in (buckets or {}).items():
                if rows:
                    self._db.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)", (name, rows, crc))
                else:
                    self._db.execute("DELETE FROM buckets WHERE bucket = ?", (name,))
            self._count(counts or {})

    def buckets(self, first: str, last: str = "~") -> dict[str, Bucket]:
        """What is known of the buckets from first to last."""
        with self._explained():
            found = self._db.execute(
                "SELECT bucket, rows, crc FROM buckets WHERE bucket BETWEEN ? AND ?", (first, last)
            )
            return {bucket: Bucket(rows, crc) for bucket, rows, crc in found}

    def seen(self, bucket: str) -> set[str]:
        """The ids that were read of a bucket, as far as they are kept."""
        with self._explained():
            found = self._db.execute("SELECT id FROM seen WHERE bucket = ?", (bucket,))
            return {key.hex() for (key,) in found}

    def forget_seen(self, before: str) -> None:
        """Drop the ids of buckets beside which no more rows are expected."""
        with self._transaction():
            self._db.execute("DELETE FROM seen WHERE bucket < ?", (before,))

    # Delivering: what the sender does.

    def take(self, limit: int, max_bytes: int) -> list[Spooled]:
        """The oldest documents, at least one if there is any; they stay until `settle`."""
        batch: list[Spooled] = []
        size = 0
        with self._explained():
            rows = self._db.execute("SELECT seq, idx, id, body FROM documents ORDER BY seq LIMIT ?", (limit,))
            for row in rows:
                size += len(row[3])
                if batch and size > max_bytes:
                    break
                batch.append(Spooled(*row))
            rows.close()
        return batch

    def settle(
        self,
        done: Sequence[int],
        replaced: Sequence[tuple[int, Document]] = (),
        refused: Sequence[Refusal] = (),
        *,
        quarantined: int = 0,
    ) -> None:
        """What became of documents that were sent; the rest stays.

        Args:
            done: Acknowledged: they leave.
            replaced: Refused: each is replaced by the document that says why.
            refused: Not even the quarantine took them: kept apart, for a person.
            quarantined: How many of ``done`` are in the quarantine, for the counter.
        """
        now = time.time()
        leaving = [*done, *(seq for seq, _ in replaced), *(entry.document.seq for entry in refused)]
        with self._transaction():
            if leaving and len(leaving) == max(leaving) - min(leaving) + 1:
                self._db.execute(
                    "DELETE FROM documents WHERE seq BETWEEN ? AND ?", (min(leaving), max(leaving))
                )
            else:
                self._db.executemany("DELETE FROM documents WHERE seq = ?", [(seq,) for seq in leaving])
            self._append(document for _, document in replaced)
            self._db.executemany(
                "INSERT INTO refused (idx, id, body, reason, refused) VALUES (?, ?, ?, ?, ?)",
                [(d.index_name, d.id, d.body, reason, now) for d, reason in refused],
            )
            self._count({"delivered": len(done), "quarantined": quarantined, "refused": len(refused)})
            if done:
                self._note("last_acknowledgement", str(len(done)), now)

    # Backfills that were asked for while an agent runs.

    def request_backfill(self, since: str, until: str) -> int:
        """Ask the running agent to read a span of buckets again; gives the request's number."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO backfills (since, until, requested) VALUES (?, ?, ?)",
                (since, until, time.time()),
            )
        return int(cursor.lastrowid or 0)

    def next_backfill(self) -> tuple[int, str, str] | None:
        """The oldest request: number, first and last bucket."""
        with self._explained():
            row = self._db.execute(
                "SELECT number, since, until FROM backfills ORDER BY number LIMIT 1"
            ).fetchone()
        return None if row is None else (int(row[0]), str(row[1]), str(row[2]))

    def has_backfill(self, number: int) -> bool:
        """The request is still to be carried out."""
        with self._explained():
            found = self._db.execute("SELECT 1 FROM backfills WHERE number = ?", (number,)).fetchone()
        return found is not None

    def finish_backfill(self, number: int) -> None:
        """The request was carried out."""
        with self._transaction():
            self._db.execute("DELETE FROM backfills WHERE number = ?", (number,))

    # Looking.

    def note(self, name: str, value: str) -> None:
        """Keep one word for ``shipper status``; best effort, since a full disk is told this way too."""
        with self._transaction():
            self._note(name, value, time.time())

    def notes(self) -> dict[str, tuple[str, float]]:
        """All words kept: name to (value, when)."""
        with self._explained():
            return {name: (value, at) for name, value, at in self._db.execute("SELECT * FROM notes")}

    def counters(self) -> dict[str, int]:
        """All counters since the spool was made."""
        with self._explained():
            return dict(self._db.execute("SELECT name, value FROM counters").fetchall())

    def depth(self) -> tuple[int, float | None]:
        """How many documents wait, and since when the oldest does (seconds since 1970)."""
        with self._explained():
            count, oldest = self._db.execute("SELECT COUNT(*), MIN(spooled) FROM documents").fetchone()
        return int(count), oldest

    def is_empty(self) -> bool:
        """Nothing waits."""
        with self._explained():
            return self._db.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None

    def has_room(self) -> bool:
        """After it was full: so much was delivered that reading on is worth a look at the database."""
        return self.used_bytes() <= self._limit // 2 or self.is_empty()

    def used_bytes(self) -> int:
        """Size of the content; the file itself may be larger, its free pages are used again."""
        with self._explained():
            pages, free, size = (
                self._db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def shrink(self) -> None:
        """Give free pages back to the disk, a few at a time."""
        with self._explained():
            self._db.execute("PRAGMA incremental_vacuum(256)").fetchall()

    # Inner parts.

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _append(self, documents: Iterable[Document]) -> None:
        now = time.time()
        self._db.executemany(
            "INSERT INTO documents (idx, id, body, spooled) VALUES (?, ?, ?, ?)",
            [(index, key, body, now) for index, key, body in documents],
        )

    def _count(self, counts: dict[str, int]) -> None:
        for name, value in counts.items():
            if value:
                self._db.execute(
                    "INSERT INTO counters VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                    (name, value),
                )

    def _note(self, name: str, value: str, now: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (name, value, now))
