"""One part's failures: told once, waited out, remembered for ``shipper status``."""

import logging
import time
from collections.abc import Callable

from shipper.backoff import Backoff
from shipper.errors import ShipperError, SpoolError
from shipper.spool import Spool

REPEAT_SECONDS = 600.0
"""The same failure is logged again after this."""

PATIENCE_SECONDS = 60.0
"""How long ``--once`` goes on trying a part that worked before."""


class Trouble:
    """What is wrong with one part, if anything.

    Args:
        part: The part's name in the notes.
        spool: Where the note goes.
        log: Where the line goes.
        clock: Monotonic seconds; a test may set it.

    Attributes:
        error: What is wrong now; for the heartbeat, which another thread makes.
    """

    def __init__(
        self, part: str, spool: Spool, log: logging.Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._part = part
        self._key = f"error.{part}"
        self._spool = spool
        self._log = log
        self._clock = clock
        self._backoff = Backoff()
        self._since: float | None = None
        self._outside: float | None = None
        self._told: tuple[str, float] | None = None
        self._worked = False
        self.error: ShipperError | None = None
        # What an earlier process left: it stands until this one has seen the part work.
        self._noted = bool(spool.notes().get(self._key, ("", 0.0))[0])

    def gives_up(self, error: ShipperError) -> bool:
        """Trying on is no use to somebody who waits: it cannot help, never worked, or has not for a minute.

        Then the error is only noted: whoever waits prints it, and once is enough.
        """
        lasting = self._since is not None and self._clock() - self._since > PATIENCE_SECONDS
        if error.permanent or not self._worked or lasting:
            self._note(str(error))
            return True
        return False

    def met(self, error: ShipperError) -> float:
        """It failed: log it, once for each text, and give the seconds to wait."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        if isinstance(error, SpoolError):
            self._outside = None
        elif self._outside is None:
            self._outside = now
        self.error = error
        text = str(error)
        if self._told is None or self._told[0] != text or now - self._told[1] > REPEAT_SECONDS:
            self._log.error(text)
            self._told = (text, now)
            self._note(text)
        return self._backoff.next()

    @property
    def seconds(self) -> int:
        """For how long the other side has been in trouble, whole seconds; 0: it is not.

        A spool that takes no more is no trouble of the other side. Another thread may ask.
        """
        outside = self._outside
        return 0 if outside is None else int(self._clock() - outside)

    def over(self) -> None:
        """It worked."""
        self._worked = True
        self.error = self._outside = None
        if self._since is not None:
            self._log.info("%s works again after %.0f s", self._part, self._clock() - self._since)
            self._since = self._told = None
            self._backoff.reset()
        if self._noted:
            self._note("")

    def _note(self, text: str) -> None:
        try:
            self._spool.note(self._key, text)
            self._noted = bool(text)
        except SpoolError:  # a full disk: the log has it
            self._log.debug("the note could not be written")
