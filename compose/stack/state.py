"""What `up` has left running: remembered in a file, and checked against the processes themselves."""

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from compose.stack.errors import StackError

_STOP_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Left:
    """One process that `up` has left running.

    Attributes:
        name: What it is, such as ``OpenSearch node-1``.
        pid: Its process id.
        identity: Boot and start time of the process, so that a recycled id is never taken for it.
        url: Where it answers.
        log: Its log file.
        settings: What it was started with; another `up` must ask for the same.
        secret_file: The file with its administrator's password, '' if it has none.
        ca_file: The authority of its certificate, '' without TLS.
    """

    name: str
    pid: int
    identity: str
    url: str
    log: str
    settings: str
    secret_file: str = ""
    ca_file: str = ""

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return process_identity(self.pid) == self.identity


def process_identity(pid: int) -> str:
    """Boot id and start time of a process; '' if there is none (or only its remains)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    state, started = fields[0], fields[19]
    return "" if state in "ZX" else f"{boot}:{started}"


def read(file: Path) -> list[Left]:
    """All that was left running and still is; empty if the file is missing."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise StackError(f"{file} is damaged ({error}): stop the servers by hand, then delete it") from error
    return [left for left in (Left(**entry) for entry in entries) if left.alive]


def write(file: Path, servers: list[Left]) -> None:
    """Remember ``servers``; in one step, so that a reader never sees half of it."""
    growing = file.with_name(f"{file.name}.new")
    growing.write_text(json.dumps([asdict(left) for left in servers], indent=1), encoding="utf-8")
    growing.replace(file)


def stop(servers: list[Left], timeout_seconds: float = _STOP_TIMEOUT_SECONDS) -> None:
    """End the servers in order (SIGTERM), all at once; kill what has not ended in time.

    Args:
        servers: What to stop; a process that is no longer the same is left alone.
        timeout_seconds: How long to wait before the kill.

    Raises:
        StackError: A process belongs to somebody else.
    """
    for left in servers:
        _send(left, signal.SIGTERM)
    deadline = time.monotonic() + timeout_seconds
    while any(left.alive for left in servers):
        if time.monotonic() > deadline:
            for left in servers:
                _send(left, signal.SIGKILL)
            deadline = time.monotonic() + timeout_seconds
        time.sleep(0.1)


def _send(left: Left, number: signal.Signals) -> None:
    if not left.alive:
        return
    try:
        with contextlib.suppress(ProcessLookupError):
            os.kill(left.pid, number)
    except PermissionError as error:
        raise StackError(
            f"{left.name} (pid {left.pid}) belongs to another user: stop it as that user"
        ) from error
