"""Calls of now and events at head office: whose clock counts, what comes back, what goes, what is shown."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.live.read import Call, Picture, Store, seconds_of
from central.live.show import as_dict, lines
from central.tidy import day_of
from compose.stack import OpenSearchCluster
from shipper.document.identity import mark
from tests.central.outcome import Outcome

Central = Callable[..., Outcome]
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(**span: float) -> str:
    return stamp(datetime.now(UTC) - timedelta(**span))


def call(
    number: int = 1,
    state: str = "talking",
    store: str = "Loja001",
    sequence: int = 1795410607123,
    **more: Any,
) -> dict[str, Any]:
    """A document of `pabx-live`, as a store with a wrong clock sends it."""
    key = mark(store) + f"{number:024x}"
    live = {"state": state, "since": "2026-11-23T05:09:07.000Z", "as_of": "2026-11-23T05:10:07.000Z"}
    return {
        "@timestamp": "2026-11-23T05:10:07.000Z",
        "event": {
            "id": key,
            "kind": "state",
            "dataset": "pabx.live",
            "created": "2026-11-23T05:10:07.000Z",
            "start": "2026-11-23T05:09:00.000Z",
            "sequence": sequence,
        },
        "store": {"id": store, "timezone": "America/Sao_Paulo"},
        "agent": {"version": "0.1.0"},
        "call": {"id": key, "linked_ids": ["1795410540.7"], "direction": "inbound", "trunk": "vivo"},
        "source": {"number": "011987654321", "e164": "+5511987654321", "name": "José da Silva"},
        "destination": {"extension": "101", "number": "101"},
        "live": {**live, "extensions": ["101"], "talking": ["101"], **more.pop("live", {})},
        **more,
    }


def event(number: int = 1, day: str = "2026-11-23", store: str = "Loja001", **more: Any) -> dict[str, Any]:
    """A document of `pabx-events-*`."""
    key = mark(store) + f"{number:024x}"
    at = f"{day}T05:10:07.000Z"
    return {
        "@timestamp": at,
        "event": {
            "id": key,
            "kind": "event",
            "dataset": "pabx.event",
            "action": "login-failed",
            "created": at,
        },
        "store": {"id": store},
        "agent": {"version": "0.1.0"},
        "local": {"date": day, "hour": 2, "weekday": 1},
        "log": {"level": "warning"},
        "message": "A login as 101 was refused.",
        "pbx": {"event": "InvalidPassword", "object": "101", "object_type": "account"},
        "source": {"ip": "203.0.113.5"},
        **more,
    }


def index_of(body: dict[str, Any]) -> str:
    if body["event"]["dataset"] == "pabx.live":
        return "pabx-live"
    return f"pabx-events-{body['@timestamp'][:10].replace('-', '.')}"


def send(
    cluster: OpenSearchCluster, body: dict[str, Any], index: str = "", query: str = ""
) -> dict[str, Any]:
    """As an agent's bulk does it; the answer's item."""
    action = "index" if body["event"]["dataset"] == "pabx.live" else "create"
    target = {action: {"_index": index or index_of(body), "_id": body["event"]["id"]}}
    answer = cluster.request(
        "POST", f"/_bulk?refresh=true{query}", f"{json.dumps(target)}\n{json.dumps(body)}\n"
    )
    item: dict[str, Any] = answer["items"][0][action]
    return item


def put_as_it_is(cluster: OpenSearchCluster, body: dict[str, Any]) -> None:
    """Past the pipeline: as it stands there after a while."""
    assert send(cluster, body, query="&pipeline=_none")["status"] == 201


def there(cluster: OpenSearchCluster, index: str) -> dict[str, dict[str, Any]]:
    cluster.request("POST", "/pabx-*/_refresh?ignore_unavailable=true")
    found = cluster.request("POST", f"/{index}/_search?size=1000&ignore_unavailable=true")
    return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}


def source(cluster: OpenSearchCluster, item: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = cluster.request("GET", f"/{item['_index']}/_doc/{item['_id']}")["_source"]
    return body


def seconds_since(text: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()


@pytest.mark.servers
class TestPipeline:
    def test_a_call_of_now_is_found_within_half_a_second(self, cluster: OpenSearchCluster) -> None:
        send(cluster, call())
        found = cluster.request("GET", "/pabx-live/_settings")["pabx-live"]["settings"]["index"]
        assert found["refresh_interval"] == "500ms"

    def test_head_offices_clock_counts(self, cluster: OpenSearchCluster) -> None:
        item = send(cluster, call())
        assert (item["_index"], item["status"], item["_version"]) == ("pabx-live", 201, 1795410607123)
        body = source(cluster, item)
        assert body["@timestamp"] == body["live"]["as_of"] == body["event"]["ingested"]
        assert 0 <= seconds_since(body["live"]["as_of"]) < 60
        assert body["live"]["since"] == "2026-11-23T05:09:07.000Z"
        assert body["event"]["created"] == "2026-11-23T05:10:07.000Z"

    @pytest.mark.parametrize(
        ("arrived", "seconds"),
        [({"seconds": 40}, 40), ({"days": 3}, 3 * 86400), ({"days": -3}, 0), (None, 0)],
    )
    def test_the_gates_word_counts_but_not_for_the_time_to_come(
        self, cluster: OpenSearchCluster, arrived: dict[str, int] | None, seconds: int
    ) -> None:
        body = source(cluster, send(cluster, call(arrived=ago(**arrived) if arrived else "soon")))
        assert seconds - 1 <= seconds_since(body["live"]["as_of"]) < seconds + 60
        assert body["@timestamp"] == body["live"]["as_of"]
        assert "arrived" not in body

    @pytest.mark.parametrize("arrived", [{"a.b": [[1]]}, 5, ["x"]])
    def test_any_other_word_is_none(self, cluster: OpenSearchCluster, arrived: Any) -> None:
        body = source(cluster, send(cluster, call(arrived=arrived)))
        assert seconds_since(body["live"]["as_of"]) < 60
        assert "arrived" not in body

    def test_an_older_state_does_not_come_back(self, cluster: OpenSearchCluster) -> None:
        assert send(cluster, call(state="ringing", sequence=1000))["status"] == 201
        assert send(cluster, call(state="ended", sequence=3000))["status"] == 200
        assert send(cluster, call(state="talking", sequence=2000))["status"] == 409
        assert send(cluster, call(state="ended", sequence=3000))["status"] == 409
        (body,) = there(cluster, "pabx-live").values()
        assert body["live"]["state"] == "ended"

    def test_what_is_refused_stays_as_it_came(self, cluster: OpenSearchCluster) -> None:
        sent = call()
        del sent["live"]
        item = send(cluster, {**sent, "arrived": ago(days=1)})
        assert item["_index"] == f"pabx-quarantine-{datetime.now(UTC):%Y.%m}"
        body = source(cluster, item)
        assert body["error"]["message"] == "live.state: missing, or not a text"
        assert (body["quarantine"]["document"], body["quarantine"]["path"]) == (sent, "live.state")

    def test_a_number_too_large_for_any_script_is_put_aside(self, cluster: OpenSearchCluster) -> None:
        item = send(cluster, call(live={"odd": 2**64}, arrived=ago(days=1)))
        body = source(cluster, item)
        assert (body["quarantine"]["dataset"], body["quarantine"]["rule"]) == ("pabx.live", "integer")
        assert "arrived" not in body

    def test_an_event_belongs_into_its_day(self, cluster: OpenSearchCluster) -> None:
        item = send(cluster, event())
        assert (item["_index"], item["status"]) == ("pabx-events-2026.11.23", 201)
        assert send(cluster, event())["status"] == 409
        other = send(cluster, event(2), "pabx-events-2026.11.24")
        assert other["_index"] == "pabx-quarantine-2026.11"
        assert source(cluster, other)["error"]["message"] == (
            "@timestamp: not in the day of the index pabx-events-2026.11.24: 2026-11-23T05:10:07.000Z"
        )

    def test_events_are_found(self, cluster: OpenSearchCluster) -> None:
        send(cluster, event())
        for query, count in (("refused", 1), ("101", 1), ("login-failed", 1), ("accepted", 0)):
            body = {"query": {"query_string": {"query": query, "default_operator": "and"}}}
            found = cluster.request("POST", "/pabx-events-*/_search", body)
            assert found["hits"]["total"]["value"] == count, query
        subnet = {"query": {"term": {"source.ip": "203.0.113.0/24"}}}
        assert cluster.request("POST", "/pabx-events-*/_search", subnet)["hits"]["total"]["value"] == 1


@pytest.mark.servers
def test_a_person_is_taken_out_of_both(cluster: OpenSearchCluster, central: Central) -> None:
    item = send(cluster, call())
    asked = event(message="11 98765-4321 gave up waiting in queue 400.", source={"ip": "119.87.65.43"})
    asked["pbx"]["object"] = "011987654321"
    written = send(cluster, asked)
    send(cluster, event(2))
    outcome = central("erase", "--number", "(11) 98765-4321", "--json", "--url", cluster.url)
    assert (outcome.code, json.loads(outcome.out)["documents"]) == (0, 2)
    body = source(cluster, item)
    assert (body["source"], body["live"]["extensions"]) == ({}, ["101"])
    left = source(cluster, written)
    assert (left["message"], left["source"]) == (
        "erased gave up waiting in queue 400.",
        {"ip": "119.87.65.43"},
    )
    assert "object" not in left["pbx"]
    # The call's next state would bring the number back.
    assert send(cluster, call(sequence=1795410699999))["status"] == 409


@pytest.mark.servers
def test_a_refused_event_is_released_into_its_day_and_a_call_of_then_never(
    cluster: OpenSearchCluster, central: Central
) -> None:
    send(cluster, event(1, gate={"rule": "gate.proof", "message": "store.id: no", "tag": "pabx.events"}))
    refused = {"rule": "gate.proof", "message": "store.id: no", "tag": "pabx.live"}
    send(cluster, call(2, gate=refused))
    outcome = central(
        "quarantine", "release", "--rule", "gate.proof", "--as-store", "Loja001", "--url", cluster.url
    )
    assert outcome.code == 1
    assert "a call as it was then" in outcome.out
    assert list(there(cluster, "pabx-events-2026.11.23")) == [event(1)["event"]["id"]]
    assert there(cluster, "pabx-live") == {}


@pytest.mark.servers
class TestTidy:
    @pytest.fixture
    def old(self, cluster: OpenSearchCluster) -> OpenSearchCluster:
        ages = {1: {"hours": 25}, 2: {"days": 400}, 3: {"hours": 23}, 4: {"seconds": 1}}
        for number, age in ages.items():
            state = "ended" if number % 2 else "talking"
            put_as_it_is(cluster, call(number, state, live={"as_of": ago(**age), "state": state}))
        unstamped = call(5)
        del unstamped["live"]["as_of"]
        put_as_it_is(cluster, unstamped)
        for number, days in enumerate((0, 5, 89, 90, 91, 300)):
            put_as_it_is(cluster, event(number, f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}"))
        put_as_it_is(cluster, event(8, "1970-01-01"))
        for name in ("pabx-events-notes", "pabx-events-2020.01"):
            cluster.request("PUT", f"/{name}")
        return cluster

    @staticmethod
    def days(*wanted: int) -> list[str]:
        return [f"pabx-events-{datetime.now(UTC) - timedelta(days=days):%Y.%m.%d}" for days in wanted]

    def test_it_deletes_what_is_old_and_nothing_else(self, old: OpenSearchCluster, central: Central) -> None:
        gone = ["pabx-events-1970.01.01", *self.days(300, 91)]
        outcome = central("tidy", "--dry-run", "--json", "--url", old.url)
        told = {"dry_run": True, "live": 3, "refused": 0, "events_indices": gone}
        assert (outcome.code, json.loads(outcome.out)) == (0, told)
        assert len(there(old, "pabx-live")) == 5
        outcome = central("tidy", "--url", old.url)
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.splitlines() == [
            "pabx-live: 3 documents deleted, a day old",
            *(f"{name}: deleted" for name in gone),
            "pabx-events-*: 3 indices deleted",
        ]
        assert sorted(there(old, "pabx-live")) == [call(number)["event"]["id"] for number in (3, 4)]
        left = old.request("GET", "/pabx-events-*?expand_wildcards=all")
        assert sorted(left) == sorted(["pabx-events-2020.01", "pabx-events-notes", *self.days(90, 89, 5, 0)])
        again = json.loads(central("tidy", "--json", "--url", old.url).out)
        assert again == {"dry_run": False, "live": 0, "refused": 0, "events_indices": []}

    def test_fewer_days_and_closed_indices(self, old: OpenSearchCluster, central: Central) -> None:
        old.request("POST", f"/{self.days(89)[0]}/_close")
        outcome = central("tidy", "--events-days", "4", "--json", "--url", old.url)
        gone = ["pabx-events-1970.01.01", *self.days(300, 91, 90, 89, 5)]
        assert json.loads(outcome.out)["events_indices"] == gone

    def test_a_call_that_is_told_of_again_stays(self, old: OpenSearchCluster, central: Central) -> None:
        key = call(2)["event"]["id"]
        assert send(old, call(2, sequence=1795410699999))["status"] == 200
        assert json.loads(central("tidy", "--json", "--url", old.url).out)["live"] == 2
        assert key in there(old, "pabx-live")
        # Its version is gone with a document that was deleted: what comes late is a day old for everyone.
        assert send(old, call(1, sequence=1795410607124))["status"] == 201

    def test_what_was_refused_of_calls_of_now_goes_too(
        self, cluster: OpenSearchCluster, central: Central
    ) -> None:
        for number, body in ((1, call(1)), (2, call(2)), (3, event(3))):
            body["store"] = {"id": ""}
            item = send(cluster, body)
            if number != 2:
                aside = source(cluster, item)
                aside["event"]["created"] = ago(days=2)
                path = f"/{item['_index']}/_doc/{item['_id']}?refresh=true&pipeline=_none"
                cluster.request("PUT", path, aside)
        outcome = central("tidy", "--json", "--url", cluster.url)
        assert json.loads(outcome.out)["refused"] == 1
        left = [body["quarantine"]["dataset"] for body in there(cluster, "pabx-quarantine-*").values()]
        assert sorted(left) == ["pabx.event", "pabx.live"]

    def test_an_empty_cluster_has_nothing_to_tidy(self, cluster: OpenSearchCluster, central: Central) -> None:
        outcome = central("tidy", "--url", cluster.url)
        assert (outcome.code, outcome.out.splitlines()) == (
            0,
            ["pabx-live: 0 documents deleted, a day old", "pabx-events-*: 0 indices deleted"],
        )

    @pytest.mark.parametrize("days", ["0", "-1", "x", "3661", "1.5", "²"])
    def test_a_number_of_days_that_is_none(self, central: Central, days: str) -> None:
        outcome = central("tidy", "--events-days", days, "--url", "http://127.0.0.1:1")
        assert (outcome.code, "is no number of days from 1 to 3660" in outcome.err) == (2, True)


def test_the_day_of_an_index() -> None:
    assert str(day_of("pabx-events-2026.11.23")) == "2026-11-23"
    for other in ("pabx-events-2026.11", "pabx-events-2026.02.30", "pabx-events-2026.11.23-old", "x"):
        assert day_of(other) is None


SEEN = {"timezone": "America/Sao_Paulo", "checks": {"ami": "ok"}}


def heartbeat(cluster: OpenSearchCluster, store: str, last_seen: str, **more: Any) -> None:
    body = {"store": {"id": store, **SEEN, "last_seen": last_seen, **more}, "event": {"id": store}}
    cluster.request("PUT", f"/pabx-stores/_doc/{store}?refresh=true&pipeline=_none", body)


@pytest.mark.servers
class TestPanel:
    @pytest.fixture
    def busy(self, cluster: OpenSearchCluster) -> OpenSearchCluster:
        heartbeat(cluster, "Loja001", ago(seconds=20), name="Loja São José", region="Sudeste")
        heartbeat(cluster, "Loja002", ago(seconds=80), region="Sul")
        named = {"id": "Loja001", "name": "Loja São José", "region": "Sudeste"}
        send(cluster, call(1, store="Loja002", state="queued", live={"extensions": [], "talking": []}))
        send(cluster, call(1, "ended"))
        send(cluster, call(3, "on_hold", store="Loja001") | {"store": named})
        put_as_it_is(cluster, call(4, live={"as_of": ago(seconds=95)}))  # its agent died
        put_as_it_is(cluster, call(5, "ringing", live={"as_of": ago(seconds=80)}, store="Loja001"))
        return cluster

    def test_calls_by_store_and_the_totals(self, busy: OpenSearchCluster, central: Central) -> None:
        outcome = central("live", "--url", busy.url)
        assert (outcome.code, outcome.err) == (0, "")
        shown = outcome.out.splitlines()
        assert shown[0] == "Loja001 Loja São José"
        parties = "011987654321 José da Silva -> 101"
        assert next(row.split("  ")[1:] for row in shown if row.startswith("  on hold"))[-3:] == [
            parties,
            "101",
            "vivo",
        ]
        assert sum(parties in row for row in shown) == 3
        assert "Loja002" in shown
        assert "3 calls now: 1 ringing, 1 queued, 0 talking, 1 on hold" in shown
        assert shown[-1].endswith(" UTC: 2 of 2 stores heard within 90 s")

    def test_as_json(self, busy: OpenSearchCluster, central: Central) -> None:
        found = json.loads(central("live", "--json", "--url", busy.url).out)
        assert found["totals"] == {"ringing": 1, "queued": 1, "talking": 0, "on_hold": 1}
        by_state = {each["state"]: each for each in found["calls"]}
        held = by_state["on_hold"]
        assert 60 <= held["seconds"] < 90
        assert 140 <= by_state["ringing"]["seconds"] < 200
        assert 0 <= seconds_since(held.pop("as_of")) < 60
        del held["seconds"]
        assert held == {
            "id": call(3)["event"]["id"],
            "store": "Loja001",
            "name": "Loja São José",
            "region": "Sudeste",
            "state": "on_hold",
            "machine": False,
            "since": "2026-11-23T05:09:07.000Z",
            "direction": "inbound",
            "source": {"number": "011987654321", "e164": "+5511987654321", "name": "José da Silva"},
            "destination": {"extension": "101", "number": "101"},
            "extensions": ["101"],
            "ringing": [],
            "talking": ["101"],
            "did": None,
            "trunk": "vivo",
            "queue": None,
        }
        assert abs(seconds_since(found["as_of"])) < 60
        assert found["stores"] == {"known": 2, "heard": 2, "not_heard": [], "calls_not_known": []}

    def test_one_store_or_one_region(self, busy: OpenSearchCluster, central: Central) -> None:
        def stores(*options: str) -> tuple[list[str], int]:
            found = json.loads(central("live", *options, "--json", "--url", busy.url).out)
            return [each["store"] for each in found["calls"]], found["stores"]["known"]

        assert stores("--store", "Loja002") == (["Loja002"], 1)
        assert stores("--region", "Sudeste") == (["Loja001"], 1)
        assert stores("--region", "Norte") == ([], 0)

    def test_silence_is_no_quiet(self, cluster: OpenSearchCluster, central: Central) -> None:
        heartbeat(cluster, "Loja001", ago(seconds=20))
        heartbeat(cluster, "Loja002", "2026-11-23T05:10:07.000Z", name="Loja Velha")
        heartbeat(cluster, "Loja003", ago(seconds=20), checks={"ami": "127.0.0.1:5038 refused"})
        heartbeat(cluster, "Loja004", ago(seconds=20), checks={"reading": "ok"})
        heartbeat(cluster, "Loja007", ago(seconds=20), checks={"ami": "off"})
        heartbeat(cluster, "Loja005", ago(days=5), revoked_at="2026-11-23T05:10:07Z")
        never = {"store": {"id": "Loja006", "registered_at": "2026-11-23T05:10:07Z"}}
        cluster.request("PUT", "/pabx-stores/_doc/Loja006?refresh=true&pipeline=_none", never)
        shown = central("live", "--url", cluster.url).out.splitlines()
        assert shown[0] == "no call now"
        assert shown[1].endswith(" UTC: 4 of 6 stores heard within 90 s")
        unknown = "its calls are not known:"
        assert shown[2:] == [
            "not heard, its calls are not known: Loja002 Loja Velha, last at 2026-11-23T05:10:07.000Z",
            "not heard, its calls are not known: Loja006, never yet",
            f"{unknown} Loja003: 127.0.0.1:5038 refused",
            f"{unknown} Loja004: its agent does not say whether it hears its PBX: an older version",
            f"{unknown} Loja007: its agent is not to listen to its PBX (ami.enabled in its shipper.toml)",
        ]

    def test_an_empty_cluster(self, cluster: OpenSearchCluster, central: Central) -> None:
        outcome = central("live", "--url", cluster.url)
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, "no call now")
        assert outcome.out.splitlines()[1].endswith(" UTC: 0 of 0 stores heard within 90 s")

    def test_following_until_it_is_told_to_end(self, cluster: OpenSearchCluster, tmp_path: Path) -> None:
        heartbeat(cluster, "Loja001", ago(seconds=0))
        log = tmp_path / "out"
        command = [sys.executable, "-m", "central", "live", "--follow", "--json", "--url", cluster.url]
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, env=os.environ)
        try:
            wait_for(lambda: len(log.read_text().splitlines()) > 1)
            send(cluster, call(state="ringing", sequence=1))
            wait_for(lambda: frames(log)[-1]["totals"]["ringing"] == 1)
            send(cluster, call(state="ended", sequence=2))
            wait_for(lambda: frames(log)[-1]["totals"]["ringing"] == 0)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0


def frames(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def shown(*calls: dict[str, Any]) -> list[str]:
    picture = Picture(NOW, [Call(each["event"]["id"], each, seconds_of(each, NOW)) for each in calls], ())
    return list(lines(picture))


def test_columns_stand_below_each_other() -> None:
    one = call(1, live={"as_of": "2026-11-23T11:59:59Z"})
    two = call(2, "queued", live={"as_of": "2026-11-23T11:59:30Z", "extensions": []}) | {"destination": {}}
    two["call"] |= {"queue": "400", "trunk": "embratel"}
    del two["source"]["name"]
    assert shown(one, two) == [
        "Loja001",
        "  talking  1:01  inbound  011987654321 José da Silva -> 101  101  vivo",
        "  queued   1:30  inbound  011987654321 -> ?                  -    embratel  queue 400",
        "2 calls now: 0 ringing, 1 queued, 1 talking, 0 on hold",
        "2026-11-23 12:00:00 UTC: 0 of 0 stores heard within 90 s",
    ]


def test_a_name_cannot_command_the_terminal() -> None:
    body = call(1, live={"machine": True, "extensions": [str(n) for n in range(100, 120)]})
    body["source"]["name"] = "\x1b[2J\u202eevil" + "x" * 2000
    body["store"]["name"] = "a\nb"
    head, row = shown(body)[:2]
    assert head == "Loja001 a\\nb"
    assert "\\u001b[2J\\u202eevilxx" in row
    assert len(row) < 200
    assert row.startswith("  talking, machine  ")
    assert "100,101,102,103,104,+15" in row


def test_how_long_is_told_by_one_clock_at_a_time() -> None:
    """The store's is years behind."""
    times = {"since": "2001-01-01T00:00:10Z", "as_of": "2026-11-23T11:59:48.5Z"}
    said = {"live": times, "event": {"created": "2001-01-01T00:01:20.9Z"}}
    assert seconds_of(said, NOW) == 81
    assert seconds_of({"live": {}, "event": {}}, NOW) == 0
    backwards = {"live": {**times, "since": "2026-01-01T00:00:00Z"}, "event": said["event"]}
    assert seconds_of(backwards, NOW) == 11
    assert seconds_of({"live": {"since": "x", "as_of": 5}, "event": {"created": None}}, NOW) == 0


def test_the_picture_without_any_name() -> None:
    found = as_dict(Picture(NOW, (), (Store("a", "", None, heard=False, trouble=""),)))
    assert found["as_of"] == "2026-11-23T12:00:00Z"
    assert found["stores"]["not_heard"] == [{"id": "a", "name": None, "last_seen": None}]
