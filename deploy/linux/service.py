"""Starts, stops and watches the agent, by systemd where it runs and else by ourselves."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.linux.layout import SERVICE, USER, Layout
from deploy.linux.machine import PATH, last_line, local_environment, must, run, user_ids, writing
from deploy.linux.text import InstallError, Text, same
from shipper.spool import SpoolLock

COMES_UP_SECONDS: Final = 60.0
STEADY_SECONDS: Final = float(os.environ.get("PABX_SHIPPER_STEADY_SECONDS", "3"))
"""For so long one and the same process has to hold the spool; tests have less patience."""
STOP_SECONDS: Final = 30.0
_PAUSE: Final = 0.1
_LARGEST_LOG: Final = 4 * 1024 * 1024
_LOG_TAIL: Final = 8192


@dataclass(frozen=True)
class Service:
    """The agent as a service.

    Attributes:
        layout: of the machine.
        spool: the file that a running agent holds.
    """

    layout: Layout
    spool: Path

    @property
    def by_systemd(self) -> bool:
        """Whether systemd runs here."""
        return self.layout.systemd.is_dir()

    def pid(self) -> int:
        """The agent's process; 0: none runs.

        The kernel frees the lock with the process, so a number left behind by one that was killed counts
        for nothing.
        """
        lock = SpoolLock(self.spool)
        if not lock.is_held():
            return 0
        try:
            return int(lock.path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    @property
    def runs(self) -> bool:
        """Whether an agent runs."""
        return SpoolLock(self.spool).is_held()

    def start(self) -> None:
        """Start it, and wait until one and the same process has run for a while.

        Raises:
            InstallError: it does not; says what the agent said last.
        """
        if self.by_systemd:
            run(["systemctl", "reset-failed", SERVICE])
            done = run(["systemctl", "restart", SERVICE])
            if done.returncode:
                raise self._not_up(
                    last_line(run(["journalctl", "-u", SERVICE, "-n", "20", "-o", "cat"]).stdout)
                )
            self._wait(None)
        else:
            begin = self._log_size()
            self._wait(self.launch(), begin)

    def launch(self) -> subprocess.Popen[bytes] | None:
        """Start the process and leave it alone; None: one runs already.

        Raises:
            InstallError: it cannot be started.
        """
        if self.runs:
            return None
        self.bound_log()
        layout = self.layout
        with writing(layout.log):
            log = os.open(
                layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640
            )
        try:
            return subprocess.Popen(  # noqa: S603  # our own words
                # The path without links: whoever turns them round does not change what this process reads.
                ["nice", "-n", "10", str(layout.agent.resolve()), "run", "--config", str(layout.settings)],  # noqa: S607
                user=USER,
                group=USER,
                extra_groups=[],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                umask=0o077,
                start_new_session=True,
                env={"PATH": PATH, "LANG": "C.UTF-8", **local_environment(layout)},
            )
        except OSError as error:
            raise self._not_up(f"{error.strerror}") from error
        finally:
            os.close(log)

    def stop(self) -> None:
        """Stop it, whoever started it.

        Raises:
            InstallError: it does not end.
        """
        if self.by_systemd and (self.layout.units / SERVICE).exists():
            must(["systemctl", "stop", SERVICE])
        deadline = time.monotonic() + STOP_SECONDS
        sent = signal.SIGTERM
        while self.runs:
            pid = self.pid()
            if pid and _is_agents(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, sent)
            if time.monotonic() > deadline + STOP_SECONDS:
                raise InstallError(
                    Text(f"o agente (processo {pid}) não para", f"the agent (process {pid}) does not end"),
                    same(f"kill -9 {pid}"),
                )
            if time.monotonic() > deadline:
                sent = signal.SIGKILL
            time.sleep(_PAUSE)

    def bound_log(self) -> None:
        """Keep the log below a size; one file more is kept. The agent appends, so it may be cut under it."""
        log = self.layout.log
        with suppress(OSError):
            if log.lstat().st_size > _LARGEST_LOG:
                kept = log.with_name(f"{log.name}.1")
                kept.unlink(missing_ok=True)
                kept.write_bytes(log.read_bytes()[-_LARGEST_LOG:])
                kept.chmod(0o640)
                os.truncate(log, 0)

    def _wait(self, process: subprocess.Popen[bytes] | None, begin: int = 0) -> None:
        deadline = time.monotonic() + COMES_UP_SECONDS
        held, since = 0, 0.0
        while time.monotonic() < deadline:
            if process is not None and process.poll() is not None:
                raise self._not_up(self._logged(begin))
            pid = self.pid()
            if pid != held:
                held, since = pid, time.monotonic()
            if held and time.monotonic() - since >= STEADY_SECONDS:
                return
            time.sleep(_PAUSE)
        raise self._not_up(self._logged(begin))

    def _not_up(self, said: str) -> InstallError:
        why = f": {said}" if said else ""
        look = f"journalctl -u {SERVICE}" if self.by_systemd else f"tail {self.layout.log}"
        return InstallError(
            Text(f"o agente não fica ligado{why}", f"the agent does not stay up{why}"),
            Text(f"veja: {look}", f"see: {look}"),
        )

    def _log_size(self) -> int:
        try:
            return self.layout.log.stat().st_size
        except OSError:
            return 0

    def _logged(self, begin: int) -> str:
        if self.by_systemd:
            return ""
        try:
            with self.layout.log.open("rb") as opened:
                opened.seek(max(begin, self._log_size() - _LOG_TAIL))
                return last_line(opened.read(_LOG_TAIL).decode(errors="replace"))[:500]
        except OSError:
            return ""


def _is_agents(pid: int) -> bool:
    """Whether a process belongs to the agent's user: the number stands in a file that this user may write."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid == user_ids()[0] != 0
    except OSError:
        return False
