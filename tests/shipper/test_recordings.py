"""The rows that a real Asterisk 22 wrote, inserted again in their order and timing."""

import csv
import hashlib
import json
import time
from datetime import datetime
from pathlib import Path

import pytest

from compose.stack import OpenSearchCluster
from tests.servers import CdrDatabase
from tests.shipper.content import of_index, of_table
from tests.shipper.running import RunningAgent, central_install, write_config
from tests.shipper.store import eventually, run

pytestmark = pytest.mark.servers

RECORDED = Path(__file__).parents[1] / "data" / "asterisk-22" / "cdr.csv"
ZONE = "America/New_York"
ROWS = 95
SPEED = 40.0


def test_recorded_rows_arrive_exactly_once(
    cdr_database: CdrDatabase, indices: OpenSearchCluster, tmp_path: Path
) -> None:
    """While the agent runs; then a second run and a backfill change nothing."""
    central_install(indices)
    config = write_config(tmp_path, cdr_database, indices, timezone=ZONE)
    agent = RunningAgent(config)
    agent.start()
    try:
        with cdr_database.connect() as connection:
            _replay(connection)
            expected = of_table(connection, ZONE)
        eventually(lambda: of_index(indices, "Loja001") == expected, "that table and index agree")
        assert expected.rows == ROWS
        status = agent.status()
    finally:
        code = agent.stop()
    assert code == 0
    assert (status["delivered"], status["spool_documents"], status["errors"]) == (ROWS, 0, {})

    before = _everything(indices)
    again = run("run", "--once", "--config", str(config))
    assert (again.code, again.out) == (
        0,
        "shipper: 0 rows read, 0 documents delivered, 0 of them to the quarantine\n",
    )
    filled = run("backfill", "--since", "2026-11-23", "--config", str(config))
    assert filled.code == 0, filled.err
    assert agent.status()["delivered"] == 2 * ROWS, "the backfill sent every row again"
    assert _everything(indices) == before, "and changed no document"


def _replay(connection: object) -> None:
    with RECORDED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if not name.startswith("_")]
    insert = f"INSERT INTO cdr ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
    times = [datetime.fromisoformat(row["_ins_time"]) for row in rows]
    began = time.monotonic()
    for row, at in zip(rows, times, strict=True):
        due = (at - times[0]).total_seconds() / SPEED
        time.sleep(max(0.0, due - (time.monotonic() - began)))
        with connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(insert, [row[name] for name in names])


def _everything(cluster: OpenSearchCluster) -> str:
    """A hash of all documents with their versions: any write at all would change it."""
    cluster.request("POST", "/pabx-*/_refresh")
    found = cluster.request(
        "POST",
        "/pabx-*/_search",
        {"size": 1000, "version": True, "seq_no_primary_term": True, "sort": [{"event.id": "asc"}]},
    )
    return hashlib.sha256(json.dumps(found["hits"]["hits"], sort_keys=True).encode()).hexdigest()
