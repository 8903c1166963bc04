"""Our own part of the agent: the sources of the agent and of its installer."""

import re
from pathlib import Path
from typing import Final

from deploy.artefact.errors import BuildError

FOLDERS: Final = ("shipper", "deploy/linux")
FILES: Final = ("deploy/__init__.py", "deploy/entry.py", "LICENSE")
VERSION_FILE: Final = "shipper/__init__.py"
_VERSION: Final = re.compile(r"^__version__ = \"([0-9A-Za-z.+-]+)\"$", re.MULTILINE)
_PASSING: Final = (".pyc", "~", ".swp", ".orig", ".rej")


def sources(root: Path) -> dict[str, bytes]:
    """Give our own files: path in the agent -> content.

    Args:
        root: Of the checkout.

    Raises:
        BuildError: One is missing.
    """
    found = {name: _read(root / name) for name in FILES}
    for folder in FOLDERS:
        if not (root / folder / "__init__.py").is_file():
            raise BuildError(f"{root / folder} is not there: build in a whole checkout")
        for file in (root / folder).rglob("*"):
            path = file.relative_to(root)
            if file.is_file() and not (_is_hidden(path) or file.name.endswith(_PASSING)):
                found[path.as_posix()] = _read(file)
    return found


def version(files: dict[str, bytes]) -> str:
    """Read the agent's version from its sources, without running them.

    Raises:
        BuildError: They name none.
    """
    match = _VERSION.search(files[VERSION_FILE].decode())
    if match is None:
        raise BuildError(f'{VERSION_FILE} names no version: give it a line such as __version__ = "1.0.0"')
    return match[1]


def _is_hidden(path: Path) -> bool:
    return any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BuildError(f"{file}: {error.strerror}: build in a whole checkout") from error
