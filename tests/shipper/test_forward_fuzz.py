"""Whatever a server says, at whatever moment: an `OutputError`, soon, and little memory.

A real socket. Up to the moment that an example is about the server talks as it should; then it says
what the example wants, in pieces, and hangs up.
"""

import hashlib
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shipper.config import ForwardSettings
from shipper.errors import OutputError
from shipper.outputs import ForwardOutput
from tests.shipper.test_output_opensearch import document, spooled

Stage = Literal["HELO", "PONG", "ack"]
MOST_SECONDS = 5.0
MOST_BYTES = 4 * 1024 * 1024
"""Three times of what msgpack's packer takes for whatever it writes."""
KEY = "s3cr3t"
NONCE, AUTH = b"n" * 16, b"a" * 16


class Hostile:
    """A server that says one thing that it should not.

    Attributes:
        stage: Instead of which answer.
        mutate: Makes it of the right one.
    """

    def __init__(self) -> None:
        self.stage: Stage = "HELO"
        self.mutate = Mutation(whole=b"")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(2)
                with connection, suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        unpacker = msgpack.Unpacker(raw=True)
        helo = msgpack.packb(["HELO", {"nonce": NONCE, "auth": AUTH}], use_bin_type=False)
        if not self._say(connection, "HELO", helo):
            return
        salt = self._hear(connection, unpacker)[2]
        proof = hashlib.sha512(salt + b"server" + NONCE + KEY.encode()).hexdigest()
        if not self._say(connection, "PONG", msgpack.packb(["PONG", True, "", "server", proof])):
            return
        options = self._hear(connection, unpacker)[2]
        self._say(connection, "ack", msgpack.packb({"ack": options[b"chunk"]}, use_bin_type=False))

    def _say(self, connection: socket.socket, stage: Stage, right: bytes) -> bool:
        if stage != self.stage:
            connection.sendall(right)
            return True
        for piece in self.mutate.pieces(right):
            connection.sendall(piece)
        return False

    def _hear(self, connection: socket.socket, unpacker: msgpack.Unpacker) -> list[bytes]:
        while data := connection.recv(65536):
            unpacker.feed(data)
            for message in unpacker:
                found: list[bytes] = message
                return found
        raise ConnectionError


class Mutation:
    """What is made of a right answer.

    Args:
        whole: Said instead of it; None: it is changed.
        changes: (where, what is taken out, what is put in) each, as shares of its length.
        cut: So much of it is said at all, as a share of its length.
        pieces: In how many writes.
    """

    def __init__(
        self,
        *,
        whole: bytes | None = None,
        changes: list[tuple[float, int, bytes]] | None = None,
        cut: float = 1.0,
        pieces: int = 1,
    ) -> None:
        self.whole = whole
        self.changes = changes or []
        self.cut = cut
        self.number = pieces

    def __repr__(self) -> str:
        return f"Mutation(whole={self.whole!r}, changes={self.changes}, cut={self.cut}, pieces={self.number})"

    def pieces(self, right: bytes) -> Iterator[bytes]:
        said = right if self.whole is None else self.whole
        for where, out, new in self.changes:
            at = int(where * len(said))
            said = said[:at] + new + said[at + out :]
        said = said[: int(self.cut * len(said))]
        step = len(said) // self.number + 1
        for at in range(0, len(said), step):
            yield said[at : at + step]


stages = st.sampled_from(["HELO", "PONG", "ack"])
heads = st.sampled_from(
    [
        *(
            bytes([code]) + struct.pack(">I", size)
            for code in (0xC6, 0xC9, 0xDB, 0xDD, 0xDF)
            for size in (2**32 - 1, 100_000_000, 70_000)
        ),
        b"\xc7\x0c\xff" + b"\xff" * 12,  # a time far away
        b"\x81\x01\x02",  # a number as key
        b"\x81\x90\x02",  # a list as key
        b"\xc1",
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary(max_size=40)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)
wrong = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda head, rest: head + rest, heads, st.binary(max_size=100)),
    st.builds(msgpack.packb, values),
    st.builds(
        lambda kind, parts: msgpack.packb([kind, *parts]),
        st.sampled_from(["HELO", "PONG"]),
        st.lists(values, max_size=6),
    ),
    st.builds(
        lambda parts: msgpack.packb(["HELO", parts]),
        st.dictionaries(st.sampled_from(["nonce", "auth", "x"]), values),
    ),
    st.builds(lambda byte, times: bytes([byte]) * times, st.integers(0, 255), st.integers(1, 60_000)),
)
mutations = st.builds(
    Mutation,
    whole=st.none() | wrong,
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8) | heads), max_size=3
    ),
    cut=st.just(1.0) | st.floats(0, 1),
    pieces=st.integers(1, 5),
)


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    made = Hostile()
    tracemalloc.start()
    yield made
    tracemalloc.stop()
    made.close()


@given(stage=stages, mutation=mutations)
@example(stage="HELO", mutation=Mutation(whole=b"\x91" * 60_000))
@example(stage="HELO", mutation=Mutation(whole=b"\xdc\x00\x10" * 20_000))
@example(stage="PONG", mutation=Mutation(whole=b"\x95\xa4PONG\xc2" + b"\x91" * 1000 + b"\xc0\xc0\xc0"))
@example(stage="PONG", mutation=Mutation(whole=b"\x91" * 900 + b"\xc0"))
@example(stage="ack", mutation=Mutation(whole=b"\x81\xa3ack" + b"\x81\xa1a" * 1000))
@example(stage="ack", mutation=Mutation(whole=b"\xdd\xff\xff\xff\xff"))
@example(stage="HELO", mutation=Mutation(whole=b"\xdd\x05\xf5\xe1\x00"))
@example(stage="ack", mutation=Mutation(whole=b"\xdb\xff\xff\xff\xff" + b"x" * 60_000))
@settings(max_examples=max(200, settings().max_examples))
def test_only_an_output_error(hostile: Hostile, stage: Stage, mutation: Mutation) -> None:
    hostile.stage, hostile.mutate = stage, mutation
    output = ForwardOutput(
        ForwardSettings(
            "127.0.0.1", hostile.port, tls=False, shared_key=KEY, username="Loja001", password="t0k3n"
        )
    )
    batch = spooled(document(1))
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    begun = time.monotonic()
    done, text = [1], ""
    try:
        done = output.send(batch).done
    except OutputError as error:
        text = str(error)
    output.close()
    # Without an error it was the right answer in other words.
    assert text or (stage, done) == ("ack", [1])
    assert len(text.splitlines()) <= 1
    assert len(text) < 600
    assert "t0k3n" not in text
    assert "s3cr3t" not in text
    assert time.monotonic() - begun < MOST_SECONDS
    assert tracemalloc.get_traced_memory()[1] - before < MOST_BYTES
