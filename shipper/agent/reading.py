"""The reader's thread: from the database into the spool, for ever or once."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence

from shipper.agent.nightly import Nightly
from shipper.agent.progress import Progress
from shipper.agent.trouble import Trouble
from shipper.document.account import INDEX as REPORTS
from shipper.document.model import Document
from shipper.errors import DiskFullError, ShipperError, SpoolDamagedError
from shipper.signs import alive
from shipper.sources.cdr import CdrReader, Database, buckets
from shipper.spool import ACCOUNT, Spool, SpoolFullError

log = logging.getLogger("shipper.reading")

RECHECK_SECONDS = 24 * 3600.0
"""How often all of the table is compared with what was read, not only the look-back."""


ROOM_SECONDS = 0.5
"""How often a full spool is asked for room: a look into its own file only."""

BEHIND_SECONDS = 600.0
"""Nothing is sent again while documents wait for so long: an outage must not fill the spool with resends."""

CALM_SECONDS = 60.0
"""The pause between two looks at the table of a PBX that is heard and quiet: a hang-up ends it."""

SHORTEST_SECONDS = 0.2

DISK_SECONDS = 10.0
"""The longest pause on a full disk, which somebody is about to mend."""


def never() -> bool:
    """Nobody listens to the PBX: nothing but a look at the table tells of new rows."""
    return False


class Reading:
    """Drives the `CdrReader`.

    Args:
        reader: What reads.
        database: Closed after trouble, so that the next try connects anew.
        spool: For backfills and notes.
        poll_seconds: The pause between two looks.
        stop: Set when the agent shall end.
        wake: Set to look at once (a call was hung up).
        arrived: Told when documents went into the spool.
        nightly: Says which day is to be read once more.
        passed: What waits because the other side did not take it: up to which `seq`, of which indices.
        calm: Says whether a hang-up would be heard, and all rows of the calls before are there.
        clock: Monotonic seconds, for what the heartbeat says; a test may set it.
    """

    def __init__(
        self,
        reader: CdrReader,
        database: Database,
        spool: Spool,
        poll_seconds: float,
        stop: threading.Event,
        wake: threading.Event,
        arrived: Callable[[], None],
        nightly: Nightly,
        passed: Callable[[], tuple[int, Collection[str]]],
        calm: Callable[[], bool] = never,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._database = database
        self.spool = spool
        self._poll_seconds = poll_seconds
        self._stop = stop
        self._wake = wake
        self._arrived = arrived
        self._nightly = nightly
        self._passed = passed
        self._calm = calm
        self._clock = clock
        self._trouble = Trouble("reading", spool, log, clock)
        self._compared: float | None = None
        self._span: tuple[str, str] | None = None

    def forever(self) -> None:
        """Read until told to stop; whatever fails is tried again.

        Raises:
            SpoolDamagedError: The spool has to be begun anew.
        """
        rechecked: float | None = None
        while not self._stop.is_set():
            alive()
            try:
                if rechecked is None or time.monotonic() - rechecked >= RECHECK_SECONDS:
                    self.everything()
                    rechecked = time.monotonic()
                    log.info("the whole table was compared with what was read")
                    self._settle_calls()
                if (backfill := self.spool.next_backfill()) is not None:
                    number, since, until, requested = backfill
                    self.span(since, until, int(requested))
                    if not self._stop.is_set():
                        self.spool.finish_backfill(number)
                if self._reader.poll():
                    self._arrived()
                self._trouble.over()
                self._compared = self._clock()
                # A day at a time: between two of them the newest calls go first.
                if (day := self._nightly.next()) is not None and not self._is_behind():
                    self._night(day)
                pause = self._pause()
            except SpoolFullError as error:
                self._database.close()
                self._wait_for_room(error)
                continue
            except SpoolDamagedError:
                raise
            except ShipperError as error:
                # Whole, though calls end meanwhile: what is down must not be asked at each hang-up.
                pause = self._failed(error)
                alive(pause)
                self._stop.wait(pause)
                continue
            alive(pause)
            self._wake.wait(pause)
            self._wake.clear()

    def _pause(self) -> float:
        """Until the next look at the table: a call that has settled meanwhile is not kept waiting."""
        pause = max(self._poll_seconds, CALM_SECONDS) if self._calm() else self._poll_seconds
        due = self.spool.next_due()
        return pause if due is None else min(pause, max(SHORTEST_SECONDS, due - time.time()))

    def once(self, since: str | None = None, until: str = buckets.LAST) -> None:
        """Read all there is, or a span again; a full spool is waited for, other trouble has a limit.

        Raises:
            ShipperError: The trouble does not end.
        """
        generation = int(time.time())
        read = False
        while not self._stop.is_set():
            try:
                if since is None:
                    self.everything()
                elif not read:
                    self.span(since, until, generation)
                    read = True
                self._settle_calls()
                if since is None:
                    for day in self._nightly.complete_days():
                        self._recount(day, send=False)
                    self._compared = self._clock()
                self._trouble.over()
            except SpoolFullError as error:
                self._database.close()
                self._wait_for_room(error)
            except ShipperError as error:
                if self._trouble.gives_up(error):
                    raise
                self._stop.wait(self._failed(error))
            else:
                return

    def progress(self) -> Progress:
        """For the heartbeat, which another thread makes."""
        compared = self._compared
        return Progress(
            self._trouble.error,
            self._trouble.seconds,
            None if compared is None else int(self._clock() - compared),
            self._reader.last_row,
            self._reader.last_call,
        )

    def close(self) -> None:
        """End the connections to database and spool."""
        self._database.close()
        self.spool.close()

    def everything(self) -> None:
        """Compare the whole table with what was read, and read what differs."""
        for added in self._reader.everything():
            self._took(added)
            if self._stop.is_set():
                return

    def span(self, since: str, until: str, generation: int) -> None:
        """Read the buckets of a span again; after trouble, such as a full spool, it goes on where it was.

        Args:
            since: First bucket.
            until: Last bucket.
            generation: Seconds from 1970 to the request: its calls replace those that are there.
        """
        if self._span != (since, until):
            self._span, self._reader.reached = (since, until), since
        for added in self._reader.sweep(self._reader.reached, until, again=True, generation=generation):
            self._took(added)
            if self._stop.is_set():
                return
        self._span = None

    def _is_behind(self) -> bool:
        after, indices = self._passed()
        oldest = self.spool.oldest(after=after, without=indices)
        return oldest is not None and time.time() - oldest > BEHIND_SECONDS

    def _night(self, day: str) -> None:
        """Read a day once more, send it again, and report it; after trouble it is begun anew."""
        if self._recount(day, send=True) and (done := self._nightly.did()):
            self.spool.note(ACCOUNT, done)
            log.info("the last days were read once more, sent again and counted, up to %s", done)

    def _recount(self, day: str, *, send: bool) -> bool:
        """Count a day, and report it; False where the agent was told to stop meanwhile."""
        recount = self._reader.recount(day)
        for step in recount.steps():
            alive()
            if send:
                self._put(step)
            if self._stop.is_set():
                return False
        self._put([recount.report()])
        return not self._stop.is_set()

    def _put(self, documents: Sequence[Document]) -> None:
        """Into the spool as soon as it has room: a day may be larger than the spool."""
        again = sum(not document.index_name.startswith(REPORTS) for document in documents)
        while not self._stop.is_set():
            try:
                self.spool.add(documents, counts={"again": again})
            except SpoolFullError as error:
                self._wait_for_room(error)
            else:
                self._took(len(documents))
                return

    def _settle_calls(self) -> None:
        for added in self._reader.settle(at_once=True):
            self._took(added)
            if self._stop.is_set():
                return

    def _took(self, added: int) -> None:
        if added:
            self._trouble.over()
            self._arrived()

    def _failed(self, error: ShipperError) -> float:
        self._database.close()
        self._arrived()
        pause = self._trouble.met(error)
        return min(pause, DISK_SECONDS) if isinstance(error, DiskFullError) else pause

    def _wait_for_room(self, error: SpoolFullError) -> None:
        """Until much of the spool was delivered; the database is left alone meanwhile."""
        self._arrived()
        self._trouble.met(error)
        while not self._stop.is_set() and not self.spool.has_room():
            alive(ROOM_SECONDS)
            self._stop.wait(ROOM_SECONDS)
