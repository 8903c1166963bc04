"""Index patterns: their fields are shipped, and are those of the index templates."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from central.assets import Assets
from central.plan import composed
from dashboards.check.reading import Json, Mapped, Problem, Shipment, listed, mapping

_ENTRY: Final[dict[str, type]] = {
    "count": int,
    "name": str,
    "type": str,
    "esTypes": list,
    "scripted": bool,
    "searchable": bool,
    "aggregatable": bool,
    "readFromDocValues": bool,
}
_META: Final = {"_id", "_index", "_score", "_source", "_type"}
_NUMBERS: Final = ("long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float")
_SHOWN: Final = {
    **dict.fromkeys(("keyword", "text", "wildcard", "constant_keyword", "match_only_text"), "string"),
    **dict.fromkeys(_NUMBERS, "number"),
    **{kind: kind for kind in ("date", "boolean", "ip", "geo_point")},
}
"""How an index pattern calls a mapping's types."""
_COMPARED: Final = ("type", "esTypes", "searchable", "aggregatable", "readFromDocValues", "subType")


def mapped_fields(assets: Assets) -> Mapped:
    """Give what the index templates map, in the form in which index patterns list it.

    Args:
        assets: the shipped index templates and their components.
    """
    found: dict[str, Mapping[str, Json]] = {}
    for template, body in assets.templates.items():
        _, properties = composed(assets, template)
        entries = {str(one["name"]): one for one in _entries(properties, "")}
        found |= dict.fromkeys(body["index_patterns"], entries)
    return found


def fields_shipped(file: Shipment) -> Iterator[Problem]:
    """Every index pattern brings its fields: OpenSearch Dashboards 3.7 does not fetch them."""
    for item in file.of("index-pattern"):
        entries = listed(item.texts.get("fields"))
        names = [mapping(one).get("name") for one in entries]
        for name in sorted(_META - {one for one in names if isinstance(one, str)}):
            yield item.name, f"fields lack {name}: list the five fields that every document has, too"
        if len({str(one) for one in names}) != len(names):
            yield item.name, "lists a field twice: list it once"
        for number, entry in enumerate(entries):
            wrong = _entry_fault(entry)
            if wrong:
                yield item.name, f"fields[{number}] {names[number]!r}: {wrong}"


def fields_agree(file: Shipment) -> Iterator[Problem]:
    """The fields are those that the index template and its components map."""
    for item in file.of("index-pattern"):
        title = item.attributes.get("title")
        wanted = file.mapped.get(title) if isinstance(title, str) else None
        if wanted is None:
            yield (
                item.name,
                f"no index template is about {title!r}: take the title from index_templates/index",
            )
            continue
        pattern = file.patterns[item.id]
        for text in _differences(pattern.fields, wanted):
            yield item.name, f"{text}; run: make generate"
        time = item.attributes.get("timeFieldName")
        if time is not None and mapping(wanted.get(str(time))).get("type") != "date":
            yield item.name, f"timeFieldName {time!r} is no date of {title}: name one"
        for name in mapping(item.texts.get("fieldFormatMap")):
            if name not in pattern.fields:
                yield item.name, f"fieldFormatMap writes {name!r}, which is not in fields: take it out"


def periods(file: Shipment) -> Iterator[Problem]:
    """The period applies to what happened, and hides nothing of what is now.

    An index of its own holds one document for each thing that is now; no period may hide a silent store.
    """
    for item in file.of("index-pattern"):
        pattern = file.patterns[item.id]
        wanted = "@timestamp" if pattern.title.endswith("*") else ""
        if pattern.time_field != wanted:
            mend = f"write {wanted!r}" if wanted else "leave it out"
            yield item.name, f"timeFieldName of {pattern.title} is {pattern.time_field!r}: {mend}"


def _entries(properties: Mapping[str, Any], prefix: str) -> Iterator[Json]:
    for key, part in properties.items():
        name = f"{prefix}{key}"
        if "properties" in part:
            yield from _entries(part["properties"], f"{name}.")
        elif part.get("enabled") is not False and part.get("type") != "object":
            yield _entry(name, part)
            for suffix, inner in part.get("fields", {}).items():
                yield _entry(f"{name}.{suffix}", inner) | {"subType": {"multi": {"parent": name}}}


def _entry(name: str, part: Mapping[str, Any]) -> Json:
    kind = part["type"]
    stored = kind not in {"text", "match_only_text"} and part.get("doc_values") is not False
    return {
        "name": name,
        "type": _SHOWN.get(kind, "unknown"),
        "esTypes": [kind],
        "searchable": part.get("index") is not False,
        "aggregatable": stored,
        "readFromDocValues": stored,
    }


def _entry_fault(entry: Any) -> str:
    given = mapping(entry)
    for key, kind in _ENTRY.items():
        if not isinstance(given.get(key), kind):
            return f"{key} is not a JSON {kind.__name__}: write all of {', '.join(_ENTRY)}"
    unknown = sorted(given.keys() - _ENTRY.keys() - {"subType"})
    if unknown:
        return f"{unknown[0]} is unknown: leave it out"
    return "is a scripted field: take it out, tables of scripts are slow" if given["scripted"] else ""


def _differences(given: Mapping[str, Json], wanted: Mapping[str, Json]) -> Iterator[str]:
    for name in sorted(wanted.keys() - given.keys()):
        yield f"field {name!r} of the index template is missing"
    for name in sorted(given.keys() - wanted.keys() - _META):
        yield f"field {name!r} is in no index template"
    for name in sorted(given.keys() & wanted.keys()):
        for key in _COMPARED:
            old, new = given[name].get(key), wanted[name].get(key)
            if old != new:
                yield f"field {name!r}: {key} is {old!r}, by the index template {new!r}"
