"""Writes files into a zip that Python runs: the same files give the same bytes, on any day and machine."""

import marshal
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from io import BytesIO
from typing import Final

SHEBANG: Final = b"#!/usr/bin/env python3\n"
MAIN: Final = "__main__.py"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The oldest date a zip can hold."""
_UNIX: Final = 3
_MODE: Final = 0o100644
_UNCHECKED: Final = (1).to_bytes(4, "little")
"""Bytecode of which Python does not ask whether its source has changed (PEP 552)."""
_NO_HASH: Final = bytes(8)
_NO_REFERENCES: Final = 2
"""Later forms of marshal count who else uses a value, which another build's process need not have."""


def packed(files: dict[str, bytes]) -> bytes:
    """Give the runnable zip of these files, and of the bytecode of their sources.

    Args:
        files: Path in the zip -> content.
    """
    content = BytesIO()
    content.write(SHEBANG)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, data in sorted({**files, **compiled(files)}.items()):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)
    return content.getvalue()


def compiled(files: dict[str, bytes]) -> dict[str, bytes]:
    """Give the bytecode of the sources, where Python looks for it in a zip: beside them.

    Another minor version of Python passes over it and compiles the source. ``__main__.py`` stays without, for
    a Python that cannot even read the file name's kind must be able to run it.

    Args:
        files: Path in the zip -> content.
    """
    return {
        f"{path}c": MAGIC_NUMBER + _UNCHECKED + _NO_HASH + _bytecode(path, source)
        for path, source in files.items()
        if path.endswith(".py") and path != MAIN
    }


def _bytecode(path: str, source: bytes) -> bytes:
    # Interned, each function refers to one and the same name of its file instead of having its own.
    name = sys.intern(path)
    return marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0), _NO_REFERENCES)
