"""Heartbeats: what they say, that they come when nothing else gets through, and how an outage ends."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from compose.stack import QUICK_START, OpenSearchCluster
from shipper.agent.progress import Listened, Progress
from shipper.agent.pulse import Pulse
from shipper.agent.sending import Sending
from shipper.backoff import Backoff
from shipper.config import OpenSearchSettings
from shipper.document.heartbeat import OFF, State, heartbeat
from shipper.document.model import Origin
from shipper.document.validate import validator
from shipper.errors import ConfigError, DiskFullError, OutputError
from shipper.outputs.opensearch import OpenSearchOutput, bulk_body
from shipper.spool import Spool, Spooled, SpoolFullError
from tests.servers import CdrDatabase
from tests.shipper.running import central_install
from tests.shipper.store import Store, count, eventually, fill
from tests.shipper.test_refused import row

ORIGIN = Origin("Loja001", "America/Sao_Paulo", "1.0")
NOW = datetime(2026, 11, 23, 8, 10, 7, 123000, tzinfo=UTC)
CALM = State(0, 4096, 2**20, full=False, oldest=None, refused=0, acknowledged=None, reading="", sending="",
             spool="", ami="", pbx={})  # fmt: skip


def body_of(state: State) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(heartbeat(ORIGIN, state, NOW).body)
    return found


class TestDocument:
    def test_of_a_store_where_all_is_well(self) -> None:
        document = heartbeat(ORIGIN, CALM, NOW)
        assert (document.index_name, document.id, document.operation) == ("pabx-stores", "Loja001", "update")
        assert body_of(CALM) == {
            "@timestamp": "2026-11-23T08:10:07.123Z",
            "event": {
                "id": "Loja001",
                "kind": "metric",
                "dataset": "pabx.store",
                "created": "2026-11-23T08:10:07.123Z",
            },
            "store": {
                "id": "Loja001",
                "timezone": "America/Sao_Paulo",
                "spool_documents": 0,
                "spool_bytes": 4096,
                "spool_limit_bytes": 1048576,
                "spool_full": False,
                "lag_seconds": 0,
                "refused_documents": 0,
                "checks": {"reading": "ok", "sending": "ok", "spool": "ok", "ami": "ok"},
            },
            "agent": {"version": "1.0"},
        }

    def test_of_a_store_in_trouble(self) -> None:
        began = NOW.timestamp() - 90
        state = CALM._replace(
            documents=7,
            oldest=began,
            acknowledged=began,
            refused=2,
            full=True,
            reading="x" * 2000,
            spool="full",
        )
        store = body_of(state)["store"]
        assert (store["lag_seconds"], store["spool_documents"], store["refused_documents"]) == (90, 7, 2)
        assert store["last_acknowledgement"] == "2026-11-23T08:08:37.123Z"
        assert store["checks"] == {
            "reading": "x" * 1023 + "…",
            "sending": "ok",
            "spool": "full",
            "ami": "ok",
        }
        assert validator("store")(body_of(state)) is None

    def test_of_a_pbx_that_is_heard(self) -> None:
        """All that the PBX tells, as `Folding.report` gives it."""
        told = {
            "calls_now": 2,
            "extensions_registered": 3,
            "extensions_unregistered": 1,
            "extensions_missing": ["103"],
            "trunks_up": ["acme"],
            "trunks_down": [],
            "trunk_peaks": ["acme=7"],
            "ami_resync_differences": 0,
        }
        body = body_of(CALM._replace(pbx=told))
        assert told.items() <= body["store"].items()
        assert validator("store")(body) is None

    @pytest.mark.parametrize(
        ("ami", "check"),
        [("", "ok"), (OFF, "off"), ("ami: cut; wait", "ami: cut; wait"), ("x" * 2000, "x" * 1023 + "…")],
    )
    def test_of_a_pbx_that_is_not(self, ami: str, check: str) -> None:
        body = body_of(CALM._replace(ami=ami))
        assert body["store"]["checks"]["ami"] == check
        assert "calls_now" not in body["store"]
        assert validator("store")(body) is None

    def test_a_clock_that_was_set_back_is_no_negative_lag(self) -> None:
        assert body_of(CALM._replace(oldest=NOW.timestamp() + 60))["store"]["lag_seconds"] == 0

    def test_the_bulk_request(self) -> None:
        action, part = bulk_body([Spooled(0, *heartbeat(ORIGIN, CALM, NOW))]).decode().splitlines()
        assert json.loads(action) == {
            "update": {"_index": "pabx-stores", "_id": "Loja001", "retry_on_conflict": 3}
        }
        assert json.loads(part) == {"doc": body_of(CALM), "doc_as_upsert": True}


class TestPulse:
    def checks(self, folder: Path, reading: Any, sending: Any) -> dict[str, str]:
        spool = Spool(folder / "spool.db", 1)
        pulse = Pulse(ORIGIN, 30, lambda: Progress(reading))
        found: dict[str, Any] = json.loads(pulse.document(spool, sending).body)["store"]
        spool.close()
        assert found["spool_full"] is isinstance(reading, SpoolFullError)
        return dict(found["checks"])

    def test_says_which_part_is_in_trouble(self, tmp_path: Path) -> None:
        assert self.checks(tmp_path, ConfigError("a", "b"), None) == {
            "reading": "config: a; b",
            "sending": "ok",
            "spool": "ok",
            "ami": "off",
        }
        assert self.checks(tmp_path, None, OutputError("cut", "wait"))["sending"] == "output: cut; wait"
        assert self.checks(tmp_path, SpoolFullError("1 MiB", "wait"), None) == {
            "reading": "spool: 1 MiB; wait",
            "sending": "ok",
            "spool": "full",
            "ami": "off",
        }
        assert self.checks(tmp_path, None, DiskFullError("no room"))["spool"] == "spool: no room"

    def test_says_what_the_pbx_does(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "spool.db", 1)
        heard = [Listened("", {"calls_now": 3}), Listened("ami: cut; wait", {})]
        pulse = Pulse(ORIGIN, 30, Progress, lambda: heard.pop(0))
        first, then = (json.loads(pulse.document(spool, None).body)["store"] for _ in range(2))
        spool.close()
        assert (first["calls_now"], first["checks"]["ami"]) == (3, "ok")
        assert ("calls_now" in then, then["checks"]["ami"]) == (False, "ami: cut; wait")

    def test_comes_at_its_pace(self) -> None:
        pulse = Pulse(ORIGIN, 0.2, Progress)
        began, beats = time.monotonic(), 0
        while time.monotonic() - began < 2.1:
            beats += pulse.is_due()
            time.sleep(0.005)
        assert 9 <= beats <= 11

    def test_one_that_took_long_is_not_made_up_for(self) -> None:
        pulse = Pulse(ORIGIN, 0.1, Progress)
        time.sleep(0.5)
        assert pulse.is_due()
        assert not pulse.is_due()


@pytest.fixture
def stored(cluster: OpenSearchCluster) -> Callable[[], dict[str, Any]]:
    """The store's document; empty where there is none."""

    def get() -> dict[str, Any]:
        try:
            source: dict[str, Any] = cluster.request("GET", "/pabx-stores/_doc/Loja001")["_source"]
        except HTTPError:
            return {}
        return source

    return get


@pytest.mark.servers
class TestRealNode:
    def test_run_once_sends_one_at_its_end(
        self, ready_store: Store, cdr_database: CdrDatabase, stored: Callable[[], dict[str, Any]]
    ) -> None:
        fill(cdr_database, 20, start="2026-01-05 10:00:00")
        before = datetime.now(UTC).isoformat()
        assert ready_store.run("run", "--once").code == 0
        store = stored()["store"]
        assert before < store["last_seen"] == stored()["event"]["ingested"]
        assert before < store["last_acknowledgement"] <= stored()["@timestamp"]
        assert (store["spool_documents"], store["lag_seconds"]) == (0, 0)
        assert store["checks"] == {"reading": "ok", "sending": "ok", "spool": "ok", "ami": "off"}
        assert "sequence" not in stored()["event"]
        assert ready_store.status()["delivered"] == 40

    def test_it_is_a_part_of_the_registers_document(
        self, ready_store: Store, cluster: OpenSearchCluster, stored: Callable[[], dict[str, Any]]
    ) -> None:
        at = "2026-11-01T00:00:00Z"
        registered = {
            "@timestamp": at,
            "event": {"id": "Loja001", "kind": "state", "dataset": "pabx.store", "created": at},
            "store": {"id": "Loja001", "name": "Centro", "registered_at": at, "trunks": ["vivo"]},
        }
        cluster.request("PUT", "/pabx-stores/_doc/Loja001", registered)
        assert "last_seen" not in stored()["store"]
        assert ready_store.run("run", "--once").code == 0
        store = stored()["store"]
        assert (store["name"], store["registered_at"], store["trunks"]) == ("Centro", at, ["vivo"])
        assert store["checks"]["reading"] == "ok"
        assert store["last_seen"] > at

    def test_a_spool_that_is_full_stops_reading_and_is_told(
        self,
        ready_store: Store,
        cdr_database: CdrDatabase,
        cluster: OpenSearchCluster,
        stored: Callable[[], dict[str, Any]],
    ) -> None:
        """More waits for a closed index than the spool may hold; heartbeats go past it."""
        cluster.request("PUT", "/pabx-cdr-2026.10")
        cluster.request("POST", "/pabx-cdr-2026.10/_close")
        ready_store.set("agent", heartbeat_seconds=0.2).set("spool", max_mib=1)
        spool = Spool(ready_store.spool)
        spool.add([row(number, "2026.10") for number in range(4000)])
        spool.close()
        fill(cdr_database, 50, start="2026-01-05 10:00:00")
        with ready_store.agent():
            full = eventually(
                lambda: (found := stored().get("store", {})).get("spool_full") and found, "full"
            )
            assert full["checks"]["spool"] == "full"
            assert "spool.max_mib is 1" in full["checks"]["reading"]
            assert full["spool_bytes"] > full["spool_limit_bytes"] == 1048576
            assert full["spool_documents"] == 4000
            eventually(lambda: "closed" in stored()["store"]["checks"]["sending"], "the closed index")
            assert count(cluster, "pabx-cdr-2026.01") <= 0
            eventually(
                lambda: (
                    (later := stored()["store"])["lag_seconds"] >= 2
                    and later["last_seen"] > full["last_seen"]
                ),
                "a later one that tells the lag",
            )
            cluster.request("POST", "/pabx-cdr-2026.10/_open")
            eventually(lambda: count(cluster, "pabx-cdr-2026.01") == 50, "the rows", 90)
            calm = eventually(lambda: not (found := stored()["store"])["spool_full"] and found, "room")
            assert (calm["checks"]["reading"], calm["checks"]["spool"]) == ("ok", "ok")

    def test_they_go_on_while_a_backlog_is_delivered(
        self, ready_store: Store, cluster: OpenSearchCluster, stored: Callable[[], dict[str, Any]]
    ) -> None:
        ready_store.set("agent", heartbeat_seconds=0.1)
        spool = Spool(ready_store.spool)
        spool.add([row(number) for number in range(40_000)])
        spool.close()
        with ready_store.agent():
            waiting = eventually(lambda: stored().get("store", {}).get("spool_documents"), "a heartbeat")
            eventually(lambda: stored()["store"]["spool_documents"] == 0, "the end of the backlog", 60)
        assert 0 < waiting <= 40_000
        assert count(cluster) == 40_000


def test_one_that_does_not_arrive_is_dropped_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "spool.db")
    output = OpenSearchOutput(OpenSearchSettings(url="http://127.0.0.1:9"))
    pulse = Pulse(ORIGIN, 30, Progress)
    sending = Sending(output, spool, ORIGIN, threading.Event(), threading.Event(), pulse)
    sending.beat(now=True)
    assert (spool.is_empty(), sending.error, caplog.text) == (True, None, "")
    sending.close()


@pytest.fixture
def own_cluster(server_dir: Path) -> Iterator[OpenSearchCluster]:
    with OpenSearchCluster(server_dir / "opensearch", jvm_options=QUICK_START) as cluster:
        central_install(cluster)
        yield cluster


@pytest.mark.servers
def test_an_outage_ends_by_itself(
    store_with_rows: Store, cdr_database: CdrDatabase, own_cluster: OpenSearchCluster
) -> None:
    """Rows written while the cluster is down arrive; reading went on; a heartbeat says how it was."""
    store = store_with_rows.set("output.opensearch", url=own_cluster.url).set("agent", heartbeat_seconds=0.5)
    fill(cdr_database, 10, start="2026-01-05 10:00:00")
    with store.agent():
        eventually(lambda: count(own_cluster) == 10, "the first rows")
        own_cluster.kill()
        fill(cdr_database, 300, start="2026-01-05 11:00:00", first=1000)
        eventually(lambda: store.status()["spool_documents"] >= 600, "reading during the outage")
        eventually(lambda: "cannot be reached" in str(store.status()["errors"]), "the error")
        own_cluster.restart()
        up = time.monotonic()
        eventually(lambda: count(own_cluster) == 310, "the rest", 60)
        assert time.monotonic() - up < 45
        eventually(lambda: store.status()["errors"] == {}, "the end of the trouble")
        source = own_cluster.request("GET", "/pabx-stores/_doc/Loja001")["_source"]
        assert source["store"]["id"] == "Loja001"
    # Once for each way in which it cannot: refused, reset.
    assert 1 <= store.log.count("cannot be reached") <= 3


def test_140_agents_come_back_one_by_one() -> None:
    """All lose the cluster at once, for an hour: their next tries are spread over less than half a minute."""
    returns: list[float] = []
    for _ in range(140):
        backoff, at = Backoff(), 0.0
        while at < 3600:
            at += backoff.next()
        returns.append(at - 3600)
    assert max(returns) <= 30
    busiest = max(sum(second <= moment < second + 1 for moment in returns) for second in range(30))
    assert busiest <= 25
