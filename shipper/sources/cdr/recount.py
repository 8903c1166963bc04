"""A complete day of the table read once more: its documents are sent again, and counted as they pass.

What was sent already and is right stays as it is for everybody who looks; what was altered or lost in the
index is put right, because each document comes as a newer state. The reading position is left alone.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from shipper.assembly import leg_of
from shipper.assembly.builder import GENERATION_SHIFT, CallBuilder
from shipper.document.account import Account, Entry, day_of, entry_of, report
from shipper.document.cdr import CdrBuilder
from shipper.document.clock import FIRST_YEAR, LAST_YEAR, StoreClock, stamp
from shipper.document.model import Document, Origin
from shipper.sources.cdr import buckets
from shipper.sources.cdr.calls import CALLS_PER_QUERY, Calls
from shipper.sources.cdr.database import Database
from shipper.spool import Spool, Unsettled

DOCUMENTS_PER_STEP = 200

BEFORE = timedelta(hours=6)
"""What is read before the day, for its calls only: rows of the day may belong to one that began then."""
BEHIND = timedelta(hours=1)
"""Likewise: a call that begins just before midnight may have all of its rows behind it."""

_NO_DATES = (buckets.FIRST, f"{FIRST_YEAR - 1}-12-31 23:5")
_FAR_DATES = (f"{LAST_YEAR + 1}-01-01 00:0", buckets.LAST)
"""Rows whose date is none lie there; a uniqueid may tell on which day they were written."""


class Recount:
    """One day, read once.

    Args:
        origin: Store and agent.
        day: By the store's clock, ``YYYY-MM-DD``; it is over.
        database: Where the rows are.
        spool: Never written to.
        clock: The store's.
        lookback: As for `Calls`.
        now: The agent's clock, UTC.
        rows: Builds documents of rows.
        builder: Builds calls.
    """

    def __init__(
        self,
        origin: Origin,
        day: str,
        database: Database,
        spool: Spool,
        clock: StoreClock,
        lookback: timedelta,
        now: Callable[[], datetime],
        rows: CdrBuilder,
        builder: CallBuilder,
    ) -> None:
        self.day = day
        self._origin = origin
        self._clock = clock
        self._database = database
        self._now = now
        self._rows = rows
        self._generation = int(now().timestamp())
        self._calls = Calls(database, spool, clock, lookback, now, builder)
        self._calls.generation = self._generation
        self._calls.rows_again = True
        self._account = Account()
        self._made: dict[bytes, Entry] = {}
        self._open: dict[str, Unsettled] = {}
        self._seen: set[bytes] = set()

    def steps(self) -> Iterator[list[Document]]:
        """Read the day; what each step gives is to be sent again.

        Raises:
            DatabaseError: The table cannot be read: begin the day anew.
        """
        first, last = f"{self.day} 00:0", f"{self.day} 23:5"
        yield from self._read(*_NO_DATES, dated=False)
        yield from self._read(_later(first, -BEFORE), _later(last, BEHIND), dated=True)
        yield from self._read(*_FAR_DATES, dated=False)
        # Those that cannot have begun on the day are read in full with their own.
        due = [call for call in self._open.values() if call.first <= last and call.last >= first]
        for number in range(0, len(due), CALLS_PER_QUERY):
            page = due[number : number + CALLS_PER_QUERY]
            asked = self._calls.ask(page, self._rows, self._now().timestamp())
            yield self._calls_of_day(asked.documents)

    def report(self) -> Document:
        """The document that says what the day holds, after all steps."""
        for entry in self._made.values():
            self._account.put(entry)
        self._made.clear()
        # Now: what was sent with it was made before, what comes later was made behind it.
        return report(self._origin, self._clock, self.day, self._account, self._now())

    def _read(self, first: str, last: str, *, dated: bool) -> Iterator[list[Document]]:
        found = self._database.next_bucket(buckets.lowest(first))
        if not found or found > last:
            return
        rows, calls = self._rows, self._calls
        call_id = calls.builder.identity
        sequence = self._generation << GENERATION_SHIFT
        created = stamp(self._now())
        documents: list[Document] = []
        calls.begin(first=False)
        for row in self._database.rows(first, last):
            understood = rows.read(row)
            cdr, moment, _ = understood
            if moment is None or not (dated or moment.date == self.day):
                continue
            key = rows.identity(row)
            if (short := bytes.fromhex(key)) in self._seen:
                continue  # the same row, written twice
            self._seen.add(short)
            if moment.date == self.day:
                linked = cdr.get("linkedid") or cdr.get("uniqueid") or key
                document = rows.build(understood, created, key, call_id(linked), sequence)
                if (entry := entry_of(json.loads(document.body))) is not None:
                    self._account.put(entry)
                    documents.append(document)
            if (leg := leg_of(cdr, moment.epoch, key)) is not None:
                calls.add(leg, dated="calldate" in cdr)
            if len(documents) >= DOCUMENTS_PER_STEP:
                yield self._step(documents, created, end=False)
                documents = []
        yield self._step(documents, created, end=True)

    def _step(self, documents: list[Document], created: str, *, end: bool) -> list[Document]:
        decided = self._calls.passed(created, whole=end, end=end)
        for linked in decided.settled:
            self._open.pop(linked, None)
        for call in decided.unsettled:
            known = self._open.get(call.linked, call)
            first, last = min(known.first, call.first), max(known.last, call.last)
            self._open[call.linked] = call._replace(first=first, last=last)
        return [*documents, *self._calls_of_day(decided.documents)]

    def _calls_of_day(self, documents: Sequence[Document]) -> list[Document]:
        """Count the calls that began on the day, and give what is to be sent with them."""
        sent: list[Document] = []
        for document in documents:
            content = json.loads(document.body)
            if content["event"]["dataset"] != "pabx.call":
                sent.append(document)  # a row that belongs to another call than it says itself
                continue
            if day_of(content) != self.day:
                continue  # it comes with its own day
            sent.append(document)
            entry = entry_of(content)
            if entry is None:
                self._made.pop(bytes.fromhex(document.id), None)
            else:
                self._made[bytes.fromhex(document.id)] = entry
        return sent


def _later(bucket: str, time: timedelta) -> str:
    return buckets.bucket_of(datetime.fromisoformat(buckets.lowest(bucket)) + time)
