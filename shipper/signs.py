"""Signs of life of the agent's threads, so that one that hangs can be told from one that waits.

Each thread gives a sign before every step that ends by itself: a query, a message, a portion of rows, a turn
of its loop, and says how long it is going to wait where it waits. All of those have limits of their own (a
query's answer 60 s, an acknowledgement 60 s and the time that its bytes take), so a database or an output
that is dead never looks like a thread that hangs: its errors are progress.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 600.0
"""What lies between two signs and is not announced takes less: all limits of one step after the other, on a
quarter of a processor."""

_here = threading.local()


class Signs:
    """Those of one thread; others may ask.

    Args:
        name: The thread's part of the agent.
        patience: Seconds after which a thread without a sign hangs.
        clock: Monotonic seconds; it stands still while the machine sleeps.
    """

    def __init__(
        self,
        name: str,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._patience = patience
        self._clock = clock
        self._until: float | None = None
        self._thread: int | None = None

    def begin(self) -> None:
        """The calling thread's signs are these, from now on."""
        _here.signs = self
        self._thread = threading.get_ident()
        self.give()

    def give(self, seconds: float = 0.0) -> None:
        """A sign, and for how long the thread is going to wait."""
        self._until = self._clock() + seconds + self._patience

    @property
    def thread(self) -> int | None:
        """The thread's number; None: it has not begun."""
        return self._thread

    @property
    def late_seconds(self) -> float:
        """For how long a sign has been missing; negative: it is not yet due."""
        return self._clock() - self._until if self._until is not None else -self._patience


def alive(seconds: float = 0.0) -> None:
    """Give a sign of the calling thread, if anybody watches it.

    Args:
        seconds: For how long it is going to wait now.
    """
    signs: Signs | None = getattr(_here, "signs", None)
    if signs is not None:
        signs.give(seconds)
