"""The shipped objects against those that OpenSearch Dashboards has: pure comparison, no requests."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from central.plan import Resource, Step, compare
from central.saved_objects.files import SavedObject

Found = Mapping[tuple[str, str], Mapping[str, Any]]
"""Type and id to what is there: its `attributes` and `references`."""

_WIDEST: Final = 200


def steps(objects: Iterable[SavedObject], there: Found) -> list[Step]:
    """Say of each object what has to be done so that it is there as it is shipped.

    Args:
        objects: what is shipped.
        there: what OpenSearch Dashboards has of it.
    """
    found = []
    for one in objects:
        present = comparable(one.type, there[one.key]) if one.key in there else None
        wanted = comparable(one.type, {"attributes": one.attributes, "references": one.references})
        step = compare(Resource(one.type, one.id), present, wanted)
        found.append(replace(step, difference=tuple(_shortened(line) for line in step.difference)))
    return found


def comparable(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Bring an object into the form in which two are compared: JSON inside texts is read, order is made.

    Args:
        kind: its type.
        body: its `attributes` and `references`; what else there is does not count.
    """
    attributes = {key: _opened(value) for key, value in body["attributes"].items()}
    if kind == "index-pattern" and isinstance(attributes.get("fields"), list):
        attributes["fields"] = _fields(attributes["fields"])
    references = sorted(body.get("references", []), key=lambda one: str(one["name"]))
    return {"attributes": attributes, "references": references}


def _fields(fields: Iterable[Any]) -> list[Any]:
    # `count` is how often Discover's users chose the field: theirs, not ours.
    kept = [{key: value for key, value in field.items() if key != "count"} for field in fields]
    return sorted(kept, key=lambda field: str(field.get("name")))


def _opened(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return _opened(json.loads(value))
        except ValueError:  # a text such as a link of Markdown
            return value
    if isinstance(value, dict):
        return {key: _opened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    return value


def _shortened(line: str) -> str:
    """Cut an expression of Vega, which fills a screen."""
    return line if len(line) <= _WIDEST else f"{line[:_WIDEST]}… ({len(line)} characters)"
