"""The dashboards in a browser: `central preview`, left running beside the servers until `make down`."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from compose.stack import state
from compose.stack.paths import cache_dir

PORT = 5602
SECONDS = 30.0
NAME = "dashboards"


def start(url: str, folder: Path) -> str:
    """Serve the dashboards; one that an earlier demo left is stopped first.

    Args:
        url: Of the cluster.
        folder: Where the log is put.

    Returns:
        The lines that say where they are, or why not: the demo is worth its while without.
    """
    file = cache_dir() / "up" / "state.json"
    running = state.read(file)
    state.stop([left for left in running if left.name == NAME])
    others = [left for left in running if left.name != NAME]
    port = os.environ.get("PABX_PREVIEW_PORT", str(PORT))
    log = folder / "preview.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "central", "preview", "--port", port],
            env={**os.environ, "OPENSEARCH_URL": url},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    page = f"http://127.0.0.1:{port}/"
    left = state.Left(
        NAME, process.pid, state.process_identity(process.pid), page, str(log), f"--port {port}"
    )
    state.write(file, [*others, left])
    until = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < until:
        if _answers(page):
            return f"{page}\n  (Portuguese; English: {page}?language=en)"
        time.sleep(0.2)
    state.stop([left])
    state.write(file, others)
    why = log.read_text(encoding="utf-8", errors="replace").strip() or f"no answer within {SECONDS:.0f} s"
    return f"not shown: {why.splitlines()[-1]} (another port: PABX_PREVIEW_PORT=5603 make demo)"


def _answers(page: str) -> bool:
    try:
        with urlopen(page, timeout=2) as answer:  # noqa: S310 -- our own page
            return bool(answer.status)
    except (URLError, OSError):
        return False
