"""What lies beside the agent in a store's bundle: its __main__.py in a real zip, instalar.cmd, LEIA-ME."""

import ast
import io
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[3] / "deploy"
MAIN = (DEPLOY / "bundle" / "main.py").read_bytes()
# Stands for the agent: what is looked at here is how it is called, not what it does (tests/deploy/linux).
AGENT = b"""
import os, sys
here = os.path.dirname(os.path.abspath(sys.argv[0]))
print(repr(sys.argv[1:]))
print(here)
print(oct(os.stat(here).st_mode & 0o777))
sys.exit(7)
"""
NOBODY = 65534
as_root = pytest.mark.skipif(os.getuid() != 0, reason="the bundle's installer runs as root only")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can look into, which pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="pabx-bundle-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def agent() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("__main__.py", AGENT)
    return held.getvalue()


def bundle(folder: Path, name: str = "Loja001.zip", **members: bytes) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", MAIN)
        for member, content in members.items():
            archive.writestr(f"{member}.pyz", content)
    return path


def run(*arguments: str | Path, python: str = sys.executable) -> tuple[int, str, str]:
    done = subprocess.run(
        [python, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@as_root
@pytest.mark.parametrize("name", ["Loja001.zip", "Loja 001 São João.zip", "Loja001 (1).zip"])
def test_zip_runs_the_agents_installer_with_itself(folder: Path, name: str) -> None:
    path = bundle(folder, name, shipper=agent())
    code, out, err = run(path, "--yes", "--dry-run")
    given, where, mode = out.splitlines()
    assert given == repr(["install", "--bundle", str(path), "--yes", "--dry-run"])
    assert mode == oct(stat.S_IRWXU)
    assert not Path(where).exists(), "the agent's copy was left behind"
    assert (code, err) == (7, "")


@as_root
def test_extracted_folder_does_the_same(folder: Path) -> None:
    (folder / "__main__.py").write_bytes(MAIN)
    (folder / "shipper.pyz").write_bytes(agent())
    for started in (folder, folder / "__main__.py"):
        code, out, _ = run(started, "--yes")
        assert out.splitlines()[0] == repr(["install", "--bundle", str(folder), "--yes"])
        assert code == 7


@as_root
def test_uninstall_is_handed_on(folder: Path) -> None:
    code, out, _ = run(bundle(folder, shipper=agent()), "--yes", "--uninstall")
    assert out.splitlines()[0] == repr(["uninstall", "--yes"])
    assert code == 7


@as_root
def test_who_is_not_root_is_told_how(folder: Path) -> None:
    path = bundle(folder, shipper=agent())
    # The interpreter may lie where only root can go, so it gives its rights away after its start.
    lesser = (
        "import os, pkgutil, runpy, shutil, subprocess, sys, tempfile, zipfile, zlib\n"
        f"os.setuid({NOBODY})\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    assert run("-c", lesser, path, "--yes") == (
        2,
        "",
        f"Precisa ser root: sudo python3 {path}\nThis needs root: sudo python3 {path}\n",
    )


@as_root
def test_incomplete_bundle_is_named(folder: Path) -> None:
    path = bundle(folder)
    code, out, err = run(path)
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == f"{path} está incompleto, copie-o de novo"  # no English in it
    assert err.splitlines()[1].startswith(f"{path} is incomplete, copy it again: ")
    assert "shipper.pyz" in err


@as_root
def test_damaged_bundle_runs_nothing(folder: Path) -> None:
    """Each byte of the agent in the zip turned round in its turn: told, and never started."""
    path = bundle(folder, shipper=agent())
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("shipper.pyz")
    start = member.header_offset + 30 + len(member.filename)
    for at in range(start, start + member.compress_size, max(1, member.compress_size // 12)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        code, out, err = run(path)
        assert (code, out) == (2, ""), at
        assert f"{path} is incomplete, copy it again: " in err


def old_pythons() -> dict[str, str]:
    """Interpreters below 3.11 that start here, by version; those that pyenv has installed too."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places = [found for minor in range(4, 11) if (found := shutil.which(f"python3.{minor}"))]
    places += [found] if (found := shutil.which("python2.7")) else []
    old = {}
    for place in [*places, *map(str, home.glob("versions/*/bin/python"))]:
        asked = subprocess.run(
            [place, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        version = asked.stdout.strip()
        if asked.returncode == 0 and tuple(map(int, version.split("."))) < (3, 11):
            old[version] = place
    return old


def test_old_python_is_told_in_one_line_of_each_language(folder: Path) -> None:
    found = old_pythons()
    if not found:
        pytest.skip("this machine has no Python below 3.11; the syntax is looked at all the same")
    path = bundle(folder, shipper=agent())
    for version, python in found.items():
        code, out, err = run(path, "--yes", python=python)
        assert (code, out) == (2, ""), version
        portuguese, english = err.splitlines()
        start = f"Precisa de Python 3.11 ou mais novo, este é o {version}: "
        assert portuguese == start + f"use um mais novo, python3.11 {path}"
        start = f"Python 3.11 or newer is needed, this is {version}: "
        assert english == start + f"use a newer one, python3.11 {path}"


def test_main_has_no_syntax_of_newer_pythons() -> None:
    # Python 2.7 reads a file with accents only where it says its encoding.
    assert MAIN.splitlines()[0] == b"# -*- coding: utf-8 -*-"
    tree = ast.parse(MAIN, feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Starred, ast.Nonlocal, ast.AsyncFunctionDef)
    assert [node for node in ast.walk(tree) if isinstance(node, newer)] == []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert len(functions) == 3
    for function in functions:
        arguments = function.args
        assert function.returns is None
        assert [each.annotation for each in arguments.args] == [None] * len(arguments.args)
        assert (arguments.kwonlyargs, arguments.posonlyargs) == ([], [])
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert modules == {"os", "shutil", "subprocess", "sys", "tempfile", "zipfile", "zlib"}
    # What Python 2 does not have, or does otherwise.
    assert not re.search(rb"\bprint\b|\bfrom\b.*\bimport\b|raise .* from ", MAIN.split(b'"""', 2)[2])


def test_readme_is_for_notepad_and_fits_a_window() -> None:
    content = (DEPLOY / "bundle" / "LEIA-ME.txt").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == content.count(b"\n")
    text = content.decode("utf-8-sig")
    portuguese, english = text.split("-" * 78)
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) <= 65
    for part in (portuguese, english):
        for said in ("instalar.cmd", "-Uninstall", "sudo shipper uninstall", "sudo python3 ", "--dry-run"):
            assert said in part


def test_cmd_is_read_by_cmd_and_finds_a_zip_that_was_not_extracted() -> None:
    content = (DEPLOY / "windows" / "instalar.cmd").read_bytes()
    # cmd loses its place at a jump in a file with bare line feeds, and shows a mark at the beginning.
    assert content.count(b"\r\n") == content.count(b"\n") > 15
    assert content.startswith(b"@echo off\r\n")
    lines = content.decode().splitlines()
    accented = [number for number, line in enumerate(lines) if not line.isascii()]
    assert lines.index("chcp 65001 >nul") < min(accented)
    checks = [
        lines.index(f'if not exist "%~dp0{name}" goto packed') for name in ("install.ps1", "shipper.pyz")
    ]
    (started,) = [number for number, line in enumerate(lines) if "powershell.exe" in line]
    assert max(checks) < started
    assert '-NoProfile -ExecutionPolicy Bypass -File "%~dp0install.ps1" %*' in lines[started]
    assert lines[started + 1] == "set code=%errorlevel%"
    labels = {line[1:] for line in lines if line.startswith(":")}
    assert {word for line in lines for word in re.findall(r"goto (\w+)", line)} == labels
    # A parenthesis in the folder's name, as in "Loja001 (1)", would end a block.
    assert not any(line.rstrip().endswith("(") for line in lines)
    assert lines[-2:] == ["pause", "exit /b %code%"]


def test_files_keep_their_line_ends_in_git() -> None:
    files = ("deploy/windows/install.ps1", "deploy/windows/instalar.cmd", "deploy/bundle/LEIA-ME.txt")
    if not shutil.which("git") or not (DEPLOY.parent / ".git").exists():
        pytest.skip("no git here, or no clone")
    done = subprocess.run(
        ["git", "check-attr", "text", "--", *files],
        cwd=DEPLOY.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [f"{name}: text: unset" for name in files]
