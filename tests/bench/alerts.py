"""How long one evaluation of all monitors takes: 140 stores with 90 days of calls, then 1,400 stores.

Each time a minute later, and with calls that have come in meanwhile, so that the cluster's cache answers only
what it would in daily use. Beside it stands the watch's whole round: measuring the stores, evaluating,
remembering. Medians. The calls of the further 1,260 stores are of the last two days only: no monitor looks
further back, and 140 stores' 90 days are there to be passed over.
"""

import json
import random
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from central.alerts.evaluate import evaluate
from central.alerts.files import load
from central.alerts.watch import Watch
from central.client import Connection, connect
from compose.stack import MariaDB, OpenSearchCluster
from tests.bench.figure import Figure

STORES, MORE, CALLS_A_DAY, DAYS, TIMES = 140, 1260, 40, 90, 7
SECONDS = 1.0
"""Of one evaluation for 140 stores."""
GROWTH = 10.0
"""Ten times the stores may take so many times as long."""
BATCH = 5_000

Json = dict[str, Any]


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """Evaluate over few and over many stores."""
    del mariadb, folder
    bench = _Bench(cluster)
    bench.stores(0, STORES)
    calls = bench.calls(0, STORES, DAYS)
    few, of_round = bench.take()
    print(
        f"  {STORES} stores, {calls:,} calls of {DAYS} days: round of the watch {of_round:.2f} s", flush=True
    )
    yield Figure.at_most("alerts_evaluation", few, "s", SECONDS)
    bench.stores(STORES, MORE)
    calls += bench.calls(STORES, MORE, 2)
    many, of_round = bench.take()
    print(
        f"  {STORES + MORE} stores, {calls:,} calls: {many:.2f} s, round of the watch {of_round:.2f} s",
        flush=True,
    )
    yield Figure.at_most("alerts_growth_at_1400_stores", many / few, "times", GROWTH)


class _Bench:
    def __init__(self, cluster: OpenSearchCluster) -> None:
        self._url = cluster.url
        self._connection = Connection(cluster.url, timeout=120)
        self._client = connect(self._connection)
        self._monitors = load("pt-BR")
        self._rng = random.Random(1)
        self._now = datetime.now(UTC)

    def take(self) -> tuple[float, float]:
        """Seconds of an evaluation, and of a whole round."""
        watch = Watch(self._client, self._connection, self._monitors)
        watch.round(self._now.timestamp())
        return self._median(self._evaluation), self._median(lambda: watch.round(self._now.timestamp()))

    def _evaluation(self) -> None:
        results = evaluate(
            self._client, self._connection, self._monitors, round(self._now.timestamp() * 1000)
        )
        assert [one.error for one in results if one.error] == []

    def _median(self, work: Callable[[], object]) -> float:
        taken = []
        for _ in range(TIMES):
            self._now += timedelta(minutes=1)
            self._bulk([self._call(f"L{self._rng.randrange(STORES):04}", self._now)])
            self._client.indices.refresh(index="pabx-*")
            before = time.monotonic()
            work()
            taken.append(time.monotonic() - before)
        return statistics.median(taken)

    def stores(self, first: int, count: int) -> None:
        """Registered stores that are heard, with what is usual for them."""
        now = _stamp(self._now + timedelta(hours=1))  # heard in every round
        week = [round(4 * self._rng.random(), 2) for _ in range(168)]
        lines: list[tuple[str, str, Json]] = []
        for number in range(first, first + count):
            store = {
                "id": f"L{number:04}",
                "name": f"Loja {number}",
                "region": f"R{number % 5}",
                "state": "SP",
                "city": "São Paulo",
                "timezone": "America/Sao_Paulo",
                "registered_at": _stamp(self._now - timedelta(days=100)),
                "opening_hours": ["Mon-Sat 09:00-20:00"],
                "last_seen": now,
                "last_call": _stamp(self._now),
                "read_seconds": 5,
                "lag_seconds": 0,
                "calls_now": 0,
                "spool_bytes": 4096,
                "spool_limit_bytes": 2**29,
                "disk_free_bytes": 2**36,
                "disk_bytes": 2**37,
                "usual": {
                    "learned_at": now,
                    "days": 80,
                    "calls": week,
                    "limit": 11.5,
                    "week_calls": 280,
                    "recent_calls": 270,
                    "missed_share": 0.15,
                    "day_billable_seconds": 3600,
                    "day_cost": 20,
                },
            }
            body = {
                "@timestamp": now,
                "event": {"id": store["id"], "dataset": "pabx.store", "created": now},
                "store": store,
            }
            lines.append(("pabx-stores", str(store["id"]), body))
        self._bulk(lines)

    def calls(self, first: int, count: int, days: int) -> int:
        """Their calls; gives how many."""
        lines, made = [], 0
        for number in range(first, first + count):
            for day in range(days):
                for _ in range(CALLS_A_DAY):
                    at = self._now - timedelta(days=day, seconds=self._rng.randrange(86_400))
                    lines.append(self._call(f"L{number:04}", at))
                    made += 1
            if len(lines) > BATCH:
                self._bulk(lines)
                lines = []
        self._bulk(lines)
        return made

    def _call(self, store: str, at: datetime) -> tuple[str, str, Json]:
        inbound = self._rng.random() < 0.7
        key = f"{store}-{self._rng.getrandbits(64):x}"
        call: Json = {"id": key, "direction": "inbound" if inbound else "outbound", "duration_seconds": 90}
        if inbound:
            call["missed"] = self._rng.random() < 0.15
        else:
            call |= {"category": "local_mobile", "billable_seconds": 60, "cost": {"amount": 0.3}}
        body = {
            "@timestamp": _stamp(at),
            "event": {"id": key, "dataset": "pabx.call", "start": _stamp(at), "end": _stamp(at)},
            "store": {"id": store},
            "call": call,
        }
        return f"pabx-calls-{at:%Y.%m}", key, body

    def _bulk(self, lines: list[tuple[str, str, Json]]) -> None:
        text = "".join(
            f"{json.dumps({'index': {'_index': index, '_id': key}})}\n{json.dumps(body)}\n"
            for index, key, body in lines
        )
        if not text:
            return
        request = urllib.request.Request(
            f"{self._url}/_bulk?pipeline=_none", data=text.encode(), method="POST"
        )
        request.add_header("Content-Type", "application/x-ndjson")
        with urllib.request.urlopen(request, timeout=120) as answer:
            assert json.load(answer)["errors"] is False


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
