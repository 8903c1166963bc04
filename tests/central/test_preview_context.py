"""What the page narrows becomes the clauses that OpenSearch Dashboards makes of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from central.preview.context import (
    Context,
    ContextError,
    Filter,
    clauses,
    inject,
    narrowed,
    of_field,
    of_page,
    of_saved,
)

CONTEXT = Context(datetime(2026, 11, 18, 3, tzinfo=UTC), datetime(2026, 11, 25, 3, tzinfo=UTC))
INSIDE = {
    "gte": "2026-11-18T03:00:00.000Z",
    "lte": "2026-11-25T03:00:00.000Z",
    "format": "strict_date_optional_time",
}


def test_query_and_filters_become_the_clauses_of_opensearch_dashboards() -> None:
    context = Context(
        CONTEXT.since,
        CONTEXT.until,
        'source.name:"josé"',
        [
            of_field("store.id", ["Loja001"]),
            of_field("store.region", ["Sul", "Norte"]),
            of_field("call.outcome", ["busy"], negate=True),
        ],
    )
    assert clauses(context) == {
        "must": [{"query_string": {"query": 'source.name:"josé"', "analyze_wildcard": True}}],
        "filter": [
            {"match_phrase": {"store.id": "Loja001"}},
            {
                "bool": {
                    "should": [
                        {"match_phrase": {"store.region": "Sul"}},
                        {"match_phrase": {"store.region": "Norte"}},
                    ],
                    "minimum_should_match": 1,
                }
            },
        ],
        "must_not": [{"match_phrase": {"call.outcome": "busy"}}],
    }


def test_the_context_is_put_in_place_of_its_strings() -> None:
    context = Context(
        CONTEXT.since, CONTEXT.until, "a", [Filter({"x": 1}), Filter({"y": 1}), Filter({"z": 1}, True)]
    )
    body = {
        "query": {
            "bool": {
                "must": ["%dashboard_context-must_clause%", {"own": 1}],
                "filter": [
                    {"own": 2},
                    "%dashboard_context-filter_clause%",
                    {"range": {"t": {"%timefilter%": True}}},
                ],
                "must_not": ["%dashboard_context-must_not_clause%"],
            }
        }
    }
    assert inject(body, context)["query"]["bool"] == {
        "must": [{"query_string": {"query": "a", "analyze_wildcard": True}}, {"own": 1}],
        "filter": [{"own": 2}, {"x": 1}, {"y": 1}, {"range": {"t": INSIDE}}],
        "must_not": [{"z": 1}],
    }
    assert body["query"]["bool"]["must_not"] == [
        "%dashboard_context-must_not_clause%"
    ]  # the spec itself stays


def test_without_query_and_filters_the_strings_only_go_away() -> None:
    body = {"query": {"bool": {"must": ["%dashboard_context-must_clause%"]}}}
    assert inject(body, CONTEXT) == {"query": {"bool": {"must": []}}}


def test_the_period_may_be_shifted_a_negative_number_goes_back() -> None:
    """Measured in OpenSearch Dashboards 2.8: 7 asks for the week to come, -7 for the one before."""
    asked = {
        "aggs": {"before": {"filter": {"range": {"t": {"%timefilter%": True, "shift": -7, "unit": "day"}}}}}
    }
    assert inject(asked, CONTEXT)["aggs"]["before"]["filter"]["range"]["t"] == {
        "gte": "2026-11-11T03:00:00.000Z",
        "lte": "2026-11-18T03:00:00.000Z",
        "format": "strict_date_optional_time",
    }


def test_the_ends_of_the_period_are_milliseconds() -> None:
    bounds = {"min": {"%timefilter%": "min"}, "max": {"%timefilter%": "max", "shift": 1, "unit": "hour"}}
    made = inject({"aggs": {"days": {"date_histogram": {"extended_bounds": bounds}}}}, CONTEXT)
    assert made["aggs"]["days"]["date_histogram"]["extended_bounds"] == {
        "min": int(CONTEXT.since.timestamp()) * 1000,
        "max": int(CONTEXT.until.timestamp()) * 1000 + 3_600_000,
    }


@pytest.mark.parametrize(
    ("placeholder", "told"),
    [
        ({"%timefilter%": "now"}, "'now' is neither true nor min nor max"),
        ({"%timefilter%": True, "shift": "7"}, "shift '7'"),
        ({"%timefilter%": True, "shift": 1, "unit": "month"}, "unit 'month'"),
        ({"%timefilter%": True, "gte": 1}, "unknown key 'gte'"),
    ],
)
def test_a_placeholder_that_is_none_is_told(placeholder: dict[str, Any], told: str) -> None:
    with pytest.raises(ContextError, match=told):
        inject({"query": {"range": {"t": placeholder}}}, CONTEXT)


def test_strings_in_aggregations_stay_as_in_opensearch_dashboards() -> None:
    body = {"aggs": {"a": {"filter": {"bool": {"filter": ["%dashboard_context-filter_clause%"]}}}}}
    assert inject(body, Context(CONTEXT.since, CONTEXT.until, "", [Filter({"x": 1})])) == body


def test_the_page_sends_period_query_and_filters() -> None:
    sent = {
        "from": "2026-11-18T03:00:00.000Z",
        "to": "2026-11-25T03:00:00.000Z",
        "query": " maria ",
        "filters": [{"field": "store.id", "values": ["a"]}, {"query": {"match_all": {}}, "negate": True}],
    }
    assert of_page(sent) == Context(
        CONTEXT.since, CONTEXT.until, "maria", [of_field("store.id", ["a"]), Filter({"match_all": {}}, True)]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": None},
        {"to": "2026-11-25T03:00:00"},
        {"filters": [{}]},
        {"filters": [{"field": "a", "values": []}]},
        {"filters": [{"query": "x"}]},
        {"filters": ["x"]},
        {"filters": 3},
    ],
)
def test_what_the_page_sends_is_checked(wrong: dict[str, Any]) -> None:
    right = {"from": "2026-11-18T03:00:00Z", "to": "2026-11-25T03:00:00Z"}
    with pytest.raises(ContextError, match="reload the page"):
        of_page({**right, **wrong})


def test_saved_filters_that_are_switched_off_do_not_count() -> None:
    query = {"match_phrase": {"a": 1}}
    saved = [
        {"meta": {"negate": True}, "query": query},
        {"meta": {"disabled": True}, "query": query},
        {"meta": {}, "exists": {"field": "b"}},
    ]
    assert of_saved(saved) == [Filter(query, True), Filter({"exists": {"field": "b"}})]


def test_the_period_holds_only_where_the_pattern_has_a_time() -> None:
    assert narrowed("", (), CONTEXT, None)["bool"]["filter"] == []
    assert narrowed("", (), CONTEXT, "@timestamp")["bool"]["filter"] == [{"range": {"@timestamp": INSIDE}}]
