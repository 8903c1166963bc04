"""``make bench``: runs the benchmarks and writes ``build/bench.json``; exit 1 where a limit is missed.

A ratio of 1 or more keeps the limit, whichever way the limit points.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from compose.stack import MariaDB, OpenSearchCluster
from tests.bench import (
    alerts,
    backfill,
    gate,
    latency,
    live,
    live_load,
    open_calls,
    own_work,
    screens,
    start,
    steady,
)
from tests.bench.figure import Figure
from tests.servers import new_server_dir
from tests.shipper.running import central_install

OUTPUT = Path("build") / "bench.json"
HEAP_MIB = 2048

Benchmark = Callable[[MariaDB, OpenSearchCluster, Path], Iterator[Figure]]
BENCHMARKS: dict[str, Benchmark] = {
    "start": start.measure,
    "own_work": own_work.measure,
    "open_calls": open_calls.measure,
    "latency": latency.measure,
    "steady": steady.measure,
    "backfill": backfill.measure,
    "gate": gate.measure,
    "live": live.measure,
    "live_load": live_load.measure,
    "alerts": alerts.measure,
    "screens": screens.measure,
}


def main() -> int:
    """Run all benchmarks, or those that are named."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME", help=", ".join(BENCHMARKS)
    )
    names = parser.parse_args().names or list(BENCHMARKS)
    figures: dict[str, Figure] = {}
    with ExitStack() as servers:
        folder = servers.enter_context(new_server_dir())
        mariadb = servers.enter_context(MariaDB(folder / "mariadb"))
        cluster = servers.enter_context(OpenSearchCluster(folder / "opensearch", heap_mib=HEAP_MIB))
        central_install(cluster)
        for name in names:
            began = time.monotonic()
            print(f"{name} …", flush=True)
            for figure in BENCHMARKS[name](mariadb, cluster, folder):
                figures[figure.name] = figure
                print(f"  {figure}", flush=True)
            print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    OUTPUT.parent.mkdir(exist_ok=True)
    found = {
        name: {k: v for k, v in asdict(figure).items() if k != "name"} for name, figure in figures.items()
    }
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    missed = [figure.name for figure in figures.values() if figure.ratio < 1]
    print(
        f"written to {OUTPUT}" + (f"; limits missed: {', '.join(missed)}" if missed else "; all limits kept")
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
