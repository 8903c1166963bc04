"""Listening survives whatever a PBX does; a fake one, since no real one hangs or loses bytes on demand."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest

from compose.simulator.ami import FakeAmi, written
from shipper.agent import watching as module
from shipper.agent.board import Board
from shipper.agent.watching import Watching
from shipper.assembly.builder import identify_call
from shipper.config import AmiSettings
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.errors import SpoolError
from shipper.live.calls import live_call
from shipper.live.channel import Event
from shipper.live.channels import Channels
from shipper.live.events import EventWriter
from shipper.live.folding import Folding
from shipper.live.writing import LiveWriter
from shipper.numbering import reader
from shipper.sources.ami import link
from shipper.spool import Spool
from tests.live.recorded import ENDPOINTS, events, listing, snapshots
from tests.shipper.store import eventually

ORIGIN = Origin("Loja001", "America/New_York", "1.0")
READ = reader("BR", "11")
CLEAR = Privacy("clear", "", READ)
IDENTITY = identify_call("Loja001")
AT = {snapshot.name: snapshot.at for snapshot in snapshots()}


class Shelf(Board):
    """Keeps what was put on it, as the index would."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, str] = {}

    def put(self, documents: Any) -> None:
        for document in documents:
            self.states[document.id] = json.loads(document.body)["live"]["state"]

    @property
    def going_on(self) -> dict[str, str]:
        return {key: state for key, state in dict(self.states).items() if state != "ended"}


class Pbx:
    """A fake server that plays the recording, and what a real one would know of its channels."""

    def __init__(self, ami: FakeAmi) -> None:
        self.ami = ami
        self.channels = Channels()
        self.left = list(events())
        ami.state = lambda action: listing(self.channels) if action == "CoreShowChannels" else []

    def next(self, until: float = float("inf"), most: int = 100_000) -> bytes:
        """What comes next, as bytes; from now on a listing tells of it."""
        raw = bytearray()
        for _ in range(most):
            if not self.left or self.left[0][0] > until:
                break
            _, event = self.left.pop(0)
            self.channels.apply(event)
            raw += written(event)
        return bytes(raw)

    def play(self, until: float = float("inf"), most: int = 100_000) -> None:
        self.ami.send(self.next(until, most)).result()

    @property
    def going_on(self) -> dict[str, str]:
        found = {name: live_call(self.channels.of(name), ENDPOINTS) for name in self.channels.linkedids()}
        return {IDENTITY(name): call.state for name, call in found.items() if call is not None}


class Listener:
    """What listens, in a thread."""

    def __init__(self, folder: Path, port: int, secret: str = "secret") -> None:
        self.shelf = Shelf()
        self.spool = Spool(folder / "spool.db", 64)
        self.hang_ups = 0
        self.folding = Folding(
            ENDPOINTS,
            LiveWriter(ORIGIN, IDENTITY, READ, CLEAR),
            EventWriter(ORIGIN, IDENTITY, CLEAR),
            time.time,
            ZoneInfo(ORIGIN.timezone),
        )
        self.watching = Watching(
            AmiSettings(port=port, secret=secret),
            self.folding,
            Spool(folder / "spool.db", 64),
            self.shelf,
            3600.0,
            self._hung_up,
            lambda: None,
            lambda: None,
        )
        self.thread = threading.Thread(target=self.watching.forever)

    def _hung_up(self) -> None:
        self.hang_ups += 1

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watching.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.spool.close()

    @property
    def trouble(self) -> str:
        return str(self.watching.error or "")

    def told(self) -> list[str]:
        """The actions of the events in the spool."""
        bodies = [json.loads(one.body) for one in self.spool.take(10_000, 2**30)]
        return [body["event"]["action"] for body in bodies]


@pytest.fixture
def pbx(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pbx]:
    monkeypatch.setattr(link, "PING_SECONDS", 0.3)
    monkeypatch.setattr(module, "RESYNC_SECONDS", 1.0)
    monkeypatch.setattr(module, "TICK_SECONDS", 0.2)
    with FakeAmi() as ami:
        yield Pbx(ami)


@pytest.fixture
def listener(pbx: Pbx, tmp_path: Path) -> Iterator[Listener]:
    with Listener(tmp_path, pbx.ami.port) as found:
        eventually(lambda: found.watching.report, "the log-in")
        yield found


def same(listener: Listener, pbx: Pbx, seconds: float = 20) -> None:
    """Soon the panel shows just what goes on."""
    expected = pbx.going_on
    eventually(lambda: listener.shelf.going_on == expected, f"{expected}", seconds)


def test_a_server_that_hangs_in_the_middle_of_a_call(listener: Listener, pbx: Pbx) -> None:
    pbx.play(AT["internal"])
    same(listener, pbx)
    pbx.ami.hang()
    eventually(lambda: "did not answer" in listener.trouble, "the missing pong")
    assert listener.watching.report == {}  # the heartbeat tells no old figures
    pbx.next(AT["inbound"])  # it goes on meanwhile, unheard
    pbx.ami.resume()
    same(listener, pbx)
    eventually(lambda: not listener.trouble, "all well")
    assert listener.folding.differences == 0  # what came unheard is no fault


def test_bytes_that_nobody_notices_missing_are_healed_by_the_next_look(listener: Listener, pbx: Pbx) -> None:
    hang_up = next(number for number, (_, event) in enumerate(pbx.left) if event["Event"] == "Hangup")
    pbx.play(most=hang_up)
    same(listener, pbx)
    assert len(pbx.going_on) == 1
    pbx.next(most=4)  # the hang-ups are lost on the way, without a trace
    assert pbx.going_on == {}
    same(listener, pbx)
    assert listener.folding.differences > 0
    eventually(lambda: listener.watching.report["ami_resync_differences"] > 0, "the count in the heartbeat")


def test_bytes_that_are_noticed_missing(
    listener: Listener, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESYNC_SECONDS", 3600.0)
    pbx.ami.send(b"ing: half a message\r\n\r\n" + pbx.next(AT["hold"])).result()
    same(listener, pbx)


def test_a_flood_is_read_on_and_healed(listener: Listener, pbx: Pbx) -> None:
    pbx.play(AT["conference"])
    same(listener, pbx)
    status = {
        "Event": "ExtensionStatus",
        "Privilege": "call,all",
        "Exten": "100",
        "Hint": "PJSIP/100",
        "Status": "0",
    }
    assert pbx.ami.flood(50_000, 2.0, written(status)) == 100_000
    pbx.play(AT["click2call"])
    same(listener, pbx)
    assert pbx.ami.cut_off == 0
    assert pbx.ami.logins == 1


def test_names_that_are_no_text(listener: Listener, pbx: Pbx) -> None:
    raw = pbx.next(AT["internal"]).replace(b"Alice Martin", b"Al\xe3\x82 \xff\x00")
    pbx.ami.send(raw, sizes=[1] * 300).result()
    same(listener, pbx)
    assert len(pbx.going_on) == 1


def test_a_wrong_secret_is_tried_again_seldom(
    pbx: Pbx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFUSED_SECONDS", 1.5)
    pbx.ami.refuse_login = True
    with Listener(tmp_path, pbx.ami.port) as found:
        eventually(lambda: "refuses the log-in" in found.trouble, "the reason")
        time.sleep(1.0)
        assert pbx.ami.actions.count("Login") == 1
        pbx.ami.refuse_login = False
        eventually(lambda: not found.trouble, "the log-in after it was mended")


def test_a_spool_that_takes_nothing_keeps_no_call_from_the_panel(
    listener: Listener, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = listener.watching._spool
    works: Callable[..., None] = spool.add

    def refuses(*_: object, **__: object) -> None:
        raise SpoolError("no room")

    monkeypatch.setattr(spool, "add", refuses)
    monkeypatch.setattr(spool, "hear", refuses)
    pbx.play(AT["queue-talking"])
    same(listener, pbx)
    assert listener.told().count("queue-join") == 0
    monkeypatch.setattr(spool, "add", works)
    monkeypatch.undo()
    pbx.play()
    eventually(lambda: listener.told().count("queue-join") == 3, "what had waited")
    eventually(lambda: len(listener.spool.heard(1e12, 1000)) == 62, "the calls that are over")


def test_it_is_calm_when_no_call_has_ended_lately(
    listener: Listener, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LATE_SECONDS", 1.0)
    pbx.play(AT["inbound"])
    eventually(lambda: listener.hang_ups, "a hang-up")
    assert not listener.watching.is_calm()
    eventually(listener.watching.is_calm, "calm")
    pbx.ami.stop()
    eventually(lambda: listener.trouble, "the loss")
    assert not listener.watching.is_calm()  # nobody would tell of a hang-up


def test_a_failing_fold_is_told_and_asked_anew(
    listener: Listener, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = Channels.apply
    failed = threading.Event()

    def fails_once(self: Channels, event: Event) -> set[str]:
        if event.get("Event") == "Newchannel" and self is listener.folding._channels and not failed.is_set():
            failed.set()
            raise RuntimeError("a bug")
        return apply(self, event)

    monkeypatch.setattr(Channels, "apply", fails_once)
    pbx.play(AT["internal"])
    same(listener, pbx)
    assert failed.is_set()
    assert pbx.ami.logins == 1


@pytest.mark.parametrize("seed", range(4))
def test_any_faults_in_any_order(listener: Listener, pbx: Pbx, seed: int) -> None:
    """After whatever has happened, one look at the PBX makes the panel right again."""
    choose = random.Random(seed)

    def hang() -> None:
        pbx.ami.hang()
        time.sleep(choose.uniform(0.0, 0.8))
        pbx.ami.resume()

    def lose() -> None:
        pbx.next(most=choose.randrange(1, 30))

    def flood() -> None:
        pbx.ami.flood(50_000, 0.2, written({"Event": "VarSet", "Variable": "x" * 50}))

    def drop() -> None:
        pbx.ami.drop(choose.randrange(1, 3000))

    def babble() -> None:
        pbx.ami.send(b"\xff\xfe: \r\n\r\n").result()

    for _ in range(12):
        pbx.play(most=choose.randrange(1, 120))
        choose.choice([pbx.ami.restart, hang, lose, flood, drop, babble])()
    same(listener, pbx)
    pbx.play()
    same(listener, pbx)
    assert pbx.going_on == {}


def test_documents_of_the_whole_recording(listener: Listener, pbx: Pbx) -> None:
    pbx.play()
    same(listener, pbx)
    eventually(lambda: len(listener.spool.heard(1e12, 1000)) == 62, "all calls, as heard")
    found: list[Document] = listener.folding.flush(everything=True).live
    assert found == []
