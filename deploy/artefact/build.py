"""The builder's table of contents: sources and lock in, one file out."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from deploy.artefact import locked, own, packing
from deploy.artefact.errors import BuildError

__all__ = ["ROOT", "BuildError", "Made", "build", "contents"]

ROOT: Final = Path(__file__).resolve().parents[2]
LOCK: Final = "requirements.lock"
START: Final = "deploy/artefact/start.py"


@dataclass(frozen=True)
class Made:
    """What was built.

    Attributes:
        path: Of the file.
        sha256: Of its bytes, in hexadecimal.
        size: Bytes.
        files: In it, bytecode not counted.
    """

    path: Path
    sha256: str
    size: int
    files: int


def contents(root: Path = ROOT) -> dict[str, bytes]:
    """Give the files of the agent: path in it -> content.

    Raises:
        BuildError: Something is missing, or is not what the lock names.
    """
    files = own.sources(root)
    files[packing.MAIN] = (root / START).read_bytes()
    for name, version in locked.pinned((root / LOCK).read_text("utf-8")).items():
        theirs = locked.distribution(name, version)
        if both := sorted(files.keys() & theirs.keys()):
            raise BuildError(f"{name} has a file that something else has, too: {both[0]}")
        files.update(theirs)
    return files


def build(output: Path, root: Path = ROOT) -> Made:
    """Write ``pabx-shipper-VERSION.pyz`` and its checksum.

    The same checkout and the same minor version of Python (with the same zlib) give the same bytes.

    Args:
        output: The folder that takes them; it is made where it is missing.
        root: Of the checkout.

    Raises:
        BuildError: It cannot be built, or not be written.
    """
    try:
        files = contents(root)
        content = packing.packed(files)
        digest = sha256(content).hexdigest()
        path = output / f"pabx-shipper-{own.version(files)}.pyz"
        output.mkdir(parents=True, exist_ok=True)
        _write(path, content, 0o755)
        # As sha256sum writes it, so that `sha256sum --check` reads it.
        _write(path.with_name(f"{path.name}.sha256"), f"{digest}  {path.name}\n".encode(), 0o644)
    except OSError as error:
        raise BuildError(
            f"{error.filename}: {error.strerror}: see that it can be read and written"
        ) from error
    return Made(path, digest, len(content), len(files))


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all: somebody may copy it at this moment."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.chmod(mode)
    new.replace(path)
