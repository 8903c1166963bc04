"""Real agents through the real gate: what a store has is in the index, once, and nowhere else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from central.gate.gate import revoke
from compose.stack import OpenSearchCluster
from tests.gate.running import ABSENT, BINARY, Gate, documents, wait_idle
from tests.servers import CdrDatabase
from tests.shipper.conftest import connected
from tests.shipper.content import calls_of_index, calls_of_table, of_index, of_table
from tests.shipper.store import Store, eventually, fill

pytestmark = [pytest.mark.servers, pytest.mark.skipif(BINARY is None, reason=ABSENT)]


@pytest.fixture
def make_store(
    tmp_path: Path, gate: Gate, make_cdr_database: Callable[[], CdrDatabase]
) -> Callable[..., tuple[Store, CdrDatabase]]:
    """A store with a database of its own, and the credential that its name has."""

    def make(name: str, **settings: Any) -> tuple[Store, CdrDatabase]:
        folder = tmp_path / name
        folder.mkdir()
        database = make_cdr_database()
        store = connected(Store(folder), database)
        store.set("store", id=name, timezone="America/Sao_Paulo")
        store.set("output", kind="forward")
        store.set("output.forward", **{**gate.enrol(name, renew=True), **settings})
        store.set("spool", path=str(folder / "spool" / "spool.db"), max_mib=64)
        return store, database

    return make


def test_two_stores_with_the_same_rows(
    make_store: Callable[..., tuple[Store, CdrDatabase]], gate: Gate, cluster: OpenSearchCluster
) -> None:
    """The same rows, ids and times in both: each has all of them, and no more."""
    stores = [make_store(name) for name in ("Loja001", "Loja002")]
    gate.take_in()
    for store, database in stores:
        fill(database, 1500)
        result = store.run("run", "--once")
        assert (result.code, result.err) == (0, "")
    wait_idle(gate)
    for store, database in stores:
        name = store.settings["store"]["id"]
        with database.connect() as connection:
            assert of_index(cluster, name) == of_table(connection, "America/Sao_Paulo")
            assert calls_of_index(cluster, name) == calls_of_table(connection, name, "America/Sao_Paulo")
    assert documents(cluster, "pabx-quarantine-*") == []
    token = stores[0][0].settings["output.forward"]["password"]
    everything = json.dumps(documents(cluster, "pabx-*")) + gate.log_text() + gate.door_text()
    assert token not in everything
    assert '"proof"' not in everything


def test_a_revoked_store_is_told_and_keeps_its_rows(
    make_store: Callable[..., tuple[Store, CdrDatabase]], gate: Gate, cluster: OpenSearchCluster
) -> None:
    store, database = make_store("Loja001")
    gate.take_in()
    revoke(gate.folder, "Loja001")
    gate.take_in()
    fill(database, 10)
    result = store.run("run", "--once")
    assert result.code == 1
    assert "refused the login of 'Loja001'" in result.line
    assert store.status()["spool_documents"] > 0
    gate.enrol("Loja001")
    store.set("output.forward", password=gate.folder.credentials()["Loja001"].token)
    gate.take_in()
    assert store.run("run", "--once").code == 0
    eventually(lambda: len(documents(cluster, "pabx-cdr-*")) == 10, "the rows")


def test_another_stores_name_in_the_configuration(
    make_store: Callable[..., tuple[Store, CdrDatabase]], gate: Gate, cluster: OpenSearchCluster
) -> None:
    """A technician copied a configuration and changed the id alone: all of it is put aside."""
    store, database = make_store("Loja001")
    gate.take_in()
    store.set("store", id="Loja002")
    fill(database, 10)
    assert store.run("run", "--once").code == 0  # acknowledged: it is in the quarantine
    wait_idle(gate)
    assert documents(cluster, "pabx-cdr-*,pabx-calls-*") == []
    refused = [hit["_source"] for hit in documents(cluster, "pabx-quarantine-*")]
    assert len(refused) >= 20
    assert {document["quarantine"]["rule"] for document in refused} == {"gate.proof"}
    assert all("store" not in document for document in refused)
