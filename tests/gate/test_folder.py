"""The gate's directory: what is made, who may read it, what enrolling and revoking change."""

import datetime as dt
import re
import ssl
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from cryptography import x509

from central.assets import assets_root
from central.errors import CentralError, UsageError
from central.gate import control, gate
from central.gate.certificates import ends
from central.gate.door import make_context
from central.gate.folder import GateFolder, Settings
from central.gate.render import StoreFacts, proof_key
from compose.stack.ports import free_port
from shipper.config import load
from tests.gate.running import ABSENT, BINARY

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
SECRET = {"ca-key.pem", "credentials.json", "gate.json", "keys", "server-key.pem", "settings.yaml"}
SECRET |= {"shared-key", "stores.yaml"}


@pytest.fixture
def folder(tmp_path: Path) -> GateFolder:
    made = GateFolder(tmp_path / "gate")
    gate.make(made, Settings("gate.example", opensearch_password='p"$x', http_port=free_port()), NOW)
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_for_the_service_alone(folder: GateFolder, tmp_path: Path) -> None:
    gate.enrol(folder, StoreFacts("Loja001"), tmp_path / "out", NOW, renew=False)
    files = {path.name for path in folder.path.iterdir()} - {".lock"}
    assert files == SECRET | {"ca.pem", "server.pem", "fluent-bit.yaml", "gate.lua"}
    assert {name for name in files if mode(folder.path / name) == 0o600} == SECRET
    assert mode(tmp_path / "out" / "shipper.toml") == 0o600
    assert mode(tmp_path / "out") == 0o700
    token = folder.credentials()["Loja001"].token
    holding = {path.name for path in folder.path.iterdir() if token in path.read_text()}
    assert holding == {"credentials.json", "stores.yaml"}
    assert token not in repr(folder.credentials())
    assert 'p"$x' not in repr(folder.settings())


def test_making_it_again_keeps_what_the_stores_have(folder: GateFolder, tmp_path: Path) -> None:
    gate.enrol(folder, StoreFacts("Loja001"), tmp_path / "out", NOW, renew=False)
    before = {path.name: path.read_text() for path in folder.path.iterdir()}
    assert gate.make(folder, folder.settings(), NOW + dt.timedelta(days=9)) == []
    assert {path.name: path.read_text() for path in folder.path.iterdir()} == before


def test_another_name_gets_another_certificate_of_the_same_authority(folder: GateFolder) -> None:
    authority = folder.read("ca.pem")
    done = gate.make(folder, Settings("10.0.0.5"), NOW)
    assert done == ["made the server's certificate for 10.0.0.5"]
    assert folder.read("ca.pem") == authority
    server = x509.load_pem_x509_certificate(folder.read("server.pem").encode())
    server.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))


def test_a_renewed_certificate_needs_nothing_of_the_stores(folder: GateFolder) -> None:
    before, authority = folder.read("server.pem"), folder.read("ca.pem")
    assert ends(before) == NOW + dt.timedelta(days=825)
    until = gate.renew_certificate(folder, NOW + dt.timedelta(days=800))
    assert until == NOW + dt.timedelta(days=1625)
    assert folder.read("ca.pem") == authority
    assert folder.read("server.pem") != before


def test_a_store_gets_a_configuration_that_works(folder: GateFolder, tmp_path: Path) -> None:
    facts = StoreFacts("Loja001", "America/Manaus", "92", ("vivo", "oi"))
    gate.enrol(folder, facts, tmp_path / "out", NOW, renew=False)
    assert (tmp_path / "out" / "ca.pem").read_text() == folder.read("ca.pem")
    config = load(tmp_path / "out" / "shipper.toml", {})
    assert (config.store.id, config.store.timezone, config.store.area_code) == (
        "Loja001",
        "America/Manaus",
        "92",
    )
    assert config.store.trunks == ("vivo", "oi")
    forward = config.output.forward
    assert (config.output.kind, forward.host, forward.port) == ("forward", "gate.example", 24224)
    assert (forward.tls, forward.ca_file) == (True, "/etc/pabx-shipper/ca.pem")
    assert forward.shared_key == folder.read("shared-key").strip()
    assert (forward.username, forward.password) == ("Loja001", folder.credentials()["Loja001"].token)


def test_enrolling_twice_needs_to_be_meant(folder: GateFolder, tmp_path: Path) -> None:
    gate.enrol(folder, StoreFacts("Loja001"), tmp_path / "out", NOW, renew=False)
    with pytest.raises(UsageError, match="Loja001 is enrolled since 2026-11-26T12:00:00Z: --renew"):
        gate.enrol(folder, StoreFacts("Loja001"), tmp_path / "out", NOW, renew=False)
    old = folder.credentials()["Loja001"].token
    gate.enrol(folder, StoreFacts("Loja001"), tmp_path / "out", NOW, renew=True)
    new = folder.credentials()["Loja001"].token
    assert new != old
    users = folder.read("stores.yaml")
    assert new in users
    assert old not in users  # cannot log in any more
    # What it has sent before is still let through, until Fluent Bit has ended its connection.
    assert {line.split()[1] for line in folder.read("keys").splitlines()} == {proof_key(old), proof_key(new)}


def test_a_revoked_store_is_nowhere(folder: GateFolder, tmp_path: Path) -> None:
    for store in ("Loja001", "Loja002"):
        gate.enrol(folder, StoreFacts(store), tmp_path / store, NOW, renew=False)
    gate.revoke(folder, "Loja001")
    for name in ("stores.yaml", "keys", "credentials.json"):
        assert "Loja001" not in folder.read(name)
        assert "Loja002" in folder.read(name)
    with pytest.raises(UsageError, match="Loja001 has no credential"):
        gate.revoke(folder, "Loja001")


def test_without_any_store_nobody_comes_in(folder: GateFolder) -> None:
    """Without users Fluent Bit would let in whoever has the shared key."""
    assert re.search(r'security\.users:\n +- "nobody [0-9a-f]{64}"\n', folder.read("stores.yaml"))
    assert folder.read("keys") == ""


def test_what_is_missing_is_named(tmp_path: Path, folder: GateFolder) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path}/none is no gate's directory: name it by --gate"):
        gate.revoke(GateFolder(tmp_path / "none"), "Loja001")
    (tmp_path / "file").write_text("")
    with pytest.raises(CentralError, match=f"--output {tmp_path}/file/out: Not a directory"):
        gate.enrol(folder, StoreFacts("Loja001"), tmp_path / "file" / "out", NOW, renew=False)
    assert folder.credentials() == {}  # nothing half done
    folder.write("credentials.json", "{")
    with pytest.raises(CentralError, match=r"credentials\.json: .*put back a backup"):
        gate.revoke(folder, "Loja001")
    folder.write("ca-key.pem", "none")
    with pytest.raises(CentralError, match=r"ca\.pem or ca-key\.pem cannot be used"):
        gate.renew_certificate(folder, NOW)
    with pytest.raises(control.NotRunningError, match=r"no Fluent Bit answers on 127\.0\.0\.1"):
        gate.take_in(folder)


def test_client_certificates(tmp_path: Path) -> None:
    folder = GateFolder(tmp_path / "gate")
    gate.make(folder, Settings("gate.example", client_certificates=True), NOW)
    assert make_context(folder, folder.settings()).verify_mode is ssl.CERT_REQUIRED
    gate.enrol(folder, StoreFacts("Loja001"), tmp_path / "out", NOW, renew=False)
    output = tomllib.loads((tmp_path / "out" / "shipper.toml").read_text())["output"]["forward"]
    assert output["client_certificate"] == "/etc/pabx-shipper/client.pem"
    assert output["client_certificate_key"] == "/etc/pabx-shipper/client-key.pem"
    certificate = x509.load_pem_x509_certificate((tmp_path / "out" / "client.pem").read_bytes())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(folder.read("ca.pem").encode()))
    assert mode(tmp_path / "out" / "client-key.pem") == 0o600


CONFIGURATION = (assets_root() / "pipelines" / "fluent-bit" / "fluent-bit.yaml").read_text()


def test_every_tag_has_an_output() -> None:
    known = set(
        re.findall(
            r'\["(pabx[a-z.]+)"\] = ', (assets_root() / "pipelines" / "fluent-bit" / "gate.lua").read_text()
        )
    )
    assert known == set(re.findall(r"match: (pabx\S+)", CONFIGURATION))
    catch_all = re.search(r"match_regex: '(.+)'", CONFIGURATION)
    assert catch_all
    # Fluent Bit's regular expressions are Ruby's: the end of a text has another name there.
    unmatched = re.compile(catch_all[1].replace(r"\z", r"\Z"))
    assert [tag for tag in known if unmatched.match(tag)] == []
    for other in ("pabx", "pabx.cdr2", "pabx.cdr.", "pabx.cdr.state.x", "x.pabx.cdr", "\n", "pabxxcdr"):
        found = unmatched.match(other)
        assert found, other
        assert found[0] == other


def test_settings_that_lose_acknowledged_records_are_not_there(folder: GateFolder) -> None:
    text = "".join(
        line.partition(" #")[0] + "\n"
        for line in (CONFIGURATION + folder.read("stores.yaml")).splitlines()
        if not line.lstrip().startswith("#")
    )
    for name in ("checksum", "threaded", "total_limit_size", "rewrite_tag", "current_time_index"):
        assert name not in text
    assert not re.search(r"workers: [2-9]", text)
    outputs = text.split("- name: opensearch")[1:]
    assert len(outputs) == 9
    for output in outputs:
        assert "suppress_type_name: on" in output
        assert "buffer_size: false" in output
        assert "pipeline: pabx-documents" in output
        assert "id_key: $event['id']" in output
        of_now = "alias: heartbeats" in output or "alias: live" in output
        assert ("retry_limit: no_limits" in output) is not of_now
        assert ("logstash_format: on" in output) is not of_now


@pytest.mark.skipif(BINARY is None, reason=ABSENT)
def test_fluent_bit_takes_the_configuration(folder: GateFolder) -> None:
    command = [str(BINARY), "--dry-run", "-c", str(folder.path / "fluent-bit.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert "configuration test is successful" in done.stdout + done.stderr
    assert done.returncode == 0
