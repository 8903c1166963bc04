"""`central gate` and `central stores enrol | revoke`, as an engineer runs them; no Fluent Bit is needed."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from central.cli import main
from compose.stack import OpenSearchCluster
from compose.stack.ports import free_port
from tests.central.outcome import Outcome
from tests.gate.running import ABSENT, BINARY, Gate, documents

pytestmark = pytest.mark.servers
REGISTER = """\
id,name,region,city,state,timezone,area_code,opening_hours,opening_exceptions,trunks,valid_from
Loja001,Loja Paulista,Sudeste,São Paulo,SP,America/Sao_Paulo,11,Mon-Fri 09:00-18:00,,vivo;oi,
Loja002,Loja Manaus,Norte,Manaus,AM,America/Manaus,92,,,,
"""


@pytest.fixture
def central(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cluster: OpenSearchCluster
) -> Callable[..., Outcome]:
    """Run `central` against the cluster."""
    monkeypatch.setenv("OPENSEARCH_URL", cluster.url)

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def registered(central: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gate's directory, and a register with two stores."""
    monkeypatch.setenv("PABX_GATE", str(tmp_path / "gate"))
    (tmp_path / "stores.csv").write_text(REGISTER, encoding="utf-8")
    assert central("stores", "apply", tmp_path / "stores.csv").code == 0
    made = central("gate", "init", "--host", "gate.example", "--http-port", free_port())
    assert (made.code, made.err) == (0, "")
    assert "0 stores may come in as gate.example:24224" in made.out
    return tmp_path


def test_enrol_and_revoke(
    central: Callable[..., Outcome], registered: Path, cluster: OpenSearchCluster
) -> None:
    done = central("stores", "enrol", "Loja001", "--output", registered / "out")
    assert (done.code, done.err) == (0, "")
    assert "Loja001 may come in" in done.out
    assert "no Fluent Bit runs here: it takes this in when it starts" in done.out
    made = tomllib.loads((registered / "out" / "shipper.toml").read_text())
    assert made["store"] == {
        "id": "Loja001",
        "timezone": "America/Sao_Paulo",
        "area_code": "11",
        "trunks": ["vivo", "oi"],
    }
    assert made["output"]["forward"]["host"] == "gate.example"
    assert made["output"]["forward"]["password"] not in done.out
    listed = central("stores", "list").out
    assert "since 20" in next(line for line in listed.splitlines() if "Loja001" in line)

    again = central("stores", "enrol", "Loja001", "--output", registered / "out")
    assert again.code == 2
    assert "--renew" in again.err

    ended = central("stores", "revoke", "Loja001")
    assert (ended.code, ended.err) == (0, "")
    assert "Loja001 has no credential any more" in ended.out
    store = {hit["_id"]: hit["_source"]["store"] for hit in documents(cluster, "pabx-stores")}["Loja001"]
    assert store["revoked_at"]
    assert store["name"] == "Loja Paulista"
    assert "last_seen" not in store  # what head office writes is no heartbeat
    assert "revoked" in central("stores", "list").out

    assert central("stores", "enrol", "Loja001", "--output", registered / "out").code == 0
    store = {hit["_id"]: hit["_source"]["store"] for hit in documents(cluster, "pabx-stores")}["Loja001"]
    assert store["revoked_at"] is None


def test_what_cannot_be_done_is_said(central: Callable[..., Outcome], registered: Path) -> None:
    unknown = central("stores", "enrol", "Loja009", "--output", registered / "out")
    assert (unknown.code, unknown.err) == (
        2,
        "central: Loja009 is not in the register: add a line for it and run central stores apply FILE.csv\n",
    )
    none = central("stores", "revoke", "Loja002")
    assert none.code == 2
    assert "Loja002 has no credential here" in none.err
    elsewhere = central("stores", "revoke", "Loja002", "--gate", registered / "none")
    assert elsewhere.code == 2
    assert f"{registered}/none is no gate's directory" in elsewhere.err
    no_name = central("gate", "init", "--gate", registered / "new")
    assert (no_name.code, "--host is missing" in no_name.err) == (2, True)
    reload = central("gate", "reload")
    assert (reload.code, "no Fluent Bit answers on 127.0.0.1" in reload.err) == (1, True)
    status = central("gate", "status")
    assert (status.code, "nobody lets the stores in: run central gate serve" in status.err) == (1, True)
    assert "certificate   valid until" in status.out


def test_init_again_changes_what_it_is_told(central: Callable[..., Outcome], registered: Path) -> None:
    before = (registered / "gate" / "ca.pem").read_text()
    done = central("gate", "init", "--port", "25000", "--host", "other.example")
    assert "made the server's certificate for other.example" in done.out
    assert "0 stores may come in as other.example:25000" in done.out
    assert (registered / "gate" / "ca.pem").read_text() == before
    renewed = central("gate", "renew")
    assert renewed.code == 0
    assert "server.pem: valid until" in renewed.out


@pytest.mark.skipif(BINARY is None, reason=ABSENT)
def test_status_of_one_that_runs(central: Callable[..., Outcome], make_gate: Callable[..., Gate]) -> None:
    gate = make_gate()
    gate.start()
    status = central("gate", "status", "--gate", gate.folder.path)
    assert (status.code, status.err) == (0, "")
    assert "door          ok\nfluent bit    ok\n" in status.out
    assert (
        central("gate", "reload", "--gate", gate.folder.path).out == "Fluent Bit has read its files again\n"
    )
    gate.kill()
    status = central("gate", "status", "--gate", gate.folder.path)
    assert (status.code, "docs/operations.md" in status.err) == (1, True)
