"""How text is cut into what people search for."""

from typing import Any, Final

_COMBINING_MARKS: Final = range(0x300, 0x370)
_APOSTROPHES: Final = "'`\u00b4\u02bc\u2018\u2019"

# What may stand before the two-digit area code of a Brazilian number as it is typed: the country code, the
# trunk prefix 0 or the collect prefix 90 with or without a carrier's two digits. Taking it off can only
# widen the search, as numbers are found by their last digits.
_COUNTRY_CODE: Final = r"^0*55([1-9]\d{9,10})$"
_TRUNK_PREFIX: Final = r"^9?0(?:[1-9]\d)?([1-9]\d{9,10})$"
_LEADING_ZEROS: Final = r"^0+([1-9]\d*)$"


def analysis() -> dict[str, Any]:
    """Give the `analysis` part of the index settings that the field types in `mapping` refer to."""
    return {
        "char_filter": {
            "pabx_marks": {"type": "mapping", "mappings": _removed_marks()},
            "pabx_only_digits": {"type": "pattern_replace", "pattern": "[^0-9]+", "replacement": ""},
            "pabx_country_code": _keep_group(_COUNTRY_CODE),
            "pabx_trunk_prefix": _keep_group(_TRUNK_PREFIX),
            "pabx_leading_zeros": _keep_group(_LEADING_ZEROS),
        },
        "tokenizer": {
            "pabx_parts": {
                "type": "char_group",
                "tokenize_on_chars": ["whitespace", "punctuation", "symbol"],
            },
        },
        "filter": {
            "pabx_not_empty": {"type": "length", "min": 1},
            "pabx_longest_number": {"type": "truncate", "length": 24},
            "pabx_beginnings": {
                "type": "edge_ngram",
                "min_gram": 3,
                "max_gram": 15,
                "preserve_original": True,
            },
        },
        "analyzer": {
            "pabx_words": {
                "type": "custom",
                "char_filter": ["pabx_marks"],
                "tokenizer": "standard",
                "filter": ["lowercase", "asciifolding"],
            },
            "pabx_code": {
                "type": "custom",
                "tokenizer": "pabx_parts",
                "filter": ["lowercase", "asciifolding"],
            },
            # The beginnings of the reversed number, turned back, are its endings: one term per ending.
            "pabx_digits": {
                "type": "custom",
                "char_filter": ["pabx_only_digits"],
                "tokenizer": "keyword",
                "filter": ["pabx_not_empty", "reverse", "pabx_longest_number", "pabx_beginnings", "reverse"],
            },
            "pabx_digits_search": {
                "type": "custom",
                "char_filter": [
                    "pabx_only_digits",
                    "pabx_country_code",
                    "pabx_trunk_prefix",
                    "pabx_leading_zeros",
                ],
                "tokenizer": "keyword",
                "filter": ["pabx_not_empty"],
            },
        },
    }


def _keep_group(pattern: str) -> dict[str, str]:
    return {"type": "pattern_replace", "pattern": pattern, "replacement": "$1"}


def _removed_marks() -> list[str]:
    """Accents that stand as characters of their own (decomposed text), and apostrophes."""
    removed = [chr(code) for code in _COMBINING_MARKS] + list(_APOSTROPHES)
    return [f"\\u{ord(mark):04x} => " for mark in removed]
