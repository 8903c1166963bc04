"""A FAKE Forward server, for what Fluent Bit cannot be made to do on demand, and where there is none.

It speaks the protocol as Fluent Bit 5.1 does (HELO, PING, PONG, PackedForward, gzip) and answers the
way a test tells it to.
"""

import gzip
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgpack

Acknowledge = Callable[[str], bytes | list[bytes] | None]
"""Gets the chunk's id and gives the bytes to send, a list of them in pieces; None ends the connection."""


def ack(chunk: str) -> bytes:
    packed: bytes = msgpack.packb({"ack": chunk})
    return packed


class FakeForward:
    """Keeps every record that it gets, and acknowledges as `acknowledge` says.

    Attributes:
        acknowledge: What is sent for a chunk.
        greeting: Bytes sent to whoever connects.
        shared_key: Asked for where it is not empty.
        users: Name to password; asked for where there are any.
        proof: The key by which the server proves itself; another than ours for an impostor.
        records: (tag, record) of all that came.
        chunks: How many messages came.
    """

    def __init__(self) -> None:
        self.acknowledge: Acknowledge = ack
        self.greeting = b""
        self.shared_key = ""
        self.users: dict[str, str] = {}
        self.proof: str | None = None
        self.records: list[tuple[str, dict[str, Any]]] = []
        self.chunks = 0
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def ids(self) -> list[str]:
        return [record["event"]["id"] for _, record in self.records]

    def serve(self) -> None:
        """Take connections until `close`."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(self.greeting)
            messages = self._messages(connection)
            if self.shared_key and not self._login(connection, messages):
                return
            for message in messages:
                if not (isinstance(message, list) and len(message) == 3):
                    return  # another protocol, or a login that was not asked for
                tag, packed, options = message
                self.chunks += 1
                entries = msgpack.Unpacker(raw=False, timestamp=0)
                entries.feed(gzip.decompress(packed) if options.get("compressed") == "gzip" else packed)
                new = [(tag, record) for _, record in entries]
                assert options["size"] == len(new)
                self.records += new
                answer = self.acknowledge(options["chunk"])
                if answer is None:
                    return
                for piece in answer if isinstance(answer, list) else [answer]:
                    connection.sendall(piece)
                    time.sleep(0.03 if isinstance(answer, list) else 0)

    def _messages(self, connection: socket.socket) -> Iterator[Any]:
        unpacker = msgpack.Unpacker(raw=False, max_buffer_size=64 * 1024 * 1024)
        while data := connection.recv(65536):
            unpacker.feed(data)
            yield from unpacker

    def _login(self, connection: socket.socket, messages: Iterator[Any]) -> bool:
        nonce, auth = (os.urandom(8).hex().encode() for _ in range(2))
        auth = auth if self.users else b""
        connection.sendall(msgpack.packb(["HELO", {"nonce": nonce, "auth": auth}], use_bin_type=False))
        _, host, salt, digest, user, password = next(messages)
        if digest != _sha512(salt.encode() + host.encode() + nonce + self.shared_key.encode()):
            return False
        if self.users:
            known = self.users.get(user)
            if known is None or password != _sha512(auth + user.encode() + known.encode()):
                connection.sendall(msgpack.packb(["PONG", False, "username/password mismatch", "fake", ""]))
                return False
        key = self.shared_key if self.proof is None else self.proof
        proof = _sha512(salt.encode() + b"fake" + nonce + key.encode())
        connection.sendall(msgpack.packb(["PONG", True, "", "fake", proof]))
        return True


def _sha512(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


@contextmanager
def fake_forward() -> Iterator[FakeForward]:
    fake = FakeForward()
    thread = threading.Thread(target=fake.serve)
    thread.start()
    try:
        yield fake
    finally:
        fake.close()
        thread.join()
