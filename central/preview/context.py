"""The page's filters, query and period, put into a request as OpenSearch Dashboards does. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from central.errors import CentralError
from central.preview import period
from central.preview.objects import Json

CLAUSES: Final = {
    "%dashboard_context-must_clause%": "must",
    "%dashboard_context-filter_clause%": "filter",
    "%dashboard_context-must_not_clause%": "must_not",
}
TIME: Final = "%timefilter%"
_UNITS: Final = {
    name: timedelta(seconds=seconds)
    for names, seconds in (
        (("w", "week"), 604_800),
        (("d", "day"), 86_400),
        (("h", "hour"), 3_600),
        (("m", "minute"), 60),
        (("s", "second"), 1),
    )
    for name in names
}


class ContextError(CentralError):
    """What the page asks for, or a placeholder of a request, cannot be understood."""


@dataclass(frozen=True)
class Filter:
    """One of the page's filters.

    Attributes:
        query: in OpenSearch's query language.
        negate: what meets it is left out.
    """

    query: Mapping[str, Any]
    negate: bool = False


@dataclass(frozen=True)
class Context:
    """What a page shows.

    Attributes:
        since: begin of the period, UTC.
        until: its end, included.
        query: of the query bar, Lucene; empty: all.
        filters: all of them hold.
    """

    since: datetime
    until: datetime
    query: str = ""
    filters: Sequence[Filter] = ()


def of_field(field: str, values: Sequence[Any], *, negate: bool = False) -> Filter:
    """A filter for one of some values, as OpenSearch Dashboards' controls and cells make it.

    Args:
        field: of the documents.
        values: one at least.
        negate: the others instead.
    """
    phrases: list[Json] = [{"match_phrase": {field: value}} for value in values]
    if len(phrases) == 1:
        return Filter(phrases[0], negate)
    return Filter({"bool": {"should": phrases, "minimum_should_match": 1}}, negate)


def of_saved(filters: Sequence[Mapping[str, Any]]) -> list[Filter]:
    """The filters of a saved object that are switched on; `meta` is OpenSearch Dashboards' own."""
    found = []
    for one in filters:
        meta = one.get("meta") or {}
        query = one.get("query") or {key: one[key] for key in one if key not in {"meta", "$state"}}
        if query and not meta.get("disabled"):
            found.append(Filter(query, bool(meta.get("negate"))))
    return found


def of_page(body: Mapping[str, Any]) -> Context:
    """Read what the page sends.

    Args:
        body: `from` and `to` (moments with a zone), `query` (Lucene), and `filters`: each either
            `{"field", "values"}` or `{"query"}`, with `negate` where it is one.

    Raises:
        ContextError: it is something else.
    """
    try:
        since, until = (_moment(str(body[key])) for key in ("from", "to"))
        return Context(
            since,
            until,
            str(body.get("query") or "").strip(),
            [_filter(one) for one in body.get("filters") or []],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContextError(f"period, query or filters cannot be read: {error!r}: reload the page") from error


def lucene(text: str) -> list[Json]:
    """The clause of a Lucene query; none for an empty one."""
    return [{"query_string": {"query": text, "analyze_wildcard": True}}] if text else []


def clauses(context: Context) -> dict[str, list[Json]]:
    """What query and filters add to a bool query, by `must`, `filter`, `must_not`; not the period."""
    return {
        "must": lucene(context.query),
        "filter": [dict(one.query) for one in context.filters if not one.negate],
        "must_not": [dict(one.query) for one in context.filters if one.negate],
    }


def narrowed(query: str, filters: Sequence[Filter], context: Context, time_field: str | None) -> Json:
    """The query of a table or saved search: its own query and filters, the page's, and the period.

    Args:
        query: its own, Lucene.
        filters: its own.
        context: the page's.
        time_field: that the period holds for; None: none.
    """
    page = clauses(context)
    own = clauses(Context(context.since, context.until, query, filters))
    times = [{"range": {time_field: _range(context, timedelta())}}] if time_field else []
    return {
        "bool": {
            "must": own["must"] + page["must"],
            "filter": own["filter"] + page["filter"] + times,
            "must_not": own["must_not"] + page["must_not"],
        }
    }


def inject(body: Json, context: Context) -> Json:
    """Put the context into a Vega panel's request: clauses into its query, the period into its aggs, too.

    Raises:
        ContextError: a placeholder is not of the form that OpenSearch Dashboards knows.
    """
    added = clauses(context)
    made = dict(body)
    for key in ("query", "aggs"):
        if key in made:
            made[key] = _filled(made[key], context, added if key == "query" else None)
    return made


def _filled(part: Any, context: Context, added: Mapping[str, list[Json]] | None) -> Any:
    if isinstance(part, list):
        return [one for each in part for one in _entries(each, context, added)]
    if isinstance(part, dict):
        if TIME in part:
            return _time(part, context)
        return {key: _filled(value, context, added) for key, value in part.items()}
    return part


def _entries(one: Any, context: Context, added: Mapping[str, list[Json]] | None) -> list[Any]:
    # In aggregations OpenSearch Dashboards leaves these strings as they are, and the cluster refuses them.
    if added is not None and isinstance(one, str) and one in CLAUSES:
        return list(added[CLAUSES[one]])
    return [_filled(one, context, added)]


def _time(part: Mapping[str, Any], context: Context) -> Any:
    if unknown := part.keys() - {TIME, "shift", "unit"}:
        raise ContextError(f"{TIME} beside the unknown key {min(unknown)!r}: only shift and unit are known")
    shift, unit = part.get("shift", 0), part.get("unit", "d")
    if isinstance(shift, bool) or not isinstance(shift, int | float) or unit not in _UNITS:
        raise ContextError(
            f"{TIME}: shift {shift!r} and unit {unit!r}: a number, and one of {', '.join(_UNITS)}"
        )
    ends: dict[Any, Callable[[], Any]] = {
        True: lambda: _range(context, shift * _UNITS[unit]),
        "min": lambda: _milliseconds(context.since + shift * _UNITS[unit]),
        "max": lambda: _milliseconds(context.until + shift * _UNITS[unit]),
    }
    if part[TIME] not in ends:
        raise ContextError(f"{TIME}: {part[TIME]!r} is neither true nor min nor max")
    return ends[part[TIME]]()


def _range(context: Context, shift: timedelta) -> Json:
    return {
        "gte": period.iso(context.since + shift),
        "lte": period.iso(context.until + shift),
        "format": "strict_date_optional_time",
    }


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} is a moment without a zone")
    return at


def _filter(one: Mapping[str, Any]) -> Filter:
    negate = one.get("negate") is True
    if "field" in one:
        values = one["values"]
        if not isinstance(values, list) or not values:
            raise ValueError(f"filter on {one['field']!r} without values")
        return of_field(str(one["field"]), values, negate=negate)
    if not isinstance(one["query"], dict):
        raise TypeError(f"filter {one['query']!r}")
    return Filter(one["query"], negate)
