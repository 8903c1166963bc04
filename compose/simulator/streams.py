"""Rows in the order of their insertion, and what a database backend can do to that order."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice

from compose.simulator.calls import simulate
from compose.simulator.model import SimulatedCall, SimulatedRow
from compose.simulator.stores import StoreProfile

BENCHMARK_START = date(2015, 1, 1)
BATCH_ROWS = 100  # cdr.conf: size
BATCH_SECONDS = 300  # cdr.conf: time


def insertion_order(calls: Iterable[SimulatedCall]) -> Iterator[SimulatedRow]:
    """Yield the rows of calls in the order in which they reach the database, lazily.

    Args:
        calls: In the order of their beginnings, as `simulate` yields them: no row is inserted before its call
            began, so that everything older than the next beginning can go.
    """
    pending: list[tuple[int, int, SimulatedRow]] = []
    number = 0
    for call in calls:
        while pending and pending[0][0] < call.start_ms:
            yield heapq.heappop(pending)[2]
        for row in call.rows:
            heapq.heappush(pending, (row.inserted_ms, number, row))
            number += 1
    while pending:
        yield heapq.heappop(pending)[2]


def batched(
    rows: Iterable[SimulatedRow], size: int = BATCH_ROWS, seconds: int = BATCH_SECONDS
) -> Iterator[SimulatedRow]:
    """Delay rows as Asterisk's batch mode does: until there are `size`, or `seconds` after the first.

    Args:
        rows: In the order of their insertion.
        size: Rows that make a batch.
        seconds: The longest that a row is kept back.
    """
    batch: list[SimulatedRow] = []
    for row in rows:
        if batch and row.inserted_ms > batch[0].inserted_ms + seconds * 1000:
            yield from _posted(batch, batch[0].inserted_ms + seconds * 1000)
            batch = []
        batch.append(row)
        if len(batch) >= size:
            yield from _posted(batch, row.inserted_ms)
            batch = []
    if batch:
        yield from _posted(batch, batch[0].inserted_ms + seconds * 1000)


def _posted(batch: list[SimulatedRow], at: int) -> Iterator[SimulatedRow]:
    for row in batch:
        late = timedelta(milliseconds=at - row.inserted_ms)
        yield row._replace(inserted_at=row.inserted_at + late, inserted_ms=at)


def doubled(rows: Iterable[SimulatedRow]) -> Iterator[SimulatedRow]:
    """Yield each row twice, as where two CDR backends write into the same table."""
    for row in rows:
        yield row
        yield row


def rows(
    store: StoreProfile, n: int, seed: int, *, start: date = BENCHMARK_START, calls_per_day: int = 0
) -> Iterator[SimulatedRow]:
    """Yield exactly n rows of a store in the order of their insertion, over as many days as it takes.

    Args:
        store: The store; its silent days do not count.
        n: How many rows.
        seed: Any number.
        start: First day.
        calls_per_day: Another size of the store; 0: its own. A day has about twice as many rows as calls.
    """
    busy = replace(store, silent_last_days=0, silent=(), calls_per_day=calls_per_day or store.calls_per_day)
    # Every call has a row, and even a weak week has more calls than two of its mean days.
    days = 14 + 7 * (n // busy.calls_per_day)
    return islice(insertion_order(simulate(busy, start, days, seed)), n)
