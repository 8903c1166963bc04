"""What the door passes on: each message of an agent as it is, and nothing that is not whole."""

import gzip
from typing import Any

import msgpack
import pytest
from fluent.sender import EventTime
from hypothesis import given
from hypothesis import strategies as st

from central.gate.frames import LARGEST, BadMessageError, Messages, check

PING = msgpack.packb([b"PING", b"host", b"salt", b"digest", b"user", b"password"], use_bin_type=False)
TIME = EventTime(1795410607, 5)
RECORD: dict[str, Any] = {"a": "b", "n": [1, {"x": True, "y": None}], "f": 1.5, "é": "ü"}


def message(*entries: Any, raw: bytes | None = None, tag: Any = "pabx.cdr", **options: Any) -> bytes:
    packed = b"".join(msgpack.packb(entry) for entry in entries) if raw is None else raw
    if options.get("compressed") == "gzip":
        packed = gzip.compress(packed)
    made: bytes = msgpack.packb([tag, packed, {"chunk": "c", **options}])
    return made


GOOD = [
    message([TIME, RECORD]),
    message([TIME, RECORD], [TIME, {}], size=2),
    message([TIME, RECORD], compressed="gzip"),
    message(),
    message(*[[TIME, RECORD]] * 1000, compressed="gzip", size=1000),
]


@given(pieces=st.lists(st.integers(1, 5000), min_size=1, max_size=30))
def test_messages_pass_as_they_are_however_they_are_cut(pieces: list[int]) -> None:
    stream = PING + b"".join(GOOD)
    messages, passed, at = Messages(), b"", 0
    while at < len(stream):
        size = pieces.pop() if pieces else len(stream)
        passed += messages.feed(stream[at : at + size])
        at += size
        assert stream.startswith(passed)
    assert passed == stream


def test_nothing_is_passed_on_before_it_is_whole() -> None:
    messages = Messages()
    assert messages.feed(PING[:-1]) == b""
    assert messages.feed(PING[-1:] + GOOD[0][:-1]) == PING
    assert messages.feed(GOOD[0][-1:]) == GOOD[0]


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def entry(*parts: Any) -> bytes:
    packed: bytes = msgpack.packb(list(parts))
    return packed


BAD = {
    "nil": entry(TIME, None),
    "text": entry(TIME, "x"),
    "list": entry(TIME, [1]),
    "map": msgpack.packb({"a": 1}),
    "no time": entry({}),
    "empty": entry(),
    "three": entry(TIME, {}, {}),
    "metadata": entry([TIME, {}], {}),
    "a whole number as time": entry(5, {}),
    "a broken number as time": entry(5.5, {}),
    "a short time": entry(msgpack.ExtType(0, b"1234567"), {}),
    "another type of time": entry(msgpack.ExtType(1, b"12345678"), {}),
    "a mark of a group": entry(EventTime(2**32 - 1), {}),
    "the end of a group": entry(EventTime(2**32 - 2), {}),
    "a name that is a number": entry(TIME, {5: 1}),
    "a name that is nil": entry(TIME, {None: 1}),
    "a value of another type": entry(TIME, {"a": [msgpack.ExtType(5, b"x")]}),
    "deep": entry(TIME, nested(40)),
    "very deep": b"\x92" + msgpack.packb(TIME) + b"\x81\xa1a" * 5000 + b"\x01",
    "no msgpack": b"\xc1",
    **{f"cut off by {n}": entry(TIME, {"a": "b"})[:-n] for n in range(1, 15)},
    "the second is cut off": entry(TIME, {"a": 1}) + entry(TIME, {"c": 1})[:-3],
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD)
@pytest.mark.parametrize("compressed", ["gzip", "text"])
def test_entries_that_are_none(raw: bytes, compressed: str) -> None:
    messages = Messages()
    messages.feed(PING)
    with pytest.raises(BadMessageError):
        messages.feed(message(raw=raw, compressed=compressed))


@pytest.mark.parametrize(
    "stream",
    [
        GOOD[0],  # without a login
        PING + PING,
        PING + msgpack.packb({"a": 1}),
        PING + msgpack.packb(["tag", 5, {}]),
        PING + msgpack.packb(["tag", [[5, {}]], {"chunk": "c"}]),
        PING + msgpack.packb(["tag", b"", {}]),
        PING + msgpack.packb(["", b"", {"chunk": "c"}]),
        PING + msgpack.packb(["x" * 65, b"", {"chunk": "c"}]),
        PING + msgpack.packb(["tag", b"", {"chunk": "c", "compressed": "zstd"}]),
        PING + msgpack.packb(["tag", b"no gzip", {"chunk": "c", "compressed": "gzip"}]),
        PING + msgpack.packb(["tag", gzip.compress(b"") + b"x", {"chunk": "c", "compressed": "gzip"}]),
        PING + msgpack.packb(["tag", gzip.compress(b"") * 2, {"chunk": "c", "compressed": "gzip"}]),
        PING + msgpack.packb(["tag", gzip.compress(b"\xc0" * 9)[:-1], {"chunk": "c", "compressed": "gzip"}]),
        PING + b"\xc1",
        PING + b"\xdd\xff\xff\xff\xff",
        PING + b"\x91" * 100_000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_messages_that_are_none(stream: bytes) -> None:
    with pytest.raises(BadMessageError):
        Messages().feed(stream)


def test_a_bomb_of_gzip_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\x00" * (50 * LARGEST))
    with pytest.raises(BadMessageError, match=f"entries of more than {LARGEST} bytes"):
        check([b"tag", bomb, {b"chunk": b"c", b"compressed": b"gzip"}])


def test_a_message_that_never_ends() -> None:
    messages = Messages()
    messages.feed(PING + b"\x93\xa1x\xc6\x00\x7f\xff\xff")
    for _ in range(LARGEST // 65536):
        assert messages.feed(b"x" * 65536) == b""
    with pytest.raises(BadMessageError, match="a message of more than"):
        messages.feed(b"x" * 65536)


@given(st.binary(max_size=2000))
def test_any_bytes(junk: bytes) -> None:
    """Passed on as they are, held back, or refused; nothing else."""
    messages = Messages()
    messages.feed(PING)
    try:
        passed = messages.feed(junk)
    except BadMessageError:
        return
    assert junk.startswith(passed)
