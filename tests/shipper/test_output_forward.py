"""Output ``forward``: only an acknowledgement of this very chunk counts. On a fake server, see there."""

import hashlib
import hmac
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.stack.ports import free_port
from shipper.agent.sending import Sending
from shipper.config import Config, ForwardSettings
from shipper.config.rules import check
from shipper.config.settings import OutputSettings, StoreSettings
from shipper.document.model import Document
from shipper.errors import ConfigError, OutputError
from shipper.outputs import ForwardOutput, sender
from shipper.outputs.records import EPOCH, event_time, tag_of
from shipper.spool import Spool, Spooled
from tests.shipper.fake_forward import FakeForward, ack, fake_forward
from tests.shipper.test_output_opensearch import ORIGIN, document, spooled


@pytest.fixture
def fake() -> Iterator[FakeForward]:
    with fake_forward() as found:
        yield found


@pytest.fixture
def make_sending(tmp_path: Path, fake: FakeForward) -> Iterator[Callable[..., Sending]]:
    made: list[Sending] = []

    def make(*documents: Document, **settings: Any) -> Sending:
        spool = Spool(tmp_path / "spool.db")
        spool.add(documents)
        output = ForwardOutput(
            ForwardSettings(**{"host": "127.0.0.1", "port": fake.port, "tls": False, **settings})
        )
        made.append(Sending(output, spool, ORIGIN, threading.Event(), threading.Event()))
        return made[-1]

    yield make
    for sending in made:
        sending.close()


def waiting(sending: Sending) -> int:
    return sending._spool.depth()[0]


def fault(sending: Sending) -> OutputError:
    """The step fails, nothing leaves the spool, and it is one line."""
    before = waiting(sending)
    with pytest.raises(OutputError) as caught:
        sending.step()
    assert waiting(sending) == before
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def test_records_equal_the_documents(fake: FakeForward, make_sending: Callable[..., Sending]) -> None:
    documents = [document(n, clid="José 📞", duration=2**31 - 1, odd="a\0b") for n in range(2500)]
    sending = make_sending(*documents)
    sending.drain()
    assert waiting(sending) == 0
    assert [record for _, record in fake.records] == [json.loads(found.body) for found in documents]
    assert {tag for tag, _ in fake.records} == {"pabx.cdr"}
    assert (fake.chunks, fake.connections) == (3, 1)


def test_what_has_states_has_a_tag_of_its_own(
    fake: FakeForward, make_sending: Callable[..., Sending]
) -> None:
    """A server writes these by `index`, all others by `create`; a call that is none any more says so."""
    body = b'{"@timestamp":"2026-11-23T05:10:07Z","event":{"dataset":"pabx.call"},"call":{"merged_into":"c"}}'
    make_sending(
        Document("pabx-calls-2026.11", "a", body, "index"),
        Document("pabx-calls-2026.11", "b", body, "delete"),
        Document("pabx-cdr-2026.11", "c", body, "index"),
    ).drain()
    assert [(tag, record["call"]) for tag, record in fake.records] == [
        ("pabx.calls", {"merged_into": "c"}),
        ("pabx.calls", {"merged_into": "c"}),
        ("pabx.cdr.state", {"merged_into": "c"}),
    ]


def test_each_kind_has_its_tag(fake: FakeForward, make_sending: Callable[..., Sending]) -> None:
    aside = Document("pabx-quarantine-2026.11", "f" * 32, document(3).body)
    sending = make_sending(document(1), aside, document(2, month="2026.12"))
    sending.drain()
    assert [tag for tag, _ in fake.records] == ["pabx.cdr", "pabx.quarantine", "pabx.cdr"]


def test_a_batch_stays_below_what_the_server_takes(
    fake: FakeForward, make_sending: Callable[..., Sending]
) -> None:
    sending = make_sending(*(document(n, userfield="x" * 8000) for n in range(600)))
    sending.drain()
    assert len(fake.ids) == 600
    assert fake.chunks >= 3  # 2 MiB each


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _: None, "closed without an acknowledgement"),
        (lambda _: b"\xc1", "does not take documents"),  # no msgpack
    ],
    ids=["connection closed", "garbage"],
)
def test_without_an_acknowledgement_nothing_leaves(
    fake: FakeForward, make_sending: Callable[..., Sending], answer: Any, words: str
) -> None:
    fake.acknowledge = answer
    sending = make_sending(document(1), document(2))
    assert words in str(fault(sending))
    fake.acknowledge = ack
    sending.drain()
    assert waiting(sending) == 0
    assert len(fake.ids) == 4
    assert fake.connections == 2  # a connection that failed is not used again


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: ack("another chunk"),
        lambda _: b"",
        lambda _: msgpack.packb({"nack": 1}),
        lambda _: msgpack.packb(["ack"]),
        lambda chunk: ack(chunk)[:-1],
    ],
    ids=["wrong id", "nothing", "another key", "a list", "cut off"],
)
def test_a_wrong_or_missing_acknowledgement_is_waited_out(
    fake: FakeForward, make_sending: Callable[..., Sending], answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "ACKNOWLEDGEMENT_SECONDS", 0.3)
    fake.acknowledge = answer
    sending = make_sending(document(1))
    assert f"127.0.0.1:{fake.port} does not take documents (timed out)" in str(fault(sending))
    fake.acknowledge = ack
    sending.drain()
    assert waiting(sending) == 0


def test_a_slow_acknowledgement_is_waited_for(
    fake: FakeForward, make_sending: Callable[..., Sending]
) -> None:
    def slow(chunk: str) -> bytes:
        time.sleep(1)
        return ack("another one that is late") + ack(chunk)

    fake.acknowledge = slow
    sending = make_sending(document(1))
    sending.drain()
    assert waiting(sending) == 0
    assert len(fake.ids) == 1


def test_an_acknowledgement_in_pieces(fake: FakeForward, make_sending: Callable[..., Sending]) -> None:
    fake.acknowledge = lambda chunk: [bytes([byte]) for byte in ack(chunk)]
    sending = make_sending(document(1))
    sending.drain()
    assert waiting(sending) == 0


class TestLogin:
    def test_shared_key_and_user(self, fake: FakeForward, make_sending: Callable[..., Sending]) -> None:
        fake.shared_key, fake.users = "kéy", {"Loja001": "tökén"}
        sending = make_sending(document(1), shared_key="kéy", username="Loja001", password="tökén")
        sending.drain()
        assert len(fake.ids) == 1

    def test_wrong_key(self, fake: FakeForward, make_sending: Callable[..., Sending]) -> None:
        fake.shared_key = "key"
        error = fault(make_sending(document(1), shared_key="wrong"))
        assert f"127.0.0.1:{fake.port} closed the connection during the login" in str(error)
        assert "output.forward.shared_key" in str(error)
        assert error.permanent
        assert fake.ids == []

    @pytest.mark.parametrize("settings", [{"username": "Loja002"}, {"username": "Loja001", "password": "x"}])
    def test_wrong_user(
        self, fake: FakeForward, make_sending: Callable[..., Sending], settings: dict[str, str]
    ) -> None:
        fake.shared_key, fake.users = "key", {"Loja001": "token"}
        error = fault(make_sending(document(1), shared_key="key", **settings))
        assert f"refused the login of '{settings['username']}' (username/password mismatch)" in str(error)
        assert "output.forward.username and password" in str(error)
        assert error.permanent

    def test_an_impostor_gets_no_document(
        self, fake: FakeForward, make_sending: Callable[..., Sending]
    ) -> None:
        """A server that does not know the key cannot prove itself, whatever it lets pass."""
        fake.shared_key, fake.proof = "key", "guessed"
        error = fault(make_sending(document(1), shared_key="key"))
        assert "does not know our shared key" in str(error)
        assert fake.ids == []

    def test_nobody_proves_himself_by_our_own_words(
        self, fake: FakeForward, make_sending: Callable[..., Sending]
    ) -> None:
        """Our PING and the server's PONG digest the same things: an impostor could send ours back."""
        fake.shared_key, fake.echoes = "key", True
        error = fault(make_sending(document(1), shared_key="key"))
        assert "does not know our shared key" in str(error)
        assert fake.ids == []

    @pytest.mark.parametrize("salted", [True, False], ids=["as Fluent Bit", "as Fluentd"])
    @pytest.mark.parametrize("settings", [{}, {"username": "Loja001", "password": "token"}])
    def test_a_server_without_users(
        self, fake: FakeForward, make_sending: Callable[..., Sending], salted: bool, settings: dict[str, str]
    ) -> None:
        """The key alone lets in. Without a salt neither name nor password is sent, and `check` says so."""
        fake.shared_key, fake.salted = "key", salted
        sending = make_sending(document(1), shared_key="key", **settings)
        sending.drain()
        assert len(fake.ids) == 1
        assert msgpack.unpackb(fake.pings[0])[4] == (settings.get("username", "") if salted else "")
        assert (msgpack.unpackb(fake.pings[0])[5] == "") is not salted
        note = "; it does not ask who we are: it has no users" if settings and not salted else ""
        assert sending._output.check() == f"Forward server at 127.0.0.1:{fake.port}{note}"

    def test_no_user_where_one_is_asked_for(
        self, fake: FakeForward, make_sending: Callable[..., Sending]
    ) -> None:
        fake.shared_key, fake.users = "key", {"Loja001": "token"}
        error = fault(make_sending(document(1), shared_key="key"))
        assert "refused the login of an agent without output.forward.username (username/" in str(error)
        assert "set output.forward.username and password" in str(error)
        assert error.permanent
        assert fake.ids == []

    def test_the_longest_login_fits_into_what_fluent_bit_reads(
        self,
        fake: FakeForward,
        make_sending: Callable[..., Sending],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """1,023 bytes at once, all six texts of msgpack's type str: raw 0xa0-0xbf, or str 8 and 16."""
        monkeypatch.setattr(socket, "gethostname", lambda: "é" * 1000)
        longest = {"username": "ü" * 128, "password": "p" * 256, "shared_key": "k" * 256}
        settings = {"host": "127.0.0.1", **longest}
        check(
            Config(StoreSettings("Loja001"), output=OutputSettings(forward=ForwardSettings(**settings))), ""
        )
        fake.shared_key, fake.users = longest["shared_key"], {longest["username"]: longest["password"]}
        make_sending(document(1), **longest).drain()
        assert len(fake.ids) == 1
        assert len(fake.pings[0]) < 1023
        assert [type(part) for part in msgpack.unpackb(fake.pings[0])] == [str] * 6

    def test_a_reason_cannot_disturb_the_terminal(
        self, fake: FakeForward, make_sending: Callable[..., Sending]
    ) -> None:
        helo = msgpack.packb(["HELO", {"nonce": "n", "auth": ""}])
        fake.greeting = helo + msgpack.packb(
            ["PONG", False, "no\x1b[2J\r\nfake log line" + "x" * 900, "", ""]
        )
        text = str(fault(make_sending(document(1), shared_key="key")))
        assert "refused the login of an agent without output.forward.username (no [2J fake log line" in text
        assert len(text) < 500

    def test_a_key_where_none_is_asked_for(
        self, make_sending: Callable[..., Sending], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sender, "LOGIN_SECONDS", 0.3)
        error = fault(make_sending(document(1), shared_key="key"))
        assert "does not ask for a shared key" in str(error)
        assert "leave output.forward.shared_key" in str(error)

    def test_no_key_where_one_is_asked_for(
        self, fake: FakeForward, make_sending: Callable[..., Sending]
    ) -> None:
        fake.greeting = msgpack.packb(["HELO", {"nonce": b"x" * 16, "auth": b""}])
        error = fault(make_sending(document(1)))
        assert "asks for a shared key" in str(error)
        assert "set output.forward.shared_key" in str(error)

    @pytest.mark.parametrize(
        "greeting",
        [
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"\xc1\xc1",
            msgpack.packb(["HELO"]),
            msgpack.packb(["HELO", 3]),
            msgpack.packb(["HELO", {"nonce": 3, "auth": b""}]),
            msgpack.packb(["HELO", {"nonce": b"", "auth": [[]]}]),
            msgpack.packb(["HELO", {"nonce": None}]) + msgpack.packb(["PONG", False, 7, 0, 0]),
            msgpack.packb(["HELO", {}]) + msgpack.packb(["PONG", True, None, None, None]),
        ],
    )
    def test_something_else_listens_there(
        self, fake: FakeForward, make_sending: Callable[..., Sending], greeting: bytes
    ) -> None:
        fake.greeting = greeting
        error = fault(make_sending(document(1), shared_key="key"))
        assert f"127.0.0.1:{fake.port}" in str(error)
        assert "output.forward" in str(error) or "Forward server" in str(error)


def test_nobody_listens(make_sending: Callable[..., Sending]) -> None:
    port = free_port()
    error = fault(make_sending(document(1), port=port))
    assert f"127.0.0.1:{port} does not take documents (" in str(error)
    assert "output.forward.host and port" in str(error)


def test_no_host(make_sending: Callable[..., Sending]) -> None:
    assert "central..example:24224" in str(
        fault(make_sending(document(1), host="central..example", port=24224))
    )


class TestRecords:
    @given(microseconds=st.integers(1_000_000, 2**32 * 1_000_000 - 1))
    def test_the_time_is_exact(self, microseconds: int) -> None:
        """Whole numbers all the way: a float would be up to 119 ns off, which is another microsecond."""
        at = EPOCH + timedelta(microseconds=microseconds)
        text = at.isoformat().replace("+00:00", "Z")
        found = event_time(text, f"pabx-cdr-{at:%Y.%m}")
        assert found is not None
        seconds, nanoseconds = struct.unpack(">II", found.data)
        assert seconds * 10**9 + nanoseconds == microseconds * 1000

    @pytest.mark.parametrize(
        ("timestamp", "index", "expected"),
        [
            ("2026-11-23T05:10:07.000001Z", "pabx-cdr-2026.11", (1795410607, 1000)),
            ("2026-11-23T02:10:07.5-03:00", "pabx-calls-2026.11", (1795410607, 500_000_000)),
            ("2026-11-30T21:30:00-03:00", "pabx-cdr-2026.12", (1796085000, 0)),  # December in UTC
            ("2026-11-23T05:10:07.123Z", "pabx-quarantine-2026.10", (1790812800, 0)),
            ("2026-11-23T05:10:07.123Z", "pabx-quarantine-1970.01", (1, 0)),
            ("2026-11-23T05:10:07.123Z", "pabx-quarantine-1000.01", (1, 0)),
            ("2026-11-23T05:10:07.123Z", "pabx-quarantine-9999.12", (2**32 - 1, 0)),
            ("2026-11-23T05:10:07.123Z", "pabx-audit-2026.10", (1790812800, 0)),
            ("2026-11-23T05:10:07.123Z", "pabx-stores", (1795410607, 123_000_000)),
            ("2026-11-23T05:10:07.123Z", "pabx-live", (1795410607, 123_000_000)),
            ("2026-11-23T05:10:07.123Z", "pabx-events-2026.11.23", (1795410607, 123_000_000)),
            ("2026-11-23T23:30:00-03:00", "pabx-events-2026.11.24", (1795487400, 0)),  # the 24th in UTC
            ("2026-11-23T05:10:07.123Z", "pabx-events-2026.11.22", (1795305600, 0)),
            ("1970-01-01T00:00:00.5Z", "pabx-cdr-1970.01", None),
            ("1969-12-31T23:59:59Z", "pabx-cdr-1969.12", None),
            ("2106-02-07T06:28:16Z", "pabx-cdr-2106.02", None),
        ],
    )
    def test_the_time_names_the_months_index(
        self, timestamp: str, index: str, expected: tuple[int, int] | None
    ) -> None:
        found = event_time(timestamp, index)
        assert (found and struct.unpack(">II", found.data)) == expected

    @pytest.mark.parametrize(
        ("index", "operation", "tag"),
        [
            ("pabx-cdr-2026.11", "create", "pabx.cdr"),
            ("pabx-cdr-2026.11", "index", "pabx.cdr.state"),
            ("pabx-quarantine-2026.11", "create", "pabx.quarantine"),
            ("pabx-calls-2026.11", "index", "pabx.calls"),
            ("pabx-calls-2026.11", "delete", "pabx.calls"),
            ("pabx-audit-2026.11", "index", "pabx.audit"),
            ("pabx-stores", "update", "pabx.stores"),
            ("pabx-live", "index", "pabx.live"),
            ("pabx-events-2026.11.23", "create", "pabx.events"),
        ],
    )
    def test_the_tag(self, index: str, operation: Any, tag: str) -> None:
        assert tag_of(Spooled(1, index, "a", b"", operation)) == tag

    def test_the_proof_is_the_only_addition_and_only_with_a_token(
        self, fake: FakeForward, make_sending: Callable[..., Sending]
    ) -> None:
        body = json.loads(document(1).body)
        make_sending(document(1), password="tökén").drain()
        _, record = fake.records[0]
        key = hashlib.sha256("pabx-proof:tökén".encode()).digest()
        message = f"Loja001\n{1:032x}\n\npabx.cdr".encode()
        assert record.pop("proof") == hmac.new(key, message, "sha256").hexdigest()[:32]
        assert record == body

    def test_the_arrived_times(self, fake: FakeForward, make_sending: Callable[..., Sending]) -> None:
        make_sending(document(1)).drain()
        assert fake.times == [(1795421407, 0)]

    def test_no_frame_is_too_large_whatever_msgpack_makes_of_it(
        self, fake: FakeForward, make_sending: Callable[..., Sending]
    ) -> None:
        """A number such as 0.5 is 4 bytes of JSON and 9 of msgpack: 2 MiB become more than the limit."""
        numbers = [0.5] * 100_000
        make_sending(*(document(n, odd=numbers) for n in range(12))).drain()
        assert len(fake.ids) == 12
        assert 900_000 < fake.largest <= 4 * 1024 * 1024
        noise = random.Random(1).randbytes(700_000).hex()  # does not become smaller by gzip than a half
        make_sending(*(document(n, odd=noise) for n in range(12, 18))).drain()
        assert len(fake.ids) == 18
        assert fake.largest <= 4 * 1024 * 1024

    @pytest.mark.parametrize(
        ("odd", "rule", "words"),
        [
            ("x" * 5_000_000, "forward.largest_document", "a Forward server takes 4194304"),
            ([0.5] * 500_000, "forward.largest_document", "document of 4500"),
            (2**64, "forward.msgpack", "document cannot be written as msgpack"),
            ("\ud800", "forward.msgpack", "document cannot be written as msgpack"),
        ],
        ids=["large", "large as msgpack", "large number", "half a character"],
    )
    def test_what_no_server_takes_is_refused_alone(
        self, fake: FakeForward, odd: Any, rule: str, words: str
    ) -> None:
        content = json.loads(document(2).body)
        content["cdr"]["odd"] = odd
        bad = Spooled(2, "pabx-cdr-2026.11", "b", json.dumps(content).encode())
        output = ForwardOutput(ForwardSettings(host="127.0.0.1", port=fake.port, tls=False))
        outcome = output.send([*spooled(document(1)), bad, Spooled(3, *document(3))])
        output.close()
        assert outcome.done == [1, 3]
        assert [(found.document.seq, found.reason.rule) for found in outcome.refused] == [(2, rule)]
        assert words in outcome.refused[0].reason.message


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"username": "u" * 257}, "output.forward.username has 257 bytes; at most 256"),
            ({"username": "ü" * 129}, "output.forward.username has 258 bytes; at most 256"),
            ({"password": "p" * 257}, "output.forward.password has 257 bytes; at most 256"),
            ({"shared_key": "k" * 300}, "output.forward.shared_key has 300 bytes; at most 256"),
            ({"password": "p\udcff"}, "output.forward.password is no UTF-8"),
            ({"client_certificate": "a.pem"}, "output.forward.client_certificate_key is missing"),
            ({"client_certificate_key": "a.pem"}, "output.forward.client_certificate is missing"),
            (
                {"client_certificate": "a.pem", "client_certificate_key": "b.pem", "tls": False},
                "output.forward.client_certificate is set, but output.forward.tls is false",
            ),
        ],
    )
    def test_what_cannot_work(self, settings: dict[str, Any], words: str) -> None:
        forward = ForwardSettings(**{"host": "central.example", **settings})
        with pytest.raises(ConfigError) as caught:
            check(Config(StoreSettings("Loja001"), output=OutputSettings(forward=forward)), "shipper.toml")
        assert f"shipper.toml: {words}" in str(caught.value)
        assert "ppp" not in str(caught.value)
        assert "kkk" not in str(caught.value)
