"""The thread that listens to the PBX: from AMI to the board of calls in progress and into the spool."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shipper.agent.board import Board
from shipper.agent.trouble import Trouble
from shipper.config import AmiSettings
from shipper.document.model import Document
from shipper.errors import ShipperError, SpoolDamagedError, SpoolError
from shipper.live.channel import Event
from shipper.live.folding import Folding, Snapshot
from shipper.live.judge import Kept
from shipper.signs import alive
from shipper.sources.ami import Link, rights
from shipper.sources.cdr.unheard import as_text
from shipper.spool import Spool

log = logging.getLogger("shipper.watching")

GATHER_SECONDS: Final = 0.1
"""What happens in this time is told together: a call to a group of ten is one change."""
RESYNC_SECONDS: Final = 180.0
"""How often the state is compared with the PBX's own."""
TICK_SECONDS: Final = 5.0
"""How often what has to be told again is looked for."""
SETTLE_SECONDS: Final = 0.3
"""How long after a hang-up the table is looked at: its rows are written then (measured on Asterisk 22)."""
LATE_SECONDS: Final = 330.0
"""How long after a hang-up rows may appear: Asterisk's batch mode keeps them for 300 s."""
ROUNDS: Final = 3
"""Of asking again, where events came between question and answer."""
MEANWHILE: Final = 500
"""Events between question and answer; an answer with more behind it is too old, and asked for again."""
REFUSED_SECONDS: Final = 60.0
BACKLOG: Final = 5000
"""Events that wait for a spool that takes none; older ones are dropped, and the log says so."""


class Watching:
    """Listens to one PBX, for ever.

    Args:
        settings: ``[ami]``.
        folding: Makes something of the events.
        spool: This thread's own connection to the spool.
        board: Takes calls in progress.
        lookback: How late a row may appear, seconds.
        hung_up: Told when the table may have new rows.
        arrived: Told when there is something to send.
        refreshed: Called before the state is compared: what the folding has to know may have changed.

    Attributes:
        lacks: The user may not read what the panel needs; empty: it may, or Asterisk does not tell.
    """

    def __init__(
        self,
        settings: AmiSettings,
        folding: Folding,
        spool: Spool,
        board: Board,
        lookback: float,
        hung_up: Callable[[], None],
        arrived: Callable[[], None],
        refreshed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._folding = folding
        self._spool = spool
        self._board = board
        self._lookback = lookback
        self._hung_up = hung_up
        self._arrived = arrived
        self._refreshed = refreshed
        self.lacks = ""
        self._trouble = Trouble("ami", spool, log)
        self._stop = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._window: list[Event] | None = None
        self._unsynced = ""
        self._last_hang_up = time.monotonic()
        self._settling = False
        self._synced_at: float | None = None
        self._events: list[Document] = []
        self._heard: list[tuple[str, float, str]] = []
        self._connected = False
        self._report: Mapping[str, Any] = {}

    @property
    def error(self) -> ShipperError | None:
        """What is wrong now, if anything."""
        return self._trouble.error

    @property
    def wrong_seconds(self) -> int:
        """For how long the PBX has not been heard; 0: it is, though the user may not see all of it."""
        return self._trouble.seconds

    @property
    def report(self) -> Mapping[str, Any]:
        """What the heartbeat says of the PBX; empty while it is not heard."""
        return self._report

    def is_calm(self) -> bool:
        """The PBX is heard, and no call has ended for so long that all rows are there: for the reader."""
        return self._connected and time.monotonic() - self._last_hang_up > LATE_SECONDS

    def stop(self) -> None:
        """End soon; may be called by any thread."""
        self._stop.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._news.set)

    def forever(self) -> None:
        """Listen until told to stop; whatever fails is tried again."""
        asyncio.run(self._listen())
        self._spool.close()

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            try:
                await self._session()
            except SpoolDamagedError:
                raise
            except ShipperError as error:
                if self._connected:
                    self._folding.lost()
                    self._note("ami-lost", "error", f"the PBX is not heard any more: {error.problem}")
                self._connected, self._report = False, {}
                pause = self._trouble.met(error)
                # A wrong secret is for somebody to mend; guards against guessing lock out who asks too often.
                pause = max(pause, REFUSED_SECONDS) if error.permanent else pause
                await self._tell()
                await self._wait(pause)

    async def _session(self) -> None:
        """One connection, from log-in to its end.

        Raises:
            ShipperError: It has ended.
        """
        link = Link(self._settings, self._take, self._lose)
        closed: asyncio.Task[Any] | None = None
        try:
            await link.open()
            closed = asyncio.create_task(link.closed())
            found = await rights.ask(link, self._settings.username)
            self.lacks = found.problem if found.missing else ""
            if self.lacks:
                log.error("%s; see shipper check", self.lacks)
            await self._resync(link, first=True)
            self._trouble.over()
            self._connected = True
            self._note("ami-back", "info", "the PBX is heard")
            await self._tell(everything=True)
            while not self._stop.is_set():
                alive()
                await self._tell()
                if self._unsynced or time.monotonic() - (self._synced_at or 0.0) > RESYNC_SECONDS:
                    await self._resync(link, first=False)
                    continue
                nudge = asyncio.create_task(self._news.wait())
                await asyncio.wait({nudge, closed}, timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                nudge.cancel()
                if closed.done():
                    await self._tell()
                    raise closed.result()
                if self._news.is_set():
                    await asyncio.sleep(GATHER_SECONDS)
                    self._news.clear()
        finally:
            if closed is not None:
                closed.cancel()
            link.close()
            self._window = None

    def _take(self, event: Event) -> None:
        """An event came; called by the link, in the loop's thread."""
        if self._window is not None:
            self._window.append(event)
            if len(self._window) > MEANWHILE:
                self._window = None
                self._unsynced = "too much happened while the state was asked for"
        if self._folding.take(event):
            self._last_hang_up = time.monotonic()
            if self._loop is not None and not self._settling:
                self._settling = True
                self._loop.call_later(SETTLE_SECONDS, self._settle, self._last_hang_up)
        self._news.set()

    def _settle(self, hang_up: float) -> None:
        """One look at the table for all who hung up; who did so meanwhile gets another one."""
        self._settling = False
        self._hung_up()
        if self._last_hang_up > hang_up and self._loop is not None:
            self._settling = True
            later = max(0.0, self._last_hang_up + SETTLE_SECONDS - time.monotonic())
            self._loop.call_later(later, self._settle, self._last_hang_up)

    def _lose(self, reason: str) -> None:
        """Events were lost: the state has to be asked for."""
        log.warning("events were lost (%s): the state is asked for anew", reason)
        self._unsynced = reason
        self._news.set()

    async def _resync(self, link: Link, *, first: bool) -> None:
        """Ask how things are, and make the state equal to it."""
        self._refreshed()
        devices = await link.ask("DeviceStateList")
        extensions = await link.ask("ExtensionStateList")
        for left in reversed(range(ROUNDS)):
            self._unsynced = ""
            # Behind what waits: that happened before the answer.
            link.inbox.call(self._open_window)
            link.arrived()
            channels = await link.ask("CoreShowChannels")
            # No await from here on: an event that is taken now is newer than the answer.
            meanwhile, self._window = self._window, None
            if meanwhile is None:
                if not first:
                    continue
                meanwhile = []
            healed = self._folding.resync(Snapshot(channels, devices, extensions), meanwhile, first=first)
            if healed:
                log.warning("%d differences between the state and the PBX's own were healed", healed)
            if first or not meanwhile or not left:
                break
        self._synced_at = time.monotonic()

    def _open_window(self) -> None:
        self._window = []

    async def _tell(self, *, everything: bool = False) -> None:
        """Give away what is new."""
        told = self._folding.flush(everything=everything)
        self._report = self._folding.report() if self._connected else {}
        if told.live:
            self._board.put(told.live)
            self._arrived()
        self._events += told.events
        self._heard += as_text(told.heard, self._lookback)
        if self._events or self._heard:
            await self._keep()

    async def _keep(self) -> None:
        """Into the spool, beside the loop: a slow disk must not keep the socket from being read."""
        events, self._events = self._events, []
        heard, self._heard = self._heard, []
        try:
            await asyncio.to_thread(self._write, events, heard)
        except SpoolDamagedError:
            raise
        except SpoolError as error:
            log.debug("events wait: %s", error)
            if (dropped := len(events) - BACKLOG) > 0:
                log.warning("%d events are lost: more than %d wait for the spool", dropped, BACKLOG)
            self._events, self._heard = events[-BACKLOG:], heard[-BACKLOG:]

    def _write(self, events: Sequence[Document], heard: Sequence[tuple[str, float, str]]) -> None:
        if heard:
            self._spool.hear(heard, self._folding.last_call)  # again is harmless
        if events:
            self._spool.add(events, counts={"events": len(events)})
            self._arrived()

    def _note(self, action: str, level: str, message: str) -> None:
        self._folding.note("Agent", Kept(action, level, message, "ami", "system"))

    async def _wait(self, seconds: float) -> None:
        alive(seconds)
        end = time.monotonic() + seconds
        while not self._stop.is_set() and (left := end - time.monotonic()) > 0:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                return
