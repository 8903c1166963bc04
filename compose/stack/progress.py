"""What the user sees while servers are fetched and started."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

Progress = Callable[[str], None]
"""Takes what is being done just now, such as ``OpenSearch: starting, 4 s``."""

_PLAIN_EVERY_SECONDS = 5.0


def silent(_text: str) -> None:
    """Show nothing."""


class ProgressLine:
    """A live line on a terminal; elsewhere a line a phase and one every few seconds within it.

    Args:
        stream: Where to write; standard error unless given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()
        self._phase = ""
        self._shown_at = 0.0

    def __call__(self, text: str) -> None:
        """Show ``text``; what stands before its last comma counts as the phase."""
        if self._live:
            self._stream.write(f"\r\x1b[K{text}")
        else:
            phase = text.rpartition(",")[0] or text
            now = time.monotonic()
            if phase == self._phase and now - self._shown_at < _PLAIN_EVERY_SECONDS:
                return
            self._phase, self._shown_at = phase, now
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Clear the live line, so that what is printed next stands alone."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
