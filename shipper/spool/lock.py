"""One agent a spool: two would read and send everything twice."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from shipper.errors import SpoolError

_GLANCE_SECONDS = 0.5
"""Longer than `SpoolLock.is_held` takes to look, which holds the lock for that moment."""


class SpoolLock:
    """Holds the spool for this process; the kernel frees it however the process ends."""

    def __init__(self, spool: Path) -> None:
        self.path = spool.with_name(spool.name + ".lock")
        self._descriptor = -1

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            SpoolError: Another agent holds it, or its file cannot be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolError(
                f"{self.path} cannot be made ({error.strerror})",
                f"give the agent's user write access to {self.path.parent}, or set spool.path",
                permanent=True,
            ) from error
        if not _taken(descriptor):
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise SpoolError(
                f"{self.path} is held by another shipper (process {holder})",
                f"stop it first (kill {holder}), or give this one its own spool.path",
                permanent=True,
            )
        os.ftruncate(descriptor, 0)
        with suppress(OSError):  # a full disk: it is held, though nobody can read by whom
            os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def is_held(self) -> bool:
        """Somebody holds it; looking does not take it."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def keep(self) -> None:
        """Hold it until this process ends, whatever happens to this object."""
        self._descriptor = -1

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _taken(descriptor: int) -> bool:
    deadline = time.monotonic() + _GLANCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True
