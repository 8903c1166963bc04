"""One connection to a Forward server: login, one chunk after the other, each acknowledged.

fluent-logger's sender gives the connection; what it lacks is added here: PackedForward with gzip,
a chunk id whose acknowledgement is awaited, TLS, and the shared-key login. Its buffer of pending
bytes, which it clears on overflow, is never used: what is not acknowledged stays in the spool.
"""

import base64
import gzip
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
from fluent.sender import FluentSender

from shipper.config import ForwardSettings
from shipper.errors import OutputError, words
from shipper.outputs import tls
from shipper.outputs.handshake import login
from shipper.outputs.wire import UNREADABLE, Deadline, Wire, connect
from shipper.signs import alive

CONNECT_SECONDS = 10.0
LOGIN_SECONDS = 20.0
"""TLS and HELO, PING, PONG together; 140 stores that come back at once wait for each other."""
ACKNOWLEDGEMENT_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 8_000
"""What a chunk's bytes have more time for."""
FRESH_SECONDS = 5.0
"""So long after an acknowledgement a connection is held to be alive."""
KEEPALIVE_SECONDS = 60
UNHEARD_SECONDS = 20
"""So long what was sent may stay without an answer of the other side's kernel, which a slow server gives too:
a machine whose address has changed is heard by nobody, and nobody tells it."""
Connection = socket.socket
_CA = "output.forward.ca_file"
_WAIT = "is Fluent Bit up, and are output.forward.host and port right? documents wait in the spool"


class NotAcknowledgedError(OutputError):
    """A chunk went to a server that let us in, and no acknowledgement came.

    Attributes:
        closed: The connection was closed; else the time was over.
        kept: It was an older connection.
        stale: It was one that had been idle, and may have been dead for long.
    """

    def __init__(self, problem: str, hint: str, *, closed: bool, kept: bool, stale: bool) -> None:
        super().__init__(problem, hint)
        self.closed = closed
        self.kept = kept
        self.stale = stale


class AckSender(FluentSender):  # type: ignore[misc]  # the library is not typed
    """A `FluentSender` that knows when a chunk has arrived.

    Args:
        settings: Address, TLS and keys.

    Attributes:
        asks_for_user: The server that we are logged in to does.
    """

    socket: Connection | None

    def __init__(self, settings: ForwardSettings) -> None:
        super().__init__("pabx", host=settings.host, port=settings.port, timeout=CONNECT_SECONDS)
        self._settings = settings
        self._wire: Wire | None = None
        self._acknowledged = 0.0  # when it last was
        self.asks_for_user = False

    @property
    def where(self) -> str:
        """Address for messages."""
        return f"{self.host}:{self.port}"

    def send_chunk(self, tag: str, packed: bytes, size: int) -> None:
        """Send records as one PackedForward message and wait for its acknowledgement.

        Args:
            tag: What the server routes by.
            packed: (time, record) each, as msgpack, one behind the other.
            size: How many.

        Raises:
            NotAcknowledgedError: The server let us in, but did not acknowledge.
            OutputError: Something else; the chunk has to be sent again.
        """
        chunk = base64.b64encode(os.urandom(16)).decode()
        options = {"chunk": chunk, "size": size, "compressed": "gzip"}
        message = msgpack.packb([tag, gzip.compress(packed, 6), options])
        kept, stale = self.socket is not None, self._stale
        self._explained(self._reconnect, "does not take documents", _WAIT)
        try:
            self._explained(lambda: self._exchange(message, chunk.encode()), "does not take documents", _WAIT)
        except OutputError as error:
            cause = error.__cause__
            if not isinstance(cause, ConnectionError | TimeoutError):
                raise
            closed = not isinstance(cause, TimeoutError)
            raise NotAcknowledgedError(
                error.problem, error.hint, closed=closed, kept=kept, stale=stale
            ) from cause
        self._acknowledged = time.monotonic()

    def renew(self) -> None:
        """End a connection that has been idle, so that what is sent next has one that surely works."""
        if self._stale:
            self._close()

    @property
    def _stale(self) -> bool:
        return self.socket is not None and time.monotonic() - self._acknowledged > FRESH_SECONDS

    def connect(self) -> None:
        """Connect and log in, if that has not been done.

        Raises:
            OutputError: It does not work, and what mends it.
        """
        hint = "is Fluent Bit up, and are output.forward.host and port right?"
        self._explained(self._reconnect, "cannot be reached", hint)

    def _explained(self, action: Callable[[], None], problem: str, hint: str) -> None:
        """Do something with the connection; whatever fails ends it and is an `OutputError`."""
        try:
            action()
        except OutputError:
            self._close()
            raise
        except ssl.SSLError as error:
            self._close()
            raise tls.rejected(error, self.where, _CA) from error
        except UNREADABLE as error:
            self._close()
            raise OutputError(f"{self.where} {problem} ({words(error)})", hint) from error
        except BaseException:
            self._close()
            raise

    def _reconnect(self) -> None:
        if self.socket is not None:
            return
        settings = self._settings
        self.socket = connect(self.host, self.port, Deadline(CONNECT_SECONDS))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A night without calls must not let a firewall forget the connection.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_SECONDS * 1000)
        deadline = Deadline(LOGIN_SECONDS)
        if settings.tls:
            self.socket = self._encrypted(self.socket, deadline)
        self._wire = Wire(self.socket)
        if settings.shared_key or settings.username:
            self.asks_for_user = login(self._wire, settings, deadline)

    def _encrypted(self, plain: Connection, deadline: Deadline) -> Connection:
        settings = self._settings
        context = tls.context(
            settings.ca_file, _CA, settings.client_certificate, settings.client_certificate_key
        )
        plain.settimeout(deadline.left())
        try:
            return context.wrap_socket(plain, server_hostname=self.host)
        except TimeoutError:
            raise OutputError(
                f"{self.where} did not answer in TLS within {deadline.seconds:g} s",
                "is the port right, and does it speak TLS there?",
            ) from None

    def _exchange(self, message: bytes, chunk: bytes) -> None:
        if self._wire is None:
            raise ConnectionError("not connected")
        deadline = Deadline(ACKNOWLEDGEMENT_SECONDS + len(message) / SLOWEST_BYTES_PER_SECOND)
        alive(deadline.seconds)
        try:
            self._wire.send(message, deadline)
            self._await(chunk, self._wire.messages(deadline))
        except ConnectionAbortedError as error:
            raise ConnectionAbortedError("connection closed without an acknowledgement") from error

    def _await(self, chunk: bytes, answers: Iterator[Any]) -> None:
        for answer in answers:
            if isinstance(answer, dict) and answer.get(b"ack") == chunk:
                return
            if isinstance(answer, list) and answer[:1] == [b"HELO"]:
                raise OutputError(
                    f"{self.where} asks for a shared key",
                    "set output.forward.shared_key (and username and password) to what the server has",
                    permanent=True,
                )
