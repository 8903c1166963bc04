"""The stores' agent as one file: where it is found, and what it says of itself without being run."""

import re
import zipfile
import zlib
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final

from central.errors import UsageError
from central.upgrades.offer import numbers
from shipper import __version__

LARGEST: Final = 32 * 1024 * 1024
"""Bytes; an agent has less than 5 MB."""
_VERSION_FILE: Final = "shipper/__init__.py"
_NEEDED: Final = ("__main__.py", "shipper/cli.py", _VERSION_FILE)
_VERSION: Final = re.compile(r"^__version__ *= *[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_LONGEST_SOURCE: Final = 65_536
_PACKAGE: Final = Path(__file__).resolve().parents[1]
_BUILD: Final = "make agent builds it; or name the file by --agent"


@dataclass(frozen=True)
class Artefact:
    """One agent.

    Attributes:
        content: the file's bytes.
        version: that it says it is.
    """

    content: bytes
    version: str

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return sha256(self.content).hexdigest()


def load(file: Path) -> Artefact:
    """Read an artefact and make sure that it is an agent.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}: {_BUILD}") from error
    if len(content) > LARGEST:
        raise UsageError(f"{file}: more than {LARGEST // 1024 // 1024} MiB: that is no agent: {_BUILD}")
    return Artefact(content, _version(file, content))


def find(given: Path | None, package: Path = _PACKAGE) -> Path:
    """The artefact that goes into bundles: what was given, else central's own, else the checkout's.

    Raises:
        UsageError: there is none.
    """
    if given is not None:
        return given
    name = f"pabx-shipper-{__version__}.pyz"
    places = (package / "assets" / "agent" / name, package.parent / "dist" / name)
    for place in places:
        if place.is_file():
            return place
    raise UsageError(f"the agent is neither {places[0]} nor {places[1]}: {_BUILD}")


def _version(file: Path, content: bytes) -> str:
    """Read it from the source inside: a file that is to be judged is not run."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            missing = [name for name in _NEEDED if name not in archive.namelist()]
            if missing:
                raise UsageError(f"{file}: no agent: {missing[0]} is not in it: {_BUILD}")
            with archive.open(_VERSION_FILE) as source:
                text = source.read(_LONGEST_SOURCE).decode("utf-8", "replace")
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UsageError(f"{file}: no agent: {error}: {_BUILD}") from error
    if broken:
        raise UsageError(f"{file}: {broken} in it is damaged: copy it again, or {_BUILD}")
    match = _VERSION.search(text)
    if not match:
        raise UsageError(f"{file}: no agent: {_VERSION_FILE} in it names no version: {_BUILD}")
    try:
        numbers(match[1])
    except ValueError as error:
        raise UsageError(f"{file}: {error}: give it one, in {_VERSION_FILE}") from error
    return match[1]
