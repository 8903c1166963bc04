"""A node with everything that `central install` puts there, and nothing in its indices."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from central.assets import load_assets
from central.cli import main
from central.client import Connection, connect
from central.install import apply, plan
from compose.stack import OpenSearchCluster
from tests.alerts.receiver import Receiver, listening
from tests.alerts.scene import clear, make_indices
from tests.central.outcome import Outcome


@pytest.fixture(scope="module")
def installed(opensearch: OpenSearchCluster) -> Iterator[OpenSearchCluster]:
    """The plain node with all templates, and each index of ours empty."""
    everything = "/pabx-*?expand_wildcards=all&ignore_unavailable=true"
    opensearch.request("DELETE", everything)
    connection = Connection(opensearch.url)
    client = connect(connection)
    for step in plan(client, connection, load_assets()):
        if step.resource.kind != "index":
            apply(client, connection, step)
    make_indices(opensearch.url)
    # Tests have more messages filled in within five minutes than a cluster compiles by itself.
    rate = "script.context.template.max_compilations_rate"
    opensearch.request("PUT", "/_cluster/settings", json.dumps({"transient": {rate: "unlimited"}}))
    yield opensearch
    opensearch.request("PUT", "/_cluster/settings", json.dumps({"transient": {rate: None}}))
    opensearch.request("DELETE", everything)


@pytest.fixture
def node(installed: OpenSearchCluster) -> OpenSearchCluster:
    clear(installed.url)
    return installed


@pytest.fixture
def connection(node: OpenSearchCluster) -> Connection:
    return Connection(node.url)


@pytest.fixture
def client(connection: Connection) -> OpenSearch:
    return connect(connection)


@pytest.fixture
def central(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run `central` with arguments, without anything from the environment."""
    for name in ("OPENSEARCH_URL", "OPENSEARCH_USER", "OPENSEARCH_PASSWORD", "OPENSEARCH_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("DASHBOARDS_URL", "RUNBOOK_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found
