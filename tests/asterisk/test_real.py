"""The agent beside a real Asterisk: what the panel shows during a call, and what is left behind it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError

import pytest

from compose.stack import OpenSearchCluster
from tests.asterisk.conftest import Asterisk
from tests.shipper.store import Store, eventually

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

Seen = tuple[str, tuple[str, ...]]
"""A call on the panel: its state, and who of the store takes part."""


def there(cluster: OpenSearchCluster, pattern: str) -> list[dict[str, Any]]:
    """The documents of an index; none as long as it is being made."""
    try:
        cluster.request("POST", f"/{pattern}/_refresh?ignore_unavailable=true")
        found = cluster.request("POST", f"/{pattern}/_search?size=1000&ignore_unavailable=true", {})
    except HTTPError:
        return []
    return [hit["_source"] for hit in found["hits"]["hits"]]


def on_panel(cluster: OpenSearchCluster) -> list[dict[str, Any]]:
    return [call for call in there(cluster, "pabx-live") if call["live"]["state"] != "ended"]


@contextmanager
def watched(cluster: OpenSearchCluster) -> Iterator[list[Seen]]:
    """What was on the panel meanwhile, each thing once, in order."""
    seen: list[Seen] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            for call in on_panel(cluster):
                one = (call["live"]["state"], tuple(sorted(call["live"].get("extensions", ()))))
                if one not in seen:
                    seen.append(one)
            time.sleep(0.1)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@contextmanager
def agent(store: Store) -> Iterator[None]:
    """An agent that hears the PBX."""
    with store.agent():
        eventually(lambda: "compared" in store.log, "the first look at the table")
        eventually(lambda: store.status()["errors"].get("ami") is None, "the log-in")
        time.sleep(1)
        yield
    assert "Traceback" not in store.log, store.log


SCENARIOS: dict[str, list[Seen]] = {
    "internal": [("ringing", ("100", "101")), ("talking", ("100", "101"))],
    "busy": [],
    "queue_answered": [("queued", ("101", "102")), ("talking", ("102",))],
    "queue_abandoned": [("queued", ("101", "102"))],
    "hold": [("talking", ("100", "101")), ("on_hold", ("100", "101"))],
    "blind_transfer": [("talking", ("101",)), ("talking", ("103",))],
    "attended_transfer": [("on_hold", ("101",)), ("talking", ("101", "102")), ("talking", ("102",))],
    "park": [("talking", ("101",)), ("on_hold", ()), ("talking", ("103",))],
    "conference": [("talking", ("100",))],
    "outbound": [("talking", ("100",))],
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_call(asterisk: Asterisk, listening: Store, cluster: OpenSearchCluster, scenario: str) -> None:
    with agent(listening), watched(cluster) as seen:
        before = {row["event"]["id"] for row in there(cluster, "pabx-cdr-*")}
        with asterisk.calling(scenario) as calling:
            assert calling.wait(120) == 0
        eventually(lambda: not on_panel(cluster), "the end of all calls on the panel")

        def rows() -> list[dict[str, Any]]:
            return [row for row in there(cluster, "pabx-cdr-*") if row["event"]["id"] not in before]

        eventually(rows, "rows, without any polling", 5)
        missing = [one for one in SCENARIOS[scenario] if one not in seen]
        assert not missing, f"never on the panel: {missing}; what was: {seen}"
        live = {call["call"]["id"] for call in there(cluster, "pabx-live")}
        eventually(
            lambda: live & {call["event"]["id"] for call in there(cluster, "pabx-calls-*")},
            "the call's document, under the _id that the panel had",
        )
        (store,) = there(cluster, "pabx-stores")
        assert store["store"]["ami_resync_differences"] == 0


@pytest.mark.parametrize(
    ("scenario", "direction", "outcome"),
    [("unregistered", "internal", "failed"), ("emoji", "inbound", "answered")],
)
def test_a_call_without_a_row(
    asterisk: Asterisk,
    listening: Store,
    cluster: OpenSearchCluster,
    scenario: str,
    direction: str,
    outcome: str,
) -> None:
    """The table never gets one: an unregistered telephone; a name that the connection's utf8 cannot hold."""
    listening.set("cdr", poll_seconds=1)
    with agent(listening):
        before = {call["event"]["id"] for call in there(cluster, "pabx-calls-*")}
        with asterisk.calling(scenario) as calling:
            assert calling.wait(120) == 0

        def unheard() -> list[dict[str, Any]]:
            calls = [call for call in there(cluster, "pabx-calls-*") if call["event"]["id"] not in before]
            return [call for call in calls if "call_without_row" in call.get("tags", ())]

        (call,) = eventually(unheard, "the call", 60)
    found = call["call"]
    assert (found["direction"], found["outcome"], found["legs"]) == (direction, outcome, 0)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_it_ends_in_the_middle_of_a_call(
    asterisk: Asterisk, listening: Store, cluster: OpenSearchCluster, how: str
) -> None:
    with agent(listening):
        with asterisk.calling("internal"):
            eventually(
                lambda: [call for call in on_panel(cluster) if call["live"]["state"] == "talking"], "a call"
            )
            asterisk.run(how)
        asterisk.run("start")
        eventually(lambda: not on_panel(cluster), "the end of the call on the panel", 60)
        eventually(lambda: listening.status()["errors"].get("ami") is None, "the next log-in", 60)
        told = [event["event"]["action"] for event in there(cluster, "pabx-events-*")]
        assert {"ami-lost", "ami-back", "restart"} <= set(told)
        assert ("shutdown" in told) == (how == "stop")
        with asterisk.calling("internal") as calling:
            eventually(
                lambda: [call for call in on_panel(cluster) if call["live"]["state"] == "talking"], "the next"
            )
            assert calling.wait(120) == 0
        eventually(lambda: not on_panel(cluster), "its end")


def test_telephones_that_vanish_and_passwords_that_are_wrong(
    asterisk: Asterisk, listening: Store, cluster: OpenSearchCluster
) -> None:
    with agent(listening):
        with asterisk.calling("phones_vanish") as calling:
            assert calling.wait(120) == 0

        def actions() -> list[str]:
            return [event["event"]["action"] for event in there(cluster, "pabx-events-*")]

        eventually(lambda: "contact-lost" in actions() and "peer-lost" in actions(), "the loss")
        (store,) = there(cluster, "pabx-stores")
        assert store["store"]["extensions_unregistered"] > 0
        assert store["store"]["trunks_up"] == ["acme"] or store["store"]["trunks_down"] == ["acme"]


def test_what_check_says(listening: Store) -> None:
    found = {one["part"]: one for one in json.loads(listening.run("check", "--json").out)}
    assert found["ami"]["state"] in {"ok", "warning"}
    assert "security" in found["ami"]["message"]  # the only class that this user lacks
    listening.set("ami", secret="wrong")
    found = {one["part"]: one for one in json.loads(listening.run("check", "--json").out)}
    assert found["ami"]["state"] == "failed"
    assert "refuses the log-in" in found["ami"]["message"]
    assert found["ami"]["stanza"].startswith("[shipper]\n")
