"""`central stores enrol --all` and `--bundle`: one file a store, made again the same, and nobody shut out."""

import io
import json
import stat
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central.errors import UsageError
from central.gate import control
from central.stores.bundle import SOURCES, packed
from central.upgrades import artefact
from compose.stack import OpenSearchCluster
from compose.stack.ports import free_port
from shipper import __version__
from shipper.config import load
from tests.central.outcome import Outcome
from tests.gate.running import ABSENT, BINARY, Gate
from tests.gate.upgrading import agent

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
ROOT = Path(__file__).parents[2]
HEAD = "id,name,city,timezone,area_code,trunks,closed_from\n"
NAMES = [f"Loja{number:03d}" for number in range(1, 141)]
MEMBERS = [*SOURCES, "shipper.pyz", "ca.pem", "shipper.toml"]


class Office:
    """A register of stores in the cluster, a gate's directory, and an agent to hand out."""

    def __init__(self, folder: Path, central: Central, url: str, gate: Path | None = None) -> None:
        self.folder, self._central, self._url = folder, central, url
        self.gate = gate or folder / "gate"
        self.out = folder / "bundles"
        self.agent = folder / "agent.pyz"
        self.agent.write_bytes(agent("0.7.0", 2_000_000).content)
        if gate is None:
            made = self.run("gate", "init", "--host", "gate.example", "--http-port", free_port())
            assert made.code == 0, made.err

    def run(self, *arguments: object) -> Outcome:
        return self._central(*map(str, arguments), "--url", self._url, "--gate", str(self.gate))

    def register(self, *names: str, **closed: str) -> Path:
        """Apply a register of these stores."""
        file = self.folder / "stores.csv"
        rows = [
            f"{name},{name} nome,Santos,America/Sao_Paulo,13,vivo,{closed.get(name, '')}" for name in names
        ]
        file.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
        done = self._central("stores", "apply", file, "--url", self._url)
        assert done.code == 0, done.err
        return file

    def enrol(self, file: Path, *more: object) -> Outcome:
        return self.run("stores", "enrol", "--all", file, "--output", self.out, "--agent", self.agent, *more)

    def bundles(self) -> dict[str, bytes]:
        return {path.stem: path.read_bytes() for path in sorted(self.out.glob("*.zip"))}

    def tokens(self) -> dict[str, str]:
        found = json.loads((self.gate / "credentials.json").read_text())
        return {store: one["token"] for store, one in found.items()}


@pytest.fixture
def cluster(cluster: OpenSearchCluster) -> Iterator[OpenSearchCluster]:
    """Without a register before, and without one for whoever comes next."""
    if "pabx-register" in cluster.request("GET", "/_ingest/pipeline"):
        cluster.request("DELETE", "/_ingest/pipeline/pabx-register")
    yield cluster
    if "pabx-register" in cluster.request("GET", "/_ingest/pipeline"):
        cluster.request("DELETE", "/_ingest/pipeline/pabx-register")


@pytest.fixture
def office(tmp_path: Path, central: Central, cluster: OpenSearchCluster) -> Office:
    return Office(tmp_path, central, cluster.url)


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_140_stores_in_seconds_and_again_the_same(office: Office) -> None:
    file = office.register(*NAMES)
    began = time.monotonic()
    first = office.enrol(file)
    took = time.monotonic() - began
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("stores: 140 new, 0 renewed, 0 kept, 0 passed over\nnew: Loja001, Loja002,")
    assert f"{office.out}: 140 bundles with the agent 0.7.0\n" in first.out
    assert took < 20
    bundles, tokens = office.bundles(), office.tokens()
    assert list(bundles) == NAMES
    assert len(set(tokens.values())) == 140
    assert not [token for token in tokens.values() if token in first.out]
    again = office.enrol(file)
    assert again.out.startswith("stores: 0 new, 0 renewed, 140 kept, 0 passed over\n")
    assert office.bundles() == bundles
    assert office.tokens() == tokens


def test_what_is_in_a_bundle_and_who_may_read_it(office: Office, tmp_path: Path) -> None:
    office.enrol(office.register("Loja001", "Loja002"))
    assert stat.S_IMODE(office.out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in office.out.iterdir()} == {0o600}
    one, other = (opened(content) for content in office.bundles().values())
    assert list(one) == MEMBERS
    assert {name for name in one if one[name] != other[name]} == {"shipper.toml"}
    for name, source in SOURCES.items():
        assert one[name] == (ROOT / "deploy" / source).read_bytes()
    assert one["shipper.pyz"] == office.agent.read_bytes()
    assert one["ca.pem"] == (office.gate / "ca.pem").read_bytes()
    said = tomllib.loads(one["shipper.toml"].decode())
    assert said["cdr"] == {"password_file": "/etc/pabx-shipper/cdr.password"}
    assert said["ami"] == {"secret_file": "/etc/pabx-shipper/ami.secret"}
    assert said["output"]["forward"]["password"] == office.tokens()["Loja001"]
    # The agent can read it, once the installer has made both files.
    text = one["shipper.toml"].decode().replace("/etc/pabx-shipper", str(tmp_path))
    for name in ("shipper.toml", "cdr.password", "ami.secret"):
        (tmp_path / name).write_text(text if name == "shipper.toml" else f"secret of {name}\n")
    config = load(tmp_path / "shipper.toml", {})
    assert (config.store.id, config.store.area_code, config.store.trunks) == ("Loja001", "13", ("vivo",))
    assert (config.cdr.password, config.ami.secret) == ("secret of cdr.password", "secret of ami.secret")


def test_the_same_files_make_the_same_zip() -> None:
    files = {"a.txt": b"one\r\n", "shipper.pyz": b"two" * 1000}
    first = packed(files)
    time.sleep(2.1)  # a zip's clock has steps of two seconds
    assert packed(files) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert [entry.date_time for entry in archive.infolist()] == [(1980, 1, 1, 0, 0, 0)] * 2


def test_a_token_is_replaced_only_where_it_is_asked_for(office: Office) -> None:
    file = office.register("Loja001", "Loja002")
    office.enrol(file)
    before = office.tokens()
    renewed = office.enrol(file, "--renew")
    assert "0 new, 2 renewed, 0 kept, 0 passed over\nrenewed: Loja001, Loja002\n" in renewed.out
    assert not set(before.values()) & set(office.tokens().values())
    text = opened(office.bundles()["Loja002"])["shipper.toml"].decode()
    assert office.tokens()["Loja002"] in text


def test_who_is_closed_or_revoked_is_named_and_gets_nothing(office: Office) -> None:
    file = office.register("Loja001", "Loja002", "Loja003", Loja003="2026-01-31")
    office.run("stores", "enrol", "Loja002", "--output", office.folder / "two")
    assert office.run("stores", "revoke", "Loja002").code == 0
    done = office.enrol(file)
    assert done.out.startswith("stores: 1 new, 0 renewed, 0 kept, 2 passed over\nnew: Loja001\n")
    assert "passed over: Loja002, revoked on 20" in done.out
    assert (
        "passed over: Loja003, closed since 2026-01-31; all the same: central stores enrol Loja003"
        in done.out
    )
    assert set(office.tokens()) == set(office.bundles()) == {"Loja001"}
    named = office.run(
        "stores", "enrol", "Loja002", "--bundle", "--output", office.out, "--agent", office.agent
    )
    assert named.out.startswith("stores: 1 new,")
    assert set(office.bundles()) == {"Loja001", "Loja002"}
    assert "0 new, 0 renewed, 2 kept, 1 passed over" in office.enrol(file).out  # it is not revoked any more


def test_a_lost_bundle_is_made_again_with_its_token(office: Office) -> None:
    office.enrol(office.register("Loja001"))
    before = office.bundles()
    (office.out / "Loja001.zip").unlink()
    done = office.run(
        "stores", "enrol", "Loja001", "--bundle", "--output", office.out, "--agent", office.agent
    )
    assert (done.code, office.bundles()) == (0, before)


def test_a_store_without_a_line_stops_all(office: Office) -> None:
    office.register("Loja001")
    file = office.folder / "more.csv"
    file.write_text(HEAD + "".join(f"Loja00{n},Nome,,America/Sao_Paulo,,,\n" for n in (1, 2, 3)))
    done = office.enrol(file)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "central: Loja002, Loja003: not in the register, nobody was enrolled: "
        "run central stores apply with this file first\n"
    )
    assert office.tokens() == {}


def test_a_wrong_file_gives_what_apply_gives(office: Office) -> None:
    file = office.folder / "wrong.csv"
    file.write_text(HEAD + "Loja001,,,America/Sao_Paolo,,,\n")
    done = office.enrol(file)
    applied = office._central("stores", "apply", file, "--url", office._url)
    assert (done.code, done.out, done.err) == (2, "", applied.err)
    assert "did you mean America/Sao_Paulo?" in done.err


def test_what_cannot_be_written_is_named_and_the_others_are_done(office: Office) -> None:
    file = office.register("Loja001", "Loja002", "Loja003")
    (office.out / "Loja002.zip").mkdir(parents=True)
    done = office.enrol(file)
    assert done.code == 1
    assert done.err.startswith("central: no bundle for 1 of 3 stores: mend that, and run it again")
    assert f"Loja002: {office.out}/Loja002.zip: Is a directory" in done.err
    (office.out / "Loja002.zip").rmdir()
    assert office.enrol(file).code == 0
    assert list(office.bundles()) == ["Loja001", "Loja002", "Loja003"]
    assert not list(office.out.glob(".*"))


def test_options_that_do_not_fit(office: Office) -> None:
    file = office.register("Loja001")
    both = office.run("stores", "enrol", "Loja001", "--all", file, "--output", office.out)
    none = office.run("stores", "enrol", "--output", office.out)
    assert (both.code, none.code, both.err) == (2, 2, none.err)
    assert "central stores enrol STORE_ID | --all FILE.csv" in none.err
    plain = office.run("stores", "enrol", "Loja001", "--output", office.out, "--upgrades")
    assert (plain.code, "add --bundle" in plain.err) == (2, True)
    off = office.enrol(file, "--upgrades")
    assert (off.code, "upgrade.pub is missing: central upgrade init --key FILE" in off.err) == (2, True)
    wrong = office.enrol(file, "--agent", file)
    assert (wrong.code, "stores.csv: no agent: " in wrong.err) == (2, True)
    assert not office.out.exists()


def test_bundles_with_upgrades_carry_the_key(office: Office) -> None:
    file = office.register("Loja001")
    assert office._central("upgrade", "init", "--key", office.folder / "key", "--gate", office.gate).code == 0
    assert office.enrol(file).code == 0
    assert "upgrade.pub" not in opened(office.bundles()["Loja001"])
    assert office.enrol(file, "--upgrades").code == 0
    found = opened(office.bundles()["Loja001"])
    assert found["upgrade.pub"] == (office.gate / "upgrade.pub").read_bytes()
    assert b"PRIVATE" not in b"".join(found[name] for name in found if name != "shipper.pyz")


def test_client_certificates_go_along(office: Office) -> None:
    office.run("gate", "init", "--client-certificates")
    office.enrol(office.register("Loja001"))
    found = opened(office.bundles()["Loja001"])
    said = tomllib.loads(found["shipper.toml"].decode())["output"]["forward"]
    assert said["client_certificate_key"] == "/etc/pabx-shipper/client-key.pem"
    assert found["client-key.pem"].startswith(b"-----BEGIN PRIVATE KEY-----")


def test_which_agent_goes_in(tmp_path: Path) -> None:
    package, given = tmp_path / "central", tmp_path / "given.pyz"
    name = f"pabx-shipper-{__version__}.pyz"
    with pytest.raises(UsageError, match=r"dist/pabx-shipper-.*: make agent builds it"):
        artefact.find(None, package)
    built, own = tmp_path / "dist" / name, package / "assets" / "agent" / name
    for place in (built, own):
        place.parent.mkdir(parents=True)
        place.touch()
        assert artefact.find(None, package) == place
    assert artefact.find(given, package) == given


@pytest.mark.skipif(BINARY is None, reason=ABSENT)
def test_a_running_fluent_bit_reads_its_files_once(
    tmp_path: Path, central: Central, cluster: OpenSearchCluster
) -> None:
    gate = Gate(tmp_path / "gates", cluster)
    try:
        gate.start()
        office = Office(tmp_path, central, cluster.url, gate.folder.path)
        done = office.enrol(office.register(*NAMES[:20]))
        assert done.out.endswith("the running Fluent Bit has taken it in\n")
        assert control._count(gate.settings.http_port) == 1
    finally:
        gate.close()
