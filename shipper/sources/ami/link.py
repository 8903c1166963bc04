"""A session with Asterisk over AMI that either works or ends with a reason.

panoramisk's manager would try again for ever behind everybody's back, and not notice a server that hangs;
its actions and their answers are used as they are.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from panoramisk.actions import Action
from panoramisk.manager import Manager

from shipper.config import AmiSettings
from shipper.errors import AmiError, words
from shipper.sources.ami.message import Answer, Event, parsed
from shipper.sources.ami.protocol import SLICE_SECONDS, AmiProtocol, Queue

log = logging.getLogger("shipper.watching")

CONNECT_SECONDS = 10.0
LOGIN_SECONDS = 10.0
ASK_SECONDS = 10.0
PING_SECONDS = 10.0
"""Between pings, and how long one may stay unanswered."""
EVENT_CLASSES: Final = "system,call,agent,cdr,security"
"""Asked for at the log-in: Asterisk leaves the others out even for a user who may read all (manager.c)."""
MANAGER_CONF: Final = "/etc/asterisk/manager.conf"
_LOG_SECONDS: Final = 60.0


class Link(Manager):  # type: ignore[misc]  # panoramisk has no types
    """One session at a time, all of it in the thread of the loop that `open` ran in.

    Args:
        settings: Address and user.
        taken: Called with each wanted event, in order. What it raises is logged, and told as a loss.
        lost: Called with a reason where events are missing: state has to be asked anew.

    Attributes:
        events: How many were taken.
    """

    def __init__(
        self, settings: AmiSettings, taken: Callable[[Event], None], lost: Callable[[str], None]
    ) -> None:
        super().__init__(
            host=settings.host,
            port=settings.port,
            username=settings.username,
            secret=settings.secret,
            events=EVENT_CLASSES,
            protocol_factory=lambda: AmiProtocol(self),
            log=log,
        )
        self.where = f"Asterisk at {settings.host}:{settings.port}"
        self.events = 0
        self.inbox = Queue(self._take, self._lose)
        self._settings = settings
        self._taken = taken
        self._lost = lost
        self._over = True
        self._ended: asyncio.Future[AmiError] | None = None
        self._asked: dict[str, asyncio.Future[Any]] = {}
        self._pong: asyncio.Future[Any] | None = None
        self._pumping = False
        self._logged = -_LOG_SECONDS

    @property
    def dropped(self) -> int:
        """Messages that were thrown away although somebody may have wanted them."""
        return self.inbox.dropped

    async def open(self) -> None:
        """Connect and log in; a session that is still open is closed.

        Raises:
            AmiError: There is no session; nothing tries again by itself.
        """
        self.close()
        if not (self._settings.username + self._settings.secret).isprintable():
            raise AmiError(
                "ami.username or ami.secret holds a character that cannot be sent",
                "write both as they stand in " + MANAGER_CONF,
                permanent=True,
            )
        self.loop = asyncio.get_running_loop()
        self.ping_delay = self.ping_interval = PING_SECONDS
        self._pong = None
        self._ended = self.loop.create_future()
        self._over = False
        try:
            await self._connect()
            await self._log_in(self.authenticated_future, self._ended)
        except BaseException:
            self.close()
            raise

    async def ask(self, action: str, **fields: str) -> list[Event]:
        """The items of a list answer; none where the answer is no list.

        Events that came before the end of the answer have been taken when this returns, later ones are taken
        only after the caller has gone on to its next ``await``: it has to await this directly.

        Raises:
            AmiError: No answer in time, a refusal, or no session any more.
        """
        _, *items = await self._answer(action, fields)
        return [item.fields for item in items[:-1]]

    async def ask_one(self, action: str, **fields: str) -> Event:
        """The answer itself, of an action that is answered with one message; see `ask`."""
        return (await self._answer(action, fields))[0].fields

    async def closed(self) -> AmiError:
        """Wait until the session has ended and all that it brought was taken; says why it ended."""
        if self._ended is None:
            return AmiError(f"{self.where} was never connected")
        return await asyncio.shield(self._ended)

    def close(self) -> None:
        """End the session; what still waits is not taken any more."""
        self.inbox.clear()
        error = AmiError(f"the connection to {self.where} was closed here")
        self._end(error)
        if self._ended is not None:
            _tell(self._ended, error)

    def connection_made(self, f: asyncio.Future[Any]) -> None:
        """Connected, or not: what went wrong is raised by `open`."""
        if not f.cancelled() and f.exception() is None:
            super().connection_made(f)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The other side has ended it."""
        why = f" ({words(exc)})" if isinstance(exc, Exception) else ""
        if self.authenticated:
            self._end(AmiError(f"{self.where} closed the connection{why}"))
        else:
            hint = f"see permit, deny and authlimit in {MANAGER_CONF}"
            self._end(AmiError(f"{self.where} closed the connection before the log-in{why}", hint))

    def not_ami(self, greeting: str) -> None:
        """What answers there is something else."""
        self._end(AmiError(f'{self.where} is no AMI, it says "{greeting}"', "set ami.port", permanent=True))

    def login(self, future: asyncio.Future[Any]) -> bool:
        """The log-in was answered."""
        return not self._over and bool(super().login(future))

    def ping(self) -> None:
        """Ask whether it still lives; the last time has to have been answered."""
        if self._over or not self.authenticated:
            return
        if self._pong is not None and not self._pong.done():
            self._end(AmiError(f"{self.where} did not answer a ping within {self.ping_interval:g} s"))
            return
        self._pong = self.protocol.send({"Action": "Ping"})
        self.pinger = self.loop.call_later(self.ping_interval, self.ping)

    def answered(self, action: Action) -> None:
        """Its asker is told when all that came before was taken."""
        if action.id in self._asked:
            self.inbox.call(partial(self._give, action))

    def arrived(self) -> None:
        """Take what waits, as soon as the loop has done what it is at."""
        if self.inbox and not self._pumping:
            self._pumping = True
            self.loop.call_soon(self._pump)

    async def _answer(self, action: str, fields: Mapping[str, str]) -> list[Answer]:
        """The response, and what follows it."""
        if self._over or not self.authenticated:
            raise AmiError(f"{self.where} is not connected, {action} cannot be asked")
        asked = Action({"Action": action, **fields})
        waiter = self._asked[asked.id] = self.loop.create_future()
        self.send_action(asked)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                answer = await waiter
        except TimeoutError:
            raise AmiError(f"{self.where} did not answer {action} within {ASK_SECONDS:g} s") from None
        finally:
            del self._asked[asked.id]
            self.protocol.responses.pop(asked.id, None)
        found = answer if isinstance(answer, list) else [answer]
        if not found[0].success:
            raise AmiError(
                f"{self.where} refuses {action} ({found[0].message})",
                f'[{self._settings.username}] in {MANAGER_CONF} needs "write = reporting"',
            )
        return found

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.connect()
        except TimeoutError:
            raise AmiError(
                f"{self.where} cannot be reached within {CONNECT_SECONDS:g} s", "see ami.host, ami.port"
            ) from None
        except OSError as error:
            raise AmiError(
                f"{self.where} cannot be reached ({_reason(error)})",
                f"is it running, with enabled = yes in {MANAGER_CONF}? see ami.host, ami.port",
            ) from error

    async def _log_in(self, login: asyncio.Future[Any], ended: asyncio.Future[AmiError]) -> None:
        await asyncio.wait((login, ended), timeout=LOGIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        user = self._settings.username
        if login.done():
            response = login.result()
            if not response.success:
                raise AmiError(
                    f'{self.where} refuses the log-in of ami.username "{user}" ({response.message})',
                    f"compare ami.secret with [{user}] in {MANAGER_CONF}, and see its permit and deny",
                    permanent=True,
                )
        elif ended.done():
            raise ended.result()
        else:
            raise AmiError(f'{self.where} did not answer the log-in of "{user}" within {LOGIN_SECONDS:g} s')

    def _pump(self) -> None:
        self._pumping = False
        self.inbox.take(SLICE_SECONDS)
        self.arrived()

    def _take(self, message: bytes) -> None:
        event = parsed(message)
        self.events += 1
        try:
            self._taken(event)
        except Exception as error:
            if time.monotonic() - self._logged >= _LOG_SECONDS:
                self._logged = time.monotonic()
                log.exception("an event %s could not be taken", event["Event"])
            self._lose(f"an event {event['Event']} could not be taken: {words(error)}")
        if event["Event"] == "Shutdown":
            self._end(AmiError(f"{self.where} shuts down"))

    def _lose(self, reason: str) -> None:
        try:
            self._lost(reason)
        except Exception:
            log.exception("a loss could not be told: %s", reason)

    def _give(self, action: Action) -> None:
        waiter = self._asked.get(action.id)
        if waiter is not None and not waiter.done():
            waiter.set_result(action.future.result())

    def _end(self, error: AmiError) -> None:
        """The session is over, for this reason; what it brought is still taken."""
        if self._over or self._ended is None:
            return
        self._over = True
        self.authenticated = False
        super().close()
        for waiter in self._asked.values():
            if not waiter.done():
                waiter.set_exception(error)
        self.inbox.call(partial(_tell, self._ended, error))
        self.arrived()


def _reason(error: OSError) -> str:
    """What went wrong with the network; asyncio's own words hide it."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or words(error)


def _tell(ended: asyncio.Future[AmiError], error: AmiError) -> None:
    if not ended.done():
        ended.set_result(error)
