"""Output ``forward`` against the real Fluent Bit; it is no package of a registry, so it may be absent."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.stack import security
from shipper import __version__
from shipper.config import load
from shipper.document.model import Origin
from shipper.sources.cdr import CdrReader, Database
from shipper.spool import Spool
from tests.servers import CdrDatabase
from tests.shipper.fluent_bit import BINARY, FluentBit
from tests.shipper.store import Store, eventually, fill

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(BINARY is None, reason="fluent-bit is not on PATH: install its package to run these"),
]

AUTH = {"shared_key": "the key", "self_hostname": "central", "security.users": ["Loja001 token"]}


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., FluentBit]]:
    servers: list[FluentBit] = []

    def make(**options: Any) -> FluentBit:
        servers.append(FluentBit(tmp_path / "fluent-bit", **options))
        servers[-1].start()
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


def forwarding(store: Store, server: FluentBit, **settings: Any) -> Store:
    store.set("output", kind="forward")
    return store.set("output.forward", **{"host": "127.0.0.1", "port": server.port, "tls": False, **settings})


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    security._make_certificates(folder)
    return folder


def secured(certificates: Path) -> dict[str, Any]:
    return {
        "tls": "on",
        "tls.verify": "off",
        "tls.crt_file": str(certificates / "node.pem"),
        "tls.key_file": str(certificates / "node-key.pem"),
    }


def test_records_arrive_as_the_documents_are(
    store_with_rows: Store, cdr_database: CdrDatabase, make_server: Callable[..., FluentBit]
) -> None:
    fill(cdr_database, 2500)
    with cdr_database.connect() as root, root.cursor() as cursor:
        cursor.execute(
            "UPDATE cdr SET userfield = REPEAT('📞', 255), duration = 2147483647 WHERE sequence = 7"
        )
        cursor.execute(
            "UPDATE cdr SET calldate = '1000-01-01', uniqueid = 'none', userfield = 'lost' WHERE sequence = 9"
        )
    server = make_server()
    spooled = read_into_the_spool(forwarding(store_with_rows, server))
    assert len(spooled) == 2500
    result = forwarding(store_with_rows, server).run("run", "--once")
    assert (result.code, result.err) == (0, "")
    eventually(lambda: len(server.records()) == 2499, "the writing of all records")
    eventually(lambda: len(server.records("pabx.quarantine")) == 1, "the quarantined one")
    arrived = {
        record["event"]["id"]: record
        for tag in ("pabx.cdr", "pabx.quarantine")
        for record in server.records(tag)
    }
    assert arrived == spooled


def read_into_the_spool(store: Store) -> dict[str, Any]:
    """Read the table, and give the rows' documents that then wait for being sent."""
    config = load(store.write(), {})
    database, spool = Database(config.cdr), Spool(store.spool)
    origin = Origin(config.store.id, config.store.timezone, __version__)
    for _ in CdrReader(config, database, spool, origin).sweep():
        pass
    found = {
        document.id: json.loads(document.body)
        for document in spool.take(10_000, 1 << 30)
        if not document.index_name.startswith("pabx-calls")
    }
    database.close()
    spool.close()
    return found


def test_tls_key_and_user(
    store_with_rows: Store,
    cdr_database: CdrDatabase,
    make_server: Callable[..., FluentBit],
    certificates: Path,
) -> None:
    fill(cdr_database, 10)
    server = make_server(**secured(certificates), **AUTH)
    store = forwarding(
        store_with_rows,
        server,
        tls=True,
        ca_file=str(certificates / "ca.pem"),
        shared_key="the key",
        username="Loja001",
        password="token",
    )
    out = store.run("check").out
    assert f"output     ok       Forward server at 127.0.0.1:{server.port}" in out

    def once(**settings: Any) -> str:
        result = forwarding(store, server, **{**store.settings["output.forward"], **settings}).run(
            "run", "--once"
        )
        assert result.code == 1
        assert "the key" not in result.line
        return result.line

    good = dict(store.settings["output.forward"])
    where = f"127.0.0.1:{server.port}"
    line = once(shared_key="another")
    assert line.startswith(f"shipper: output: {where} closed the connection during the login; ")
    assert "output.forward.shared_key" in line
    line = once(shared_key="the key", username="Loja002")
    assert f"{where} refused the login of 'Loja002'" in line
    line = once(username="Loja001", password="wrong")
    assert f"{where} refused the login of 'Loja001'" in line
    assert "set output.forward.username and password" in line
    line = once(password="token", shared_key="", username="")
    assert where in line
    assert "shared_key" in line
    line = once(**{**good, "ca_file": ""})
    assert f"the certificate of {where} was rejected" in line
    assert "output.forward.ca_file" in line
    assert server.records() == []
    store.set("output.forward", **good)
    assert store.run("run", "--once").err == ""
    eventually(lambda: len(server.ids()) == 10, "the records")


def test_a_certificate_of_another_authority(
    store_with_rows: Store,
    cdr_database: CdrDatabase,
    make_server: Callable[..., FluentBit],
    certificates: Path,
    tmp_path: Path,
) -> None:
    fill(cdr_database, 1)
    other = tmp_path / "other"
    security._make_certificates(other)
    server = make_server(**secured(certificates))
    store = forwarding(store_with_rows, server, tls=True, ca_file=str(other / "ca.pem"))
    result = store.run("run", "--once")
    assert result.code == 1
    assert f"the certificate of 127.0.0.1:{server.port} was rejected" in result.line


def test_tls_against_a_plain_input_and_the_other_way_round(
    store_with_rows: Store,
    cdr_database: CdrDatabase,
    make_server: Callable[..., FluentBit],
    certificates: Path,
) -> None:
    fill(cdr_database, 1)
    server = make_server()
    result = forwarding(store_with_rows, server, tls=True).run("run", "--once")
    assert (result.code, f"127.0.0.1:{server.port}" in result.line) == (1, True)
    server.kill()
    server = make_server(**secured(certificates))
    result = forwarding(store_with_rows, server).run("run", "--once")
    assert (result.code, f"127.0.0.1:{server.port}" in result.line) == (1, True)


def test_killed_in_mid_stream_nothing_is_lost(
    store_with_rows: Store, cdr_database: CdrDatabase, make_server: Callable[..., FluentBit]
) -> None:
    """Rows come all the time, Fluent Bit is killed three times: every row arrives, its content unchanged."""
    server = make_server()
    store = forwarding(store_with_rows, server)
    total = 0
    with store.agent() as agent:
        for _ in range(3):
            fill(cdr_database, 4000, first=total)
            total += 4000
            eventually(lambda known=total - 4000: len(server.ids()) > known, "some of them")
            server.kill()
            fill(cdr_database, 500, first=total)
            total += 500
            server.start()
        eventually(lambda: store.status()["spool_documents"] == 0, "the acknowledgement of all", 60)
        eventually(lambda: len(server.ids()) == total, "the writing of all", 60)
        agent.terminate()
        assert agent.wait(10) == 0
    assert "Traceback" not in store.log
    assert "sending works again" in store.log
    assert {record["cdr"]["sequence"] for record in server.records()} == set(range(total))


def test_down_and_up_again(
    store_with_rows: Store, cdr_database: CdrDatabase, make_server: Callable[..., FluentBit]
) -> None:
    server = make_server()
    server.kill()
    fill(cdr_database, 300)
    store = forwarding(store_with_rows, server)
    with store.agent() as agent:
        eventually(
            lambda: "does not take documents" in (store.log if (store.folder / "agent.log").exists() else "")
        )
        assert store.status()["errors"]["sending"]["message"].startswith("output: 127.0.0.1:")
        server.start()
        eventually(lambda: len(server.ids()) == 300, "the records")
        eventually(lambda: store.status()["errors"] == {}, "the end of the error")
        agent.terminate()
        assert agent.wait(10) == 0
    assert set(server.ids().values()) == {1}
