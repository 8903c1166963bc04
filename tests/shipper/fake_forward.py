"""A FAKE Forward server, for what Fluent Bit cannot be made to do on demand, and where there is none.

It speaks the protocol as Fluent Bit 5.1 does (HELO, PING, PONG, PackedForward, gzip) and answers the
way a test tells it to.
"""

import gzip
import hashlib
import os
import socket
import ssl
import struct
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
        salted: Sends a salt for passwords without users too, as Fluent Bit does.
        shared_key: Asked for where it is not empty.
        users: Name to password; asked for where there are any.
        echoes: Proves itself by the client's own digest, which needs no key.
        proof: The key by which the server proves itself; another than ours for an impostor.
        tls: Server's side of TLS, spoken where there is one.
        records: (tag, record) of all that came.
        times: Seconds and nanoseconds of each of them.
        pings: The logins, as they came.
        raw: Every byte that came, out of TLS.
        largest: Bytes of the largest frame, packed or unpacked.
        chunks: How many messages came.
    """

    def __init__(self) -> None:
        self.acknowledge: Acknowledge = ack
        self.greeting = b""
        self.salted = True
        self.shared_key = ""
        self.users: dict[str, str] = {}
        self.echoes = False
        self.proof: str | None = None
        self.tls: ssl.SSLContext | None = None
        self.records: list[tuple[str, dict[str, Any]]] = []
        self.times: list[tuple[int, int]] = []
        self.pings: list[bytes] = []
        self.raw = bytearray()
        self.largest = 0
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

    def _talk(self, plain: socket.socket) -> None:
        with plain, suppress(OSError):
            connection = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
            self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection:
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
                content = gzip.decompress(packed) if options.get("compressed") == "gzip" else packed
                self.largest = max(self.largest, len(content), len(packed))
                entries.feed(content)
                pairs = list(entries)
                new = [(tag, record) for _, record in pairs]
                self.times += [struct.unpack(">II", at.data) for at, _ in pairs]
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
            self.raw += data
            unpacker.feed(data)
            yield from unpacker

    def _login(self, connection: socket.socket, messages: Iterator[Any]) -> bool:
        nonce, auth = (os.urandom(8).hex().encode() for _ in range(2))
        auth = auth if self.users or self.salted else b""
        connection.sendall(msgpack.packb(["HELO", {"nonce": nonce, "auth": auth}], use_bin_type=False))
        before = len(self.raw)
        ping = next(messages, None)
        if not (isinstance(ping, list) and len(ping) == 6):
            return False
        _, host, salt, digest, user, password = ping
        self.pings.append(bytes(self.raw[before:]))
        if self.echoes:
            connection.sendall(msgpack.packb(["PONG", True, "", host, digest]))
            return True
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
