"""Tells systemd how the agent is: ready, what it does, alive, about to end (sd_notify(3)).

Where no watchdog would end an agent that hangs, it ends itself, and whoever keeps it alive starts it anew.
"""

import logging
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from shipper.document.text import brief
from shipper.signs import Signs

log = logging.getLogger("shipper.notify")

STARTING_SECONDS: Final = 300
"""A spool of a machine that lost its power is looked through before anything else; a slow disk needs time."""
SOON_SECONDS: Final = 0.05
SEND_SECONDS: Final = 2.0
"""How long a manager that is busy is waited for; the kernel keeps some messages for it."""
TELL_SECONDS: Final = 10.0
"""How often the status is told, and the watchdog at least (it wants it twice in its time)."""
LONGEST: Final = 300
"""Characters of a status."""
GRACE_SECONDS: Final = 60.0
"""An agent without a watchdog ends itself so long after a thread was found hanging: after a machine's pause
all of them are late at once, and give their signs within seconds."""


class Manager:
    """What has started the agent and wants to be told, if anything does.

    Args:
        environ: ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` say who and how often.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._watchdog = _watchdog(environ, os.getpid())

    @property
    def wants_to_know(self) -> bool:
        """Somebody listens."""
        return bool(self._address)

    @property
    def pause(self) -> float:
        """Seconds between two messages."""
        return min(TELL_SECONDS, self._watchdog / 4) if self._watchdog else TELL_SECONDS

    @property
    def has_watchdog(self) -> bool:
        """It ends an agent that gives no sign."""
        return self._watchdog > 0

    def tell(self, *lines: str) -> None:
        """Send one message; one that cannot be sent is dropped: the agent's work goes on without it."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(SEND_SECONDS)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            log.debug("%s cannot be told: %s", self._address, error)


class Notifying:
    """The thread that tells the manager, and that sees when another one hangs.

    Args:
        manager: Whom.
        signs: Of each thread of the agent.
        status: Says what the agent does, in one line.
        stop: Set when the agent shall end.
        give_up: Ends the process at once; called where a thread hangs and no watchdog does it.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        manager: Manager,
        signs: Sequence[Signs],
        status: Callable[[], str],
        stop: threading.Event,
        give_up: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._manager = manager
        self._signs = signs
        self._status = status
        self._stop = stop
        self._told = ""
        self._give_up = give_up
        self._clock = clock
        self._hanging: dict[str, float] = {}

    def start(self) -> None:
        """Begin; the thread ends with the agent."""
        threading.Thread(target=self.forever, name="notifying", daemon=True).start()

    def forever(self) -> None:
        """Ready once every thread has begun; then alive, as long as every one of them is."""
        while not self._stop.wait(SOON_SECONDS):
            if all(signs.thread is not None for signs in self._signs):
                self._manager.tell("READY=1")
                break
        pause = 0.0
        while not self._stop.wait(pause):
            self.step()
            pause = self._manager.pause
        self._manager.tell("STOPPING=1", "STATUS=ending")

    def step(self) -> None:
        """Tell what is new, and that all threads are alive, if they are."""
        status = brief(" ".join(self._status().split()), LONGEST)
        if status != self._told:
            self._manager.tell(f"STATUS={status}")
            self._told = status
        hanging = {signs.name: signs for signs in self._signs if signs.late_seconds > 0}
        now = self._clock()
        for name in hanging.keys() - self._hanging.keys():
            log.error(_told_of(hanging[name]))
        self._hanging = {name: self._hanging.get(name, now) for name in hanging}
        if self._manager.has_watchdog:
            if not hanging:
                self._manager.tell("WATCHDOG=1")
        elif any(now - since >= GRACE_SECONDS for since in self._hanging.values()):
            self._give_up()


def _address(text: str) -> str:
    """A socket's path, or a name in the abstract namespace; nothing where it is neither."""
    if text.startswith("@"):
        return f"\0{text[1:]}"
    return text if text.startswith("/") else ""


def _watchdog(environ: Mapping[str, str], process: int) -> float:
    """Seconds in which the manager wants a sign; 0: it wants none, or of another process."""
    try:
        if int(environ.get("WATCHDOG_PID") or process) != process:
            return 0.0
        return max(0, int(environ.get("WATCHDOG_USEC") or 0)) / 1e6
    except ValueError:
        return 0.0


def _told_of(signs: Signs) -> str:
    """What is to be known of a thread that hangs: where it does."""
    frame = sys._current_frames().get(signs.thread or 0)  # noqa: SLF001  # the documented way to look at others
    where = traceback.extract_stack(frame)[-3:] if frame is not None else []
    stack = " < ".join(f"{call.name} ({call.filename}:{call.lineno})" for call in reversed(where))
    return f"{signs.name} hangs, in {stack or 'no thread'}; the agent is about to be started anew"
