"""What not even the quarantine took; and documents that wait without holding up others."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from shipper.agent.sending import Sending
from shipper.config import OpenSearchSettings
from shipper.document.model import Document, Origin, encode
from shipper.document.quarantine import Quarantine
from shipper.document.validate import Invalid
from shipper.outputs import OpenSearchOutput, Outcome
from shipper.spool import Refusal, Spool, Spooled
from tests.servers import CdrDatabase
from tests.shipper.store import Store, count, eventually, fill

ORIGIN = Origin("Loja001", "America/Sao_Paulo", "1.0")


def row(number: int, month: str = "2026.11") -> Document:
    key = f"{number:032x}"
    at = f"{month.replace('.', '-')}-23T08:10:07Z"
    body = {
        "@timestamp": at,
        "event": {"id": key, "kind": "event", "dataset": "pabx.cdr", "created": at, "start": at},
        "store": {"id": "Loja001", "timezone": "America/Sao_Paulo"},
        "agent": {"version": "1.0"},
        "cdr": {"src": "100"},
    }
    return Document(f"pabx-cdr-{month}", key, encode(body).encode())


def quarantined(number: int) -> Document:
    return Quarantine(ORIGIN).document(
        f"{number:032x}",
        stage="document",
        dataset="pabx.cdr",
        index="pabx-cdr-2026.11",
        document={"cdr": {"duration": "long"}},
        reason=Invalid("cdr.duration", "type", "cdr.duration: must be integer, got 'long'"),
        created="2026-11-23T08:10:15.123Z",
    )


def keep(path: Path, *documents: Document) -> None:
    spool = Spool(path)
    spool.add(documents)
    batch = spool.take(100, 10**6)
    spool.settle([], refused=[Refusal(document, "mapper_parsing_exception: no") for document in batch])
    spool.close()


@pytest.mark.servers
class TestCommand:
    def test_lists_each_with_its_reason(self, store: Store) -> None:
        keep(store.spool, quarantined(1), quarantined(2))
        result = store.run("refused")
        assert (result.code, result.err) == (0, "")
        first, why, reason = result.out.splitlines()[:3]
        assert first.startswith("1  20")
        assert first.endswith(f"Z  pabx-quarantine-2026.11/{1:032x}")
        assert why == (
            "    refused (document, cdr.duration, type): cdr.duration: must be integer, got 'long'"
        )
        assert reason == "    and by the quarantine: mapper_parsing_exception: no"
        assert store.status()["refused"] == 2

    def test_as_json(self, store: Store) -> None:
        keep(store.spool, quarantined(1))
        (found,) = json.loads(store.run("refused", "--json").out)
        assert found.pop("at").endswith("Z")
        assert found == {
            "number": 1,
            "index": "pabx-quarantine-2026.11",
            "id": f"{1:032x}",
            "reason": "mapper_parsing_exception: no",
            "stage": "document",
            "path": "cdr.duration",
            "rule": "type",
            "message": "cdr.duration: must be integer, got 'long'",
            "document": {"cdr": {"duration": "long"}},
        }

    def test_nothing_is_kept(self, store: Store) -> None:
        Spool(store.spool).close()
        assert store.run("refused").out == "shipper: no document is kept here\n"
        assert json.loads(store.run("refused", "--json", "--release").out) == []

    def test_without_a_spool(self, store: Store) -> None:
        for arguments in (("refused",), ("refused", "--release")):
            result = store.run(*arguments)
            assert (result.code, result.out) == (1, "")
            assert "no agent has run with this configuration yet" in result.line
        assert not store.spool.exists()

    def test_released_while_the_agent_runs(
        self, ready_store: Store, cluster: OpenSearchCluster, found: Any
    ) -> None:
        hostile = {
            "settings": {"index": {"default_pipeline": "_none", "mapping": {"ignore_malformed": False}}},
            "mappings": {
                "properties": {"store": {"properties": {"id": {"type": "ip", "ignore_malformed": False}}}}
            },
        }
        spool = Spool(ready_store.spool)
        spool.add([quarantined(1)])
        spool.close()
        cluster.request("PUT", "/pabx-quarantine-2026.11", hostile)
        with ready_store.agent():
            eventually(lambda: ready_store.status()["refused"] == 1, "the refusal")
            cluster.request("DELETE", "/pabx-quarantine-2026.11")
            result = ready_store.run("refused", "--release")
            assert (result.code, result.err) == (0, "shipper: 1 put back, to be sent again\n")
            eventually(lambda: found("pabx-quarantine-*"), "the arrival")
        assert ready_store.status()["refused"] == 0
        (there,) = found("pabx-quarantine-*")
        assert there["_source"]["quarantine"]["path"] == "cdr.duration"


class Sender:
    def __init__(self, folder: Path, url: str) -> None:
        self.spool = Spool(folder / "spool.db")
        output = OpenSearchOutput(OpenSearchSettings(url=url))
        self.sending = Sending(output, self.spool, ORIGIN, threading.Event(), threading.Event())

    def steps(self) -> int:
        """Send all that this round sends; gives the number of requests."""
        number = 0
        while self.sending.step():
            number += 1
        return number


@pytest.fixture
def sender(tmp_path: Path, cluster: OpenSearchCluster) -> Iterator[Sender]:
    found = Sender(tmp_path, cluster.url)
    yield found
    found.sending.close()


@pytest.mark.servers
class TestAClosedIndex:
    @pytest.fixture(autouse=True)
    def closed(self, cluster: OpenSearchCluster) -> Iterator[None]:
        """October is closed, as an index that was moved to cheaper storage may be."""
        cluster.request("PUT", "/pabx-cdr-2026.10")
        cluster.request("POST", "/pabx-cdr-2026.10/_close")
        yield
        cluster.request("DELETE", "/pabx-cdr-2026.10")

    def open(self, cluster: OpenSearchCluster) -> None:
        cluster.request("POST", "/pabx-cdr-2026.10/_open")
        cluster.request("GET", "/_cluster/health/pabx-cdr-2026.10?wait_for_status=yellow&timeout=10s")

    def test_more_than_a_batch_for_it_does_not_hold_up_others(
        self, sender: Sender, cluster: OpenSearchCluster
    ) -> None:
        sender.spool.add([row(number, "2026.10") for number in range(2500)])
        sender.spool.add([row(number) for number in range(10_000, 10_500)])
        assert sender.steps() == 2  # one that finds out, one that goes past it
        assert count(cluster, "pabx-cdr-2026.11") == 500
        assert (sender.spool.depth()[0], sender.spool.waiting()) == (2500, 2500)
        # What comes now, of another month, goes at once.
        sender.spool.add([row(20_000)])
        assert sender.steps() == 1
        assert count(cluster, "pabx-cdr-2026.11") == 501
        self.open(cluster)
        sender.sending.drain()
        assert sender.spool.is_empty()
        assert sender.spool.waiting() == 0
        assert count(cluster, "pabx-cdr-2026.10") == 2500
        assert sender.spool.counters()["delivered"] == 3001
        assert sender.sending.error is None

    def test_numbers_that_are_used_again_are_not_gone_past(
        self, sender: Sender, cluster: OpenSearchCluster
    ) -> None:
        """SQLite gives the number behind the highest in use, which may have left."""
        sender.spool.add([row(1, "2026.10"), *[row(number) for number in range(10, 20)]])
        sender.steps()
        for number in range(20, 25):
            sender.spool.add([row(number)])
            sender.steps()
        assert count(cluster, "pabx-cdr-2026.11") == 15
        assert sender.spool.waiting() == 1

    def test_the_agent_delivers_what_is_new_and_says_what_waits(
        self, ready_store: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster
    ) -> None:
        spool = Spool(ready_store.spool)
        spool.add([row(number, "2026.10") for number in range(1200)])
        spool.close()
        with ready_store.agent():
            eventually(lambda: "sending" in ready_store.status()["errors"], "the trouble")
            fill(cdr_database, 5, start="2026-01-05 10:00:00")
            eventually(lambda: count(cluster, "pabx-cdr-2026.01") == 5, "the arrival of what is new", 15)
            error = ready_store.status()["errors"]["sending"]["message"]
            assert "1000 documents were not taken (400 index_closed_exception" in error
            self.open(cluster)
            eventually(lambda: count(cluster, "pabx-cdr-2026.10") == 1200, "the arrival of the rest", 60)
            eventually(lambda: ready_store.status()["errors"] == {}, "the end of the trouble")

    def test_run_once_delivers_the_others_and_fails(
        self, ready_store: Store, cdr_database: CdrDatabase
    ) -> None:
        spool = Spool(ready_store.spool)
        spool.add([row(number, "2026.10") for number in range(1200)])
        spool.close()
        fill(cdr_database, 5, start="2026-01-05 10:00:00")
        result = ready_store.run("run", "--once")
        assert result.code == 1
        assert "index_closed_exception" in result.line
        assert ready_store.status()["spool_documents"] >= 1200


def test_a_document_that_alone_is_not_taken_holds_up_nothing_of_its_index(tmp_path: Path) -> None:
    """No cluster can be made to fail for one document on demand: an output that does."""

    class Poisoned:
        max_documents, max_bytes = 10, 10**6

        def send(self, batch: list[Spooled]) -> Outcome:
            bad = [document.seq for document in batch if document.id == f"{3:032x}"]
            done = [document.seq for document in batch if document.seq not in bad]
            return Outcome(done=done, retry=bad, retry_reason="500 odd" if bad else "")

        def close(self) -> None: ...

    spool = Spool(tmp_path / "spool.db")
    output: Any = Poisoned()
    sending = Sending(output, spool, ORIGIN, threading.Event(), threading.Event())
    spool.add([row(number) for number in range(35)])
    while sending.step():
        pass
    assert [document.id for document in spool.take(10, 10**6)] == [f"{3:032x}"]
    spool.add([row(99)])
    assert sending.step()
    assert spool.waiting() == 1
    spool.close()
