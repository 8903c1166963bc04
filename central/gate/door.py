"""The gate's door: TLS for the stores, whole and well-formed messages to the Fluent Bit beside it.

Fluent Bit 5.1.1 accepts TLS in its one engine thread and sleeps half a second in each handshake (measured:
140 stores need 70 s, and whoever connects and stays silent holds all others up). Without TLS it lets 140
stores in within 0.1 s. So TLS ends here, and what comes through it is still to log in there.

Who asks for HTTP in the handshake gets the files of an upgrade instead (`downloads`).
"""

import asyncio
import logging
import resource
import ssl
import time
from asyncio import sslproto
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from central.errors import CentralError
from central.gate.downloads import PROTOCOL, Downloads
from central.gate.folder import GateFolder, Settings
from central.gate.frames import BadMessageError, Messages
from central.gate.login import Login

log = logging.getLogger("central.gate")

HANDSHAKE_SECONDS: Final = 10.0
FIRST_BYTE_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 900.0
"""A store's heartbeat comes every 30 s."""
MOST_CONNECTIONS: Final = 6000
"""What was measured (docs/scale.md); a larger chain has several gates behind a balancer."""
TLS_BUFFER: Final = 32_768
"""Bytes that each connection's TLS reads into; asyncio's own 256 KiB are three quarters of a connection."""
BACKLOG: Final = 1024
_BLOCK: Final = 65536
_LOG_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 1.0
_FILES_OF_ITS_OWN: Final = 100


class Door:
    """Takes connections until it is told to stop.

    Args:
        folder: the gate's directory.

    Attributes:
        stopped: set it to end.
        logins_refused: how often Fluent Bit let somebody not in who said who it is.
    """

    def __init__(self, folder: GateFolder) -> None:
        folder.require()
        self._folder = folder
        self._settings: Settings = folder.settings()
        self._context = make_context(folder, self._settings)
        self._certified = _changed(folder.path)
        self._open: set[asyncio.Task[None]] = set()
        self._told: dict[str, float] = {}
        self._logins: set[Login] = set()
        self._downloads = Downloads(folder)
        self._most = MOST_CONNECTIONS
        self.stopped = asyncio.Event()
        self.logins_refused = 0

    @property
    def connections(self) -> int:
        """Of stores that are logged in; may be asked for by any thread."""
        return sum(login.done for login in tuple(self._logins))

    async def run(self) -> None:
        """Serve until `stopped` is set.

        Raises:
            CentralError: the address cannot be listened on.
        """
        settings = self._settings
        sslproto.SSLProtocol.max_size = TLS_BUFFER
        self._most = most_connections()
        if self._most < MOST_CONNECTIONS:
            log.warning("room for %d connections: raise how many files this service may open", self._most)
        try:
            server = await asyncio.start_server(
                self._met,
                settings.listen,
                settings.port,
                backlog=BACKLOG,
            )
        except OSError as error:
            raise CentralError(
                f"{settings.listen}:{settings.port} cannot be listened on ({error.strerror}): is another one "
                "running? else set another by central gate init --port or --listen"
            ) from error
        log.info("stores come in on %s:%d, TLS", settings.listen, settings.port)
        async with server:
            while not self.stopped.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stopped.wait(), _LOOK_SECONDS)
                self._renew_certificate()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= self._most:
            self._tell("too many connections", "more than %d connections", self._most)
            writer.close()
            return
        self._open.add(task)
        try:
            if await self._secured(writer):
                if writer.get_extra_info("ssl_object").selected_alpn_protocol() == PROTOCOL:
                    await self._serve_files(reader, writer)
                else:
                    await self._relay(reader, writer)
        except asyncio.CancelledError:
            if not self.stopped.is_set():
                raise
        except BadMessageError as error:
            self._tell("message", "%s sent what is not passed on: %s", peer(writer), error)
        except (OSError, TimeoutError) as error:
            self._tell("broken", "a connection of %s broke off: %s", peer(writer), str(error) or "too slow")
        finally:
            self._open.discard(task)
            writer.close()

    async def _secured(self, writer: asyncio.StreamWriter) -> bool:
        try:
            await writer.start_tls(self._context, ssl_handshake_timeout=HANDSHAKE_SECONDS)
        except (OSError, EOFError) as error:  # TLS errors are OSErrors
            self._tell("handshake", "%s was not let in: %s", peer(writer), str(error) or "it said nothing")
            return False
        return True

    async def _serve_files(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            told = await self._downloads.serve(reader, writer)
        except CentralError as error:
            self._tell("files", "upgrades are not served: %s", error)
            return
        if told:
            self._tell("asked", "%s asked for an upgrade in vain: %s", peer(writer), told)
        writer.close()
        with suppress(OSError, TimeoutError):  # it has had its answer
            await asyncio.wait_for(writer.wait_closed(), HANDSHAKE_SECONDS)
        writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One store's connection: what it sends to Fluent Bit, and the answers back."""
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._settings.inner_port)
        except OSError as error:
            port = self._settings.inner_port
            self._tell("inner", "Fluent Bit does not answer on 127.0.0.1:%d (%s): start it", port, error)
            return
        messages, login = Messages(), Login()
        self._logins.add(login)
        try:
            ways = (
                asyncio.create_task(_copy(reader, inner_writer, FIRST_BYTE_SECONDS, messages.feed)),
                asyncio.create_task(_copy(inner_reader, writer, IDLE_SECONDS, login.feed)),
            )
            try:
                # When one side ends, so does the other: half a connection is of no use to anybody.
                done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
            for way in done:
                way.result()
        finally:
            self._logins.discard(login)
            self.logins_refused += messages.greeted and not login.done
            inner_writer.close()

    def _renew_certificate(self) -> None:
        """Take in a renewed certificate; connections that are open stay."""
        at = _changed(self._folder.path)
        if at == self._certified:
            return
        self._certified = at
        try:
            self._context.load_cert_chain(
                self._folder.path / "server.pem", self._folder.path / "server-key.pem"
            )
        except (OSError, ssl.SSLError) as error:
            self._tell("certificate", "%s/server.pem: %s: central gate renew", self._folder.path, error)
        else:
            log.info("the renewed certificate is in use")

    def _tell(self, kind: str, text: str, *values: object) -> None:
        """Log, now and then: whoever scans the internet must not fill the log."""
        now = time.monotonic()
        if now - self._told.get(kind, -_LOG_SECONDS) >= _LOG_SECONDS:
            self._told[kind] = now
            log.warning(text, *values)


def most_connections() -> int:
    """Let this process open as many files as it may, and give how many stores that is enough for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    # Each has one to the store and one to Fluent Bit.
    return max(1, min(MOST_CONNECTIONS, (hard - _FILES_OF_ITS_OWN) // 2))


def make_context(folder: GateFolder, settings: Settings) -> ssl.SSLContext:
    """TLS 1.2 and later, with the gate's certificate.

    Raises:
        CentralError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([PROTOCOL])
    try:
        context.load_cert_chain(folder.path / "server.pem", folder.path / "server-key.pem")
        if settings.client_certificates:
            context.load_verify_locations(folder.path / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise CentralError(
            f"{folder.path}/server.pem or server-key.pem cannot be used ({error}): run central gate renew"
        ) from error
    return context


def peer(writer: asyncio.StreamWriter) -> str:
    """Who is at the other end."""
    address = writer.get_extra_info("peername")
    return str(address[0]) if address else "somebody"


async def _copy(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    first_seconds: float,
    allowed: Callable[[bytes], bytes],
) -> None:
    """Pass on what is allowed of the bytes that come, no faster than they are taken."""
    patience = first_seconds
    while True:
        data = await asyncio.wait_for(source.read(_BLOCK), patience)
        if not data:
            return
        if passed := allowed(data):
            target.write(passed)
        await asyncio.wait_for(target.drain(), IDLE_SECONDS)
        patience = IDLE_SECONDS


def _changed(path: Path) -> float:
    with suppress(OSError):
        return (path / "server.pem").stat().st_mtime
    return 0.0
