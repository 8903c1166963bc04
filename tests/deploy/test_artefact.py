"""The agent as one file: what is in it, that it is built the same everywhere, and that it runs alone."""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.artefact import BuildError, build, locked, own, packing
from deploy.artefact.start import too_old
from deploy.entry import INSTALLER
from shipper import __version__
from tests.servers import CdrDatabase
from tests.shipper.store import Store, fill

ROOT = Path(__file__).parents[2]
NAME = f"pabx-shipper-{__version__}.pyz"
ALONE = (sys.executable, "-I", "-S")
"""Neither the checkout, nor what is installed, nor any PYTHON* variable."""
SEVERAL_MB = 5_000_000


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dist")).path


@pytest.fixture(scope="module")
def files(agent: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(agent) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def alone(agent: Path, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run the agent in a folder of its own, in an environment that is empty."""
    options = {"env": {}, "cwd": agent.parent, "timeout": 90} | options
    return subprocess.run(
        [*ALONE, str(agent), *arguments], capture_output=True, text=True, check=False, **options
    )


class TestBuilding:
    def test_two_copies_of_the_checkout_give_the_same_bytes(self, agent: Path, tmp_path: Path) -> None:
        """By the command, in other folders, at another time, in another order, with another mask of modes."""
        made: list[bytes] = []
        for number, umask in enumerate((0o022, 0o077)):
            copy = tmp_path / f"copy{number}" / ("deep" * number)
            copy.mkdir(parents=True)
            for name in sorted(("shipper", "deploy"), reverse=bool(number)):
                ignored = shutil.ignore_patterns("__pycache__") if number else None
                shutil.copytree(ROOT / name, copy / name, ignore=ignored)
            for name in ("requirements.lock", "LICENSE"):
                shutil.copy(ROOT / name, copy / name)
            (copy / "shipper" / ".editor.swp").write_text("passing")
            done = subprocess.run(
                [sys.executable, "-m", "deploy.artefact"],
                cwd=copy,
                env={**os.environ, "PYTHONHASHSEED": str(number + 1), "TZ": f"UTC+{number}"},
                umask=umask,
                capture_output=True,
                text=True,
                check=True,
            )
            made.append((copy / "dist" / NAME).read_bytes())
            assert f"dist/{NAME}" in done.stdout
        assert made[0] == made[1] == agent.read_bytes()

    def test_the_checksum_is_of_the_form_that_sha256sum_reads(self, agent: Path) -> None:
        text = agent.with_name(f"{NAME}.sha256").read_text()
        assert text == f"{hashlib.sha256(agent.read_bytes()).hexdigest()}  {NAME}\n"
        command = ["sha256sum", "--check", "--strict", f"{NAME}.sha256"]
        assert subprocess.run(command, cwd=agent.parent, check=False, capture_output=True).returncode == 0

    def test_it_is_small_and_can_be_called_by_its_name(self, agent: Path) -> None:
        assert agent.name == NAME
        assert 500_000 < agent.stat().st_size < SEVERAL_MB
        assert agent.stat().st_mode & 0o777 == 0o755
        assert agent.read_bytes().startswith(b"#!/usr/bin/env python3\n")

    @pytest.mark.parametrize(
        ("lock", "problem"),
        [
            ("", "names no distribution"),
            ("pymysql==0.0.1 \\\n    --hash=sha256:00\n", "the lock wants 0.0.1"),
            ("no-such-distribution==1.0\n", "no-such-distribution 1.0 is not installed"),
        ],
    )
    def test_what_the_lock_names_must_be_there(self, tmp_path: Path, lock: str, problem: str) -> None:
        for name in ("shipper", "deploy"):
            (tmp_path / name).symlink_to(ROOT / name)
        shutil.copy(ROOT / "LICENSE", tmp_path)
        (tmp_path / "requirements.lock").write_text(lock)
        with pytest.raises(BuildError, match=re.escape(problem)) as raised:
            build(tmp_path / "dist", tmp_path)
        assert "make " in str(raised.value)
        assert not (tmp_path / "dist").exists()

    def test_a_file_that_was_changed_since_it_was_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        about = tmp_path / "changed-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: changed\nVersion: 1.0\n")
        (tmp_path / "changed.py").write_text("A = 1\n")
        # printf 'A = 1\n' | sha256sum | cut -d' ' -f1 | xxd -r -p | base64, in the alphabet for addresses
        digest = "Bu289DNhZaJx5lJAJaZDnDyqMkb9B5bxFncieXB6UyU"
        (about / "RECORD").write_text(f"changed.py,sha256={digest},6\nchanged-1.0.dist-info/RECORD,,\n")
        monkeypatch.syspath_prepend(tmp_path)
        assert locked.distribution("changed", "1.0") == {"changed.py": b"A = 1\n"}
        (tmp_path / "changed.py").write_text("A = 2\n")
        with pytest.raises(BuildError, match=r"changed\.py is not as it was installed"):
            locked.distribution("changed", "1.0")

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "dist").write_text("a file")
        done = subprocess.run(
            [sys.executable, "-m", "deploy.artefact", "--output", str(tmp_path / "dist")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"artefact: {tmp_path / 'dist'}: File exists")


class TestContents:
    def test_nothing_compiled_for_a_machine_no_tests_and_no_names_of_places(
        self, files: dict[str, bytes]
    ) -> None:
        endings = {Path(name).suffix for name in files}
        assert not endings & {".so", ".pyd", ".c", ".h", ".pyi", ".swp", ".exe"}
        for part in (
            "geodata/",
            "carrierdata/",
            "phonenumbers/tzdata/",
            "tests/",
            "testing.py",
            "__pycache__",
        ):
            assert not [name for name in files if part in name], part
        for name in files:
            assert not name.startswith(("/", "..", "central", "compose", "dashboards", "tests"))
            assert not name.startswith(
                ("deploy/artefact", "deploy/windows", "deploy/bundle", "deploy/central")
            )

    def test_whose_it_is_and_under_which_licence(self, files: dict[str, bytes]) -> None:
        """A licence for us and for each distribution of the lock, none of them empty."""
        names = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
        assert len(names) == 7
        for name in names:
            folder = name.replace("-", "_")
            licences = [
                path
                for path in files
                if re.match(rf"(?i){folder}-[^/]*\.dist-info/.*(LICENSE|COPYING)", path)
                and len(files[path]) > 500
            ]
            assert licences, name
        assert files["LICENSE"] == (ROOT / "LICENSE").read_bytes()

    def test_nothing_of_this_machine_is_in_it(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            for path in (str(ROOT), str(Path.home()), sys.prefix):
                assert path.encode() not in content, (name, path)

    def test_the_same_dates_and_modes_for_all(self, agent: Path) -> None:
        with zipfile.ZipFile(agent) as archive:
            entries = archive.infolist()
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr for entry in entries} == {0o100644 << 16}
        assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)

    def test_passing_files_of_an_editor_stay_out(self, tmp_path: Path) -> None:
        for folder in ("shipper", "deploy/linux"):
            shutil.copytree(ROOT / folder, tmp_path / folder)
        for name in own.FILES:
            shutil.copy(ROOT / name, tmp_path / name)
        before = own.sources(tmp_path).keys()
        for name in ("a.py~", ".a.py.swp", "a.py.orig", "__pycache__/a.pyc", ".hidden/a.py"):
            (tmp_path / "shipper" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "shipper" / name).write_text("")
        assert own.sources(tmp_path).keys() == before
        (tmp_path / "shipper" / "new.py").write_text("")
        assert own.sources(tmp_path).keys() == before | {"shipper/new.py"}

    def test_the_installer_needs_nothing_that_is_not_in_it(self) -> None:
        """By its imports: Python itself, the agent, and the database's driver."""
        allowed = {*sys.stdlib_module_names, "shipper", "pymysql", "deploy"}
        sources = [*(ROOT / "deploy" / "linux").rglob("*.py"), ROOT / "deploy" / "entry.py"]
        for file in sources:
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                found: list[str] = []
                if isinstance(node, ast.Import):
                    found = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    assert node.level == 0, file
                    found = [str(node.module)]
                for name in found:
                    assert name.partition(".")[0] in allowed, f"{file}: {name}"
                    assert not name.startswith("deploy.") or name.startswith(("deploy.linux", "deploy.entry"))


class TestRunningAlone:
    def test_its_version(self, agent: Path) -> None:
        done = alone(agent, "--version")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"shipper {__version__}\n", "")

    def test_the_bytecode_beside_the_sources_is_what_runs(self, agent: Path, tmp_path: Path) -> None:
        """It is for this minor version of Python: a source that is no Python is not looked at."""
        spoilt = tmp_path / "spoilt.pyz"
        with zipfile.ZipFile(agent) as archive, zipfile.ZipFile(spoilt, "w") as copy:
            for name in archive.namelist():
                own_source = name.startswith("shipper/") and name.endswith(".py")
                copy.writestr(name, "no Python at all" if own_source else archive.read(name))
        assert alone(spoilt, "--version").stdout == f"shipper {__version__}\n"

    def test_a_source_gives_the_same_bytecode_whoever_else_uses_its_words(self) -> None:
        """Python's own form of bytecode counts users of a value; ours must not."""
        source = b"def f():\n    return 'a b', 1.5, {'x', 'y', 'z'}, __name__\n"
        first = packing.compiled({"a.py": source})
        kept = [compile(source, "a.py", "exec") for _ in range(3)]
        assert packing.compiled({"a.py": source}) == first
        assert kept
        assert list(first) == ["a.pyc"]

    def test_time_zones_and_countries_come_out_of_the_file(self, agent: Path) -> None:
        """Without the system's zones; and numbers, also short ones, of a country that is not Brazil."""
        shown = (
            f"import sys; sys.path[:0] = [{str(agent)!r}]\n"
            "import zoneinfo; zoneinfo.reset_tzpath([])\n"
            "from datetime import datetime\n"
            "print(datetime(2018, 12, 1, tzinfo=zoneinfo.ZoneInfo('America/Sao_Paulo')).utcoffset())\n"
            "print('America/Recife' in zoneinfo.available_timezones())\n"
            "from shipper.numbering import reader\n"
            "read = reader('PT', '21'); print(read('112').category, read('212345678').e164)\n"
            "import msgpack; print(msgpack.Packer.__module__)\n"
            "print(msgpack.unpackb(msgpack.packb({'a': [1, 'ç']})))\n"
            "import phonenumbers, pymysql, fluent.sender, panoramisk, fastjsonschema, shipper\n"
            "print({m.__file__.partition('.pyz')[1] for m in (phonenumbers, pymysql, fluent.sender,"
            " panoramisk, fastjsonschema, shipper)})\n"
        )
        done = subprocess.run([*ALONE, "-c", shown], capture_output=True, text=True, check=False, env={})
        assert done.stderr == ""
        assert done.stdout.splitlines() == [
            "-1 day, 22:00:00",
            "True",
            "service +351212345678",
            "msgpack.fallback",
            "{'a': [1, 'ç']}",
            "{'.pyz'}",
        ]

    def test_usage_and_configuration_are_judged_as_by_the_installed_agent(
        self, agent: Path, tmp_path: Path, store: Store
    ) -> None:
        shown = alone(agent, "--help")
        assert shown.returncode == 0
        assert all(command in shown.stdout for command in INSTALLER)
        assert alone(agent, "no-such-command").returncode == 2
        missing = alone(agent, "check", "--config", str(tmp_path / "none.toml"))
        assert (missing.returncode, "none.toml" in missing.stderr) == (2, True)
        store.set("store", timezone="America/Sao_Paolo")
        wrong = alone(agent, "status", "--config", str(store.write()))
        assert (wrong.returncode, "did you mean America/Sao_Paulo?" in wrong.stderr) == (2, True)

    @pytest.mark.parametrize("command", sorted(INSTALLER))
    def test_the_installer_is_in_it_and_has_its_commands(self, agent: Path, command: str) -> None:
        done = alone(agent, command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert command in done.stdout
        assert "--config" not in done.stdout

    @pytest.mark.servers
    def test_it_reads_and_delivers(
        self, agent: Path, ready_store: Store, cdr_database: CdrDatabase, found: Callable[..., list[Any]]
    ) -> None:
        """Real database, real cluster; the same documents as the installed agent makes."""
        fill(cdr_database, 40, start="2026-01-05 10:00:00")
        config = str(ready_store.write())
        checked = alone(agent, "check", "--config", config)
        assert f"at {ready_store.settings['output.opensearch']['url']}" in checked.stdout, checked.stderr
        done = alone(agent, "run", "--once", "--config", config)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("shipper: 40 rows read")
        rows = {hit["_id"]: hit["_source"]["cdr"] for hit in found()}
        assert len(rows) == 40
        assert ready_store.run("backfill", "--since", "2026-01-01").code == 0
        assert {hit["_id"]: hit["_source"]["cdr"] for hit in found()} == rows
        assert {hit["_source"]["agent"]["version"] for hit in found("pabx-stores")} == {__version__}

    def test_an_old_python_is_told_in_one_line(self, agent: Path) -> None:
        assert too_old((3, 11), "x") == too_old((3, 14), "x") == ""
        assert too_old((3, 10), "x.pyz") == (
            "shipper: needs Python 3.11 or newer, this is 3.10: run it with a newer one, python3.11 x.pyz"
        )
        for version in (2, 7), (3, 4), (3, 9):
            assert f"this is {version[0]}.{version[1]}" in too_old(version, "x")
        with zipfile.ZipFile(agent) as archive:
            assert "__main__.pyc" not in archive.namelist()

    @pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10"])
    def test_a_real_old_python_is_told(self, agent: Path, version: str) -> None:
        done = subprocess.run(
            [_python(version), str(agent), "run"],
            capture_output=True,
            text=True,
            check=False,
            cwd=agent.parent,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
        assert f"needs Python 3.11 or newer, this is {version}:" in done.stderr

    @pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
    def test_a_newer_python_compiles_the_sources(self, agent: Path, version: str, store: Store) -> None:
        command = [_python(version), "-I", "-S", str(agent), "status", "--config", str(store.write())]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={}, cwd=agent.parent)
        assert (done.returncode, done.stdout) == (1, "")
        assert "spool.db does not exist" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def _python(version: str) -> str:
    """A real interpreter of that version, whatever leads to it."""
    shown = "import sys; sys.stdout.write(sys.executable)"
    for name in (f"python{version}", *_others(version)):
        found = shutil.which(name)
        if found is None:
            continue
        done = subprocess.run([found, "-c", shown], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout:
            return done.stdout
    pytest.skip(f"there is no Python {version} here")


def _others(version: str) -> list[str]:
    """Where pyenv, if it is here, keeps those that are not on the path."""
    root = os.environ.get("PYENV_ROOT") or str(Path.home() / ".pyenv")
    return sorted(str(file) for file in Path(root).glob(f"versions/{version}.*/bin/python"))
