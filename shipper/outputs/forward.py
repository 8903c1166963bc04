"""Output ``forward``: the Forward protocol to Fluent Bit or Fluentd, with acknowledgements.

fluent-logger's sender gives the connection; what it lacks is added here: PackedForward with gzip,
a chunk id whose acknowledgement is awaited, TLS, and the shared-key login. Its buffer of pending
bytes, which it clears on overflow, is never used: what is not acknowledged stays in the spool.
"""

import base64
import gzip
import json
import os
import re
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import msgpack
from fluent.sender import EventTime, FluentSender

from shipper.config import ForwardSettings
from shipper.document.quarantine import INDEX as QUARANTINE
from shipper.document.validate import Invalid
from shipper.errors import OutputError, words
from shipper.outputs import tls
from shipper.outputs.base import Outcome, Refused
from shipper.outputs.handshake import login
from shipper.outputs.proof import FIELD, prover
from shipper.spool import Spooled

CONNECT_SECONDS = 10.0
ACKNOWLEDGEMENT_SECONDS = 60.0
KEEPALIVE_SECONDS = 60
LARGEST_DOCUMENT = 4 * 1024 * 1024
"""Bytes of JSON; Fluent Bit never acknowledges a frame above its buffer_max_size, 6,144,000 (measured)."""
MONTHLY = re.compile(r"-(\d{4}\.\d{2})$")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_SECOND = 2**32 - 1
_RECEIVE = 65536

Entry = tuple[Any, dict[str, Any]]
"""A record and its time."""
UNREADABLE = (OSError, ValueError, msgpack.UnpackException)
"""No connection, a host name that is none (ValueError), or an answer that is no msgpack."""


class AckSender(FluentSender):  # type: ignore[misc]  # the library is not typed
    """A `FluentSender` that knows when a chunk has arrived.

    Args:
        settings: Address, TLS and keys.
    """

    socket: socket.socket | None

    def __init__(self, settings: ForwardSettings) -> None:
        super().__init__("pabx", host=settings.host, port=settings.port, timeout=CONNECT_SECONDS)
        self._settings = settings
        self._unpacker = msgpack.Unpacker(raw=True)

    @property
    def where(self) -> str:
        """Address for messages."""
        return f"{self.host}:{self.port}"

    def send_chunk(self, tag: str, entries: Sequence[tuple[Any, dict[str, Any]]]) -> None:
        """Send records as one PackedForward message and wait for its acknowledgement.

        Args:
            tag: What the server routes by.
            entries: (time, record) each.

        Raises:
            OutputError: No acknowledgement came; the chunk has to be sent again.
        """
        chunk = base64.b64encode(os.urandom(16)).decode()
        packed = b"".join(msgpack.packb(entry) for entry in entries)
        options = {"chunk": chunk, "size": len(entries), "compressed": "gzip"}
        message = msgpack.packb([tag, gzip.compress(packed, 6), options])
        try:
            self._send_data(message)
            self._await(chunk.encode())
        except ssl.SSLError as error:
            self._close()
            raise tls.rejected(error, self.where, "output.forward.ca_file") from error
        except OutputError:
            self._close()
            raise
        except UNREADABLE as error:
            self._close()
            raise OutputError(
                f"{self.where} does not take documents ({words(error)})",
                "is Fluent Bit up, and are output.forward.host and port right? documents wait in the spool",
            ) from error

    def connect(self) -> None:
        """Connect and log in, if that has not been done."""
        try:
            self._reconnect()
        except OutputError:
            self._close()
            raise
        except ssl.SSLError as error:
            self._close()
            raise tls.rejected(error, self.where, "output.forward.ca_file") from error
        except UNREADABLE as error:
            self._close()
            raise OutputError(
                f"{self.where} cannot be reached ({words(error)})",
                "is Fluent Bit up, and are output.forward.host and port right?",
            ) from error

    def _reconnect(self) -> None:
        if self.socket is not None:
            return
        plain = socket.create_connection((self.host, self.port), timeout=CONNECT_SECONDS)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A night without calls must not let a firewall forget the connection.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
            if self._settings.tls:
                context = tls.context(self._settings.ca_file, "output.forward.ca_file")
                self.socket = context.wrap_socket(plain, server_hostname=self.host)
            else:
                self.socket = plain
            self._unpacker = msgpack.Unpacker(raw=True)
            if self._settings.shared_key or self._settings.username:
                login(self.socket, self._unpacker, self._settings)
        except BaseException:
            plain.close()
            self._close()
            raise

    def _send_data(self, bytes_: bytes) -> None:
        self._reconnect()
        if self.socket is None:
            raise ConnectionError("not connected")
        self.socket.settimeout(ACKNOWLEDGEMENT_SECONDS)
        self.socket.sendall(bytes_)

    def _await(self, chunk: bytes) -> None:
        if self.socket is None:
            raise ConnectionError("not connected")
        while True:
            for answer in self._unpacker:
                if isinstance(answer, dict) and answer.get(b"ack") == chunk:
                    return
                if isinstance(answer, list) and answer[:1] == [b"HELO"]:
                    raise OutputError(
                        f"{self.where} asks for a shared key",
                        "set output.forward.shared_key (and username and password) to what the server has",
                        permanent=True,
                    )
            data = self.socket.recv(_RECEIVE)
            if not data:
                raise ConnectionError("connection closed without an acknowledgement")
            self._unpacker.feed(data)


class ForwardOutput:
    """Sends documents as records, tagged by kind (``pabx.cdr``), one chunk at a time."""

    max_documents = 1000
    max_bytes = 2 * 1024 * 1024

    def __init__(self, settings: ForwardSettings) -> None:
        self._sender = AckSender(settings)
        self._prove = prover(settings.password) if settings.password else None

    def send(self, batch: Sequence[Spooled]) -> Outcome:
        """Deliver a batch; see `Output.send`."""
        outcome = Outcome()
        for tag, group in groupby(batch, key=tag_of):
            documents: list[Spooled] = []
            entries: list[Entry] = []
            for document in group:
                entry = self._entry(tag, document)
                if isinstance(entry, Invalid):
                    outcome.refused.append(Refused(document, entry))
                else:
                    documents.append(document)
                    entries.append(entry)
            if not documents:
                continue
            self._sender.send_chunk(tag, entries)
            outcome.done += [document.seq for document in documents]
            outcome.quarantined += sum(entry.index_name.startswith(QUARANTINE) for entry in documents)
        return outcome

    def check(self) -> str:
        """Connect and log in; see `Output.check`."""
        self._sender.connect()
        return f"Forward server at {self._sender.where}"

    def close(self) -> None:
        """End the connection."""
        self._sender._close()  # noqa: SLF001  # close() would forbid to connect again

    def _entry(self, tag: str, document: Spooled) -> Entry | Invalid:
        if len(document.body) > LARGEST_DOCUMENT:
            return _too_large(document)
        record: dict[str, Any] = json.loads(document.body)
        at = event_time(record["@timestamp"], document.index_name)
        if at is None:
            return _no_time(record)
        if self._prove is not None:
            record[FIELD] = self._prove(record, tag)
        return at, record


def tag_of(document: Spooled) -> str:
    """``pabx-cdr-2026.11`` is tagged ``pabx.cdr``; a newer state of a row ``pabx.cdr.state``.

    A document that has states must be written by ``index``, all others by ``create``. Fluent Bit's output
    deletes nothing (5.1.1): a call that became part of another is sent as a state that says so,
    ``call.merged_into``.
    """
    name = document.index_name
    tag = (name.rpartition("-")[0] if MONTHLY.search(name) else name).replace("-", ".", 1)
    return f"{tag}.state" if document.operation != "create" and tag == "pabx.cdr" else tag


def event_time(timestamp: str, index_name: str) -> EventTime | None:
    """The record's time, by which Fluent Bit names the monthly index.

    Usually the document's own, to the microsecond. A quarantine document belongs to the month of what was
    refused: where the two differ, it is the first second of the index's month.

    Returns:
        None before 1970 and after 2106, which the protocol's 32 bits of seconds cannot say.
    """
    at = datetime.fromisoformat(timestamp)
    month = MONTHLY.search(index_name)
    if month and month[1] != f"{at.astimezone(UTC):%Y.%m}":
        at = datetime(int(month[1][:4]), int(month[1][5:]), 1, tzinfo=UTC)
    seconds = (at - EPOCH) // timedelta(seconds=1)
    if index_name.startswith(QUARANTINE):
        # Second 0 would be taken for no time at all.
        return EventTime(min(max(seconds, 1), LAST_SECOND), 0)
    return EventTime(seconds, at.microsecond * 1000) if 0 < seconds <= LAST_SECOND else None


def _too_large(document: Spooled) -> Invalid:
    words = f"document of {len(document.body)} bytes, a Forward server takes {LARGEST_DOCUMENT}"
    return Invalid("", "forward.largest_document", words)


def _no_time(record: dict[str, Any]) -> Invalid:
    words = f"{record['@timestamp']}: the Forward protocol knows the years from 1970 to 2106"
    return Invalid("@timestamp", "forward.time", words)
