"""Rounds of the watch on a real node, with time moved: what begins, lasts, is told and ends."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from central.alerts import send
from central.alerts.channels import Channel
from central.alerts.files import load
from central.alerts.watch import Told, Watch
from central.client import Connection
from compose.stack import OpenSearchCluster
from tests.alerts.bodies import store
from tests.alerts.receiver import Receiver
from tests.alerts.scene import Ago, Document, change, seed

NOW = 1_795_444_200
DAY = 86_400
MONITORS = load("pt-BR", "https://paineis.example")


@pytest.fixture
def watch(client: OpenSearch, connection: Connection, receiver: Receiver) -> Watch:
    return Watch(client, connection, MONITORS, [channel(receiver.url)])


def channel(url: str) -> Channel:
    return Channel("pabx-here", "webhook", True, {"url": url})


def agent(name: str = "Loja001", **changes: Any) -> Document:
    """A store of which the watch has not said anything yet."""
    return store(name, **{"watch": None, "usual": {"learned_at": Ago(0)}, **changes})


def silent(name: str = "Loja001", seconds: float = 121) -> Document:
    return agent(name, last_seen=Ago(seconds))


def begun(told: Told) -> list[str]:
    return [f"{one.finding} {one.key}" for one, _ in told.began]


def ended(told: Told) -> list[str]:
    return [f"{one.finding} {one.key}" for one in told.ended]


def beat(node: OpenSearchCluster, name: str, now: float) -> None:
    """A heartbeat: it leaves what others have written."""
    change(node.url, name, {"last_seen": Ago(5), "last_call": Ago(60), "last_row": Ago(60)}, now)


def alerts(node: OpenSearchCluster) -> list[dict[str, Any]]:
    found = node.request("GET", "/pabx-alerts/_search?size=100&sort=@timestamp")["hits"]["hits"]
    return [one["_source"] for one in found]


def said(node: OpenSearchCluster, name: str = "Loja001") -> dict[str, Any]:
    found: dict[str, Any] = node.request("GET", f"/pabx-stores/_doc/{name}")["_source"]["store"]
    return found


@pytest.mark.servers
def test_an_alert_begins_once_lasts_is_told_again_after_a_day_and_ends(
    node: OpenSearchCluster, watch: Watch, receiver: Receiver
) -> None:
    seed(node.url, [silent()], NOW)
    assert begun(watch.round(NOW)) == ["agent_silent Loja001"]
    (message,) = receiver.got
    text = message.pop("text")
    assert message == {
        "finding": "agent_silent",
        "severity": 1,
        "state": "active",
        "action": "opened",
        "of": "Loja001,Loja Centro",
        "subject": "Alerta · o agente da loja está sem dar sinal",
    }
    assert "Sem sinal desde (hora da loja): 2026-11-23 11:27" in text.splitlines()
    assert receiver.actions() == ["agent_silent opened"]
    (kept,) = alerts(node)
    assert kept["@timestamp"] == "2026-11-23T14:30:00Z"
    assert kept["alert"]["state"] == "active"
    assert kept["alert"]["message"] == text
    assert (kept["alert"]["key"], kept["alert"]["name"]) == ("Loja001", "Loja Centro")
    assert kept["store"]["city"] == "São Paulo"

    for later in (30, 60, DAY - 1):
        told = watch.round(NOW + later)
        assert (begun(told), ended(told), receiver.actions()) == ([], [], [])
    assert watch.round(NOW + DAY).failed == []
    assert receiver.actions() == ["agent_silent reminder"]
    assert watch.round(NOW + DAY + 30).failed == []
    assert receiver.actions() == []

    beat(node, "Loja001", NOW + DAY + 60)
    assert ended(watch.round(NOW + DAY + 60)) == ["agent_silent Loja001"]
    assert receiver.got[0]["state"] == "completed"
    assert receiver.got[0]["text"] == "FIM Loja001,Loja Centro: o agente da loja voltou a dar sinal"
    assert receiver.actions() == ["agent_silent closed"]
    (kept,) = alerts(node)
    assert (kept["alert"]["state"], kept["alert"]["until"]) == ("completed", "2026-11-24T14:31:00Z")

    again = NOW + DAY + 60 + 200
    assert begun(watch.round(again)) == ["agent_silent Loja001"]
    assert receiver.actions() == ["agent_silent opened"]
    assert len(alerts(node)) == 2


@pytest.mark.servers
@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"status": 500}, "it answers 500 Internal Server Error"),
        ({"status": 302}, "it answers 302 Found"),
        ({"seconds": 0.6}, "timed out"),
        ({"url": "http://127.0.0.1:9/hook"}, "Connection refused"),
    ],
    ids=["error", "redirect", "slow", "down"],
)
def test_what_nobody_took_is_told_in_a_later_round_once(
    node: OpenSearchCluster,
    client: OpenSearch,
    connection: Connection,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    trouble: dict[str, Any],
    reason: str,
) -> None:
    monkeypatch.setattr(send, "_SECONDS", 0.2)
    url = trouble.get("url", receiver.url)
    broken = Watch(client, connection, MONITORS, [channel(url)])
    working = Watch(client, connection, MONITORS, [channel(receiver.url)])
    receiver.status, receiver.seconds = trouble.get("status", 200), trouble.get("seconds", 0.0)
    seed(node.url, [silent()], NOW)
    for later in (0, 30):
        told = broken.round(NOW + later)
        (failed,) = told.failed
        assert failed.startswith("channel pabx-here: ")
        assert failed.endswith(f"{reason}: correct its url, or look at the receiver")
    assert "notified_at" not in alerts(node)[0]["alert"]
    assert set(receiver.paths) <= {"/hook"}  # a redirect is not followed
    assert receiver.actions() == []

    receiver.status, receiver.seconds = 200, 0.0
    assert working.round(NOW + 60).failed == []
    assert receiver.actions() == ["agent_silent opened"]
    assert working.round(NOW + 90).failed == []
    assert receiver.actions() == []

    receiver.status, receiver.seconds = trouble.get("status", 200), trouble.get("seconds", 0.0)
    beat(node, "Loja001", NOW + 120)
    assert ended(broken.round(NOW + 120)) == []  # its end is to be heard of
    receiver.status, receiver.seconds = 200, 0.0
    assert ended(working.round(NOW + 150)) == ["agent_silent Loja001"]
    assert receiver.actions() == ["agent_silent closed"]
    assert working.round(NOW + 151).failed == []
    assert receiver.actions() == []


@pytest.mark.servers
def test_what_nobody_heard_begin_ends_without_a_word(
    node: OpenSearchCluster, watch: Watch, receiver: Receiver
) -> None:
    receiver.status = 500
    seed(node.url, [silent()], NOW)
    watch.round(NOW)
    receiver.status = 200
    beat(node, "Loja001", NOW + 30)
    assert ended(watch.round(NOW + 30)) == ["agent_silent Loja001"]
    assert receiver.actions() == []


@pytest.mark.servers
@pytest.mark.parametrize(("count", "messages"), [(10, 10), (11, 1)])
def test_many_at_once_are_told_in_one_message(
    node: OpenSearchCluster, watch: Watch, receiver: Receiver, count: int, messages: int
) -> None:
    names = [f"Loja{number:03}" for number in range(101, 101 + count)]
    seed(node.url, [agent(name, clock_offset_seconds=900) for name in names], NOW)
    assert begun(watch.round(NOW)) == [f"clock_wrong {name}" for name in names]
    texts = [one["text"] for one in receiver.got]
    assert receiver.actions() == ["clock_wrong opened"] * messages
    for name in names:
        assert sum(text.count(f"ALERTA {name},Loja {name[4:]}: ") for text in texts) == 1


@pytest.mark.servers
def test_a_monitor_that_fails_neither_begins_nor_ends_anything(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection, watch: Watch, receiver: Receiver
) -> None:
    seed(node.url, [silent(), agent("Loja002")], NOW)
    watch.round(NOW)
    assert receiver.actions() == ["agent_silent opened"]
    monitors = copy.deepcopy(MONITORS)
    for one in monitors:
        if one.finding == "agent_silent":
            one.trigger["condition"]["script"]["source"] = "params.nothing.there > 0"
    failing = Watch(client, connection, monitors, [channel(receiver.url)])
    told = failing.round(NOW + 30)
    (failed,) = (result for result in told.results if result.error)
    assert failed.monitor.finding == "agent_silent"
    assert (begun(told), ended(told), receiver.actions()) == ([], [], [])
    assert alerts(node)[0]["alert"]["state"] == "active"
    assert said(node)["status"] == "agent_silent"
    told = watch.round(NOW + 60)
    assert (begun(told), ended(told), receiver.actions()) == ([], [], [])


@pytest.mark.servers
def test_whoever_only_looks_leaves_the_end_to_the_watch(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection, watch: Watch, receiver: Receiver
) -> None:
    looks = Watch(client, connection, MONITORS, only_looks=True)
    seed(node.url, [silent()], NOW)
    assert begun(looks.round(NOW)) == ["agent_silent Loja001"]
    assert begun(watch.round(NOW + 1)) == []
    assert receiver.actions() == ["agent_silent opened"]
    beat(node, "Loja001", NOW + 30)
    assert ended(looks.round(NOW + 30)) == []
    assert ended(watch.round(NOW + 31)) == ["agent_silent Loja001"]
    assert receiver.actions() == ["agent_silent closed"]


@pytest.mark.servers
def test_a_message_that_the_cluster_does_not_fill_in_now_comes_later(
    node: OpenSearchCluster,
    client: OpenSearch,
    connection: Connection,
    receiver: Receiver,
    limit: Callable[[str], None],
) -> None:
    monitors = copy.deepcopy(MONITORS)
    for one in monitors:  # texts that the node has not compiled yet
        template = one.action("opened")["message_template"]
        template["source"] = template["source"].replace("{{#ctx.newAlerts}}", "{{#ctx.newAlerts}}*")
    watch = Watch(client, connection, monitors, [channel(receiver.url)])
    seed(node.url, [silent(), agent("Loja002", clock_offset_seconds=900, refused_documents=1)], NOW)
    limit("1/1h")
    told = watch.round(NOW)
    assert sorted(begun(told)) == ["agent_silent Loja001", "clock_wrong Loja002", "refused Loja002"]
    assert receiver.actions() == ["agent_silent opened"]
    assert ["Too many dynamic script compilations" in one for one in told.failed] == [True, True]
    limit("unlimited")
    assert watch.round(NOW + 30).failed == []
    assert receiver.actions() == ["clock_wrong opened", "refused opened"]
    assert watch.round(NOW + 60).failed == []
    assert receiver.actions() == []


@pytest.fixture
def limit(node: OpenSearchCluster) -> Iterator[Callable[[str], None]]:
    def set_to(rate: str) -> None:
        settings = {"transient": {"script.context.template.max_compilations_rate": rate}}
        node.request("PUT", "/_cluster/settings", json.dumps(settings))

    yield set_to
    set_to("unlimited")


@pytest.mark.servers
def test_no_storm_after_an_outage_of_head_office(
    node: OpenSearchCluster, watch: Watch, receiver: Receiver
) -> None:
    names = [f"Loja{number:03}" for number in range(101, 109)]
    regions = dict(zip(names, ["Sul"] * 4 + ["Norte"] * 4, strict=True))
    seed(node.url, [agent(name, region=regions[name]) for name in names], NOW)
    assert begun(watch.round(NOW)) == []
    after = NOW + 3600
    assert begun(watch.round(after)) == ["chain_silent -"]
    assert receiver.actions() == ["chain_silent opened"]
    assert [said(node, name)["status"] for name in names] == ["agent_silent"] * 8

    back: list[str] = []
    for number, name in enumerate(names[:6], start=1):  # one in each round, Sul first
        back.append(name)
        moment = after + number * 30
        for one in back:
            beat(node, one, moment)
        told = watch.round(moment)
        assert begun(told) == []
        assert ended(told) == (["chain_silent -"] if number == 4 else [])  # half of them are back
    assert receiver.actions() == ["chain_silent closed"]
    assert [said(node, name)["status"] for name in names] == ["ok"] * 6 + ["agent_silent"] * 2

    late = after + 3 * 30 + 241  # two are not back, and nothing holds them together any more
    for one in back:
        beat(node, one, late)
    assert begun(watch.round(late)) == [f"agent_silent {name}" for name in names[6:]]
    assert receiver.actions() == ["agent_silent opened"] * 2


@pytest.mark.servers
def test_a_region_is_one_alert_and_a_store_that_was_off_before_keeps_its_own(
    node: OpenSearchCluster, watch: Watch, receiver: Receiver
) -> None:
    south = [f"Loja{number:03}" for number in range(101, 105)]
    north = [f"Loja{number:03}" for number in range(201, 208)]
    seed(node.url, [silent(south[0])], NOW)
    seed(node.url, [agent(name, region="Sul") for name in south[1:]], NOW)
    seed(node.url, [agent(name, region="Norte") for name in north], NOW)
    change(node.url, south[0], {"region": "Sul"}, NOW)
    assert begun(watch.round(NOW)) == [f"agent_silent {south[0]}"]
    later = NOW + 1200
    for name in north:
        beat(node, name, later)
    told = watch.round(later)
    assert (begun(told), ended(told)) == (["region_silent Sul"], [])
    assert receiver.actions() == ["agent_silent opened", "region_silent opened"]


@pytest.mark.servers
def test_nothing_is_idle_while_the_table_is_being_read_anew(node: OpenSearchCluster, watch: Watch) -> None:
    quiet = {"last_call": Ago(5 * 3600), "last_row": Ago(5 * 3600)}
    seed(
        node.url,
        [
            agent("Loja001", **quiet, read_seconds=None, lag_seconds=0),
            agent("Loja002", **quiet, read_seconds=4000),
            agent("Loja003", **quiet),
        ],
        NOW,
    )
    assert begun(watch.round(NOW)) == ["idle Loja003"]
    assert said(node, "Loja003")["watch"]["expected_calls"] == 30.0  # six in each of five hours
    assert said(node, "Loja001")["status"] == "ok"


@pytest.mark.servers
def test_a_second_round_at_the_same_moment_changes_nothing(
    node: OpenSearchCluster, watch: Watch, receiver: Receiver
) -> None:
    def versions() -> dict[str, int]:
        path = "/pabx-stores,pabx-alerts/_search?version=true&size=100"
        return {one["_id"]: one["_version"] for one in node.request("GET", path)["hits"]["hits"]}

    seed(node.url, [silent(), agent("Loja002"), agent("Loja003", region=None)], NOW)
    watch.round(NOW)
    first, status = versions(), said(node)
    assert (status["status"], status["status_since"]) == ("agent_silent", "2026-11-23T14:30:00Z")
    assert (said(node, "Loja002")["status"], len(first)) == ("ok", 4)
    receiver.actions()
    told = watch.round(NOW)
    assert (begun(told), ended(told), receiver.actions(), versions()) == ([], [], [], first)
    watch.round(NOW + 600)
    assert said(node)["status_since"] == "2026-11-23T14:30:00Z"


@pytest.mark.servers
def test_a_store_whose_hours_cannot_be_read_is_named_and_the_others_are_watched(
    node: OpenSearchCluster, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    seed(node.url, [agent("Loja002", timezone="Mars/Olympus"), silent()], NOW)
    assert begun(watch.round(NOW)) == ["agent_silent Loja001"]
    (line,) = (one.getMessage() for one in caplog.records if "is not watched" in one.getMessage())
    assert line == (
        "store Loja002 is not watched: store.timezone 'Mars/Olympus': no known zone: "
        "correct the register's file"
    )
