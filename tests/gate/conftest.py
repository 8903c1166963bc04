"""A gate that runs, in front of a cluster that has everything installed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from tests.gate.running import Gate
from tests.shipper.running import central_install


@pytest.fixture(scope="session")
def installed(opensearch: OpenSearchCluster) -> OpenSearchCluster:
    """The plain node with templates and pipeline."""
    central_install(opensearch)
    return opensearch


@pytest.fixture
def cluster(installed: OpenSearchCluster, indices: OpenSearchCluster) -> OpenSearchCluster:
    """The installed node without any document; what another test took away is put back."""
    if not installed.request("GET", "/_cat/templates/pabx-audit?format=json"):
        central_install(installed)
        installed.request("DELETE", "/pabx-*")
    return indices


@pytest.fixture
def make_gate(cluster: OpenSearchCluster, tmp_path: Path) -> Iterator[Callable[..., Gate]]:
    """Makes gates that are killed at the end."""
    with ExitStack() as gates:

        def make(**settings: Any) -> Gate:
            made = Gate(tmp_path / "gates", cluster, **settings)
            gates.callback(made.close)
            return made

        yield make


@pytest.fixture
def gate(make_gate: Callable[..., Gate]) -> Gate:
    """One that runs, with the stores Loja001 and Loja002."""
    made = make_gate()
    made.enrol("Loja001")
    made.enrol("Loja002")
    made.start()
    return made
