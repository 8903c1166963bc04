"""From the JSON Schemas to flat fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from central.generate.mapping import FIELD_TYPES, FieldType
from shipper.schema import load

_DEFAULT_TYPES: Final = {
    "boolean": "boolean",
    "integer": "integer",
    "string": "keyword",
}


@dataclass(frozen=True)
class Field:
    """One leaf of a document, or an object that is kept without being indexed.

    Attributes:
        name: dotted path, `cdr.src`.
        fieldset: the component template that maps it, without the prefix `pabx-`.
        type: how it is indexed.
        search: a search without a field's name looks into it.
        many: it holds a list of values.
        required: the schema asks for it (within its object).
        description: one sentence.
        schema: its JSON Schema.
    """

    name: str
    fieldset: str
    type: FieldType
    search: bool
    many: bool
    required: bool
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class PatternField:
    """One field as an index pattern lists it.

    Attributes:
        name: dotted path, of a multi-field with its suffix.
        type: `string`, `number`, `date`, `boolean` or `ip`.
        os_types: the field's types in the mapping.
        searchable: a query can name it.
        aggregatable: it can be counted, sorted and grouped by.
        parent: the field that it is a multi-field of.
    """

    name: str
    type: str
    os_types: tuple[str, ...]
    searchable: bool
    aggregatable: bool
    parent: str | None = None


def fields_of(kind: str) -> list[Field]:
    """Give the fields of one kind of document in the schema's order.

    Raises:
        ValueError: there is no such kind, or an annotation in the schema is unknown.
    """
    schema = load(kind)
    return list(_walk(schema, "", ""))


def index_pattern_fields(kind: str) -> list[PatternField]:
    """Give the fields of one kind of document, multi-fields included, as an index pattern lists them."""
    listed = []
    for field in fields_of(kind):
        if field.type.mapping.get("enabled") is False:
            continue
        listed.append(_pattern_field(field.name, field.type.mapping, None))
        for suffix, mapping in field.type.mapping.get("fields", {}).items():
            listed.append(_pattern_field(f"{field.name}.{suffix}", mapping, field.name))
    return listed


def _pattern_field(name: str, mapping: dict[str, Any], parent: str | None) -> PatternField:
    os_type = mapping["type"]
    shown = {
        "integer": "number",
        "long": "number",
        "scaled_float": "number",
        "date": "date",
        "boolean": "boolean",
        "ip": "ip",
    }
    return PatternField(
        name=name,
        type=shown.get(os_type, "string"),
        os_types=(os_type,),
        searchable=True,
        aggregatable=os_type != "text",
        parent=parent,
    )


def _walk(schema: dict[str, Any], prefix: str, fieldset: str) -> Iterator[Field]:
    required = schema.get("required", [])
    for key, part in schema["properties"].items():
        name = f"{prefix}{key}"
        home = part.get("x-fieldset", fieldset)
        if "properties" in part:
            yield from _walk(part, f"{name}.", home)
        else:
            yield _leaf(name, home, part, required=key in required)


def _leaf(name: str, fieldset: str, part: dict[str, Any], *, required: bool) -> Field:
    many = part.get("type") == "array"
    value = part["items"] if many else part
    annotation = value.get("x-opensearch", {})
    if unknown := annotation.keys() - {"type", "search"}:
        raise ValueError(f"{name}: unknown key {min(unknown)!r} in x-opensearch")
    type_name = annotation.get("type") or _DEFAULT_TYPES.get(value.get("type", ""))
    if type_name not in FIELD_TYPES:
        raise ValueError(f"{name}: x-opensearch type {type_name!r} is not one of {', '.join(FIELD_TYPES)}")
    if not fieldset:
        raise ValueError(f"{name}: no x-fieldset says which component template maps it")
    return Field(
        name=name,
        fieldset=fieldset,
        type=FIELD_TYPES[type_name],
        search=annotation.get("search", False),
        many=many,
        required=required,
        description=part["description"],
        schema=part,
    )
