"""A FAKE Asterisk Manager Interface: a real Asterisk is seldom at hand, and none fails on demand.

It greets, logs in and answers as Asterisk 22 does (log-in, Ping, Logoff, ListCommands and four lists),
sends whatever bytes it is given, and can hang, restart, lose bytes, refuse and flood. What it tells of
channels and devices comes from its owner.
"""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterable
from concurrent.futures import Future
from contextlib import suppress
from itertools import chain, repeat
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from compose.simulator.ami_answers import FULLY_BOOTED, Fields, State, answer, read, written

__all__ = ["FakeAmi", "Fields", "State", "written"]

SLOW_READER_SECONDS: Final = 12.0
"""A client that has read nothing for so long is cut off (measured on Asterisk 22)."""
_LOOK_SECONDS: Final = 0.1
_BURST_SECONDS: Final = 0.01
_END: Final = b"\r\n\r\n"
_Result = TypeVar("_Result")


class _Client:
    """One connection.

    Attributes:
        task: Reads its actions.
        logged_in: Gets what is sent to all.
        given: Bytes that were written to it, read or not.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.task = asyncio.current_task()
        self.logged_in = False
        self.given = 0

    def write(self, raw: bytes) -> None:
        if not self.writer.transport.is_closing():
            self.given += len(raw)
            self.writer.write(raw)

    @property
    def gone(self) -> int:
        """Bytes that have left for the client."""
        return self.given - self.writer.transport.get_write_buffer_size()


class FakeAmi:
    """An AMI server in a thread of its own, from ``with`` to the end of it.

    Args:
        port: Where to listen on 127.0.0.1; 0 takes a free one.
        username: The only user.
        secret: Its secret.
        read: Classes of events that it may read; with ``system`` it is told FullyBooted.
        write: Classes of actions that it may use.

    Attributes:
        state: What is told of channels, devices and extensions; called in the server's thread.
        refuse_login: Even the right secret is refused.
        patience: Seconds after which a client that reads nothing is cut off.
        logins: How many there were.
        cut_off: How many clients read too slowly.
        actions: Names of the actions that came, Ping left out.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        username: str = "shipper",
        secret: str = "secret",  # noqa: S107 - of a server that only tests and the demo start
        read: str = "system,call,cdr,agent",
        write: str = "reporting",
    ) -> None:
        self.port = port
        self.username = username
        self.secret = secret
        self.read = frozenset(read.split(","))
        self.write = frozenset(write.split(","))
        self.state: State = lambda _action: ()
        self.refuse_login = False
        self.patience = SLOW_READER_SECONDS
        self.logins = self.cut_off = 0
        self.actions: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake AMI", daemon=True)
        self._going = threading.Event()
        self._going.set()
        self._server: asyncio.Server | None = None
        self._clients: list[_Client] = []
        self._turn = asyncio.Lock()
        self._to_drop = 0

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._close()

    @property
    def clients(self) -> int:
        """How many are logged in."""
        return sum(client.logged_in for client in self._clients)

    def start(self) -> None:
        """Listen; after `stop` on the same port again."""
        self._run(self._start()).result()

    def stop(self) -> None:
        """Close all connections and listen no more, as a killed Asterisk does."""
        stopping = self._run(self._stop())
        self.resume()  # only now: what came while it hung stays unanswered
        stopping.result()

    def restart(self) -> None:
        """Be killed, and started again on the same port."""
        self.stop()
        self.start()

    def hang(self) -> None:
        """Stop answering and sending with all connections open, as a process does that was sent SIGSTOP."""
        if not self._going.is_set():
            return
        hung = threading.Event()

        def hang() -> None:
            hung.set()
            self._going.wait()

        self._going.clear()
        self._loop.call_soon_threadsafe(hang)
        hung.wait()  # so that nothing that is asked from now on is answered

    def resume(self) -> None:
        """Go on after `hang`."""
        self._going.set()

    def drop(self, count: int) -> None:
        """Lose so many bytes of what is sent next, from the middle of its first message on."""
        self._to_drop = count

    def send(self, raw: bytes, sizes: Iterable[int] = (), pause: float = 0.0) -> Future[None]:
        """Send bytes to all who are logged in, after what was sent before.

        Args:
            raw: Whole messages.
            sizes: Of the pieces that they are cut into; what is left is one piece.
            pause: Seconds after each piece, so that it is read by itself.

        Returns:
            Done when all was given to the sockets; need not be waited for.
        """
        return self._run(self._send(raw, list(sizes), pause))

    def flood(self, rate: int, seconds: float, message: bytes) -> int:
        """Send a message over and over to all who are logged in; gives how often, when it is over.

        Args:
            rate: Messages a second.
            seconds: How long.
            message: Its bytes.
        """
        return self._run(self._flood(rate, seconds, message)).result()

    def _run(self, work: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _close(self) -> None:
        self._run(_cancel_all()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = [client.task for client in self._clients if client.task]
        for client in self._clients:
            client.writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(writer)
        self._clients.append(client)
        watch = asyncio.create_task(self._watch(client))
        try:
            client.write(b"Asterisk Call Manager/11.0.0\r\n")
            with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
                while await self._answer(await reader.readuntil(_END), client):
                    pass
        finally:
            watch.cancel()
            writer.close()
            self._clients.remove(client)

    async def _answer(self, raw: bytes, client: _Client) -> bool:
        """Answer an action; whether the connection goes on."""
        asked = read(raw)
        action = asked.get("action", "").lower()
        if action != "ping":
            self.actions.append(asked.get("action", ""))
        goes_on = action != "logoff"
        if action == "ping":
            said = [_reply(asked, "Success", Ping="Pong", Timestamp=f"{time.time():.6f}")]
        elif action == "login":
            said = self._log_in(asked)
            goes_on = said[0]["Response"] == "Success"
        elif client.logged_in and asked.get("variable") == f"AST_CONFIG(manager.conf,{self.username},read)":
            said = [_reply(asked, "Success", Variable=asked["variable"], Value=",".join(sorted(self.read)))]
        elif client.logged_in or action == "logoff":
            said = answer(asked, self.write, self.state)
        else:
            said = [_reply(asked, "Error", Message="Permission denied")]
        async with self._turn:
            client.write(b"".join(map(written, said)))
            if action == "login" and goes_on:
                client.logged_in = True
                self.logins += 1
        return goes_on

    def _log_in(self, asked: Fields) -> list[Fields]:
        right = asked.get("username") == self.username and asked.get("secret") == self.secret
        if not right or self.refuse_login:
            return [_reply(asked, "Error", Message="Authentication failed")]
        welcome = _reply(asked, "Success", Message="Authentication accepted")
        return [welcome, FULLY_BOOTED] if "system" in self.read else [welcome]

    async def _send(self, raw: bytes, sizes: list[int], pause: float) -> None:
        async with self._turn:
            if self._to_drop:
                middle = raw.find(_END) // 2
                raw, self._to_drop = raw[:middle] + raw[middle + self._to_drop :], 0
            for size in chain(sizes, repeat(len(raw))):
                if not raw:
                    return
                self._broadcast(raw[:size])
                raw = raw[size:]
                await asyncio.sleep(pause)

    async def _flood(self, rate: int, seconds: float, message: bytes) -> int:
        begin, sent, total = time.monotonic(), 0, int(rate * seconds)
        while sent < total:
            await asyncio.sleep(_BURST_SECONDS)
            due = min(int((time.monotonic() - begin) * rate), total)
            async with self._turn:
                self._broadcast(message * (due - sent))
            sent = due
        return sent

    def _broadcast(self, raw: bytes) -> None:
        for client in self._clients:
            if client.logged_in:
                client.write(raw)

    async def _watch(self, client: _Client) -> None:
        """Cut it off when it reads nothing of what waits for it."""
        gone, since = client.gone, time.monotonic()
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, self.patience / 4))
            if client.gone != gone or client.gone == client.given:
                gone, since = client.gone, time.monotonic()
            elif time.monotonic() - since > self.patience:
                self.cut_off += 1
                client.writer.transport.abort()
                return


def _reply(asked: Fields, response: str, **more: str) -> Fields:
    """A response with the action's id."""
    known = {"ActionID": asked["actionid"]} if "actionid" in asked else {}
    return {"Response": response, **known, **more}


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
