"""The demo from beginning to end; each step is a function of one of the modules beside this one."""

import argparse
import os
import shutil
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from opensearchpy import OpenSearch

from compose.demo import answers, ship, stores
from compose.simulator import chain
from compose.stack import StackError, state
from compose.stack.cli import main as stack
from compose.stack.paths import cache_dir
from compose.stack.progress import ProgressLine

SEED = 1


def main() -> int:
    """Run the demo; 0 where every row of every database is one document of the index."""
    options = _parser().parse_args()
    began = time.monotonic()
    if stack(["up"]) != 0:
        return 1
    left = state.read(cache_dir() / "up" / "state.json")
    database = stores.Server.of(next(server for server in left if server.name == "MariaDB"))
    url = next(server.url for server in left if server.name.startswith("OpenSearch"))
    folder = cache_dir() / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return _demo(options, database, url, folder, began)
    except (StackError, ship.ShippingError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _demo(options: argparse.Namespace, database: stores.Server, url: str, folder: Path, began: float) -> int:
    client = OpenSearch(url, timeout=120)
    profiles = chain(options.stores, SEED)
    start = date.today() - timedelta(days=options.days)  # noqa: DTZ011  # each store has a zone of its own
    progress = ProgressLine()

    ship.install(url)
    answers.remove(client, [store.id for store in profiles])

    at = time.monotonic()
    written = stores.fill(database, profiles, start, options.days, SEED, progress)
    progress.close()
    _done(
        f"{len(profiles)} stores telephoned for {options.days} days: {sum(written.values()):,} CDR rows", at
    )

    at = time.monotonic()
    configs = [stores.configure(database, store, url, folder) for store in profiles]
    ship.ship(configs, lambda: answers.count(client), sum(written.values()), progress)
    progress.close()
    seconds = max(time.monotonic() - at, 0.001)
    _done(f"{len(configs)} shippers delivered them, {sum(written.values()) / seconds:,.0f} rows a second", at)

    right = answers.show(client, profiles, written)
    print(f"\nAll of it took {time.monotonic() - began:.0f} s. Now look around; the servers keep running:")
    print(f"  one store's agent    .venv/bin/shipper status --config {_short(configs[0])}")
    print(f"  the cluster          curl '{url}/_cat/indices/pabx-*?v'")
    print(f"  one row as document  curl '{url}/pabx-cdr-*/_search?size=1&pretty'")
    print("  stop the servers     make down")
    return 0 if right else 1


def _done(text: str, since: float) -> None:
    print(f"{text} ({time.monotonic() - since:.0f} s)", flush=True)


def _short(path: Path) -> str:
    """A path as a shell takes it, without the length of one's home."""
    home = str(Path.home()) + "/"
    return str(path).replace(home, "~/", 1) if str(path).startswith(home) else str(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__, allow_abbrev=False)
    parser.add_argument("--stores", type=int, default=int(os.environ.get("DEMO_STORES", "12")), metavar="N")
    parser.add_argument("--days", type=int, default=int(os.environ.get("DEMO_DAYS", "60")), metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
