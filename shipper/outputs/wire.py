"""A connection to a server that may be slow, broken or hostile: it costs little time and memory."""

import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import msgpack

LONGEST_ANSWER = 16 * 1024
"""Bytes that are read for one answer; a HELO, a PONG or an acknowledgement has less than 500."""
_RECEIVE = 4096
_LONGEST_TEXT = 1024
_MOST_PARTS = 16

UNREADABLE = (OSError, ValueError, OverflowError, msgpack.UnpackException)
"""No connection, a host name that is none (ValueError), or an answer that is no msgpack."""


class Deadline:
    """A moment by which something has to have happened.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then.

        Raises:
            TimeoutError: It has passed.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A TCP connection to the first of a host's addresses that answers.

    Raises:
        OSError: None does, or the name is not known.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failed: OSError = ConnectionError("no address")
    for number, (*kind, _, address) in enumerate(addresses):
        connection = socket.socket(*kind)
        try:
            # Each has its share of what is left: one that hangs does not hide the others.
            connection.settimeout(deadline.left() / (len(addresses) - number))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failed = error
        else:
            return connection
    raise failed


class Wire:
    """Messages of msgpack in both directions.

    Args:
        connection: Connected, and logged in to TLS where that is spoken.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unpacker = msgpack.Unpacker(
            raw=True,
            max_buffer_size=LONGEST_ANSWER,
            max_str_len=_LONGEST_TEXT,
            max_bin_len=_LONGEST_TEXT,
            max_ext_len=_LONGEST_TEXT,
            max_array_len=_MOST_PARTS,
            max_map_len=_MOST_PARTS,
        )

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of it.

        Raises:
            ConnectionError: The connection has ended.
            TimeoutError: It did not go out in time.
        """
        view = memoryview(data)
        while view:
            # Not sendall: over TLS its timeout begins anew with every byte that is taken.
            self._connection.settimeout(deadline.left())
            try:
                view = view[self._connection.send(view) :]
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                raise ConnectionAbortedError("connection closed") from None

    def messages(self, deadline: Deadline) -> Iterator[Any]:
        """What the server says until then, texts as bytes.

        What came behind the message that was asked for stays for the next time, as far as there is room.

        Raises:
            ConnectionError: The connection has ended.
            TimeoutError: Nothing more came in time.
            ValueError: It says too much, or no msgpack; likewise `msgpack.UnpackException`.
        """
        read = 0
        while True:
            yield from self._unpacker
            if read >= LONGEST_ANSWER:
                raise ValueError(f"more than {LONGEST_ANSWER} bytes and no answer among them")
            self._connection.settimeout(deadline.left())
            data = self._connection.recv(_RECEIVE)
            if not data:
                raise ConnectionAbortedError("connection closed")
            read += len(data)
            self._unpacker.feed(data)
