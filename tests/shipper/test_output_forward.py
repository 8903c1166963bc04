"""Output ``forward``: only an acknowledgement of this very chunk counts. On a fake server, see there."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from compose.stack.ports import free_port
from shipper.agent.sending import Sending
from shipper.config import ForwardSettings
from shipper.document.model import Document
from shipper.errors import OutputError
from shipper.outputs import ForwardOutput, forward, handshake
from shipper.spool import Spool
from tests.shipper.fake_forward import FakeForward, ack, fake_forward
from tests.shipper.test_output_opensearch import ORIGIN, document


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
    monkeypatch.setattr(forward, "ACKNOWLEDGEMENT_SECONDS", 0.3)
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

    def test_a_key_where_none_is_asked_for(
        self, make_sending: Callable[..., Sending], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(forward, "CONNECT_SECONDS", 0.3)
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


def test_tls_where_there_is_none(
    make_sending: Callable[..., Sending], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward, "CONNECT_SECONDS", 0.5)
    assert "does it speak TLS there?" in str(fault(make_sending(document(1), tls=True)))


def test_the_message_of_the_login_fits_into_what_fluent_bit_reads() -> None:
    """It reads at most 1,023 bytes at once: the longest names must not exceed them."""
    longest = [b"PING", b"h" * 64, b"s" * 32, "d" * 128, b"u" * 64, "p" * 128]
    assert len(msgpack.packb(longest, use_bin_type=False)) < 1023
    assert handshake._MESSAGE >= 1023
