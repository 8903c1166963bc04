"""How many primary shards a month's rows and calls have: an operator sets it, upgrades keep it; pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from central.assets import Assets

SPREAD: Final = ("pabx-calls", "pabx-cdr")
"""Templates of the kinds that grow with the chain; of all others a shard is enough for 5,000 stores."""
MOST: Final = 64
_SETTING: Final = "number_of_shards"


def with_shards(assets: Assets, there: Mapping[str, Any], shards: int | None) -> Assets:
    """Give what is to be installed, with so many shards.

    It holds for indices that are made from then on: the number of an index that exists cannot be changed.

    Args:
        assets: what is shipped, with one shard.
        there: the index templates that the cluster has.
        shards: of each month; None: as many as the cluster's templates say.
    """
    templates = dict(assets.templates)
    for name in SPREAD:
        wanted = shards or _said(there.get(name))
        if wanted and wanted > 1:
            templates[name] = _set(templates[name], wanted)
    return replace(assets, templates=templates)


def _said(template: Mapping[str, Any] | None) -> int | None:
    """What a template says of its own; it comes back from the cluster as a text."""
    settings = ((template or {}).get("template") or {}).get("settings") or {}
    said = str((settings.get("index") or {}).get(_SETTING, ""))
    return int(said) if said.isascii() and said.isdecimal() else None


def _set(template: Mapping[str, Any], shards: int) -> dict[str, Any]:
    body = template["template"]
    index = {**body["settings"]["index"], _SETTING: shards}
    return {**template, "template": {**body, "settings": {**body["settings"], "index": index}}}
