"""The manifest of an upgrade: its signature, and what it says."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.linux.remembered import OfferError

EVERYBODY: Final = "*"
LARGEST_ARTEFACT: Final = 32 * 1024 * 1024
_VERSION: Final = re.compile(r"(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){1,3}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_STAMP: Final = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z", re.ASCII)
_VERIFIED: Final = "Signature Verified Successfully"
_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Manifest:
    """One version, offered to some stores; as `central.upgrades.offer` makes it.

    Attributes:
        version: of the agent.
        sha256: of the artefact, in hexadecimal.
        size: of the artefact, bytes.
        stores: ids; None: every store.
        published: UTC in ISO 8601; rises from manifest to manifest.
        allow_older: may be taken in place of a newer version.
    """

    version: str
    sha256: str
    size: int
    stores: frozenset[str] | None
    published: str
    allow_older: bool


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers that compare.

    Raises:
        ValueError: it is not made of two to four whole numbers.
    """
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is no version")
    found = [int(part) for part in version.split(".")]
    while len(found) > 1 and not found[-1]:
        found.pop()
    return tuple(found)


def read_manifest(text: bytes) -> Manifest:
    """Read a manifest whose signature is good.

    Raises:
        ValueError: it says something that no manifest says.
    """
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  # like all that json.loads finds
    numbers(_text(body, "version"))
    for name, pattern in (("sha256", _SHA256), ("published", _STAMP)):
        if not pattern.fullmatch(_text(body, name)):
            raise ValueError(f"{name} is {body[name]!r}")
    size, stores = body.get("size"), body.get("stores")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= LARGEST_ARTEFACT:
        raise ValueError(f"size is {size!r}")
    if stores != EVERYBODY and not (isinstance(stores, list) and all(isinstance(one, str) for one in stores)):
        raise ValueError("stores is no list of ids")
    return Manifest(
        version=body["version"],
        sha256=body["sha256"],
        size=size,
        stores=None if stores == EVERYBODY else frozenset(stores),
        published=body["published"],
        allow_older=body.get("allow_older") is True,
    )


def verify(text: bytes, signature: bytes, key: Path) -> bool:
    """Tell whether a signature over a text was made with the private half of a key (Ed25519, RFC 8032).

    Args:
        text: as it came.
        signature: likewise.
        key: PEM file of the public half.

    Raises:
        OfferError: there is no `openssl` that can do it, or the key is none.
    """
    with tempfile.TemporaryDirectory(prefix="pabx-offer-") as folder:
        said, mark = Path(folder, "manifest"), Path(folder, "signature")
        said.write_bytes(text)
        mark.write_bytes(signature)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-rawin", "-in", str(said)]
        try:
            done = subprocess.run(  # noqa: S603  # our own words and paths
                [*command, "-sigfile", str(mark)],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_SECONDS,
            )
        except FileNotFoundError:
            raise OfferError(
                "openssl is missing: the signature of an upgrade cannot be verified",
                "apt-get install openssl",
            ) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OfferError(f"openssl cannot be run ({error})", "try: openssl version") from error
    if done.returncode == 0 and _VERIFIED in done.stdout:
        return True
    _require_usable(done.stderr, key)
    return False


def _require_usable(said: str, key: Path) -> None:
    """Tell a signature that is wrong from an openssl or a key that cannot be used."""
    first = next((line.strip() for line in said.splitlines() if line.strip()), "")
    if "rawin" in said or "Unknown option" in said:
        raise OfferError(f"this openssl is too old to verify an upgrade ({first})", "OpenSSL 3 is needed")
    if "public key" in said.lower() and ("find" in said or "load" in said or "read" in said):
        raise OfferError(f"{key} is no public key ({first})", "install the bundle from head office again")


def _text(body: dict[str, Any], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str):
        raise ValueError(f"{name} is {found!r}")  # noqa: TRY004  # like all that json.loads finds
    return found
