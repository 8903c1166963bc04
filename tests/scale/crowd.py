"""Many logged-in stores in one process, and what they cost the door and the Fluent Bit behind it."""

import asyncio
import hashlib
import os
import ssl
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgpack
from fluent.sender import EventTime

from tests.gate.client import WHEN
from tests.gate.running import Gate

_AT_ONCE = 100
_PATIENCE_SECONDS = 120.0
_BEAT_SECONDS = 30.0


class Process:
    """Another process's memory and processor time, as the kernel counts them."""

    def __init__(self, pid: int) -> None:
        self._place = Path(f"/proc/{pid}")

    def memory_mib(self) -> float:
        """Resident."""
        found = dict(line.split(":", 1) for line in (self._place / "status").read_text().splitlines())
        return int(found["VmRSS"].split()[0]) / 1024

    def processor_seconds(self) -> float:
        """User and system, all threads."""
        fields = (self._place / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Crowd:
    """Stores that log in, stay, and send a heartbeat each every 30 s.

    Args:
        gate: where to.
        tokens: store -> token.

    Attributes:
        inside: how many are logged in.
    """

    def __init__(self, gate: Gate, tokens: dict[str, str]) -> None:
        self._gate = gate
        self._left = list(tokens.items())
        self._shared = gate.folder.read("shared-key").strip().encode()
        self._context = ssl.create_default_context(cafile=gate.folder.path / "ca.pem")
        self._open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    @property
    def inside(self) -> int:
        return sum(not reader.at_eof() for reader, _ in self._open)

    def grow(self, wanted: int) -> None:
        """Let so many be inside, a hundred at a time; who does not come in is not counted."""
        self._run(self._grow(wanted - self.inside))

    def beat(self, seconds: float) -> int:
        """All of them send a heartbeat every 30 s and wait for its acknowledgement; gives how many came."""
        return self._run(self._beat(seconds))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for _, writer in self._open:
            writer.transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _grow(self, more: int) -> None:
        waiting = asyncio.Semaphore(_AT_ONCE)

        async def one() -> None:
            async with waiting:
                try:
                    self._open.append(
                        await asyncio.wait_for(self._log_in(*self._left.pop()), _PATIENCE_SECONDS)
                    )
                except (OSError, TimeoutError, EOFError, ValueError):
                    return

        await asyncio.gather(*(one() for _ in range(more)))

    async def _log_in(self, store: str, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._gate.port, ssl=self._context, server_hostname="localhost"
        )
        helo = await self._read(reader)
        nonce, auth = helo[1][b"nonce"], helo[1][b"auth"]
        salt, user = os.urandom(8).hex().encode(), store.encode()
        ping = [
            "PING",
            b"test",
            salt,
            hashlib.sha512(salt + b"test" + nonce + self._shared).hexdigest(),
            user,
            hashlib.sha512(auth + user + token.encode()).hexdigest(),
        ]
        writer.write(msgpack.packb(ping, use_bin_type=False))
        pong = await self._read(reader)
        if pong[1] is not True:
            writer.close()
            raise ValueError(pong[2])
        return reader, writer

    async def _beat(self, seconds: float) -> int:
        entry = msgpack.packb([EventTime(WHEN), {"event": {"id": "x"}}])
        message = msgpack.packb(["pabx.stores", entry, {"chunk": "the-chunk"}])
        until = self._loop.time() + seconds
        sent = 0

        async def store(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await asyncio.sleep(_BEAT_SECONDS * number / len(self._open))
            while self._loop.time() < until:
                try:
                    writer.write(message)
                    await asyncio.wait_for(self._read(reader), _PATIENCE_SECONDS)
                except (OSError, EOFError, TimeoutError):
                    return
                sent += 1
                if self._loop.time() + _BEAT_SECONDS > until:
                    return
                await asyncio.sleep(_BEAT_SECONDS)

        await asyncio.gather(*(store(number, *one) for number, one in enumerate(self._open)))
        return sent

    async def _read(self, reader: asyncio.StreamReader) -> Any:
        unpacker = msgpack.Unpacker(raw=True)
        while data := await reader.read(4096):
            unpacker.feed(data)
            for message in unpacker:
                return message
        raise EOFError
