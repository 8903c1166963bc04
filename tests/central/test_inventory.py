"""`central stores inventory`, and what `list` tells of upgrades, on the real cluster."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central.stores.inventory import as_dict, counted, items, lines
from central.stores.listing import Listed
from central.upgrades.offer import Manifest
from central.upgrades.progress import progress
from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome

Central = Callable[..., Outcome]
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SEEN = {"registered_at": "2026-11-01T00:00:00Z", "last_seen": "2026-11-26T11:59:00Z"}
DONE = {"at": "2026-11-25T03:00:00Z", "from": "0.1.0", "to": "0.2.0", "state": "done", "message": ""}
BACK = {**DONE, "state": "rolled_back", "message": "check failed: database"}
STORES = [
    Listed("A", {**SEEN, "name": "Alfa", "upgrade": DONE, "agent_started": "2026-11-26T08:00:00Z"}, "0.2.0"),
    Listed("B", {**SEEN, "upgrade": BACK, "agent_started": "2026-11-20T08:00:00Z"}, "0.1.0"),
    Listed("C", {**SEEN, "agent_started": "2026-11-21T08:00:00Z"}, "0.1.0"),
    Listed("D", {"registered_at": "2026-11-01T00:00:00Z"}, None),
    Listed("E", {**SEEN, "revoked_at": "2026-11-22T08:00:00Z"}, "0.1.0"),
    Listed("F", {"last_seen": "2026-11-26T11:59:00Z"}, "0.1.0"),  # not registered
]
OFFER = Manifest("0.2.0", "0" * 64, 1000, ("A", "B", "D"), "2026-11-25T00:00:00Z")


def test_the_table() -> None:
    assert list(lines(items(STORES, OFFER), NOW)) == [
        "store  name  agent           since (UTC)       heartbeat  upgrade            offered",
        "A      Alfa  0.2.0           2026-11-25 03:00  1 min      done 0.2.0         0.2.0",
        "B      -     0.1.0           2026-11-20 08:00  1 min      rolled_back 0.2.0  0.2.0",
        "C      -     0.1.0           2026-11-21 08:00  1 min      -                  -",
        "D      -     never reported  -                 -          -                  0.2.0",
        "E      -     0.1.0           -                 1 min      -                  -",
        "B: check failed: database",
        "3 0.1.0",
        "1 0.2.0",
        "1 never reported",
        "revoked: E",
        "5 registered, 1 revoked, 1 whose upgrade failed",
    ]
    assert list(lines([], NOW)) == ["no store is registered: central stores apply FILE.csv"]


def test_as_json() -> None:
    found = as_dict(items(STORES, OFFER), NOW)
    assert found["versions"] == {"0.1.0": 3, "0.2.0": 1}
    assert (found["never_reported"], found["failed_upgrades"], found["revoked"]) == (1, 1, 1)
    assert found["stores"][1] == {
        "id": "B",
        "name": None,
        "reported": True,
        "agent_version": "0.1.0",
        "since": "2026-11-20T08:00:00Z",
        "last_seen": "2026-11-26T11:59:00Z",
        "age_seconds": 60,
        "upgrade": BACK,
        "offered": "0.2.0",
        "revoked_at": None,
    }


def test_how_far_an_offer_has_come() -> None:
    found = progress(OFFER, items(STORES, OFFER))
    assert (found.there, found.waiting, found.silent, found.others) == (("A",), (), ("D",), 2)
    assert found.failed == {"B": "rolled_back: check failed: database"}
    later = Manifest("0.3.0", "0" * 64, 1000, None, "2026-11-26T00:00:00Z")
    found = progress(later, items(STORES, later))
    assert found.waiting == ("A", "B", "C", "E")  # what failed before was another version
    assert list(found.lines()) == [
        "0.3.0, published 2026-11-26T00:00:00Z, offered to 5 stores",
        "0 have it",
        "4 wait: A, B, C, E",
        "1 never reported: D",
        "0 failed",
        "0 are not offered it",
    ]


def test_versions_are_counted_the_most_first() -> None:
    found = counted(items(STORES, None))
    assert list(found.items()) == [("0.1.0", 3), ("0.2.0", 1), ("never reported", 1)]


def test_list_names_an_upgrade_that_is_not_done() -> None:
    assert STORES[1].wrong() == ["upgrade to 0.2.0 rolled_back: check failed: database"]
    assert STORES[0].wrong() == []
    assert STORES[1].as_dict(NOW, None)["upgrade"] == BACK


@pytest.fixture
def cluster(cluster: OpenSearchCluster) -> Iterator[OpenSearchCluster]:
    """Without a register before, and without one for whoever comes next."""
    if "pabx-register" in cluster.request("GET", "/_ingest/pipeline"):
        cluster.request("DELETE", "/_ingest/pipeline/pabx-register")
    yield cluster
    if "pabx-register" in cluster.request("GET", "/_ingest/pipeline"):
        cluster.request("DELETE", "/_ingest/pipeline/pabx-register")


@pytest.mark.servers
def test_of_the_cluster(cluster: OpenSearchCluster, central: Central, tmp_path: Path) -> None:
    file = tmp_path / "stores.csv"
    file.write_text("id,name,timezone\nLoja001,Um,America/Sao_Paulo\nLoja002,Dois,America/Sao_Paulo\n")
    assert central("stores", "apply", file, "--url", cluster.url).code == 0
    beat: dict[str, Any] = {
        "@timestamp": "2026-11-23T05:10:07Z",
        "event": {
            "id": "Loja001",
            "kind": "metric",
            "dataset": "pabx.store",
            "created": "2026-11-23T05:10:07Z",
        },
        "store": {"id": "Loja001", "timezone": "America/Sao_Paulo", "upgrade": BACK},
        "agent": {"version": "0.1.0"},
    }
    action = {"update": {"_index": "pabx-stores", "_id": "Loja001"}}
    body = json.dumps(action) + "\n" + json.dumps({"doc": beat, "doc_as_upsert": True}) + "\n"
    assert not cluster.request("POST", "/_bulk?refresh=true", body)["errors"]
    done = central("stores", "inventory", "--json", "--url", cluster.url, "--gate", tmp_path / "none")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["versions"] == {"0.1.0": 1}
    assert found["never_reported"] == 1
    assert found["stores"][0]["upgrade"] == BACK
    text = central("stores", "inventory", "--url", cluster.url, "--gate", tmp_path / "none").out
    assert "Loja001: check failed: database\n" in text
    assert text.endswith("2 registered, 0 revoked, 1 whose upgrade failed\n")
    listed = central("stores", "list", "--url", cluster.url, "--gate", tmp_path / "none").out
    assert "Loja001: upgrade to 0.2.0 rolled_back: check failed: database\n" in listed
