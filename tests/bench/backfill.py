"""Back-fill of 500,000 rows by ``shipper run --once``, against the same documents sent ready-made.

The calls are among the documents. The yardstick is opensearch-py's ``parallel_bulk`` with one connection
and batches of 1,000, as the agent has. Both go to the same node, warmed up, into indices that were emptied
before, and take turns, so that a drift of the machine's speed meets both.
"""

import json
import os
import statistics
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.helpers import parallel_bulk

from compose.stack import MariaDB, OpenSearchCluster
from shipper.outputs import OpenSearchOutput
from tests.bench import stores
from tests.bench.figure import Figure
from tests.shipper.running import write_config
from tests.shipper.store import run

ROWS = int(os.environ.get("BENCH_BACKFILL_ROWS", "500000"))
STORE = "Backfill"
BOTH = "pabx-cdr-*,pabx-calls-*"
PAIRS = 3
RATIO = 0.7


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """The median of the ratios of three pairs."""
    with stores.table_of(mariadb, ROWS, start=date(2024, 1, 1)) as database:
        config = write_config(folder / "backfill", database, cluster, store=STORE)
        _by_agent(cluster, config)  # warms the node up and makes the documents
        documents = folder / "documents.ndjson"
        _keep_documents(cluster, documents)
        agent, ready_made = [], []
        for _ in range(PAIRS):
            ready_made.append(_ready_made(cluster, documents))
            agent.append(_by_agent(cluster, config))
    ratios = [theirs / ours for theirs, ours in zip(ready_made, agent, strict=True)]
    yield Figure.at_least("backfill_against_parallel_bulk", statistics.median(ratios), "ratio", RATIO)
    rate = ROWS / statistics.median(ready_made)
    yield Figure.at_least(
        "backfill_rows_per_second", ROWS / statistics.median(agent), "rows/s", round(RATIO * rate)
    )


def _by_agent(cluster: OpenSearchCluster, config: Path) -> float:
    """Seconds of one back-fill from an empty spool, the agent's start included."""
    _empty(cluster)
    for file in (config.parent / "spool").glob("*"):
        file.unlink()
    began = time.monotonic()
    done = run("run", "--once", "--config", str(config), timeout=900)
    seconds = time.monotonic() - began
    if done.code or _count(cluster) != ROWS:
        raise RuntimeError(f"{_count(cluster)} of {ROWS} rows: {done.err}")
    return seconds


def _ready_made(cluster: OpenSearchCluster, documents: Path) -> float:
    """Seconds for the same documents by parallel_bulk; reading the file is not counted."""
    _empty(cluster)
    with documents.open(encoding="utf-8") as file:
        actions: list[dict[str, Any]] = [json.loads(line) for line in file]
    client = OpenSearch(cluster.url, timeout=120)
    began = time.monotonic()
    for _ in parallel_bulk(client, actions, thread_count=1, chunk_size=OpenSearchOutput.max_documents):
        pass
    seconds = time.monotonic() - began
    if _count(cluster) != ROWS:
        raise RuntimeError(f"{_count(cluster)} of {ROWS} rows were sent ready-made")
    return seconds


def _keep_documents(cluster: OpenSearchCluster, file: Path) -> None:
    """The agent's documents as actions, without what the cluster itself has added."""
    query: dict[str, Any] = {
        "size": 5000,
        "sort": [{"event.id": "asc"}],
        "query": {"term": {"store.id": STORE}},
    }
    with file.open("w", encoding="utf-8") as out:
        while hits := cluster.request("POST", f"/{BOTH}/_search", query, timeout_seconds=120)["hits"]["hits"]:
            for hit in hits:
                hit["_source"]["event"].pop("ingested")
                states = "sequence" in hit["_source"]["event"]
                operation = "index" if states else "create"
                action = {"_op_type": operation, "_index": hit["_index"], "_id": hit["_id"]}
                out.write(json.dumps({**action, "_source": hit["_source"]}) + "\n")
            query["search_after"] = hits[-1]["sort"]


def _empty(cluster: OpenSearchCluster) -> None:
    cluster.request("DELETE", f"/{BOTH}?ignore_unavailable=true")


def _count(cluster: OpenSearchCluster) -> int:
    cluster.request("POST", "/pabx-*/_refresh", timeout_seconds=120)
    return int(cluster.request("GET", f"/pabx-cdr-*/_count?q=store.id:{STORE}")["count"])
