"""How the gate is, as a document: from recorded answers of Fluent Bit 5.1.1, and from the real one."""

import datetime as dt
import json
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import fastjsonschema
import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.cli import main
from central.gate.health import Reading, Sample, Waiting, document, per_minute, sample_of
from central.gate.login import Login
from central.gate.reporter import Reporter, connection_of, waiting_in
from compose.stack import OpenSearchCluster
from compose.stack.ports import free_port
from shipper.schema import load
from tests.gate.client import Client, LoginError
from tests.gate.running import ABSENT, BINARY, Gate, documents, wait_idle
from tests.shipper.store import eventually

needs_fluent_bit = pytest.mark.skipif(BINARY is None, reason=ABSENT)
DATA = Path(__file__).parents[1] / "data" / "fluent-bit-5.1.1"
WAITING = (DATA / "waiting.txt").read_text()
"""The cluster is down for a minute: 50 rows and a refused record wait, a heartbeat was given up."""
GIVEN_UP = (DATA / "given-up.txt").read_text()
"""Likewise; eight heartbeats were given up, and its health is an error for that."""
VALID = fastjsonschema.compile(load("gate"), use_default=False)
NOW = dt.datetime(2026, 11, 23, 5, 10, 7, tzinfo=dt.UTC)
READING = Reading(
    answers=True,
    metrics=WAITING,
    waiting=Waiting(2, 40960, NOW.timestamp() - 59.9),
    free_bytes=5_000_000_000,
    certificate_ends=NOW + dt.timedelta(days=30, hours=1),
    connections=2,
    logins_refused=3,
)


def described(reading: Reading, earlier: Sample | None = None, at: float = 100.0) -> dict[str, Any]:
    """The `gate` object of a document that the schema allows."""
    made = document("gate1", reading, sample_of(reading, at), earlier, NOW)
    VALID(made)
    gate: dict[str, Any] = made["gate"]
    return gate


def test_the_document_of_a_gate_whose_cluster_is_down() -> None:
    before = Sample(40.0, {"received": 2, "retries": 14, "logins_refused": 3, "delivered": 0})
    assert document("gate1", READING, sample_of(READING, 100.0), before, NOW) == {
        "@timestamp": "2026-11-23T05:10:07Z",
        "event": {
            "id": "gate1",
            "kind": "metric",
            "dataset": "pabx.gate",
            "created": "2026-11-23T05:10:07Z",
        },
        "host": {"name": "gate1"},
        "gate": {
            "state": "ok",
            "version": "5.1.1",
            "uptime_seconds": 61,
            "received": 52,
            "received_per_minute": 50,
            "delivered": 0,
            "delivered_per_minute": 0,
            "errors": 0,
            "retries": 17,
            "retries_per_minute": 3,
            "retries_failed": 0,
            "dropped": 0,
            "dropped_states": 1,
            "waiting_chunks": 2,
            "waiting_bytes": 40960,
            "oldest_seconds": 59,
            "free_bytes": 5_000_000_000,
            "input_paused": False,
            "log_errors": 1,
            "connections": 2,
            "logins_refused": 3,
            "logins_refused_per_minute": 0,
            "certificate_days": 30,
        },
    }


def test_heartbeats_that_were_given_up_are_no_loss_but_its_own_health_counts() -> None:
    found = described(replace(READING, metrics=GIVEN_UP, trouble="Fluent Bit answers 500 error"))
    assert (found["state"], found["message"]) == ("unhealthy", "Fluent Bit answers 500 error")
    assert (found["dropped"], found["retries_failed"], found["dropped_states"]) == (0, 0, 8)
    assert found["log_errors"] == 8


def test_what_is_lost_is_counted() -> None:
    lost = WAITING
    for name, number in (("rows", 40), ("calls", 2), ("live", 9)):
        lost = lost.replace(
            f'dropped_records_total{{name="{name}"}} 0', f'dropped_records_total{{name="{name}"}} {number}'
        )
    lost = lost.replace('retries_failed_total{name="rows"} 0', 'retries_failed_total{name="rows"} 4')
    lost += 'fluentbit_routing_logs_drop_records_total{input="forward.0"} 5\n'
    found = described(replace(READING, metrics=lost))
    assert (found["dropped"], found["dropped_states"], found["retries_failed"]) == (47, 10, 4)


def test_a_paused_input_is_not_well() -> None:
    paused = WAITING.replace('paused{name="forward.0"} 0', 'paused{name="forward.0"} 1')
    found = described(replace(READING, metrics=paused))
    assert (found["state"], found["input_paused"]) == ("unhealthy", True)
    assert found["message"] == "Fluent Bit takes in nothing until what waits is delivered"
    other = WAITING.replace('paused{name="storage_backlog.1"} 0', 'paused{name="storage_backlog.1"} 1')
    assert described(replace(READING, metrics=other))["state"] == "ok"


def test_one_that_does_not_answer() -> None:
    """What lies on the disk, and what the door knows, is known all the same."""
    found = described(replace(READING, answers=False, trouble="Fluent Bit does not answer", metrics=None))
    assert found == {
        "state": "down",
        "message": "Fluent Bit does not answer",
        "waiting_chunks": 2,
        "waiting_bytes": 40960,
        "oldest_seconds": 59,
        "free_bytes": 5_000_000_000,
        "connections": 2,
        "logins_refused": 3,
        "certificate_days": 30,
    }


def test_what_is_not_known_is_left_out() -> None:
    """In its first seconds it has no metrics yet."""
    assert described(Reading(answers=True)) == {"state": "ok"}


def test_nothing_waits_and_the_certificate_has_ended() -> None:
    reading = replace(
        READING, waiting=Waiting(0, 0, None), certificate_ends=NOW - dt.timedelta(days=2, hours=1)
    )
    found = described(reading)
    assert (found["waiting_chunks"], found["oldest_seconds"], found["certificate_days"]) == (0, 0, -3)
    ahead = replace(READING, waiting=Waiting(1, 1, NOW.timestamp() + 50))
    assert described(ahead)["oldest_seconds"] == 0


def test_differences_are_of_a_minute() -> None:
    now = Sample(130.0, {"received": 400, "errors": 3, "retries": 10, "dropped": 1})
    before = Sample(100.0, {"received": 100, "errors": 3, "retries": 90})
    # `retries` was set back: Fluent Bit has read its files again, and counts from 0.
    assert per_minute(now, before) == {"received": 600, "errors": 0, "retries": 20}
    assert per_minute(now, None) == {}
    assert per_minute(now, now) == {}


LINES = st.sampled_from(WAITING.splitlines())
DAMAGED = st.one_of(LINES, st.text(max_size=80), st.tuples(LINES, st.text(max_size=3)).map("".join))


@given(st.lists(DAMAGED, max_size=20).map("\n".join))
def test_whatever_it_answers_the_document_is_one(metrics: str) -> None:
    described(replace(READING, metrics=metrics), Sample(0.0, {"received": 1}))


def test_files_are_counted_wherever_they_lie(tmp_path: Path) -> None:
    assert waiting_in(tmp_path) == Waiting(0, 0, None)
    for name, size in (
        ("forward.0/8866-1795682953.175000724.flb", 36864),
        ("forward.0/8866-1795682950.181832292.flb", 4096),
        ("other.1/7-1795682960.1.flb", 1),
        ("other.1/notes.txt", 5000),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    assert waiting_in(tmp_path) == Waiting(3, 40961, 1795682950.0)


HELO = msgpack.packb(["HELO", {"nonce": b"\xff" * 16, "auth": b"\xc1" * 16}], use_bin_type=False)


def pong(*, good: bool) -> bytes:
    packed: bytes = msgpack.packb(
        ["PONG", good, "" if good else "username/password mismatch", "pabx-gate", "0"]
    )
    return packed


@given(st.integers(0, len(HELO + pong(good=True))), st.booleans())
def test_a_log_in_is_read_from_the_answer_however_it_is_cut(at: int, good: bool) -> None:
    answer = HELO + pong(good=good) + b"\x81\xa3ack\xa1c" * 2000
    login = Login()
    assert login.feed(answer[:at]) + login.feed(answer[at:]) == answer
    assert login.done is good


@given(st.binary(max_size=6000))
def test_what_is_no_log_in_passes_too(answer: bytes) -> None:
    login = Login()
    assert login.feed(answer) == answer
    assert not login.done


def gate_document(cluster: OpenSearchCluster) -> dict[str, Any]:
    """The one document of this machine; empty: there is none."""
    hits = documents(cluster, "pabx-gate")
    assert {hit["_id"] for hit in hits} <= {socket.gethostname()}
    found: dict[str, Any] = hits[0]["_source"] if hits else {}
    if found:
        VALID(found)
    return found


@pytest.mark.servers
@needs_fluent_bit
def test_the_door_writes_it_every_half_minute(
    make_gate: Callable[..., Gate], cluster: OpenSearchCluster
) -> None:
    gate = make_gate()
    section = gate.enrol("Loja001")
    gate.start_door()
    first = eventually(lambda: gate_document(cluster), "the first document")
    assert first["gate"]["state"] == "down"
    assert f"does not answer on 127.0.0.1:{gate.settings.http_port}" in first["gate"]["message"]
    gate.start()
    with Client(gate, section) as client:
        client.send("pabx.cdr", *(client.document(number) for number in range(5)))
        for wrong in ("password", "shared_key"):
            with pytest.raises(LoginError):
                Client(gate, {**section, wrong: "x"})
        wait_idle(gate)
        found = eventually(
            lambda: (made := gate_document(cluster))["gate"]["state"] == "ok" and made, "the next one", 45
        )
    known = found["gate"]
    assert (known["connections"], known["logins_refused"]) == (1, 2)
    assert (known["received"], known["delivered"], known["dropped"], known["errors"]) == (5, 5, 0, 0)
    assert (known["waiting_chunks"], known["oldest_seconds"], known["input_paused"]) == (0, 0, False)
    assert (known["version"], known["certificate_days"]) == ("5.1.1", 824)
    assert 0 < known["uptime_seconds"] < 60
    assert known["logins_refused_per_minute"] in range(3, 5)  # two within some 30 s
    assert known["last_seen"] == found["event"]["ingested"]
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(known["last_seen"])
    assert age < dt.timedelta(seconds=60)


@pytest.mark.servers
@needs_fluent_bit
def test_what_waits_is_told_and_so_is_its_end(gate: Gate, cluster: OpenSearchCluster) -> None:
    cluster.request("PUT", "/pabx-cdr-2026.11", {"settings": {"index.blocks.write": True}})
    reporter = Reporter(gate.folder)
    with Client(gate, section(gate)) as client:
        client.send("pabx.cdr", *(client.document(number) for number in range(5)))
    eventually(lambda: reporter.document(gate.settings)["gate"].get("retries"), "a first try", 30)
    time.sleep(2)
    reporter.write()
    known = gate_document(cluster)["gate"]
    assert known["waiting_chunks"] == 1
    assert known["oldest_seconds"] >= 2
    assert (known["received"], known["delivered"]) == (5, 0)
    gate.kill()
    reporter.write()
    known = gate_document(cluster)["gate"]
    assert (known["state"], known["waiting_chunks"], "received" in known) == ("down", 1, False)
    cluster.request("PUT", "/pabx-cdr-2026.11/_settings", {"index.blocks.write": False})
    gate.start()
    wait_idle(gate)
    reporter.write()
    known = gate_document(cluster)["gate"]
    assert (known["state"], known["waiting_chunks"], known["waiting_bytes"]) == ("ok", 0, 0)


def section(gate: Gate) -> dict[str, Any]:
    """Of Loja001."""
    return {
        "ca_file": str(gate.stores / "Loja001" / "ca.pem"),
        "shared_key": gate.folder.read("shared-key").strip(),
        "username": "Loja001",
        "password": gate.folder.credentials()["Loja001"].token,
    }


@pytest.mark.servers
def test_a_cluster_that_is_down_is_one_line_and_one_when_it_is_back(
    make_gate: Callable[..., Gate], cluster: OpenSearchCluster, caplog: pytest.LogCaptureFixture
) -> None:
    gate = make_gate()
    reporter = Reporter(gate.folder)
    caplog.set_level(logging.INFO, "central.gate")
    gate.folder.write_settings(replace(gate.settings, opensearch_port=free_port()))
    for _ in range(3):
        reporter.write()
    gate.folder.write_settings(gate.settings)
    for _ in range(2):
        reporter.write()
    told = [record.getMessage() for record in caplog.records if record.name == "central.gate"]
    assert len(told) == 2
    assert "cannot be written into the cluster: http://127.0.0.1:" in told[0]
    assert "connection refused" in told[0]
    assert told[1] == "how the gate is can be written into the cluster again"
    assert gate_document(cluster)["gate"]["state"] == "down"


@pytest.mark.servers
def test_a_door_whose_cluster_does_not_answer_lets_in_all_the_same(make_gate: Callable[..., Gate]) -> None:
    """It takes connections and says nothing: the worst that a cluster can do."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gate = make_gate(opensearch_host="127.0.0.1", opensearch_port=silent.getsockname()[1])
        gate.start_door()
        silent.accept()[0].close()
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", gate.port), 5):
            assert time.monotonic() - began < 1
        assert gate.door
        gate.door.terminate()
        assert gate.door.wait(5) == 0
        assert "Traceback" not in gate.door_text()


@pytest.mark.servers
@needs_fluent_bit
def test_no_store_writes_it(gate: Gate, cluster: OpenSearchCluster) -> None:
    """Neither under a tag of its name, nor as its dataset, nor by what a request says."""
    forged = {"host": {"name": "gate1"}, "gate": {"state": "ok"}, "_index": "pabx-gate"}
    with Client(gate, section(gate)) as client:
        for tag in ("pabx.gate", "pabx-gate", "pabx.cdr", "pabx.calls", "pabx.stores", "pabx.live"):
            for dataset in ("pabx.gate", "pabx.cdr", "pabx.store", "pabx.live"):
                body = {**client.document(1, tag, dataset=dataset), **forged}
                client.send(tag, client.signed({k: v for k, v in body.items() if k != "proof"}, tag))
                bare = {key: value for key, value in body.items() if key not in {"store", "proof", "_index"}}
                client.send(tag, bare)
    wait_idle(gate)
    assert gate_document(cluster)["host"] == {"name": socket.gethostname()}
    refused = {hit["_source"]["quarantine"]["rule"] for hit in documents(cluster, "pabx-quarantine-*")}
    assert {"gate.tag", "gate.name", "gate.store_id"} <= refused
    assert not documents(cluster, "pabx-stores")


@pytest.mark.servers
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": {"id": "gate1", "dataset": "pabx.store"}}, "event.dataset: not pabx.gate"),
        ({"event": {"id": "gate2", "dataset": "pabx.gate"}}, "event.id: not the same as host.name"),
        ({"host": {}}, "host.name: missing, or not a text"),
        ({"gate": {"state": 1}}, "gate.state: missing, or not a text"),
        ({"gate": None}, "gate.state: missing, or not a text"),
        ({"@timestamp": None}, "@timestamp: missing, or not a text"),
    ],
)
def test_the_pipeline_takes_nothing_else(cluster: OpenSearchCluster, change: Any, message: str) -> None:
    """The index's own pipeline, where the request names none; it refuses, and puts nothing aside."""
    good = document("gate1", READING, sample_of(READING, 1.0), None, NOW)
    path = "/pabx-gate/_doc/gate1?refresh=true"
    cluster.request("PUT", path, good)
    with pytest.raises(HTTPError) as refused:
        cluster.request("PUT", path, {**good, **change})
    with refused.value as answer:
        assert message in answer.read().decode()
    with pytest.raises(HTTPError) as other:
        cluster.request("PUT", path.replace("gate1", "gate2"), good)
    other.value.close()
    (hit,) = documents(cluster, "pabx-gate")
    source = hit["_source"]
    assert source["gate"].pop("last_seen") == source["event"].pop("ingested")
    assert (hit["_id"], source) == ("gate1", good)
    assert documents(cluster, "pabx-quarantine-*") == []


def test_it_writes_where_fluent_bit_does(tmp_path: Path) -> None:
    made = Gate(tmp_path, None).settings
    ca = str(tmp_path / "ca.pem")
    secure = replace(
        made, opensearch_host="::1", opensearch_tls=True, opensearch_user="gate", opensearch_ca_file=ca
    )
    assert connection_of(made).url == "http://127.0.0.1:9"
    found = connection_of(replace(secure, opensearch_password="secret"))
    assert (found.url, found.user, found.password) == ("https://[::1]:9", "gate", "secret")
    assert (str(found.ca_file), found.timeout) == (ca, 10.0)


def test_status_gives_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate = Gate(tmp_path, None)
    with pytest.raises(SystemExit) as end:
        main(["gate", "status", "--json", "--gate", str(gate.folder.path)])
    found = json.loads(capsys.readouterr().out)
    VALID(found)
    assert (end.value.code, found["gate"]["state"], found["gate"]["certificate_days"]) == (0, "down", 824)
