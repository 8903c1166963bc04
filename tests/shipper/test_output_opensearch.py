"""Output ``opensearch``: each document's answer on its own; nothing leaves the spool that was not taken."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from shipper.agent.sending import Sending
from shipper.config import OpenSearchSettings
from shipper.document.model import Document, Origin, encode
from shipper.errors import OutputError
from shipper.outputs import OpenSearchOutput, Outcome
from shipper.spool import Spool, Spooled
from tests.servers import CdrDatabase
from tests.shipper.fake_opensearch import Answer, FakeOpenSearch, fake_opensearch
from tests.shipper.store import Store, eventually, fill

ORIGIN = Origin("Loja001", "America/Sao_Paulo", "1.0")


def document(number: int, *, month: str = "2026.11", **cdr: Any) -> Document:
    key = f"{number:032x}"
    at = f"{month.replace('.', '-')}-23T08:10:07Z"
    body = {
        "@timestamp": at,
        "event": {"id": key, "kind": "event", "dataset": "pabx.cdr", "created": at, "start": at},
        "store": {"id": "Loja001", "timezone": "America/Sao_Paulo"},
        "agent": {"version": "1.0"},
        "local": {"date": at[:10], "hour": 5, "weekday": 1},
        "cdr": {"src": "100", **cdr},
    }
    return Document(f"pabx-cdr-{month}", key, encode(body).encode())


def spooled(*documents: Document) -> list[Spooled]:
    return [Spooled(seq, *found) for seq, found in enumerate(documents, start=1)]


class Sender:
    """The agent's sending half: a spool and an output."""

    def __init__(self, folder: Path, url: str) -> None:
        self.spool = Spool(folder / "spool.db")
        self.output = OpenSearchOutput(OpenSearchSettings(url=url))
        self.stop = threading.Event()
        self.sending = Sending(self.output, self.spool, ORIGIN, self.stop, threading.Event())

    def send(self, *documents: Document) -> None:
        self.spool.add(documents)
        self.sending.drain()

    def close(self) -> None:
        self.sending.close()


@pytest.fixture
def sender(tmp_path: Path, cluster: OpenSearchCluster) -> Iterator[Sender]:
    found = Sender(tmp_path, cluster.url)
    yield found
    found.close()


@pytest.fixture
def fake() -> Iterator[FakeOpenSearch]:
    with fake_opensearch() as found:
        yield found


@pytest.fixture
def fake_sender(tmp_path: Path, fake: FakeOpenSearch) -> Iterator[Sender]:
    found = Sender(tmp_path, fake.url)
    yield found
    found.close()


@pytest.mark.servers
class TestRealNode:
    def test_what_is_there_already_counts_as_done(self, sender: Sender, found: Any) -> None:
        first = document(1, src="100")
        sender.send(first)
        sender.send(document(1, src="changed"), document(2), document(2))
        assert sender.spool.is_empty()
        assert sender.spool.counters() == {"delivered": 4}
        assert {hit["_id"]: hit["_source"]["cdr"]["src"] for hit in found()} == {
            f"{1:032x}": "100",
            f"{2:032x}": "100",
        }

    def test_a_refused_document_goes_to_the_quarantine_and_the_others_arrive(
        self, sender: Sender, cluster: OpenSearchCluster, found: Any
    ) -> None:
        # An index that somebody made by hand: no pipeline, and a number where we have a text.
        body = {
            "settings": {"index": {"default_pipeline": "_none", "mapping": {"ignore_malformed": False}}},
            "mappings": {"properties": {"cdr": {"properties": {"custom": {"type": "ip"}}}}},
        }
        cluster.request("PUT", "/pabx-cdr-2026.11", body)
        sender.send(document(1), document(2, custom="no address"), document(3))
        assert sender.spool.is_empty()
        assert {hit["_id"] for hit in found()} == {f"{1:032x}", f"{3:032x}"}
        (aside,) = found("pabx-quarantine-2026.11")
        assert aside["_id"] == f"{2:032x}"
        source = aside["_source"]
        assert source["error"]["type"] == "mapper_parsing_exception"
        assert "cdr.custom" in source["error"]["message"]
        assert "no address" in source["error"]["message"]
        assert source["quarantine"]["stage"] == "output"
        assert source["quarantine"]["index"] == "pabx-cdr-2026.11"
        assert source["quarantine"]["document"]["cdr"] == {"src": "100", "custom": "no address"}
        assert sender.spool.counters() == {"delivered": 3, "quarantined": 1}

    def test_what_even_the_quarantine_refuses_is_kept(
        self, sender: Sender, cluster: OpenSearchCluster, caplog: pytest.LogCaptureFixture
    ) -> None:
        hostile = {
            "settings": {"index": {"default_pipeline": "_none", "mapping": {"ignore_malformed": False}}},
            "mappings": {
                "properties": {"store": {"properties": {"id": {"type": "ip", "ignore_malformed": False}}}}
            },
        }
        for index in ("pabx-cdr-2026.11", "pabx-quarantine-2026.11"):
            cluster.request("PUT", f"/{index}", hostile)
        sender.send(document(1))
        assert sender.spool.is_empty()
        assert sender.spool.counters() == {"refused": 1}
        assert "refused" in caplog.text

    @pytest.mark.parametrize("trouble", ["closed index", "no pipeline", "no room for shards"])
    def test_what_is_the_clusters_fault_is_sent_again(
        self, sender: Sender, cluster: OpenSearchCluster, found: Any, trouble: str
    ) -> None:
        """Otherwise every document of that time would be put aside, and the screens would show less."""
        limit = "cluster.max_shards_per_node"
        if trouble == "closed index":
            sender.send(document(1))
            cluster.request("POST", "/pabx-cdr-2026.11/_close")
        elif trouble == "no pipeline":
            pipeline = cluster.request("GET", "/_ingest/pipeline/pabx-documents")["pabx-documents"]
            sender.send(document(1))
            cluster.request("DELETE", "/_ingest/pipeline/pabx-documents")
        else:
            cluster.request("PUT", "/_cluster/settings", {"persistent": {limit: 1}})
            for name in ("pabx-x1", "pabx-x2"):
                try:
                    cluster.request("PUT", f"/{name}")
                except OSError:
                    break
        try:
            sender.spool.add([document(2), document(3)])
            while sender.sending.step():
                pass
            left = str(sender.sending._left)
        finally:
            if trouble == "closed index":
                cluster.request("POST", "/pabx-cdr-2026.11/_open")
            elif trouble == "no pipeline":
                cluster.request("PUT", "/_ingest/pipeline/pabx-documents", pipeline)
            else:
                cluster.request("PUT", "/_cluster/settings", {"persistent": {limit: None}})
        assert "2 documents were not taken (400 " in left
        assert "they wait in the spool" in left
        assert sender.spool.depth()[0] == 2
        cluster.request("GET", "/_cluster/health/pabx-cdr-*?wait_for_status=yellow&timeout=10s")
        sender.sending.drain()
        assert sender.spool.is_empty()
        assert {f"{2:032x}", f"{3:032x}"} <= {hit["_id"] for hit in found()}
        assert found("pabx-quarantine-*") == []

    def test_check(self, cluster: OpenSearchCluster) -> None:
        output = OpenSearchOutput(OpenSearchSettings(url=cluster.url))
        assert output.check() == f"opensearch 3.4.0 at {cluster.url}"
        clock = output.clock()
        output.close()
        assert clock is not None
        assert abs(clock - time.time()) < 5


def all_of(outcome: Outcome) -> tuple[list[int], list[int], list[int]]:
    return outcome.done, [entry.document.seq for entry in outcome.refused], outcome.retry


class TestFake:
    """What a real node does not do on demand."""

    def send(self, fake: FakeOpenSearch, batch: list[Spooled]) -> Outcome:
        output = OpenSearchOutput(OpenSearchSettings(url=fake.url))
        try:
            return output.send(batch)
        finally:
            output.close()

    def test_413_sends_halves_and_refuses_the_one_that_is_too_large(self, fake: FakeOpenSearch) -> None:
        def answer(lines: list[str]) -> Answer:
            return (413, b"") if sum(map(len, lines)) > 3000 else fake.take(lines)

        fake.answer = answer
        batch = spooled(*(document(n) for n in range(6)), document(6, userfield="x" * 4000), document(7))
        done, refused, retry = all_of(self.send(fake, batch))
        assert (sorted(done), refused, retry) == ([1, 2, 3, 4, 5, 6, 8], [7], [])
        assert len(fake.documents) == 7
        assert fake.bulks[0] == 8
        outcome = self.send(fake, batch[6:7])
        assert outcome.refused[0].reason.rule == "http.max_content_length"

    def test_items_are_judged_one_by_one(self, fake: FakeOpenSearch) -> None:
        statuses = [201, 409, 400, 429, 503, 403, 404]

        def answer(_: list[str]) -> Answer:
            error = {"type": "some_exception", "reason": "because", "caused_by": {"reason": "of this"}}
            items = [
                {"create": {"status": status, **({"error": error} if status != 201 else {})}}
                for status in statuses
            ]
            return 200, json.dumps({"errors": True, "items": items}).encode()

        fake.answer = answer
        outcome = self.send(fake, spooled(*(document(n) for n in range(7))))
        assert all_of(outcome) == ([1, 2], [3], [4, 5, 6, 7])
        assert outcome.refused[0].reason.message == "some_exception: because (of this)"
        assert outcome.retry_reason == "429 some_exception: because (of this)"

    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            ((429, b'{"error":{"reason":"circuit breaking"}}'), "is overloaded (429: circuit breaking)"),
            ((503, b"<html>Service Unavailable</html>"), "is overloaded (503: <html>"),
            ((502, b""), "is overloaded (502"),
            ((200, b"<html>a login page</html>"), "answered 0 items to a bulk of 2"),
            ((200, b'{"items":[{"create":{"status":201}}]}'), "answered 1 items to a bulk of 2"),
            ((200, b'{"items":[{},{}]}'), "answered 0 items to a bulk of 2"),
            ((200, b'{"items":[1,2]}'), "answered 0 items to a bulk of 2"),
            ((200, b'{"items":[{"create":1},{"create":2}]}'), "items to a bulk of 2"),
            ((200, b"[]"), "answered 0 items to a bulk of 2"),
            ((200, b"null"), "answered 0 items to a bulk of 2"),
            ((302, b""), "answered 302"),
            (None, "cannot be reached (Remote end closed connection without response)"),
        ],
    )
    def test_an_answer_that_says_nothing_of_the_documents_keeps_all_of_them(
        self, fake: FakeOpenSearch, fake_sender: Sender, reply: Answer, words: str
    ) -> None:
        fake.answer = lambda _: reply
        fake_sender.spool.add([document(1), document(2)])
        with pytest.raises(OutputError) as caught:
            fake_sender.sending.step()
        assert f"output: {fake.url} " in str(caught.value)
        assert words in str(caught.value)
        assert fake_sender.spool.depth()[0] == 2
        assert fake_sender.spool.counters().get("delivered", 0) == 0
        fake.answer = fake.take
        fake_sender.sending.drain()
        assert fake_sender.spool.is_empty()
        assert len(fake.documents) == 2

    def test_an_error_without_words(self, fake: FakeOpenSearch) -> None:
        fake.answer = lambda _: (200, b'{"items":[{"create":{"status":400,"error":"odd"}},{"create":{}}]}')
        assert all_of(self.send(fake, spooled(document(1), document(2)))) == ([], [1], [2])

    def test_taken_but_never_acknowledged_is_sent_again(
        self, fake: FakeOpenSearch, fake_sender: Sender
    ) -> None:
        def silent(lines: list[str]) -> Answer:
            fake.take(lines)
            return None

        fake.answer = silent
        fake_sender.spool.add([document(1), document(2)])
        with pytest.raises(OutputError):
            fake_sender.sending.step()
        assert fake_sender.spool.depth()[0] == 2
        fake.answer = fake.take
        fake_sender.sending.drain()  # both answers are 409 now
        assert fake_sender.spool.counters() == {"delivered": 2}

    def test_half_an_answer_keeps_all_documents(self, fake: FakeOpenSearch, fake_sender: Sender) -> None:
        fake.cut = True
        fake_sender.spool.add([document(1), document(2)])
        with pytest.raises(OutputError, match=r"cannot be reached .*IncompleteRead"):
            fake_sender.sending.step()
        assert fake_sender.spool.depth()[0] == 2

    def test_an_idle_connection_that_was_closed_is_no_error(
        self, fake: FakeOpenSearch, fake_sender: Sender
    ) -> None:
        fake.keep_alive = False
        for number in range(3):
            fake_sender.spool.add([document(number)])
            assert fake_sender.sending.step()
        assert len(fake.documents) == 3

    def test_one_connection_is_kept(self, fake: FakeOpenSearch, fake_sender: Sender) -> None:
        for number in range(5):
            fake_sender.send(document(number))
        assert fake.connections == 1

    def test_check_of_something_that_is_no_cluster(self, fake: FakeOpenSearch, store: Store) -> None:
        fake.front = b"<html>It works!</html>"
        result = store.set("output.opensearch", url=fake.url).run("check", "--json")
        findings = {found["part"]: found for found in json.loads(result.out)}
        assert findings["output"]["state"] == "failed"
        assert findings["output"]["message"] == f"{fake.url} is no OpenSearch"
        assert findings["output"]["hint"] == "set output.opensearch.url"
        assert result.err == ""


@pytest.mark.servers
def test_an_overloaded_cluster_is_waited_for_and_everything_arrives(
    store_with_rows: Store, cdr_database: CdrDatabase
) -> None:
    """429, 503, silence and half answers by turns, while the agent runs."""
    fill(cdr_database, 3000)
    with fake_opensearch() as fake:
        turn = 0

        def answer(lines: list[str]) -> Answer:
            nonlocal turn
            turn += 1
            if turn % 4 == 1:
                return 429, b""
            if turn % 4 == 2:
                return None
            if turn % 4 == 3:
                fake.take(lines)
                return 503, b""
            return fake.take(lines)

        fake.answer = answer
        store_with_rows.set("output.opensearch", url=fake.url)
        with store_with_rows.agent() as agent:
            eventually(lambda: len(fake.documents) == 6000, "the arrival of rows and calls", 60)
            eventually(lambda: store_with_rows.status()["spool_documents"] == 0, "the acknowledgement", 60)
            agent.terminate()
            assert agent.wait(10) == 0
        assert "is overloaded (429" in store_with_rows.log
        assert "sending works again" in store_with_rows.log
        assert store_with_rows.status()["errors"] == {}
        status = store_with_rows.status()
        assert status["delivered"] - status["sent_again"] == 6000


@pytest.mark.servers
def test_a_server_that_never_answers_does_not_hold_up_the_end(
    store_with_rows: Store, cdr_database: CdrDatabase
) -> None:
    fill(cdr_database, 3)
    with fake_opensearch() as fake:
        asked, let_go = threading.Event(), threading.Event()

        def answer(_: list[str]) -> Answer:
            asked.set()
            let_go.wait(60)
            return None

        fake.answer = answer
        store_with_rows.set("output.opensearch", url=fake.url)
        with store_with_rows.agent() as agent:
            assert asked.wait(20)
            agent.terminate()
            assert agent.wait(15) == 0
        let_go.set()
        assert store_with_rows.status()["spool_documents"] == 6
        fake.answer = fake.take
        assert store_with_rows.run("run", "--once").code == 0
        assert len(fake.documents) == 6
