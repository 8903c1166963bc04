"""The agent's own work per row: read, build, validate, spool, pack; the output is a sink.

One process pinned to one core does all of it; the database works on another. Whole-process figures:
the processor time that the kernel accounts for the agent's process, its start included, and the
wall time.
"""

import os
import statistics
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
PAIRS = 5
ROWS_PER_SECOND = 15_000
ADDED_PERCENT = 25.0


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """The median of some pairs: with calls, and the same without any assembly."""
    with stores.table_of(mariadb, ROWS, start=date(2024, 1, 1)) as database:
        config = write_config(folder / "own_work", database, cluster)
        pairs = [(_run(config), _run(config, "without-calls")) for _ in range(PAIRS)]
    seconds = statistics.median(whole for whole, _ in pairs)
    yield Figure.at_least("agent_own_work_rows_per_core_second", ROWS / seconds, "rows/s", ROWS_PER_SECOND)
    added = statistics.median(whole / without - 1 for whole, without in pairs)
    yield Figure.at_most("assembly_added_work_per_row", 100 * added, "%", ADDED_PERCENT)


def _run(config: Path, *options: str) -> float:
    """Processor seconds of one run on a new spool."""
    for file in (config.parent / "spool").glob("*"):
        file.unlink()
    core = min(os.sched_getaffinity(0))
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.sink", str(config), str(core), *options])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the agent ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime
