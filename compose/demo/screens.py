"""The dashboards in a browser: `central preview`, left running beside the servers until `make down`."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from compose.stack import state

PORT = 5602
SECONDS = 30.0
NAME = "dashboards"


def start(url: str, folder: Path, remembered: Path) -> str:
    """Serve the dashboards; one that an earlier demo left is stopped first.

    Args:
        url: Of the cluster.
        folder: Where the log is put.
        remembered: The file of what is left running, which `make down` stops.

    Returns:
        The lines that say where they are, or why not: the demo is worth its while without.
    """
    running = state.read(remembered)
    state.stop([left for left in running if left.name == NAME])
    others = [left for left in running if left.name != NAME]
    port = os.environ.get("PABX_PREVIEW_PORT", str(PORT))
    page, log = f"http://127.0.0.1:{port}/", folder / "preview.log"
    pid = _spawned([sys.executable, "-m", "central", "--url", url, "preview", "--port", port], log)
    left = state.Left(NAME, pid, state.process_identity(pid), page, str(log), f"--port {port}")
    state.write(remembered, [*others, left])
    until = time.monotonic() + SECONDS
    while left.alive and time.monotonic() < until:
        if _answers(page):
            return f"{page}\n  in English: {page}#/view/pabx-overview?l=en"
        time.sleep(0.2)
    state.stop([left])
    state.write(remembered, others)
    why = log.read_text(encoding="utf-8", errors="replace").strip() or f"no answer within {SECONDS:.0f} s"
    return f"not shown: {why.splitlines()[-1]} (another port: PABX_PREVIEW_PORT=5603 make demo)"


def _spawned(command: list[str], log: Path) -> int:
    """Start a process that is nobody's child, so that it outlives us; gives its id."""
    shell = '"$@" >"$0" 2>&1 </dev/null & echo $!'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, str(log), *command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        start_new_session=True,
    )
    return int(done.stdout)


def _answers(page: str) -> bool:
    try:
        with urlopen(page, timeout=2) as answer:  # noqa: S310 -- our own page
            return bool(answer.status)
    except (URLError, OSError):
        return False
