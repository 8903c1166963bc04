"""A store's normal day on a large table: 2,000 calls a day on top of five million rows.

The day is not sped up: rows come at a real day's rate for a few minutes, and the processor time of
these minutes is set against their length. The memory is what the kernel counts at the end (VmRSS)
and at most (VmHWM, which includes the first comparison of the whole table).
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pymysql.cursors import DictCursor

from compose.simulator import COLUMNS, SimulatedRow
from compose.simulator import rows as simulated_rows
from compose.stack import MariaDB, OpenSearchCluster
from shipper.config import load
from shipper.sources.cdr import Database, buckets
from shipper.spool import Spool
from tests.bench import stores
from tests.bench.figure import Figure
from tests.servers import CdrDatabase
from tests.shipper.running import RunningAgent, write_config
from tests.shipper.store import eventually

TABLE_ROWS = int(os.environ.get("BENCH_TABLE_ROWS", "5000000"))
CALLS_PER_DAY = 2000
ROWS_PER_DAY = 2 * CALLS_PER_DAY
SECONDS = float(os.environ.get("BENCH_STEADY_SECONDS", "180"))
MEMORY_MIB = 40.0
PROCESSOR_PERCENT = 0.5
POLL_SECONDS = 5.0
QUERIES_PER_POLL = 6.0
"""MAX, total; where something came: MIN twice, counts, one read of the changed buckets; and a call's rows."""


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """Memory, processor, queries, and how each query is answered."""
    days = TABLE_ROWS // ROWS_PER_DAY + 2
    start = date.today() - timedelta(days=days)  # noqa: DTZ011
    with stores.table_of(mariadb, TABLE_ROWS, start=start, calls_per_day=CALLS_PER_DAY) as database:
        _last_day(database)
        config = write_config(folder / "steady", database, cluster, store="Steady", poll_seconds=POLL_SECONDS)
        _know_all(config)
        agent = RunningAgent(config, stores.agent_python())
        agent.start()
        stop = threading.Event()
        writer = threading.Thread(target=_telephone, args=(database, stop))
        try:
            eventually(lambda: agent.log.exists() and agent.is_polling(), "the agent's first poll", 120)
            writer.start()
            time.sleep(2 * POLL_SECONDS)
            _start_log(database)
            processor, at = agent.processor_seconds(), time.monotonic()
            time.sleep(SECONDS)
            processor = agent.processor_seconds() - processor
            queries = _logged(database)
            seconds = time.monotonic() - at
            memory, highest = agent.memory_mib()
        finally:
            stop.set()
            if writer.ident:
                writer.join()
            agent.stop()
        yield Figure.at_most("steady_resident_memory", memory, "MiB", MEMORY_MIB)
        yield Figure.at_most("steady_resident_memory_highest", highest, "MiB", MEMORY_MIB)
        yield Figure.at_most("steady_processor", 100 * processor / seconds, "% of a core", PROCESSOR_PERCENT)
        yield Figure.at_most(
            "steady_queries_per_poll", len(queries) / (seconds / POLL_SECONDS), "queries", QUERIES_PER_POLL
        )
        full_scans, rows = _explained(database, queries)
        yield Figure.at_most("steady_queries_without_index", full_scans, "queries", 0)
        yield Figure.at_most("steady_rows_examined_by_poll", rows, "rows", CALLS_PER_DAY * 5)


def _know_all(config: Path) -> None:
    """Mark all that is there as read: the back-fill of a large table is another benchmark's subject."""
    settings = load(config)
    database, spool = Database(settings.cdr), Spool(Path(settings.spool.path))
    at = buckets.FIRST
    while found := database.next_bucket(buckets.lowest(at)):
        end = buckets.span_end(found)
        spool.add((), database.counts(found, end))
        at = buckets.following(end)
    database.close()
    spool.close()


def _last_day(database: CdrDatabase) -> None:
    """The rows of the last 24 hours: they are what each poll counts."""
    now = datetime.now(ZoneInfo(stores.profile().timezone))
    pause = timedelta(days=1) / ROWS_PER_DAY
    with database.connect() as connection, connection.cursor() as cursor:
        for number, row in enumerate(_rows(ROWS_PER_DAY)):
            _insert(cursor, row, now - number * pause, -number)


def _telephone(database: CdrDatabase, stop: threading.Event) -> None:
    """Insert rows now, at the rate of 2,000 calls a day in ten hours of opening."""
    chance = random.Random(1)
    zone = ZoneInfo(stores.profile().timezone)
    with database.connect() as connection, connection.cursor() as cursor:
        for number, row in enumerate(_rows(10_000)):
            _insert(cursor, row, datetime.now(zone), number)
            if stop.wait(chance.expovariate(ROWS_PER_DAY / 36_000)):
                return


def _rows(count: int) -> Iterator[SimulatedRow]:
    return simulated_rows(stores.profile(), count, 2, start=date(2001, 1, 1), calls_per_day=CALLS_PER_DAY)


def _insert(cursor: Any, row: SimulatedRow, at: datetime, number: int) -> None:
    """A simulated row with another time, and so another uniqueid."""
    values: list[Any] = list(row[: len(COLUMNS)])
    values[COLUMNS.index("calldate")] = at.strftime("%Y-%m-%d %H:%M:%S")
    # Each row a call of its own: twice as many as there are.
    for name in ("uniqueid", "linkedid"):
        values[COLUMNS.index(name)] = f"{int(at.timestamp())}.{number}"
    names = ", ".join(f"`{name}`" for name in COLUMNS)
    cursor.execute(f"INSERT INTO cdr ({names}) VALUES ({', '.join(['%s'] * len(values))})", values)


def _logged(database: CdrDatabase) -> list[str]:
    """The agent's own queries since the server's general log was switched on, as it sent them."""
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL general_log = OFF")
        cursor.execute(
            "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log "
            "WHERE user_host LIKE %s AND command_type = 'Query'",
            (f"{database.user}%",),
        )
        return [str(row[0]) for row in cursor.fetchall()]


def _start_log(database: CdrDatabase) -> None:
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("TRUNCATE TABLE mysql.general_log")
        cursor.execute("SET GLOBAL general_log = ON")


def _explained(database: CdrDatabase, queries: list[str]) -> tuple[int, float]:
    """How many of the queries do without the index, and the most rows that one of them looks at."""
    scans, most = 0, 0.0
    with database.connect() as connection, connection.cursor(DictCursor) as cursor:
        for query in queries:
            cursor.execute(f"EXPLAIN {query}")
            for step in cursor.fetchall():
                if step["table"] is None:
                    continue  # "Select tables optimized away": one look at the end of the index
                scans += step["key"] != "calldate"
                most = max(most, float(step["rows"]))
    return scans, most
