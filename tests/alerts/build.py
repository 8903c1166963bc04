"""How cases are put together: a store in trouble beside one that is well."""

from collections.abc import Mapping
from typing import Any

from central.alerts.thresholds import thresholds
from tests.alerts.bodies import store
from tests.alerts.scene import Ago, Case, Document, Scene

LIMITS = thresholds()
SILENT = int(LIMITS["agent_silent"]["seconds"])
HEARD_LONG_AGO: dict[str, Any] = {
    "last_seen": Ago(SILENT + 1),
    "watch": {"silent_open_seconds": SILENT, "seen_local": "2026-11-23 13:58"},
}
"""Its agent is silent."""
KEYS = "Loja001,Loja Centro"
BYSTANDER = store("Loja900")

Changes = Mapping[str, Any]


def scene(*documents: Document, **raised: tuple[str, ...]) -> Scene:
    """What happens, beside a store in which nothing does."""
    return Scene((*documents, BYSTANDER), raised)


def alone(*documents: Document, **raised: tuple[str, ...]) -> Scene:
    """Without that store."""
    return Scene(documents, raised)


def of_store(
    finding: str,
    name: str,
    changes: Changes,
    misses: Mapping[str, Changes],
    *,
    closes: Mapping[str, Changes] | None = None,
    heard: bool = True,
) -> Case:
    """A finding of one store's document.

    Args:
        finding: it.
        name: the clause.
        changes: of a store that is well, which make it fire.
        misses: further changes of each near miss, in which nothing else fires either.
        closes: whole changes of each end; None: the store is well again.
        heard: it is found of stores alone whose agent is heard.
    """
    ends: dict[str, tuple[Changes, dict[str, tuple[str, ...]]]] = {
        "closed for good": ({"watch": {"closed": True}}, {}),
        "shut out": ({"revoked_at": Ago(60)}, {}),
        "not in the register": (
            {"registered_at": None},
            {} if "last_seen" in changes else {"unregistered": ("Loja001",)},
        ),
    }
    found = {what: scene(store(**both(changes, more))) for what, more in misses.items()}
    found |= {what: scene(store(**both(changes, more)), **raised) for what, (more, raised) in ends.items()}
    if heard:
        found["its agent is silent"] = scene(store(**both(changes, HEARD_LONG_AGO)), agent_silent=(KEYS,))
    over = {"all is well": {}} if closes is None else closes
    return Case(
        finding,
        name,
        scene(store(**changes), **{finding: (KEYS,)}),
        found,
        {what: scene(store(**to)) for what, to in over.items()},
    )


def both(changes: Changes, more: Changes) -> dict[str, Any]:
    """Changes and further ones, part by part."""
    joined = dict(changes)
    for key, value in more.items():
        here = joined.get(key)
        joined[key] = {**here, **value} if isinstance(here, dict) and isinstance(value, dict) else value
    return joined
