"""What is remembered of upgrades: what was offered, and what became of it."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from shipper.errors import ShipperError

HOME: Final = Path("/opt/pabx-shipper")
RESULT: Final = "upgrade.json"
"""Beside the spool; the agent puts it into its heartbeat."""
_MEMORY: Final = "offer.json"
_MOST_TEXT: Final = 1000
_LARGEST: Final = 65_536


class OfferError(ShipperError):
    """An upgrade from afar that is not done; nothing was changed."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__("upgrade", problem, hint)


@dataclass(frozen=True)
class Result:
    """What an upgrade came to.

    Attributes:
        at: when, UTC in ISO 8601.
        old: version before.
        new: version that was to be.
        state: `done`, `rolled_back` or `failed`.
        message: why, where it is not done.
    """

    at: str
    old: str
    new: str
    state: str
    message: str


@dataclass(frozen=True)
class Memory:
    """What was offered last; belongs to root.

    Attributes:
        published: of the latest manifest that was accepted: an older one is none any more.
        version: of the artefact that was handed out last.
        artefact: its SHA-256, in hexadecimal.
        tries: how often it was handed out.
        before: `upgrade.json` as it was then: another one since tells what became of it.
        failed: it was rolled back, or could not be installed.
    """

    published: str = ""
    version: str = ""
    artefact: str = ""
    tries: int = 0
    before: str = ""
    failed: bool = False

    @classmethod
    def load(cls, home: Path) -> Self:
        """Read it; empty where there is none, or what is there is none."""
        body = _object(home / _MEMORY)
        with suppress(KeyError, TypeError, ValueError):
            return cls(
                published=str(body["published"]),
                version=str(body["version"]),
                artefact=str(body["artefact"]),
                tries=int(body["tries"]),
                before=str(body["before"]),
                failed=bool(body["failed"]),
            )
        return cls()

    def save(self, home: Path) -> None:
        """Keep it.

        Raises:
            OfferError: it cannot be written.
        """
        try:
            _write(home / _MEMORY, asdict(self), 0o600)
        except OSError as error:
            raise OfferError(
                f"{home / _MEMORY} cannot be written ({error.strerror})", f"run: ls -ld {home}; df {home}"
            ) from error


def last_result(folder: Path) -> Result | None:
    """What the last upgrade came to; None: there was none, or nobody can tell."""
    body = _object(folder / RESULT)
    names = ("at", "from", "to", "state", "message")
    found = [body.get(name) for name in names]
    if not all(isinstance(value, str) for value in found):
        return None
    return Result(*(str(value) for value in found))


def write_result(folder: Path, result: Result) -> None:
    """Write it down whole or not at all; the agent's user may read it.

    Raises:
        OSError: it cannot be written.
    """
    body = {
        "at": result.at,
        "from": result.old,
        "to": result.new,
        "state": result.state,
        "message": result.message[:_MOST_TEXT],
    }
    _write(folder / RESULT, body, 0o644)


def _object(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        with file.open("rb") as opened:
            body = json.loads(opened.read(_LARGEST))
        if isinstance(body, dict):
            return body
    return {}


def _write(file: Path, body: dict[str, Any], mode: int) -> None:
    """Root writes here, where the agent's user may write too: no link of theirs is followed."""
    growing = file.with_name(f".{file.name}.new")
    growing.unlink(missing_ok=True)
    descriptor = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        os.fchmod(descriptor, mode)
        json.dump(body, opened, ensure_ascii=False, indent=1)
        opened.write("\n")
        opened.flush()
        os.fsync(descriptor)
    growing.replace(file)
