"""What a running agent tells of its store while parts of it fail: real database, real cluster."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from compose.stack import MariaDB, OpenSearchCluster
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.conftest import connected
from tests.shipper.store import Store, eventually, fill

pytestmark = pytest.mark.servers

Told = Callable[[], dict[str, Any]]
SECOND = timedelta(seconds=1)


@pytest.fixture
def told(cluster: OpenSearchCluster) -> Told:
    """The part ``store`` of the store's document; empty where there is none."""

    def get() -> dict[str, Any]:
        try:
            found: dict[str, Any] = cluster.request("GET", "/pabx-stores/_doc/Loja001")["_source"]["store"]
        except HTTPError:
            return {}
        return found

    return get


@pytest.fixture
def beating(ready_store: Store) -> Store:
    return ready_store.set("agent", heartbeat_seconds=0.3)


def test_a_database_that_is_down_and_comes_back(beating: Store, told: Told, server_dir: Path) -> None:
    with MariaDB(server_dir / "mariadb") as server, cdr_database_on(server) as database:
        fill(database, 5, start="2026-01-05 10:00:00")
        connected(beating, database)
        with beating.agent():
            calm = eventually(lambda: (found := told()).get("last_row") and found, "the first look")
            assert (calm["reading_wrong_seconds"], calm["checks"]["reading"]) == (0, "ok")
            assert 0 <= calm["read_seconds"] <= 5
            server.kill()
            wrong = eventually(lambda: (found := told())["reading_wrong_seconds"] >= 2 and found, "trouble")
            assert "cannot be reached" in wrong["checks"]["reading"]
            later = eventually(lambda: (found := told())["reading_wrong_seconds"] >= 4 and found, "more")
            assert later["last_seen"] > wrong["last_seen"] > calm["last_seen"]
            assert later["read_seconds"] >= later["reading_wrong_seconds"]
            assert (later["last_row"], later["last_call"]) == (calm["last_row"], calm["last_call"])
            server.restart()
            over = eventually(lambda: (found := told())["reading_wrong_seconds"] == 0 and found, "the end")
            assert over["checks"]["reading"] == "ok"
            assert over["read_seconds"] <= 5


def test_before_the_first_look_nothing_is_known_of_it(
    beating: Store, told: Told, cluster: OpenSearchCluster
) -> None:
    """What an agent before it said of the table does not stay; what is known for good does."""
    before = {"read_seconds": 3, "calls_now": 2, "pbx_started": "2026-11-23T05:10:07Z", "trunks_down": ["a"]}
    kept = {"last_row": "2026-11-23T05:10:07Z", "last_call": "2026-11-23T05:10:07Z", "name": "Centro"}
    cluster.request("PUT", "/pabx-stores/_doc/Loja001?pipeline=_none", {"store": {**before, **kept}})
    beating.set("cdr", port=9)
    with beating.agent():
        store = eventually(lambda: (found := told()).get("reading_wrong_seconds") and found, "trouble")
    assert {name: store[name] for name in before} == dict.fromkeys(before)
    assert kept.items() <= store.items()


def test_the_latest_row_and_call_are_known_right_after_a_restart(
    beating: Store, told: Told, cdr_database: CdrDatabase, cluster: OpenSearchCluster
) -> None:
    """By the index; nothing is read anew. A row of a clock that was a month ahead is no latest call."""
    fill(cdr_database, 20, start="2026-01-05 10:00:00")
    fill(cdr_database, 1, start=f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d %H:%M:%S}", first=50)
    latest = "2026-01-05T13:00:19Z"
    with beating.agent():
        store = eventually(lambda: (found := told()).get("last_row") and found, "the first look")
        assert (store["last_row"], store["last_call"]) == (latest, latest)
        fill(cdr_database, 1, start="2026-01-05 11:00:00", first=60)
        later = "2026-01-05T14:01:00Z"
        eventually(lambda: told()["last_row"] == later, "the next row")
    cluster.request("DELETE", "/pabx-stores/_doc/Loja001?refresh=true")
    began = datetime.now(UTC)
    with beating.agent():
        again = eventually(lambda: (found := told()).get("last_row") and found, "the restart")
    assert (again["last_row"], again["last_call"]) == (later, later)
    assert began - SECOND <= datetime.fromisoformat(again["agent_started"]) <= datetime.now(UTC)
    assert beating.status()["read"] == 22


def test_a_table_without_rows(beating: Store, told: Told) -> None:
    with beating.agent():
        store = eventually(lambda: "read_seconds" in (found := told()) and found, "a heartbeat")
    assert not {"last_row", "last_call"} & store.keys()


def test_two_agents_with_one_id_give_each_other_away(beating: Store, told: Told, tmp_path: Path) -> None:
    """They write into two places, unless they draw the same one: then it is drawn again."""
    other = Store(tmp_path / "other", json.loads(json.dumps(beating.settings)))
    other.folder.mkdir()
    other.set("spool", path=str(tmp_path / "other" / "spool.db"))

    def fresh() -> set[str]:
        """The places of the last second, by the latest of them: no clock of the test's is asked."""
        beats = {name: datetime.fromisoformat(at) for name, at in told().get("beats", {}).items() if at}
        return {name for name, at in beats.items() if max(beats.values()) - at < SECOND}

    with beating.agent():
        eventually(fresh, "the first agent")
        for _ in range(20):
            eventually(lambda: len(fresh()) == 1, "only one")
            with other.agent():
                eventually(lambda: other.spool.exists() and "compared" in other.log, "the other one")
                time.sleep(1)
                if len(found := fresh()) == 2:
                    break
            other.folder.joinpath("agent.log").unlink()
        assert len(found) == 2
        assert told()["beats_settled"] is False
    assert found <= {f"s{number}" for number in range(8)}


def heartbeat(cluster: OpenSearchCluster, created: str | None, **more: Any) -> dict[str, Any]:
    """Send one as an agent does, and give what stands there then."""
    event = {"id": "Loja001", "kind": "metric", "dataset": "pabx.store", "created": created}
    body: dict[str, Any] = {
        "@timestamp": "2026-11-23T05:10:07.000Z",
        "event": {name: value for name, value in event.items() if value is not None},
        **more,
        "store": {"id": "Loja001", **more.get("store", {})},
    }
    lines = ({"update": {"_index": "pabx-stores", "_id": "Loja001"}}, {"doc": body, "doc_as_upsert": True})
    answer = cluster.request("POST", "/_bulk", "".join(json.dumps(line) + "\n" for line in lines))
    assert not answer["errors"], answer
    source: dict[str, Any] = cluster.request("GET", "/pabx-stores/_doc/Loja001")["_source"]
    return source


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TestPipeline:
    @pytest.mark.parametrize("seconds", [0, 7200, -86400])
    def test_how_far_a_clock_is_off(self, cluster: OpenSearchCluster, seconds: int) -> None:
        created = stamp(datetime.now(UTC) + timedelta(seconds=seconds))
        store = heartbeat(cluster, created, store={"beats": {"s3": created}})["store"]
        assert abs(store["clock_offset_seconds"] - seconds) <= 5
        assert abs(datetime.fromisoformat(store["last_seen"]) - datetime.now(UTC)) < timedelta(seconds=30)
        assert store["beats"] == {"s3": store["last_seen"]}

    def test_one_that_waited_at_the_gate_counts_by_its_arrival(self, cluster: OpenSearchCluster) -> None:
        arrived = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=600)
        created = stamp(arrived - timedelta(seconds=41, milliseconds=500))
        text = arrived.isoformat().replace("+00:00", "Z")
        source = heartbeat(cluster, created, arrived=text, store={"beats": {"s0": created}})
        store = source["store"]
        assert (store["last_seen"], store["beats"]) == (text, {"s0": text})
        assert store["clock_offset_seconds"] == -41
        assert source["event"]["ingested"] > text
        assert "arrived" not in source

    @pytest.mark.parametrize("arrived", ["2099-01-01T00:00:00Z", "yesterday", 5, {"a": "b"}])
    def test_nothing_arrives_later_than_now(self, cluster: OpenSearchCluster, arrived: object) -> None:
        source = heartbeat(cluster, stamp(datetime.now(UTC)), arrived=arrived)
        assert source["store"]["last_seen"] == source["event"]["ingested"]

    @pytest.mark.parametrize("created", [None, "soon"])
    def test_one_that_does_not_say_when_it_was_made(
        self, cluster: OpenSearchCluster, created: str | None
    ) -> None:
        heartbeat(cluster, "2026-11-23T05:10:07.000Z")
        store = heartbeat(cluster, created)["store"]
        assert store["clock_offset_seconds"] is None
        assert abs(datetime.fromisoformat(store["last_seen"]) - datetime.now(UTC)) < timedelta(seconds=30)

    def test_each_slot_stays_where_it_was(self, cluster: OpenSearchCluster) -> None:
        created = stamp(datetime.now(UTC))
        first = heartbeat(cluster, created, store={"beats": {"s3": created}})["store"]
        time.sleep(0.01)
        store = heartbeat(cluster, created, store={"beats": {"s5": created}, "beats_settled": True})["store"]
        assert store["beats"] == {"s3": first["last_seen"], "s5": store["last_seen"]}
        assert first["last_seen"] < store["last_seen"]

    def test_an_agent_that_knows_none_of_this_is_heard_as_ever(self, cluster: OpenSearchCluster) -> None:
        store = heartbeat(cluster, stamp(datetime.now(UTC)), store={"spool_documents": 7})["store"]
        assert store["spool_documents"] == 7
        assert "beats" not in store

    def test_what_head_office_writes_has_no_such_fields(self, cluster: OpenSearchCluster) -> None:
        """A register's document is no heartbeat: nothing of one is taken from it."""
        at = "2026-11-01T00:00:00Z"
        body = {
            "@timestamp": at,
            "event": {"id": "Loja001", "kind": "state", "dataset": "pabx.store", "created": at},
            "store": {"id": "Loja001", "name": "Centro"},
        }
        cluster.request("PUT", "/pabx-stores/_doc/Loja001", body)
        found = cluster.request("GET", "/pabx-stores/_doc/Loja001")["_source"]["store"]
        assert found == {"id": "Loja001", "name": "Centro"}
