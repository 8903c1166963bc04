"""Calls of now and events through the real Fluent Bit."""

import datetime as dt
import time
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from tests.gate.client import WHEN, Client
from tests.gate.running import ABSENT, BINARY, Gate, documents, now, wait_idle
from tests.gate.test_gate import section
from tests.shipper.store import eventually

pytestmark = [pytest.mark.servers, pytest.mark.skipif(BINARY is None, reason=ABSENT)]


def call(client: Client, number: int, state: str, sequence: int, **more: Any) -> dict[str, Any]:
    """A call of now, by a clock that is years off."""
    said = "2001-01-01T00:00:00Z"
    made = client.document(number, "pabx.live", sequence=sequence)
    made |= {"@timestamp": said, "live": {"state": state, "since": said, "as_of": said}, **more}
    return client.signed(made, "pabx.live")


def found(cluster: OpenSearchCluster) -> dict[str, tuple[str, int]]:
    """State and version of each call, by the end of its id."""
    return {
        hit["_id"][-1]: (hit["_source"]["live"]["state"], hit["_version"])
        for hit in documents(cluster, "pabx-live")
    }


def test_a_call_of_now_arrives_with_the_gates_clock_and_never_goes_back(
    gate: Gate, cluster: OpenSearchCluster
) -> None:
    before = now().replace(microsecond=0)
    with Client(gate, section(gate)) as client:
        client.send("pabx.live", call(client, 1, "ringing", 1795410607123), at=978307200)
        client.send("pabx.live", call(client, 2, "talking", 1795410607123), at=4102444800)
        wait_idle(gate)
        assert found(cluster) == {"1": ("ringing", 1795410607123), "2": ("talking", 1795410607123)}
        client.send("pabx.live", call(client, 1, "talking", 1795410607124))
        wait_idle(gate)
        client.send(
            "pabx.live",
            call(client, 1, "ringing", 1795410607123),
            call(client, 2, "ended", 1795410607999, arrived="2099-01-01T00:00:00Z"),
        )
        eventually(lambda: found(cluster).get("2") == ("ended", 1795410607999), "the end of a call")
        wait_idle(gate)
    assert found(cluster) == {"1": ("talking", 1795410607124), "2": ("ended", 1795410607999)}
    for hit in documents(cluster, "pabx-live"):
        source = hit["_source"]
        assert before <= dt.datetime.fromisoformat(source["live"]["as_of"]) <= now()
        assert source["@timestamp"] == source["live"]["as_of"]
        assert source["live"]["since"] == "2001-01-01T00:00:00Z"
        assert source["event"]["created"] == "2026-11-23T05:10:07Z"
        assert source.keys() & {"arrived", "proof", "forward_time"} == set()
    assert documents(cluster, "pabx-quarantine-*") == []


def test_the_moment_is_that_of_the_arrival_at_the_gate(gate: Gate, cluster: OpenSearchCluster) -> None:
    """What waited for the cluster does not look as if it was of now."""
    cluster.request("PUT", "/pabx-live")
    cluster.request("PUT", "/pabx-live/_settings", {"index.blocks.write": True})
    with Client(gate, section(gate)) as client:
        client.send("pabx.live", call(client, 1, "ringing", 1795410607123))
        sent = now()
        time.sleep(2.5)
        cluster.request("PUT", "/pabx-live/_settings", {"index.blocks.write": False})
        eventually(lambda: documents(cluster, "pabx-live"), "the call")
    (hit,) = documents(cluster, "pabx-live")
    source = hit["_source"]
    assert dt.datetime.fromisoformat(source["live"]["as_of"]) <= sent
    assert dt.datetime.fromisoformat(source["event"]["ingested"]) - sent > dt.timedelta(seconds=2)


def test_an_event_goes_into_its_day_once(gate: Gate, cluster: OpenSearchCluster) -> None:
    today = now().replace(hour=23, minute=59, second=59, microsecond=0)
    yesterday = today - dt.timedelta(days=1)

    def event(client: Client, number: int, at: dt.datetime) -> dict[str, Any]:
        made = client.document(number, "pabx.events", action="peer-lost")
        more = {"@timestamp": at.isoformat().replace("+00:00", "Z"), "message": "Trunk vivo is gone."}
        return client.signed({**made, **more}, "pabx.events")

    with Client(gate, section(gate)) as client:
        for number, at in ((1, today), (2, yesterday), (1, today)):
            client.send("pabx.events", event(client, number, at), at=int(at.timestamp()))
            wait_idle(gate)
        client.send("pabx.events", event(client, 3, today), at=WHEN - 400 * 86400)  # another day's index
        wait_idle(gate)
    held = {hit["_id"][-1]: (hit["_index"], hit["_version"]) for hit in documents(cluster, "pabx-events-*")}
    assert held == {"1": (f"pabx-events-{today:%Y.%m.%d}", 1), "2": (f"pabx-events-{yesterday:%Y.%m.%d}", 1)}
    (aside,) = documents(cluster, "pabx-quarantine-*")
    assert aside["_source"]["quarantine"]["rule"] == "gate.time"
    assert aside["_source"]["quarantine"]["dataset"] == "pabx.event"
