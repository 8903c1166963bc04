"""The stores telephone now: events to whoever listens, rows into the databases, both at their moments."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from compose.demo.schedule import Planned
from compose.demo.stores import Server, database_of
from compose.simulator import StoreProfile
from compose.simulator.ami import FakeAmi, written
from compose.simulator.ami_answers import Fields
from compose.simulator.ami_switchboard import Switchboard
from compose.simulator.writer import write_rows


class Key(NamedTuple):
    """A call as it is known while it goes on."""

    store: str
    linkedid: str


class Pbx:
    """A store's simulated PBX behind a fake AMI server.

    Args:
        store: The store.
        ami: Its server.
    """

    def __init__(self, store: StoreProfile, ami: FakeAmi) -> None:
        self.store, self.ami = store, ami
        self._board = Switchboard(store)
        self._told: deque[tuple[Future[None], Fields]] = deque()
        ami.state = self._answer

    def tell(self, event: Fields) -> None:
        """Send an event."""
        self._told.append((self.ami.send(written(event)), event))

    def _answer(self, action: str) -> list[Fields]:
        """Called in the server's thread: what was sent by then is what the PBX is like."""
        while self._told and self._told[0][0].done():
            self._board.apply(self._told.popleft()[1])
        return self._board.answer(action)


@dataclass
class Ledger:
    """When each call really began and ended, seconds since 1970."""

    begun: dict[Key, float] = field(default_factory=dict)
    ended: dict[Key, float] = field(default_factory=dict)


@dataclass(order=True)
class _Step:
    at: int
    act: Callable[[], object] = field(compare=False)


class Telephoning:
    """Lets several stores telephone, in a thread of its own.

    Args:
        pbxs: By the id of their store.
        server: Has the stores' databases.
        calls: What is to be, by the id of the store.

    Attributes:
        ledger: What has been so far.
        error: What has gone wrong, if anything.
    """

    def __init__(
        self, pbxs: Mapping[str, Pbx], server: Server, calls: Mapping[str, Sequence[Planned]]
    ) -> None:
        self.ledger = Ledger()
        self.error: Exception | None = None
        self._databases = ExitStack()
        self._steps: list[_Step] = []
        for store, pbx in pbxs.items():
            connection = self._databases.enter_context(server.connect(database_of(pbx.store)))
            for one in calls[store]:
                self._steps += (_Step(at, self._telling(pbx, event)) for at, event in one.events)
                for going in one.going_on:
                    key = Key(store, going.linkedid)
                    self._steps.append(_Step(going.begin, self._noting(self.ledger.begun, key)))
                    self._steps.append(_Step(going.end, self._noting(self.ledger.ended, key)))
                for row in one.call.rows:
                    insert = lambda row=row, connection=connection: write_rows(connection, [row])  # noqa: E731
                    self._steps.append(_Step(row.inserted_ms, insert))
        self._steps.sort()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telephoning", daemon=True)

    def start(self) -> None:
        """Begin; the first steps are due at their own time."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the last call to end.

        Raises:
            Exception: What went wrong in between.
        """
        self._thread.join()
        if self.error:
            raise self.error

    def stop(self) -> None:
        """Make no more calls; may be called twice."""
        self._stop.set()
        self._thread.join()
        self._databases.close()

    @staticmethod
    def _telling(pbx: Pbx, event: Fields) -> Callable[[], object]:
        return lambda: pbx.tell(event)

    @staticmethod
    def _noting(where: dict[Key, float], key: Key) -> Callable[[], object]:
        return lambda: where.setdefault(key, time.time())

    def _run(self) -> None:
        try:
            for step in self._steps:
                ahead = step.at / 1000 - time.time()
                if self._stop.wait(max(0.0, ahead)):
                    return
                step.act()
        except Exception as error:  # noqa: BLE001 - told by `join`, in the thread that waits
            self.error = error
