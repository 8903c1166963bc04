"""One server as a process: start it, tell whether it runs, stop it, kill it."""

import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from compose.stack.errors import StackError
from compose.stack.paths import server_uid
from compose.stack.progress import Progress, silent

_TELLING = re.compile(
    r"\b(ERROR|FATAL|error|fatal|Exception|Error|Caused by|OutOfMemory|refusing)\b|Exception[:\[]"
)
# Lines that only say that something went wrong, while another one says what.
_DULL = re.compile(
    r"uncaught exception in thread|Aborting|fatal exception has occurred|Could not create the Java"
    r"|Security not initialized|initialization of VM$|^at "
)
# The guard reads a pipe whose other end only we hold: when we die, however it happens, the pipe closes.
# (PR_SET_PDEATHSIG is no substitute: it fires when the *thread* that started the server ends.)
_GUARD = ["/bin/sh", "-c", 'read -r _ || kill -KILL "$1"', "guard"]


class Guard:
    """Kills a process when this one dies, however that happens.

    Args:
        pid: The process to kill.
    """

    def __init__(self, pid: int) -> None:
        self._process = subprocess.Popen(
            [*_GUARD, str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self) -> None:
        """Call it off: the process has ended and its id may soon be another's."""
        self._process.communicate(b"done\n")


class ServerProcess:
    """A server process of its own session, writing to one log file.

    Args:
        name: What errors call it, such as ``MariaDB``.
        log: File that takes its standard output and error; it is appended to.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """The process id of the server itself, not of a wrapper.

        Raises:
            StackError: It was not started.
        """
        if self._process is None:
            raise StackError(f"{self.name} was not started: call start()")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path) -> None:
        """Start it, as the servers' uid where we are root; it dies with this process, see `detach`.

        Args:
            command: Program and arguments.
            env: Its whole environment.
            cwd: Its working directory.

        Raises:
            StackError: It already runs, or the program cannot be executed.
        """
        if self.running:
            raise StackError(f"{self.name} already runs (pid {self.pid})")
        uid = server_uid()
        try:
            with self.log.open("ab") as out:
                self._log_start = out.tell()
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    cwd=cwd,
                    env=dict(env),
                    start_new_session=True,  # Ctrl-C is for us, we stop the server in order
                    user=uid,
                    group=uid,
                    extra_groups=None if uid is None else [],
                    umask=0o077,
                )
        except OSError as error:
            raise StackError(f"{self.name}: {command[0]} cannot be started: {error.strerror}") from error
        self._guard = Guard(self._process.pid)

    def wait_until(
        self,
        ready: Callable[[], str],
        timeout_seconds: float,
        progress: Progress = silent,
        every_seconds: float = 0.2,
    ) -> float:
        """Wait until the server answers.

        Args:
            ready: Returns '' when it is ready, else what is still missing.
            timeout_seconds: How long to wait.
            progress: Told what is awaited.
            every_seconds: How often to ask.

        Returns:
            Seconds waited.

        Raises:
            StackError: It ended, or was not ready in time; the text holds the log's most telling line.
        """
        began = time.monotonic()
        while missing := ready():
            elapsed = time.monotonic() - began
            self.check_running()
            if elapsed > timeout_seconds:
                raise StackError(
                    f"{self.name} was not ready after {timeout_seconds:.0f} s ({missing}): "
                    f"{telling_line(self.log, self._log_start)} (log: {self.log})"
                )
            progress(f"{self.name}: starting, {elapsed:.0f} s")
            time.sleep(every_seconds)
        elapsed = time.monotonic() - began
        progress(f"{self.name}: healthy after {elapsed:.1f} s")
        return elapsed

    def check_running(self) -> None:
        """Make sure that it has not ended.

        Raises:
            StackError: It has; the text holds the log's most telling line.
        """
        if self._process is not None and not self.running:
            code = self._process.returncode
            reason = telling_line(self.log, self._log_start)
            raise StackError(f"{self.name} ended with {code}: {reason} (log: {self.log})")

    def terminate(self) -> None:
        """Ask it to end (SIGTERM) and return at once; `join` waits for it."""
        if self._process is not None and self.running:
            self._process.terminate()

    def join(self, timeout_seconds: float = 60.0) -> None:
        """Wait until it has ended; kill it when the time is over."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._release_guard()

    def kill(self) -> None:
        """Kill it (SIGKILL), as a power cut of the process would, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._release_guard()

    def detach(self) -> None:
        """Let it outlive this process."""
        self._release_guard()

    def _release_guard(self) -> None:
        if self._guard is not None:
            self._guard.release()
            self._guard = None


def telling_line(log: Path, start: int = 0) -> str:
    """The first line that names an error, else the last line, cut to 400 characters.

    Args:
        log: The log file.
        start: Where the present run begins in it, in bytes.
    """
    try:
        text = log.read_bytes()[start:].decode("utf-8", errors="replace")
    except OSError as error:
        return f"no log: {error.strerror}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line) and not _DULL.search(line)]
    return (telling or lines[-1:] or ["the log is empty"])[0][:400]
