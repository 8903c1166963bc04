"""The shipped roles, and what has to be done so that the cluster has them: no requests.

A role's file holds what is put into `_plugins/_security/api/roles`. Each role is mapped to the backend role
of its own name; what else an administrator has mapped to it stays.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from central.assets import Bodies
from central.errors import MissingAssetsError
from central.plan import Resource, Step, compare

ROLE: Final = "role"
MAPPING: Final = "role mapping"

_FOLDER: Final = Path(__file__).parent / "roles"
# What the cluster's answer has beside it (reserved, hidden, static) is its own.
_OF_ROLE: Final = ("cluster_permissions", "index_permissions", "tenant_permissions")
_OF_INDICES: Final = ("index_patterns", "fls", "masked_fields", "allowed_actions")
_OF_TENANTS: Final = ("tenant_patterns", "allowed_actions")
_OF_MAPPING: Final = ("backend_roles", "and_backend_roles", "hosts", "users")


def load_roles() -> Bodies:
    """Read the files: role -> what is sent.

    Raises:
        MissingAssetsError: the installation lacks them.
    """
    files = sorted(_FOLDER.glob("*.json"))
    if not files:
        raise MissingAssetsError(f"{_FOLDER} holds no *.json: install the package again")
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def steps(roles: Bodies, there: Mapping[str, Any], mappings: Mapping[str, Any]) -> list[Step]:
    """Say what has to be done so that the cluster has these roles, each with its mapping.

    Args:
        roles: what is shipped.
        there: the cluster's roles.
        mappings: the cluster's role mappings.
    """
    return [
        step
        for name, role in roles.items()
        for step in (_role(name, there.get(name), role), _mapping(name, mappings.get(name)))
    ]


def _role(name: str, there: Mapping[str, Any] | None, wanted: dict[str, Any]) -> Step:
    step = compare(Resource(ROLE, name), there and _comparable(there), _comparable(wanted))
    return Step(step.resource, step.action, wanted, step.difference)


def _mapping(name: str, there: Mapping[str, Any] | None) -> Step:
    """The role's mapping: the backend role of its name, beside what is mapped already."""
    kept = {key: list((there or {}).get(key) or ()) for key in _OF_MAPPING}
    wanted = {**kept, "backend_roles": sorted({*kept["backend_roles"], name})}
    old = there and {**kept, "backend_roles": sorted(kept["backend_roles"])}
    step = compare(Resource(MAPPING, name), old, wanted)
    described = {"description": there["description"]} if there and there.get("description") else {}
    return Step(step.resource, step.action, {**wanted, **described}, step.difference)


def _comparable(role: Mapping[str, Any]) -> dict[str, Any]:
    """What of a role decides: absent lists as empty ones, and the order of rights does not count."""
    result: dict[str, Any] = {key: role.get(key) or [] for key in _OF_ROLE}
    result["description"] = role.get("description") or ""
    result["cluster_permissions"] = sorted(result["cluster_permissions"])
    result["index_permissions"] = [
        {**_lists(entry, _OF_INDICES), "dls": entry.get("dls") or ""} for entry in result["index_permissions"]
    ]
    result["tenant_permissions"] = [_lists(entry, _OF_TENANTS) for entry in result["tenant_permissions"]]
    return result


def _lists(entry: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: sorted(entry.get(key) or ()) for key in keys}
