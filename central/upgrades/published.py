"""What is offered, as files in the gate's directory: the door reads them, `central upgrade` writes them.

`upgrades/offer.json` holds the manifest's text and its signature together, so that both change at once;
the artefact lies beside it as `upgrades/VERSION.pyz`.
"""

import base64
import json
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.errors import CentralError, UsageError
from central.gate.folder import GateFolder, write_file
from central.upgrades.artefact import Artefact
from central.upgrades.offer import Manifest, manifest_of, manifest_text, next_stamp, numbers
from central.upgrades.signing import PUBLIC_NAME, public_text

FOLDER: Final = "upgrades"
OFFER: Final = "offer.json"
_DAMAGED: Final = "run central upgrade publish again, or central upgrade halt"


@dataclass(frozen=True)
class Offer:
    """What is offered now.

    Attributes:
        manifest: that is signed.
        text: of it, as it is signed.
        signature: over that text.
    """

    manifest: Manifest
    text: bytes
    signature: bytes


@dataclass(frozen=True)
class Wanted:
    """Whom an artefact is offered to.

    Attributes:
        stores: their ids; None: all stores.
        allow_older: also to stores with a newer version.
    """

    stores: Collection[str] | None
    allow_older: bool = False


@dataclass(frozen=True)
class Files:
    """The offer's files.

    Attributes:
        folder: the gate's directory.
    """

    folder: GateFolder

    @property
    def path(self) -> Path:
        """The directory of the offer."""
        return self.folder.path / FOLDER

    def public_key(self) -> str | None:
        """What the stores verify with; None: `central upgrade init` was not run."""
        if not (self.folder.path / PUBLIC_NAME).is_file():
            return None
        return self.folder.read(PUBLIC_NAME)

    def offer(self) -> Offer | None:
        """What is offered; None: nothing is.

        Raises:
            CentralError: the file cannot be used.
        """
        body = self._body()
        if not body.get("manifest"):
            return None
        try:
            return _offer(body)
        except ValueError as error:
            raise CentralError(f"{self.path / OFFER}: {error}: {_DAMAGED}") from error

    def artefact(self, version: str) -> Path:
        """Where an artefact lies."""
        return self.path / f"{version}.pyz"

    def publish(self, key: Ed25519PrivateKey, artefact: Artefact, wanted: Wanted, now: datetime) -> Manifest:
        """Offer an artefact to stores; what was offered until now is no more.

        Args:
            key: that the stores' `upgrade.pub` belongs to.
            artefact: an agent.
            wanted: to whom.
            now: aware.

        Raises:
            UsageError: the key is another one, or the version is not newer than what is offered.
            CentralError: a file cannot be written.
        """
        with self.folder.locked():
            self._require_key(key)
            body = self._body()
            _require_newer(self.offer(), artefact, allow_older=wanted.allow_older)
            self._make_folder()
            write_file(self.artefact(artefact.version), artefact.content, mode=0o644)
            stamp = next_stamp(now, str(body.get("published", "")))
            manifest = Manifest(
                artefact.version,
                artefact.sha256,
                len(artefact.content),
                None if wanted.stores is None else tuple(sorted(wanted.stores)),
                stamp,
                wanted.allow_older,
            )
            text = manifest_text(manifest)
            signature = base64.b64encode(key.sign(text.encode())).decode("ascii")
            self._write({"manifest": text, "signature": signature, "published": stamp})
            self._tidy(artefact.version)
        return manifest

    def halt(self) -> Manifest | None:
        """Offer nothing any more, and give what was offered."""
        offer = None
        with self.folder.locked():
            body = self._body()
            with suppress(CentralError):  # what cannot be read is not offered either
                offer = self.offer()
            if body.get("manifest"):
                # The last moment stays: the next manifest has to be later than all that stores have seen.
                self._write({"manifest": None, "published": str(body.get("published", ""))})
        return offer.manifest if offer else None

    def _require_key(self, key: Ed25519PrivateKey) -> None:
        public = self.public_key()
        where = self.folder.path / PUBLIC_NAME
        if public is None:
            raise UsageError(f"{where} is missing: upgrades are off; central upgrade init --key FILE")
        if public.split() != public_text(key).split():
            raise UsageError(f"--key does not belong to {where}: no store would take it; name the other file")

    def _make_folder(self) -> None:
        try:
            self.path.mkdir(exist_ok=True, mode=0o750)
            if os.geteuid() == 0:
                owner = self.folder.path.stat()
                os.chown(self.path, owner.st_uid, owner.st_gid)
        except OSError as error:
            raise CentralError(f"{self.path}: {error.strerror}: run it as the directory's user") from error

    def _tidy(self, version: str) -> None:
        for file in self.path.glob("*.pyz"):
            if file != self.artefact(version):
                with suppress(OSError):
                    file.unlink()

    def _body(self) -> dict[str, Any]:
        try:
            body = json.loads((self.path / OFFER).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise CentralError(f"{self.path / OFFER}: {error.strerror}: look who may read it") from error
        except ValueError as error:
            raise CentralError(f"{self.path / OFFER}: {error}: delete it, and publish again") from error
        return body if isinstance(body, dict) else {}

    def _write(self, body: dict[str, Any]) -> None:
        write_file(self.path / OFFER, json.dumps(body, ensure_ascii=False, indent=1) + "\n", mode=0o644)


def _offer(body: dict[str, Any]) -> Offer:
    text = str(body["manifest"])
    signature = base64.b64decode(str(body.get("signature", "")), validate=True)
    return Offer(manifest_of(text), text.encode(), signature)


def _require_newer(offered: Offer | None, artefact: Artefact, *, allow_older: bool) -> None:
    if offered is None:
        return
    there = offered.manifest
    if there.version == artefact.version:
        if there.sha256 != artefact.sha256:
            raise UsageError(
                f"{artefact.version} is offered already with other contents: stores that have it would not "
                "take this one; raise the version in shipper/__init__.py and build it again"
            )
        return
    if numbers(artefact.version) <= numbers(there.version) and not allow_older:
        raise UsageError(
            f"{artefact.version} is not newer than {there.version}, which is offered: --allow-older lets "
            "stores go back to it"
        )
