"""The agent's own work per row: read, build, validate, spool, pack; the output is a sink.

One process pinned to one core does all of it; the database works on another. Whole-process figures:
the processor time that the kernel accounts for the agent's process, its start included, and the
wall time.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from compose.stack import MariaDB, OpenSearchCluster
from tests.bench import stores
from tests.bench.figure import Figure
from tests.shipper.running import write_config

ROWS = 200_000
RUNS = 3
ROWS_PER_SECOND = 15_000


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """The median of three runs."""
    with stores.table_of(mariadb, ROWS, start=date(2024, 1, 1)) as database:
        config = write_config(folder / "own_work", database, cluster)
        seconds = sorted(_run(config) for _ in range(RUNS))[RUNS // 2]
    yield Figure.at_least("agent_own_work_rows_per_core_second", ROWS / seconds, "rows/s", ROWS_PER_SECOND)


def _run(config: Path) -> float:
    """Processor seconds of one run on a new spool."""
    for file in (config.parent / "spool").glob("*"):
        file.unlink()
    core = min(os.sched_getaffinity(0))
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.sink", str(config), str(core)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the agent ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime
