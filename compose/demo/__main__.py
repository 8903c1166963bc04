"""The demo from beginning to end; each step is a function of one of the modules beside this one."""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from opensearchpy import OpenSearch

from compose.demo import (
    alerts,
    around,
    completeness,
    costs,
    gate,
    hours,
    live,
    outcomes,
    screens,
    searching,
    ship,
    stores,
)
from compose.demo.documents import Documents
from compose.simulator import StoreProfile, chain
from compose.stack import StackError, state
from compose.stack.cli import main as stack
from compose.stack.paths import cache_dir
from compose.stack.progress import ProgressLine

SEED = 1
DELIVERY_SECONDS = 300.0
SETTLED = timedelta(minutes=1)
"""What ended by then has its rows."""
TARIFFS = Path(__file__).with_name("tariffs.toml")


def main() -> int:
    """Run the demo; 0 where every row of every database is in the index once, and every call is right."""
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
    start = date.today() - timedelta(days=options.days - 1)  # noqa: DTZ011  # each store has a zone of its own
    until = datetime.now(UTC) - SETTLED
    try:
        right = demo(database, url, folder, options.stores, start, options.days, options.live, until)
    except (StackError, ship.ShippingError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print("\nThe dashboards in a browser, until make down")
    print(f"  {screens.start(url, folder, cache_dir() / 'up' / 'state.json')}")
    print(f"\nAll of it took {time.monotonic() - began:.0f} s.")
    return 0 if right else 1


def demo(
    database: stores.Server,
    url: str,
    folder: Path,
    number: int,
    start: date,
    days: int,
    live_seconds: int = 0,
    until: datetime | None = None,
) -> bool:
    """Let stores telephone, deliver it, rate it, ask the first questions; if asked, show the panel of now.

    Args:
        database: Where the stores' databases are made.
        url: Of the cluster.
        folder: Where the agents' configurations are put.
        number: Of stores.
        start: The first day on which they telephone.
        days: How many days they do.
        live_seconds: How long they telephone now; 0: not at all.
        until: Now, if they telephone until now: then four of them are in trouble, and alerts are shown.

    Returns:
        Whether every row and every call is there and right, and alerts and panel were.
    """
    profiles = chain(number, SEED)
    documents = Documents(OpenSearch(url, timeout=120), [store.id for store in profiles])
    progress = ProgressLine()
    central = partial(ship.central, url)

    documents.remove()
    central("install")  # also makes indices, so that a screen is empty rather than broken
    staged = gate.opening if until is None else alerts.hours
    central("stores", "apply", gate.register(folder, profiles, staged))

    at = time.monotonic()
    written = stores.fill(database, profiles, start, days, SEED, progress, until)
    progress.close()
    rows = sum(one.rows for one in written.values())
    calls = sum(one.truth.calls for one in written.values())
    _done(f"{number} stores telephoned for {days} days: {calls:,} calls, {rows:,} CDR rows", at)

    at = time.monotonic()
    entrance = gate.Gate(folder, central) if gate.available() else None
    if entrance:
        configs = _through_the_gate(database, profiles, entrance, folder, documents, rows, progress)
        how = " through Fluent Bit"
    else:
        print("fluent-bit is not on PATH: the shippers send direct, without head office's gate")
        configs, how = [stores.configure(database, store, url, folder) for store in profiles], ""
        ship.ship(configs, documents.rows, rows, progress)
    progress.close()
    documents.refresh()
    seconds = max(time.monotonic() - at, 0.001)
    _done(
        f"{number} shippers put the calls together and delivered all{how}, "
        f"{rows / seconds:,.0f} rows a second",
        at,
    )

    shipped = time.monotonic()
    truth = partial(stores.again, start=start, days=days, seed=SEED, until=until)

    def ask() -> bool:
        _reckon(url, start, progress)
        right = completeness.show(documents, profiles, written, truth)
        outcomes.show(documents)
        costs.show(documents, profiles)
        hours.show(documents)
        searching.show(documents)
        return right

    if until is None:
        right = ask()
    else:
        with entrance.running() if entrance else nullcontext(), alerts.unreachable(configs):
            right = ask()
            right &= alerts.show(url, database, profiles, configs, documents.rows, shipped, SEED)

    if live_seconds:
        with entrance.running() if entrance else nullcontext():
            right &= live.show(database, url, profiles, configs, live_seconds, SEED)
        # Agents that listen for the first time send their last days again, as they do each night.
        ship.rate(url, TARIFFS)
        ship.relate(url, start)

    print("\nNow look around; the servers keep running")
    for line in around.lines(documents, url, configs[0]):
        print(f"  {line}")
    return right


def _reckon(url: str, start: date, progress: ProgressLine) -> None:
    """Let head office write what the calls cost, and what they have to do with each other."""
    at = time.monotonic()
    progress("central rate: giving the calls their cost")
    rated, unrated = ship.rate(url, TARIFFS)
    progress.close()
    _done(f"central rate gave {rated:,} calls their cost, and {unrated:,} the reason why they have none", at)
    at = time.monotonic()
    progress("central relate: who was called back, how many calls at once")
    missed, peak = ship.relate(url, start)
    progress.close()
    _done(f"central relate: {missed}", at)
    print(f"most calls at once on one trunk: {peak}")


def _through_the_gate(
    database: stores.Server,
    profiles: Sequence[StoreProfile],
    entrance: gate.Gate,
    folder: Path,
    documents: Documents,
    rows: int,
    progress: ProgressLine,
) -> list[Path]:
    """Enrol each store, and ship through a real Fluent Bit."""
    configs = []
    for store in profiles:
        progress(f"central stores enrol {store.id}")
        enrolled = entrance.enrol(store)
        configs.append(stores.configure_enrolled(database, store, enrolled, folder))
    with entrance.running():
        ship.ship(configs, documents.rows, rows, progress)
        until = time.monotonic() + DELIVERY_SECONDS
        while entrance.waiting():
            progress(f"Fluent Bit delivers: {documents.rows()} of {rows} rows")
            if time.monotonic() > until:
                raise ship.ShippingError(f"{entrance.waiting()} files wait in {entrance.folder}/storage")
            time.sleep(0.2)
    return configs


def _done(text: str, since: float) -> None:
    print(f"{text} ({time.monotonic() - since:.0f} s)", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__, allow_abbrev=False)
    parser.add_argument("--stores", type=int, default=int(os.environ.get("DEMO_STORES", "12")), metavar="N")
    parser.add_argument("--days", type=int, default=int(os.environ.get("DEMO_DAYS", "60")), metavar="N")
    parser.add_argument(
        "--live",
        type=int,
        default=int(os.environ.get("DEMO_LIVE", "0")),
        metavar="SECONDS",
        help="then let the stores telephone now, and show the panel of calls (default: DEMO_LIVE, or not)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
