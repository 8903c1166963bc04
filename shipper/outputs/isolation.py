"""Finds the one document that a server never acknowledges, so that it does not block all others.

Pure: it is told what was acknowledged and what was not, and says what to send next, in what portions.

A portion that was not acknowledged is halved until a single document is left. That one becomes a suspect:
it goes alone, behind all others. Whether it or the server is to blame only the others can tell: a paused
Fluent Bit acknowledges nothing for hours. So a failure counts against a document only where the server
acknowledged others directly before and directly after it, and only once in `APART_SECONDS`; after
`STRIKES` such failures it is refused. One acknowledgement of it clears it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shipper.spool import Spooled

STRIKES = 5
APART_SECONDS = 60.0
MOST_SUSPECTS = 10_000
"""More than fail one by one in a night's outage; the oldest is forgotten, and found again if need be."""

Key = tuple[int, str, str]


@dataclass(slots=True)
class Sorted:
    """A batch as it is to be sent."""

    first: list[Spooled] = field(default_factory=list)
    """In portions of at most `Isolation.limit`."""
    alone: list[Spooled] = field(default_factory=list)
    """Behind those, each alone; the one that was tried longest ago first."""
    later: list[Spooled] = field(default_factory=list)
    """Not now."""
    refused: list[Spooled] = field(default_factory=list)
    """Never again."""


@dataclass(slots=True)
class _Suspect:
    strikes: int = 0
    tried: float = 0.0


class Isolation:
    """What is known of one server's acknowledgements.

    Args:
        most: Documents of the largest portion.

    Attributes:
        limit: Documents of the next portion.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = most
        self._suspects: dict[Key, _Suspect] = {}
        self._alive = False  # the last thing that happened was an acknowledgement
        self._open: Key | None = None  # what failed alone directly behind one, and nothing happened since

    def sort(self, batch: Sequence[Spooled], now: float) -> Sorted:
        """What is to become of a batch.

        Args:
            batch: Documents that wait.
            now: Seconds of a clock that never goes back.
        """
        found = Sorted()
        for document in batch:
            suspect = self._suspects.get(_key(document))
            if suspect is None:
                found.first.append(document)
            elif suspect.strikes >= STRIKES:
                found.refused.append(document)
            elif suspect.strikes and now - suspect.tried < APART_SECONDS:
                found.later.append(document)
            else:
                found.alone.append(document)
        found.alone.sort(key=lambda document: self._suspects[_key(document)].tried)
        return found

    def acknowledged(self, portion: Sequence[Spooled]) -> None:
        """The server has these."""
        for document in portion:
            self._suspects.pop(_key(document), None)
        # Nobody waits for a heartbeat (0): it shows that the server works, not how much it takes at once.
        if len(portion) >= self.limit and portion[0].seq:
            self.limit = min(self._most, self.limit * 2)
        if self._open in self._suspects:
            self._suspects[self._open].strikes += 1
        self._open, self._alive = None, True

    def failed(self, portion: Sequence[Spooled], now: float) -> None:
        """The server was reached, and did not acknowledge these."""
        before, self._alive, self._open = self._alive, False, None
        if len(portion) > 1:
            self.limit = len(portion) // 2
            return
        if not portion[0].seq:
            return
        key = _key(portion[0])
        suspect = self._suspects.pop(key, None) or _Suspect()
        suspect.tried = now
        self._suspects[key] = suspect
        self._open = key if before else None
        if len(self._suspects) > MOST_SUSPECTS:
            del self._suspects[next(iter(self._suspects))]

    def interrupted(self) -> None:
        """The server could not be reached, or it is not known why something failed."""
        self._open, self._alive = None, False

    def forget(self, document: Spooled) -> None:
        """A document was refused."""
        self._suspects.pop(_key(document), None)


def _key(document: Spooled) -> Key:
    return document.seq, document.index_name, document.id
