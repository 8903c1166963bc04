"""How text is cut into what people search for."""

from collections.abc import Iterator
from typing import Any, Final

# Accents that stand as characters of their own (decomposed text), and apostrophes.
_MARKS: Final = "[\u0300-\u036f'`\u00b4\u02bc\u2018\u2019]+"

# What may stand before the two-digit area code of a Brazilian number as it is typed: the country code, the
# trunk prefix 0 or the collect prefix 90 with or without a carrier's two digits. Taking it off can only
# widen the search, as numbers are found by their last digits.
_COUNTRY_CODE: Final = r"^0*55([1-9]\d{9,10})$"
_TRUNK_PREFIX: Final = r"^9?0(?:[1-9]\d)?([1-9]\d{9,10})$"
_LEADING_ZEROS: Final = r"^0+([1-9]\d*)$"


_CHAR_FILTERS: Final = {
    "pabx_marks": {"type": "pattern_replace", "pattern": _MARKS, "replacement": ""},
    "pabx_only_digits": {"type": "pattern_replace", "pattern": "[^0-9]+", "replacement": ""},
    "pabx_country_code": {"type": "pattern_replace", "pattern": _COUNTRY_CODE, "replacement": "$1"},
    "pabx_trunk_prefix": {"type": "pattern_replace", "pattern": _TRUNK_PREFIX, "replacement": "$1"},
    "pabx_leading_zeros": {"type": "pattern_replace", "pattern": _LEADING_ZEROS, "replacement": "$1"},
}
_TOKENIZERS: Final = {
    "pabx_parts": {"type": "char_group", "tokenize_on_chars": ["whitespace", "punctuation", "symbol"]},
}
_FILTERS: Final = {
    "pabx_not_empty": {"type": "length", "min": 1},
    "pabx_longest_number": {"type": "truncate", "length": 24},
    "pabx_beginnings": {"type": "edge_ngram", "min_gram": 3, "max_gram": 15, "preserve_original": True},
}
_ANALYZERS: Final[dict[str, dict[str, Any]]] = {
    "pabx_words": {
        "type": "custom",
        "char_filter": ["pabx_marks"],
        "tokenizer": "standard",
        "filter": ["lowercase", "asciifolding"],
    },
    "pabx_code": {
        "type": "custom",
        "char_filter": [],
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
        "char_filter": ["pabx_only_digits", "pabx_country_code", "pabx_trunk_prefix", "pabx_leading_zeros"],
        "tokenizer": "keyword",
        "filter": ["pabx_not_empty"],
    },
}


def analysis_for(mapping: Any) -> dict[str, Any]:
    """Give the `analysis` settings that a mapping refers to; empty where it needs none.

    A component template is checked on its own, so each one must bring the analysers that it names.
    """
    used = {name: body for name, body in _ANALYZERS.items() if name in set(_analyzers_in(mapping))}
    if not used:
        return {}
    parts = {
        "char_filter": _only(_CHAR_FILTERS, {name for body in used.values() for name in body["char_filter"]}),
        "tokenizer": _only(_TOKENIZERS, {body["tokenizer"] for body in used.values()}),
        "filter": _only(_FILTERS, {name for body in used.values() for name in body["filter"]}),
        "analyzer": used,
    }
    return {kind: entries for kind, entries in parts.items() if entries}


def _only(entries: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Leave out what nothing refers to; a name that is not among the entries is one of OpenSearch's own."""
    return {name: entry for name, entry in entries.items() if name in names}


def _analyzers_in(mapping: Any) -> Iterator[str]:
    if isinstance(mapping, dict):
        for key, value in mapping.items():
            if key in {"analyzer", "search_analyzer"} and isinstance(value, str):
                yield value
            else:
                yield from _analyzers_in(value)
