"""The whole circle: agents count and send through the gate, head office compares, a night heals."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from compose.stack import OpenSearchCluster
from tests.gate.running import ABSENT, BINARY, Gate, wait_idle
from tests.servers import CdrDatabase
from tests.shipper.conftest import connected
from tests.shipper.store import Store, eventually, fill

pytestmark = [pytest.mark.servers, pytest.mark.skipif(BINARY is None, reason=ABSENT)]
# One of them is past its night: there, an agent that starts sends its last days again at once.
ZONE = next(
    zone for zone in ("America/Sao_Paulo", "Asia/Tokyo") if 6 <= datetime.now(ZoneInfo(zone)).hour < 23
)


def audit(cluster: OpenSearchCluster, *options: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "central", "audit", "--json", *options, "--url", cluster.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_a_day_is_damaged_named_and_healed(
    gate: Gate,
    cluster: OpenSearchCluster,
    tmp_path: Path,
    make_cdr_database: Callable[[], CdrDatabase],
) -> None:
    yesterday = datetime.now(ZoneInfo(ZONE)) - timedelta(days=1)
    stores = []
    for name in ("Loja001", "Loja002"):
        (tmp_path / name).mkdir()
        database = make_cdr_database()
        store = connected(Store(tmp_path / name), database)
        store.set("store", id=name, timezone=ZONE).set("cdr", poll_seconds=0.2)
        store.set("output", kind="forward")
        store.set("output.forward", **gate.enrol(name, renew=True))
        store.set("spool", path=str(tmp_path / name / "spool.db"), max_mib=64)
        fill(database, 300, start=f"{yesterday:%Y-%m-%d} 10:00:00")
        stores.append(store)
    gate.take_in()
    for store in stores:
        assert store.run("run", "--once").err == ""
    wait_idle(gate)
    code, found = audit(cluster)
    assert (code, found["days"]) == (0, [])
    assert found["equal"] >= 2 * 7

    day = f"{yesterday:%Y-%m-%d}"
    damage = {
        "query": {
            "bool": {"filter": [{"term": {"store.id": "Loja002"}}, {"range": {"cdr.sequence": {"lt": 5}}}]}
        }
    }
    assert cluster.request("POST", "/pabx-cdr-*/_delete_by_query?refresh=true", damage)["deleted"] == 5
    alter = {
        "query": {"bool": {"filter": [{"term": {"store.id": "Loja002"}}, {"term": {"cdr.sequence": 9}}]}},
        "script": {"source": "ctx._source.cdr.duration = 5000"},
    }
    path = "/pabx-cdr-*/_update_by_query?refresh=true&pipeline=_none"
    assert cluster.request("POST", path, alter)["updated"] == 1
    code, found = audit(cluster)
    assert code == 1
    assert [(one["store"], one["day"], one["difference"]) for one in found["days"]] == [
        ("Loja002", day, "5 rows missing")
    ]

    cluster.request("PUT", "/pabx-cdr-*/_settings", {"index.gc_deletes": "0s"})
    cluster.request("POST", "/pabx-cdr-*/_flush")
    with stores[1].agent():  # its night is due

        def healed() -> bool:
            return cluster.request("POST", "/pabx-cdr-*/_search", alter_query)["hits"]["total"]["value"] == 0

        alter_query = {"query": {"term": {"cdr.duration": 5000}}}
        eventually(healed, "the day, sent again")
        eventually(lambda: stores[1].status()["spool_documents"] == 0, "all of it")
    wait_idle(gate)
    code, found = audit(cluster)
    assert (code, found["days"], found["healed"]) == (0, [], [{"store": "Loja002", "day": day}])
