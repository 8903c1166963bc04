"""Request bodies: what a panel asks the cluster, within the dashboard's filters and period."""

from typing import Any, Final

from dashboards.build.objects import PATTERNS, Json

CALLS: Final = PATTERNS["call"]
MERGED: Final = {"exists": {"field": "call.merged_into"}}
MISSED: Final = {"term": {"call.missed": True}}
INBOUND: Final = {"term": {"call.direction": "inbound"}}
OUTBOUND: Final = {"term": {"call.direction": "outbound"}}
INTERNAL: Final = {"term": {"call.direction": "internal"}}
ANSWERED: Final = {"term": {"call.answered": True}}
INBOUND_ANSWERED: Final = {"bool": {"filter": [INBOUND, ANSWERED]}}
BILLABLE: Final = {"range": {"call.billable_seconds": {"gt": 0}}}
RATED: Final = {"bool": {"filter": [BILLABLE, {"exists": {"field": "call.cost.amount"}}]}}
UNRATED: Final = {"bool": {"filter": [BILLABLE], "must_not": [{"exists": {"field": "call.cost.amount"}}]}}
MANY: Final = 1_000
"""More than there are stores, days of a period, or trunks."""


def period(shift_days: int = 0) -> Json:
    """The dashboard's period, or the one that many days before it."""
    # Measured: a positive shift goes into the future.
    earlier = {"shift": -shift_days, "unit": "day"} if shift_days else {}
    return {"range": {"@timestamp": {"%timefilter%": True, **earlier}}}


def calls(aggs: Json, *, only: tuple[Json, ...] = (), before: int = 0) -> Json:
    """A request over calls: each counts once, one that was merged into another not at all.

    Args:
        aggs: what is asked of them.
        only: further conditions.
        before: where the calls of the period this many days before it are wanted, too.
    """
    times = period() if not before else _any_of(period(), period(before))
    return {"index": CALLS, "body": body(aggs, filters=(times, *only), excluded=(MERGED,))}


def compared(aggs: Json, days: int, *, only: tuple[Json, ...] = ()) -> Json:
    """The same aggregations over the period (`now`) and over the one some days before it (`before`)."""
    both = {"filters": {"filters": {"now": period(), "before": period(days)}}, "aggs": aggs}
    return calls({"periods": both}, only=only, before=days)


def body(aggs: Json, *, filters: tuple[Json, ...] = (), excluded: tuple[Json, ...] = ()) -> Json:
    """A request that the dashboard's filters narrow."""
    return {
        "size": 0,
        "track_total_hits": False,
        "query": within(*filters, excluded=excluded),
        "aggs": aggs,
    }


def within(*filters: Json, excluded: tuple[Json, ...] = ()) -> Json:
    """A query that the dashboard's filters narrow."""
    return {
        "bool": {
            "must": ["%dashboard_context-must_clause%"],
            "filter": ["%dashboard_context-filter_clause%", *filters],
            "must_not": ["%dashboard_context-must_not_clause%", *excluded],
        }
    }


def counted(query: Json) -> Json:
    """How many documents meet a condition."""
    return {"filter": query}


def total(field: str) -> Json:
    """The sum of a field."""
    return {"sum": {"field": field}}


def share(part: str, of: str) -> Json:
    """A quotient of two figures of the same bucket; absent where there is nothing to divide by.

    Args:
        part: buckets path of the dividend.
        of: buckets path of the divisor.
    """
    script = "params.of > 0 ? params.part / params.of : null"
    return {"bucket_script": {"buckets_path": {"part": part, "of": of}, "script": script}}


def ranked(by: str, size: int, *, order: str = "desc", path: str = "") -> Json:
    """Keep the first buckets by a figure.

    Args:
        by: buckets path of the figure.
        size: how many are kept.
        order: `desc` or `asc`.
        path: a second figure by which equal ones are ordered, largest first.
    """
    sort: list[Any] = [{by: {"order": order}}]
    if path:
        sort.append({path: {"order": "desc"}})
    return {"bucket_sort": {"sort": sort, "size": size}}


def at_least(path: str, number: int) -> Json:
    """Keep the buckets in which a figure is large enough to say something."""
    return {"bucket_selector": {"buckets_path": {"n": path}, "script": f"params.n >= {number}"}}


def terms(field: str, aggs: Json | None = None, *, size: int = MANY, order: Json | None = None) -> Json:
    """Group by a field."""
    found: Json = {"terms": {"field": field, "size": size}}
    if order:
        found["terms"]["order"] = order
    return found | ({"aggs": aggs} if aggs else {})


def by_day(aggs: Json | None = None) -> Json:
    """Group by the day on the store's own clock, so that no change of clocks moves a call."""
    return terms("local.date", aggs, order={"_key": "asc"})


def by_hour(aggs: Json | None = None) -> Json:
    """Group by the hour on the store's own clock, all 24 of them: an hour without a call is a 0."""
    hours: Json = {"field": "local.hour", "interval": 1, "min_doc_count": 0}
    hours["extended_bounds"] = {"min": 0, "max": 23}
    return {"histogram": hours} | ({"aggs": aggs} if aggs else {})


def _any_of(*queries: Json) -> Json:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}
