"""Output ``forward`` on servers and lines that hang, crawl, break off, or are not who they should be."""

import json
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgpack
import pytest

from compose.stack.ports import free_port
from shipper.agent.sending import Sending
from shipper.backoff import Backoff
from shipper.config import ForwardSettings
from shipper.errors import OutputError
from shipper.outputs import ForwardOutput, isolation, sender
from shipper.spool import Spool
from tests.shipper.certificates import NOW, Authority
from tests.shipper.fake_forward import FakeForward, ack, fake_forward
from tests.shipper.proxy import Proxy
from tests.shipper.test_output_opensearch import ORIGIN, document, spooled

HELO = msgpack.packb(["HELO", {"nonce": b"n" * 16, "auth": b""}], use_bin_type=False)


@pytest.fixture
def fake() -> Iterator[FakeForward]:
    with fake_forward() as found:
        yield found


@pytest.fixture
def proxy(fake: FakeForward) -> Iterator[Proxy]:
    with Proxy(fake.port) as found:
        yield found


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(sender, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(sender, "LOGIN_SECONDS", 0.5)
    monkeypatch.setattr(sender, "ACKNOWLEDGEMENT_SECONDS", 0.5)


@pytest.fixture
def make_output() -> Iterator[Callable[..., ForwardOutput]]:
    made: list[ForwardOutput] = []

    def make(port: int, **settings: Any) -> ForwardOutput:
        made.append(
            ForwardOutput(ForwardSettings(**{"host": "127.0.0.1", "port": port, "tls": False, **settings}))
        )
        return made[-1]

    yield make
    for output in made:
        output.close()


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listens, and does with each connection what it is told to; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def fault(output: ForwardOutput, within: float) -> OutputError:
    """Sending fails in time, in one line."""
    begun = time.monotonic()
    with pytest.raises(OutputError) as caught:
        output.send(spooled(document(1)))
    assert time.monotonic() - begun < within
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def trickle(data: bytes) -> Callable[[socket.socket], None]:
    """A byte from time to time, each well before a timeout that begins anew with it."""

    def talk(connection: socket.socket) -> None:
        for _ in range(1000):
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)

    return talk


def silent(connection: socket.socket) -> None:
    connection.recv(1 << 20)
    threading.Event().wait(5)


@pytest.mark.usefixtures("short")
class TestDeadlines:
    @pytest.mark.parametrize(
        "talk",
        [silent, trickle(b"\x92\xa4HELO\x81\xa5nonce\xda\x03\xff" + b"n" * 1000)],
        ids=["silent", "trickling HELO"],
    )
    def test_a_login_has_one_deadline(
        self, make_output: Callable[..., ForwardOutput], talk: Callable[[socket.socket], None]
    ) -> None:
        with server(talk) as port:
            error = fault(make_output(port, shared_key="key"), 2)
        assert f"127.0.0.1:{port} said nothing within 0.5 s: it hangs, or" in str(error)
        assert not error.permanent

    def test_a_pong_that_never_ends(self, make_output: Callable[..., ForwardOutput]) -> None:
        def talk(connection: socket.socket) -> None:
            connection.sendall(HELO)
            trickle(b"\x95\xa4PONG\xc3\xda\x03\xff" + b"x" * 1000)(connection)

        with server(talk) as port:
            error = fault(make_output(port, shared_key="key"), 2)
        assert f"127.0.0.1:{port} did not answer the login within 0.5 s" in str(error)

    @pytest.mark.parametrize(
        "talk",
        [silent, trickle(b"\x01"), trickle(ack("another"))],
        ids=["silent", "trickling numbers", "trickling acknowledgements of others"],
    )
    def test_an_acknowledgement_has_one_deadline(
        self, make_output: Callable[..., ForwardOutput], talk: Callable[[socket.socket], None]
    ) -> None:
        with server(talk) as port:
            error = fault(make_output(port), 2)
        assert f"127.0.0.1:{port} does not take documents (timed out)" in str(error)

    def test_a_server_that_stops_reading(
        self, make_output: Callable[..., ForwardOutput], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sender, "SLOWEST_BYTES_PER_SECOND", 10_000_000)
        noise = json.dumps([hash(str(n)) for n in range(100_000)])

        def talk(connection: socket.socket) -> None:
            while connection.recv(1):
                time.sleep(0.01)

        with server(talk) as port:
            output = make_output(port)
            begun = time.monotonic()
            with pytest.raises(OutputError, match="does not take documents"):
                output.send(spooled(document(1, odd=noise)))
            assert time.monotonic() - begun < 3

    def test_tls_that_is_never_answered(self, make_output: Callable[..., ForwardOutput]) -> None:
        with server(silent) as port:
            error = fault(make_output(port, tls=True), 2)
        assert f"127.0.0.1:{port} did not answer in TLS within 0.5 s" in str(error)
        assert "does it speak TLS there?" in str(error)

    @pytest.mark.parametrize("behind", [b"\x01", ack("another"), b"\xa3abc"])
    def test_a_flood_instead_of_an_answer(
        self, make_output: Callable[..., ForwardOutput], behind: bytes
    ) -> None:
        def talk(connection: socket.socket) -> None:
            while True:
                connection.sendall(behind * 1000)

        with server(talk) as port:
            assert "more than 16384 bytes and no answer among them" in str(fault(make_output(port), 2))

    @pytest.mark.parametrize(
        ("begin", "flood"),
        [
            (b"\xdb\xff\xff\xff\xff", b"x"),  # a text of 4 GB
            (b"\xc9\xff\xff\xff\xff\x00", b"x"),  # an extension of 4 GB
            (b"\xdd\xff\xff\xff\xff", b"\xc0"),  # a list of 4,294,967,295 parts
            (b"\xdf\xff\xff\xff\xff", b"\xa1k\xc0"),
            (b"", b"\x91"),  # a list in a list in a list
            (b"", b"\x9f"),
        ],
        ids=["text", "extension", "list", "map", "nested", "nested wide"],
    )
    @pytest.mark.parametrize("helo", [True, False])
    def test_an_answer_without_end_takes_no_memory(
        self, make_output: Callable[..., ForwardOutput], begin: bytes, flood: bytes, helo: bool
    ) -> None:
        data = flood * (65536 // len(flood))

        def talk(connection: socket.socket) -> None:
            connection.sendall(HELO * helo + begin)
            while True:
                connection.sendall(data)

        with server(talk) as port:
            output = make_output(port, shared_key="key")
            tracemalloc.start()
            try:
                fault(output, 3)
                assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
            finally:
                tracemalloc.stop()

    def test_bytes_behind_an_answer_are_no_error(
        self, fake: FakeForward, make_output: Callable[..., ForwardOutput]
    ) -> None:
        fake.acknowledge = lambda chunk: ack(chunk) + b"\x01\x02" + ack("another")
        output = make_output(fake.port)
        for number in range(20):
            assert output.send(spooled(document(number))).done == [1]
        assert fake.connections == 1


class TestTLS:
    """Servers of the tests' own authority, each with what it is about."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path / "authority")

    @pytest.fixture
    def make_secured(
        self, fake: FakeForward, authority: Authority, make_output: Callable[..., ForwardOutput]
    ) -> Callable[..., ForwardOutput]:
        def make(context: ssl.SSLContext, **settings: Any) -> ForwardOutput:
            fake.tls = context
            return make_output(fake.port, **{"tls": True, "ca_file": authority.ca_file, **settings})

        return make

    def test_pinned_authority(
        self, fake: FakeForward, authority: Authority, make_secured: Callable[..., ForwardOutput]
    ) -> None:
        fake.shared_key = "key"
        output = make_secured(authority.server(), shared_key="key")
        assert output.send(spooled(document(1))).done == [1]
        assert len(fake.ids) == 1

    def test_a_man_in_the_middle(
        self, tmp_path: Path, fake: FakeForward, make_secured: Callable[..., ForwardOutput]
    ) -> None:
        """He has a certificate for the right name, of another authority."""
        error = fault(make_secured(Authority(tmp_path / "other").server()), 5)
        assert f"the certificate of 127.0.0.1:{fake.port} was rejected" in str(error)
        assert "set output.forward.ca_file" in str(error)
        assert fake.raw == b""

    def test_another_host_name(
        self, authority: Authority, fake: FakeForward, make_secured: Callable[..., ForwardOutput]
    ) -> None:
        error = fault(make_secured(authority.server("other.example")), 5)
        assert "was rejected (IP address mismatch" in str(error)
        assert "use a host name that it was made for" in str(error)
        assert fake.raw == b""

    def test_an_expired_certificate(
        self, authority: Authority, fake: FakeForward, make_secured: Callable[..., ForwardOutput]
    ) -> None:
        expired = authority.server(since=NOW - timedelta(days=100), days=99)
        error = fault(make_secured(expired), 5)
        assert f"the certificate of 127.0.0.1:{fake.port} has expired; head office must renew it" in str(
            error
        )
        assert "clock" in str(error)
        assert error.permanent
        assert fake.raw == b""

    def test_a_certificate_of_later(
        self, authority: Authority, fake: FakeForward, make_secured: Callable[..., ForwardOutput]
    ) -> None:
        error = fault(make_secured(authority.server(since=NOW + timedelta(days=10))), 5)
        assert f"the certificate of 127.0.0.1:{fake.port} is not yet valid" in str(error)
        assert "clock is behind" in str(error)

    @pytest.mark.filterwarnings(r"ignore:ssl\.TLSVersion\.TLSv1:DeprecationWarning")
    def test_tls_of_long_ago(
        self, authority: Authority, fake: FakeForward, make_secured: Callable[..., ForwardOutput]
    ) -> None:
        context = authority.server()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        error = fault(make_secured(context), 5)
        assert f"no TLS with 127.0.0.1:{fake.port}" in str(error)
        assert fake.raw == b""

    def test_a_server_of_plain_text(
        self, fake: FakeForward, make_output: Callable[..., ForwardOutput]
    ) -> None:
        fake.greeting = HELO
        error = fault(make_output(fake.port, tls=True), 5)
        assert f"no TLS with 127.0.0.1:{fake.port} (it does not speak TLS there" in str(error)
        assert "is the port right" in str(error)

    def test_a_client_certificate(
        self, authority: Authority, fake: FakeForward, make_secured: Callable[..., ForwardOutput]
    ) -> None:
        certificate, key = authority.client("Loja001")
        context = authority.server(clients=authority.ca_file)
        output = make_secured(context, client_certificate=certificate, client_certificate_key=key)
        assert output.send(spooled(document(1))).done == [1]
        assert len(fake.ids) == 1

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_a_client_certificate_that_is_missing(
        self,
        authority: Authority,
        fake: FakeForward,
        make_secured: Callable[..., ForwardOutput],
        version: ssl.TLSVersion,
    ) -> None:
        context = authority.server(clients=authority.ca_file)
        context.maximum_version = version
        fake.shared_key = "key"
        error = fault(make_secured(context, shared_key="key"), 5)
        assert f"127.0.0.1:{fake.port}" in str(error)
        assert "client certificate" in str(error) or "does it speak TLS" in str(error)
        assert fake.raw == b""

    def test_a_client_certificate_of_a_stranger(
        self,
        tmp_path: Path,
        authority: Authority,
        fake: FakeForward,
        make_secured: Callable[..., ForwardOutput],
    ) -> None:
        certificate, key = Authority(tmp_path / "other").client("Loja001")
        context = authority.server(clients=authority.ca_file)
        output = make_secured(context, client_certificate=certificate, client_certificate_key=key)
        assert f"127.0.0.1:{fake.port}" in str(fault(output, 5))
        assert fake.raw == b""

    def test_files_that_cannot_be_used(
        self, tmp_path: Path, authority: Authority, make_secured: Callable[..., ForwardOutput]
    ) -> None:
        certificate, key = authority.client("Loja001")
        _, other = Authority(tmp_path / "other").client("Loja001")
        locked = tmp_path / "locked.pem"
        locked.write_text(LOCKED)
        missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
        empty.touch()
        context = authority.server()

        def problem(certificate: str | Path, key: str | Path) -> str:
            files = {"client_certificate": str(certificate), "client_certificate_key": str(key)}
            return str(fault(make_secured(context, **files), 5))

        text = problem(missing, key)
        assert (
            f"output.forward.client_certificate {missing} cannot be read (No such file or directory)" in text
        )
        text = problem(certificate, missing)
        assert f"output.forward.client_certificate_key {missing} cannot be read (No such file" in text
        text = problem(certificate, other)
        assert f"output.forward.client_certificate_key {other} does not fit" in text
        assert f"output.forward.client_certificate {certificate} (it is not the certificate's key)" in text
        for bad in ((certificate, empty), (empty, key), (certificate, locked)):
            text = problem(*bad)
            assert "(no PEM of a certificate and its plain key)" in text
            assert "must not have a passphrase" in text
        text = str(fault(make_secured(context, ca_file=str(empty)), 5))
        assert f"output.forward.ca_file {empty} cannot be used (no PEM certificates in it)" in text


class TestLine:
    """Through a proxy of the tests."""

    def test_it_passes(
        self, fake: FakeForward, proxy: Proxy, make_output: Callable[..., ForwardOutput]
    ) -> None:
        fake.shared_key = "key"
        output = make_output(proxy.port, shared_key="key")
        documents = spooled(*(document(n) for n in range(500)))
        assert output.send(documents).done == list(range(1, 501))
        assert len(fake.ids) == 500

    def test_cut_in_mid_frame_and_sent_again(
        self, fake: FakeForward, proxy: Proxy, make_output: Callable[..., ForwardOutput]
    ) -> None:
        output = make_output(proxy.port)
        proxy.after = (200, "cut")
        assert "does not take documents (" in str(fault(output, 5))
        assert fake.ids == []
        proxy.after = None
        assert output.send(spooled(document(1))).done == [1]
        assert len(fake.ids) == 1

    def test_an_idle_connection_that_was_cut_is_nobodys_fault(
        self, fake: FakeForward, proxy: Proxy, make_output: Callable[..., ForwardOutput]
    ) -> None:
        output = make_output(proxy.port)
        for number in range(3):
            assert output.send(spooled(document(number))).done == [1]
            proxy.cut()
            time.sleep(0.1)
        assert len(fake.ids) == 3
        assert proxy.connections == 3

    @pytest.mark.usefixtures("short")
    def test_it_hangs_in_mid_frame(
        self, fake: FakeForward, proxy: Proxy, make_output: Callable[..., ForwardOutput]
    ) -> None:
        output = make_output(proxy.port)
        proxy.after = (200, "hang")
        assert "does not take documents (timed out)" in str(fault(output, 3))
        assert fake.ids == []
        proxy.after = None
        assert output.send(spooled(document(1))).done == [1]

    @pytest.mark.usefixtures("short")
    def test_it_hangs_while_it_is_used(
        self, fake: FakeForward, proxy: Proxy, make_output: Callable[..., ForwardOutput]
    ) -> None:
        output = make_output(proxy.port)
        assert output.send(spooled(document(1))).done == [1]
        proxy.mode = "hang"
        assert "does not take documents (timed out)" in str(fault(output, 3))
        assert len(fake.ids) == 1
        proxy.mode = "pass"
        assert output.send(spooled(document(2))).done == [1]

    def test_it_refuses(self, proxy: Proxy, make_output: Callable[..., ForwardOutput]) -> None:
        proxy.mode = "refuse"
        assert "does not take documents (" in str(fault(make_output(proxy.port, shared_key="key"), 5))

    def test_it_crawls(
        self, fake: FakeForward, proxy: Proxy, make_output: Callable[..., ForwardOutput]
    ) -> None:
        proxy.mode, proxy.bytes_per_second = "crawl", 400
        fake.shared_key = "key"
        begun = time.monotonic()
        assert make_output(proxy.port, shared_key="key").send(spooled(document(1))).done == [1]
        assert time.monotonic() - begun > 1

    def test_a_second_address_where_the_first_is_dead(
        self, fake: FakeForward, make_output: Callable[..., ForwardOutput], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ports = free_port(), fake.port
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert make_output(fake.port).send(spooled(document(1))).done == [1]


class TestPoison:
    @pytest.mark.parametrize("answer", [None, b""], ids=["connection closed", "nothing said"])
    def test_one_among_many_is_put_aside(
        self, tmp_path: Path, fake: FakeForward, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
    ) -> None:
        """With the real spool and sender: all others arrive, it is refused with its reason."""
        monkeypatch.setattr(sender, "ACKNOWLEDGEMENT_SECONDS", 0.5)
        monkeypatch.setattr(isolation, "APART_SECONDS", 0.0)
        monkeypatch.setattr(Backoff, "next", lambda _: 0.05)
        poison = f"{77:032x}"
        known = FakePoison(fake, poison, answer)
        spool = Spool(tmp_path / "spool.db")
        spool.add([document(n) for n in range(200)])
        output = ForwardOutput(ForwardSettings(host="127.0.0.1", port=fake.port, tls=False))
        sending = Sending(output, spool, ORIGIN, threading.Event(), threading.Event())
        fake.acknowledge = known
        thread = threading.Thread(target=sending.forever)
        thread.start()
        try:
            quarantined = known.wait_for_quarantine(sending)
        finally:
            sending._stop.set()
            thread.join()
            sending.close()
        assert known.acknowledged >= {f"{n:032x}" for n in range(200)} - {poison}
        assert poison not in known.acknowledged
        assert quarantined["error"]["type"] == "forward.never_acknowledged"
        assert "5 times, but others before and after it" in quarantined["error"]["message"]


class FakePoison:
    """Acknowledges a chunk unless one of its records is the poisoned one.

    Meanwhile other documents come, which show that the server works.
    """

    def __init__(self, fake: FakeForward, poison: str, answer: bytes | None) -> None:
        self.fake = fake
        self.poison = poison
        self.answer = answer
        self.acknowledged: set[str] = set()
        self._seen = 0

    def __call__(self, chunk: str) -> bytes | None:
        new = self.fake.records[self._seen :]
        self._seen = len(self.fake.records)
        ids = {found["event"]["id"] for tag, found in new if tag == "pabx.cdr"}
        if self.poison in ids:
            return self.answer
        self.acknowledged |= ids
        return ack(chunk)

    def wait_for_quarantine(self, sending: Sending) -> dict[str, Any]:
        other = Spool(sending._spool.path)
        deadline = time.monotonic() + 60
        number = 1000
        try:
            while time.monotonic() < deadline:
                for tag, record in list(self.fake.records):
                    if tag == "pabx.quarantine":
                        return record
                number += 1
                other.add([document(number)])
                sending._arrived.set()
                time.sleep(0.1)
        finally:
            other.close()
        raise AssertionError("nothing was put aside")


LOCKED = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAjSWkyE3bvXRQICCAAw
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQI5bJ5qXq7f2wEgZC3nR2T3bT0y5f1
-----END ENCRYPTED PRIVATE KEY-----
"""
