"""`docs/fields.md`: every field of every document."""

import json
from collections.abc import Sequence
from typing import Any, Final

from central.generate.fields import Field
from central.generate.mapping import FIELD_TYPES
from central.generate.templates import DAILY, INDEX_NAMES, UNDATED, Fields
from shipper.schema import load

_HEAD: Final = """\
# Fields

Generated from `shipper/schema/*.json` by `make generate`: edit the schema, not this file.

Times are UTC; seconds are whole numbers. A field whose value is empty or unknown is left out.
A value that does not fit its type stays in the document (`_source`) and is left out of the index.

## Types
"""


def field_documentation(fields: Fields) -> dict[str, str]:
    """Give the field documentation: path -> Markdown."""
    types = [
        f"| `{each.name}` | {each.mapping['type']} | {each.description} |" for each in FIELD_TYPES.values()
    ]
    parts = [_HEAD, "| type | in the index | what for |", "|---|---|---|", *types, ""]
    for kind, of_kind in fields.items():
        parts += [
            f"## {kind}: `{INDEX_NAMES[kind]}{_date(kind)}`",
            "",
            load(kind)["description"],
            "",
            *_table(of_kind),
            "",
        ]
    return {"docs/fields.md": "\n".join(parts).rstrip("\n") + "\n"}


def _date(kind: str) -> str:
    if kind in UNDATED:
        return ""
    return "-YYYY.MM.DD" if kind in DAILY else "-YYYY.MM"


def _table(of_kind: Sequence[Field]) -> list[str]:
    rows = ["| field | type | found without naming it | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{field.name}` | {field.type.name}{', list' if field.many else ''} "
        f"| {'yes' if field.search else ''} | {_escape(field.description)}{_values(field.schema)} |"
        for field in of_kind
    ]
    return rows


def _values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + "."
    if "examples" not in schema:
        return ""
    shown = (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for value in schema["examples"]
    )
    return " Example: " + ", ".join(f"`{_escape(value)}`" for value in shown) + "."


def _escape(text: str) -> str:
    return text.replace("|", "\\|")
