"""A store's bundle: what head office hands out, as one zip or as the directory that it was extracted to."""

import re
import tomllib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from deploy.linux.layout import AGENT
from deploy.linux.text import InstallError, Text, english, reason

SETTINGS: Final = "shipper.toml"
FILES: Final = ("ca.pem", "upgrade.pub", "client.pem", "client-key.pem")
"""What may lie beside the settings, and goes where they go."""
_LARGEST: Final = {AGENT: 32 * 1024 * 1024}
_LARGEST_OTHER: Final = 1024 * 1024
_VERSION_FILE: Final = "shipper/__init__.py"
_VERSION: Final = re.compile(r"^__version__ *= *[\"']([0-9]+(?:\.[0-9]+){1,3})[\"']", re.MULTILINE)
_AGAIN: Final = Text(
    "peça o arquivo da loja de novo e copie-o inteiro", "ask head office for the store's file again"
)


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
    def digest(self) -> str:
        """SHA-256 in hexadecimal."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Bundle:
    """What a store's machine needs.

    Attributes:
        source: where it was read from.
        settings: the text of `shipper.toml`.
        files: the others of `FILES`, by name.
        agent: the artefact.
    """

    source: Path
    settings: str
    files: Mapping[str, bytes]
    agent: Artefact

    @property
    def table(self) -> dict[str, Any]:
        """The settings, parsed."""
        return tomllib.loads(self.settings)

    @property
    def store(self) -> str:
        """Which store it is for."""
        return store_of(self.settings)


def read_bundle(source: Path) -> Bundle:
    """Read a zip or a directory.

    Raises:
        InstallError: it is not there, damaged or not whole.
    """
    members = _members(source)
    for name in (SETTINGS, AGENT):
        if name not in members:
            raise InstallError(
                Text(f"{source} não tem o arquivo {name}", f"{source} has no file {name}"), _AGAIN, 2
            )
    try:
        settings = members[SETTINGS].decode("utf-8")
        table = tomllib.loads(settings)
    except ValueError as error:
        raise InstallError(
            Text(f"{source}: {SETTINGS} não pode ser lido", f"{source}: {SETTINGS} cannot be read")
            + english(f" ({error})"),
            _AGAIN,
            2,
        ) from error
    if not isinstance(table.get("store"), dict) or not isinstance(table["store"].get("id"), str):
        raise InstallError(
            Text(f"{source}: {SETTINGS} não diz store.id", f"{source}: {SETTINGS} has no store.id"), _AGAIN, 2
        )
    files: dict[str, bytes] = {name: members[name] for name in FILES if name in members}
    return Bundle(source, settings, files, read_artefact(source / AGENT, members[AGENT]))


def read_artefact(where: Path, content: bytes | None = None) -> Artefact:
    """Read an agent, and its version from the source in it; nothing of it is run.

    Args:
        where: the file.
        content: its bytes, where they were read already.

    Raises:
        InstallError: it is none.
    """
    if content is None:
        content = _read(where, _LARGEST[AGENT])
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            broken = archive.testzip()
            text = archive.read(_VERSION_FILE).decode("utf-8", "replace")
            archive.getinfo("__main__.py")
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise _no_agent(where, str(error)) from error
    found = _VERSION.search(text)
    if broken or found is None:
        raise _no_agent(where, broken or "no version")
    return Artefact(content, found[1])


def store_of(settings: str) -> str:
    """The store's id in a text of settings; empty where it has none."""
    try:
        found = tomllib.loads(settings).get("store", {}).get("id", "")
    except (tomllib.TOMLDecodeError, AttributeError):
        return ""
    return str(found)


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers that compare; `1.0` is `1.0.0`."""
    found = [int(part) for part in version.split(".") if part.isdecimal()]
    while len(found) > 1 and not found[-1]:
        found.pop()
    return tuple(found)


def _no_agent(where: Path, why: str) -> InstallError:
    problem = Text(f"{where} não é um agente inteiro", f"{where} is no whole agent") + english(f" ({why})")
    return InstallError(problem, _AGAIN, 2)


def _members(source: Path) -> dict[str, bytes]:
    wanted = (SETTINGS, AGENT, *FILES)
    if source.is_dir():
        return {
            name: _read(source / name, _LARGEST.get(name, _LARGEST_OTHER))
            for name in wanted
            if (source / name).is_file()
        }
    try:
        with zipfile.ZipFile(source) as archive:
            found = {info.filename: info for info in archive.infolist()}
            for name in wanted:
                if name in found and found[name].file_size > _LARGEST.get(name, _LARGEST_OTHER):
                    raise _too_large(source / name)
            return {name: archive.read(name) for name in wanted if name in found}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        problem = Text(f"{source} está danificado", f"{source} is damaged") + english(f" ({error})")
        raise InstallError(problem, _AGAIN, 2) from error
    except OSError as error:
        raise _unreadable(source, error) from error


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise _unreadable(file, error) from error
    if len(content) > most:
        raise _too_large(file)
    return content


def _unreadable(file: Path, error: OSError) -> InstallError:
    why = reason(error)
    return InstallError(
        Text(f"{file} não pode ser lido ({why.pt})", f"{file} cannot be read ({why.en})"),
        Text(f"confira o nome: ls -l {file.parent}", f"check its name: ls -l {file.parent}"),
        2,
    )


def _too_large(file: Path) -> InstallError:
    return InstallError(
        Text(f"{file} é grande demais para um arquivo do agente", f"{file} is too large to be the agent's"),
        _AGAIN,
        2,
    )
