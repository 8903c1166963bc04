"""A Forward client of the tests' own: it says whatever a hostile store may say, well logged in or not."""

import hashlib
import hmac
import os
import socket
import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgpack
from fluent.sender import EventTime

from shipper.document.identity import mark
from tests.gate.running import Gate

DATASETS = {
    "pabx.cdr.state": "pabx.cdr",
    "pabx.calls": "pabx.call",
    "pabx.stores": "pabx.store",
    "pabx.events": "pabx.event",
}
WHEN = 1795410607


class LoginError(Exception):
    """The gate lets nobody in with this."""


class Client:
    """One connection that has logged in.

    Args:
        gate: where to.
        section: a store's `output.forward`, as `Gate.enrol` gives it.
        tls: speak TLS.
        certificate: prefix of the files of a certificate to show.
    """

    def __init__(
        self, gate: Gate, section: dict[str, Any], *, tls: bool = True, certificate: Path | None = None
    ) -> None:
        self.section = section
        plain = socket.create_connection(("127.0.0.1", gate.port), 10)
        context = ssl.create_default_context(cafile=section["ca_file"])
        if certificate is not None:
            context.load_cert_chain(f"{certificate}.pem", f"{certificate}-key.pem")
        self.socket: socket.socket = plain
        self._unpacker = msgpack.Unpacker(raw=True)
        try:
            if tls:
                self.socket = context.wrap_socket(plain, server_hostname="localhost")
            self._login()
        except BaseException:
            self.socket.close()
            plain.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def _login(self) -> None:
        helo = self._read()
        nonce, auth = helo[1][b"nonce"], helo[1][b"auth"]
        salt, user = os.urandom(8).hex().encode(), self.section["username"].encode()
        key, password = self.section["shared_key"].encode(), self.section["password"].encode()
        ping = [
            "PING",
            b"test",
            salt,
            hashlib.sha512(salt + b"test" + nonce + key).hexdigest(),
            user,
            hashlib.sha512(auth + user + password).hexdigest(),
        ]
        self.socket.sendall(msgpack.packb(ping, use_bin_type=False))
        pong = self._read()
        if pong[1] is not True:
            raise LoginError(pong[2].decode())

    def _read(self) -> Any:
        while True:
            for message in self._unpacker:
                return message
            data = self.socket.recv(65536)
            if not data:
                raise LoginError("connection closed")
            self._unpacker.feed(data)

    def send(self, tag: str, *records: Any, at: int = WHEN) -> None:
        """Send records and wait for the acknowledgement."""
        self.send_raw(tag, b"".join(msgpack.packb([EventTime(at), record]) for record in records))

    def send_raw(self, tag: str, entries: bytes) -> None:
        """Send packed entries and wait for the acknowledgement."""
        self.socket.sendall(msgpack.packb([tag, entries, {"chunk": "the-chunk"}]))
        assert self._read() == {b"ack": b"the-chunk"}

    def document(self, number: int, tag: str = "pabx.cdr", *, store: str = "", **event: Any) -> Any:
        """A good record of the store that has logged in, or of another one with this one's proof."""
        store = store or self.section["username"]
        key = store if tag == "pabx.stores" else mark(store) + f"{number:024x}"
        time = "2026-11-23T05:10:07Z"
        record: dict[str, Any] = {
            "@timestamp": time,
            "event": {"id": key, "dataset": DATASETS.get(tag, tag), "created": time, **event},
            "store": {"id": store},
            "agent": {"version": "1"},
        }
        if tag != "pabx.stores":
            record["local"] = {"date": "2026-11-23", "hour": 2, "weekday": 1}
        return self.signed(record, tag)

    def signed(self, record: dict[str, Any], tag: str) -> dict[str, Any]:
        """The record with the proof that this store's token makes."""
        event = record["event"]
        number = f"{float(event['sequence']):.0f}" if "sequence" in event else ""
        message = "\n".join((record["store"]["id"], event["id"], number, tag)).encode()
        key = hashlib.sha256(b"pabx-proof:" + self.section["password"].encode()).digest()
        return {**record, "proof": hmac.digest(key, message, "sha256").hex()[:32]}
