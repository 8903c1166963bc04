"""How each type of field is indexed: the vocabulary of the schemas' `x-opensearch`."""

from dataclasses import dataclass
from typing import Any, Final

# 8191 UTF-16 units are at most 24,573 bytes: below the 32,766 at which Lucene refuses a document.
_KEYWORD: Final[dict[str, Any]] = {"type": "keyword", "ignore_above": 8191}


@dataclass(frozen=True)
class FieldType:
    """One word of the vocabulary.

    Attributes:
        name: the word.
        description: what it is for.
        mapping: the field's mapping.
        searched: the multi-fields that a search without a field's name looks into; "" is the field itself.
    """

    name: str
    description: str
    mapping: dict[str, Any]
    searched: tuple[str, ...] = ("",)


_TYPES: Final = (
    FieldType("keyword", "a value that is compared as a whole", _KEYWORD),
    FieldType(
        "words",
        "`.text` finds it by its words, without regard to accents, case and apostrophes",
        {**_KEYWORD, "fields": {"text": {"type": "text", "analyzer": "pabx_words", "norms": False}}},
        ("text",),
    ),
    FieldType(
        "phone",
        "`.digits` finds it by its last digits (three or more) in any spelling",
        {
            **_KEYWORD,
            "fields": {
                "digits": {
                    "type": "text",
                    "analyzer": "pabx_digits",
                    "search_analyzer": "pabx_digits_search",
                    "norms": False,
                    "index_options": "docs",
                }
            },
        },
        # The field itself too: `anonymous` has no digits.
        ("", "digits"),
    ),
    FieldType(
        "code",
        "`.text` finds it by its parts between punctuation marks",
        {**_KEYWORD, "fields": {"text": {"type": "text", "analyzer": "pabx_code", "norms": False}}},
        ("text",),
    ),
    FieldType("date", "a moment in UTC", {"type": "date", "ignore_malformed": True}),
    FieldType("integer", "a whole number", {"type": "integer", "ignore_malformed": True}),
    FieldType("long", "a whole number of up to 63 bits", {"type": "long", "ignore_malformed": True}),
    FieldType(
        "money",
        "an amount, exact to four decimals",
        {"type": "scaled_float", "scaling_factor": 10000, "ignore_malformed": True},
    ),
    FieldType(
        "decimal",
        "a number, exact to two decimals",
        {"type": "scaled_float", "scaling_factor": 100, "ignore_malformed": True},
    ),
    FieldType("ip", "an address; ranges too: `203.0.113.0/24`", {"type": "ip", "ignore_malformed": True}),
    FieldType("boolean", "true or false", {"type": "boolean"}),
    FieldType("stored", "kept as it is, not indexed", {"type": "object", "enabled": False}),
)

FIELD_TYPES: Final = {field_type.name: field_type for field_type in _TYPES}
