"""What a store may say through the door: whole, well-formed messages of the Forward protocol; pure.

Fluent Bit 5.1.1 appends what it receives to a file as it is, one file for all stores, and reads no further
behind an entry that is none (measured: a nil instead of a map, a missing time, a byte that is no msgpack).
What others had behind it in the same file was acknowledged and is lost. So each message is looked through
before it is passed on, and a connection that sends anything else ends.
"""

import zlib
from collections.abc import Iterable
from typing import Any, Final

import msgpack

LARGEST: Final = 6_144_000
"""Bytes of a message, packed and unpacked: Fluent Bit's `buffer_max_size`."""
DEEPEST: Final = 24
"""Levels of a record; the documents have four."""
LONGEST_TAG: Final = 64
PING_PARTS: Final = 6
_PARTS: Final = 3
_EVENT_TIME: Final = 0
_NOTHING: Final = b"\xc0"
_TIME_BYTES: Final = 8
LAST_SECOND: Final = 2**32 - 17
"""The last ones are Fluent Bit's marks of groups of records."""


class BadMessageError(Exception):
    """A message that is not passed on; the text says what is wrong with it."""


class Messages:
    """One connection's messages, from the store's side.

    Attributes:
        greeted: it has said who it is.
    """

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(
            raw=True,
            strict_map_key=False,
            max_buffer_size=2 * LARGEST,
            max_array_len=PING_PARTS,
            max_map_len=16,
        )
        self._waiting = bytearray()
        self._passed = 0
        self.greeted = False

    def feed(self, data: bytes) -> bytes:
        """Take what came, and give what may be passed on: all messages that are whole now.

        Raises:
            BadMessageError: the connection is to be ended; nothing of that message is passed on.
        """
        self._waiting += data
        good = bytearray()
        try:
            self._unpacker.feed(data)
            for message in self._unpacker:
                length = self._unpacker.tell() - self._passed
                if self.greeted:
                    check(message)
                else:
                    _check_ping(message)
                    self.greeted = True
                good += self._waiting[:length]
                del self._waiting[:length]
                self._passed += length
        except (msgpack.UnpackException, ValueError, RecursionError) as error:
            raise BadMessageError(f"no message of the Forward protocol ({type(error).__name__})") from error
        if len(self._waiting) > LARGEST:
            raise BadMessageError(f"a message of more than {LARGEST} bytes")
        return bytes(good)


def check(message: Any) -> None:
    """Look through one message: `[tag, entries, {"chunk": …, "compressed": "gzip"}]`.

    Raises:
        BadMessageError: it is anything else.
    """
    if not isinstance(message, list) or len(message) != _PARTS:
        raise BadMessageError("not a message of packed entries")
    tag, packed, options = message
    if not isinstance(tag, bytes) or not 0 < len(tag) <= LONGEST_TAG:
        raise BadMessageError("no tag")
    if not isinstance(packed, bytes) or not isinstance(options, dict):
        raise BadMessageError("not a message of packed entries")
    if not isinstance(options.get(b"chunk"), bytes):
        raise BadMessageError("no chunk to acknowledge")
    compressed = options.get(b"compressed", b"text")
    if compressed == b"gzip":
        packed = _unzipped(packed)
    elif compressed != b"text":
        raise BadMessageError("compressed in another way than gzip")
    _check_entries(packed)


def _check_ping(message: Any) -> None:
    good = isinstance(message, list) and len(message) == PING_PARTS and message[0] == b"PING"
    if not (good and all(isinstance(part, bytes) for part in message)):
        raise BadMessageError("no login")


def _unzipped(packed: bytes) -> bytes:
    """One gzip member and nothing behind it, no larger than a message may be."""
    unzip = zlib.decompressobj(wbits=31)
    try:
        found = unzip.decompress(packed, LARGEST + 1)
    except zlib.error as error:
        raise BadMessageError("what is compressed is no gzip") from error
    if len(found) > LARGEST:
        raise BadMessageError(f"entries of more than {LARGEST} bytes")
    if not unzip.eof or unzip.unused_data:
        raise BadMessageError("what is compressed is not one whole gzip")
    return found


def _check_entries(packed: bytes) -> None:
    unpacker = msgpack.Unpacker(raw=True, strict_map_key=False, max_buffer_size=LARGEST + 1)
    unpacker.feed(packed)
    try:
        for entry in unpacker:
            _check_entry(entry)
        # An entry that is cut off would take this in as a part of itself.
        unpacker.feed(_NOTHING)
        rest = list(unpacker)
    except (msgpack.UnpackException, ValueError, RecursionError) as error:
        raise BadMessageError(f"entries that are no msgpack ({type(error).__name__})") from error
    if rest != [None]:
        raise BadMessageError("entries that are cut off")


def _check_entry(entry: Any) -> None:
    if not (isinstance(entry, list) and len(entry) == 2):  # noqa: PLR2004  # time and record
        raise BadMessageError("an entry that is not a time and a record")
    time, record = entry
    if not (isinstance(time, msgpack.ExtType) and time.code == _EVENT_TIME):
        raise BadMessageError("an entry without a time")
    if len(time.data) != _TIME_BYTES or int.from_bytes(time.data[:4], "big") > LAST_SECOND:
        raise BadMessageError("an entry whose time is none")
    if not isinstance(record, dict):
        raise BadMessageError("a record that is no map")
    _check_value(record, 0)


def _check_value(value: dict[Any, Any] | list[Any], level: int) -> None:
    """Maps with texts as names, lists, texts, numbers; the rest of what a record may be is gate.lua's."""
    if level > DEEPEST:
        raise BadMessageError(f"a record of more than {DEEPEST} levels")
    inside: Iterable[Any] = value
    if isinstance(value, dict):
        if not all(isinstance(name, bytes) for name in value):
            raise BadMessageError("a record with a name that is no text")
        inside = value.values()
    for inner in inside:
        if isinstance(inner, dict | list):
            _check_value(inner, level + 1)
        elif isinstance(inner, msgpack.ExtType | msgpack.Timestamp):
            raise BadMessageError("a record with a value of an extended type")
