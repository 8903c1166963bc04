"""The file and its lines: what OpenSearch Dashboards refuses before it looks at an object's content."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dashboards.check.reading import Item, Problem, Shipment, lines, mapping, strict, text_of

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")
_KEYS: Final[dict[str, type]] = {
    "type": str,
    "id": str,
    "attributes": dict,
    "references": list,
    "migrationVersion": dict,
}
_REFERENCE: Final = {"name", "type", "id"}


@dataclass(frozen=True)
class _Form:
    """What a type may have.

    Attributes:
        needed: attributes that it must have, and the type of each.
        allowed: those that it may have.
        newest: the newest migration version that every supported release knows; empty: it has none.
    """

    needed: dict[str, type]
    allowed: dict[str, type]
    newest: str


_SOURCE: Final[dict[str, type]] = {"kibanaSavedObjectMeta": dict}
_PERIOD: Final[dict[str, type]] = {"timeFrom": str, "timeTo": str, "refreshInterval": dict}
_FORMS: Final = {
    "index-pattern": _Form(
        {"title": str, "fields": str},
        {"timeFieldName": str, "fieldFormatMap": str, "sourceFilters": str},
        "7.6.0",
    ),
    "visualization": _Form(
        {"title": str, "visState": str, "uiStateJSON": str, "version": int, **_SOURCE},
        {"description": str, "savedSearchRefName": str},
        "7.10.0",
    ),
    "search": _Form(
        {"title": str, "columns": list, "sort": list, "version": int, **_SOURCE},
        {"description": str, "hits": int},
        "7.9.3",
    ),
    "dashboard": _Form(
        {
            "title": str,
            "panelsJSON": str,
            "optionsJSON": str,
            "version": int,
            "timeRestore": bool,
            **_SOURCE,
        },
        {"description": str, "hits": int, **_PERIOD},
        "7.9.3",
    ),
    "query": _Form(
        {"title": str, "description": str, "query": dict, "filters": list}, {"timefilter": dict}, ""
    ),
}
_INSIDE: Final = {
    "kibanaSavedObjectMeta": {"searchSourceJSON"},
    "refreshInterval": {"pause", "value", "display", "section"},
    "query": {"query", "language"},
}


def one_object_a_line(file: Shipment) -> Iterator[Problem]:
    """One JSON object a line, each ended by a line feed."""
    if not file.text.endswith("\n"):
        yield file.file, "does not end with a line feed: write each object with one behind it"
    for number, line in lines(file.text):
        wrong = _no_object(line)
        if wrong:
            yield f"line {number}", f"{wrong}: write one JSON object in one line"


def name(file: Shipment) -> Iterator[Problem]:
    """The file's name ends `.ndjson`."""
    if not file.file.endswith(".ndjson"):
        yield file.file, "is refused by its name: let it end with .ndjson"


def keys(file: Shipment) -> Iterator[Problem]:
    """Each object has its five keys and no others, each reference its three."""
    for item in file.items:
        for key, kind in _KEYS.items():
            if not isinstance(item.raw.get(key), kind):
                yield item.name, f"{key} is not a JSON {kind.__name__}: every object has one"
        for key in sorted(item.raw.keys() - _KEYS.keys()):
            yield item.name, f"{key} belongs to one installation: leave it out"
        for number, one in enumerate(item.references):
            if one.keys() != _REFERENCE or not all(isinstance(value, str) for value in one.values()):
                yield (
                    item.name,
                    f"references[{number}] is not name, type and id: give it just these, as texts",
                )


def identity(file: Shipment) -> Iterator[Problem]:
    """Type and id occur once, and the id is a plain slug."""
    counts = Counter((item.type, item.id) for item in file.items)
    for (kind, key), count in counts.items():
        if count > 1:
            yield f"{kind} {key}", f"occurs {count} times, and the import fails as a whole: keep one"
    for item in file.items:
        if not _SLUG.fullmatch(item.id):
            yield item.name, f"id {item.id!r} is no slug: use a-z, 0-9 and single hyphens between them"


def types(file: Shipment) -> Iterator[Problem]:
    """Only types that every supported release has."""
    for item in file.items:
        if item.type not in _FORMS:
            yield item.name, f"type {item.type!r} is not supported: use {', '.join(_FORMS)}"


def attributes(file: Shipment) -> Iterator[Problem]:
    """Only the attributes of the type: the index of saved objects is strict."""
    for item in file.items:
        form = _FORMS.get(item.type)
        if form:
            yield from _attributes(item, form)


def migrations(file: Shipment) -> Iterator[Problem]:
    """No migration version that a supported release does not know: one refuses the whole file."""
    for item in file.items:
        form = _FORMS.get(item.type)
        if form is None:
            continue
        wanted = {item.type: form.newest} if form.newest else {}
        given = mapping(item.raw.get("migrationVersion"))
        if given.keys() != wanted.keys():
            yield item.name, f"migrationVersion is about {sorted(given)}: write {wanted}"
        elif form.newest and _newer(given[item.type], form.newest):
            yield item.name, f"migrationVersion {given[item.type]!r} is not known everywhere: write {wanted}"


def no_count(file: Shipment) -> Iterator[Problem]:
    """No line that counts the export."""
    for number, line in lines(file.text):
        if '"exportedCount"' in line and "exportedCount" in _parsed(line):
            yield f"line {number}", "counts an export: leave the line out"


def _no_object(line: str) -> str:
    if not line.strip():
        return "is empty"
    if line != line.strip():
        return "has blanks or a carriage return around its object"
    try:
        value = strict(line)
    except ValueError as error:
        return f"is no JSON ({error})"
    return "" if isinstance(value, dict) else "is no object"


def _parsed(line: str) -> dict[str, Any]:
    try:
        return mapping(strict(line))
    except ValueError:
        return {}


def _attributes(item: Item, form: _Form) -> Iterator[Problem]:
    known = form.needed | form.allowed
    for key in sorted(form.needed.keys() - item.attributes.keys()):
        yield item.name, f"attributes.{key} is missing: every {item.type} has one"
    for key, value in item.attributes.items():
        if key not in known:
            yield (
                item.name,
                f"attributes.{key} is refused (strict mapping): a {item.type} has no such attribute",
            )
        elif not _is(value, known[key]):
            yield item.name, f"attributes.{key} is not a JSON {known[key].__name__}: write one"
        elif key in _INSIDE:
            for inner in sorted(value.keys() - _INSIDE[key]):
                yield item.name, f"attributes.{key}.{inner} is unknown: leave it out"


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _newer(version: Any, newest: str) -> bool:
    text = text_of(version)
    if not _VERSION.fullmatch(text):
        return True
    return [int(part) for part in text.split(".")] > [int(part) for part in newest.split(".")]
