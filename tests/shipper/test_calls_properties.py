"""Whatever the order and the split in which rows are found, restarts and crashes: the same calls."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose.simulator import SimulatedCall, chain, simulate
from compose.simulator.writer import add_indexes, create_table, write_rows
from shipper.config import CdrSettings, Config, SpoolSettings, StoreSettings
from shipper.document.model import Origin
from shipper.errors import SpoolError
from shipper.sources.cdr import CdrReader, Database
from shipper.spool import Spool
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.crash import killed_after

pytestmark = pytest.mark.servers

SEED = 5
STORES = chain(3, SEED)
DAY = date(2026, 3, 10)
LOOKBACK_HOURS = 24.0 * 90
"""All rows are late rows here: each look goes back to the first of them."""
AFTER = datetime(2026, 3, 11, 12, 0, tzinfo=UTC)
KINDS = (
    "inbound_attended_transfer",
    "inbound_blind_transfer",
    "inbound_parked",
    "inbound_queue",
    "inbound_group",
)


def _calls_of(store: int) -> list[SimulatedCall]:
    """Some calls of one day: all kinds of transfers, queues and groups, and others."""
    calls = [
        call for day in range(6) for call in simulate(STORES[store], DAY - timedelta(days=day * 9), 9, SEED)
    ]
    chosen: dict[str, list[SimulatedCall]] = {}
    for call in calls:
        chosen.setdefault(call.truth.scenario, []).append(call)
    return [call for scenario in sorted(chosen) for call in chosen[scenario][:2]]


CALLS = _calls_of(0)
ROWS = [row for call in CALLS for row in call.rows]


class Life:
    """A store's table that rows go into, its agent, and the index behind it."""

    def __init__(self, database: CdrDatabase, folder: Path, store: int = 0) -> None:
        self.profile = STORES[store]
        self.database = database
        self.path = folder / "spool.db"
        self.now = AFTER
        self.calls: dict[tuple[str, str], dict[str, Any]] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.connection = database.connect()
        with self.connection.cursor() as cursor:
            cursor.execute("TRUNCATE TABLE cdr")
        self.start()

    def start(self) -> None:
        config = Config(
            store=StoreSettings(
                id=self.profile.id,
                timezone=self.profile.timezone,
                area_code=self.profile.area_code,
                trunks=tuple(trunk.name for trunk in self.profile.trunks),
            ),
            cdr=CdrSettings(
                port=self.database.port,
                user=self.database.user,
                password=self.database.password,
                database=self.database.database,
                lookback_hours=LOOKBACK_HOURS,
            ),
            spool=SpoolSettings(path=str(self.path)),
        )
        self.spool = Spool(self.path)
        self.source = Database(config.cdr)
        origin = Origin(self.profile.id, self.profile.timezone, "test")
        self.reader = CdrReader(config, self.source, self.spool, origin, now=lambda: self.now)

    def stop(self) -> None:
        self.source.close()
        self.spool.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def crash(self, after: int) -> None:
        """The agent dies in the middle of reading, before or after a commit."""
        self.spool.add = killed_after(self.spool.add, after)  # type: ignore[method-assign]
        try:
            self.reader.poll()
        except SpoolError:
            self.source.close()
        self.restart()

    def poll(self) -> None:
        self.reader.poll()
        self.now += timedelta(seconds=2)

    def deliver(self) -> None:
        """What the cluster does with the spool's documents: the highest state of each stays."""
        while batch := self.spool.take(50, 1 << 20):
            for document in batch:
                body = json.loads(document.body)
                kind = document.index_name.rpartition("-")[0]
                assert kind != "pabx-quarantine", body
                if kind == "pabx-cdr":
                    if document.operation == "index" or document.id not in self.rows:
                        self.rows[document.id] = body
                    continue
                place = (document.index_name, document.id)
                known = self.calls.get(place, {}).get("event", {}).get("sequence", 0)
                if body["event"]["sequence"] > known:
                    self.calls[place] = body
                    if document.operation == "delete":
                        assert body["call"]["merged_into"]
            self.spool.settle([document.seq for document in batch])

    def settled(self) -> list[dict[str, Any]]:
        """The calls in the end, without what tells when they were made."""
        for _ in range(4):
            self.poll()
            self.now += timedelta(seconds=10)
        self.deliver()
        assert self.spool.unsettled() == 0
        calls = []
        for body in self.calls.values():
            if "merged_into" in body["call"]:
                continue
            kept = json.loads(json.dumps(body))
            del kept["event"]["created"]
            calls.append(kept)
        return sorted(calls, key=lambda body: body["event"]["id"])


@pytest.fixture(scope="module")
def table(mariadb: Any) -> Iterator[CdrDatabase]:
    with cdr_database_on(mariadb) as database:
        with database.connect() as connection:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE cdr")
            create_table(connection, indexes=False)
            add_indexes(connection)
        yield database


class Calls(list[dict[str, Any]]):
    """Documents; a failing example is told without them."""

    def __repr__(self) -> str:
        return f"<{len(self)} calls>"


@pytest.fixture(scope="module")
def expected(table: CdrDatabase, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """The same rows, all there before the first look."""
    life = Life(table, tmp_path_factory.mktemp("expected"))
    try:
        write_rows(life.connection, sorted(ROWS))
        found = life.settled()
    finally:
        life.stop()
        life.connection.close()
    truth = {call.truth.linked_ids[0]: call.truth for call in CALLS}
    assert {body["call"]["linked_ids"][0] for body in found} == truth.keys()
    for body in found:
        meant = truth[body["call"]["linked_ids"][0]]
        assert (body["call"]["outcome"], body["call"]["legs"]) == (meant.outcome, meant.rows)
    return Calls(found)


def test_all_kinds_are_there() -> None:
    scenarios = {call.truth.scenario for call in CALLS}
    assert all(any(name.startswith(kind) for name in scenarios) for kind in KINDS), sorted(scenarios)


@settings(suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 1 << 32),
    splits=st.lists(st.integers(1, len(ROWS) - 1), max_size=8),
    steps=st.lists(st.sampled_from(["poll", "poll", "restart", "crash", "later", "deliver"]), max_size=10),
)
def test_any_order_and_split(
    table: CdrDatabase,
    tmp_path_factory: pytest.TempPathFactory,
    expected: Calls,
    seed: int,
    splits: list[int],
    steps: list[str],
) -> None:
    chance = random.Random(seed)
    rows = list(ROWS)
    chance.shuffle(rows)
    life = Life(table, tmp_path_factory.mktemp("life"))
    try:
        at = 0
        for split in [*sorted(splits), len(rows)]:
            _insert(life, rows[at:split])
            at = split
            for step in steps:
                if step == "later":
                    life.now += timedelta(seconds=chance.choice((1, 6, 60)))
                elif step == "crash":
                    life.crash(chance.randrange(4))
                else:
                    getattr(life, step)()
        found = life.settled()
        wanted = {body["event"]["id"]: body for body in expected}
        for body in found:
            assert body == wanted.pop(body["event"]["id"], None)
        assert not wanted, "calls are missing"
        _rows_know_their_calls(life)
    finally:
        life.stop()
        life.connection.close()


def _insert(life: Life, rows: Sequence[Any]) -> None:
    if rows:
        write_rows(life.connection, rows)


def _rows_know_their_calls(life: Life) -> None:
    """Every row's document names the call that took it in the end."""
    call_of = {
        linked: body["event"]["id"]
        for body in life.calls.values()
        if "merged_into" not in body["call"]
        for linked in body["call"]["linked_ids"]
    }
    assert len(life.rows) == len(ROWS)
    for body in life.rows.values():
        assert body["call"]["id"] == call_of[body["cdr"]["linkedid"]], body["cdr"]


def test_rows_of_two_stores_never_meet(
    table: CdrDatabase, tmp_path_factory: pytest.TempPathFactory, expected: Calls
) -> None:
    """The very same rows in two stores are two sets of calls, with nothing in common."""
    found = []
    for store in (0, 1):
        life = Life(table, tmp_path_factory.mktemp("store"), store)
        try:
            write_rows(life.connection, sorted(ROWS))
            found.append(life.settled())
        finally:
            life.stop()
            life.connection.close()
    assert found[0] == expected
    assert len(found[1]) == len(expected)
    ids = [{body["event"]["id"] for body in calls} for calls in found]
    assert not ids[0] & ids[1]
    assert {body["store"]["id"] for body in found[1]} == {STORES[1].id}
