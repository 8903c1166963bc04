"""Whatever the order, the delay and the moment of a restart: every row arrives, none twice."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipper.config import CdrSettings, Config, StoreSettings
from shipper.document.model import Origin
from shipper.errors import SpoolError
from shipper.sources.cdr import CdrReader, Database
from shipper.spool import Spool
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.crash import killed_after

pytestmark = pytest.mark.servers

LOOKBACK_HOURS = 24
START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

FULL = ("calldate", "src", "dst", "channel", "dstchannel", "lastapp", "duration", "billsec", "disposition")
TABLES = {
    "cdr_full": (*FULL, "uniqueid", "linkedid", "sequence"),
    "cdr_without_sequence": (*FULL, "uniqueid", "linkedid"),
    "cdr_of_2010": (*FULL, "uniqueid"),
}

# One step of a store's life: what happens, and a number that says how much or where.
STEP = st.tuples(
    st.sampled_from(
        ["row", "row", "row", "twin", "twice", "poll", "poll", "later", "restart", "crash", "archive"]
    ),
    st.integers(0, 10_000),
)


@dataclass
class Store:
    """A table that rows go into and an agent that reads it, with a clock that we turn."""

    database: CdrDatabase
    table: str
    spool_path: Path
    now: datetime = START
    inserted: list[tuple[Any, ...]] = field(default_factory=list)
    index: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    crashed: bool = False

    def __post_init__(self) -> None:
        self.connection = self.database.connect()
        self.execute(f"DELETE FROM {self.table}")
        self.start()

    def execute(self, sql: str, values: Any = ()) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)

    def start(self) -> None:
        settings = CdrSettings(
            port=self.database.port,
            user=self.database.user,
            password=self.database.password,
            database=self.database.database,
            table=self.table,
            lookback_hours=LOOKBACK_HOURS,
        )
        config = Config(store=StoreSettings(id="Loja001", timezone="UTC"), cdr=settings)
        self.spool = Spool(self.spool_path)
        self.source = Database(settings)
        origin = Origin("Loja001", "UTC", "test")
        self.reader = CdrReader(config, self.source, self.spool, origin, now=lambda: self.now)

    def stop(self) -> None:
        self.source.close()
        self.spool.close()

    def row(self, number: int) -> None:
        """A row appears, up to the look-back after its call began."""
        late = number * 8 % (LOOKBACK_HOURS * 3600 - 600)
        began = self.now - timedelta(seconds=late)
        count = len(self.inserted)
        channel = f"PJSIP/{100 + number % 3}-{count:08x}"
        row = {
            "calldate": began.strftime("%Y-%m-%d %H:%M:%S"),
            "src": "100",
            "dst": str(number % 5),
            "channel": channel,
            "dstchannel": "" if number % 4 == 0 else f"PJSIP/200-{count:08x}",
            "lastapp": "Dial",
            "duration": late,
            "billsec": 0,
            "disposition": "ANSWERED",
            "uniqueid": f"{int(began.timestamp())}.{count}",
            "linkedid": f"{int(began.timestamp())}.{count}",
            "sequence": count % 7,  # restarts, and is 0 now and then
        }
        self.insert(tuple(row[name] for name in TABLES[self.table]))

    def twin(self, number: int) -> None:
        """A second row of the same channel, as queues and transfers write them."""
        if not self.inserted:
            return
        columns = TABLES[self.table]
        row = dict(zip(columns, self.inserted[number % len(self.inserted)], strict=True))
        row["dstchannel"] = f"Local/{len(self.inserted)}@from-queue-{len(self.inserted):08x};1"
        row["lastapp"] = "Queue"
        self.insert(tuple(row[name] for name in columns))

    def twice(self, number: int) -> None:
        """A second CDR backend writes a row once more."""
        if self.inserted:
            self.insert(self.inserted[number % len(self.inserted)])

    def insert(self, row: tuple[Any, ...]) -> None:
        """No row appears later than the look-back: what does is the daily comparison's to find."""
        began = datetime.fromisoformat(row[0]).replace(tzinfo=UTC)
        if self.now - began > timedelta(hours=LOOKBACK_HOURS):
            return
        names = ", ".join(TABLES[self.table])
        self.execute(f"INSERT INTO {self.table} ({names}) VALUES ({', '.join(['%s'] * len(row))})", row)
        self.inserted.append(row)

    def later(self, number: int) -> None:
        self.now += timedelta(minutes=number % 720)

    def poll(self, _number: int = 0) -> None:
        self.reader.poll()
        self.deliver()

    def deliver(self) -> None:
        while batch := self.spool.take(7, 1 << 20):
            for document in batch:
                if document.operation == "create":  # calls have a test of their own, test_calls_properties.py
                    self.sent[document.id] += 1
                    self.index.setdefault(document.id, json.loads(document.body))
            self.spool.settle([document.seq for document in batch])

    def restart(self, _number: int) -> None:
        self.stop()
        self.start()

    def crash(self, number: int) -> None:
        """The agent dies in the middle of reading, before or after a commit."""
        self.crashed = True
        self.spool.add = killed_after(self.spool.add, number % 3)  # type: ignore[method-assign]
        try:
            self.reader.poll()
        except SpoolError:
            self.source.close()
        self.restart(0)

    def archive(self, number: int) -> None:
        """Somebody moves rows out of the table; the unread ones among them nobody can know.

        The agent looks before new rows come: that one row takes the place of another of the very same
        second between two looks is the known limit (DESIGN.md).
        """
        if number % 5 == 0:
            self.poll()
            self.execute(f"DELETE FROM {self.table} WHERE MOD(duration, 3) = %s", (number % 3,))
            self.poll()


@pytest.fixture(scope="module")
def life(mariadb: Any) -> Iterator[CdrDatabase]:
    with cdr_database_on(mariadb) as database:
        with database.connect() as connection, connection.cursor() as cursor:
            for table, columns in TABLES.items():
                types = {"calldate": "DATETIME", "duration": "INT", "billsec": "INT", "sequence": "INT"}
                definition = ", ".join(
                    f"{name} {types.get(name, 'VARCHAR(80)')} NOT NULL" for name in columns
                )
                cursor.execute(f"CREATE TABLE {table} ({definition}, KEY calldate (calldate))")
                cursor.execute(
                    f"GRANT SELECT ON {database.database}.{table} TO '{database.user}'@'127.0.0.1'"
                )
        yield database


@pytest.mark.parametrize("table", TABLES)
@settings(suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=5, max_size=60))
def test_every_row_once(
    life: CdrDatabase, tmp_path_factory: pytest.TempPathFactory, table: str, steps: list[tuple[str, int]]
) -> None:
    """Rows late by up to the look-back, polled, restarted, crashed and archived in any order."""
    store = Store(life, table, tmp_path_factory.mktemp("spool") / "spool.db")
    try:
        for name, number in steps:
            getattr(store, name)(number)
        store.poll()
        assert _rows(store) == Counter(set(store.inserted))
        if not store.crashed:
            assert max(store.sent.values(), default=1) == 1, "a row within the look-back was sent twice"
        sent = store.sent.copy()
        store.restart(0)
        assert list(store.reader.everything()), "a full comparison looks at something"
        store.deliver()
        assert store.sent == sent, "a second full run sends nothing"
    finally:
        store.stop()
        store.connection.close()


def _rows(store: Store) -> Counter[tuple[Any, ...]]:
    """The documents as the rows that they were made of; their `_id` is the key of the index."""
    columns = TABLES[store.table]
    texts = ("calldate", "duration", "billsec", "sequence")
    found = Counter[tuple[Any, ...]]()
    for document in store.index.values():
        cdr = document["cdr"]
        date = cdr["calldate"].replace("T", " ").rstrip("Z")
        row = [date if name == "calldate" else cdr.get(name, 0 if name in texts else "") for name in columns]
        found[tuple(row)] += 1
    return found
