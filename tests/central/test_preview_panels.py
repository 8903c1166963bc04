"""What the preview makes of saved objects and of the cluster's answers, without a cluster."""

from datetime import UTC, datetime
from typing import Any

import pytest
import vl_convert

from central.errors import CentralError
from central.preview import aggregations, charts, searches
from central.preview.answer import answer
from central.preview.context import Context
from central.preview.dashboards import dashboard, listed
from central.preview.objects import ObjectError, Objects, pattern_of, read
from tests.central import preview_objects as handmade

CONTEXT = Context(datetime(2026, 11, 18, 3, tzinfo=UTC), datetime(2026, 11, 25, 3, tzinfo=UTC))
INSIDE = {
    "gte": "2026-11-18T03:00:00.000Z",
    "lte": "2026-11-25T03:00:00.000Z",
    "format": "strict_date_optional_time",
}


@pytest.fixture
def objects() -> Objects:
    return read(handmade.text(), "pabx.pt-BR.ndjson")


def test_a_spec_gets_the_answers_in_the_place_of_its_requests(objects: Objects) -> None:
    asked = []

    def ask(index: str, body: dict[str, Any]) -> dict[str, Any]:
        asked.append((index, body))
        return {
            "hits": {"total": {"value": 3}},
            "aggregations": {"stores": {"buckets": [{"key": "Loja001"}]}},
        }

    made = answer(ask, objects, "pabx-bars", CONTEXT)
    ((index, body),) = asked
    assert index == "pabx-calls-*"
    assert body["query"]["bool"]["filter"] == [{"range": {"@timestamp": INSIDE}}]
    data = made["spec"]["data"]
    assert data["format"] == {"property": "aggregations.stores.buckets"}
    # As OpenSearch Dashboards has it: the total is a number.
    assert data["values"] == {
        "hits": {"total": 3},
        "aggregations": {"stores": {"buckets": [{"key": "Loja001"}]}},
    }
    assert "url" not in data
    assert (made["kind"], made["library"], made["empty"]) == ("vega", "vega-lite", False)


def test_requests_are_found_wherever_they_stand() -> None:
    url = {"index": "pabx-calls-*", "body": {"size": 0}}
    spec = {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "data": [{"name": "a", "url": url}, {"name": "b", "values": [1]}],
        "marks": [{"type": "group", "data": [{"name": "c", "url": url}]}],
    }
    made = charts.filled(lambda _index, _body: {"n": 1}, spec, CONTEXT, "x")["spec"]
    assert made["data"] == [{"name": "a", "values": {"n": 1}}, {"name": "b", "values": [1]}]
    assert made["marks"][0]["data"] == [{"name": "c", "values": {"n": 1}}]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"$schema": "https://vega.github.io/schema/vega-lite/v6.json"}, "neither vega/v5.json nor"),
        ({"data": {"url": {"index": "a", "%context%": True, "body": {}}}}, "not exactly index and body"),
        ({"data": {"url": "https://elsewhere.example/x.json"}}, "not exactly index and body"),
        (
            {"data": {"url": {"index": "a", "body": {}}, "format": {"property": "aggregations.typo"}}},
            "no 'aggregations.typo'",
        ),
    ],
)
def test_a_spec_that_we_would_not_ship_is_told(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ObjectError, match=told):
        charts.filled(lambda _index, _body: {"aggregations": {}}, {**handmade.SPEC, **change}, CONTEXT, "x")


def test_no_index_at_all_is_not_an_empty_answer() -> None:
    with pytest.raises(
        charts.NoIndexError, match=r"no index is there for pabx-calls-\*: run central install"
    ):
        charts.filled(lambda _index, _body: {"hits": {}}, handmade.SPEC, CONTEXT, "x")


def test_numbers_are_written_as_the_specs_locale_says(objects: Objects) -> None:
    """What Vega itself makes of the filled spec: an axis up to two thousand, in Portuguese."""
    buckets = {"aggregations": {"stores": {"buckets": [{"key": "Loja001", "doc_count": 1234.5}]}}}
    made = answer(lambda _index, _body: buckets, objects, "pabx-bars", CONTEXT)["spec"]
    made["encoding"]["y"]["axis"] = {"format": ",.1f", "values": [1234.5]}
    drawn = vl_convert.vegalite_to_svg(made, vl_version="6.4")
    assert ">1.234,5<" in drawn
    del made["config"]["locale"]
    assert ">1,234.5<" in vl_convert.vegalite_to_svg(made, vl_version="6.4")


def table_of(objects: Objects, **changes: Any) -> aggregations.Table:
    return aggregations.table(
        {**handmade.TABLE, **changes}, pattern_of(objects.get("index-pattern", "pabx-calls")), "t"
    )


def test_a_tables_aggregations_become_nested_groups(objects: Objects) -> None:
    figures = {"2": {"sum": {"field": "call.talk_seconds"}}, "3": {"avg": {"field": "call.talk_seconds"}}}
    queue = {"field": "call.queue", "size": 10, "order": {"_count": "desc"}, "missing": "__missing__"}
    assert table_of(objects).aggs == {
        "4": {
            "terms": {"field": "store.id", "size": 10, "order": {"2": "desc"}},
            "aggs": {"2": figures["2"], "5": {"terms": queue, "aggs": figures}},
        }
    }


def test_a_tables_columns_say_how_their_values_are_written(objects: Objects) -> None:
    assert [(one.label, one.field, one.type, one.format) for one in table_of(objects).columns] == [
        ("store.id", "store.id", "string", None),
        ("call.queue", "call.queue", "string", None),
        ("Chamadas", None, "number", {"id": "number", "params": {"pattern": "0,0"}}),
        ("Falado", "call.talk_seconds", "number", handmade.FORMATS["call.talk_seconds"]),
        ("avg call.talk_seconds", "call.talk_seconds", "number", handmade.FORMATS["call.talk_seconds"]),
    ]


def test_a_table_without_groups_is_one_row(objects: Objects) -> None:
    of = table_of(objects, aggs=handmade.TABLE["aggs"][:3])
    found = {"hits": {"total": {"value": 4}}, "aggregations": {"2": {"value": 290.0}, "3": {"value": None}}}
    assert aggregations.rows(of, found) == [[4, 290.0, None]]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"params": {"percentageCol": "Chamadas"}}, "percentageCol is not of what we ship"),
        ({"params": {"showTotal": True, "totalFunc": "median"}}, "totalFunc 'median'"),
        ({"aggs": [handmade.aggregation("1", "count", "bucket")]}, "schema metric"),
        (
            {"aggs": [handmade.aggregation("1", "median", "metric", field="call.talk_seconds")]},
            "'median' is not one of count",
        ),
        (
            {"aggs": [handmade.aggregation("1", "sum", "metric", field="call.typo")]},
            "'call.typo' is no field",
        ),
        (
            {
                "aggs": [
                    *handmade.TABLE["aggs"][:1],
                    handmade.aggregation("2", "terms", "bucket", field="store.id", orderBy="9"),
                ]
            },
            "orderBy '9' is no metric",
        ),
        (
            {
                "aggs": [
                    *handmade.TABLE["aggs"][:1],
                    handmade.aggregation("2", "date_histogram", "bucket", field="@timestamp"),
                ]
            },
            "buckets are terms",
        ),
    ],
)
def test_a_table_that_we_would_not_ship_is_told(objects: Objects, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ObjectError, match=told):
        table_of(objects, **changes)


def test_a_saved_search_asks_for_its_newest_documents(objects: Objects) -> None:
    search, pattern = (
        objects.panel("pabx-search-calls"),
        pattern_of(objects.get("index-pattern", "pabx-calls")),
    )
    assert searches.body(search, pattern, {"q": 1}) == {
        "size": 200,
        "track_total_hits": True,
        "query": {"q": 1},
        "sort": [{"@timestamp": {"order": "desc", "unmapped_type": "boolean"}}],
    }
    assert [one["field"] for one in searches.columns(search, pattern)] == [
        "@timestamp",
        "store.id",
        "call.queue",
    ]


def test_a_documents_values_are_listed_by_their_dotted_names() -> None:
    source = {"a": {"b": 1, "c": [{"d": "x"}, {"d": "y"}]}, "e": False, "f": None, "g": []}
    assert searches.flat(source) == {"a.b": [1], "a.c.d": ["x", "y"], "e": [False]}


def test_a_dashboard_is_laid_out_as_it_was_saved(objects: Objects) -> None:
    assert listed(objects) == [{"id": "pabx-overview", "title": "Visão geral", "description": ""}]
    made = dashboard(objects, "pabx-overview")
    assert made["period"] == {"from": "now-7d", "to": "now"}
    assert made["refresh"] == {"seconds": 30, "paused": False}
    assert [(one["id"], one["kind"], one["title"], one["titled"]) for one in made["panels"]] == [
        ("pabx-bars", "vega", "Barras", False),
        ("pabx-table", "table", "Por loja", True),
        ("pabx-search-calls", "search", "Ligações", True),
        ("pabx-words", "markdown", "Ajuda", True),
        ("pabx-controls", "controls", "Filtros", True),
    ]
    assert made["panels"][1]["grid"] == {"x": 0, "y": 4, "w": 48, "h": 4}
    assert [(one["title"], one["query"]) for one in made["queries"]] == [("Perdidas", "call.missed:true")]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 1: is no saved object"),
        ("[]", "line 1: is no saved object"),
        ('{"type": "lens", "id": "a", "attributes": {}}', "type 'lens' is not one of"),
        (
            handmade.pattern("a", "a") + "\n" + handmade.pattern("a", "a"),
            "index-pattern a stands in the file twice",
        ),
    ],
)
def test_a_line_that_is_no_saved_object_is_told(line: str, told: str) -> None:
    with pytest.raises(ObjectError, match=told):
        read(line, "pabx.en.ndjson")


def test_what_an_object_refers_to_must_be_there() -> None:
    objects = read(handmade.visualization("pabx-table", handmade.TABLE), "x")
    with pytest.raises(ObjectError, match="names index-pattern 'pabx-calls', which is not in the file"):
        objects.source_pattern(objects.panel("pabx-table"))


def test_each_failure_is_one_line(objects: Objects) -> None:
    with pytest.raises(CentralError, match=r"^there is no panel '\.\./x'$"):
        answer(lambda _index, _body: {}, objects, "../x", CONTEXT)
