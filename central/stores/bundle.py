"""The bundle of a store: one zip that Windows opens and Python runs, which differs by its store alone."""

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

from central.errors import CentralError, MissingAssetsError

_PACKAGE: Final = Path(__file__).resolve().parents[1]
# Inside an installed wheel they lie in the package, in a checkout beside it.
_PLACES: Final = (_PACKAGE / "assets" / "deploy", _PACKAGE.parent / "deploy")
AGENT: Final = "shipper.pyz"
SOURCES: Final = {
    "__main__.py": "bundle/main.py",
    "LEIA-ME.txt": "bundle/LEIA-ME.txt",
    "instalar.cmd": "windows/instalar.cmd",
    "install.ps1": "windows/install.ps1",
}
"""Name in the bundle -> where it comes from."""
_MADE: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_FILE_MODE: Final = 0o100644 << 16


def installers() -> dict[str, bytes]:
    """What is the same in each store's bundle, but for the agent: byte for byte as it is shipped.

    Raises:
        MissingAssetsError: the installation lacks a file.
    """
    for place in _PLACES:
        if all((place / source).is_file() for source in SOURCES.values()):
            return {name: (place / source).read_bytes() for name, source in SOURCES.items()}
    needed = ", ".join(SOURCES.values())
    raise MissingAssetsError(
        f"{needed} are neither in {_PLACES[0]} nor in {_PLACES[1]}: "
        "install the package again, or run it from a checkout"
    )


def packed(members: Mapping[str, bytes]) -> bytes:
    """Put files into a zip; the same files give the same bytes.

    Args:
        members: name -> content, in the order in which they are to stand.
    """
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _MADE)
            entry.create_system = _UNIX  # else the bytes tell on which system it was made
            entry.external_attr = _FILE_MODE
            # The agent is a zip itself.
            entry.compress_type = zipfile.ZIP_STORED if name == AGENT else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return made.getvalue()


def put(file: Path, content: bytes) -> bool:
    """Write a bundle, for its owner alone; False where it is there already, the same.

    Not synced to the disk file by file: it can be made again.

    Raises:
        CentralError: it cannot be written.
    """
    growing = file.with_name(f".{file.name}.new")
    try:
        if file.is_file() and file.read_bytes() == content:
            file.chmod(0o600)
            return False
        growing.unlink(missing_ok=True)
        growing.touch(mode=0o600, exist_ok=False)
        growing.write_bytes(content)
        growing.replace(file)
    except OSError as error:
        growing.unlink(missing_ok=True)
        raise CentralError(f"{file}: {error.strerror}") from error
    return True
