"""What is offered, and to whom; pure.

The manifest is what is signed: the bytes that `manifest_text` gives, which stores verify before they read
them. `deploy.linux.offer` is the other side.
"""

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

EVERYBODY: Final = "*"
_VERSION: Final = re.compile(r"(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){1,3}", re.ASCII)
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Manifest:
    """One version of the agent, offered to some stores.

    Attributes:
        version: of the agent, such as `0.2.0`.
        sha256: of the artefact, in hexadecimal.
        size: of the artefact, bytes.
        stores: ids, sorted; None: every store.
        published: when, UTC in ISO 8601; rises with each manifest, so that an old one cannot come back.
        allow_older: stores with a newer version take it too.
    """

    version: str
    sha256: str
    size: int
    stores: tuple[str, ...] | None
    published: str
    allow_older: bool = False

    def offers(self, store: str) -> bool:
        """Whether that store is among those that may have it."""
        return self.stores is None or store in self.stores


def manifest_text(manifest: Manifest) -> str:
    """The text that is signed."""
    body: dict[str, Any] = {
        "version": manifest.version,
        "sha256": manifest.sha256,
        "size": manifest.size,
        "stores": EVERYBODY if manifest.stores is None else list(manifest.stores),
        "published": manifest.published,
        **({"allow_older": True} if manifest.allow_older else {}),
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def manifest_of(text: str) -> Manifest:
    """Read what `manifest_text` gave.

    Raises:
        ValueError: it is no such text.
    """
    body = json.loads(text)
    if not isinstance(body, Mapping):
        raise ValueError("no JSON object")  # noqa: TRY004  # like all that json.loads finds
    try:
        stores = body["stores"]
        numbers(str(body["version"]))
        return Manifest(
            str(body["version"]),
            str(body["sha256"]),
            int(body["size"]),
            None if stores == EVERYBODY else tuple(str(store) for store in stores),
            str(body["published"]),
            body.get("allow_older") is True,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no manifest ({type(error).__name__}: {error})") from error


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers that compare: `0.10.0` is newer than `0.9`, and `1.0` is `1.0.0`.

    Raises:
        ValueError: it is not made of two to four whole numbers.
    """
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is no version such as 0.2.0")
    found = [int(part) for part in version.split(".")]
    while len(found) > 1 and not found[-1]:
        found.pop()
    return tuple(found)


def share(stores: Collection[str], version: str, percent: int) -> tuple[str, ...]:
    """Choose that many of a hundred stores, at least one; a larger share includes the smaller one.

    By a hash of version and id: each version begins with other stores, and neither size nor name decides.

    Args:
        stores: all ids.
        version: of the agent.
        percent: 1 to 100.
    """
    drawn = sorted(stores, key=lambda store: sha256(f"{version}\n{store}".encode()).digest())
    return tuple(sorted(drawn[: math.ceil(len(drawn) * percent / 100)]))


def next_stamp(now: datetime, before: str) -> str:
    """The moment of a new manifest: now, or a second after the last one where the clock went back.

    Args:
        now: aware.
        before: `published` of the last one; empty: there was none.
    """
    stamp = now.astimezone(UTC).strftime(_STAMP)
    if stamp > before:
        return stamp
    return (datetime.strptime(before, _STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)).strftime(_STAMP)
