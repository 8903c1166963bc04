"""`central` against the real cluster: run as a user runs it, and a cluster that has everything installed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from central.assets import load_assets
from central.cli import main
from central.client import Connection, connect
from central.install import apply, plan
from compose.stack import OpenSearchCluster
from tests.central.outcome import KINDS, Outcome


@pytest.fixture
def central(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run `central` with arguments, without anything from the environment."""
    for name in ("URL", "USER", "PASSWORD", "CA_FILE"):
        monkeypatch.delenv(f"OPENSEARCH_{name}", raising=False)
    monkeypatch.delenv("DASHBOARDS_URL", raising=False)

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def cluster(indices: OpenSearchCluster) -> OpenSearchCluster:
    """The plain node with everything that `central install` puts into it but the empty indices."""
    connection = Connection(indices.url)
    client = connect(connection)
    for step in plan(client, connection, load_assets()):
        if step.resource.kind != "index":
            apply(client, connection, step)
    return indices


@pytest.fixture
def bare_cluster(cluster: OpenSearchCluster, central: Callable[..., Outcome]) -> Iterator[OpenSearchCluster]:
    """The plain node with nothing of ours; what others rely on is put back afterwards."""
    for kind in KINDS:
        cluster.request("DELETE", f"/{kind}/pabx-*")
    yield cluster
    cluster.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")
    assert central("install", "--url", cluster.url).code == 0


@pytest.fixture
def put(cluster: OpenSearchCluster) -> Callable[..., dict[str, Any]]:
    """Send a document as the agent does (bulk `create` with its id) and give the answer's item."""

    def send(
        document: Any, document_id: str | None = None, index: str = "pabx-cdr-2026.11"
    ) -> dict[str, Any]:
        action: dict[str, Any] = {"_index": index}
        if document_id is not None:
            action["_id"] = document_id
        body = json.dumps({"create": action}) + "\n" + json.dumps(document) + "\n"
        answer = cluster.request("POST", "/_bulk?refresh=true", body)
        item: dict[str, Any] = answer["items"][0]["create"]
        return item

    return send
