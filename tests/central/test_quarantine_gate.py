"""What the real gate refused, and an operator then vouches for, is as if the gate had taken it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from shipper.document.identity import mark
from tests.central.outcome import Outcome
from tests.gate.client import Client
from tests.gate.running import ABSENT, BINARY, Gate, documents, wait_idle

pytestmark = [pytest.mark.servers, pytest.mark.skipif(BINARY is None, reason=ABSENT)]

SEPTEMBER = "2026-09-30T23:59:59Z"
SEQUENCE = (5 << 42) + 1024


@pytest.fixture
def gate(cluster: OpenSearchCluster, tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path / "gates", cluster)
    made.enrol("Loja001")
    made.start()
    yield made
    made.close()


def test_from_the_gate_to_its_place(
    gate: Gate, cluster: OpenSearchCluster, central: Callable[..., Outcome]
) -> None:
    section = {
        "ca_file": str(gate.stores / "Loja001" / "ca.pem"),
        "shared_key": gate.folder.read("shared-key").strip(),
        "username": "Loja001",
        "password": gate.folder.credentials()["Loja001"].token,
    }
    with Client(gate, section) as client:
        row = client.document(1) | {"@timestamp": SEPTEMBER, "cdr": {"duration": 5, "src": "100"}}
        call = client.document(2, "pabx.calls", sequence=SEQUENCE) | {"@timestamp": SEPTEMBER}
        for tag, record in (("pabx.cdr", row), ("pabx.calls", call)):
            client.send(tag, record | {"proof": "ab" * 16})
        client.send("pabx.cdr", client.document(3) | {"x": 2.0**60})
        client.send("pabx.cdr", {"event": 3})
        wait_idle(gate)
    refused = [hit["_source"] for hit in documents(cluster, "pabx-*")]
    assert sorted((one["quarantine"]["rule"], one["quarantine"]["path"]) for one in refused) == [
        ("gate.event_id", "event.id"),
        ("gate.proof", "store.id"),
        ("gate.proof", "store.id"),
        ("gate.value", "document"),
    ]
    outcome = central(
        *("quarantine", "release", "--rule", "gate.proof", "--as-store", "Loja001"),
        *("--json", "--url", cluster.url),
    )
    assert (outcome.code, len(json.loads(outcome.out)["released"])) == (0, 2), outcome
    cluster.request("POST", "/pabx-*/_refresh")
    placed: dict[str, Any] = {hit["_index"]: hit for hit in documents(cluster, "pabx-cdr-*,pabx-calls-*")}
    assert sorted(placed) == ["pabx-calls-2026.09", "pabx-cdr-2026.09"]
    for index, record in (("pabx-cdr-2026.09", row), ("pabx-calls-2026.09", call)):
        source = placed[index]["_source"]
        assert source["event"].pop("ingested")
        assert source == {name: value for name, value in record.items() if name != "proof"}
        assert placed[index]["_id"][:8] == mark("Loja001")
    assert len(documents(cluster, "pabx-quarantine-*")) == 2
