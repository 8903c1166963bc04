"""The rows that a real Asterisk 22 wrote, inserted again in their order and timing."""

import csv
import hashlib
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from tests.servers import CdrDatabase
from tests.shipper.content import of_index, of_table
from tests.shipper.running import RunningAgent, central_install, write_config
from tests.shipper.store import eventually, run

pytestmark = pytest.mark.servers

DATA = Path(__file__).parents[1] / "data" / "asterisk-22"
RECORDED, TRUTH = DATA / "cdr.csv", DATA / "truth.csv"
SCENARIOS = 46
ZONE = "America/New_York"
ROWS = 95
SPEED = 40.0


def test_recorded_rows_arrive_exactly_once(
    cdr_database: CdrDatabase, indices: OpenSearchCluster, tmp_path: Path
) -> None:
    """While the agent runs; then a second run and a backfill change nothing."""
    central_install(indices)
    config = write_config(tmp_path, cdr_database, indices, timezone=ZONE, trunks=["acme"])
    agent = RunningAgent(config)
    agent.start()
    try:
        with cdr_database.connect() as connection:
            _replay(connection)
            expected = of_table(connection, ZONE)
        eventually(lambda: of_index(indices, "Loja001") == expected, "that table and index agree")
        assert expected.rows == ROWS
        eventually(lambda: agent.status()["calls_open"] == 0, "that all calls have settled")
        eventually(lambda: agent.status()["spool_documents"] == 0, "that all is delivered")
        status = agent.status()
    finally:
        code = agent.stop()
    assert code == 0
    assert (status["quarantined"], status["errors"]) == (0, {})
    _calls_are_true(indices)

    before, calls = _everything(indices), _calls(indices)
    again = run("run", "--once", "--config", str(config))
    assert (again.code, again.out) == (
        0,
        "shipper: 0 rows read, 0 calls made, 0 documents delivered, 0 of them to the quarantine\n",
    )
    filled = run("backfill", "--since", "2026-11-23", "--config", str(config))
    assert filled.code == 0, filled.err
    assert agent.status()["read"] == status["read"] + ROWS, "the backfill read every row again"
    assert _everything(indices) == before, "and changed no row's document"
    assert _calls(indices) == calls, "and no call but for the time at which it was made"


def _calls_are_true(cluster: OpenSearchCluster) -> None:
    """Every scenario that left rows, although its rows came one by one."""
    calls = {linked: call for call in _calls(cluster) for linked in call["linked_ids"]}
    with TRUTH.open(encoding="utf-8", newline="") as file:
        meant = [scenario for scenario in csv.DictReader(file) if scenario["linkedid"]]
    assert len(meant) == SCENARIOS
    for scenario in meant:
        call = calls[scenario["linkedid"]]
        assert {
            "direction": call["direction"],
            "outcome": call["outcome"],
            "answered_by": " ".join(call.get("answered_by", ())),
            "missed": str(call["missed"]).lower(),
            "cdr_rows": str(call["legs"]),
        } == {name: scenario[name] for name in ("direction", "outcome", "answered_by", "missed", "cdr_rows")}


def _calls(cluster: OpenSearchCluster) -> list[dict[str, Any]]:
    cluster.request("POST", "/pabx-*/_refresh")
    query = {"size": 1000, "sort": [{"event.id": "asc"}]}
    hits = cluster.request("POST", "/pabx-calls-*/_search", query)["hits"]["hits"]
    return [hit["_source"]["call"] for hit in hits]


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
    """A hash of all rows' documents with their versions: any write at all would change it."""
    cluster.request("POST", "/pabx-*/_refresh")
    found = cluster.request(
        "POST",
        "/pabx-cdr-*/_search",
        {"size": 1000, "version": True, "seq_no_primary_term": True, "sort": [{"event.id": "asc"}]},
    )
    return hashlib.sha256(json.dumps(found["hits"]["hits"], sort_keys=True).encode()).hexdigest()
