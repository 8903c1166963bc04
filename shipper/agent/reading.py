"""The reader's thread: from the database into the spool, for ever or once."""

import logging
import threading
import time
from collections.abc import Callable

from shipper.agent.trouble import Trouble
from shipper.errors import DiskFullError, ShipperError
from shipper.sources.cdr import CdrReader, Database, buckets
from shipper.spool import Spool, SpoolFullError

log = logging.getLogger("shipper.reading")

RECHECK_SECONDS = 24 * 3600.0
"""How often all of the table is compared with what was read, not only the look-back."""


ROOM_SECONDS = 0.5
"""How often a full spool is asked for room: a look into its own file only."""

DISK_SECONDS = 10.0
"""The longest pause on a full disk, which somebody is about to mend."""


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
    ) -> None:
        self._reader = reader
        self._database = database
        self.spool = spool
        self._poll_seconds = poll_seconds
        self._stop = stop
        self._wake = wake
        self._arrived = arrived
        self._trouble = Trouble("reading", spool, log)
        self._span: tuple[str, str] | None = None

    def forever(self) -> None:
        """Read until told to stop; whatever fails is tried again."""
        rechecked: float | None = None
        while not self._stop.is_set():
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
                pause = self._poll_seconds
            except SpoolFullError as error:
                self._wait_for_room(error)
                continue
            except ShipperError as error:
                pause = self._failed(error)
            self._wake.wait(pause)
            self._wake.clear()

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
                self._trouble.over()
            except SpoolFullError as error:
                self._wait_for_room(error)
            except ShipperError as error:
                if self._trouble.gives_up(error):
                    raise
                self._stop.wait(self._failed(error))
            else:
                return

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
        self._failed(error)
        while not self._stop.is_set() and not self.spool.has_room():
            self._stop.wait(ROOM_SECONDS)
