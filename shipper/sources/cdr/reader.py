"""Reads every row once, although rows appear late, in any order, and no column is a watermark.

The reading position is what was read of each bucket (see `buckets`); it is committed together with
the documents. A bucket that differs is read again, and rows whose ``_id`` was seen are passed over.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

from shipper.config import Config
from shipper.document.cdr import CdrBuilder
from shipper.document.clock import stamp
from shipper.document.model import Document, Origin
from shipper.sources.cdr import buckets
from shipper.sources.cdr.database import Database
from shipper.spool import Bucket, Spool

ROWS_PER_READ = 5000
"""Neighbouring buckets are read together up to this: one short query, one pass of the index."""
ROWS_PER_COMMIT = 1000


class CdrReader:
    """The reader of one store's table.

    Args:
        config: The agent's settings.
        database: Where the rows are.
        spool: Where documents and position go.
        origin: What documents say of where they come from.
        now: The clock, UTC; a test may set it.
    """

    def __init__(
        self,
        config: Config,
        database: Database,
        spool: Spool,
        origin: Origin,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._spool = spool
        self._origin = origin
        self._now = now
        self._zone = ZoneInfo(config.store.timezone)
        self._lookback = timedelta(hours=config.cdr.lookback_hours)
        self._builder: CdrBuilder | None = None
        self.reached = buckets.FIRST  # all buckets before it were read by the `sweep` with ``again``
        self._open: str | None = None  # the first bucket in which rows may have appeared since
        self._recent = buckets.LAST  # the first bucket whose rows are remembered one by one

    def everything(self) -> Iterator[int]:
        """Compare the whole table with what was read, and read what differs; yields as `sweep` does."""
        window = self.window()
        yield from self.sweep()
        self._settle(window)

    def poll(self) -> int:
        """Look whether rows came or went lately, and read them.

        It looks as far back as rows could have appeared since the last time it was done with that:
        after a long pause (a full spool, a database that was down) further than the look-back, and at
        the first time at everything.

        Returns:
            How many documents went into the spool.

        Raises:
            DatabaseError: The table cannot be read; nothing that was read is lost.
            SpoolError: The spool takes no more; what it did not take is read again.
        """
        if self._open is None:
            return sum(self.everything())
        window = self.window()
        first = min(window, self._open)
        added = 0
        if self._database.total(first) != buckets.total(self._spool.buckets(first)):
            added = sum(self.sweep(first))
        self._settle(window)
        return added

    def sweep(
        self, first: str = buckets.FIRST, last: str = buckets.LAST, *, again: bool = False
    ) -> Iterator[int]:
        """Compare all buckets between two with what was read, and read those that differ.

        A generator: each step looks at a week at most, and the caller may stop after any of them.

        Args:
            first: The first bucket.
            last: The last one.
            again: Read all of them, whatever was read (a backfill).

        Yields:
            How many documents the step put into the spool.
        """
        self._recent = min(self.window(), self._open or buckets.LAST)
        at = first
        while at <= last:
            found = self._database.next_bucket(buckets.lowest(at))
            start = found if found and found <= last else ""
            end = min(buckets.span_end(start), last) if start else last
            there = self._database.counts(start, end) if start else {}
            changed = buckets.differing(there, self._spool.buckets(at, end), again=again)
            gone = {name: buckets.EMPTY for name, bucket in changed.items() if not bucket.rows}
            if gone:
                self._spool.add((), gone)
            added = 0
            for span in buckets.spans(changed, list(there), ROWS_PER_READ):
                for step in self._read(span, again=again):
                    added += step
                    yield step
                if again:
                    self.reached = next((name for name in there if name > span.last), end)
            if not added:
                yield 0
            at = buckets.following(end)
            if again:
                self.reached = at

    def window(self) -> str:
        """The first bucket in which rows may still appear.

        Late rows are late against the PBX's clock; where the table's newest row is older than now
        (a quiet night, a wrong clock here), the window reaches further back rather than less far; of
        an empty table it is everything, which costs nothing.
        """
        now = self._now().astimezone(self._zone).replace(tzinfo=None)
        try:
            newest = datetime.fromisoformat(self._database.newest())
            return buckets.bucket_of(min(now, newest) - self._lookback)
        except (ValueError, OverflowError):  # empty, nothing but zero dates, or of the year 1
            return buckets.FIRST

    def _settle(self, window: str) -> None:
        """All that had appeared when the window began there has been read."""
        if window != self._open:
            self._spool.forget_seen(window)
        self._open = window

    def _read(self, span: buckets.Span, *, again: bool) -> Iterator[int]:
        """Read the buckets of one span into the spool, a thousand rows a transaction."""
        columns = self._database.columns
        if self._builder is None or self._builder.columns != columns:
            self._builder = CdrBuilder(self._origin, columns)
        build, identity = self._builder.build, self._builder.identity
        calldate = columns.index("calldate")
        created = stamp(self._now())
        documents: list[Document] = []
        finished: dict[str, Bucket] = {}
        recent: list[tuple[str, str]] = []
        name, rows, crc = span.first, 0, 0
        seen = self._seen(name, again=again)
        read = 0
        for row in self._database.rows(span.first, span.last):
            date = row[calldate] or b""
            bucket = date[: buckets.LENGTH].decode(errors="replace")
            if bucket != name:
                finished[name] = Bucket(rows, crc)
                name, rows, crc = bucket, 0, 0
                seen = self._seen(name, again=again)
            rows += 1
            crc += crc32(date)
            read += 1
            key = identity(row)
            if key not in seen:
                seen.add(key)
                documents.append(build(row, created, key))
                if name >= self._recent:
                    recent.append((name, key))
            if len(documents) >= ROWS_PER_COMMIT:
                self._spool.add(documents, finished, recent, {"read": read, "documents": len(documents)})
                if again:
                    self.reached = name
                yield len(documents)
                documents, finished, recent, read = [], {}, [], 0
        finished[name] = Bucket(rows, crc)
        self._spool.add(documents, finished, recent, {"read": read, "documents": len(documents)})
        yield len(documents)

    def _seen(self, bucket: str, *, again: bool) -> set[str]:
        return set() if again else self._spool.seen(bucket)
