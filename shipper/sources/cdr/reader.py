"""Reads every row once, although rows appear late, in any order, and no column is a watermark.

The reading position is what was read of each bucket (see `buckets`); it is committed together with
the documents. A bucket that differs is read again, and rows whose ``_id`` was seen are passed over.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zlib import crc32

from shipper.assembly import CallBuilder, leg_of
from shipper.config import Config
from shipper.document.cdr import CdrBuilder
from shipper.document.clock import StoreClock, stamp
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.errors import ConfigError
from shipper.numbering import reader
from shipper.signs import alive
from shipper.sources.cdr import buckets
from shipper.sources.cdr.calls import Calls
from shipper.sources.cdr.database import Database
from shipper.sources.cdr.recount import Recount
from shipper.sources.cdr.unheard import Unheard
from shipper.spool import Bucket, Spool

log = logging.getLogger("shipper.reading")

ROWS_PER_READ = 5000
"""Neighbouring buckets are read together up to this: one short query, one pass of the index."""
ROWS_PER_COMMIT = 500

AHEAD = timedelta(days=1)
"""A row that is dated further ahead of the clock tells nothing of the latest call."""


class CdrReader:
    """The reader of one store's table.

    Args:
        config: The agent's settings.
        database: Where the rows are.
        spool: Where documents and position go.
        origin: What documents say of where they come from.
        now: The clock, UTC; a test may set it.

    Attributes:
        last_call: Date of the latest row in the table, seconds since 1970; None: not asked yet, or none.
        last_row: The same of the latest one that was read: all before it was compared.
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
        self._clock = StoreClock(config.store.timezone)
        self._lookback = timedelta(hours=config.cdr.lookback_hours)
        try:
            self._numbers = reader(config.store.country, config.store.area_code)
        except ValueError as error:
            raise ConfigError(
                f"store.country and store.area_code: {error}",
                'set them as in country = "BR", area_code = "11"',
            ) from None
        self._privacy = Privacy(config.privacy.mode, config.privacy.key, self._numbers)
        self._configured = config.store.trunks
        self._trunks = self._configured
        self._calls = Calls(database, spool, self._clock, self._lookback, now, self._call_builder())
        self._unheard = Unheard(database, spool, self._clock, now)
        self._builder: CdrBuilder | None = None
        self.last_call: float | None = None
        self.last_row: float | None = None
        self.reached = buckets.FIRST  # all buckets before it were read by the `sweep` with ``again``
        self._open: str | None = None  # the first bucket in which rows may have appeared since
        self._first_seen = buckets.FIRST
        self._recent = buckets.LAST  # the first bucket whose rows are remembered one by one

    @property
    def trunks(self) -> tuple[str, ...]:
        """The store's trunks, as far as they are known by now."""
        return self._trunks

    def everything(self) -> Iterator[int]:
        """Compare the whole table with what was read, and read what differs; yields as `sweep` does.

        The calls of it that have settled are still to be sent: `settle`.
        """
        self._learn_trunks()
        window = self.window()
        yield from self.sweep()
        self._settle(window)

    def settle(self, *, at_once: bool = False) -> Iterator[int]:
        """Send the calls that have settled, see `Calls.settle`."""
        yield from self._calls.settle(self._rows(), at_once=at_once)

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
            return sum(self.everything()) + sum(self.settle(at_once=True))
        window = self.window()
        first = min(window, self._open)
        added = 0
        if self._database.total(first) != buckets.total(self._spool.buckets(first)):
            added = sum(self.sweep(first))
        self._settle(window)
        return added + sum(self.settle()) + self._unheard.look(self._calls.builder)

    def sweep(
        self,
        first: str = buckets.FIRST,
        last: str = buckets.LAST,
        *,
        again: bool = False,
        generation: int = 0,
    ) -> Iterator[int]:
        """Compare all buckets between two with what was read, and read those that differ.

        A generator: each step looks at a week at most, and the caller may stop after any of them.

        Args:
            first: The first bucket.
            last: The last one.
            again: Read all of them, whatever was read (a backfill).
            generation: Of the calls that are made anew by it, see `shipper.assembly.builder.sequence_of`.

        Yields:
            How many documents the step put into the spool.
        """
        if again:
            self._learn_trunks()
        self._recent = min(self.window(), self._open or buckets.LAST)
        self._calls.generation = generation
        self._calls.begin(first=first == buckets.FIRST)
        self._first_seen = self._spool.first_seen()
        read, before = "", ""  # the last bucket that was read, and the last that there is, so far
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
            present = list(there)
            for span in buckets.spans(changed, present, ROWS_PER_READ):
                place = present.index(span.first)
                if read != (present[place - 1] if place else before):
                    self._end_calls()
                read = span.last
                for step in self._read(span, again=again):
                    added += step
                    yield step
                if again:
                    self.reached = next((name for name in there if name > span.last), end)
            before = present[-1] if present else before
            if not added:
                yield 0
            at = buckets.following(end)
            if again:
                self.reached = at
        self._end_calls()

    def recount(self, day: str) -> Recount:
        """A complete day of the store's clock, to be read once more, see `Recount`."""
        self._learn_trunks()
        return Recount(
            self._origin,
            day,
            self._database,
            self._spool,
            self._clock,
            self._lookback,
            self._now,
            self._rows(),
            self._calls.builder,
        )

    def window(self) -> str:
        """The first bucket in which rows may still appear.

        Late rows are late against the PBX's clock; where the table's newest row is older than now
        (a quiet night, a wrong clock here), the window reaches further back rather than less far; of
        an empty table it is everything, which costs nothing.
        """
        now = self._now().astimezone(self._clock.zone).replace(tzinfo=None)
        date = self._database.newest()
        self._note_latest(date, now)
        try:
            newest = datetime.fromisoformat(date)
            return buckets.bucket_of(min(now, newest) - self._lookback)
        except (ValueError, OverflowError):  # empty, nothing but zero dates, or of the year 1
            return buckets.FIRST

    def _note_latest(self, newest: str, now: datetime) -> None:
        """The poll asks for the newest row anyway: so a start knows it before anything is read.

        In the hour that is repeated when clocks go back the first of the two is taken.
        """
        limit = (now + AHEAD).isoformat(sep=" ", timespec="seconds")
        if newest > limit:
            newest = self._database.newest(limit)
        if (moment := self._clock.moment(newest, "")) is not None:
            self.last_call = float(moment.epoch)

    def _settle(self, window: str) -> None:
        """All that had appeared when the window began there has been read."""
        self.last_row = self.last_call
        if window != self._open:
            self._spool.forget_seen(window)
        self._open = window

    def _read(self, span: buckets.Span, *, again: bool) -> Iterator[int]:
        """Read the buckets of one span into the spool, some hundred rows a transaction."""
        builder = self._rows()
        understand, build, identity = builder.read, builder.build, builder.identity
        calls, call_id = self._calls, self._calls.builder.identity
        calldate = builder.columns.index("calldate")
        created = stamp(self._now())
        documents: list[Document] = []
        finished: dict[str, Bucket] = {}
        recent: list[tuple[str, str]] = []
        name, rows, crc = span.first, 0, 0
        seen = self._seen(name, again=again)
        known = bool(seen)
        read = 0
        for row in self._database.rows(span.first, span.last):
            date = row[calldate] or b""
            bucket = date[: buckets.LENGTH].decode(errors="replace")
            if bucket != name:
                finished[name] = Bucket(rows, crc)
                name, rows, crc = bucket, 0, 0
                seen = self._seen(name, again=again)
                known = bool(seen)
            rows += 1
            crc += crc32(date)
            read += 1
            key = identity(row)
            if key not in seen:
                seen.add(key)
                understood = understand(row)
                cdr, moment, _ = understood
                linked = cdr.get("linkedid") or cdr.get("uniqueid") or key
                documents.append(build(understood, created, key, call_id(linked)))
                if moment is not None and (leg := leg_of(cdr, moment.epoch, key)) is not None:
                    calls.add(leg, dated="calldate" in cdr)
                if name >= self._recent:
                    recent.append((name, key))
            elif known:
                calls.missed()
            if len(documents) >= ROWS_PER_COMMIT:
                yield self._commit(documents, created, finished, recent, read)
                if again:
                    self.reached = name
                documents, finished, recent, read = [], {}, [], 0
        finished[name] = Bucket(rows, crc)
        yield self._commit(documents, created, finished, recent, read)

    def _commit(
        self,
        documents: list[Document],
        created: str,
        finished: dict[str, Bucket],
        recent: list[tuple[str, str]],
        read: int,
    ) -> int:
        """Rows, the calls that they decide, and the position behind them, in one transaction."""
        alive()
        decided = self._calls.passed(created, whole=bool(finished))
        documents += decided.documents
        counts = {"read": read, "documents": len(documents), "calls": len(decided.documents)}
        self._spool.add(documents, finished, recent, counts, decided.unsettled, decided.settled)
        return len(documents)

    def _end_calls(self) -> None:
        """The rows that were read one after another end here; what they leave open is remembered."""
        decided = self._calls.passed(stamp(self._now()), end=True)
        if any(decided):
            made = len(decided.documents)
            counts = {"documents": made, "calls": made}
            self._spool.add(
                decided.documents, counts=counts, unsettled=decided.unsettled, settled=decided.settled
            )

    def _rows(self) -> CdrBuilder:
        columns = self._database.columns
        if self._builder is None or self._builder.columns != columns:
            self._builder = CdrBuilder(self._origin, columns, self._privacy)
        return self._builder

    def _call_builder(self) -> CallBuilder:
        return CallBuilder(self._origin, self._trunks, self._numbers, self._privacy)

    def _learn_trunks(self) -> None:
        """Ask FreePBX for its trunks, where the rights allow it; those of the configuration count too."""
        trunks = tuple(sorted({*self._configured, *self._database.trunks()}))
        if trunks != self._trunks:
            log.info("trunks: %s", ", ".join(trunks) or "none known")
            self._trunks = trunks
            self._calls.builder = self._call_builder()

    def _seen(self, bucket: str, *, again: bool) -> set[str]:
        return set() if again or bucket < self._first_seen else self._spool.seen(bucket)
