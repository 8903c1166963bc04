"""What the panel of now shows: a document where a call changed, and again while it lasts. Pure."""

from dataclasses import dataclass
from typing import Final

from shipper.document.model import Document
from shipper.live.calls import LiveCall
from shipper.live.writing import ENDED, LiveWriter, Shown

REFRESH_SECONDS: Final = 30.0
"""A call that was not told of for 90 s is on no panel any more: two of these may be lost."""


@dataclass(slots=True)
class _Known:
    linked: str
    call: LiveCall
    since: float
    told: float
    sequence: int


class Panel:
    """The calls of one store as head office sees them.

    Args:
        writer: Writes the documents.
    """

    def __init__(self, writer: LiveWriter) -> None:
        self._writer = writer
        self._known: dict[str, _Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def trunks_of(self, linked: str) -> tuple[str, ...]:
        """The trunks that a call is known to occupy."""
        known = self._known.get(linked)
        return () if known is None else known.call.trunks

    def update(self, linked: str, call: LiveCall | None, now: float) -> Document | None:
        """A call may have changed; gives its document where it has.

        Args:
            linked: Its linkedid.
            call: The call; None: it is over, or became part of another one.
            now: Seconds since 1970.
        """
        known = self._known.get(linked)
        if call is None:
            if known is None:
                return None
            del self._known[linked]
            return self._write(known, ENDED, now, now)
        if known is None:
            known = _Known(linked, call, min(call.begin or now, now), now, 0)
            self._known[linked] = known
            return self._write(known, call.state, known.since, now)
        if known.call == call:
            return None
        if (known.call.state, known.call.machine) != (call.state, call.machine):
            known.since = now
        known.call = call
        return self._write(known, call.state, known.since, now)

    def refresh(self, now: float, *, everything: bool = False) -> list[Document]:
        """The calls that were not told of for a while.

        Args:
            now: Seconds since 1970.
            everything: All of them.
        """
        found = []
        for known in self._known.values():
            # Also where the clock was set back.
            if everything or not 0 <= now - known.told < REFRESH_SECONDS:
                document = self._write(known, known.call.state, known.since, now)
                if document is not None:
                    found.append(document)
        return found

    def _write(self, known: _Known, state: str, since: float, now: float) -> Document | None:
        known.told = now
        known.sequence = max(known.sequence + 1, int(now * 1000))
        return self._writer.write(Shown(known.linked, known.call, state, since, now, known.sequence))
