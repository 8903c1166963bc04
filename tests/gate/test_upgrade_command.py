"""`central upgrade` as an engineer runs it, and the whole way from a bundle to the next version."""

import io
import itertools
import json
import re
import shlex
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central import cli
from central.cli import main
from central.upgrades.offer import Manifest, manifest_of, manifest_text, next_stamp, numbers, share
from compose.stack import OpenSearchCluster
from compose.stack.ports import free_port
from deploy.artefact import build
from shipper import __version__
from tests.central.outcome import Outcome
from tests.gate.running import now
from tests.gate.upgrading import agent
from tests.shipper.store import eventually

Central = Callable[..., Outcome]
NAMES = [f"Loja{number:03d}" for number in range(1, 21)]
CLOSED = "Loja020"


@pytest.fixture
def central(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Central:
    """Run `central` with a gate's directory of the test's own."""
    monkeypatch.setenv("PABX_GATE", str(tmp_path / "gate"))
    monkeypatch.delenv("OPENSEARCH_URL", raising=False)

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def office(
    central: Central, cluster: OpenSearchCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Path]:
    """A gate whose upgrades are on, and a register of 20 stores of which one is closed."""
    monkeypatch.setenv("OPENSEARCH_URL", cluster.url)
    rows = [f"{name},Nome,America/Sao_Paulo,{'2026-01-31' if name == CLOSED else ''}\n" for name in NAMES]
    (tmp_path / "stores.csv").write_text("id,name,timezone,closed_from\n" + "".join(rows))
    assert central("stores", "apply", tmp_path / "stores.csv").code == 0
    ports = ["--port", str(free_port()), "--inner-port", str(free_port()), "--http-port", str(free_port())]
    assert central("gate", "init", "--host", "localhost", "--listen", "127.0.0.1", *ports).code == 0
    assert central("upgrade", "init", "--key", tmp_path / "key").code == 0
    yield tmp_path
    cluster.request("DELETE", "/_ingest/pipeline/pabx-register")


def written(folder: Path, version: str, filling: int = 0) -> Path:
    file = folder / f"agent-{version}.pyz"
    file.write_bytes(agent(version, filling).content)
    return file


def offered(folder: Path) -> Manifest:
    body = json.loads((folder / "gate" / "upgrades" / "offer.json").read_text())
    return manifest_of(body["manifest"])


@pytest.mark.servers
def test_a_version_goes_out_in_stages(central: Central, office: Path) -> None:
    file = written(office, "0.2.0")

    def publish(*whom: str) -> Outcome:
        return central("upgrade", "publish", file, "--key", office / "key", *whom)

    nothing = central("upgrade", "status")
    assert (nothing.code, nothing.out) == (0, "nothing is offered\n")
    first = publish("--stores", "Loja003,Loja001")
    assert (first.code, first.err) == (0, "")
    assert "0.2.0 is offered to 2 of 20 stores; they ask within the hour\n" in first.out
    assert offered(office).stores == ("Loja001", "Loja003")
    tenth = publish("--percent", "10")
    chosen = offered(office).stores
    assert chosen is not None
    assert len(chosen) == 2
    assert CLOSED not in chosen
    gone = sorted({"Loja001", "Loja003"} - set(chosen))
    assert ("no longer offered to: " + ", ".join(gone) in tenth.out) == bool(gone)
    more = publish("--percent", "50")
    assert set(chosen) < set(offered(office).stores or ())
    assert "no longer" not in more.out
    assert "0.2.0 is offered to all stores" in publish("--all").out
    assert offered(office).stores is None
    status = central("upgrade", "status")
    assert status.out.startswith(
        f"0.2.0, published {offered(office).published}, offered to 20 stores\n0 have it"
    )
    assert "20 never reported: Loja001, Loja002" in status.out
    found = json.loads(central("upgrade", "status", "--json").out)
    assert (found["on"], found["offer"]["version"], found["offer"]["to_all"]) == (True, "0.2.0", True)
    assert "0.2.0" in central("stores", "inventory").out.splitlines()[1]
    halted = central("upgrade", "halt")
    assert halted.out == "0.2.0 is not offered any more; stores that have it keep it\n"
    assert central("upgrade", "halt").out == "nothing is offered\n"
    assert json.loads(central("upgrade", "status", "--json").out) == {"on": True, "offer": None}


@pytest.mark.servers
def test_what_is_not_published(central: Central, office: Path) -> None:
    def refused(file: Path, *more: str | Path) -> str:
        done = central("upgrade", "publish", file, "--key", office / "key", "--all", *more)
        assert (done.code, done.out) == (2, "")
        return done.err

    assert central("upgrade", "publish", written(office, "0.3.0"), "--key", office / "key", "--all").code == 0
    assert "0.2.0 is not newer than 0.3.0, which is offered: --allow-older" in refused(
        written(office, "0.2.0")
    )
    other = written(office, "0.3.0", 10)
    assert "0.3.0 is offered already with other contents" in refused(other)
    assert "0.3.0 is offered already with other contents" in refused(other, "--allow-older")
    assert "'0.4.0rc1' is no version such as 0.2.0" in refused(written(office, "0.4.0rc1"))
    text = office / "text.pyz"
    text.write_text("no zip")
    assert f"{text}: no agent: " in refused(text)
    with zipfile.ZipFile(office / "other.pyz", "w") as archive:
        archive.writestr("__main__.py", "")
    assert "no agent: shipper/cli.py is not in it" in refused(office / "other.pyz")
    assert "No such file or directory: make agent builds it" in refused(office / "none.pyz")
    damaged = bytearray(written(office, "0.4.0", 1000).read_bytes())
    damaged[-400] ^= 1
    (office / "damaged.pyz").write_bytes(damaged)
    assert "damaged.pyz: " in refused(office / "damaged.pyz")
    new = written(office, "0.4.0")
    unknown = central("upgrade", "publish", new, "--key", office / "key", "--stores", "Loja001,Loja999")
    assert unknown.err == ("central: --stores Loja999: not in the register; central stores list shows it\n")
    (office / "key").chmod(0o640)
    assert "others may read it (mode 640): chmod 600" in refused(new)
    (office / "key").chmod(0o600)
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", office / "other"], check=True)
    (office / "other").chmod(0o600)
    assert "--key does not belong to" in refused(new, "--key", office / "other")
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-out", office / "rsa"], check=True, capture_output=True
    )
    (office / "rsa").chmod(0o600)
    assert "a key of another kind than Ed25519" in refused(new, "--key", office / "rsa")
    locked = [
        "openssl",
        "pkey",
        "-in",
        office / "key",
        "-aes256",
        "-passout",
        "pass:x",
        "-out",
        office / "aes",
    ]
    subprocess.run(locked, check=True)
    (office / "aes").chmod(0o600)
    assert "it has a passphrase" in refused(new, "--key", office / "aes")
    assert offered(office).version == "0.3.0"
    back = central(
        "upgrade", "publish", written(office, "0.2.0"), "--key", office / "key", "--all", "--allow-older"
    )
    assert (back.code, offered(office).allow_older) == (0, True)
    (office / "gate" / "upgrade.pub").unlink()
    assert "upgrades are off; central upgrade init --key FILE" in refused(new)
    assert central("upgrade", "halt").code == 0
    assert "upgrades are off" in central("upgrade", "status").out


@pytest.mark.servers
def test_the_key(central: Central, office: Path) -> None:
    assert stat.S_IMODE((office / "key").stat().st_mode) == 0o600
    public = (office / "gate" / "upgrade.pub").read_text()
    openssl = subprocess.run(
        ["openssl", "pkey", "-in", office / "key", "-pubout"], capture_output=True, text=True, check=True
    )
    assert public == openssl.stdout
    again = central("upgrade", "init", "--key", office / "key")
    assert (again.code, (office / "gate" / "upgrade.pub").read_text()) == (0, public)
    other = central("upgrade", "init", "--key", office / "another")
    assert (other.code, "every store needs a new bundle" in other.err) == (2, True)
    assert not (office / "another").exists()
    replaced = central("upgrade", "init", "--key", office / "another", "--replace")
    assert replaced.code == 0
    assert (office / "gate" / "upgrade.pub").read_text() != public
    old = central("upgrade", "init", "--key", office / "key")
    assert (old.code, "does not belong to" in old.err) == (2, True)


@pytest.mark.servers
def test_from_a_bundle_to_the_next_version(central: Central, office: Path) -> None:
    """The real artefact, door and openssl; the store runs what is in its bundle, without our packages."""
    built = build(office / "dist")
    made = central(
        *("stores", "enrol", "--all", office / "stores.csv", "--output", office / "out"),
        *("--upgrades", "--agent", built.path),
    )
    assert made.code == 0, made.err
    etc, home, spool = office / "etc", office / "opt", office / "var"
    home.mkdir()
    spool.mkdir()
    with zipfile.ZipFile(office / "out" / "Loja007.zip") as archive:
        archive.extractall(etc)
    text = (etc / "shipper.toml").read_text().replace("/etc/pabx-shipper", str(etc))
    (etc / "shipper.toml").write_text(text + f"\n[spool]\npath = {json.dumps(str(spool / 'spool.db'))}\n")
    for name in ("cdr.password", "ami.secret"):
        (etc / name).write_text("secret")

    newer = io.BytesIO()
    with zipfile.ZipFile(built.path) as source, zipfile.ZipFile(newer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "shipper/__init__.py":
                content = content.replace(__version__.encode(), b"9.8.7")
            target.writestr(name, content)
    (office / "newer.pyz").write_bytes(newer.getvalue())

    ask = (
        "import sys; from pathlib import Path; sys.path[:0] = [sys.argv[1]]\n"
        "from deploy.linux.offer import fetch\n"
        "print(fetch(Path(sys.argv[2]), home=Path(sys.argv[3])))\n"
    )

    def fetch() -> str:
        command = [sys.executable, "-I", "-S", "-c", ask, etc / "shipper.pyz", etc, home]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    with (office / "door.log").open("ab") as log:
        serve = [sys.executable, "-m", "central", "gate", "serve", "--gate", office / "gate"]
        door = subprocess.Popen(serve, stdout=log, stderr=log)
    try:
        eventually(lambda: "stores come in on" in (office / "door.log").read_text(), "the door")
        assert fetch() == "None"
        publish = ("upgrade", "publish", office / "newer.pyz", "--key", office / "key")
        assert central(*publish, "--stores", "Loja001").code == 0
        assert fetch() == "None"
        assert central(*publish, "--stores", "Loja001,Loja007").code == 0
        assert fetch() == str(home / "fetched" / "shipper.pyz")
        assert (home / "fetched" / "shipper.pyz").read_bytes() == newer.getvalue()
    finally:
        door.kill()
        door.wait()


PAGE = (Path(__file__).parents[2] / "docs" / "upgrades.md").read_text(encoding="utf-8")


@pytest.mark.servers
def test_every_command_of_the_page_runs(
    central: Central, office: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(office)
    (office / "dist").mkdir()
    (office / "gate" / "upgrade.pub").unlink()
    for version in ("0.1.0", "0.2.0"):
        (office / "dist" / f"pabx-shipper-{version}.pyz").write_bytes(agent(version).content)
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert len(commands) == 8
    for program, *words in commands:
        assert program == "central"
        done = central(*words)
        assert (done.code, done.err) == (0, ""), words
        assert done.out
    assert offered(office).stores is None
    body = json.loads(central("upgrade", "status", "--json").out)
    assert {name for name in {**body, **body["offer"]} if f"`{name}`" not in PAGE} == set()


def test_every_part_is_explained() -> None:
    commands = cli._parser()._subparsers._group_actions[0].choices["upgrade"]._subparsers._group_actions[0]
    found = {
        (name, option)
        for name, command in commands.choices.items()
        for action in command._actions
        for option in action.option_strings
        if option not in {"-h", "--help", "--gate", "--url", "--user", "--password-file", "--ca-file"}
    }
    assert {name for name in commands.choices if f"`central upgrade {name}" not in PAGE} == set()
    assert {option for _, option in found if option not in PAGE} == set()
    assert len(found) == 8


@pytest.mark.servers
def test_the_key_may_come_through_a_pipe(office: Path) -> None:
    """So it never lies on the gate's disk."""
    key = (office / "key").read_bytes()
    for words in (
        ["init", "--key", "/dev/stdin"],
        ["publish", written(office, "0.2.0"), "--key", "/dev/stdin", "--all"],
    ):
        command = [sys.executable, "-m", "central", "upgrade", *words]
        done = subprocess.run(command, input=key, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    assert offered(office).version == "0.2.0"


def test_a_share_grows_and_depends_on_nothing_but_version_and_id() -> None:
    names = [f"Loja{number:03d}" for number in range(140)]
    shares = [set(share(names, "0.2.0", percent)) for percent in range(1, 101)]
    assert [len(one) for one in shares][:10] == [2, 3, 5, 6, 7, 9, 10, 12, 13, 14]
    assert all(small <= large for small, large in itertools.pairwise(shares))
    assert shares[-1] == set(names)
    assert set(share(names[::-1], "0.2.0", 10)) == shares[9]
    assert set(share(names, "0.2.1", 10)) != shares[9]
    assert share(["A", "B"], "0.2.0", 1) in {("A",), ("B",)}
    # Over many versions nobody is drawn first more often than chance lets it.
    first = [share(names[:10], f"0.{number}.0", 10)[0] for number in range(1000)]
    assert all(60 < first.count(name) < 140 for name in names[:10])


def test_versions_compare_as_numbers() -> None:
    assert numbers("0.10.0") > numbers("0.9.9")
    assert numbers("1.0") == numbers("1.0.0.0") < numbers("1.0.1")
    for wrong in ("1", "1.2.3.4.5", "01.2", "1.2rc1", "1..2", "", "1.٢", "../1.2"):
        with pytest.raises(ValueError, match="is no version such as"):
            numbers(wrong)


def test_each_manifest_is_later_than_the_one_before() -> None:
    moment = now().replace(year=2026, month=11, day=26, hour=12, minute=0, second=0)
    assert next_stamp(moment, "") == "2026-11-26T12:00:00Z"
    assert next_stamp(moment, "2026-11-26T12:00:00Z") == "2026-11-26T12:00:01Z"
    assert next_stamp(moment, "2026-12-31T23:59:59Z") == "2027-01-01T00:00:00Z"


def test_a_manifest_is_read_as_it_was_written() -> None:
    for stores in (None, ("Loja001", "LojaSão")):
        for older in (True, False):
            manifest = Manifest("0.2.0", "ab" * 32, 12, stores, "2026-11-26T12:00:00Z", older)
            assert manifest_of(manifest_text(manifest)) == manifest
