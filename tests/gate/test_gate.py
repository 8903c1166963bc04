"""The real Fluent Bit as head office's gate: what comes in, what does not, and what is left of it."""

import datetime as dt
import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest
from fluent.sender import EventTime

from central.certificates import Pair
from central.gate import certificates
from central.gate.gate import renew_certificate, revoke
from compose.stack import OpenSearchCluster
from shipper.document.identity import mark
from tests.gate.client import WHEN, Client, LoginError
from tests.gate.running import ABSENT, BINARY, Gate, documents, now, wait_idle
from tests.gate.test_frames import BAD
from tests.shipper.store import eventually

pytestmark = [pytest.mark.servers, pytest.mark.skipif(BINARY is None, reason=ABSENT)]


def section(gate: Gate, store: str = "Loja001", **changes: Any) -> dict[str, Any]:
    """A store's `output.forward`."""
    return {
        "ca_file": str(gate.stores / store / "ca.pem"),
        "shared_key": gate.folder.read("shared-key").strip(),
        "username": store,
        "password": gate.folder.credentials()[store].token,
        **changes,
    }


def found(cluster: OpenSearchCluster, pattern: str) -> dict[str, dict[str, Any]]:
    """`_id` to document, without what the pipeline adds."""
    hits = documents(cluster, pattern)
    assert len({hit["_id"] for hit in hits}) == len(hits)
    for hit in hits:
        hit["_source"]["event"].pop("ingested")
    return {hit["_id"]: hit for hit in hits}


def test_each_tag_goes_to_its_index(gate: Gate, cluster: OpenSearchCluster) -> None:
    with Client(gate, section(gate)) as client:
        old, new = (4 << 42) + 1024, (5 << 42) + 1024
        sent = {
            "pabx.cdr": client.document(1),
            "pabx.calls": client.document(2, "pabx.calls", sequence=new),
            "pabx.cdr.state": client.document(3, "pabx.cdr.state", sequence=new),
            "pabx.audit": client.document(4, "pabx.audit", sequence=new),
            "pabx.quarantine": client.document(5, "pabx.quarantine"),
        }
        for tag, record in sent.items():
            client.send(tag, record)
        wait_idle(gate)
        client.send("pabx.cdr", {**sent["pabx.cdr"], "tags": ["twice"]})
        for tag, number in (("pabx.calls", 2), ("pabx.cdr.state", 3), ("pabx.audit", 4)):
            client.send(tag, {**client.document(number, tag, sequence=old), "tags": ["older"]})
        wait_idle(gate)
    for tag, index, count in (
        ("pabx.cdr", "pabx-cdr-2026.11", 2),
        ("pabx.calls", "pabx-calls-2026.11", 1),
        ("pabx.cdr.state", "pabx-cdr-2026.11", 2),
        ("pabx.audit", "pabx-audit-2026.11", 1),
        ("pabx.quarantine", "pabx-quarantine-2026.11", 1),
    ):
        there = found(cluster, index)
        assert len(there) == count
        record = {key: value for key, value in sent[tag].items() if key != "proof"}
        assert there[record["event"]["id"]]["_source"] == record, tag
    assert not [name for name in gate.metrics() if "dropped" in name and gate.metrics()[name]]


def test_a_heartbeat_is_merged_into_the_stores_document(gate: Gate, cluster: OpenSearchCluster) -> None:
    register = {
        "@timestamp": "2026-11-23T05:10:07Z",
        "event": {"id": "Loja001"},
        "store": {"id": "Loja001", "name": "x"},
    }
    cluster.request("PUT", "/pabx-stores/_doc/Loja001?refresh=true", register)
    with Client(gate, section(gate)) as client, Client(gate, section(gate, "Loja002")) as other:
        beat = client.document(0, "pabx.stores", kind="metric")
        beat["store"]["spool_documents"] = 7
        client.send("pabx.stores", beat)
        forged = client.document(0, "pabx.stores", kind="metric", store="Loja001")
        other.send("pabx.stores", other.signed({**forged, "store": {"id": "Loja001"}}, "pabx.stores"))
        named = other.document(0, "pabx.stores", kind="metric")
        named["store"]["name"] = "another"
        other.send("pabx.stores", other.signed(named, "pabx.stores"))
        wait_idle(gate)
    stores = found(cluster, "pabx-stores")
    assert set(stores) == {"Loja001"}
    assert stores["Loja001"]["_source"]["store"]["name"] == "x"
    assert stores["Loja001"]["_source"]["store"]["spool_documents"] == 7
    assert "gate: refused 1 records, rule gate.register; the last one names store Loja002" in gate.log_text()


def twice(key: str, first: Any, second: Any, record: dict[str, Any]) -> bytes:
    """A packed entry whose record has one key twice."""
    packer = msgpack.Packer(autoreset=False)
    packer.pack_map_header(len(record) + 1)
    for name, value in ((key, first), (key, second), *((n, v) for n, v in record.items() if n != key)):
        packer.pack(name)
        packer.pack(value)
    return b"\x92" + msgpack.packb(EventTime(WHEN)) + bytes(packer.bytes())


def test_what_a_hostile_store_sends_touches_nobody_else(gate: Gate, cluster: OpenSearchCluster) -> None:
    """All of it in the same chunk files as another store's documents, which arrive all the same."""
    with Client(gate, section(gate)) as good, Client(gate, section(gate, "Loja002")) as bad:
        victim = good.document(1)
        taken = mark("Loja001") + f"{2:024x}"

        def sign(record: dict[str, Any], tag: str = "pabx.cdr") -> dict[str, Any]:
            return bad.signed(record, tag)

        mine = bad.document(1)
        hostile = [
            bad.document(1, store="Loja001"),  # another store's name, own proof
            {key: value for key, value in bad.document(2).items() if key != "proof"},
            sign({**mine, "event": {**mine["event"], "id": taken}}),  # own name, another's _id
            sign({**mine, "x": float("nan")}),
            sign({**mine, "x": 2**63 - 1}),
            sign({**mine, "event": {**mine["event"], "id": mark("Loja002") + '","_index":"x'}}),
            {"event": 3},
            {"x": float("inf"), "y": {"z": [None, -(2**63)]}},
            {"event": {"id": ["a"]}},
            {},
        ]
        good.send("pabx.cdr", victim)
        for record in hostile:
            bad.send("pabx.cdr", record)
        good.send("pabx.cdr", good.document(3))
        bad.send_raw("pabx.cdr", twice("event", {"id": taken}, mine["event"], mine))
        bad.send_raw("pabx.cdr", twice("store", {"id": "Loja001"}, mine["store"], mine))
        bad.send("pabx.cdr.state", sign({**mine, "event": {**mine["event"], "sequence": 2**62}}, "pabx.cdr"))
        bad.send("pabx.cdr", bad.document(9), at=5_000_000)
        bad.send("pabx.secret", bad.document(9, "pabx.secret"))
        bad.send("pabx-stores", {"event": {"id": "Loja001"}, "store": {"id": "Loja001"}})
        bad.send("pabx.stores", {"event": {"id": "Loja001"}, "store": {"id": "Loja001", "name": "mine"}})
        good.send("pabx.cdr", good.document(4))
        wait_idle(gate)
    rows = found(cluster, "pabx-cdr-*,pabx-calls-*")
    owned = {hit["_source"]["event"]["id"][-2:] for hit in rows.values() if hit["_id"][:8] == mark("Loja001")}
    assert owned == {"01", "03", "04"}
    assert {hit["_source"]["store"]["id"] for hit in rows.values() if hit["_id"][:8] == mark("Loja001")} == {
        "Loja001"
    }
    others = [hit for hit in rows.values() if hit["_id"][:8] != mark("Loja001")]
    # The two records with a key twice are read as they were judged, by their last value.
    assert {hit["_id"] for hit in others} <= {mine["event"]["id"]}
    refused = [hit["_source"] for hit in documents(cluster, "pabx-quarantine-*")]
    assert all("store" not in document for document in refused if document["quarantine"]["stage"] == "gate")
    rules = {document["quarantine"]["rule"] for document in refused}
    assert {"gate.proof", "gate.mark", "gate.value", "gate.event_id", "gate.tag"} <= rules
    months = {hit["_index"][-7:] for hit in documents(cluster, "pabx-*")} - {"-stores"}
    assert months <= {"2026.11", f"{now():%Y.%m}"}
    assert not documents(cluster, "pabx-stores")
    assert bad.section["password"] not in gate.log_text()


def test_what_is_no_record_never_reaches_the_files(gate: Gate, cluster: OpenSearchCluster) -> None:
    """Behind such an entry Fluent Bit reads no further, and the file is everybody's."""
    number = 0
    with Client(gate, section(gate)) as good:
        for raw in BAD.values():
            good.send("pabx.cdr", good.document(number))
            with Client(gate, section(gate, "Loja002")) as bad, pytest.raises((LoginError, OSError)):
                bad.send_raw("pabx.cdr", raw)
            good.send("pabx.cdr", good.document(number + 1))
            number += 2
    wait_idle(gate)
    assert set(found(cluster, "pabx-*")) == {mark("Loja001") + f"{n:024x}" for n in range(number)}


def test_no_id_of_a_stranger_blocks_what_is_sent_with_it(gate: Gate, cluster: OpenSearchCluster) -> None:
    """A request with an `_id` beyond 512 bytes fails as a whole, and Fluent Bit would repeat it for ever."""
    begin = mark("Loja002")
    taken = {"delete": {"_index": "pabx-cdr-2026.11", "_id": mark("Loja001") + f"{0:024x}"}}
    short = [begin + '"}}\n' + json.dumps(taken) + '\n{"x":"', 'a"b\nc\\', "\0", "\u2028", "é" * 80]
    long = ["x" * 2000, begin + "0" * 600, begin + "0" * 153, "é" * 81, "x" * 100_000]
    names = [*short, *long]
    with Client(gate, section(gate)) as good, Client(gate, section(gate, "Loja002")) as bad:
        for number, name in enumerate(names):
            good.send("pabx.cdr", good.document(number))
            for tag in ("pabx.cdr", "pabx.calls", "pabx.secret"):
                record = bad.document(number, tag)
                record["event"]["id"] = name
                bad.send(tag, record, bad.signed(record, tag), bad.document(number, tag))
            good.send("pabx.calls", good.document(number, "pabx.calls"))
        wait_idle(gate)
    numbers = range(len(names))
    expected = {mark(store) + f"{n:024x}" for n in numbers for store in ("Loja001", "Loja002")}
    assert set(found(cluster, "pabx-cdr-*")) == set(found(cluster, "pabx-calls-*")) == expected
    kept = [hit["_source"]["quarantine"] for hit in documents(cluster, "pabx-quarantine-*")]
    rules: dict[str, list[str]] = {name: [] for name in names}
    for one in kept:
        event = one["document"]["event"]
        if "given_id" in event:  # the third of pabx.secret has an id that nothing is wrong with
            rules[event["given_id"]].append(one["rule"])
            assert re.fullmatch(r"gate-\d+-\d+", event["id"])
    of_short = ["gate.mark"] * 2 + ["gate.proof"] * 2 + ["gate.tag"] * 2
    of_long = ["gate.event_id"] * 4 + ["gate.tag"] * 2
    assert {name: sorted(found_rules) for name, found_rules in rules.items()} == {
        **dict.fromkeys(short, of_short),
        **dict.fromkeys(long, of_long),
    }


def test_no_long_name_blocks_what_is_sent_with_it(gate: Gate, cluster: OpenSearchCluster) -> None:
    """A request with a field's name beyond 50,000 characters fails as a whole, too."""
    names = ["x" * 60_000, "a" + "é" * 60_000]  # the second is cut within a letter
    with Client(gate, section(gate)) as good, Client(gate, section(gate, "Loja002")) as bad:
        for number, name in enumerate(names):
            good.send("pabx.cdr", good.document(number))
            record = bad.document(10 + number)
            parts: list[dict[str, Any]] = [{name: 1}, {"cdr": {name: 1}}, {"cdr": {name: float("nan")}}]
            bad.send("pabx.cdr", *(record | more for more in parts), bad.document(number))
            good.send("pabx.calls", good.document(number, "pabx.calls"))
        wait_idle(gate)
    expected = {mark(store) + f"{n:024x}" for n in range(2) for store in ("Loja001", "Loja002")}
    assert set(found(cluster, "pabx-cdr-*")) == expected
    kept = [hit["_source"]["quarantine"] for hit in documents(cluster, "pabx-quarantine-*")]
    assert [one["rule"] for one in kept] == ["gate.value"] * 6
    longest = [max((*one["document"], *one["document"].get("cdr", ())), key=len) for one in kept]
    assert sorted(name[:512] for name in longest) == sorted(["x" * 512, "a" + "é" * 511] * 3)
    assert {len(name.encode()) <= 1026 for name in longest} == {True}


STEERING = (
    "_routing",
    "_if_seq_no",
    "_if_primary_term",
    "_version",
    "_version_type",
    "_index",
    "_id",
    "_ingest",
)


def test_no_field_steers_how_the_cluster_writes(gate: Gate, cluster: OpenSearchCluster) -> None:
    """Some of them would fail all that is in the request, others have the cluster say "there already"."""
    values = [7, 2**40, -(2**40), "x", {"a": 1}, [1], True]
    wrong = [{name: value} for name in STEERING for value in values]
    wrong.append({"_if_seq_no": 2**40, "_if_primary_term": 2**40})
    with Client(gate, section(gate)) as good, Client(gate, section(gate, "Loja002")) as bad:
        for number, more in enumerate(wrong):
            for tag in ("pabx.cdr", "pabx.calls"):
                record = bad.document(1000 + number, tag) | more
                unproved = bad.document(2000 + number, tag) | more | {"proof": "x"}
                bad.send(tag, record, unproved, bad.document(number, tag))
                good.send(tag, good.document(number, tag))
            bad.send("pabx.stores", bad.document(0, "pabx.stores", kind="metric") | more)
        good.send("pabx.stores", good.document(0, "pabx.stores", kind="metric"))
        wait_idle(gate)
    numbers = range(len(wrong))
    expected = {mark(store) + f"{n:024x}" for n in numbers for store in ("Loja001", "Loja002")}
    assert set(found(cluster, "pabx-cdr-*")) == set(found(cluster, "pabx-calls-*")) == expected
    assert set(found(cluster, "pabx-stores")) == {"Loja001"}
    kept = [hit["_source"]["quarantine"] for hit in documents(cluster, "pabx-quarantine-*")]
    rules = sorted((one["document"]["event"]["id"], one["rule"]) for one in kept)
    assert rules == sorted(
        (mark("Loja002") + f"{start + number:024x}", rule)
        for number in numbers
        for start, rule in ((1000, "gate.name"), (2000, "gate.proof"))
        for _ in ("pabx.cdr", "pabx.calls")
    )
    for one in kept:  # the rest of these names are the cluster's own; what else it holds is there
        names = one["document"].keys()
        assert {"@timestamp", "event", "store", "agent", "local"} <= names
        assert names & {"_version", "_version_type", "_index", "_id", "_ingest"} == set()


def test_without_a_door(make_gate: Callable[..., Gate]) -> None:
    """Fluent Bit's own TLS: half a second in each handshake, for a few stores."""
    gate = make_gate(door=False)
    gate.enrol("Loja001")
    gate.start()
    with Client(gate, section(gate)) as client:
        client.send("pabx.cdr", client.document(1))
    with pytest.raises((OSError, LoginError)):
        Client(gate, section(gate), tls=False)
    with pytest.raises(LoginError, match="mismatch"):
        Client(gate, section(gate, password="wrong"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "username/password mismatch"),
        ({"username": "Loja009"}, "username/password mismatch"),
        ({"username": "Loja002"}, "username/password mismatch"),
        ({"shared_key": "wrong"}, "connection closed"),
    ],
)
def test_who_is_not_let_in(
    gate: Gate, cluster: OpenSearchCluster, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(LoginError, match=words):
        Client(gate, section(gate, **change))
    gate.stop()
    assert documents(cluster, "pabx-*") == []


def test_a_plain_client_and_another_authority(gate: Gate, tmp_path: Path) -> None:
    with pytest.raises((OSError, LoginError)):
        Client(gate, section(gate), tls=False)
    other = tmp_path / "other.pem"
    other.write_text(certificates.make_authority(now()).certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        Client(gate, section(gate, ca_file=str(other)))
    with Client(gate, section(gate)) as client:  # and nobody else was disturbed
        client.send("pabx.cdr", client.document(1))


def test_a_certificate_that_ended_and_its_renewal(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate()
    gate.enrol("Loja001")
    folder = gate.folder
    authority = Pair(folder.read("ca.pem"), folder.read("ca-key.pem"))
    ended = certificates.make_server(authority, "localhost", now() - dt.timedelta(days=2), days=1)
    folder.write("server.pem", ended.certificate)
    folder.write("server-key.pem", ended.key, secret=True)
    gate.start()
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        Client(gate, section(gate))
    renew_certificate(folder, now())

    def comes_in() -> bool:
        with suppress(ssl.SSLCertVerificationError), Client(gate, section(gate)) as client:
            client.send("pabx.cdr", client.document(1))
            return True
        return False

    eventually(comes_in, "the renewed certificate")


def test_client_certificates(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate(client_certificates=True)
    gate.enrol("Loja001")
    gate.start()
    with pytest.raises((OSError, LoginError)):
        Client(gate, section(gate))
    with Client(gate, section(gate), certificate=gate.stores / "Loja001" / "client") as client:
        client.send("pabx.cdr", client.document(1))


def test_stores_come_and_go_while_records_flow(gate: Gate, cluster: OpenSearchCluster) -> None:
    """Enrolled, renewed and revoked under way: every acknowledged record of the others arrives."""
    acknowledged: list[int] = []
    stop = threading.Event()

    def stream() -> None:
        number = 0
        while not stop.is_set():
            try:
                with Client(gate, section(gate)) as client:
                    while not stop.is_set():
                        batch = range(number, number + 20)
                        client.send("pabx.cdr", *(client.document(n) for n in batch))
                        acknowledged.extend(batch)
                        number += 20
                        time.sleep(0.01)
            except (OSError, LoginError, AssertionError):
                time.sleep(0.2)

    def taken_in() -> None:
        gate.take_in()
        before = len(acknowledged)
        eventually(lambda: len(acknowledged) > before + 100, "records that flow again")

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        for _ in range(3):
            gate.enrol("Loja003", renew=True)
            taken_in()
            with Client(gate, section(gate, "Loja003")) as new:
                new.send("pabx.cdr", new.document(1))
            gate.enrol("Loja002", renew=True)
            old = section(gate, "Loja003")
            revoke(gate.folder, "Loja003")
            taken_in()
            with pytest.raises(LoginError, match="mismatch"):
                Client(gate, old)
    finally:
        stop.set()
        thread.join()
    wait_idle(gate)
    cluster.request("POST", "/pabx-*/_refresh")
    count = cluster.request("GET", "/pabx-cdr-*/_count")["count"]
    assert len(acknowledged) > 500
    assert count == len(set(acknowledged)) + 1  # Loja003's
    assert documents(cluster, "pabx-quarantine-*") == []


def test_a_reload_while_the_cluster_is_down(tmp_path: Path) -> None:
    """The gate is open again soon, and what it had acknowledged is still there."""
    gate = Gate(tmp_path / "gates", None)
    gate.enrol("Loja001")
    gate.start()
    try:
        with Client(gate, section(gate)) as client:
            client.send("pabx.cdr", client.document(1))
        eventually(lambda: "failed to flush chunk" in gate.log_text(), "a first try")
        gate.enrol("Loja002")
        gate.take_in()
        with Client(gate, section(gate, "Loja002")) as client:
            client.send("pabx.cdr", client.document(2))
        eventually(lambda: gate.chunks() == 2, "two files")
    finally:
        gate.close()


def test_killed_again_and_again_no_acknowledged_record_is_lost(
    gate: Gate, cluster: OpenSearchCluster
) -> None:
    acknowledged = 0
    for _ in range(4):
        with Client(gate, section(gate)) as client:
            for _ in range(20):
                batch = range(acknowledged, acknowledged + 25)
                client.send("pabx.cdr", *(client.document(n) for n in batch))
                acknowledged += 25
            gate.kill()
        gate.start()
    wait_idle(gate)
    assert len(found(cluster, "pabx-cdr-*")) == acknowledged == 2000
