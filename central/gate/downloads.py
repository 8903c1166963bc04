"""The door's other side: a store's agent asks here, over HTTP, whether there is an upgrade for it.

Reached on the same address, port and certificate as the Forward way, by whoever offers `http/1.1` in the
TLS handshake (ALPN, RFC 7301); an agent's Forward client offers nothing. One small request a connection, with
the store's id and token (RFC 7617), and no file that is not offered to that store.
"""

import asyncio
import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from central.errors import CentralError
from central.gate.folder import Credential, GateFolder
from central.upgrades.published import OFFER, Files, Offer

PROTOCOL: Final = "http/1.1"
HEAD_SECONDS: Final = 10.0
STALL_SECONDS: Final = 30.0
"""That a client may take for a block."""
MOST_SECONDS: Final = 1800.0
"""For a whole answer: 5 MB at 3 kB a second."""
MOST_AT_ONCE: Final = 500
MOST_REFUSALS: Final = 32
HEALTH: Final = "/health"
"""What a balancer asks, and anybody may: whether a Fluent Bit runs behind this door, and nothing more."""
HEALTH_SECONDS: Final = 1.0
REFUSAL_SECONDS: Final = 1.0
"""A wrong log-in is answered so late, and so many at once: guessing gets nowhere, and costs nothing here."""
LARGEST_HEAD: Final = 8192
_BLOCK: Final = 32_768
_REQUEST: Final = re.compile(rb"([A-Z]{1,16}) (/[!-~]{0,200}) HTTP/1\.[01]")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~\t\x80-\xff]*)")
_END: Final = b"\r\n\r\n"
_MANIFEST, _SIGNATURE = "/upgrade/manifest", "/upgrade/manifest.sig"


class RefusedError(Exception):
    """A request that is not answered with a file.

    Args:
        status: of the answer.
        text: of it.
    """

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Request:
    """What was asked.

    Attributes:
        path: of the file.
        store: who says to ask; empty: nobody.
        token: with which secret.
    """

    path: str
    store: str = ""
    token: str = ""


class Downloads:
    """Answers requests, with what is in the gate's directory at that moment.

    Args:
        folder: the gate's directory.
    """

    def __init__(self, folder: GateFolder) -> None:
        self._folder = folder
        self._files = Files(folder)
        self._open = 0
        self._refusing = 0
        self._credentials: Mapping[str, Credential] = {}
        self._offer: Offer | None = None
        self._artefact = b""
        self._seen: dict[Path, object] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Answer one request; the connection is then to be closed.

        Returns:
            What there is to be said in the log; empty: nothing.

        Raises:
            OSError, TimeoutError: the connection broke off, or was too slow.
        """
        if self._open >= MOST_AT_ONCE:
            return f"more than {MOST_AT_ONCE} at once"
        self._open += 1
        try:
            async with asyncio.timeout(MOST_SECONDS):
                return await self._answered(reader, writer)
        finally:
            self._open -= 1

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        told = ""
        try:
            request = parse(await asyncio.wait_for(_head(reader), HEAD_SECONDS))
            if request.path == HEALTH:
                body = await self._health()
            else:
                self._require_login(request)
                body = self._body(request)
        except RefusedError as error:
            told = error.text if error.status is HTTPStatus.UNAUTHORIZED else ""
            if told and not await self._wait_to_refuse():
                return "many wrong log-ins at once"
            await _send(writer, error.status, error.text.encode() + b"\n", "text/plain")
        else:
            await _send(writer, HTTPStatus.OK, body, "application/octet-stream")
        return told

    async def _health(self) -> bytes:
        """Of its ports the one for HTTP: at the other each look would be a failed log-in in its log."""
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                _, writer = await asyncio.open_connection("127.0.0.1", self._folder.settings().http_port)
        except (OSError, TimeoutError):
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "no Fluent Bit answers here") from None
        writer.close()
        return b"ok\n"

    async def _wait_to_refuse(self) -> bool:
        if self._refusing >= MOST_REFUSALS:
            return False
        self._refusing += 1
        try:
            await asyncio.sleep(REFUSAL_SECONDS)
        finally:
            self._refusing -= 1
        return True

    def _require_login(self, request: Request) -> None:
        file = self._folder.path / "credentials.json"
        now = _state(file)
        if self._seen.get(file) != now:
            self._credentials = self._folder.credentials()
            self._seen[file] = now
        known = self._credentials.get(request.store)
        # Tokens that were replaced count until Fluent Bit has read its files again, as there.
        tokens = (known.token, *known.former) if known else ("",)
        given = _digest(request.token)
        right = [hmac.compare_digest(given, _digest(token)) for token in tokens]
        if known is None or not any(right):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "no such store, or another token")

    def _body(self, request: Request) -> bytes:
        self._look()
        offer = self._offer
        if offer is None or not offer.manifest.offers(request.store):
            raise RefusedError(HTTPStatus.NOT_FOUND, "nothing is offered to this store")
        found = {
            _MANIFEST: offer.text,
            _SIGNATURE: offer.signature,
            f"/upgrade/{offer.manifest.version}.pyz": self._artefact,
        }
        if request.path not in found:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such file")
        return found[request.path]

    def _look(self) -> None:
        """Read what is offered, if it is another one: the artefact is in memory once, for all stores.

        Raises:
            CentralError: a file cannot be used; the next request looks again.
        """
        file = self._files.path / OFFER
        now = _state(file)
        if self._seen.get(file) == now:
            return
        self._offer, self._artefact = None, b""
        self._seen.pop(file, None)
        if (offer := self._files.offer()) is not None:
            artefact = self._files.artefact(offer.manifest.version)
            try:
                self._artefact = artefact.read_bytes()
            except OSError as error:
                raise CentralError(
                    f"{artefact}: {error.strerror}: run central upgrade publish again"
                ) from error
        self._offer = offer
        self._seen[file] = now


def _state(file: Path) -> object:
    """What differs when the file was written anew; False: it is not there."""
    try:
        found = file.stat()
    except OSError:
        return False
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def parse(head: bytes) -> Request:
    """Read a request's head, without the empty line at its end.

    Raises:
        RefusedError: it is none that is answered.
    """
    first, *lines = head.split(b"\r\n")
    match = _REQUEST.fullmatch(first)
    if not match:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "no request")
    if match[1] != b"GET":
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "only GET")
    found = [_HEADER.fullmatch(line) for line in lines]
    logins = [one[2] for one in found if one and one[1].lower() == b"authorization"]
    if not all(found) or len(logins) > 1:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "no request")
    store, token = _login(logins[0]) if logins else ("", "")
    return Request(match[2].decode("ascii"), store, token)


def _login(value: bytes) -> tuple[str, str]:
    kind, _, packed = value.strip().partition(b" ")
    if kind.lower() != b"basic":
        return "", ""
    try:
        store, _, token = base64.b64decode(packed.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        return "", ""
    return store, token


def _digest(text: str) -> bytes:
    """Of one length, whatever was given."""
    return sha256(text.encode("utf-8")).digest()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Read up to the empty line; what stands behind it is not looked at.

    Raises:
        RefusedError: it is too long.
        OSError: the connection ended before.
    """
    head = b""
    while _END not in head:
        if len(head) > LARGEST_HEAD:
            raise RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too much is asked")
        data = await reader.read(4096)
        if not data:
            raise ConnectionResetError("it ended before its request did")
        head += data
    return head.partition(_END)[0]


async def _send(writer: asyncio.StreamWriter, status: HTTPStatus, body: bytes, kind: str) -> None:
    """Write an answer block by block, no faster than it is taken, and let others have their turn between."""
    ask = 'WWW-Authenticate: Basic realm="store"\r\n' if status is HTTPStatus.UNAUTHORIZED else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n{ask}Content-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    writer.transport.set_write_buffer_limits(high=2 * _BLOCK)
    writer.write(head.encode("ascii"))
    view = memoryview(body)
    for start in range(0, len(view), _BLOCK):
        writer.write(view[start : start + _BLOCK])
        await asyncio.wait_for(writer.drain(), STALL_SECONDS)
        await asyncio.sleep(0)
