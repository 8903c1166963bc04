"""Simulated rows in a real MariaDB: nothing changes on the way, whatever the table lacks."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from compose.simulator import COLUMNS, CallTruth, SimulatedRow, chain, doubled, insertion_order, simulate
from compose.simulator.writer import (
    add_indexes,
    create_table,
    replay,
    table_definition,
    width,
    write_all,
    write_rows,
)
from tests.servers import CdrDatabase

START = date(2026, 9, 1)
STORE = chain(2, 1)[1]
CALLS = list(simulate(STORE, START, 5, 1))
ROWS = list(insertion_order(CALLS))
HARD = ROWS[0]._replace(
    clid='"O\\\'Neil \\"x\\" 日本" <1>',
    cnam="a\x1fb\x00c\n\t%s",
    lastdata="';DROP TABLE cdr;--",
    src="\\",
    dst="'",
)


def read(
    database: CdrDatabase, table: str = "cdr", columns: tuple[str, ...] = COLUMNS
) -> list[tuple[object, ...]]:
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table}")
        return sorted(cursor.fetchall())


def test_the_layout_is_freepbxs() -> None:
    schema = (Path(__file__).parents[1] / "data" / "schema.sql").read_text(encoding="utf-8")
    recorded = schema.partition(";")[0].split()
    assert table_definition().split() == recorded


@pytest.mark.servers
def test_rows_come_back_as_they_were(cdr_database: CdrDatabase) -> None:
    with cdr_database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE'")
        assert write_all(connection, CALLS) == len(ROWS)
        cursor.execute("SHOW WARNINGS")
        assert cursor.fetchall() == ()
    assert read(cdr_database) == sorted(row[:26] for row in ROWS)


@pytest.mark.servers
def test_hard_characters_survive(cdr_database: CdrDatabase) -> None:
    counted: list[int] = []
    with cdr_database.connect() as connection:
        assert write_rows(connection, [ROWS[1], HARD], rows_per_statement=1, progress=counted.append) == 2
    assert counted == [1, 2]
    assert read(cdr_database) == sorted([ROWS[1][:26], HARD[:26]])


@pytest.mark.servers
def test_an_older_freepbx_lacks_columns(cdr_database: CdrDatabase) -> None:
    left_out = {"sequence", "linkedid", "cnam", "peeraccount"}
    kept = tuple(column for column in COLUMNS if column not in left_out)
    with cdr_database.connect() as connection, connection.cursor() as cursor:
        create_table(connection, "old_cdr", kept)
        cursor.execute("SHOW COLUMNS FROM old_cdr")
        assert tuple(row[0] for row in cursor.fetchall()) == kept
        write_all(connection, CALLS, table="old_cdr", columns=kept)
    places = [COLUMNS.index(column) for column in kept]
    assert read(cdr_database, "old_cdr", kept) == sorted(
        tuple(row[place] for place in places) for row in ROWS
    )


@pytest.mark.servers
def test_indexes_added_later_are_freepbxs(cdr_database: CdrDatabase) -> None:
    with cdr_database.connect() as connection, connection.cursor() as cursor:
        create_table(connection, "late", indexes=False)
        write_rows(connection, ROWS, table="late")
        add_indexes(connection, "late")
        cursor.execute("SHOW CREATE TABLE late")
        late = cursor.fetchone()
        cursor.execute("SHOW CREATE TABLE cdr")
        usual = cursor.fetchone()
    assert late
    assert usual
    assert late[1].partition("\n")[2] == usual[1].partition("\n")[2]


@pytest.mark.servers
def test_replay_inserts_each_row_in_its_time(cdr_database: CdrDatabase) -> None:
    now, seen = 0.0, []
    some = ROWS[:40]

    def sleep(seconds: float) -> None:
        nonlocal now
        seen.append((now, len(read(cdr_database))))
        now += seconds

    with cdr_database.connect() as connection:
        written = replay(connection, doubled(some), speed=60, monotonic=lambda: now, sleep=sleep)
        with pytest.raises(ValueError, match="speed 0"):
            replay(connection, some, speed=0)
    assert written == 80
    assert read(cdr_database) == sorted(row[:26] for row in doubled(some))
    moments = {row.inserted_ms for row in some}
    assert now == pytest.approx((max(moments) - min(moments)) / 60_000)
    for at, count in seen:
        due = sum(row.inserted_ms - some[0].inserted_ms <= at * 60_000 + 1e-6 for row in some)
        assert count == 2 * due


@pytest.mark.servers
def test_a_name_that_is_no_name_is_refused(cdr_database: CdrDatabase) -> None:
    with cdr_database.connect() as connection, pytest.raises(ValueError, match="only letters"):
        create_table(connection, "cdr`; DROP")


@pytest.mark.servers
def test_command_writes_a_store_and_its_truth(cdr_database: CdrDatabase, tmp_path: Path) -> None:
    with cdr_database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER sim_{cdr_database.database} IDENTIFIED BY 'x'")
        cursor.execute(f"GRANT ALL ON {cdr_database.database}.* TO sim_{cdr_database.database}")
    try:
        arguments = ["--host", cdr_database.host, "--port", str(cdr_database.port), "--password", "x"]
        arguments += ["--user", f"sim_{cdr_database.database}", "--database", cdr_database.database]
        arguments += ["--store", "Loja002", "--days", "5", "--start", "2026-09-01", "--table", "made"]
        truth = tmp_path / "truth.jsonl"
        done = run(*arguments, "--truth", str(truth))
        assert done.returncode == 0, done.stderr
        assert f"Loja002 {STORE.name}: {len(ROWS)} rows" in done.stdout
        assert read(cdr_database, "made") == sorted(row[:26] for row in ROWS)
        told = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
        assert [one["linked_ids"][0] for one in told] == [call.truth.linked_ids[0] for call in CALLS]
        assert all(one.keys() == CallTruth.__dataclass_fields__.keys() for one in told)
        assert told[0] == {
            "store_id": "Loja002",
            "scenario": "inbound_group_answered",
            "direction": "inbound",
            "outcome": "answered",
            "answered_by": ["100"],
            "missed": False,
            "ring_seconds": 4,
            "wait_seconds": 0,
            "talk_seconds": 39,
            "billable_seconds": 0,
            "duration_seconds": 44,
            "queue": "",
            "group": "601",
            "did": "2147490481",
            "trunk": "oi-sip",
            "category": "local_mobile",
            "transferred": False,
            "linked_ids": ["1788261989.0"],
            "rows": 3,
            "source": "21976848284",
            "destination": "2147490481",
            "start": "2026-09-01 08:26:29",
            "end": "2026-09-01 08:27:14",
            "unrecoverable": [],
        }
        unrecoverable = {name for one in told for name in one["unrecoverable"]}
        assert unrecoverable == {"ring", "talk", "duration"}  # the store has neither menu nor queue
        wrong = run(*arguments, "--password", "y")
        assert wrong.returncode == 1
        assert wrong.stderr.startswith("simulator: ")
        assert len(wrong.stderr.splitlines()) == 1
        assert run(*arguments, "--store", "Loja1").returncode == 2
    finally:
        with cdr_database.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP USER sim_{cdr_database.database}")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "compose.simulator", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_columns_are_those_of_the_table() -> None:
    assert len(COLUMNS) == 26
    assert SimulatedRow._fields[26:] == ("inserted_at", "inserted_ms")
    assert (width("clid"), width("uniqueid"), width("did")) == (80, 32, 50)
