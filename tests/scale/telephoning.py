"""Stores that telephone all the time, and somebody who looks all the time whether it arrives."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from compose.simulator import StoreProfile
from compose.simulator import rows as simulated_rows
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.chaos import Chaos, Store
from tests.shipper.content import Content
from tests.shipper.running import RunningAgent, write_config
from tests.shipper.store import eventually

_ROWS_A_TURN = 15
_TURN_SECONDS = 0.5


@dataclass
class Told:
    """What became of it.

    Attributes:
        stores: name, what the table holds, what the index holds.
        calls: of all stores.
        steps: what was done -> seconds until the cluster was green again, by time.
        longest_pause: seconds within which nothing new could be found, at most, while this went on.
    """

    stores: list[tuple[str, Content, Content]] = field(default_factory=list)
    calls: int = 0
    steps: list[tuple[str, float]] = field(default_factory=list)
    longest_pause: float = 0.0


class Telephoning(Chaos):
    """The stores and servers of the chaos tests; what is done to them, others say.

    Attributes:
        told: what became of it.
    """

    def __init__(self, folder: Path, stores: int, seed: int) -> None:
        super().__init__(folder, stores, seed)
        self.told = Told()

    def begun(self, profile: StoreProfile, output: dict[str, Any]) -> Store:
        """A store with a database and an agent that runs.

        Args:
            profile: which one.
            output: its sections' keys, as `output.` has them.
        """
        database: CdrDatabase = cdr_database_on(self.mariadb).__enter__()  # ends with its server
        file = write_config(
            self.folder / profile.id, database, self.cluster, store=profile.id, timezone=profile.timezone
        )
        lines = [text for text in file.read_text().splitlines() if not text.startswith("output.")]
        lines += [f"output.{name} = {json.dumps(value)}" for name, value in output.items()]
        file.write_text("\n".join(lines) + "\n")
        agent = RunningAgent(file)
        agent.start()
        rows = simulated_rows(profile, 100_000, self.seed, start=date(2025, 1, 1))
        return Store(profile, database, agent, rows)

    def compare(self, stores: list[Store]) -> Told:
        """Wait until all that was written is found, and say what the index holds."""
        for store in stores:
            self.told.stores.append(self._compare(store))
        self.told.calls = self.count("pabx-calls-*")
        assert self.count("pabx-quarantine-*") == 0
        return self.told

    @contextmanager
    def telephoning(self, stores: list[Store]) -> Iterator[None]:
        """All stores write rows all the time; and somebody looks all the time whether new ones are found."""
        over = threading.Event()

        def write(store: Store) -> None:
            wanted = 0
            while not over.is_set():
                wanted += _ROWS_A_TURN
                store.write(wanted, over)
                over.wait(_TURN_SECONDS)

        def look() -> None:
            found, since = 0, time.monotonic()
            while not over.is_set():
                now = self.count("pabx-cdr-*")
                if now > found:
                    found, since = now, time.monotonic()
                self.told.longest_pause = max(self.told.longest_pause, time.monotonic() - since)
                over.wait(0.2)

        threads = [threading.Thread(target=write, args=(store,)) for store in stores]
        threads.append(threading.Thread(target=look))
        for thread in threads[:-1]:
            thread.start()
        try:
            eventually(lambda: self.count("pabx-cdr-*") > 0, "the first rows", 60)
            threads[-1].start()
            yield
        finally:
            over.set()
            for thread in threads:
                if thread.is_alive():
                    thread.join()

    def count(self, pattern: str) -> int:
        """Of documents that can be found, by a node that answers; -1: none does."""
        path = f"/{pattern}/_count?ignore_unavailable=true"
        for number in range(len(self.cluster.nodes)):
            try:
                return int(self.cluster.request("GET", path, node=number, timeout_seconds=5)["count"])
            except (OSError, ValueError, KeyError):
                continue
        return -1
