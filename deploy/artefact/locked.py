"""Other people's part of the agent: what the lock names, taken from the running environment.

Nothing is downloaded. What is installed was held against the lock's hashes by pip; here its version is held
against the lock, and each file against the hash that its distribution recorded of it.
"""

import base64
import csv
import re
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Final

from deploy.artefact.errors import BuildError

_PINNED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_NOT_A_FILE_OF_IT: Final = ("..", "__pycache__")
_INSTALL: Final = "make setup installs what the lock names"

LEFT_OUT: Final = (
    "panoramisk/command.py",
    "panoramisk/testing.py",
    # Names of places, carriers and time zones for numbers, 45 MB: the agent asks for none of them.
    "phonenumbers/carrier.py",
    "phonenumbers/carrierdata/",
    "phonenumbers/geocoder.py",
    "phonenumbers/geodata/",
    "phonenumbers/prefix.py",
    "phonenumbers/timezone.py",
    "phonenumbers/tzdata/",
)
"""Files and folders that the agent does without."""
DATA: Final = ("tzdata/zoneinfo/", "tzdata/zones")
"""Files that are no sources and are needed."""


def pinned(lock: str) -> dict[str, str]:
    """Name the distributions of a lock, and their versions.

    Args:
        lock: The text of a requirements file.

    Raises:
        BuildError: It names none.
    """
    found = dict(_PINNED.findall(lock))
    if not found:
        raise BuildError("requirements.lock names no distribution: make lock writes it anew")
    return found


def distribution(name: str, version: str) -> dict[str, bytes]:
    """Give the files of one distribution that go into the agent: path in it -> content.

    Raises:
        BuildError: It is not there, not in this version, or a file is not as it was installed.
    """
    try:
        found = Distribution.from_name(name)
    except PackageNotFoundError:
        raise BuildError(f"{name} {version} is not installed: {_INSTALL}") from None
    if found.version != version:
        raise BuildError(f"{name} is installed as {found.version}, the lock wants {version}: {_INSTALL}")
    record = found.read_text("RECORD")
    if record is None:
        raise BuildError(f"{name} {version} has no RECORD of its files: {_INSTALL}")
    return {path: _read(Path(str(found.locate_file(path))), name, digest) for path, digest in _wanted(record)}


def _wanted(record: str) -> Iterator[tuple[str, str]]:
    """Name the files that are needed, each with its recorded hash (packaging.python.org, RECORD)."""
    for path, digest, _size in csv.reader(StringIO(record)):
        if any(part in _NOT_A_FILE_OF_IT for part in PurePosixPath(path).parts):
            continue
        if (is_needed(path) or is_about(path)) and not path.startswith(LEFT_OUT):
            yield path, digest


def is_needed(path: str) -> bool:
    """Whether a file of a distribution is of use to the agent: a source, or data that it reads."""
    return path.endswith(".py") or path.startswith(DATA)


def is_about(path: str) -> bool:
    """Whether a file says whose a distribution is, and under which licence it may be handed on."""
    folder, _, name = path.partition("/")
    if not folder.endswith(".dist-info"):
        return False
    return name == "METADATA" or name.startswith(("licenses/", "LICENSE", "COPYING", "NOTICE", "AUTHORS"))


def _read(file: Path, name: str, digest: str) -> bytes:
    kind, _, wanted = digest.partition("=")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BuildError(f"{name}: {file}: {error.strerror}: {_INSTALL}") from error
    found = base64.urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
    if kind != "sha256" or found != wanted:
        raise BuildError(f"{name}: {file} is not as it was installed: remove .venv, then {_INSTALL}")
    return content
