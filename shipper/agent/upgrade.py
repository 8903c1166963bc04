"""What became of the agent's last upgrade, as its installer wrote it down: for the heartbeat."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from shipper.document.clock import stamp
from shipper.document.text import brief

log = logging.getLogger("shipper.upgrade")

FILE: Final = "upgrade.json"
"""Beside the spool; whoever upgrades writes it."""
STATES: Final = frozenset(("done", "rolled_back", "failed"))
_LARGEST: Final = 65_536
_LONGEST_VERSION: Final = 64
_LONGEST_MESSAGE: Final = 1024


class LastUpgrade:
    """Reads the file anew each time; what is wrong with it is logged once, and never more than that."""

    def __init__(self) -> None:
        self._told = ""

    def fields(self, folder: Path) -> dict[str, Any]:
        """As fields of ``store``: ``upgrade``, or none where there was no upgrade, or nobody can tell.

        Args:
            folder: Of the spool.
        """
        trouble, found = "", {}
        try:
            found = read(folder / FILE)
        except FileNotFoundError:
            pass
        except OSError as error:
            trouble = f"{folder / FILE} cannot be read ({error.strerror}): let the agent's user read it"
        except (ValueError, OverflowError, RecursionError) as error:
            trouble = f"{folder / FILE} tells of no upgrade ({error}): the next one writes it anew"
        if trouble and trouble != self._told:
            log.warning(trouble)
        self._told = trouble
        return {"upgrade": found} if found else {}


def read(file: Path) -> dict[str, str]:
    """What the last upgrade came to: ``at``, ``from``, ``to``, ``state`` and ``message``.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not as an installer writes it; likewise `OverflowError` and `RecursionError`.
    """
    with file.open("rb") as opened:
        raw = opened.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise ValueError(f"more than {_LARGEST} bytes")
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  # the file's value, not the caller's type
    texts = {name: _text(body, name) for name in ("at", "from", "to", "state", "message")}
    at = datetime.fromisoformat(texts["at"])
    if at.tzinfo is None:
        raise ValueError(f"at is {texts['at']!r}, of no time zone")
    if texts["state"] not in STATES:
        raise ValueError(f"state is {brief(texts['state'])!r}, not one of {', '.join(sorted(STATES))}")
    return {
        "at": stamp(at.astimezone(UTC), "seconds"),
        "from": brief(texts["from"], _LONGEST_VERSION),
        "to": brief(texts["to"], _LONGEST_VERSION),
        "state": texts["state"],
        "message": brief(texts["message"], _LONGEST_MESSAGE),
    }


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is {brief(repr(value))}, no text")  # noqa: TRY004  # likewise
    value.encode()  # half a character is no text that could be sent
    return value
