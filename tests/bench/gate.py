"""Through the real gate (door and Fluent Bit) against the direct output; and 140 stores at once.

Needs ``fluent-bit`` on PATH; without it there is nothing to measure, and a line says so.
"""

import json
import os
import queue
import random
import statistics
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from compose.stack import MariaDB, OpenSearchCluster
from shipper.config import ForwardSettings
from shipper.document.identity import mark
from shipper.errors import OutputError
from shipper.outputs import ForwardOutput
from shipper.spool import Spooled
from tests.bench import stores
from tests.bench.figure import Figure
from tests.gate.running import ABSENT, BINARY, Gate
from tests.shipper.running import write_config
from tests.shipper.store import run

ROWS = int(os.environ.get("BENCH_GATE_ROWS", "60000"))
PAIRS = 3
RATIO = 0.6
STORE = "ThroughGate"
FLEET = 140
SECONDS = 60.0
CALLS_PER_SECOND = 0.1
"""Of each store: its busiest hour; a day of 2,000 calls has 0.06 in its twelve open hours."""
ROWS_PER_CALL = 3
P99_SECONDS = 3.0
SETTLED_SECONDS = 60.0


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """The figures of both."""
    if BINARY is None:
        print(f"  not measured: {ABSENT}")
        return
    gate = Gate(folder / "gates", cluster)
    try:
        yield from _throughput(mariadb, cluster, folder, gate)
        yield from _fleet(cluster, gate)
    finally:
        gate.close()


def _throughput(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path, gate: Gate) -> Iterator[Figure]:
    """Seconds from the agent's start until all rows are in the index; median of the pairs' ratios."""
    section = gate.enrol(STORE)
    gate.start()
    with stores.table_of(mariadb, ROWS, start=date(2024, 1, 1)) as database:
        direct = write_config(folder / "direct", database, cluster, store=STORE)
        through = write_config(folder / "through", database, cluster, store=STORE)
        lines = [line for line in through.read_text().splitlines() if not line.startswith("output.")]
        lines += ['output.kind = "forward"']
        lines += [f"output.forward.{name} = {json.dumps(value)}" for name, value in section.items()]
        through.write_text("\n".join(lines) + "\n")
        _seconds(cluster, direct)  # warms the node up
        pairs = [(_seconds(cluster, direct), _seconds(cluster, through)) for _ in range(PAIRS)]
    ratio = statistics.median(straight / around for straight, around in pairs)
    yield Figure.at_least("gate_against_direct", ratio, "ratio", RATIO)
    rate = ROWS / statistics.median(straight for straight, _ in pairs)
    yield Figure.at_least(
        "gate_rows_per_second",
        ROWS / statistics.median(around for _, around in pairs),
        "rows/s",
        round(RATIO * rate),
    )


def _seconds(cluster: OpenSearchCluster, config: Path) -> float:
    cluster.request("DELETE", "/pabx-cdr-*,pabx-calls-*?ignore_unavailable=true")
    for file in (config.parent / "spool").glob("*"):
        file.unlink()
    began = time.monotonic()
    done = run("run", "--once", "--config", str(config), timeout=900)
    if done.code:
        raise RuntimeError(done.err)
    while _count(cluster) < ROWS:
        if time.monotonic() - began > 900:
            raise RuntimeError(f"{_count(cluster)} of {ROWS} rows")
        time.sleep(0.1)
    return time.monotonic() - began


def _count(cluster: OpenSearchCluster) -> int:
    cluster.request("POST", "/pabx-*/_refresh", timeout_seconds=120)
    return int(cluster.request("GET", f"/pabx-cdr-*/_count?q=store.id:{STORE}")["count"])


class Fleet:
    """So many stores' outputs, the agent's own code, each with a connection and a credential of its own."""

    def __init__(self, cluster: OpenSearchCluster, gate: Gate) -> None:
        self.cluster = cluster
        self.outputs = {
            store: ForwardOutput(ForwardSettings(**gate.enrol(store)))
            for store in (f"Fleet{number:03d}" for number in range(1, FLEET + 1))
        }
        self.acknowledged: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()
        self.back: dict[str, float] = {}
        self.stop = threading.Event()
        self.since = 0.0

    def telephone(self, store: str, seed: int) -> None:
        """Calls at random moments; what was not acknowledged is sent again."""
        chance = random.Random(seed)
        output, number = self.outputs[store], 0
        self.stop.wait(chance.uniform(0, 1 / CALLS_PER_SECOND))
        while not self.stop.is_set():
            batch = [document(store, number + n) for n in range(ROWS_PER_CALL)]
            number += ROWS_PER_CALL
            pause = 0.2
            while not self.stop.is_set():
                try:
                    output.send(batch)
                except OutputError:
                    self.stop.wait(chance.uniform(pause / 2, pause))
                    pause = min(pause * 2, 60.0)
                    continue
                at = time.monotonic()
                self.acknowledged.put((batch[-1].id, at))
                if at > self.since:
                    self.back.setdefault(store, at)
                break
            self._rest(chance.expovariate(CALLS_PER_SECOND))

    def _rest(self, seconds: float) -> None:
        """Until the next call, or until everybody is cut off: then all have something to send."""
        until, since = time.monotonic() + seconds, self.since
        while time.monotonic() < until and since == self.since and not self.stop.is_set():
            time.sleep(0.1)

    def watch(self, delays: list[float]) -> None:
        """Search for what was acknowledged until it is found."""
        waiting: dict[str, float] = {}
        while not (self.stop.is_set() and not waiting and self.acknowledged.empty()):
            while not self.acknowledged.empty():
                key, at = self.acknowledged.get()
                waiting[key] = at
            query = {"query": {"terms": {"event.id": list(waiting)[:1000]}}, "_source": False, "size": 1000}
            hits = (
                self.cluster.request("POST", "/pabx-cdr-*/_search", query)["hits"]["hits"] if waiting else []
            )
            delays.extend(time.monotonic() - waiting.pop(hit["_id"]) for hit in hits)
            time.sleep(0.05)


def _fleet(cluster: OpenSearchCluster, gate: Gate) -> Iterator[Figure]:
    fleet = Fleet(cluster, gate)
    gate.take_in()
    delays: list[float] = []
    threads = [
        threading.Thread(target=fleet.telephone, args=(store, seed))
        for seed, store in enumerate(fleet.outputs)
    ]
    watcher = threading.Thread(target=fleet.watch, args=(delays,))
    for thread in (*threads, watcher):
        thread.start()
    try:
        time.sleep(SECONDS)
        steady = sorted(delays)
        # Everybody is cut off at once, and comes back at once.
        gate.kill_door()
        fleet.back.clear()
        fleet.since = time.monotonic()
        gate.start_door()
        while len(fleet.back) < FLEET and time.monotonic() - fleet.since < 4 * SETTLED_SECONDS:
            time.sleep(0.1)
        settled = max(fleet.back.values()) - fleet.since if len(fleet.back) == FLEET else float("inf")
    finally:
        fleet.stop.set()
        for thread in (*threads, watcher):
            thread.join()
        for output in fleet.outputs.values():
            output.close()
    print(f"  {FLEET} stores, {len(steady)} calls in {SECONDS:.0f} s")
    yield Figure.at_most(
        "gate_acknowledged_to_searchable_p99", steady[int(len(steady) * 0.99)], "s", P99_SECONDS
    )
    yield Figure.at_most("gate_all_back_after_a_cut", settled, "s", SETTLED_SECONDS)


def document(store: str, number: int) -> Spooled:
    """A row as the agent makes it."""
    now = datetime.now(UTC)
    key = mark(store) + f"{int(now.timestamp()):012x}{number:012x}"
    body: dict[str, Any] = {
        "@timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "event": {
            "id": key,
            "kind": "event",
            "dataset": "pabx.cdr",
            "created": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        },
        "store": {"id": store, "timezone": "America/Sao_Paulo"},
        "agent": {"version": "0.0.0"},
        "local": {"date": f"{now:%Y-%m-%d}", "hour": now.hour, "weekday": now.isoweekday()},
        "cdr": {"src": "1199990000", "dst": "2000", "duration": 61, "billsec": 50, "uniqueid": f"{number}.1"},
    }
    return Spooled(0, f"pabx-cdr-{now:%Y.%m}", key, json.dumps(body).encode())
