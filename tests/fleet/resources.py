"""What processes take of the machine, by the kernel's own books (proc(5))."""

import os
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024.0
EVERY_SECONDS = 10.0


class Spread(NamedTuple):
    """Of one number over many processes."""

    median: float
    p95: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))], ordered[-1])


def memory(pid: int) -> tuple[float, float]:
    """MiB of a process: its share of all pages (PSS), and all pages that it has (RSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    found = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return int(found["Pss"]) / _MIB, int(found["Rss"]) / _MIB


def processor(pid: int) -> float:
    """Seconds so far, user and system, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def processor_of(pids: Sequence[int]) -> float:
    """Of several together; those that have ended do not count."""
    total = 0.0
    for pid in pids:
        with suppress(OSError):
            total += processor(pid)
    return total


def connections_to(port: int) -> int:
    """TCP connections that stand, by their end at a server's port."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    ended = [line.split()[1:4] for line in lines]
    return sum(local.endswith(f":{port:04X}") and state == "01" for local, _, state in ended)


class Memory:
    """Looks at many processes' memory now and then; the highest of each counts.

    Args:
        pids: Of the processes.
    """

    def __init__(self, pids: Sequence[int]) -> None:
        self.pss: dict[int, float] = {}
        self.rss: dict[int, float] = {}
        self._pids = pids
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look once more, and then no more."""
        self._stop.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        for pid in self._pids:
            with suppress(OSError):
                pss, rss = memory(pid)
                self.pss[pid] = max(pss, self.pss.get(pid, 0.0))
                self.rss[pid] = max(rss, self.rss.get(pid, 0.0))
            time.sleep(0.002)
