"""How many calls each store had on each of its days, from the index."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final

from central.calls.cluster import MERGED
from central.usual.estimate import Day

_PAGE: Final = 10_000
_HOURS: Final = 24

History = dict[date, Day]


def counts_of(search: Callable[[dict[str, Any]], dict[str, Any]], since: date) -> dict[str, History]:
    """Count the calls: store -> day on its clock -> what they came to; days without any call are missing.

    Args:
        search: asks `pabx-calls-*`.
        since: the first day that is looked at.

    Raises:
        CentralError: the cluster fails or refuses it.
    """
    found: dict[str, dict[date, list[Day]]] = {}
    for bucket in _buckets(search, since):
        key = bucket["key"]
        try:
            day = date.fromisoformat(key["day"])
        except ValueError:
            continue  # the field is a keyword: what is no date belongs to no day
        found.setdefault(key["store"], {}).setdefault(day, []).append(_of_hour(key["hour"], bucket))
    return {
        store: {day: _together(hours) for day, hours in sorted(of_store.items())}
        for store, of_store in found.items()
    }


def _buckets(search: Callable[[dict[str, Any]], dict[str, Any]], since: date) -> Iterator[dict[str, Any]]:
    composite: dict[str, Any] = {
        "size": _PAGE,
        "sources": [
            {"store": {"terms": {"field": "store.id"}}},
            {"day": {"terms": {"field": "local.date"}}},
            {"hour": {"terms": {"field": "local.hour"}}},
        ],
    }
    sums = {
        "inbound": {"filter": {"term": {"call.direction": "inbound"}}},
        "missed": {"filter": {"term": {"call.missed": True}}},
        "outbound": {
            "filter": {"term": {"call.direction": "outbound"}},
            "aggs": {"billable": {"sum": {"field": "call.billable_seconds"}}},
        },
        "cost": {"stats": {"field": "call.cost.amount"}},
    }
    query = {"bool": {"filter": [{"range": {"local.date": {"gte": str(since)}}}], "must_not": [MERGED]}}
    body = {"size": 0, "query": query, "aggs": {"hours": {"composite": composite, "aggs": sums}}}
    while True:
        answer = search(body).get("aggregations", {}).get("hours", {})
        yield from answer.get("buckets", ())
        if "after_key" not in answer:
            return
        composite["after"] = answer["after_key"]


def _of_hour(hour: int, bucket: dict[str, Any]) -> Day:
    hours = [0] * _HOURS
    if 0 <= hour < _HOURS:
        hours[hour] = bucket["doc_count"]
    return Day(
        hours=hours,
        inbound=bucket["inbound"]["doc_count"],
        missed=bucket["missed"]["doc_count"],
        billable_seconds=int(bucket["outbound"]["billable"]["value"]),
        cost=float(bucket["cost"]["sum"]) if bucket["cost"]["count"] else None,
    )


def _together(hours: list[Day]) -> Day:
    costs = [one.cost for one in hours if one.cost is not None]
    return Day(
        hours=tuple(map(sum, zip(*(one.hours for one in hours), strict=True))),
        inbound=sum(one.inbound for one in hours),
        missed=sum(one.missed for one in hours),
        billable_seconds=sum(one.billable_seconds for one in hours),
        cost=sum(costs) if costs else None,
    )
