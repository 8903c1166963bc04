"""A store's rows through the real agent and the real pipeline, and its documents back."""

from pathlib import Path
from typing import Any

from compose.stack import OpenSearchCluster
from tests.golden.cases import Case, GoldenStore
from tests.servers import CdrDatabase
from tests.shipper.store import Result, Store

LARGEST = 10_000
"""Documents that one search gives at most."""


def insert(store: GoldenStore, database: CdrDatabase) -> int:
    """Put the rows of all cases into the table, those of different cases mixed; gives how many."""
    rows = sorted((row for case in store.cases for row in case.rows), key=lambda row: row["sequence"])
    with database.connect() as connection, connection.cursor() as cursor:
        for row in rows:
            names = [name for name, text in row.items() if text]
            cursor.execute(
                f"INSERT INTO cdr ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})",
                [row[name] for name in names],
            )
    return len(rows)


def ship(store: GoldenStore, database: CdrDatabase, cluster: OpenSearchCluster, folder: Path) -> Result:
    """``shipper run --once`` with the store's settings."""
    agent = Store(folder, {name: dict(values) for name, values in store.settings.items()})
    agent.set(
        "cdr",
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.database,
    )
    agent.set("output", kind="opensearch").set("output.opensearch", url=cluster.url)
    return agent.set("spool", path=str(folder / "spool" / "spool.db")).run("run", "--once")


def read_back(cluster: OpenSearchCluster) -> list[dict[str, Any]]:
    """All documents of rows and calls, and those of the quarantine."""
    cluster.request("POST", "/pabx-*/_refresh")
    query = {"size": LARGEST, "sort": ["event.id"]}
    found = cluster.request(
        "POST", "/pabx-*,-pabx-audit-*,-pabx-stores/_search?allow_partial_search_results=false", query
    )
    hits: list[dict[str, Any]] = found["hits"]["hits"]
    return hits


def of_case(case: Case, hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the documents that come from a case's rows."""
    return [hit for hit in hits if _linked(hit["_source"]) & case.linked]


def _linked(source: dict[str, Any]) -> set[str]:
    return {*source.get("call", {}).get("linked_ids", ()), source.get("cdr", {}).get("linkedid", "")}
