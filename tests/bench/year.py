"""Twelve months of a chain's calls in a cluster of its own, kept for the next run where a folder is named.

The documents go into indices made by the real templates, by bulk requests of two processes at once, in the
order of time, and past the ingest pipeline. A month of live telephoning is merged all the time; after this
load the segments of a month are merged down to about as many as are left then.
"""

import json
import multiprocessing
import os
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from compose.demo.gate import register
from compose.demo.ship import central
from compose.stack import OpenSearchCluster
from compose.stack.ports import free_port
from tests.bench.year_seed import Pattern, lines, patterns, stores
from tests.dashboards import states

CALLS = int(os.environ.get("BENCH_CALLS", "250000"))
"""Of the year; 10000000 for the figures in the documentation."""
NODES = int(os.environ.get("BENCH_NODES", "1"))
SHARDS = int(os.environ.get("BENCH_SHARDS", "1"))
"""Primary shards of a month's calls."""
KEPT = os.environ.get("BENCH_YEAR_FOLDER", "")
"""Where the cluster's data stays for the next run; empty: nowhere."""
PORT = int(os.environ.get("BENCH_PORT", "0"))
HEAP_MIB = 2048
PROCESSES = 2
DAYS = 365
EVENT_DAYS = 30
SEGMENTS = 10
"""About as many as Lucene's tiered merges leave of a month of some hundred thousand calls."""
BULK_DOCUMENTS = 2_000
QUIET = {
    "refresh_interval": "-1",
    "translog.durability": "async",
    "auto_expand_replicas": "false",
    "number_of_replicas": 0,
}
"""While it is loaded."""
AS_SHIPPED = {"refresh_interval": "1s", "translog.durability": "request", "auto_expand_replicas": "0-1"}
_MADE = "year.json"


@dataclass(frozen=True)
class Year:
    """What stands in the cluster.

    Attributes:
        wanted: How many calls were asked for.
        shards: Primary shards of each month.
        until: The last moment of the year, ISO 8601, UTC.
        calls: How many calls there are.
        load_seconds: What loading took, without making the patterns.
        index_bytes: Of the calls' indices, primaries only.
        segments: Of the calls' indices.
    """

    wanted: int
    shards: int
    until: str
    calls: int
    load_seconds: float
    index_bytes: int
    segments: int

    @property
    def now(self) -> datetime:
        """The last moment."""
        return datetime.fromisoformat(self.until)


@contextmanager
def running(folder: Path) -> Iterator[tuple[OpenSearchCluster, Year]]:
    """A cluster with the year in it; it is loaded where it is not there yet.

    Args:
        folder: For the cluster's data where none is named to keep it.
    """
    home = Path(KEPT).absolute() if KEPT else folder / "year"
    home.mkdir(parents=True, exist_ok=True)
    ports = [(PORT or free_port()) + number for number in range(NODES)]
    with OpenSearchCluster(home / "opensearch", nodes=NODES, ports=ports, heap_mib=HEAP_MIB) as cluster:
        made = home / _MADE
        found = Year(**json.loads(made.read_text(encoding="utf-8"))) if made.exists() else None
        if found is None or (found.wanted, found.shards) != (CALLS, SHARDS):
            made.unlink(missing_ok=True)
            found = _loaded(cluster, home)
            made.write_text(json.dumps(asdict(found)), encoding="utf-8")
        cluster.wait_healthy(600, "green")
        yield cluster, found


def _loaded(cluster: OpenSearchCluster, home: Path) -> Year:
    cluster.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")
    until = datetime.now(UTC).replace(microsecond=0)
    central(cluster.url, "install")
    telephoning = stores(CALLS)
    central(cluster.url, "stores", "apply", register(home, telephoning))
    for back in range(EVENT_DAYS):
        states.events(cluster, telephoning, until - timedelta(days=back, minutes=5))
    states.quarantine(cluster, telephoning, until - timedelta(days=1))
    states.findings(cluster, telephoning, f"{until - timedelta(days=2):%Y-%m-%d}")
    months = _months(until)
    for month in months:
        cluster.request("DELETE", f"/{month}?ignore_unavailable=true")
        settings = {"settings": {"index": QUIET | {"number_of_shards": SHARDS}}}
        cluster.request("PUT", f"/{month}", settings, timeout_seconds=120)
    began = time.monotonic()
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawning) as processes:
        parts = [
            processes.submit(_load, cluster.urls[part % NODES], CALLS, part, until)
            for part in range(PROCESSES)
        ]
        calls = sum(part.result() for part in parts)
    everywhere = "/pabx-calls-*"
    cluster.request("PUT", f"{everywhere}/_settings", {"index": AS_SHIPPED}, timeout_seconds=120)
    for month in months:
        cluster.request("POST", f"/{month}/_forcemerge?max_num_segments={SEGMENTS}", timeout_seconds=3_600)
    cluster.request("POST", f"{everywhere}/_flush", timeout_seconds=600)
    cluster.request("POST", f"{everywhere}/_refresh", timeout_seconds=600)
    told = cluster.request("GET", f"{everywhere}/_stats/docs,store,segments")["_all"]["primaries"]
    assert told["docs"]["count"] == calls, (told["docs"], calls)
    return Year(
        CALLS,
        SHARDS,
        until.isoformat(),
        calls,
        round(time.monotonic() - began, 1),
        told["store"]["size_in_bytes"],
        told["segments"]["count"],
    )


def _months(until: datetime) -> list[str]:
    days = (until - timedelta(days=number) for number in range(DAYS + 1))
    return sorted({f"pabx-calls-{day:%Y.%m}" for day in days})


def _load(url: str, calls: int, part: int, until: datetime) -> int:
    """One process's part: each second store, all of its year; gives how many calls it sent."""
    monday = until.date() - timedelta(days=until.weekday())
    found = patterns(stores(calls)[part::PROCESSES], monday)
    sent = 0
    batch: list[str] = []
    for line in _year(found, monday, until):
        batch.append(line)
        if len(batch) == BULK_DOCUMENTS:
            _send(url, batch)
            sent += len(batch)
            batch = []
    if batch:
        _send(url, batch)
    return sent + len(batch)


def _year(found: list[Pattern], monday: date, until: datetime) -> Iterator[str]:
    last = int(until.timestamp())
    first = last - DAYS * 86_400
    for back in range(DAYS // 7 + 1, -1, -1):
        for epoch, text in lines(found, monday, -back):
            if first <= epoch <= last:
                yield text


def _send(url: str, batch: list[str]) -> None:
    request = urllib.request.Request(
        f"{url}/_bulk?pipeline=_none&filter_path=errors,items.*.error.reason",
        data="".join(batch).encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        told = json.loads(answer.read())
    assert not told["errors"], str(told)[:2_000]
