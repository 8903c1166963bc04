"""Saved searches as request bodies, and their answers as rows. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from central.preview.objects import Json, ObjectError, Pattern, SavedObject

SIZE: Final = 200
"""How many documents are shown at once; the answer tells how many there are."""


def body(search: SavedObject, pattern: Pattern, query: Json) -> Json:
    """Give the request of a saved search.

    Args:
        search: the object.
        pattern: of its documents.
        query: already narrowed.

    Raises:
        ObjectError: a column or a field of the sort is not in the pattern.
    """
    order = []
    for entry in search.attributes.get("sort") or []:
        if not isinstance(entry, list) or len(entry) != 2 or entry[1] not in {"asc", "desc"}:  # noqa: PLR2004
            raise ObjectError(f"{search.name}: sort entry {entry!r} is not [field, asc or desc]: correct it")
        pattern.field(entry[0], search.name)
        order.append({entry[0]: {"order": entry[1], "unmapped_type": "boolean"}})
    return {"size": SIZE, "track_total_hits": True, "query": query, "sort": order}


def columns(search: SavedObject, pattern: Pattern) -> list[Json]:
    """Give the columns: `field`, `type`, `format` of each; the time first, as in OpenSearch Dashboards.

    Raises:
        ObjectError: one is not in the pattern.
    """
    named = [str(one) for one in search.attributes.get("columns") or []]
    if pattern.time_field and pattern.time_field not in named:
        named.insert(0, pattern.time_field)
    return [
        {"field": one, "type": pattern.field(one, search.name), "format": pattern.formats.get(one)}
        for one in named
    ]


def rows(answer: Mapping[str, Any]) -> list[Json]:
    """Give each document: `id`, `index` and `fields` (dotted name to its values, one at least)."""
    return [
        {"id": hit["_id"], "index": hit["_index"], "fields": flat(hit.get("_source") or {})}
        for hit in answer["hits"]["hits"]
    ]


def flat(source: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Give a document's values by dotted name; what has no value is left out."""
    found: dict[str, list[Any]] = {}
    for name, value in _leaves(source, ""):
        found.setdefault(name, []).append(value)
    return found


def _leaves(part: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from _leaves(value, f"{name}.{key}" if name else str(key))
    elif isinstance(part, Sequence) and not isinstance(part, str):
        for one in part:
            yield from _leaves(one, name)
    elif part is not None:
        yield name, part
