"""Rows to calls, with the table's help: what a stream of rows decides at once, and what has to be asked.

A call is sent when it has settled: its first channel has hung up, and for a few seconds no row came. Until
then the spool knows of it, so that neither a restart nor a full disk loses it, and the table is asked for
all of its rows: nothing of a call is kept in memory. A late row makes it unsettled again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from shipper.assembly import CallBuilder, Leg, Stream, is_complete, join, leg_of
from shipper.assembly.builder import sequence_of
from shipper.assembly.leg import birth, names_of
from shipper.document.cdr import CdrBuilder, Read
from shipper.document.clock import StoreClock, stamp
from shipper.document.model import Document
from shipper.sources.cdr import buckets
from shipper.sources.cdr.database import Database
from shipper.spool import Spool, Unsettled

SETTLE_SECONDS = 5.0
"""How long no row came: those of one hang-up come within milliseconds (measured on Asterisk 22)."""

CALLS_PER_QUERY = 50
ROUNDS = 8
"""Of asking for rows that are joined to those found; two are usual, a chain of transfers may need more."""

FEW = 4
SHORT_DAYS = 0.1
"""So few calls over so short a time are asked for by time alone."""

AFTER_SECONDS = 600
"""How long after the end of a leg the next one of its call may begin, at most."""

APART_ROWS = 5000
"""Rows without a date, or without any identifier, that are put together at a time."""

CALLS_PER_PAGE = 200
DAY_SECONDS = 24 * 3600


class Decided(NamedTuple):
    """What a reading has decided."""

    documents: list[Document]
    """Calls."""
    unsettled: list[Unsettled]
    """Those that the table has to be asked for later."""
    settled: list[str]
    """Those that were remembered, and are among the documents."""


class Asked(NamedTuple):
    """What asking the table has given."""

    documents: list[Document]
    """Calls, and rows that belong to another call than they say themselves."""
    settled: set[str]
    """Linkedids of those calls, and of calls that are no more."""
    waiting: list[Unsettled]
    """Calls that still go on, and when they are to be looked at again."""
    calls: int
    """How many were made."""


class Calls:
    """The calls of one store's table.

    Args:
        database: Where the rows are.
        spool: Where unsettled calls are remembered, and documents go.
        clock: The store's.
        lookback: How late a row may appear: a call whose first row is missing is waited for that long.
        now: The agent's clock, UTC.
        builder: Makes calls.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        clock: StoreClock,
        lookback: timedelta,
        now: Callable[[], datetime],
        builder: CallBuilder,
    ) -> None:
        self.builder = builder
        self.generation = 0
        self.rows_again = False  # of rows that say another call themselves, too
        self._database = database
        self._spool = spool
        self._clock = clock
        self._lookback = lookback.total_seconds()
        self._now = now
        self._stream: Stream | None = None
        self._position = 0
        self._gap = False
        self._apart: list[Leg] = []
        self._remembered: set[str] = set()

    # What a reading decides.

    def begin(self, *, first: bool) -> None:
        """A reading begins: rows come in the order of their dates, without a gap.

        Args:
            first: Nothing is in the table before it.
        """
        self._stream = Stream(None) if first else None
        self._gap = False
        self._apart.clear()
        self._remembered.clear()

    def missed(self) -> None:
        """A row was passed over, because it had been read before: the stream no longer tells the whole."""
        self._gap = True

    def add(self, leg: Leg, *, dated: bool = True) -> None:
        """The next row.

        Args:
            leg: The row.
            dated: It has a date by which the table can be asked for it again.
        """
        if not dated or leg.linked == leg.key:
            self._apart.append(leg)
            return
        if self._stream is None:
            self._stream = Stream(leg.start)
        self._stream.add(leg)
        self._position = leg.start

    def passed(self, created: str, *, whole: bool = True, end: bool = False) -> Decided:
        """What the rows so far decide, to be spooled together with their documents.

        Args:
            created: ``event.created`` of the calls.
            whole: A bucket has been read to its end. Rows without a date wait for that: as long as their
                bucket is not marked as read, a crash has them read again.
            end: The reading ends here.
        """
        done = Decided([], [], [])
        if self._apart and (whole or len(self._apart) >= APART_ROWS):
            for legs in join(self._apart):
                done.documents.extend(self.builder.build(legs, created, self.generation))
            self._apart.clear()
        stream = self._stream
        if stream is None:
            return done
        undecided: list[Leg] = []
        if not self._gap:
            over = stream.passed(self._position)
            undecided = over.undecided
            for legs in over.calls:
                if self._clock.shifts(legs[0].start, max([leg.end for leg in legs])):
                    undecided += legs
                    continue
                done.documents.extend(self.builder.build(legs, created, self.generation))
                if legs[0].linked in self._remembered:
                    done.settled.append(legs[0].linked)
        if end or self._gap:
            undecided += stream.passed(None).undecided
            self._stream = None
            self._gap = False
            self._remembered.clear()
        else:
            new = [linked for linked in stream.open if linked not in self._remembered]
            undecided = [*undecided, *(leg for linked in new for leg in stream.open[linked])]
            self._remembered.intersection_update(stream.open)
            self._remembered.update(new)
        done.unsettled.extend(self._unsettled(undecided))
        return done

    # What the table is asked for.

    def settle(self, read: CdrBuilder, *, at_once: bool = False) -> Iterator[int]:
        """Send the calls that have settled; yields how many documents each step spooled.

        Args:
            read: Understands the table's rows.
            at_once: Those too that have been quiet for a moment only; a call that is still going on stays
                open all the same.

        Raises:
            DatabaseError: The table cannot be read.
            SpoolError: The spool takes no more.
        """
        now = self._now().timestamp()
        if at_once:
            self._spool.hasten(now)
        while page := self._spool.due(now, CALLS_PER_PAGE):
            for number in range(0, len(page), CALLS_PER_QUERY):
                yield self._settle(page[number : number + CALLS_PER_QUERY], read, now)

    def _settle(self, due: Sequence[Unsettled], read: CdrBuilder, now: float) -> int:
        asked = self.ask(due, read, now)
        counts = {"documents": len(asked.documents), "calls": asked.calls}
        self._spool.add(asked.documents, settled=asked.settled, counts=counts)
        if asked.waiting:
            self._spool.postpone(asked.waiting)
        return len(asked.documents)

    def ask(self, due: Sequence[Unsettled], read: CdrBuilder, now: float) -> Asked:
        """Ask the table for some calls.

        Args:
            due: The calls.
            read: Understands the table's rows.
            now: Seconds since 1970.

        Raises:
            DatabaseError: The table cannot be read.
        """
        found = self._rows_of(due, read)
        known = {call.linked: call for call in due}
        created = stamp(self._now())
        asked = Asked([], set(), [], 0)
        for legs in join(leg for leg, _ in found.values()):
            linked = {leg.linked for leg in legs}
            mine = [known[name] for name in linked if name in known]
            if not mine:
                continue  # it only has a channel's name in common with one of ours
            deadline = max(leg.end for leg in legs) + self._lookback
            if not is_complete(legs) and now < deadline:
                asked.waiting.extend(call._replace(due=max(deadline, now + SETTLE_SECONDS)) for call in mine)
                continue
            generation = max(call.generation for call in mine)
            made = self.builder.build(legs, created, generation)
            asked.documents.extend(made)
            sequence = sequence_of(len(legs), generation if self.rows_again else 0)
            asked.documents.extend(self._moved(legs, made[0].id, found, read, created, sequence))
            asked.settled.update(linked)
            asked = asked._replace(calls=asked.calls + 1)
        # Rows that were deleted meanwhile leave nothing to send.
        asked.settled.update(known.keys() - {call.linked for call in asked.waiting})
        return asked

    def _moved(
        self,
        legs: Sequence[Leg],
        call_id: str,
        found: dict[str, tuple[Leg, Read]],
        read: CdrBuilder,
        created: str,
        sequence: int,
    ) -> Iterable[Document]:
        """The rows that turned out to belong to another call than their linkedid says.

        They are newer than the same rows sent again by themselves, and like calls newer with each row.
        """
        for leg in legs:
            if self.builder.identity(leg.linked) != call_id:
                yield read.build(found[leg.key][1], created, leg.key, call_id, sequence)

    def _rows_of(self, due: Sequence[Unsettled], read: CdrBuilder) -> dict[str, tuple[Leg, Read]]:
        """All rows that may belong to these calls, by their ``_id``."""
        wanted = {call.linked for call in due}
        names = set(wanted)
        spans = buckets.joined((call.first, call.last) for call in due)
        found: dict[str, tuple[Leg, Read]] = {}
        for _ in range(ROUNDS):
            # A moment's rows are few: all of them at once, rather than asking again for those joined to some.
            whole = len(due) <= FEW and buckets.days(spans) <= SHORT_DAYS
            for row in self._database.related(spans, () if whole else sorted(names)):
                key = read.identity(row)
                if key not in found:
                    understood = read.read(row)
                    leg = understood.moment and leg_of(understood.cdr, understood.moment.epoch, key)
                    if leg is not None:
                        found[key] = (leg, understood)
            legs = [leg for leg, _ in found.values()]
            if whole:
                calls = join(legs)
                legs = [leg for call in calls if any(leg.linked in wanted for leg in call) for leg in call]
            more = {name for leg in legs for name in (leg.linked, *names_of(leg))}
            further = [span for span in map(self._span, legs) if not buckets.covered(span, spans)]
            if not further and (whole or more <= names):
                break
            names |= more
            spans = buckets.joined([*spans, *further])
        return found

    def _unsettled(self, legs: Iterable[Leg]) -> list[Unsettled]:
        due = self._now().timestamp() + SETTLE_SECONDS
        calls: dict[str, buckets.Stretch] = {}
        for leg in legs:
            first, last = self._span(leg)
            known = calls.get(leg.linked, (first, last))
            calls[leg.linked] = (min(first, known[0]), max(last, known[1]))
        return [
            Unsettled(linked, first, last, due, self.generation) for linked, (first, last) in calls.items()
        ]

    def _span(self, leg: Leg) -> buckets.Stretch:
        """Where rows of a leg's call may be: from its first channel's birth to a while after the leg."""
        created = birth(leg.linked)[0]
        first = created if leg.start - 30 * DAY_SECONDS <= created <= leg.start else leg.start
        last = leg.end + AFTER_SECONDS
        if self._clock.shifts(first, last):
            first, last = first - 3600, last + 3600
        return self._bucket(first), self._bucket(last)

    def _bucket(self, epoch: int) -> str:
        return buckets.bucket_at(epoch, self._clock.zone)
