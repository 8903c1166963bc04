"""Stores that telephone while MariaDB, OpenSearch and the agents are killed (``kill -9``) at random."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path

import pymysql

from compose.simulator import COLUMNS, SimulatedRow, StoreProfile, chain
from compose.simulator import rows as simulated_rows
from compose.stack import QUICK_START, MariaDB, OpenSearchCluster
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.content import Content, calls_of_index, calls_of_table, of_index, of_table
from tests.shipper.running import RunningAgent, central_install, write_config
from tests.shipper.store import count, eventually

COLUMN_NAMES = ", ".join(f"`{name}`" for name in COLUMNS)
PLACES = ", ".join(["%s"] * len(COLUMNS))
ROWS_PER_INSERT = 100


@dataclass
class Store:
    """One store: its database, its agent, and the rows that are still to be written."""

    profile: StoreProfile
    database: CdrDatabase
    agent: RunningAgent
    rows: Iterator[SimulatedRow]
    written: int = 0

    def write(self, wanted: int, stop: threading.Event) -> None:
        """Insert rows in Asterisk's order until there are so many; a killed server is waited for.

        Whether an insert that was cut off took place is asked of the table, so that the test itself
        neither loses a row nor writes it twice.
        """
        pending: list[SimulatedRow] = []
        while self.written + len(pending) < wanted or pending:
            if stop.is_set():
                return
            pending = pending or list(islice(self.rows, min(ROWS_PER_INSERT, wanted - self.written)))
            try:
                with self.database.connect() as connection, connection.cursor() as cursor:
                    cursor.execute("SELECT COUNT(*) FROM cdr")
                    there = cursor.fetchone()[0]  # type: ignore[index]
                    if there == self.written:
                        cursor.executemany(
                            f"INSERT INTO cdr ({COLUMN_NAMES}) VALUES ({PLACES})",
                            [row[: len(COLUMNS)] for row in pending],
                        )
            except (pymysql.err.MySQLError, OSError):
                time.sleep(0.1)
                continue
            self.written += len(pending)
            pending = []


class Chaos:
    """Servers, stores and the one who kills them.

    Args:
        folder: For data, where the servers may write.
        stores: How many stores.
        seed: Of the calls and of the kills.
    """

    def __init__(self, folder: Path, stores: int, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.mariadb = MariaDB(folder / "mariadb")
        self.cluster = OpenSearchCluster(folder / "opensearch", jvm_options=QUICK_START)
        self.profiles = chain(stores, seed)
        self.seed = seed
        self.kills = 0

    def run(self, rows: int, rounds: int) -> list[tuple[str, Content, Content]]:
        """Write so many rows a store, with so many rounds of kills; gives (store, table, index)."""
        with self.mariadb, self.cluster:
            central_install(self.cluster)
            stores = [self._store(profile, rows) for profile in self.profiles]
            stop = threading.Event()
            for round_number in range(1, rounds + 1):
                wanted = rows * round_number // rounds
                writers = [threading.Thread(target=store.write, args=(wanted, stop)) for store in stores]
                for writer in writers:
                    writer.start()
                try:
                    self._kill_everything(stores)
                except BaseException:
                    stop.set()
                    raise
                for writer in writers:
                    writer.join()
            try:
                return [self._compare(store) for store in stores]
            finally:
                for store in stores:
                    store.agent.kill()

    def _config(self, profile: StoreProfile, database: CdrDatabase) -> Path:
        return write_config(
            self.folder / profile.id, database, self.cluster, store=profile.id, timezone=profile.timezone
        )

    def _store(self, profile: StoreProfile, rows: int) -> Store:
        database = cdr_database_on(self.mariadb).__enter__()  # ends with its server
        config = self._config(profile, database)
        agent = RunningAgent(config)
        agent.start()
        return Store(
            profile, database, agent, simulated_rows(profile, rows, self.seed, start=date(2025, 1, 1))
        )

    def _kill_everything(self, stores: list[Store]) -> None:
        """Each of them once, in any order, at any moment; they come back by themselves."""
        tasks = self._tasks(stores)
        self.random.shuffle(tasks)
        threads = []
        for task in tasks:
            time.sleep(self.random.uniform(0, 0.8))
            threads.append(threading.Thread(target=task))
            threads[-1].start()
            self.kills += 1
        for thread in threads:
            thread.join()
        self.cluster.wait_healthy()
        self.mariadb.wait_healthy()
        for store in stores:
            store.agent.start_if_dead()

    def _tasks(self, stores: list[Store]) -> list[Callable[[], None]]:
        agents = [partial(self._kill_agent, store) for store in stores]
        return [self._kill_mariadb, self._kill_cluster, *agents]

    def _kill_mariadb(self) -> None:
        self.mariadb.kill()
        self.mariadb.launch()

    def _kill_cluster(self) -> None:
        self.cluster.kill()
        self.cluster.launch()

    def _kill_agent(self, store: Store) -> None:
        """Several times: it is the cheapest to restart and has the most states to die in."""
        for pause in (0.3, 1.0, 0.6):
            store.agent.kill()
            store.agent.start()
            time.sleep(pause)
            self.kills += 1

    def _compare(self, store: Store) -> tuple[str, Content, Content]:
        with store.database.connect() as connection:
            expected = of_table(connection, store.profile.timezone)
        query = f"store.id:{store.profile.id}"
        eventually(
            lambda: count(self.cluster, query=query) >= expected.rows,
            f"{expected.rows} documents of {store.profile.id}",
            120,
        )
        with store.database.connect() as connection:
            calls = calls_of_table(connection, store.profile.id, store.profile.timezone)
        eventually(
            lambda: calls_of_index(self.cluster, store.profile.id) == calls,
            f"{calls.rows} calls of {store.profile.id}, equal to those of all its rows at once",
            120,
        )
        eventually(lambda: store.agent.status()["spool_documents"] == 0, "an empty spool", 60)
        return store.profile.id, expected, of_index(self.cluster, store.profile.id)
