"""``python -m tests.assembly.scale --rows 1000000``: assembly at scale, against what the simulator meant.

Every call of simulated stores: its verdict exactly, its seconds against the truth and against a computation
of its own from the rows, no call missing and none too many, what it costs by the product's tariffs against a
computation from the truth, and the sums. Exit 1 on any difference.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from itertools import islice
from multiprocessing import get_context
from typing import Any, NamedTuple

from compose.simulator import COLUMNS, SimulatedCall, StoreProfile, chain, simulate
from shipper.assembly import CallBuilder, join, leg_of
from shipper.document.clock import StoreClock
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.numbering import reader
from tests.assembly.judge import SECONDS, Findings, Sums, compare
from tests.assembly.rated import Billed, billed, of_chain, settle

START = date(2026, 1, 1)
STORES = 140
CALLS_AT_ONCE = 5_000
"""About 13,000 rows are in memory, all of each of these calls."""
CREATED = "2026-11-23T05:10:15.123Z"


class Task(NamedTuple):
    """A store to be judged, and by how many rows at least."""

    store: StoreProfile
    rows: int
    seed: int


def judge(rows: int, *, stores: int = STORES, seed: int = 1, processes: int = 2) -> Findings:
    """Judge simulated stores, the same number of rows in each.

    Args:
        rows: How many at least; a store's last call is not cut.
        stores: How many stores of the chain.
        seed: Another seed is another chain, and other calls.
        processes: How many work at a time.
    """
    tasks = [Task(store, -(-rows // stores), seed) for store in chain(stores, seed)]
    findings = Findings()
    shared: list[Billed] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for found, left in pool.map(judge_store, tasks):
            findings.add(found)
            shared += left
    settle(shared, findings)
    return findings


def judge_store(task: Task) -> tuple[Findings, list[Billed]]:
    """Judge one store.

    Returns:
        What was found, and the calls whose costs cannot be told from this store alone.
    """
    findings = Findings()
    bills: list[Billed] = []

    def bill(call: SimulatedCall, body: Mapping[str, Any]) -> None:
        if found := billed(task.store, call, body):
            bills.append(found)

    calls = _calls(task)
    while some := list(islice(calls, CALLS_AT_ONCE)):
        compare(some, assembled(task.store, some, task.seed), task.store.timezone, findings, bill)
    settle([one for one in bills if not of_chain(one)], findings)
    return findings, [one for one in bills if of_chain(one)]


def assembled(store: StoreProfile, calls: Iterable[SimulatedCall], seed: int) -> list[Document]:
    """Make the documents of calls out of their rows, which come in any order."""
    read = reader("BR", store.area_code)
    origin = Origin(store.id, store.timezone, "1")
    builder = CallBuilder(origin, [trunk.name for trunk in store.trunks], read, Privacy("clear", "", read))
    clock = StoreClock(store.timezone)
    legs = []
    for call in calls:
        for row in call.rows:
            cdr = {name: value for name, value in zip(COLUMNS, row, strict=False) if value != ""}
            moment = clock.moment(str(row.calldate), row.uniqueid)
            if moment is None:
                raise ValueError(f"{store.id} {row.uniqueid}: {row.calldate} is no time of a call")
            legs.append(leg_of(cdr, moment.epoch, f"{row.uniqueid}/{row.sequence}"))
    random.Random(seed).shuffle(legs)
    return [document for call in join(legs) for document in builder.build(call, CREATED)]


def report(findings: Findings) -> Iterator[str]:
    """The result, line by line."""
    yield f"{findings.rows} rows, {findings.calls} calls of {len(findings.scenarios)} kinds"
    yield f"{'seconds':10}{'documents':>14}{'by the rows':>14}{'left out in':>14}"
    for name in SECONDS:
        sums = f"{findings.documents[name]:>14}{findings.expected[name]:>14}"
        yield f"{name:10}{sums}{findings.left_out[name]:>8} calls"
    yield f"billable, as the simulator meant it: {findings.billable}"
    yield f"costs, by the documents: {_sums(findings.charged)}"
    yield f"costs, as the simulator meant them: {_sums(findings.owed)}"
    for where, count in sorted(findings.differences.items()):
        yield f"{where.field} in {where.scenario or 'no call'}: {count}, as {findings.examples[where]}"
    yield "every call is right, every sum is equal" if findings.right else "DIFFERENT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 without a difference, 1 with any."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.assembly.scale", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="default %(default)s")
    parser.add_argument("--stores", type=int, default=STORES, metavar="N", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default %(default)s")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    findings = judge(options.rows, stores=options.stores, seed=options.seed)
    for line in report(findings):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return 0 if findings.right else 1


def _sums(sums: Sums) -> str:
    whole, part = sums.bundled["whole"], sums.bundled["part"]
    bundled = f"{whole} by a bundle, {part} in part"
    return f"{sums.rated} calls rated ({bundled}), {sums.unrated} unrated, {sums.amount} BRL"


def _calls(task: Task) -> Iterator[SimulatedCall]:
    """Whole calls, until their rows are enough."""
    # Every call has a row, and even a weak week has more calls than two of its mean days.
    days = 14 + 7 * (task.rows // task.store.calls_per_day)
    rows = 0
    for call in simulate(task.store, START, days, task.seed):
        yield call
        rows += len(call.rows)
        if rows >= task.rows:
            return


if __name__ == "__main__":
    sys.exit(main())
