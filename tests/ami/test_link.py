"""A session works or ends with a reason, whatever the server does; all on the fake one."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from compose.simulator.ami import FakeAmi, written
from compose.stack.ports import free_port
from shipper.config import AmiSettings
from shipper.errors import AmiError
from shipper.sources.ami import link as module
from shipper.sources.ami.link import Link
from shipper.sources.ami.message import Event, parsed
from shipper.sources.ami.protocol import WANTED
from tests.ami.recording import BANNER, event_name, messages, session

NAMES = {name.decode() for name in WANTED}
HOLD = written({"Event": "Hold", "Privilege": "call,all", "Channel": "PJSIP/100-00000001"})
BOOTED = {
    "Event": "FullyBooted",
    "Privilege": "system,all",
    "Uptime": "520",
    "LastReload": "520",
    "Status": "Fully Booted",
}


class Listener:
    """Hears one PBX."""

    def __init__(self, port: int, *, secret: str = "secret", username: str = "shipper") -> None:
        self.taken: list[Event] = []
        self.lost: list[str] = []
        settings = AmiSettings(host="127.0.0.1", port=port, username=username, secret=secret)
        self.link = Link(settings, self.take, self.lost.append)

    def take(self, event: Event) -> None:
        self.taken.append(event)

    async def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 - it waits for what another thread does
                await asyncio.sleep(0.005)


@pytest.fixture
def ami() -> Iterator[FakeAmi]:
    with FakeAmi() as found:
        yield found


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    for name in ("CONNECT_SECONDS", "LOGIN_SECONDS", "ASK_SECONDS", "PING_SECONDS"):
        monkeypatch.setattr(module, name, 0.3)


def run(
    port: int,
    test: Callable[[Listener], Awaitable[None]],
    *,
    opened: bool = True,
    **settings: str,
) -> Listener:
    """A test with a listener in a loop of its own; afterwards nothing of it goes on."""
    listener = Listener(port, **settings)

    async def session_of() -> None:
        if opened:
            await listener.link.open()
        try:
            await test(listener)
        finally:
            listener.link.close()
        loop: Any = asyncio.get_running_loop()
        await asyncio.sleep(0)
        assert [timer for timer in loop._scheduled if not timer.cancelled()] == []

    asyncio.run(session_of())
    return listener


@pytest.mark.parametrize(("size", "pause"), [(1 << 20, 0.0), (100_000, 0.0005)])
def test_a_recorded_session_arrives_in_order(ami: FakeAmi, size: int, pause: float) -> None:
    raw = session().removeprefix(BANNER)
    expected = [parsed(message) for message in messages() if event_name(message) in NAMES]

    async def test(heard: Listener) -> None:
        ami.send(raw, [size] * (len(raw) // size), pause)
        await heard.until(lambda: len(heard.taken) > len(expected))

    heard = run(ami.port, test)
    assert heard.taken == [BOOTED, *expected]
    assert (heard.link.events, heard.link.dropped, heard.lost) == (len(expected) + 1, 0, [])


def test_bytes_that_come_one_by_one(ami: FakeAmi) -> None:
    raw = written({"Event": "Newchannel", "CallerIDName": "Zoë 日本 😀"})

    async def test(heard: Listener) -> None:
        ami.send(raw, [1] * len(raw), 0.001)
        await heard.until(lambda: len(heard.taken) == 2)

    heard = run(ami.port, test)
    assert heard.taken[1] == {"Event": "Newchannel", "CallerIDName": "Zoë 日本 😀"}


def test_names_that_are_no_utf8(ami: FakeAmi) -> None:
    async def test(heard: Listener) -> None:
        ami.state = lambda _action: [{"Event": "CoreShowChannel", "CallerIDName": "Jo\udce3o \udc81"}]
        ami.send(b"Event: Hold\r\nCallerIDName: Concei\xe7\xe3o\r\n\r\n")
        assert await heard.link.ask("CoreShowChannels") == [
            {"Event": "CoreShowChannel", "ActionID": ANY, "CallerIDName": "João \\x81"}
        ]

    heard = run(ami.port, test)
    assert heard.taken[1:] == [{"Event": "Hold", "CallerIDName": "Conceição"}]


class _Any(str):
    """Equal to every text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    __hash__ = str.__hash__


ANY = _Any()


def test_answers_of_any_length(ami: FakeAmi) -> None:
    more = {f"Field{number}": "some text" for number in range(18)}
    channels = [
        {"Event": "CoreShowChannel", "Channel": f"PJSIP/100-{number:08x}", **more} for number in range(2000)
    ]

    async def test(heard: Listener) -> None:
        assert await heard.link.ask("CoreShowChannels") == []
        ami.state = lambda _action: channels
        began = time.monotonic()
        found = await heard.link.ask("CoreShowChannels")
        assert time.monotonic() - began < 2
        assert [item["Channel"] for item in found] == [item["Channel"] for item in channels]
        both = await asyncio.gather(heard.link.ask("DeviceStateList"), heard.link.ask("Status"))
        assert [len(answer) for answer in both] == [2000, 2000]
        assert await heard.link.ask("Ping") == []

    run(ami.port, test)
    assert ami.actions == ["Login", "CoreShowChannels", "CoreShowChannels", "DeviceStateList", "Status"]


def test_events_keep_their_place_beside_an_answer(ami: FakeAmi) -> None:
    """Those before it are taken when it is there, those after it only when the asker has gone on."""
    order: list[str] = []

    def numbered(number: int) -> bytes:
        return written({"Event": "Hold", "Number": str(number)})

    def state(_action: str) -> list[Event]:
        ami.send(b"".join(map(numbered, range(3000, 6000))))
        return [{"Event": "CoreShowChannel"}]

    async def test(heard: Listener) -> None:
        def take(event: Event) -> None:
            if event["Event"] == "Hold":
                order.append(event["Number"])
                time.sleep(0.00002)  # the queue is never empty

        heard.link._taken = take
        ami.state = state
        ami.send(b"".join(map(numbered, range(3000))))
        await heard.link.ask("CoreShowChannels")
        order.append("answer")
        await heard.until(lambda: len(order) == 6001)

    run(ami.port, test)
    assert order == [*map(str, range(3000)), "answer", *map(str, range(3000, 6000))]


def test_a_wrong_secret_fails_loudly_and_once(ami: FakeAmi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def test(heard: Listener) -> None:
        with pytest.raises(AmiError) as error:
            await heard.link.open()
        assert str(error.value) == (
            f'ami: Asterisk at 127.0.0.1:{ami.port} refuses the log-in of ami.username "shipper"'
            " (Authentication failed); compare ami.secret with [shipper] in /etc/asterisk/manager.conf,"
            " and see its permit and deny"
        )
        assert error.value.permanent
        with pytest.raises(AmiError, match="is not connected"):
            await heard.link.ask("CoreShowChannels")
        assert str(await heard.link.closed()).startswith("ami: the connection to ")

    heard = run(ami.port, test, opened=False, secret="Wr0ngSecret")
    assert (ami.actions, ami.logins, heard.taken) == (["Login"], 0, [])
    assert "Wr0ngSecret" not in caplog.text


@pytest.mark.parametrize("secret", ["line\r\nAction: Command", "\udcff"])
def test_a_secret_that_cannot_be_sent_is_not(ami: FakeAmi, secret: str) -> None:
    async def test(heard: Listener) -> None:
        with pytest.raises(AmiError, match="holds a character that cannot be sent") as error:
            await heard.link.open()
        assert secret not in str(error.value)

    run(ami.port, test, opened=False, secret=secret)
    assert ami.actions == []


def test_nobody_listens() -> None:
    port = free_port()

    async def test(heard: Listener) -> None:
        with pytest.raises(AmiError, match=rf"127\.0\.0\.1:{port} cannot be reached \(.*refused"):
            await heard.link.open()

    run(port, test, opened=False)


def served(greeting: bytes, test: Callable[[Listener], Awaitable[None]], *, ends: bool) -> None:
    """A test on a server that says this, and hangs up or does not."""

    async def with_server() -> None:
        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            if not ends:
                await reader.read()
            writer.close()

        server = await asyncio.start_server(met, "127.0.0.1", 0)
        heard = Listener(server.sockets[0].getsockname()[1])
        try:
            await test(heard)
        finally:
            heard.link.close()
            server.close()
        await asyncio.sleep(0.05)

    asyncio.run(with_server())


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("greeting", "ends", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", False, 'is no AMI, it says "SSH-2.0-OpenSSH_9.2"; set ami.port'),
        (b"", True, "closed the connection before the log-in; see permit, deny and authlimit in"),
        (BANNER, True, "closed the connection before the log-in; see permit, deny and authlimit in"),
        (b"", False, 'did not answer the log-in of "shipper" within 0.3 s'),
        (BANNER, False, 'did not answer the log-in of "shipper" within 0.3 s'),
    ],
)
def test_servers_that_let_nobody_in(greeting: bytes, ends: bool, words: str) -> None:
    async def test(heard: Listener) -> None:
        with pytest.raises(AmiError) as error:
            await heard.link.open()
        assert words in str(error.value)

    served(greeting, test, ends=ends)


@pytest.mark.usefixtures("short")
def test_a_server_that_hangs_is_noticed(ami: FakeAmi) -> None:
    async def test(heard: Listener) -> None:
        await asyncio.sleep(1)  # some pings are answered
        ami.hang()
        async with asyncio.timeout(2):
            assert str(await heard.link.closed()) == (
                f"ami: Asterisk at 127.0.0.1:{ami.port} did not answer a ping within 0.3 s"
            )
        with pytest.raises(AmiError, match="did not answer the log-in"):
            await heard.link.open()
        ami.resume()
        await heard.link.open()
        await asyncio.sleep(0.5)  # the ping that was never answered was another session's
        assert await heard.link.ask("CoreShowChannels") == []

    run(ami.port, test)


def test_a_late_answer_is_nobodys(ami: FakeAmi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_SECONDS", 0.2)
    ami.state = lambda _action: [{"Event": "DeviceStateChange", "Device": "PJSIP/100", "State": "INUSE"}]

    async def test(heard: Listener) -> None:
        ami.hang()
        with pytest.raises(AmiError, match=r"did not answer DeviceStateList within 0\.2 s"):
            await heard.link.ask("DeviceStateList")
        assert heard.link.protocol.responses == {}
        ami.resume()
        ami.send(HOLD)
        await heard.until(lambda: len(heard.taken) == 2)
        assert len(await heard.link.ask("DeviceStateList")) == 1

    heard = run(ami.port, test)
    assert [event["Event"] for event in heard.taken] == ["FullyBooted", "Hold"]


def test_a_restart_ends_the_session_and_a_new_one_works(ami: FakeAmi) -> None:
    async def test(heard: Listener) -> None:
        ami.hang()  # so that the question is not answered
        asked = asyncio.create_task(heard.link.ask("CoreShowChannels"))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(ami.restart)
        for ended in (asked, heard.link.ask("Status")):
            with pytest.raises(AmiError, match=r"closed the connection|is not connected"):
                await ended
        assert "closed the connection" in str(await heard.link.closed())
        for _ in range(3):
            await heard.link.open()
            ami.send(HOLD)
            await heard.link.ask("CoreShowChannels")
            assert heard.taken[-1]["Event"] == "Hold"
            await asyncio.to_thread(ami.restart)
            await heard.link.closed()

    heard = run(ami.port, test)
    assert [event["Event"] for event in heard.taken] == ["FullyBooted", *["FullyBooted", "Hold"] * 3]
    assert ami.logins == 4


def test_what_came_before_the_end_is_taken_before_the_end_is_told(ami: FakeAmi) -> None:
    async def test(heard: Listener) -> None:
        ami.send(HOLD * 5000).result()
        ami.send(written({"Event": "Shutdown", "Shutdown": "Cleanly", "Restart": "False"}) + HOLD)
        assert str(await heard.link.closed()).endswith("shuts down")
        assert len(heard.taken) == 5003
        assert str(await heard.link.closed()).endswith("shuts down")

    heard = run(ami.port, test)
    assert [event["Event"] for event in heard.taken[-3:]] == ["Hold", "Shutdown", "Hold"]


@pytest.mark.parametrize("count", [1, 30, len(HOLD), len(HOLD) + 15, 10 * len(HOLD)])
def test_after_dropped_bytes_all_goes_on(ami: FakeAmi, count: int) -> None:
    end = written({"Event": "Unhold", "Channel": "x"})

    async def test(heard: Listener) -> None:
        ami.drop(count)
        ami.send(HOLD * 20 + end)
        await heard.until(lambda: heard.taken[-1]["Event"] == "Unhold")
        assert await heard.link.ask("CoreShowChannels") == []

    heard = run(ami.port, test)
    assert heard.taken[-1] == {"Event": "Unhold", "Channel": "x"}
    assert len(heard.taken) >= 2 + 20 - 1 - count / len(HOLD) - 1


def test_a_message_without_its_beginning_is_told(ami: FakeAmi) -> None:
    async def test(heard: Listener) -> None:
        ami.send(HOLD[:20] + b"\r\n\r\n" + HOLD[20:] + HOLD)
        await heard.until(lambda: len(heard.taken) == 3)

    assert run(ami.port, test).lost == ["a message is none: bytes before it are missing"]


def test_a_message_that_is_too_large_is_told(ami: FakeAmi) -> None:
    async def test(heard: Listener) -> None:
        ami.send(written({"Event": "VarSet", "Value": "x" * 500_000}) + HOLD)
        ami.send(written({"Event": "Hold", "Value": "x" * 500_000}) + HOLD)
        await heard.until(lambda: len(heard.taken) == 3)

    heard = run(ami.port, test)
    assert heard.lost == ["a message is larger than 65536 bytes"]
    assert heard.link.dropped == 2


def test_whoever_takes_may_fail(ami: FakeAmi, caplog: pytest.LogCaptureFixture) -> None:
    async def test(heard: Listener) -> None:
        def take(event: Event) -> None:
            heard.taken.append(event)
            if event.get("Number", "0") in {"3", "7"}:
                raise ValueError("no such channel")

        heard.link._taken = take
        ami.send(b"".join(written({"Event": "Hold", "Number": str(number)}) for number in range(10)))
        await heard.until(lambda: len(heard.taken) == 11)
        await heard.link.ask("CoreShowChannels")

    heard = run(ami.port, test)
    assert heard.lost == ["an event Hold could not be taken: no such channel"] * 2
    assert ami.logins == 1
    assert caplog.text.count("an event Hold could not be taken") == 1, "not a traceback for each"
    assert "no such channel" in caplog.text


def test_whoever_is_told_of_losses_may_fail(ami: FakeAmi, caplog: pytest.LogCaptureFixture) -> None:
    async def test(heard: Listener) -> None:
        def lost(_reason: str) -> None:
            raise ValueError("cannot")

        heard.link._lost = lost
        ami.send(b"garbage\r\n\r\n" + HOLD)
        await heard.until(lambda: len(heard.taken) == 2)
        await heard.link.ask("CoreShowChannels")

    run(ami.port, test)
    assert "a loss could not be told" in caplog.text


def test_asking_without_a_right(ami: FakeAmi) -> None:
    ami.write = frozenset({"command"})

    async def test(heard: Listener) -> None:
        with pytest.raises(AmiError) as error:
            await heard.link.ask("CoreShowChannels")
        assert str(error.value) == (
            f"ami: Asterisk at 127.0.0.1:{ami.port} refuses CoreShowChannels (Permission denied);"
            ' [shipper] in /etc/asterisk/manager.conf needs "write = reporting"'
        )

    run(ami.port, test)


def test_asking_while_there_is_no_connection(ami: FakeAmi) -> None:
    async def test(heard: Listener) -> None:
        assert "was never connected" in str(await heard.link.closed())
        with pytest.raises(AmiError, match="is not connected, CoreShowChannels cannot be asked"):
            await heard.link.ask("CoreShowChannels")
        await heard.link.open()
        heard.link.close()
        heard.link.close()
        with pytest.raises(AmiError, match="is not connected"):
            await heard.link.ask("CoreShowChannels")
        assert "was closed here" in str(await heard.link.closed())

    run(ami.port, test, opened=False)


def test_opening_may_be_given_up(ami: FakeAmi) -> None:
    async def test(heard: Listener) -> None:
        ami.hang()
        opening = asyncio.create_task(heard.link.open())
        await asyncio.sleep(0.1)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        ami.resume()
        await heard.link.open()
        await heard.link.ask("CoreShowChannels")

    heard = run(ami.port, test, opened=False)
    assert len(heard.taken) == 1


@pytest.mark.parametrize("name", ["VarSet", "Newstate"])
def test_a_flood_does_not_stop_the_reading(ami: FakeAmi, name: str) -> None:
    """50,000 events a second for 2 s, taken too slowly: none is unaccounted for, and the session goes on."""
    ami.patience = 1.0
    event = written({"Event": name, **{f"Field{number}": "some value" for number in range(12)}})
    gaps = [0.0]

    async def ticking() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0)
            gaps.append(time.monotonic() - began)

    async def test(heard: Listener) -> None:
        def take(_event: Event) -> None:
            time.sleep(0.0001)

        heard.link._taken = take
        ticks = asyncio.create_task(ticking())
        sent = await asyncio.to_thread(ami.flood, 50_000, 2.0, event)
        assert sent == 100_000
        assert await heard.link.ask("CoreShowChannels") == []
        await heard.until(lambda: not heard.link.inbox)
        ticks.cancel()
        expected = sent if name == "Newstate" else 0
        assert heard.link.events + heard.link.dropped == expected + 1

    heard = run(ami.port, test)
    assert (ami.logins, ami.cut_off) == (1, 0)
    assert bool(heard.lost) == (name == "Newstate")
    assert len(heard.lost) < 20
    assert max(gaps) < 1
