"""Whether Fluent Bit let a store in, read from what it answers; pure."""

from typing import Final

import msgpack

_GREETING: Final = 4096
"""Bytes within which its answer to a log-in comes: a HELO and a PONG, some 300 bytes."""


class Login:
    """One connection's log-in, from Fluent Bit's side: HELO, then PONG with a true or a false in it.

    Attributes:
        done: it let the store in.
    """

    def __init__(self) -> None:
        self.done = False
        self._unpacker: msgpack.Unpacker | None = msgpack.Unpacker(raw=True, max_buffer_size=2 * _GREETING)

    def feed(self, data: bytes) -> bytes:
        """Take what Fluent Bit answers, and give it back as it is."""
        if self._unpacker is not None:
            self._look(self._unpacker, data)
        return data

    def _look(self, unpacker: msgpack.Unpacker, data: bytes) -> None:
        try:
            unpacker.feed(data[:_GREETING])
            for message in unpacker:
                if isinstance(message, list) and message[:1] == [b"PONG"]:
                    self.done = message[1:2] == [True]
                    self._unpacker = None
                    return
        except (msgpack.UnpackException, ValueError, RecursionError):
            self._unpacker = None  # nothing that a log-in says
