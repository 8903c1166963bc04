"""The documents' JSON Schemas (draft-07): the only place where a field is defined.

`common.json` holds the field sets that several documents share; the other files
are one document each. Mappings and `docs/fields.md` are generated from them
(`make generate`).

Two annotations are ours. `x-opensearch` says how a field is indexed: `{"type": T, "search": true}`,
where T is one of `central.generate.mapping.FIELD_TYPES` (without it the JSON type decides) and `search`
makes it one of the fields that a search without a field's name looks into. `x-fieldset` names the
component template that a part belongs to.
"""

import json
from importlib import resources
from typing import Any, Final

KINDS: Final = ("cdr", "call", "quarantine", "store", "audit", "live", "event", "gate", "alert")

# Goes into every template's `_meta`; raised when a field is added or its meaning changes.
VERSION: Final = 7

Schema = dict[str, Any]


def load(kind: str) -> Schema:
    """Give the whole schema of one kind of document, without references.

    Args:
        kind: one of `KINDS`.

    Returns:
        A new draft-07 schema in which every `$ref` is replaced by what it refers to; keywords beside a
        `$ref` are added to that (objects key by key, everything else takes the place of what was there).

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    schema: Schema = _resolve(_read(f"{kind}.json"))
    return schema


def _read(name: str) -> Schema:
    text = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    schema: Schema = json.loads(text)
    return schema


def _resolve(node: Any) -> Any:
    if isinstance(node, list):
        return [_resolve(item) for item in node]
    if not isinstance(node, dict):
        return node
    beside = {key: _resolve(value) for key, value in node.items() if key != "$ref"}
    if "$ref" not in node:
        return beside
    name, _, pointer = node["$ref"].partition("#/")
    target: Any = _read(name)
    for part in pointer.split("/"):
        target = target[part]
    return _merge(_resolve(target), beside)


def _merge(base: Schema, beside: Schema) -> Schema:
    merged = dict(base)
    for key, value in beside.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged
