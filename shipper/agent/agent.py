"""Puts the parts of the agent together."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shipper import __version__
from shipper.agent.board import Board
from shipper.agent.nightly import Nightly
from shipper.agent.notify import STARTING_SECONDS, Manager, Notifying
from shipper.agent.progress import Listened
from shipper.agent.pulse import Pulse, silence
from shipper.agent.reading import Reading, never
from shipper.agent.sending import Sending
from shipper.config import Config
from shipper.document.heartbeat import OFF
from shipper.document.model import Origin
from shipper.errors import SpoolDamagedError
from shipper.outputs import make_output
from shipper.signs import PATIENCE_SECONDS, Signs
from shipper.sources.cdr import CdrReader, Database, buckets
from shipper.spool import ACCOUNT, Spool, SpoolLock, mend, set_aside

if TYPE_CHECKING:
    from shipper.agent.listening import Listening

STOP_SECONDS = 5.0
"""How long a sender that still waits for an answer may delay the end: what it has sent is sent again."""


def _stay() -> None:
    """Whoever made the agent did not say how to end it."""


class Agent:
    """One store's agent. It holds the spool's lock as long as it runs.

    Args:
        config: Its settings.
        give_up: Ends the process at once, for when a thread hangs and no watchdog ends it.
        patience: Seconds after which a thread without a sign of life hangs.
    """

    def __init__(
        self, config: Config, give_up: Callable[[], None] = _stay, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._config = config
        self._give_up = give_up
        self._patience = patience
        self._path = Path(config.spool.path)
        self._origin = Origin(config.store.id, config.store.timezone, __version__)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._arrived = threading.Event()
        self._failure: BaseException | None = None
        self._listening: Listening | None = None

    def stop(self) -> None:
        """End soon; may be called by a signal handler."""
        self._stop.set()
        self._wake.set()
        self._arrived.set()
        if self._listening is not None:
            self._listening.stop()

    @property
    def stopped(self) -> bool:
        """It was told to stop."""
        return self._stop.is_set()

    def wake(self) -> None:
        """Look at the database at once."""
        self._wake.set()

    def run(self) -> None:
        """Listen, read and send until `stop`."""
        manager = Manager()
        # Before the spool is looked at: the manager would take a slow disk for a start that fails.
        manager.tell(f"EXTEND_TIMEOUT_USEC={STARTING_SECONDS * 1_000_000}", "STATUS=opening the spool")
        with SpoolLock(self._path) as lock, self._mended():
            reading, sending = self._parts(listen=True)
            signs = [Signs(name, self._patience) for name in ("reading", "sending")]
            work = self._guarded(sending.forever, signs[1])
            sender = threading.Thread(target=work, name="sending", daemon=True)
            sender.start()
            listener = None
            if self._listening is not None:
                signs.append(Signs("listening", self._patience))
                work = self._guarded(self._listening.forever, signs[2])
                listener = threading.Thread(target=work, name="listening", daemon=True)
                listener.start()
            Notifying(
                manager, signs, lambda: self._status(reading, sending), self._stop, self._give_up
            ).start()
            try:
                signs[0].begin()
                reading.forever()
            finally:
                self.stop()
                if listener is not None:
                    listener.join(STOP_SECONDS)
                self._end(reading, sending, sender, lock)

    def run_once(self, since: str | None = None, until: str = buckets.LAST) -> dict[str, int]:
        """Read all there is (or a span again), deliver it, and end when everything is acknowledged.

        Returns:
            What this run counted: ``read``, ``calls``, ``documents``, ``delivered``, ``quarantined``,
            ``refused``, ``reports``.

        Raises:
            ShipperError: Something is in the way; what was read and not acknowledged stays in the spool.
        """
        with SpoolLock(self._path) as lock, self._mended():
            reading, sending = self._parts()
            before = reading.spool.counters()
            after = before
            finished = threading.Event()

            def deliver() -> None:
                while not self._stop.is_set():
                    last = finished.is_set()
                    self._arrived.clear()
                    sending.drain()
                    if last:
                        sending.beat(now=True)
                        return
                    sending.beat()
                    self._arrived.wait(1.0)

            sender = threading.Thread(target=self._guarded(deliver), name="sending", daemon=True)
            sender.start()
            try:
                reading.once(since, until)
            finally:
                finished.set()
                self._arrived.set()
                after = self._end(reading, sending, sender, lock)
        return {name: value - before.get(name, 0) for name, value in after.items()}

    def _parts(self, *, listen: bool = False) -> tuple[Reading, Sending]:
        limit = self._config.spool.max_mib
        spool = Spool(self._path, limit)
        database = Database(self._config.cdr)
        reader = CdrReader(self._config, database, spool, self._origin)
        zone = ZoneInfo(self._config.store.timezone)
        done = spool.notes().get(ACCOUNT, ("", 0.0))[0]
        board = Board()
        unheard = silence(self._config.ami) if listen else OFF
        listening = self._listening = None if unheard else self._listens(reader, board)
        pulse = Pulse(
            self._origin,
            self._config.agent.heartbeat_seconds,
            lambda: reading.progress(),  # noqa: PLW0108  # it is made below
            (lambda: Listened(unheard, {})) if listening is None else listening.report,
        )
        sending = Sending(
            make_output(self._config),
            Spool(self._path, limit),
            self._origin,
            self._stop,
            self._arrived,
            pulse,
            board,
        )
        reading = Reading(
            reader,
            database,
            spool,
            self._config.cdr.poll_seconds,
            self._stop,
            self._wake,
            self._arrived.set,
            Nightly(self._config.store.id, lambda: datetime.now(zone), done),
            lambda: sending.passed,
            never if listening is None else listening.is_calm,
        )
        return reading, sending

    def _listens(self, reader: CdrReader, board: Board) -> "Listening":
        # asyncio and panoramisk take 3 MiB: only where they are of use.
        from shipper.agent.listening import Listening  # noqa: PLC0415

        return Listening(
            self._config,
            self._origin,
            Spool(self._path, self._config.spool.max_mib),
            board,
            lambda: reader.trunks,
            self.wake,
            self._arrived.set,
        )

    def _end(
        self, reading: Reading, sending: Sending, sender: threading.Thread, lock: SpoolLock
    ) -> dict[str, int]:
        """Wait for the sender, close everything, and give the counters."""
        while sender.is_alive() and not self._stop.is_set():
            sender.join(0.2)
        sender.join(STOP_SECONDS)
        if sender.is_alive():
            # It may still take documents out: nobody else gets the spool before this process is gone.
            lock.keep()
        else:
            sending.close()
        counters = reading.spool.counters()
        reading.close()
        return counters

    def _status(self, reading: Reading, sending: Sending) -> str:
        """One line for the service manager: what is wrong, or that nothing is."""
        heard = None if self._listening is None else self._listening.report()
        troubles = {
            "reading": str(reading.progress().error or ""),
            "sending": str(sending.error or ""),
            "ami": "" if heard is None else heard.trouble,
        }
        wrong = "; ".join(f"{part}: {trouble}" for part, trouble in troubles.items() if trouble)
        return wrong or ("reads and delivers" if heard is None else "reads, listens and delivers")

    def _guarded(self, work: Callable[[], None], signs: Signs | None = None) -> Callable[[], None]:
        """A thread that fails takes the agent down with it, so that nobody believes it lives."""

        def run() -> None:
            if signs is not None:
                signs.begin()
            try:
                work()
            except BaseException as error:  # noqa: BLE001  # raised again by the main thread
                self._failure = error
                self.stop()

        return run

    @contextmanager
    def _mended(self) -> Iterator[None]:
        """Begin with a sound spool; one that turns out to be damaged is aside when this agent ends."""
        mend(self._path)
        try:
            yield
            if self._failure is not None:
                raise self._failure
        except SpoolDamagedError as error:
            raise set_aside(self._path, error) from error
