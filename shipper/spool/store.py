"""Documents and reading position in one SQLite file, each step one transaction."""

import json
import time
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from shipper.document.model import Document, Operation
from shipper.errors import SpoolError
from shipper.spool.file import MIB
from shipper.spool.refused import WAITING, SpoolRefused
from shipper.spool.schema import damaged
from shipper.spool.todo import Unsettled

ACCOUNT = "account"
"""The note of the last day that was sent again and counted at night."""


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
    operation: Operation = "create"


class Refusal(NamedTuple):
    """A document that not even the quarantine took, and why."""

    document: Spooled
    reason: str


class SpoolFullError(SpoolError):
    """The spool has reached ``spool.max_mib``: reading stops until documents were delivered."""


class Spool(SpoolRefused):
    """One connection to the spool; each thread has its own."""

    # Writing: what the reader does.

    def add(
        self,
        documents: Iterable[Document],
        buckets: dict[str, Bucket] | None = None,
        seen: Iterable[tuple[str, str]] = (),
        counts: dict[str, int] | None = None,
        unsettled: Iterable[Unsettled] = (),
        settled: Iterable[str] = (),
        looked_for: Iterable[str] = (),
    ) -> None:
        """Documents and the reading position behind them, together or not at all.

        Args:
            documents: What was built.
            buckets: The buckets that are now completely read, with what they held.
            seen: (bucket, id) of rows beside which more may appear.
            counts: Counters to raise.
            unsettled: Calls of which rows are among the documents, and that are to be sent later.
            settled: Calls that are among the documents, and were unsettled until now.
            looked_for: Calls that AMI heard, and of which it is known now whether they have rows.

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
            if buckets:
                there = [(name, *bucket) for name, bucket in buckets.items() if bucket.rows]
                gone = [(name,) for name, bucket in buckets.items() if not bucket.rows]
                self._db.executemany("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)", there)
                self._db.executemany("DELETE FROM buckets WHERE bucket = ?", gone)
            self._leave_open(unsettled)
            self._settle_calls(settled)
            self._forget_heard(looked_for)
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

    def first_seen(self) -> str:
        """The first bucket of which ids are kept; behind all others where none are."""
        with self._explained():
            return str(self._db.execute("SELECT COALESCE(MIN(bucket), '~') FROM seen").fetchone()[0])

    def forget_seen(self, before: str) -> None:
        """Drop the ids of buckets beside which no more rows are expected."""
        with self._transaction():
            self._db.execute("DELETE FROM seen WHERE bucket < ?", (before,))

    # Delivering: what the sender does.

    def take(
        self, limit: int, max_bytes: int, *, after: int = 0, without: Collection[str] = ()
    ) -> list[Spooled]:
        """The oldest documents, at least one if there is any; they stay until `settle`.

        Args:
            limit: How many at most.
            max_bytes: Of JSON at most, unless it is a single document.
            after: Go past the documents up to this `seq`: they were sent, and have to be sent again.
            without: Go past the documents of these indices.

        Raises:
            SpoolDamagedError: One cannot be what was put in.
        """
        batch: list[Spooled] = []
        size = 0
        with self._explained():
            rows = self._db.execute(
                "SELECT seq, idx, id, body, operation FROM documents WHERE seq > ? "
                "AND idx NOT IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?",
                (after, json.dumps(list(without)), limit),
            )
            for row in rows:
                # Every agent has put bytes in, and no JSON has a zero: a part of the disk that came back has.
                if not isinstance(row[3], bytes) or b"\0" in row[3]:
                    raise damaged(self.path, f"document {row[2]} is not what was put in")
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
        reports: int = 0,
    ) -> int:
        """What became of documents that were sent; the rest stays.

        Args:
            done: Acknowledged: they leave.
            replaced: Refused: each is replaced by the document that says why.
            refused: Not even the quarantine took them: kept apart, for a person.
            quarantined: How many of ``done`` are in the quarantine, for the counter.
            reports: How many of ``done`` are accounts of a day: they have a counter of their own.

        Returns:
            The last `seq` that is in use: a document that is spooled from now on has a higher one.
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
            self._append([document for _, document in replaced])
            self._db.executemany(
                "INSERT INTO refused (idx, id, body, reason, refused) VALUES (?, ?, ?, ?, ?)",
                [(d.index_name, d.id, d.body, reason, now) for d, reason in refused],
            )
            self._count(
                {
                    "delivered": len(done) - reports,
                    "reports": reports,
                    "quarantined": quarantined,
                    "refused": len(refused),
                    WAITING: -len(leaving),
                }
            )
            if done:
                self._note("last_acknowledgement", str(len(done)), now)
            return int(self._db.execute("SELECT COALESCE(MAX(seq), 0) FROM documents").fetchone()[0])

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
            return dict(
                self._db.execute("SELECT name, value FROM counters WHERE name != ?", (WAITING,)).fetchall()
            )

    def depth(self) -> tuple[int, float | None]:
        """How many documents wait, and since when the oldest does (seconds since 1970)."""
        with self._explained():
            count, oldest = self._db.execute("SELECT COUNT(*), MIN(spooled) FROM documents").fetchone()
        return int(count), oldest

    def waiting(self) -> int:
        """How many documents wait, from a counter: to count them all reads the whole file."""
        with self._explained():
            found = self._db.execute("SELECT value FROM counters WHERE name = ?", (WAITING,)).fetchone()
        return 0 if found is None else int(found[0])

    def oldest(self, *, after: int = 0, without: Collection[str] = ()) -> float | None:
        """Since when the first document waits (seconds since 1970); past some of them as in `take`."""
        with self._explained():
            found = self._db.execute(
                "SELECT spooled FROM documents WHERE seq > ? "
                "AND idx NOT IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT 1",
                (after, json.dumps(list(without))),
            ).fetchone()
        return None if found is None else float(found[0])

    def is_empty(self) -> bool:
        """Nothing waits."""
        with self._explained():
            return self._db.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None

    def has_room(self) -> bool:
        """After it was full: so much was delivered that reading on is worth a look at the database."""
        return self.used_bytes() <= self._limit // 2 or self.is_empty()

    @property
    def limit_bytes(self) -> int:
        """How large its content may grow, ``spool.max_mib``."""
        return self._limit

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
