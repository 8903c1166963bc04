"""The agent that listens: real database and cluster; the PBX is a fake AMI server with a real one's bytes."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

import pytest

from compose.simulator.ami import FakeAmi, written
from shipper.live.calls import LiveCall, live_call
from shipper.live.channel import Event
from shipper.live.channels import Channels
from tests.live.recorded import ENDPOINTS, events, listing, snapshots
from tests.servers import CdrDatabase
from tests.shipper.store import Store, eventually, fill

pytestmark = pytest.mark.servers

Found = Callable[..., list[dict[str, Any]]]


class Pbx:
    """A fake AMI server and what a real PBX would know."""

    def __init__(self, ami: FakeAmi) -> None:
        self.ami = ami
        self.channels = Channels()
        self.left = list(events())
        self.devices: list[Event] = []
        ami.state = self.answer

    def answer(self, action: str) -> list[Event]:
        if action == "CoreShowChannels":
            return listing(self.channels)
        return self.devices if action == "DeviceStateList" else []

    def play(self, until: float) -> None:
        """Send what came until a moment."""
        raw = bytearray()
        while self.left and self.left[0][0] <= until:
            _, event = self.left.pop(0)
            self.channels.apply(event)
            raw += written(event)
        self.ami.send(bytes(raw)).result()

    def calls(self) -> dict[str, LiveCall]:
        found = {
            linked: live_call(self.channels.of(linked), ENDPOINTS) for linked in self.channels.linkedids()
        }
        return {linked: call for linked, call in found.items() if call is not None}


@pytest.fixture
def pbx() -> Iterator[Pbx]:
    with FakeAmi() as ami:
        yield Pbx(ami)


@pytest.fixture
def listening(ready_store: Store, pbx: Pbx) -> Store:
    """A store whose agent listens to the PBX."""
    ready_store.set("store", timezone="America/New_York", trunks=["acme"])
    ready_store.set("agent", heartbeat_seconds=0.5)
    return ready_store.set("ami", port=pbx.ami.port, secret=pbx.ami.secret)


def there(found: Found, pattern: str) -> list[dict[str, Any]]:
    """The documents of an index; none as long as it is being made."""
    try:
        return found(pattern)
    except HTTPError:
        return []


def shown(found: Found) -> dict[str, tuple[str, tuple[str, ...], str]]:
    """What the panel shows: state, extensions and direction of each call that has not ended."""
    sources = [hit["_source"] for hit in there(found, "pabx-live")]
    return {
        one["call"]["linked_ids"][0]: (
            one["live"]["state"],
            tuple(one["live"].get("extensions", ())),
            one["call"]["direction"],
        )
        for one in sources
        if one["live"]["state"] != "ended"
    }


def meant(pbx: Pbx) -> dict[str, tuple[str, tuple[str, ...], str]]:
    return {
        call.linked_ids[0]: (call.state, call.extensions, call.direction) for call in pbx.calls().values()
    }


def test_the_panel_shows_each_recorded_moment(listening: Store, pbx: Pbx, found: Found) -> None:
    with listening.agent():
        eventually(lambda: pbx.ami.clients, "the log-in")
        for snapshot in snapshots():
            pbx.play(snapshot.at)
            expected = meant(pbx)
            eventually(lambda expected=expected: shown(found) == expected, f"{snapshot.name}: {expected}", 10)
        pbx.play(float("inf"))
        eventually(lambda: shown(found) == {}, "the end of all calls")
        assert {hit["_index"] for hit in there(found, "pabx-live")} == {"pabx-live"}
        # The others came and went between two snapshots, within less than is told one by one.
        assert len(there(found, "pabx-live")) >= 16
        told = [hit["_source"]["event"]["action"] for hit in there(found, "pabx-events-*")]
        assert told.count("queue-join") == 3
        assert told.count("queue-abandon") == 2
        assert told.count("ami-back") == 1
    assert "Traceback" not in listening.log


def test_a_row_is_read_as_soon_as_its_call_hangs_up(
    listening: Store, pbx: Pbx, cdr_database: CdrDatabase, found: Found
) -> None:
    listening.set("cdr", poll_seconds=3600)
    with listening.agent():
        eventually(lambda: pbx.ami.clients, "the log-in")
        eventually(lambda: "compared" in listening.log, "the first look")
        fill(cdr_database, 1, start=time.strftime("%Y-%m-%d %H:%M:%S"))
        time.sleep(1)
        assert there(found, "pabx-cdr-*") == []
        pbx.play(pbx.left[0][0] + 10)  # a call, from beginning to end
        eventually(lambda: len(there(found, "pabx-cdr-*")) == 1, "the row", 3)


def test_without_ami_rows_are_shipped_as_ever(
    listening: Store, pbx: Pbx, cdr_database: CdrDatabase, found: Found
) -> None:
    pbx.ami.stop()
    with listening.agent():
        fill(cdr_database, 5)
        eventually(lambda: len(there(found, "pabx-cdr-*")) == 5, "the rows")
        eventually(lambda: len(there(found, "pabx-calls-*")) == 5, "their calls")

        def told() -> dict[str, Any]:
            return dict(there(found, "pabx-stores")[0]["_source"]["store"])

        def trouble() -> str:
            return str(told()["checks"]["ami"])

        eventually(lambda: there(found, "pabx-stores"), "a heartbeat")
        eventually(lambda: "cannot be reached" in trouble(), "the reason in the heartbeat")
        eventually(lambda: told()["ami_wrong_seconds"] >= 2, "how long it has been so")
        assert told().get("pbx_started") is None
        assert listening.status()["errors"]["ami"]["message"].startswith("ami: Asterisk at 127.0.0.1:")
        pbx.ami.start()
        eventually(lambda: trouble() == "ok" and told()["pbx_started"], "the log-in", 40)
        assert told()["ami_wrong_seconds"] == 0
        began = datetime.fromisoformat(told()["pbx_started"])
        # The fake one says with each log-in that it was started 520 s before.
        assert abs(datetime.now(UTC) - began - timedelta(seconds=520)) < timedelta(seconds=20)
        pbx.ami.stop()
        eventually(lambda: told()["ami_wrong_seconds"] >= 1, "the end of it")
        # What only a PBX that is heard tells does not stay in the store's document.
        assert [told()[name] for name in ("pbx_started", "calls_now", "trunks_down")] == [None] * 3
        assert told()["trunks_down_seconds"] == 0


def test_a_wrong_secret_is_told_and_stops_nothing_else(
    listening: Store, cdr_database: CdrDatabase, pbx: Pbx, found: Found
) -> None:
    listening.set("ami", secret="wrong")
    with listening.agent():
        fill(cdr_database, 1)
        eventually(lambda: len(there(found, "pabx-cdr-*")) == 1, "the row")
        eventually(lambda: "refuses the log-in" in listening.log, "the reason in the log")
        time.sleep(2)
        assert pbx.ami.actions.count("Login") == 1  # not again and again: who guesses is locked out
    assert "[shipper] in /etc/asterisk/manager.conf" in listening.log


def test_without_a_secret_nothing_listens(listening: Store, pbx: Pbx, found: Found) -> None:
    listening.set("ami", secret="")
    with listening.agent():
        hits = eventually(lambda: there(found, "pabx-stores"), "a heartbeat")
        assert hits[0]["_source"]["store"]["checks"]["ami"].startswith("ami.secret is empty")
        assert hits[0]["_source"]["store"]["ami_wrong_seconds"] == 0
    assert pbx.ami.actions == []


def test_switched_off(listening: Store, pbx: Pbx, found: Found) -> None:
    listening.set("ami", enabled=False)
    with listening.agent():
        hits = eventually(lambda: there(found, "pabx-stores"), "a heartbeat")
        assert hits[0]["_source"]["store"]["checks"]["ami"] == "off"
        assert hits[0]["_source"]["store"]["ami_wrong_seconds"] == 0
    assert pbx.ami.actions == []


def test_a_restart_in_the_middle_of_calls(listening: Store, pbx: Pbx, found: Found) -> None:
    """What ended unheard leaves the panel, what began unheard is on it."""
    at = {snapshot.name: snapshot.at for snapshot in snapshots()}
    with listening.agent():
        eventually(lambda: pbx.ami.clients, "the log-in")
        pbx.play(at["queue-waiting"])
        eventually(lambda: shown(found) == meant(pbx), "the waiting call")
        pbx.ami.stop()
        pbx.play(at["conference"])  # nobody hears it
        pbx.ami.start()
        eventually(lambda: shown(found) == meant(pbx), "what is there now")
        assert len(meant(pbx)) > 1
        told = [hit["_source"]["event"]["action"] for hit in there(found, "pabx-events-*")]
        assert (told.count("ami-lost"), told.count("ami-back")) == (1, 2)


def test_the_heartbeat_tells_of_telephones_trunks_and_calls(listening: Store, pbx: Pbx, found: Found) -> None:
    snapshot = next(one for one in snapshots() if one.name == "inbound")
    pbx.play(snapshot.at)
    pbx.devices = [{key: device[key] for key in device if key != "ActionID"} for device in snapshot.devices]
    with listening.agent():
        store = eventually(
            lambda: next(
                (
                    hit["_source"]["store"]
                    for hit in there(found, "pabx-stores")
                    if hit["_source"]["store"].get("calls_now") == 1
                ),
                None,
            ),
            "a heartbeat with a call",
        )
    assert store["checks"]["ami"] == "ok"
    assert store["trunks_up"] == ["acme"]
    assert store["trunk_peaks"] == ["acme=1"]
    # A call that goes on counts, though it has no row yet.
    (began,) = (call.begin for call in pbx.calls().values())
    assert datetime.fromisoformat(store["last_call"]).timestamp() == began
    assert "last_row" not in store
    assert store["ami_resync_differences"] == 0
    assert store["extensions_registered"] + store["extensions_unregistered"] == 4


def test_a_user_who_may_not_read_calls(listening: Store, pbx: Pbx, found: Found) -> None:
    """Logged in, and deaf: the panel would just look quiet."""
    pbx.ami.read = frozenset({"system"})
    with listening.agent():

        def check() -> str:
            hits = there(found, "pabx-stores")
            return str(hits[0]["_source"]["store"]["checks"]["ami"]) if hits else ""

        eventually(lambda: "read = lacks call: calls in progress" in check(), "the reason in the heartbeat")
        assert there(found, "pabx-stores")[0]["_source"]["store"]["ami_wrong_seconds"] == 0  # it is heard


@pytest.mark.parametrize(
    ("read", "write", "state", "words"),
    [
        ("system,call,cdr,agent,security", "reporting", "ok", "0 channels now"),
        ("all", "reporting", "ok", "0 channels now"),
        ("system,call,cdr,agent", "reporting", "warning", "not seen without read = security: failed log-ins"),
        ("call,system", "reporting", "failed", "read = lacks cdr: calls that leave no row"),
        ("call,cdr", "", "failed", "refuses CoreShowChannels (Permission denied)"),
    ],
)
def test_what_check_says_of_rights(
    listening: Store, pbx: Pbx, read: str, write: str, state: str, words: str
) -> None:
    pbx.ami.read, pbx.ami.write = frozenset(read.split(",")), frozenset(write.split(","))
    pbx.ami.secret = "tr0ub4dor"
    listening.set("ami", secret="tr0ub4dor")
    (one,) = (one for one in json.loads(listening.run("check", "--json").out) if one["part"] == "ami")
    assert (one["state"], words in one["message"]) == (state, True), one
    assert bool(one["stanza"]) == (state != "ok")
    assert ("[shipper]" in one["stanza"]) == (state != "ok")
    assert pbx.ami.secret not in one["stanza"]


def test_what_check_says_where_nobody_listens(listening: Store, pbx: Pbx) -> None:
    pbx.ami.stop()
    result = listening.run("check")
    assert result.code == 1
    (line,) = (line for line in result.out.splitlines() if line.startswith("ami"))
    assert "cannot be reached" in line
    assert "write = reporting" in result.out.splitlines()[-1]
    assert "[shipper]" not in listening.set("ami", enabled=False).run("check").out


def test_hang_ups_shorten_no_pause_after_trouble(listening: Store, pbx: Pbx) -> None:
    """A database that is down is not asked at each hang-up: a store must not notice the agent."""
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        listening.set("cdr", port=server.getsockname()[1])
        hang_up = written({"Event": "Hangup", "Privilege": "call,all", "Uniqueid": "1.1", "Linkedid": "1.1"})
        with listening.agent():
            eventually(lambda: pbx.ami.clients, "the log-in")
            until = time.monotonic() + 6
            while time.monotonic() < until:
                pbx.ami.send(hang_up).result()
                with suppress(TimeoutError):
                    connection, _ = server.accept()
                    connections.append(connection)
                    connection.close()
    # After half a second, one, two, four: with each hang-up it would be three a second.
    assert 1 <= len(connections) <= 8
