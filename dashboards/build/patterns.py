"""Index patterns, generated from the schemas: their fields and how each is written."""

from typing import Final

from central.generate.fields import PatternField, fields_of, index_pattern_fields
from dashboards.build.meanings import of_fields
from dashboards.build.objects import PATTERNS, Json, SavedObject, as_text, pattern_id
from dashboards.build.words import Say

TIMELESS: Final = {"live", "store", "gate", "alert"}
"""One document each for what is now: no period may hide a store that is silent."""

_META: Final = {
    "_id": "string",
    "_index": "string",
    "_score": "number",
    "_source": "_source",
    "_type": "string",
}
_SPANS: Final = ("_seconds", ".duration", ".billsec", "callback.seconds")
_NO_SPANS: Final = {"cdr.sequence"}


def patterns(say: Say) -> list[SavedObject]:
    """Give the index pattern of every kind of document."""
    return [pattern(say, kind) for kind in PATTERNS]


def pattern(say: Say, kind: str) -> SavedObject:
    """Give a kind's index pattern; without `fields`, OpenSearch Dashboards 3.7 shows none."""
    fields = [_entry(one) for one in index_pattern_fields(kind)] + [_meta(*one) for one in _META.items()]
    attributes: Json = {
        "title": PATTERNS[kind],
        "fields": as_text(sorted(fields, key=lambda one: str(one["name"]))),
        "fieldFormatMap": as_text(formats(say, kind)),
    }
    if kind not in TIMELESS:
        attributes["timeFieldName"] = "@timestamp"
    return SavedObject("index-pattern", pattern_id(kind), attributes)


def formats(say: Say, kind: str) -> Json:
    """How a kind's fields are written: spans as h:mm:ss, money as R$, what stands for something in words."""
    found: Json = {}
    meanings = of_fields(say)
    for field in fields_of(kind):
        name = field.name
        if (
            field.type.mapping["type"] in {"integer", "long"}
            and name.endswith(_SPANS)
            and name not in _NO_SPANS
        ):
            found[name] = {"id": "number", "params": {"pattern": "00:00:00"}}
        elif field.type.name == "money":
            found[name] = {"id": "number", "params": {"pattern": say("$ 0,0.00", "0,0.00")}}
        elif name.endswith("_bytes"):
            found[name] = {"id": "bytes", "params": {"pattern": "0,0.0 b"}}
        elif name == "local.weekday":
            entries = [{"key": day, "value": word} for day, word in enumerate(say.weekdays, start=1)]
            found[name] = _lookup(entries)
        elif name in meanings:
            found[name] = _lookup([{"key": key, "value": word} for key, word in meanings[name].items()])
    return found


def _lookup(entries: list[Json]) -> Json:
    return {"id": "static_lookup", "params": {"lookupEntries": entries, "unknownKeyValue": "—"}}


def _entry(one: PatternField) -> Json:
    entry: Json = {
        "count": 0,
        "name": one.name,
        "type": one.type,
        "esTypes": list(one.os_types),
        "scripted": False,
        "searchable": one.searchable,
        "aggregatable": one.aggregatable,
        "readFromDocValues": one.aggregatable,
    }
    return entry | ({"subType": {"multi": {"parent": one.parent}}} if one.parent else {})


def _meta(name: str, kind: str) -> Json:
    searchable = name in {"_id", "_index", "_type"}
    return {
        "count": 0,
        "name": name,
        "type": kind,
        "esTypes": [] if name == "_score" else [name],
        "scripted": False,
        "searchable": searchable,
        "aggregatable": searchable,
        "readFromDocValues": False,
    }
