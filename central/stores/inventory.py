"""Which version of the agent each store has, since when, and what its last upgrade came to; pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from central.stores.listing import Listed, age
from central.upgrades.offer import Manifest

NEVER: Final = "never reported"
UNKNOWN: Final = "unknown"
_DONE: Final = "done"
_HEAD: Final = ("store", "name", "agent", "since (UTC)", "heartbeat", "upgrade", "offered")


@dataclass(frozen=True)
class Item:
    """One registered store.

    Attributes:
        store: as it is listed.
        offered: version that it is offered; empty: none.
    """

    store: Listed
    offered: str = ""

    @property
    def reported(self) -> bool:
        """A heartbeat of its agent has come at some time."""
        return self.store.store.get("last_seen") is not None

    @property
    def revoked(self) -> bool:
        """Its credential was ended."""
        return bool(self.store.store.get("revoked_at"))

    @property
    def version(self) -> str:
        """Of its agent, or why there is none to tell."""
        if not self.reported:
            return NEVER
        return self.store.agent or UNKNOWN

    @property
    def since(self) -> str | None:
        """Since when it has that version: the upgrade to it, else its agent's start, or earlier."""
        upgrade = self.store.upgrade
        if upgrade and upgrade.get("state") == _DONE and upgrade.get("to") == self.store.agent:
            return str(upgrade.get("at"))
        started = self.store.store.get("agent_started")
        return str(started) if started and self.reported else None

    @property
    def has_failed(self) -> bool:
        """Its last upgrade was rolled back, or was not done."""
        return self.store.upgrade is not None and self.store.upgrade.get("state") != _DONE

    def as_dict(self, now: datetime) -> dict[str, Any]:
        """Give it for JSON. Names: docs/stores.md."""
        return {
            "id": self.store.id,
            "name": self.store.store.get("name"),
            "reported": self.reported,
            "agent_version": self.store.agent if self.reported else None,
            "since": self.since,
            "last_seen": self.store.store.get("last_seen"),
            "age_seconds": self.store.age_seconds(now),
            "upgrade": self.store.upgrade,
            "offered": self.offered or None,
            "revoked_at": self.store.store.get("revoked_at"),
        }


def items(stores: Sequence[Listed], manifest: Manifest | None) -> list[Item]:
    """Give the registered stores, each with what is offered to it."""
    return [
        Item(store, manifest.version if manifest and manifest.offers(store.id) else "")
        for store in stores
        if store.registered
    ]


def counted(found: Sequence[Item]) -> dict[str, int]:
    """How many stores have each version, the most first; those that never reported stand last."""
    counts = Counter(item.version for item in found)
    order = sorted(counts, key=lambda name: (name == NEVER, -counts[name], name))
    return {name: counts[name] for name in order}


def as_dict(found: Sequence[Item], now: datetime) -> dict[str, Any]:
    """Give the inventory for JSON."""
    return {
        "stores": [item.as_dict(now) for item in found],
        "versions": {name: count for name, count in counted(found).items() if name != NEVER},
        "never_reported": sum(not item.reported for item in found),
        "failed_upgrades": sum(item.has_failed for item in found),
        "revoked": sum(item.revoked for item in found),
    }


def lines(found: Sequence[Item], now: datetime) -> Iterator[str]:
    """Give the inventory for a person: a line a store, what failed below, counts at the end."""
    if not found:
        yield "no store is registered: central stores apply FILE.csv"
        return
    rows = [_HEAD, *(_row(item, now) for item in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        yield "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
    for item in found:
        if item.has_failed and (message := (item.store.upgrade or {}).get("message")):
            yield f"{item.store.id}: {message}"
    for version, count in counted(found).items():
        yield f"{count:,} {version}"
    if revoked := [item.store.id for item in found if item.revoked]:
        yield f"revoked: {', '.join(revoked)}"
    failed = sum(item.has_failed for item in found)
    yield f"{len(found):,} registered, {len(revoked):,} revoked, {failed:,} whose upgrade failed"


def _row(item: Item, now: datetime) -> tuple[str, ...]:
    upgrade: Mapping[str, Any] = item.store.upgrade or {}
    came = f"{upgrade.get('state', '?')} {upgrade.get('to', '?')}" if upgrade else "-"
    return (
        item.store.id,
        str(item.store.store.get("name") or "-"),
        item.version,
        (item.since or "-")[:16].replace("T", " "),
        age(item.store.age_seconds(now)),
        came,
        item.offered or "-",
    )
