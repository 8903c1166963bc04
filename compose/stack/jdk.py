"""Finds the newest JDK on the machine that OpenSearch 3 can run on."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from compose.stack.errors import StackError
from compose.stack.paths import check_reachable, unsafe_reason

MINIMUM = 21
_ASK_TIMEOUT_SECONDS = 30.0
_PARENTS = ("/usr/lib/jvm", "/usr/java", "/opt", "/opt/java", "/usr/local")
_HOME_PARENTS = (".sdkman/candidates/java", ".jdks", ".asdf/installs/java", ".local/share/mise/installs/java")
_HINT = (
    f"install a JDK {MINIMUM} or newer (Debian and Ubuntu: apt install openjdk-21-jdk-headless; "
    "elsewhere Temurin), or set JAVA_HOME to one"
)


@dataclass(frozen=True)
class Jdk:
    """One installed JDK.

    Attributes:
        home: Its directory.
        version: Version as numbers, such as ``(21, 0, 5)``.
    """

    home: Path
    version: tuple[int, ...]

    @property
    def java(self) -> Path:
        """The ``java`` program."""
        return self.home / "bin" / "java"


def find_jdk(environ: Mapping[str, str] = os.environ, parents: Iterable[str] | None = None) -> Jdk:
    """The newest usable JDK.

    Args:
        environ: Where ``JAVA_HOME``, ``JAVA_HOME_*``, ``PATH`` and ``HOME`` are read.
        parents: Directories whose children may be JDKs; the usual ones unless given.

    Returns:
        The JDK of the highest version; among equals the one that ``JAVA_HOME`` or ``PATH`` names.

    Raises:
        StackError: There is none of version 21 or newer.
    """
    found: list[Jdk] = []
    passed_over: list[str] = []
    for home in _candidates(environ, _default_parents(environ) if parents is None else parents):
        jdk, reason = _look_at(home)
        if jdk is not None:
            found.append(jdk)
        elif reason:
            passed_over.append(reason)
    if not found:
        seen = f" ({'; '.join(passed_over)})" if passed_over else ""
        raise StackError(f"no JDK {MINIMUM} or newer found{seen}: {_HINT}")
    return max(found, key=lambda jdk: jdk.version)


def _default_parents(environ: Mapping[str, str]) -> list[str]:
    own = Path(environ.get("HOME", "/nonexistent"))
    return [*_PARENTS, *(str(own / name) for name in _HOME_PARENTS)]


def _candidates(environ: Mapping[str, str], parents: Iterable[str]) -> list[Path]:
    homes = [Path(environ["JAVA_HOME"])] if environ.get("JAVA_HOME") else []
    java = shutil.which("java", path=environ.get("PATH", ""))
    if java is not None:
        homes.append(Path(java).resolve().parent.parent)
    # Build machines name several side by side: JAVA_HOME_21_X64 and the like.
    homes += [
        Path(value) for name, value in sorted(environ.items()) if name.startswith("JAVA_HOME_") and value
    ]
    for parent in map(Path, parents):
        if parent.is_dir():
            homes += sorted(child for child in parent.iterdir() if child.is_dir())
    unique: dict[Path, None] = {}
    for home in homes:
        try:
            unique[home.resolve()] = None
        except (OSError, RuntimeError):  # a link to nowhere, or to itself
            continue
    return list(unique)


def _look_at(home: Path) -> tuple[Jdk | None, str]:
    """The JDK in ``home``, or None and why it is passed over ('' if it is no Java at all)."""
    java = home / "bin" / "java"
    if not os.access(java, os.X_OK):
        return None, ""
    reason = unsafe_reason(java)
    if reason:
        return None, f"{home} is not trusted: {reason}"
    try:
        check_reachable(java)
    except StackError as error:
        return None, str(error)
    text, modules = _release(home)
    version = tuple(int(number) for number in re.findall(r"\d+", text.split("-")[0]))
    if not version or version[0] < MINIMUM:
        return None, f"{home} is {text or 'of unknown version'}"
    # OpenSearch's analysis module builds a Thai tokenizer at start: it needs the locale data.
    if "jdk.localedata" not in modules:
        return None, f"{home} lacks the module jdk.localedata"
    return Jdk(home, version), ""


def _release(home: Path) -> tuple[str, list[str]]:
    """Version and modules by the JDK's ``release`` file; by running it where there is no such file."""
    release = home / "release"
    if release.is_file():
        text = release.read_text(encoding="utf-8", errors="replace")
        entries = dict(re.findall(r'^(\w+)="([^"]*)"', text, re.MULTILINE))
        if "JAVA_VERSION" in entries and "MODULES" in entries:
            return entries["JAVA_VERSION"], entries["MODULES"].split()
    version = re.search(r'version "([^"]+)"', _output(home, "-version"))
    modules = [line.split("@")[0] for line in _output(home, "--list-modules").splitlines()]
    return (version[1] if version else ""), modules


def _output(home: Path, option: str) -> str:
    try:
        done = subprocess.run(
            [home / "bin" / "java", option],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=_ASK_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
