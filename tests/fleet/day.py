"""One whole day of a chain's telephoning, each row at its moment, as many times faster as is wanted."""

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pymysql

from compose.simulator import SimulatedRow, StoreProfile, insertion_order, simulate
from compose.simulator.writer import write_rows

SATURDAY = 5
DAY_SECONDS = 86400.0
WRITERS = 4
SAMPLE = 10
"""One row of so many is looked for in the index until it is found there."""


def last_working_day() -> date:
    """The latest one that is over everywhere in Brazil, by the calendar of its last zone."""
    day = (datetime.now(UTC) - timedelta(hours=5)).date() - timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day -= timedelta(days=1)
    return day


class Planned(NamedTuple):
    """A row and when it is written, seconds of the day by the store's own clock."""

    at: float
    store: str
    row: SimulatedRow


def plan(profile: StoreProfile, day: date, seed: int, most: int = 0) -> list[Planned]:
    """All rows of a store's day, in the order in which Asterisk writes them.

    Args:
        profile: The store; a day without calls, as in closed ones, does not count.
        day: Its date.
        seed: Of its calls.
        most: Rows; 0: all of them.
    """
    busy = replace(profile, silent_last_days=0, silent=())
    rows = [row for row in insertion_order(simulate(busy, day, 1, seed)) if row.calldate.date() == day]
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # the store's clock, as it shows
    return [
        Planned((row.inserted_at - midnight).total_seconds(), profile.id, row)
        for row in (rows[:most] if most else rows)
    ]


@dataclass
class Written:
    """What was written so far; several threads add to it.

    Attributes:
        rows: Of each store.
        sampled: Store and uniqueid of rows that are to be looked for; when each was committed (monotonic).
        latest: How far a row was behind its plan at most, seconds.
    """

    rows: Counter[str] = field(default_factory=Counter)
    sampled: dict[tuple[str, str], float] = field(default_factory=dict)
    latest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Day:
    """Writes a chain's rows into its databases.

    Args:
        plans: Of each store.
        connect: Gives a store's database.
        seconds: How long the day takes.
    """

    def __init__(
        self,
        plans: Sequence[Sequence[Planned]],
        connect: Callable[[str], "pymysql.Connection[Any]"],
        seconds: float,
    ) -> None:
        self.written = Written()
        self._speed = DAY_SECONDS / seconds
        self._connect = connect
        self._shares = [plans[number::WRITERS] for number in range(WRITERS)]
        once = Counter((one.store, one.row.uniqueid) for plan in plans for one in plan)
        single = sorted(key for key, times in once.items() if times == 1)
        self._samples = set(single[::SAMPLE])
        self._errors: list[BaseException] = []

    def run(self) -> None:
        """From midnight to midnight; empty hours at both ends are passed over.

        Raises:
            BaseException: A row could not be written.
        """
        times = [one.at for share in self._shares for plan in share for one in plan]
        first = min(times)
        self._began = time.monotonic() - first / self._speed
        threads = [threading.Thread(target=self._write, args=(share,)) for share in self._shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for error in self._errors:
            raise error

    def _write(self, share: Sequence[Sequence[Planned]]) -> None:
        connections: dict[str, pymysql.Connection[Any]] = {}
        try:
            for one in heapq.merge(*share, key=lambda planned: planned.at):
                if one.store not in connections:
                    connections[one.store] = self._connect(one.store)
                due = self._began + one.at / self._speed
                if (ahead := due - time.monotonic()) > 0:
                    time.sleep(ahead)
                write_rows(connections[one.store], [one.row])
                self._wrote(one, due)
        except BaseException as error:  # noqa: BLE001  # raised again by whoever waits
            self._errors.append(error)
        finally:
            for connection in connections.values():
                connection.close()

    def _wrote(self, one: Planned, due: float) -> None:
        now, written = time.monotonic(), self.written
        with written.lock:
            written.rows[one.store] += 1
            written.latest = max(written.latest, now - due)
            if (key := (one.store, one.row.uniqueid)) in self._samples:
                written.sampled[key] = now


class Watcher:
    """Searches for the sampled rows until each is found.

    Args:
        search: Gives the bodies of an index pattern's hits of a query.
        written: What the day wrote.

    Attributes:
        delays: From a row's commit until a search found it, seconds.
    """

    def __init__(
        self, search: Callable[[dict[str, Any]], Iterable[dict[str, Any]]], written: Written
    ) -> None:
        self.delays: list[float] = []
        self._search, self._written = search, written
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look for no more."""
        self._stop.set()
        self._thread.join()

    def missing(self) -> int:
        """How many have not been found."""
        with self._written.lock:
            return len(self._written.sampled)

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            with self._written.lock:
                waiting = dict(list(self._written.sampled.items())[:1000])
            if not waiting:
                continue
            query = {
                "size": 5000,
                "_source": ["store.id", "cdr.uniqueid"],
                "query": {"terms": {"cdr.uniqueid": sorted({uniqueid for _, uniqueid in waiting})}},
            }
            for source in self._search(query):
                key = (source["store"]["id"], source["cdr"]["uniqueid"])
                if key in waiting:
                    with self._written.lock:
                        began = self._written.sampled.pop(key, None)
                    if began is not None:
                        self.delays.append(time.monotonic() - began)
