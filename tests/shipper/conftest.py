"""A store with its database, its agent's settings, and a cluster that is ready to take documents."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from tests.servers import CdrDatabase
from tests.shipper.running import central_install
from tests.shipper.store import Store, searched


@pytest.fixture(scope="session")
def installed(opensearch: OpenSearchCluster) -> OpenSearchCluster:
    """The plain node with templates and pipeline, as ``central install`` puts them there."""
    central_install(opensearch)
    return opensearch


@pytest.fixture
def cluster(installed: OpenSearchCluster, indices: OpenSearchCluster) -> OpenSearchCluster:
    """The installed node without any document; what another test took away is put back."""
    if not installed.request("GET", "/_cat/templates/pabx-cdr?format=json"):
        central_install(installed)
    return indices


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Settings that are complete, but lead nowhere."""
    store = Store(tmp_path)
    store.set("store", id="Loja001", timezone="America/Sao_Paulo")
    store.set("cdr", host="127.0.0.1", port=9, user="shipper", password="", poll_seconds=0.2)
    store.set("output", kind="opensearch")
    store.set("output.opensearch", url="http://127.0.0.1:9")
    return store.set("spool", path=str(tmp_path / "spool" / "spool.db"), max_mib=64)


@pytest.fixture
def store_with_rows(store: Store, cdr_database: CdrDatabase) -> Store:
    """Settings that lead to a fresh database; the output is still to be set."""
    return connected(store, cdr_database)


def connected(store: Store, database: CdrDatabase) -> Store:
    return store.set(
        "cdr",
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.database,
    )


@pytest.fixture
def ready_store(store_with_rows: Store, cluster: OpenSearchCluster) -> Store:
    """A store whose agent works: real database, real cluster."""
    return store_with_rows.set("output.opensearch", url=cluster.url)


@pytest.fixture
def found(cluster: OpenSearchCluster) -> Callable[..., list[dict[str, Any]]]:
    """Every document of an index pattern, each with ``_index`` and ``_id``."""

    def search(pattern: str = "pabx-cdr-*") -> list[dict[str, Any]]:
        cluster.request("POST", "/pabx-*/_refresh?expand_wildcards=open")
        path = f"/{pattern}/_search?size=10000&ignore_unavailable=true"
        answer = searched(cluster, path, {"query": {"match_all": {}}})
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits

    return search
