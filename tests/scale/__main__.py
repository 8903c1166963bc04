"""The long forms: `python -m tests.scale rolling | gates | sizes | doors | register`, each alone.

What they print went into docs/scale.md.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from compose.stack import QUICK_START, MariaDB, OpenSearchCluster
from tests.gate.running import ABSENT, BINARY
from tests.scale import balancer, measure
from tests.scale.gates import Gates
from tests.scale.rolling import Rolling, Told
from tests.servers import new_server_dir
from tests.shipper.running import central_install


def main(arguments: list[str] | None = None) -> int:
    """Run one of them; 0 where nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__, allow_abbrev=False)
    parser.add_argument("what", choices=("rolling", "gates", "sizes", "doors", "register"))
    parser.add_argument(
        "--stores", type=int, default=8, metavar="N", help="that telephone, or of the register"
    )
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="each node so often")
    parser.add_argument("--nodes", type=int, default=1, metavar="N", help="of the cluster (sizes)")
    parser.add_argument("--connections", type=int, default=5000, metavar="N", help="(doors)")
    options = parser.parse_args(arguments)
    forms: dict[str, Callable[[argparse.Namespace, Path], Iterator[str]]] = {
        "rolling": rolling,
        "gates": gates,
        "sizes": lambda given, folder: measure.sizes(folder, given.stores, given.nodes),
        "doors": lambda given, folder: measure.doors(folder, given.connections),
        "register": lambda given, folder: measure.register(folder, given.stores),
    }
    code = 0
    with new_server_dir() as folder:
        for line in forms[options.what](options, folder):
            print(line, flush=True)
            code |= "DIFFERENT" in line
    return code


def rolling(given: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Every node restarted in order, then every node killed."""
    began = time.monotonic()
    times = 3 * given.rounds
    yield from _told(Rolling(folder, given.stores, seed=7).go(restarts=times, kills=times), began)


def gates(given: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Two gates, door and Fluent Bit of each killed in turn."""
    if BINARY is None or balancer.BINARY is None:
        yield f"gates: {ABSENT if BINARY is None else balancer.ABSENT}"
        return
    began = time.monotonic()
    with (
        MariaDB(folder / "mariadb") as mariadb,
        OpenSearchCluster(folder / "opensearch", jvm_options=QUICK_START) as cluster,
    ):
        central_install(cluster)
        told = Gates(folder, given.stores, 7, mariadb, cluster).go(kills=4 * given.rounds)
    yield from _told(told, began)


def _told(told: Told, began: float) -> Iterator[str]:
    for what, seconds in told.steps:
        yield f"  {what}: {seconds:.0f} s"
    for store, table, index in told.stores:
        verdict = "equal" if table == index else "DIFFERENT"
        yield f"  {store}: {table.rows} rows, {index.rows} documents, {verdict}"
    rows = sum(index.rows for _, _, index in told.stores)
    yield (
        f"  {rows} rows, {told.calls} calls; at most {told.longest_pause:.1f} s without a new one; "
        f"{time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
