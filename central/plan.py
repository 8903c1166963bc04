"""What is shipped against what the cluster has: pure comparison, no requests."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from central.assets import Assets
from central.quarantine.kept import DAILY

# Parameters that OpenSearch changes on a field that exists; anything else needs a new index.
_CHANGEABLE: Final = {"fields", "ignore_above", "ignore_malformed"}


class Action(Enum):
    """What has to be done with a resource."""

    CREATE = "create"
    CHANGE = "change"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Resource:
    """One thing in the cluster.

    Attributes:
        kind: `ingest pipeline`, `component template`, `index template`, `index`, a role's or a saved
            object's type.
        name: its name in the cluster.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Step:
    """One resource and what has to be done with it.

    Attributes:
        resource: the thing.
        action: create, change or leave.
        body: what is sent.
        difference: unified diff from what the cluster has to what is wanted; empty unless it is a change.
        impossible: what cannot be changed on it, one line each.
    """

    resource: Resource
    action: Action
    body: dict[str, Any]
    difference: tuple[str, ...] = ()
    impossible: tuple[str, ...] = ()


def compare(resource: Resource, there: Mapping[str, Any] | None, wanted: dict[str, Any]) -> Step:
    """Say what has to be done so that the cluster has `wanted`.

    Args:
        resource: what it is about.
        there: what the cluster has; None: nothing.
        wanted: what is shipped.
    """
    if there is None:
        return Step(resource, Action.CREATE, wanted)
    old, new = normalised(there), normalised(wanted)
    if old == new:
        return Step(resource, Action.UNCHANGED, wanted)
    return Step(resource, Action.CHANGE, wanted, difference=_difference(old, new))


def compare_index(
    name: str, there: Mapping[str, Any], settings: Mapping[str, Any], fields: Mapping[str, Any]
) -> Step:
    """Say what has to be done so that an index that exists has the fields of its template.

    Args:
        name: the index.
        there: its `settings` and `mappings` as the cluster has them.
        settings: flat settings that can be changed on it, with the values wanted.
        fields: the wanted mapping's `properties`.

    Returns:
        A step whose body holds the `properties` to add and the `settings` to set.
    """
    impossible: list[str] = []
    missing = _missing(there.get("mappings", {}).get("properties", {}), fields, "", impossible)
    present = _flat(there.get("settings", {}))
    late = {key: value for key, value in settings.items() if present.get(key) != value}
    body = {"properties": missing, "settings": late}
    action = Action.CHANGE if missing or late else Action.UNCHANGED
    old = {"mappings": {}, "settings": {key: present[key] for key in late if key in present}}
    new = {"mappings": missing, "settings": late}
    difference = _difference(old, new) if action is Action.CHANGE else ()
    return Step(Resource("index", name), action, body, difference, tuple(impossible))


def composed(assets: Assets, template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put an index template and its components together, as the cluster does for a new index.

    Returns:
        Its flat settings and its mapping's `properties`.
    """
    body = assets.templates[template]
    settings: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for part in [*(assets.components[name]["template"] for name in body["composed_of"]), body["template"]]:
        settings |= _flat(part.get("settings", {}))
        properties = _merged(properties, part.get("mappings", {}).get("properties", {}))
    return settings, properties


def first_index(template: str, pattern: str, now: datetime) -> str:
    """Name the index that a kind's documents of now go to.

    Args:
        template: the kind's index template.
        pattern: the names that it is for: with `*` at its end a month or a day (UTC) stands there.
        now: which month or day.
    """
    if not pattern.endswith("*"):
        return pattern
    return pattern.removesuffix("*") + now.strftime("%Y.%m.%d" if template in DAILY else "%Y.%m")


def normalised(body: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a resource into the form in which two are compared: settings flat and as text."""
    result = dict(body)
    if isinstance(body.get("template"), Mapping):
        template = dict(body["template"])
        if "settings" in template:
            template["settings"] = _flat(template["settings"])
        result["template"] = template
    return result


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{name}.")
        elif isinstance(value, list):
            flat[_indexed(name)] = [_text(item) for item in value]
        else:
            flat[_indexed(name)] = _text(value)
    return flat


def _indexed(name: str) -> str:
    return name if name.startswith("index.") else f"index.{name}"


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _missing(
    there: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str, impossible: list[str]
) -> dict[str, Any]:
    """Collect the part of `wanted` that can be put onto `there`; what cannot goes into `impossible`."""
    missing: dict[str, Any] = {}
    for key, mapping in wanted.items():
        name = f"{prefix}{key}"
        present = there.get(key)
        if present is None:
            missing[key] = mapping
        elif "properties" in mapping and "properties" in present:
            below = _missing(present["properties"], mapping["properties"], f"{name}.", impossible)
            missing |= {key: {"properties": below}} if below else {}
        elif present != mapping:
            if _can_become(present, mapping):
                missing[key] = mapping
            else:
                has, should = present.get("type", "object"), mapping.get("type", "object")
                what = (
                    f"type {has}, not {should}" if has != should else "another analysis or other parameters"
                )
                impossible.append(f"{name} has {what}")
    return missing


def _can_become(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    differing = {key for key in present.keys() | wanted.keys() if present.get(key) != wanted.get(key)}
    kept = all(wanted.get("fields", {}).get(key) == value for key, value in present.get("fields", {}).items())
    return differing <= _CHANGEABLE and kept


def _merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in more.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else value
    return result


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    before, after = _shown(old), _shown(new)
    return tuple(difflib.unified_diff(before, after, fromfile="in the cluster", tofile="wanted", lineterm=""))


def _shown(body: Mapping[str, Any]) -> list[str]:
    return json.dumps(_in_lines(body), indent=2, sort_keys=True, ensure_ascii=False).splitlines()


def _in_lines(node: Any) -> Any:
    """Show a script line by line, so that a difference names the line and not the whole script."""
    if isinstance(node, Mapping):
        return {key: _in_lines(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_in_lines(item) for item in node]
    if isinstance(node, str) and "\n" in node:
        return node.splitlines()
    return node
