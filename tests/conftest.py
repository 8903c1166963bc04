"""The real servers, started once a run and only when a test asks for them; they die with the run."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import HTTPError

import pytest
from hypothesis import settings

from compose.stack import QUICK_START, MariaDB, OpenSearchCluster
from tests.servers import CdrDatabase, cdr_database_on, new_server_dir

settings.register_profile("test", max_examples=25, deadline=None)
settings.register_profile("soak", max_examples=int(os.environ.get("SOAK_EXAMPLES", "1000")), deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


@pytest.fixture
def server_dir() -> Iterator[Path]:
    """An empty directory for a test's own `MariaDB` or `OpenSearchCluster` (not ``tmp_path``: see there)."""
    with new_server_dir() as directory:
        yield directory


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One MariaDB for the whole run; leave it running, make your own to kill."""
    with new_server_dir() as directory, MariaDB(directory / "mariadb") as server:
        yield server


@pytest.fixture(scope="session")
def opensearch() -> Iterator[OpenSearchCluster]:
    """One node, plain HTTP, no log-in, for the whole run; see `indices` for a clean one."""
    with (
        new_server_dir() as directory,
        OpenSearchCluster(directory / "opensearch", jvm_options=QUICK_START) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="session")
def secure_opensearch() -> Iterator[OpenSearchCluster]:
    """One node with TLS and Security for the whole run."""
    with (
        new_server_dir() as directory,
        OpenSearchCluster(directory / "secure", security=True, jvm_options=QUICK_START) as cluster,
    ):
        yield cluster


@pytest.fixture
def indices(opensearch: OpenSearchCluster) -> OpenSearchCluster:
    """The plain node without any ``pabx-*`` index or register of stores; all other pipelines stay."""
    with suppress(HTTPError):  # there is none
        opensearch.request("DELETE", "/_ingest/pipeline/pabx-register")
    opensearch.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")
    return opensearch


@pytest.fixture
def make_cdr_database(mariadb: MariaDB) -> Iterator[Callable[[], CdrDatabase]]:
    """Makes fresh CDR databases, one a call: a test of several stores needs several."""
    with ExitStack() as databases:
        yield lambda: databases.enter_context(cdr_database_on(mariadb))


@pytest.fixture
def cdr_database(make_cdr_database: Callable[[], CdrDatabase]) -> CdrDatabase:
    """A fresh database with FreePBX's ``cdr`` table."""
    return make_cdr_database()
