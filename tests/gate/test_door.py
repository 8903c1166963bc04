"""The door as a process of its own; an echo stands behind it, so that no Fluent Bit is needed."""

import datetime as dt
import hashlib
import os
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import msgpack
import pytest
from fluent.sender import EventTime

from central.gate import gate as making
from central.gate.folder import GateFolder, Settings
from compose.stack.ports import free_port
from tests.gate.running import now
from tests.shipper.store import eventually


class Echo(socketserver.ThreadingTCPServer):
    """Gives back what it gets; ends a connection that asks for it."""

    allow_reuse_address = True
    daemon_threads = True

    class RequestHandlerClass(socketserver.BaseRequestHandler):  # type: ignore[assignment]
        def handle(self) -> None:
            while data := self.request.recv(65536):
                if b"please end this" in data:
                    return
                self.request.sendall(data)


class Running:
    """A door, its directory and what is behind it."""

    def __init__(self, folder: Path, *, client_certificates: bool = False) -> None:
        self.echo = Echo(("127.0.0.1", 0), Echo.RequestHandlerClass)
        self.folder = GateFolder(folder / "gate")
        self.settings = Settings(
            "localhost",
            port=free_port(),
            listen="127.0.0.1",
            inner_port=self.echo.server_address[1],
            http_port=free_port(),
            opensearch_port=free_port(),
            client_certificates=client_certificates,
        )
        making.make(self.folder, self.settings, now())
        self.log = folder / "door.log"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        threading.Thread(target=self.echo.serve_forever, daemon=True).start()
        command = [sys.executable, "-m", "central", "gate", "serve", "--gate", str(self.folder.path)]
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(lambda: "stores come in on" in self.text, f"the door ({self.log})")
        return process

    @property
    def text(self) -> str:
        return self.log.read_text()

    def connect(self, ca: Path | None = None) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=ca or self.folder.path / "ca.pem")
        plain = socket.create_connection(("127.0.0.1", self.settings.port), 10)
        try:
            return context.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.echo.shutdown()
        self.echo.server_close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.close()


PING = msgpack.packb([b"PING", b"host", b"salt", b"digest", b"user", b"password"], use_bin_type=False)


def said(text: bytes) -> bytes:
    """A message as an agent sends it."""
    entry = msgpack.packb([EventTime(1795410607), {"text": text}])
    packed: bytes = msgpack.packb(["pabx.cdr", entry, {"chunk": "c"}])
    return packed


HELLO = PING + said(b"hello")
AGAIN = said(b"again")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def exchange(connection: ssl.SSLSocket, data: bytes) -> str:
    """Send a message, and give the hash of what comes back: the door passes it on when it is whole."""
    connection.sendall(data)
    digest, count = hashlib.sha256(), 0
    while count < len(data):
        block = connection.recv(65536)
        assert block
        digest.update(block)
        count += len(block)
    return digest.hexdigest()


def test_bytes_pass_unchanged_both_ways(door: Running) -> None:
    with door.connect() as one, door.connect() as other:
        assert exchange(one, HELLO) == sha(HELLO)
        assert exchange(other, HELLO) == sha(HELLO)
        for _ in range(5):
            data = said(os.urandom(2_000_000))
            assert exchange(other, data) == sha(data)
        assert exchange(one, AGAIN) == sha(AGAIN)
        assert one.version() == "TLSv1.3"


def test_the_end_of_one_side_is_the_end_of_the_other(door: Running) -> None:
    with door.connect() as connection:
        connection.sendall(PING + said(b"please end this"))
        assert connection.recv(10) == b""


def test_what_is_no_message_is_not_passed_on(door: Running) -> None:
    with door.connect() as connection:
        assert exchange(connection, HELLO) == sha(HELLO)
        connection.sendall(msgpack.packb(["pabx.cdr", b"\xc1", {"chunk": "c"}]))
        assert connection.recv(10) == b""
    eventually(lambda: "127.0.0.1 sent what is not passed on: entries that are no msgpack" in door.text)


def test_without_a_fluent_bit_the_store_is_told_at_once(door: Running) -> None:
    door.echo.shutdown()
    door.echo.server_close()
    with door.connect() as connection:
        assert connection.recv(10) == b""
    eventually(lambda: f"does not answer on 127.0.0.1:{door.settings.inner_port}" in door.text)


def test_who_does_not_speak_tls_is_not_let_in(door: Running) -> None:
    with socket.create_connection(("127.0.0.1", door.settings.port), 10) as plain:
        plain.sendall(b"\x96\xa4PING" + b"x" * 100)
        plain.settimeout(20)
        received = b""
        while block := plain.recv(100):
            received += block
    assert b"HELO" not in received
    eventually(lambda: "127.0.0.1 was not let in" in door.text, "its log")


def test_an_old_tls_is_not_let_in(door: Running) -> None:
    context = ssl.create_default_context(cafile=door.folder.path / "ca.pem")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", door.settings.port), 10) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_silent_clients_hold_nobody_up(door: Running) -> None:
    with ExitStack() as silent:
        for _ in range(200):
            silent.enter_context(socket.create_connection(("127.0.0.1", door.settings.port), 10))
        for _ in range(20):
            silent.enter_context(door.connect())  # let in, and silent then
        with door.connect() as connection:
            assert exchange(connection, HELLO) == sha(HELLO)


def test_a_renewed_certificate_is_taken_in_and_no_connection_ends(door: Running) -> None:
    with door.connect() as before:
        assert exchange(before, HELLO) == sha(HELLO)
        old = before.getpeercert()
        assert old
        making.renew_certificate(door.folder, now() + dt.timedelta(hours=5))
        eventually(lambda: "the renewed certificate is in use" in door.text, "the renewal")
        with door.connect() as after:
            new = after.getpeercert()
            assert new
            assert new["serialNumber"] != old["serialNumber"]
        assert exchange(before, AGAIN) == sha(AGAIN)


def test_a_broken_certificate_does_not_take_the_door_away(door: Running) -> None:
    door.folder.write("server.pem", "none")
    eventually(lambda: "central gate renew" in door.text, "the complaint")
    with door.connect() as connection:
        assert exchange(connection, HELLO) == sha(HELLO)


def test_client_certificates(tmp_path: Path) -> None:
    door = Running(tmp_path, client_certificates=True)
    try:
        with suppress(OSError), door.connect() as connection:
            connection.sendall(b"x")
            assert connection.recv(1) == b""
        eventually(lambda: "127.0.0.1 was not let in" in door.text, "its log")
    finally:
        door.close()


def test_it_ends_when_told_to(door: Running) -> None:
    with door.connect() as connection:
        door.process.send_signal(signal.SIGTERM)
        assert door.process.wait(10) == 0
        assert connection.recv(10) == b""
    assert "Traceback" not in door.text


def test_a_second_one_says_why_it_cannot(door: Running) -> None:
    command = [sys.executable, "-m", "central", "gate", "serve", "--gate", str(door.folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert f"central: 127.0.0.1:{door.settings.port} cannot be listened on" in done.stderr
    assert "central gate init --port" in done.stderr
