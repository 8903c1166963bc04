"""What a request's body asks: which fields it aggregates and which its queries name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dashboards.check.reading import Json, listed, mapping

_BODY: Final = {"size", "track_total_hits", "query", "aggs", "sort", "_source"}
_BY_FIELD: Final = {"term", "terms", "range", "match_phrase", "prefix", "wildcard", "regexp"}
_NO_FIELDS: Final = {"boost", "_name", "minimum_should_match"}
_CLAUSES: Final = {"must", "filter", "should", "must_not"}
_PIPELINES: Final = {
    "bucket_script", "bucket_selector", "bucket_sort", "avg_bucket", "sum_bucket", "max_bucket", "min_bucket",
    "stats_bucket", "extended_stats_bucket", "percentiles_bucket", "cumulative_sum",
}  # fmt: skip
_OVER_FIELDS: Final = {
    "sum", "avg", "min", "max", "value_count", "cardinality", "percentiles", "stats", "extended_stats",
    "terms", "range", "histogram", "date_histogram", "missing", "composite", "multi_terms", "top_hits",
}  # fmt: skip
_SORTS: Final = {"_score", "_doc"}


@dataclass(frozen=True)
class Mention:
    """A field that a request names.

    Attributes:
        field: its name, or what stands in its place.
        place: where in the body.
        aggregated: it is sorted, counted or grouped by.
    """

    field: Any
    place: str
    aggregated: bool


@dataclass(frozen=True)
class Unknown:
    """Something in a request that the checks do not know, and that could so hide a field.

    Attributes:
        text: what and where.
    """

    text: str


Said = Mention | Unknown


def mentions(body: Json) -> Iterator[Said]:
    """Give every field that a body names, and what is not understood of it."""
    for key in sorted(body.keys() - _BODY):
        yield Unknown(f"body.{key}")
    if "query" in body:
        yield from _query(body["query"], "query")
    yield from _aggs(body.get("aggs", {}), "aggs")
    yield from _sort(body.get("sort", []), "sort")
    yield from _kept(body.get("_source"), "_source")


def context_clauses(query: Any) -> dict[str, list[str]]:
    """Give the texts (not queries) in the lists of the outermost `bool`."""
    outer = mapping(mapping(query).get("bool"))
    return {
        name: [one for one in listed(outer.get(name)) if isinstance(one, str)] for name in sorted(_CLAUSES)
    }


def demanded(query: Any) -> Iterator[tuple[str, Json]]:
    """Give the leaf queries that narrow the answer: not those below `must_not`."""
    for kind, value in mapping(query).items():
        if kind == "bool":
            for name in ("must", "filter", "should"):
                for one in _list(mapping(value).get(name, [])):
                    yield from demanded(one)
        else:
            yield kind, mapping(value)


def refused(query: Any) -> Iterator[Any]:
    """Give the queries in the outermost `must_not`."""
    yield from _list(mapping(mapping(query).get("bool")).get("must_not", []))


def _query(query: Any, place: str) -> Iterator[Said]:
    if not isinstance(query, dict) or len(query) != 1:
        yield Unknown(f"{place} is no single query")
        return
    kind, value = next(iter(query.items()))
    here = f"{place}.{kind}"
    if kind == "bool":
        yield from _bool(mapping(value), here)
    elif kind == "exists":
        yield Mention(mapping(value).get("field"), here, aggregated=False)
    elif kind in _BY_FIELD:
        fields = sorted(mapping(value).keys() - _NO_FIELDS)
        yield from (Mention(name, here, aggregated=False) for name in fields or (None,))
    elif kind != "match_all":
        yield Unknown(here)


def _bool(value: Json, place: str) -> Iterator[Said]:
    for name, clauses in value.items():
        if name in _CLAUSES:
            for number, one in enumerate(_list(clauses)):
                # Texts are the dashboard's filters, which are checked by themselves.
                if not isinstance(one, str):
                    yield from _query(one, f"{place}.{name}[{number}]")
        elif name not in _NO_FIELDS:
            yield Unknown(f"{place}.{name}")


def _aggs(aggs: Any, place: str) -> Iterator[Said]:
    if not isinstance(aggs, dict):
        yield Unknown(place)
        return
    for name, agg in aggs.items():
        here = f"{place}.{name}"
        kinds = mapping(agg).keys() - {"aggs", "meta"}
        if len(kinds) != 1:
            yield Unknown(f"{here} has the types {sorted(kinds)}")
            continue
        kind = next(iter(kinds))
        yield from _agg(kind, mapping(agg[kind]), f"{here}.{kind}")
        yield from _aggs(mapping(agg).get("aggs", {}), f"{here}.aggs")


def _agg(kind: str, value: Json, place: str) -> Iterator[Said]:
    if kind == "filter":
        yield from _query(value, place)
    elif kind == "filters":
        filters = value.get("filters")
        queries = filters.values() if isinstance(filters, dict) else _list(filters)
        for number, one in enumerate(queries):
            yield from _query(one, f"{place}[{number}]")
    elif kind in _OVER_FIELDS:
        yield from _fields(kind, value, place)
    elif kind not in _PIPELINES:
        yield Unknown(place)


def _fields(kind: str, value: Json, place: str) -> Iterator[Said]:
    if kind == "top_hits":
        yield from _sort(value.get("sort", []), f"{place}.sort")
        yield from _kept(value.get("_source"), f"{place}._source")
    elif kind == "multi_terms":
        for one in listed(value.get("terms")):
            yield Mention(mapping(one).get("field"), place, aggregated=True)
    elif kind == "composite":
        for source in listed(value.get("sources")):
            for named in mapping(source).values():
                for one in mapping(named).values():
                    yield Mention(mapping(one).get("field"), place, aggregated=True)
    else:
        yield Mention(value.get("field"), place, aggregated=True)


def _sort(sort: Any, place: str) -> Iterator[Said]:
    for one in _list(sort):
        names = [one] if isinstance(one, str) else list(mapping(one)) or (None,)
        yield from (Mention(name, place, aggregated=True) for name in names if name not in _SORTS)


def _kept(source: Any, place: str) -> Iterator[Said]:
    if source is None or isinstance(source, bool):
        return
    for name in _list(source):
        yield Mention(name, place, aggregated=False)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def answers(body: Json, path: str) -> bool:
    """Say whether a path into the answer leads to something that the body asks for.

    Args:
        body: of the request.
        path: dotted, as in `format.property`: `hits.hits`, or an aggregation's buckets, or one of them.
    """
    parts = path.split(".")
    if parts == ["hits", "hits"]:
        return body.get("size") != 0
    aggs = mapping(body.get("aggs"))
    if len(parts) < 2 or parts[0] != "aggregations" or parts[1] not in aggs:  # noqa: PLR2004 - root and name
        return False
    kind, inside = next(iter(mapping(aggs[parts[1]]).items()), ("", {}))
    match parts[2:]:
        case [] | ["buckets"]:
            return True
        case ["buckets", key]:
            return kind == "filters" and key in mapping(mapping(inside).get("filters"))
    return False
