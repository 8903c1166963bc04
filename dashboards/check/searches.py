"""Saved searches, saved queries, and the Lucene queries of tables."""

import re
from collections.abc import Iterator
from typing import Any, Final

from dashboards.check.reading import NO_PATTERN, Item, Pattern, Problem, Shipment, listed, mapping, text_of

_DIRECTIONS: Final = {"asc", "desc"}
_CALLS: Final = "pabx-calls-*"
_ONCE: Final = "NOT _exists_:call.merged_into"
_QUOTED: Final = re.compile(r'"(?:\\.|[^"\\])*"|\[[^\]]*\]|\{[^}]*\}')
_EXISTS: Final = re.compile(r"\b_exists_:\s*([\w@.]+)")
_NAMED: Final = re.compile(r"([\w@][\w@.\\-]*):")
_GROUP: Final = re.compile(r"\([^()]*\)")


def columns(file: Shipment) -> Iterator[Problem]:
    """Columns and sort fields exist, and the sort is a list of pairs."""
    for item in file.of("search"):
        pattern = file.searched(item)
        if pattern is None:
            yield item.name, NO_PATTERN
            continue
        for name in listed(item.attributes.get("columns")):
            wrong = pattern.lacks(name)
            if wrong:
                yield item.name, f"column {name!r}: {wrong}"
        for one in listed(item.attributes.get("sort")):
            wrong = _sort_fault(one, pattern)
            if wrong:
                yield item.name, f"sort {one!r}: {wrong}"


def lucene(file: Shipment) -> Iterator[Problem]:
    """Queries are Lucene: its words are the same in every release, and in the search guide."""
    for item, query, place in _queries(file):
        if query.get("language") != "lucene":
            yield item.name, f"{place} is of the language {query.get('language')!r}: write lucene"
        if not isinstance(query.get("query"), str):
            yield item.name, f"{place} is {query.get('query')!r}: write a text, empty for all"


def named_fields(file: Shipment) -> Iterator[Problem]:
    """Fields that a Lucene query names exist; a wrong one finds nothing, without a word."""
    for item, query, _ in _queries(file):
        patterns = list(file.titles.values()) if item.type == "query" else [file.searched(item)]
        known = [one for one in patterns if one is not None]
        for name in _field_names(text_of(query.get("query"))):
            faults = [one.lacks(name) for one in known]
            if not known or all(faults):
                where = known[0].title if len(known) == 1 else "any index pattern"
                yield item.name, f"its query names {name!r}, which is not in {where}: name a field of it"


def calls_once(file: Shipment) -> Iterator[Problem]:
    """Lists and tables over calls leave out those that became part of another."""
    for item in (*file.of("search"), *file.of("visualization")):
        pattern = file.searched(item)
        if pattern is None or pattern.title != _CALLS:
            continue
        top = _outside_groups(item.query)
        if _ONCE not in top or re.search(r"\bOR\b|\|\|", top):
            yield (
                item.name,
                f"counts merged calls: begin its query with {_ONCE} AND, and put any OR into parentheses",
            )


def _sort_fault(one: Any, pattern: Pattern) -> str:
    if not isinstance(one, list) or len(one) != 2 or text_of(one[1]) not in _DIRECTIONS:  # noqa: PLR2004 - a pair
        return "write a pair of a field and asc or desc"
    return pattern.lacks(one[0], aggregated=True)


def _queries(file: Shipment) -> Iterator[tuple[Item, dict[str, Any], str]]:
    for item in file.items:
        if item.type == "query":
            yield item, mapping(item.attributes.get("query")), "query"
        elif item.type != "index-pattern":
            yield item, mapping(item.source.get("query")), "searchSourceJSON.query"


def _field_names(query: str) -> Iterator[str]:
    bare = _QUOTED.sub(" ", query)
    yield from _EXISTS.findall(bare)
    yield from (name for name in _NAMED.findall(bare) if name != "_exists_")


def _outside_groups(query: str) -> str:
    bare = _QUOTED.sub(" ", query)
    while True:
        less = _GROUP.sub(" ", bare)
        if less == bare:
            return bare
        bare = less
