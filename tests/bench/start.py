"""How long the agent's one file takes to start: to its version, and to settings that were read and checked.

It is built anew, and run without anything that is installed. Wall time on a machine that has read the file
before; a store's small computer may have a third of the speed, and less than a second is to be left to it.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from compose.stack import MariaDB, OpenSearchCluster
from deploy.artefact import build
from tests.bench.figure import Figure

RUNS = 11
SECONDS = 1.0


def measure(_mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """The medians; the database is not asked: it is what comes before that counts."""
    agent = build(folder / "start").path
    config = folder / "start" / "shipper.toml"
    config.write_text(
        'store.id = "Start"\noutput.kind = "opensearch"\n'
        f'output.opensearch.url = "{cluster.url}"\nspool.path = "{folder}/start/none.db"\n'
    )
    yield Figure.at_most("agent_start_to_version", _median(agent, 0, "--version"), "s", SECONDS)
    # Status ends with 1 once all was read: there is no spool.
    seconds = _median(agent, 1, "status", "--config", str(config))
    yield Figure.at_most("agent_start_to_settings", seconds, "s", SECONDS)


def _median(agent: Path, code: int, *arguments: str) -> float:
    return statistics.median(_seconds(agent, code, *arguments) for _ in range(RUNS))


def _seconds(agent: Path, code: int, *arguments: str) -> float:
    began = time.monotonic()
    command = [sys.executable, "-I", "-S", str(agent), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode != code:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {done.stderr}")
    return seconds
