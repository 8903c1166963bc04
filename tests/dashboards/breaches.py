"""One breach of each rule, and of each part of it: what is changed in which shipped object."""

from dataclasses import dataclass

from tests.dashboards.changes import (
    add,
    asked,
    bars,
    both,
    by_time,
    clear,
    click,
    copied,
    drop,
    field,
    moved,
    put,
    without_period,
)
from tests.dashboards.opened import CALLS, Change, Pick, asking, by_id, of, over_calls


@dataclass(frozen=True)
class Breach:
    """A change that breaks a rule.

    Attributes:
        rule: that it breaks.
        what: in words.
        pick: the object that is changed.
        change: does it.
    """

    rule: str
    what: str
    pick: Pick
    change: Change

    def __str__(self) -> str:
        return f"{self.rule} {self.what}"


VIS, SEARCH, QUERY, BOARD = of("visualization"), of("search"), of("query"), of("dashboard")
PATTERN, STORES = by_id("index-pattern", "pabx-calls"), by_id("index-pattern", "pabx-stores")
TABLE, LISTED = over_calls("visualization", "table"), over_calls("search")
SUM = over_calls("visualization", "table", '"type": "sum"')
TEXT, CONTROLS = of("visualization", "markdown"), of("visualization", "input_control_vis")
VEGA, ASKS, STORED = (
    of("visualization", "vega"),
    asking(CALLS, '"terms": {"field"'),
    asking("pabx-stores", "store.checks.spool"),
)
CLICKED = asking(CALLS, "AddFilter(")

ONCE = "NOT _exists_:call.merged_into"
MUST = "%dashboard_context-must_clause%"
META_INDEX = [{"meta": {"index": "pabx-calls"}}]
COUNT = {"id": "1", "type": "count", "schema": "metric", "params": {}}
UNUSED = {"name": "x", "type": "index-pattern", "id": "pabx-calls"}
AUTO = {"date_histogram": {"field": "@timestamp", "fixed_interval": {"%autointerval%": True}}}
PERIOD = {"range": {"@timestamp": {"%timefilter%": True}}}
HALF = {"range": {"@timestamp": {"gte": {"%timefilter%": "min"}}}}
SEEN = {"range": {"store.last_seen": {"%timefilter%": True}}}
OUTSIDE = "[x](http://example.net)"

FILE: list[tuple[str, str, Pick, Change]] = [
    ("R-3", "a key of one installation", VIS, put("object/updated_at", "2026-11-01T00:00:00Z")),
    ("R-3", "no references", TEXT, drop("object/references")),
    ("R-3", "a reference without a type", TABLE, drop("reference/type")),
    ("R-3", "attributes that are a text", QUERY, put("object/attributes", "x")),
    ("R-4", "an id with capitals", SEARCH, put("object/id", "pabx-Search")),
    ("R-4", "the same id twice", TEXT, put("object/id", "pabx-controls")),
    ("R-5", "a type of another product", VIS, put("object/type", "lens")),
    ("R-6", "an attribute of a newer release", SEARCH, put("attributes/columnWidths", {})),
    ("R-6", "no visState", VIS, drop("attributes/visState")),
    ("R-6", "a number as text", BOARD, put("attributes/hits", "0")),
    ("R-6", "a number as boolean", BOARD, put("attributes/version", value=True)),
    ("R-6", "more in the meta", VIS, put("meta/x", 1)),
    ("R-7", "a newer migration", VIS, put("object/migrationVersion/visualization", "7.11.0")),
    ("R-7", "no migration", BOARD, clear("object/migrationVersion")),
    ("R-7", "a migration of a query", QUERY, put("object/migrationVersion/query", "7.9.3")),
    ("R-7", "half a version", SEARCH, put("object/migrationVersion/search", "7.9")),
]
REFERENCES: list[tuple[str, str, Pick, Change]] = [
    ("R-9", "a panel that is not shipped", BOARD, put("reference/id", "pabx-gone")),
    ("R-9", "no reference", TABLE, clear("object/references")),
    ("R-9", "a reference twice", TABLE, lambda item: item["references"].append(item["references"][0])),
    ("R-9", "a reference that nothing uses", TEXT, add("object/references", UNUSED)),
    ("R-10", "visState that is cut off", VIS, put("attributes/visState", '{"title":')),
    ("R-10", "a search source that is no JSON", SEARCH, put("meta/searchSourceJSON", "")),
    ("R-10", "an index by its id", TABLE, put("source/index", "pabx-calls")),
    ("R-10", "a filter by its id", TABLE, put("source/filter", META_INDEX)),
    ("R-10", "a panel by its id", BOARD, put("panel/id", "pabx-controls")),
    ("R-10", "a control by its id", CONTROLS, put("control/indexPattern", "pabx-stores")),
]
PATTERNS: list[tuple[str, str, Pick, Change]] = [
    ("R-11", "no fields", PATTERN, clear("attributes/fields")),
    ("R-11", "no _source", PATTERN, field("_source")),
    ("R-11", "a field twice", PATTERN, field("call.id", name="call.missed")),
    ("R-11", "an entry cut short", PATTERN, drop("attributes/fields/0/aggregatable")),
    ("R-11", "an entry with more", PATTERN, field("call.id", conflict=True)),
    ("R-11", "a scripted field", PATTERN, field("call.id", scripted=True)),
    ("R-12", "a field less", PATTERN, field("call.missed")),
    ("R-12", "a field renamed", PATTERN, field("call.missed", name="call.lost")),
    ("R-12", "another type", PATTERN, field("call.missed", type="string")),
    ("R-12", "another mapping", PATTERN, field("call.id", esTypes=["text"])),
    ("R-12", "a text that aggregates", PATTERN, field("store.name.text", aggregatable=True)),
    ("R-12", "another parent", PATTERN, field("store.name.text", subType={"multi": {"parent": "store"}})),
    ("R-12", "a title that no template has", PATTERN, put("attributes/title", "pabx-call-*")),
    ("R-12", "a period by a keyword", PATTERN, put("attributes/timeFieldName", "call.id")),
    ("R-12", "a format of no field", PATTERN, put("attributes/fieldFormatMap/x", {})),
    ("H-6", "a period over the stores", STORES, put("attributes/timeFieldName", "@timestamp")),
    ("H-6", "no period over calls", PATTERN, drop("attributes/timeFieldName")),
]
PANELS: list[tuple[str, str, Pick, Change]] = [
    ("R-13", "two titles", VIS, put("state/title", "x")),
    ("R-14", "an id that is a number", TABLE, put("state/aggs/0/id", 1)),
    ("R-14", "an id twice", TABLE, copied("state/aggs/1/id", "state/aggs/0/id")),
    ("R-14", "ordered by nothing", TABLE, put("bucket/params/orderBy", "99")),
    ("R-14", "ordered by itself", TABLE, copied("bucket/params/orderBy", "bucket/id")),
    ("R-14", "no such order", TABLE, put("bucket/params/order", "down")),
    ("R-15", "no such field", TABLE, put("bucket/params/field", "call.trunks")),
    ("R-15", "a text field", TABLE, put("bucket/params/field", "store.name.text")),
    ("R-15", "a sum of words", SUM, put("sum/params/field", "store.id")),
    ("R-15", "a sum of nothing", SUM, drop("sum/params/field")),
    ("R-15", "no index pattern", TABLE, drop("source/indexRefName")),
    ("R-16", "no such type", VIS, put("state/type", "heat")),
    ("R-17", "a schema of another type", TABLE, put("bucket/schema", "segment")),
    ("R-17", "a pie of a table's buckets", TABLE, put("state/type", "pie")),
    ("R-17", "no metric", TABLE, clear("state/aggs")),
    ("R-17", "two metrics of a pie", TABLE, both(put("state/type", "pie"), put("state/aggs", [COUNT] * 2))),
    ("R-17", "its metric disabled", TABLE, put("state/aggs", [COUNT | {"enabled": False}])),
    ("R-17", "an aggregation that it forbids", TABLE, put("bucket/type", "filter")),
    ("R-17", "aggregations of a text", TEXT, put("state/aggs", [COUNT])),
    ("R-18", "a series of no metric", TABLE, bars("99", "ValueAxis-1")),
    ("R-18", "a series on no axis", TABLE, bars("1", "ValueAxis-9")),
    ("R-19", "a control without a reference", CONTROLS, drop("control/indexPatternRefName")),
    ("R-19", "a control of no field", CONTROLS, put("control/fieldName", "store.nome")),
    ("R-19", "no controls", CONTROLS, clear("params/controls")),
    ("R-20", "an interval in words", TABLE, by_time(interval="day")),
    ("R-20", "no interval", TABLE, by_time()),
    ("H-7", "a type that we do not ship", TABLE, bars("1", "ValueAxis-1")),
    ("H-7", "a metric that we do not ship", SUM, put("sum/type", "median")),
    ("H-8", "a choice that is lost on the way", CONTROLS, put("params/pinFilters", value=False)),
    ("H-8", "a slider", CONTROLS, put("control/type", "range")),
]
VEGAS: list[tuple[str, str, Pick, Change]] = [
    ("R-21", "a comment", VEGA, put("params/spec", "{/* bars */}")),
    ("R-21", "no schema", VEGA, drop("params/spec/$schema")),
    ("R-21", "a newer schema", VEGA, put("params/spec/$schema", "https://x/v6.json")),
    ("R-22", "context beside a query", ASKS, put("url/%context%", value=True)),
    ("R-22", "time field beside a query", ASKS, put("url/%timefield%", "@timestamp")),
    ("R-22", "tiles", ASKS, put("url/%type%", "emsfile")),
    ("R-22", "an unknown bound", ASKS, put("period/%timefilter%", "now")),
    ("R-22", "one side as the whole", ASKS, put("period/%timefilter%", "min")),
    ("R-22", "an unknown unit", ASKS, put("period/unit", "month")),
    ("R-22", "a shift in words", ASKS, put("period/shift", "-7")),
    ("R-22", "an interval that does nothing", ASKS, put("body/aggs/x", AUTO)),
    ("R-23", "data from elsewhere", VEGA, put("entry/url", "https://example.net/x.json")),
    ("R-23", "a file", VEGA, put("entry/url", "x.json")),
    ("R-23", "a picture", VEGA, put("params/spec/usermeta", {"x": "//example.net/x.png"})),
    ("R-23", "a link that leads out", TEXT, put("params/markdown", OUTSIDE)),
    ("R-24", "no such index", ASKS, put("url/index", "pabx-call-*")),
    ("R-24", "several index patterns", ASKS, put("url/index", [CALLS])),
    ("R-24", "an answer to nothing", ASKS, put("entry/format/property", "aggregations.x.buckets")),
    ("R-24", "the hits of a request for none", ASKS, put("entry/format/property", "hits.hits")),
    ("H-1", "groups by no field", ASKS, put("grouped/field", "x")),
    ("H-1", "groups by a text", ASKS, put("grouped/field", "store.name.text")),
    ("H-1", "a term of no field", ASKS, add("bool/filter", {"term": {"call.x": 1}})),
    ("H-1", "a range of no field", ASKS, add("bool/filter", {"range": {"call.x": {"gt": 1}}})),
    ("H-1", "existence of no field", ASKS, add("bool/must_not", {"exists": {"field": "x"}})),
    ("H-1", "a filter within", ASKS, put("body/aggs/x", {"filter": {"terms": {"call.x": [1]}}})),
    ("H-1", "an order by a text", ASKS, put("body/sort", [{"store.name.text": "asc"}])),
    ("H-1", "sources of no field", ASKS, put("body/_source", ["call.x"])),
    ("H-1", "aggregations by their long name", ASKS, put("body/aggregations", {})),
    ("H-1", "a query that is not checked", ASKS, add("bool/filter", {"query_string": {"query": "x:1"}})),
    ("H-1", "an aggregation that is not checked", ASKS, put("body/aggs/x", {"scripted_metric": {}})),
    ("H-2", "a clause less", ASKS, clear("bool/must")),
    ("H-2", "a clause twice", ASKS, add("bool/must", MUST)),
    ("H-2", "a clause in another list", ASKS, both(put("bool/must", []), put("bool/should", [MUST]))),
    ("H-2", "another text", ASKS, add("bool/filter", "%context%")),
    ("H-3", "no period", ASKS, without_period("body/query")),
    ("H-3", "all but it", ASKS, both(without_period("bool/filter"), add("bool/must_not", PERIOD))),
    ("H-3", "half of it", ASKS, both(without_period("bool/filter"), add("bool/filter", HALF))),
    ("H-3", "a period that hides stores", STORED, add("bool/filter", SEEN)),
    ("H-4", "merged calls counted", ASKS, clear("bool/must_not")),
    ("H-5", "a click on no field", CLICKED, click(r"'[a-z_.]+': datum", "'store.nome': datum")),
    ("H-5", "a click on no index", CLICKED, click(r"'pabx-calls-\*'", "'pabx-call-*'")),
    ("H-5", "a click by another query", CLICKED, click("match_phrase", "term")),
]
SEARCHES: list[tuple[str, str, Pick, Change]] = [
    ("R-25", "a column of no field", SEARCH, add("attributes/columns", "call.x")),
    ("R-25", "a flat sort", SEARCH, put("attributes/sort", ["@timestamp", "desc"])),
    ("R-25", "a sort by no field", SEARCH, put("attributes/sort", [["x", "desc"]])),
    ("R-25", "a sort by a text", SEARCH, put("attributes/sort", [["store.name.text", "asc"]])),
    ("R-25", "a sort downwards", SEARCH, put("attributes/sort", [["@timestamp", "down"]])),
    ("R-25", "no index pattern", SEARCH, put("reference/name", "x")),
    ("H-9", "another language", SEARCH, put("source/query/language", "kuery")),
    ("H-9", "another language of a query", QUERY, put("attributes/query/language", "ppl")),
    ("H-9", "no text", BOARD, put("source/query/query", {"match_all": {}})),
    ("H-10", "a list by no field", LISTED, asked(ONCE, f"{ONCE} AND call.x:1")),
    ("H-10", "a table by no field", TABLE, asked(ONCE, f"{ONCE} AND _exists_:call.x")),
    ("H-10", "a query by no field", QUERY, put("attributes/query/query", "call.x:1")),
    ("H-11", "merged calls listed", LISTED, asked(ONCE, "*")),
    ("H-11", "merged calls in a table", TABLE, asked(ONCE, "*")),
    ("H-11", "merged calls by an OR", LISTED, asked(ONCE, f"{ONCE} OR call.missed:true")),
    ("H-11", "merged calls by a group", LISTED, asked(ONCE, f"({ONCE} OR call.missed:true)")),
]
DASHBOARDS: list[tuple[str, str, Pick, Change]] = [
    ("R-26", "no panels", BOARD, clear("attributes/panelsJSON")),
    ("R-26", "panels that overlap", BOARD, lambda item: moved(item["references"][1]["id"], x=0, y=0)(item)),
    ("R-26", "beyond the right", BOARD, both(put("last/x", 40), put("last/w", 9))),
    ("R-26", "before the left", BOARD, put("grid/x", -1)),
    ("R-26", "no height", BOARD, put("grid/h", 0)),
    ("R-26", "half a column", BOARD, put("grid/w", 1.5)),
    ("R-26", "two indices", BOARD, put("grid/i", "99")),
    ("R-26", "an index twice", BOARD, copied("attributes/panelsJSON/1/panelIndex", "panel/panelIndex")),
    ("R-26", "an index that is a number", BOARD, both(put("panel/panelIndex", 1), put("grid/i", 1))),
    ("R-26", "no version", BOARD, drop("panel/version")),
    ("R-26", "names in another order", BOARD, put("panel/panelRefName", "panel_1")),
    ("R-26", "a panel that is none", BOARD, put("reference/type", "index-pattern")),
    ("R-27", "a period that does nothing", BOARD, put("attributes/timeRestore", value=False)),
    ("R-27", "no end", BOARD, drop("attributes/timeTo")),
    ("H-12", "each second", BOARD, put("attributes/refreshInterval", {"pause": False, "value": 1000})),
    ("H-12", "each second later", BOARD, put("attributes/refreshInterval", {"pause": True, "value": 1000})),
    ("H-12", "no interval", BOARD, drop("attributes/refreshInterval")),
    ("H-13", "a hole", BOARD, put("last/w", 1)),
    ("H-14", "other links on top", BOARD, put("reference/id", "pabx-links-gone")),
    ("H-14", "filters at the bottom", BOARD, moved("pabx-controls", y=900)),
    ("H-15", "a link to nowhere", TEXT, put("params/markdown", "[x](#/view/pabx-gone)")),
    ("H-15", "a link to a list", TEXT, put("params/markdown", "[x](#/list)")),
    ("H-16", "no title", BOARD, put("attributes/title", " ")),
    ("H-16", "an id as a user's own", QUERY, put("object/id", "missed")),
    ("H-17", "a panel on no dashboard", TABLE, put("object/id", "pabx-new")),
]
ALL = [Breach(*row) for row in (*FILE, *REFERENCES, *PATTERNS, *PANELS, *VEGAS, *SEARCHES, *DASHBOARDS)]
