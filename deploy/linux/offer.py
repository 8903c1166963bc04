"""Asks head office for an upgrade, and takes only what its key has signed for this store.

What comes from the network is believed in this order: TLS towards head office's own authority; the signature
over the manifest's bytes, before they are read; this store in the manifest, no older manifest than one that
was accepted, no older version; then the artefact, by size and SHA-256. `central.upgrades` is the other side.
"""

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from deploy.linux.asking import BrokenOffError, Door
from deploy.linux.remembered import HOME, Memory, OfferError, Result, last_result, write_result
from deploy.linux.signed import Manifest, numbers, read_manifest, verify
from shipper import __version__
from shipper.config import Config, load

__all__ = ["HOME", "OfferError", "Result", "fetch", "write_result"]

KEY: Final = "upgrade.pub"
UNKNOWN: Final = "unknown"
"""The version of a manifest that is not believed."""
MOST_TRIES: Final = 3
"""A power cut in the middle of an upgrade must not end it; an artefact that takes the machine down must."""
_MANIFEST, _SIGNATURE = "/upgrade/manifest", "/upgrade/manifest.sig"
_LARGEST_MANIFEST: Final = 1024 * 1024
_LARGEST_SIGNATURE: Final = 1024
_BY_HAND: Final = "or name a file: shipper upgrade FILE.pyz"


class _RefusedError(Exception):
    """What is offered is not taken; the text says why, and goes to head office in the heartbeat."""

    def __init__(self, why: str, version: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.version = version


def fetch(config_dir: Path, *, home: Path = HOME, current: str = __version__) -> Path | None:
    """Fetch the upgrade that head office offers to this store, if there is one.

    Args:
        config_dir: `/etc/pabx-shipper`, with `shipper.toml` and `upgrade.pub`.
        home: `/opt/pabx-shipper`; what is fetched, and what is remembered of offers, lies there.
        current: the version that runs.

    Returns:
        The verified artefact, in a directory that only root can write to; None: there is nothing to do.

    Raises:
        ConfigError: `shipper.toml` cannot be used.
        OfferError: upgrades are off, head office cannot be asked, or what it offers is refused; a refusal is
            also written into `upgrade.json`, for the heartbeat.
    """
    key = config_dir / KEY
    if not key.is_file():
        raise OfferError(
            f"{key} is missing: upgrades from afar are off",
            f"install a bundle that head office made with --upgrades, {_BY_HAND}",
        )
    config = load(config_dir / "shipper.toml")
    if config.output.kind != "forward" or not config.output.forward.tls:
        raise OfferError(
            'upgrades come through head office\'s gate: output.kind = "forward", with TLS, and this store '
            "sends in another way",
            f"ask head office, {_BY_HAND}",
        )
    shutil.rmtree(home / "fetched", ignore_errors=True)
    folder = Path(config.spool.path).parent
    memory = _settled(Memory.load(home), last_result(folder))
    door = Door(config.output.forward)
    try:
        manifest = _manifest(door, key)
        if manifest is None:
            return None
        memory = _accepted(manifest, config, memory, current)
        memory.save(home)
        if manifest.version == current or (memory.artefact == manifest.sha256 and _given_up(memory)):
            return None
        content = _downloaded(door, manifest)
    except _RefusedError as error:
        result = Result(_now(), current, error.version or UNKNOWN, "failed", error.why)
        memory = _reported(folder, result, memory)
        memory.save(home)
        raise OfferError(error.why, "nothing was changed; tell head office") from error
    artefact = _kept(content, home)
    _handed_out(memory, manifest, last_result(folder)).save(home)
    return artefact


def _manifest(door: Door, key: Path) -> Manifest | None:
    """The manifest, if its signature is good; None: nothing is offered.

    Asked for twice at most: head office may publish between a manifest and its signature.
    """
    for _ in range(2):
        try:
            text = door.read(_MANIFEST, _LARGEST_MANIFEST)
            if text is None:
                return None
            signature = door.read(_SIGNATURE, _LARGEST_SIGNATURE)
        except BrokenOffError as error:
            raise OfferError(str(error), "it is tried again in an hour") from error
        if signature is not None and verify(text, signature, key):
            try:
                return read_manifest(text)
            except ValueError as error:
                raise _RefusedError(f"the manifest cannot be read: {error}") from error
    raise _RefusedError(f"the manifest is not signed with the key of {key}: it is not head office's")


def _accepted(manifest: Manifest, config: Config, memory: Memory, current: str) -> Memory:
    """Judge a manifest whose signature is good."""
    version, store = manifest.version, config.store.id
    if manifest.stores is not None and store not in manifest.stores:
        raise _RefusedError(f"the manifest is for other stores, not for {store}", version)
    if manifest.published < memory.published:
        before = f"that of {memory.published} was accepted before"
        raise _RefusedError(f"the manifest of {manifest.published} is an old one: {before}", version)
    if not manifest.allow_older and _older(version, current):
        raise _RefusedError(f"{version} is older than {current}, which runs here", version)
    return replace(memory, published=manifest.published)


def _older(version: str, current: str) -> bool:
    try:
        return numbers(version) < numbers(current)
    except ValueError as error:
        raise _RefusedError(f"{error}: what runs here cannot be compared with {version}", version) from error


def _downloaded(door: Door, manifest: Manifest) -> bytes:
    """The artefact, if it is the one that the manifest means."""
    version = manifest.version
    try:
        found = door.read(f"/upgrade/{version}.pyz", manifest.size)
    except BrokenOffError as error:
        raise _RefusedError(str(error), version) from error
    if found is None:
        raise _RefusedError(f"{version} is offered, but its file is not there", version)
    if sha256(found).hexdigest() != manifest.sha256:
        raise _RefusedError(f"what came is not the {version} that was signed: its SHA-256 differs", version)
    return found


def _kept(content: bytes, home: Path) -> Path:
    """Put it where only root can change it."""
    folder = home / "fetched"
    target = folder / "shipper.pyz"
    try:
        folder.mkdir(parents=True, mode=0o700)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise OfferError(
            f"{target} cannot be written ({error.strerror})", f"run: ls -ld {home}; df {home}"
        ) from error
    return target


def _settled(memory: Memory, last: Result | None) -> Memory:
    """See in `upgrade.json` what became of the artefact that was handed out."""
    if last is None or repr(last) == memory.before or last.new != memory.version:
        return memory
    return replace(memory, failed=last.state != "done", before=repr(last))


def _given_up(memory: Memory) -> bool:
    return memory.failed or memory.tries >= MOST_TRIES


def _handed_out(memory: Memory, manifest: Manifest, last: Result | None) -> Memory:
    tries = memory.tries + 1 if memory.artefact == manifest.sha256 else 1
    return replace(
        memory,
        version=manifest.version,
        artefact=manifest.sha256,
        tries=tries,
        before=repr(last),
        failed=False,
    )


def _reported(folder: Path, result: Result, memory: Memory) -> Memory:
    """Write a refusal down for the heartbeat, once; what is known of another artefact stays known."""
    last = last_result(folder)
    if last is not None and replace(last, at=result.at) == result:
        return memory
    try:
        write_result(folder, result)
    except OSError as error:
        raise OfferError(
            f"{result.message} (and {folder}/upgrade.json cannot be written: {error.strerror})",
            "nothing was changed; tell head office",
        ) from error
    return replace(memory, before=repr(last_result(folder)))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
