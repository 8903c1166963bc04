"""How far a staged upgrade has come, by what the stores' heartbeats say; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from central.stores.inventory import Item
from central.upgrades.offer import Manifest


@dataclass(frozen=True)
class Progress:
    """The registered stores that an offer is for, by what became of it.

    Attributes:
        manifest: that is offered.
        there: run that version.
        waiting: have not taken it yet.
        failed: rolled it back, or refused it; with the reason.
        silent: never reported, so that nobody knows.
        others: how many registered stores it is not offered to.
    """

    manifest: Manifest
    there: tuple[str, ...]
    waiting: tuple[str, ...]
    failed: dict[str, str]
    silent: tuple[str, ...]
    others: int

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON. Names: docs/upgrades.md."""
        return {
            "version": self.manifest.version,
            "sha256": self.manifest.sha256,
            "published": self.manifest.published,
            "to_all": self.manifest.stores is None,
            "allow_older": self.manifest.allow_older,
            "there": list(self.there),
            "waiting": list(self.waiting),
            "failed": self.failed,
            "never_reported": list(self.silent),
            "not_offered": self.others,
        }

    def lines(self) -> Iterator[str]:
        """Give it for a person."""
        count = len(self.there) + len(self.waiting) + len(self.failed) + len(self.silent)
        yield f"{self.manifest.version}, published {self.manifest.published}, offered to {count:,} stores"
        yield f"{len(self.there):,} have it"
        for what, stores in (("wait", self.waiting), ("never reported", self.silent)):
            yield f"{len(stores):,} {what}" + (f": {', '.join(stores)}" if stores else "")
        yield f"{len(self.failed):,} failed"
        yield from (f"  {store}: {why}" for store, why in self.failed.items())
        yield f"{self.others:,} are not offered it"


def progress(manifest: Manifest, found: Sequence[Item]) -> Progress:
    """Sort the stores by what became of the offer."""
    there, waiting, silent = [], [], []
    failed: dict[str, str] = {}
    offered = [item for item in found if manifest.offers(item.store.id)]
    for item in offered:
        name, upgrade = item.store.id, item.store.upgrade or {}
        if not item.reported:
            silent.append(name)
        elif item.store.agent == manifest.version:
            there.append(name)
        elif item.has_failed and (
            upgrade.get("to") == manifest.version or str(upgrade.get("at")) >= manifest.published
        ):
            failed[name] = f"{upgrade.get('state')}: {upgrade.get('message') or 'it did not say why'}"
        else:
            waiting.append(name)
    return Progress(manifest, tuple(there), tuple(waiting), failed, tuple(silent), len(found) - len(offered))
