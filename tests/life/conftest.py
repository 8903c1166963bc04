"""Head office for stores' PCs, a MariaDB that may be killed, and PCs that are off at the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from compose.stack import MariaDB, OpenSearchCluster
from tests.gate.running import BINARY, Gate
from tests.life.pc import HeadOffice, StorePc
from tests.servers import CdrDatabase, cdr_database_on, new_server_dir
from tests.shipper.running import central_install


@pytest.fixture(scope="session")
def store_mariadb() -> Iterator[MariaDB]:
    """The server of all PCs here: it is frozen, killed and started again."""
    with new_server_dir() as directory, MariaDB(directory / "mariadb") as server:
        yield server


@pytest.fixture
def life_database(store_mariadb: MariaDB) -> Iterator[CdrDatabase]:
    """A table of its own."""
    if not store_mariadb.process.running:
        store_mariadb.launch()
    with cdr_database_on(store_mariadb) as database:
        yield database


@pytest.fixture(scope="session")
def installed(opensearch: OpenSearchCluster) -> OpenSearchCluster:
    """The plain node with templates and pipelines."""
    central_install(opensearch)
    return opensearch


@pytest.fixture
def office(installed: OpenSearchCluster, indices: OpenSearchCluster, tmp_path: Path) -> Iterator[HeadOffice]:
    """A cluster without any document, and the gate where there is a Fluent Bit."""
    if not installed.request("GET", "/_cat/templates/pabx-audit?format=json"):  # another test took it away
        central_install(installed)
        indices.request("DELETE", "/pabx-*")
    if BINARY is None:
        yield HeadOffice(installed, None)
        return
    gate = Gate(tmp_path / "gates", installed)
    with ExitStack() as end:
        end.callback(gate.close)
        gate.start()
        yield HeadOffice(installed, gate)


@pytest.fixture
def make_pc(tmp_path: Path, office: HeadOffice) -> Iterator[Callable[..., StorePc]]:
    """Makes PCs; they are off at the end."""
    with ExitStack() as pcs:

        def make(database: CdrDatabase, store: str = "Loja001", **options: Any) -> StorePc:
            made = StorePc(tmp_path / store, database, office, store, **options)
            pcs.callback(made.off)
            return made

        yield make
