"""Starts the agent where nobody else does: called by cron each minute, or for ever by the Windows task.

Two of them at once do no harm: one holds the lock, and the other ends at once. What tells whether an agent
runs is the lock of its spool, which the kernel frees with the process; a number in a file tells nothing.
"""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from deploy.linux import holding, versions
from deploy.linux.layout import SERVICE, Layout
from deploy.linux.machine import cron_runs, locked, run
from deploy.linux.site import Options, old_site
from deploy.linux.text import InstallError, Text
from deploy.linux.upgrade import Tell, finish_unfinished

PAUSE_SECONDS = 60.0
COMES_UP_SECONDS = 20.0
FETCH_SECONDS = 3600.0


def keep_alive(layout: Layout, tell: Tell) -> bool:
    """Start the agent if none runs.

    Args:
        layout: of the machine.
        tell: what happens.

    Returns:
        False: an installation or another one of these is at work.

    Raises:
        InstallError: it cannot be started, or must not be: no check has allowed it.
    """
    with locked(layout, wait=False) as mine:
        if not mine:
            return False
        if not layout.agent.is_file():
            raise InstallError(
                Text("nenhum agente está instalado aqui", "no agent is installed here"),
                Text("instale com o arquivo da loja", "install the store's bundle"),
            )
        holding.require_free(layout)
        site = old_site(layout, Options())
        if versions.unfinished(layout) is not None:
            finish_unfinished(site, tell)
        service = site.service
        if service.by_systemd:
            if run(["systemctl", "is-enabled", "--quiet", SERVICE]).returncode == 0:
                run(["systemctl", "start", "--no-block", SERVICE])
            return True
        service.bound_log()
        process = service.launch()
        deadline = time.monotonic() + COMES_UP_SECONDS
        # With the lock in hand: whoever came now would not see the new one yet, and start another.
        while process is not None and not service.runs and time.monotonic() < deadline:
            if process.poll() is not None:
                raise InstallError(
                    Text(
                        f"o agente parou logo depois de ligado: tail {layout.log}",
                        f"the agent ended at once: tail {layout.log}",
                    )
                )
            time.sleep(0.1)
    return True


def stay(layout: Layout) -> None:
    """Do so each minute, until SIGTERM, or until the agent is removed.

    Each time by a new process: this one may outlive the version that it was started from.
    """
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    fetched = time.monotonic()
    while not ended.is_set() and layout.launcher.exists():
        _call(layout, "keep-alive")
        if time.monotonic() - fetched > FETCH_SECONDS:
            fetched = time.monotonic()
            if layout.upgrade_key.exists() and not layout.systemd.is_dir() and not cron_runs():
                _call(layout, "upgrade", "--fetch")
        ended.wait(PAUSE_SECONDS)


def _call(layout: Layout, *words: str) -> None:
    command = [sys.executable, str(layout.launcher), *words]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False, cwd=Path("/"))  # noqa: S603  # ours
