"""The harness itself: what stands in the index is what was simulated, in every world."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.assembly.costs import UNRATED, Charged
from tests.dashboards import reckon
from tests.dashboards.prices import priced
from tests.dashboards.reckon import Selection, sums
from tests.dashboards.world import Made, World

CALL = {"bool": {"must_not": [{"exists": {"field": "call.merged_into"}}]}}
MOST = 10_000
JANUARY, JULY = datetime(2026, 1, 15), datetime(2026, 7, 15)  # noqa: DTZ001  # of the zone that is asked
MATCHES: dict[str, Any] = {
    "inbound": {"term": {"call.direction": "inbound"}},
    "outbound": {"term": {"call.direction": "outbound"}},
    "internal": {"term": {"call.direction": "internal"}},
    "answered": {"term": {"call.answered": True}},
    "missed": {"term": {"call.missed": True}},
    "told": {"exists": {"field": "call.talk_seconds"}},
    "rated": {"exists": {"field": "call.cost.amount"}},
    "unrated": {"exists": {"field": "call.unrated"}},
}
SUMMED = {"talk": "call.talk_seconds", "billable": "call.billable_seconds", "amount": "call.cost.amount"}
FIGURES = {name: {"filter": match} for name, match in MATCHES.items()} | {
    name: {"sum": {"field": field}} for name, field in SUMMED.items()
}


def asked(world: World, aggregations: dict[str, Any], *filters: dict[str, Any]) -> dict[str, Any]:
    query = {"bool": {"filter": [CALL, *filters]}}
    body = {"size": 0, "track_total_hits": True, "query": query, "aggs": aggregations}
    found: dict[str, Any] = world.cluster.request("POST", "/pabx-calls-*/_search", body)
    return {"total": found["hits"]["total"]["value"], **found.get("aggregations", {})}


def buckets(world: World, field: str, *filters: dict[str, Any]) -> dict[Any, dict[str, Any]]:
    terms = {"terms": {"field": field, "size": MOST}, "aggs": FIGURES}
    found = asked(world, {"by": terms}, *filters)
    return {bucket["key"]: bucket for bucket in found.get("by", {}).get("buckets", [])}


def told(bucket: dict[str, Any]) -> tuple[int, ...]:
    """A bucket's figures in the order of `meant`."""
    counts = [bucket[name]["doc_count"] for name in ("inbound", "outbound", "internal", "answered", "missed")]
    return (bucket["doc_count"], *counts, int(bucket["talk"]["value"]), int(bucket["billable"]["value"]))


def meant(calls: list[Made]) -> tuple[int, ...]:
    one = sums(calls)
    counts = (one.inbound, one.outbound, one.internal, one.answered, one.missed)
    return (one.calls, *counts, one.talk_seconds or 0, one.billable_seconds)


def test_every_call_is_there_once(world: World) -> None:
    found = asked(world, FIGURES)
    assert found["total"] == len(world.calls)
    assert world.cluster.request("GET", "/pabx-*/_count?q=event.dataset:pabx.quarantine")["count"] == 0
    if not world.calls:
        assert world.stores == ()
        return
    assert told({"doc_count": found["total"], **found}) == meant(list(world.calls))
    assert found["told"]["doc_count"] == sums(world.calls).told


def test_a_call_that_became_a_part_of_another_is_there_and_no_call(world: World) -> None:
    left = {"query": {"exists": {"field": "call.merged_into"}}}
    count = world.cluster.request("POST", "/pabx-calls-*/_count", left)["count"]
    assert count == sum(len(call.truth.linked_ids) - 1 for call in world.calls)
    assert (count > 0) == (len(world.calls) > 0)


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("store.id", reckon.store),
        ("store.region", reckon.region),
        ("store.city", reckon.city),
        ("local.date", reckon.day),
        ("local.hour", reckon.hour),
        ("call.direction", reckon.direction),
        ("call.outcome", reckon.outcome),
        ("call.category", reckon.category),
        ("call.trunk", reckon.trunk),
        ("call.did", reckon.did),
        ("call.queue", reckon.queue),
        ("call.group", reckon.group),
    ],
)
def test_each_group_is_right(world: World, field: str, key: Any) -> None:
    found = {name: told(bucket) for name, bucket in buckets(world, field).items()}
    assert found == {name: meant(calls) for name, calls in reckon.grouped(world.calls, key).items()}


def test_each_hour_of_each_weekday_is_right(world: World) -> None:
    found = {
        (weekday, name): told(bucket)
        for weekday in range(1, 8)
        for name, bucket in buckets(world, "local.hour", {"term": {"local.weekday": weekday}}).items()
    }
    wanted = reckon.grouped(world.calls, reckon.weekday_hour)
    assert found == {name: meant(calls) for name, calls in wanted.items()}


def test_who_answered_is_right(world: World) -> None:
    if not world.calls:
        return
    store = world.stores[0].id
    found = buckets(world, "call.answered_by", {"term": {"store.id": store}})
    wanted = {who: calls for (of, who), calls in reckon.answered_by(world.calls).items() if of == store}
    assert {who: told(bucket) for who, bucket in found.items()} == {
        who: meant(calls) for who, calls in wanted.items()
    }
    assert len(wanted) > 3


def test_a_period_is_right_to_the_second(world: World) -> None:
    if not world.calls:
        return
    ordered = sorted(call.begin for call in world.calls)
    since, until = (datetime.fromtimestamp(ordered[len(ordered) * n // 3], UTC) for n in (1, 2))
    selection = Selection(since=since, until=until)
    span = {"range": {"@timestamp": {"gte": since.isoformat(), "lt": until.isoformat()}}}
    found = {name: told(bucket) for name, bucket in buckets(world, "store.id", span).items()}
    chosen = selection.of(world.calls)
    assert found == {name: meant(calls) for name, calls in reckon.grouped(chosen, reckon.store).items()}
    assert 0 < len(chosen) < len(world.calls)
    assert selection.earlier(7).since == since - timedelta(days=7)


def test_what_calls_cost_is_right(world: World) -> None:
    outcomes, uses = priced(world)
    found = buckets(world, "store.id")
    for store, calls in reckon.grouped(world.calls, reckon.store).items():
        wanted, bucket = reckon.costs(calls, outcomes), found[store]
        counts = (bucket["rated"]["doc_count"], bucket["unrated"]["doc_count"])
        assert counts == (wanted.rated, wanted.unrated)
        assert round(Decimal(bucket["amount"]["value"]), 4) == (wanted.amount or 0)
    if len(world.stores) > 2:
        assert UNRATED in outcomes.values()
        assert any(use.used == use.total for use in uses.values())
        assert any(isinstance(one, Charged) and one.amount and one.paid for one in outcomes.values())


def test_the_rows_are_there(world: World) -> None:
    count = world.cluster.request("GET", "/pabx-cdr-*/_count")["count"]
    assert count == world.rows
    assert world.rows == (sum(call.truth.rows for call in world.calls) if len(world.stores) == 1 else 0)


def test_clocks_change_while_stores_telephone(world: World) -> None:
    """Else the world of changing clocks would show nothing."""
    changing = [
        store
        for store in world.stores
        if ZoneInfo(store.timezone).utcoffset(JANUARY) != ZoneInfo(store.timezone).utcoffset(JULY)
    ]
    twice = Counter(
        (call.store.id, f"{call.truth.start:%m-%d %H}", call.begin == fold(call, 1))
        for call in world.calls
        if fold(call, 0) != fold(call, 1)
    )
    assert [store.timezone for store in changing] == (
        ["America/Santiago", "Europe/Lisbon"] if len(world.stores) == 2 else []
    )
    hours = [("Loja001", "04-04 23"), ("Loja002", "10-25 01")] if changing else []
    assert twice.keys() == {(*hour, second) for hour in hours for second in (False, True)}
    assert min(twice.values(), default=10) >= 10


def fold(call: Made, which: int) -> int:
    at = call.truth.start.replace(tzinfo=ZoneInfo(call.store.timezone), fold=which)
    return int(at.timestamp())
