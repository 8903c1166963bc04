"""Bytes cut anywhere give the same messages; what is missing is told at its place."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from panoramisk.actions import Action

from shipper.sources.ami import protocol as module
from shipper.sources.ami.message import Answer, parsed
from shipper.sources.ami.protocol import LARGEST_BYTES, WANTED, AmiProtocol, Queue
from tests.ami.recording import BANNER, event_name, messages, session

NAMES = {name.decode() for name in WANTED}
PART = 60_000


class Transport:
    """Where a connection's bytes would go to."""

    def __init__(self) -> None:
        self.sent = b""
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def abort(self) -> None:
        self.aborted = True


class Listener:
    """Takes what one connection brings, as a link does, but at once."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.lost: list[str] = []
        self.answers: list[Action] = []
        self.greeting: str | None = None
        self.ended = 0
        self.inbox = Queue(self.taken.append, self.lost.append)
        self.protocol = AmiProtocol(self)
        self.transport = Transport()
        self.protocol.connection_made(self.transport)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - panoramisk's signature
        self.ended += 1

    def not_ami(self, greeting: str) -> None:
        self.greeting = greeting
        self.protocol.close()

    def answered(self, action: Action) -> None:
        self.answers.append(action)

    def arrived(self) -> None:
        while self.inbox:
            self.inbox.take(60)

    def feed(self, pieces: Iterable[bytes]) -> "Listener":
        for piece in pieces:
            self.protocol.data_received(piece)
        return self


def heard(raw: bytes, *, wanted: str = "Hold") -> Listener:
    """After the banner these bytes."""
    assert wanted in NAMES
    return Listener().feed([BANNER, raw])


def cut(raw: bytes, at: Iterable[int]) -> list[bytes]:
    """The bytes in pieces."""
    return [raw[a:b] for a, b in pairwise([0, *sorted({min(n, len(raw)) for n in at}), len(raw)])]


@pytest.mark.parametrize("name", ["ami.log.gz", "ami-attended-transfer.log.gz"])
@pytest.mark.parametrize("size", [1 << 30, 4096, 1447])
def test_a_recorded_session_gives_its_wanted_events(name: str, size: int) -> None:
    raw = session(name)
    found = Listener().feed(raw[at : at + size] for at in range(0, len(raw), size))
    assert found.taken == [message for message in messages(name) if event_name(message) in NAMES]
    assert (found.lost, found.inbox.dropped, found.protocol.version) == ([], 0, "11.0.0")


def test_a_session_byte_by_byte() -> None:
    raw = session()[:PART]
    found = Listener().feed(raw[at : at + 1] for at in range(len(raw)))
    assert found.taken == Listener().feed([raw]).taken
    assert len(found.taken) == 37


@given(
    begin=st.integers(0, 3_000_000),
    at=st.lists(st.integers(0, PART), max_size=60),
    around=st.lists(st.integers(1, 40), max_size=10),
)
def test_any_cuts_give_the_same(begin: int, at: list[int], around: list[int]) -> None:
    """Also in and around the empty lines between messages, where a cut does harm most easily."""
    found = session().find(b"\r\n\r\n", begin) + 4
    raw = session()[found : found + PART]
    ends = [n for n in range(len(raw)) if raw.startswith(b"\r\n\r\n", n)]
    near = [ends[n % len(ends)] + offset for n, offset in enumerate(around) for offset in (0, 1, 2, 3, 4)]
    pieces = Listener().feed(cut(BANNER + raw, [len(BANNER) + n for n in (*at, *near)]))
    whole = Listener().feed([BANNER + raw])
    assert (pieces.taken, pieces.lost) == (whole.taken, whole.lost)


@given(st.lists(st.integers(0, 400)))
def test_a_character_cut_in_two_is_whole_again(at: list[int]) -> None:
    raw = "Event: Newchannel\r\nCallerIDName: Zoë Müller Łukasz 日本 😀\r\n\r\n".encode()
    found = Listener().feed(cut(BANNER + raw, at))
    assert [parsed(message) for message in found.taken] == [
        {"Event": "Newchannel", "CallerIDName": "Zoë Müller Łukasz 日本 😀"}
    ]


def test_what_nobody_wants_is_not_kept() -> None:
    unwanted = b"".join(
        b"Event: %s\r\nChannel: x\r\n\r\n" % name
        for name in (b"VarSet", b"Newexten", b"CEL", b"RTCPSent", b"DialState", b"Newstat", b"Newstates", b"")
    )
    found = heard(unwanted + b"Event: Hold\r\nChannel: x\r\n\r\nEvent: Unhold\r\n\r\n")
    assert found.taken == [b"Event: Hold\r\nChannel: x", b"Event: Unhold"]
    assert found.lost == []


def test_empty_lines_too_much_do_no_harm() -> None:
    found = heard(b"\r\n\r\n\r\nEvent: Hold\r\nA: 1\r\n\r\n\r\n\r\n\r\nEvent: Hold\r\nA: 2\r\n\r\n")
    assert found.taken == [b"Event: Hold\r\nA: 1", b"Event: Hold\r\nA: 2"]
    assert found.lost == []


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ((0, 10), "a message is none: bytes before it are missing"),
        ((20, 40), "two messages have run together: bytes between them are missing"),
    ],
)
def test_missing_bytes_are_told(missing: tuple[int, int], reason: str) -> None:
    raw = b"Event: Hold\r\nChannel: 1\r\n\r\nEvent: Hold\r\nChannel: 2\r\n\r\n"
    after = b"Event: Hold\r\nChannel: 3\r\n\r\n"
    raw = raw[: missing[0]] + raw[missing[1] :]
    if missing == (20, 40):
        raw = b"Event: Hold\r\nChannel: 1\r\nEvent: Hold\r\nChannel: 2\r\n\r\n"
    found = heard(raw + after)
    assert found.taken[-1] == b"Event: Hold\r\nChannel: 3"
    assert found.lost == [reason]
    assert found.inbox.dropped == 1


@given(st.integers(0, 20_000), st.integers(1, 5000), st.lists(st.integers(0, PART), max_size=20))
def test_after_missing_bytes_all_goes_on(begin: int, count: int, at: list[int]) -> None:
    """Wherever they are missing, no more than the messages that they belong to are other ones."""
    raw = session()[len(BANNER) : PART]
    raw = raw[: raw.rfind(b"\r\n\r\n") + 4]
    found = Listener().feed(cut(BANNER + raw[:begin] + raw[begin + count :], at))
    before = Listener().feed([BANNER + raw[:begin]]).taken
    after = Listener().feed([BANNER + raw[raw.find(b"\r\n\r\n", begin + count) + 4 :]]).taken
    assert found.taken[: len(before)] == before
    assert found.taken[len(found.taken) - len(after) :] == after
    assert len(found.taken) <= len(before) + len(after) + 1


def huge(name: bytes, size: int) -> bytes:
    """A message of exactly that many bytes, and its end."""
    head = b"Event: %s\r\nValue: " % name
    return head + b"x" * (size - len(head)) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "size", "taken", "lost"),
    [
        (b"Hold", LARGEST_BYTES, 2, 0),
        (b"Hold", LARGEST_BYTES + 1, 1, 1),
        (b"Hold", 3_000_000, 1, 1),
        (b"VarSet", 3_000_000, 1, 0),  # nobody would have wanted it
        (b"H" * 100_000, 200_000, 1, 0),
    ],
)
@pytest.mark.parametrize("piece", [1 << 30, 65_536, 997])
def test_oversized_messages(name: bytes, size: int, taken: int, lost: int, piece: int) -> None:
    raw = BANNER + huge(name, size) + b"Event: Unhold\r\n\r\n"
    found = Listener().feed(raw[at : at + piece] for at in range(0, len(raw), piece))
    assert found.taken[-1] == b"Event: Unhold"
    assert len(found.taken) == taken
    assert found.lost == ["a message is larger than 65536 bytes"] * lost
    assert found.inbox.dropped == (size > LARGEST_BYTES)


@given(st.integers(-4, 8), st.lists(st.integers(-12, 12), max_size=8))
@example(0, [1, 2, 3, 4])
@example(1, [0, 1, 2, 3])
def test_cuts_at_the_end_of_a_large_message_decide_nothing(over: int, near: list[int]) -> None:
    raw = huge(b"Hold", LARGEST_BYTES + over)
    found = Listener().feed(
        cut(BANNER + raw + b"Event: Unhold\r\n\r\n", [len(BANNER) + len(raw) + n for n in near])
    )
    expected = [raw[:-4]] if over <= 0 else []
    assert found.taken == [*expected, b"Event: Unhold"]
    assert len(found.lost) == (over > 0)


def test_an_endless_message_takes_no_memory() -> None:
    found = heard(b"Event: Hold\r\n")
    for _ in range(100):
        found.feed([b"x" * 65_536])
        assert len(found.protocol._rest) <= LARGEST_BYTES + 3


@given(st.lists(st.integers(0, 40)))
def test_a_banner_in_pieces(at: list[int]) -> None:
    found = Listener().feed(cut(BANNER + b"Event: Hold\r\n\r\n", at))
    assert (found.protocol.version, found.taken, found.greeting) == ("11.0.0", [b"Event: Hold"], None)


@pytest.mark.parametrize(
    ("raw", "greeting"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2"),
        (b"\x00\xff", "??"),
        (b"Asterisk Call Manager/" + b"1" * 300, "Asterisk Call Manager/" + "1" * 38),
    ],
)
def test_something_else_answers(raw: bytes, greeting: str) -> None:
    found = Listener().feed([raw, BANNER, b"Event: Hold\r\n\r\n"])
    assert (found.greeting, found.taken, found.transport.aborted) == (greeting, [], True)


def in_loop(test: Callable[[], Any]) -> None:
    """Panoramisk's actions are futures of a running loop."""

    async def run() -> None:
        test()

    asyncio.run(run())


def test_a_list_answer_goes_to_its_action_and_no_further() -> None:
    def test() -> None:
        found = heard(b"")
        future = found.protocol.send({"Action": "DeviceStateList", "ActionID": "a/1"}, as_list=None)
        answer = (
            b"Response: Success\r\nActionID: a/1\r\nEventList: start\r\nMessage: ...\r\n\r\n"
            b"Event: DeviceStateChange\r\nActionID: a/1\r\nDevice: PJSIP/100\r\nState: INUSE\r\n\r\n"
            b"Event: DeviceStateChange\r\nDevice: PJSIP/101\r\nState: BUSY\r\n\r\n"
            b"Event: DeviceStateListComplete\r\nActionID: a/1\r\nEventList: Complete\r\nListItems: 1\r\n\r\n"
        )
        found.feed([answer[:-1]])
        assert not future.done()
        found.feed([answer[-1:]])
        first, item, last = future.result()
        assert (first.response, last.event) == ("Success", "DeviceStateListComplete")
        assert item.fields["Device"] == "PJSIP/100"
        assert [action.id for action in found.answers] == ["a/1"]
        assert found.taken == [b"Event: DeviceStateChange\r\nDevice: PJSIP/101\r\nState: BUSY"]
        assert found.protocol.responses == {}
        found.feed([answer])  # it comes again, too late
        assert len(found.taken) == 2
        assert found.lost == []

    in_loop(test)


def test_a_list_answer_that_lacks_bytes_does_not_pass_for_whole() -> None:
    def test() -> None:
        found = heard(b"")
        future = found.protocol.send({"Action": "Status", "ActionID": "a/1"}, as_list=None)
        found.feed([b"Response: Success\r\nActionID: a/1\r\nEventList: start\r\n\r\n"])
        found.feed([b"Event: Status\r\nActionID: a/1\r\nChannEvent: StatusComplete\r\nActionID: a/1\r\n\r\n"])
        found.feed([b"Event: Status\r\nActionID: a/1\r\nEvent: StatusComplete\r\nActionID: a/1\r\n\r\n"])
        assert not future.done()
        assert len(found.lost) == 1

    in_loop(test)


def test_a_lost_connection_is_told_once_and_nothing_is_kept_to_be_sent_again() -> None:
    def test() -> None:
        found = heard(b"")
        found.protocol.send({"Action": "Status"})
        found.protocol.connection_lost(None)
        found.protocol.connection_lost(None)
        assert (found.ended, found.protocol.responses) == (1, {})

    in_loop(test)


def test_a_full_queue_is_dropped_as_a_whole_and_told_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 4)
    told: list[str] = []
    queue = Queue(lambda message: told.append(message.decode()), told.append)
    queue.put(b"1")
    queue.call(lambda: told.append("called"))
    for number in (b"2", b"3", b"4", b"5"):
        queue.put(number)
    assert (len(queue), queue.dropped) == (4, 3)
    while queue:
        queue.take(60)
    assert told == ["called", "3 events waited, more than are kept", "4", "5"]


def test_a_queue_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    taken: list[bytes] = []
    lost: list[str] = []
    queue = Queue(taken.append, lost.append)
    for message in (b"12345", b"67890", b"x"):
        queue.put(message)
    queue.take(60)
    assert (taken, len(lost), queue.dropped) == ([b"x"], 1, 2)
    for message in (b"12345", b"67890"):
        queue.put(message)
    queue.take(60)
    assert (taken, len(lost)) == ([b"x", b"12345", b"67890"], 1)


def test_losses_alone_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 100)
    queue = Queue(lambda _message: None, lambda _reason: None)
    for _ in range(10_000):
        queue.drop("x")
    assert len(queue) <= 101
    assert queue.dropped == 10_000


def test_taking_stops_after_its_time_and_after_a_call() -> None:
    taken: list[bytes] = []
    queue = Queue(taken.append, lambda _reason: None)
    queue.put(b"1")
    queue.call(lambda: taken.append(b"called"))
    queue.put(b"2")
    queue.put(b"3")
    queue.take(60)
    assert taken == [b"1", b"called"]
    queue.take(0)
    assert taken == [b"1", b"called", b"2"]


def test_an_answer_to_nothing_is_nobodys() -> None:
    found = heard(b"Response: Error\r\nMessage: Missing action in request\r\n\r\n")
    found.protocol.handle_message(Answer({"Event": "Shutdown", "ActionID": "x"}))
    assert (found.answers, found.taken, found.lost, found.ended) == ([], [], [], 0)
