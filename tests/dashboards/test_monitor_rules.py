"""The shipped monitors keep the rules, and a breach of any rule is found and named."""

import copy
import json
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.alerts.files import LANGUAGES, RUNBOOKS
from central.assets import load_assets
from dashboards.check import monitors
from dashboards.check.monitors import ENTRY, RULES, SAME, SHAPES, UNIQUE
from dashboards.check.patterns import mapped_fields
from dashboards.check.rules import Finding

Json = dict[str, Any]
Path_ = tuple[str | int, ...]
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "dashboards" / "monitors"
MAPPED = mapped_fields(load_assets())
RUNBOOK = {language: (page, (ROOT / page).read_text(encoding="utf-8")) for language, page in RUNBOOKS.items()}
SHIPPED = {
    f"{language}/{path.name}": path.read_text(encoding="utf-8")
    for language in LANGUAGES
    for path in sorted((FOLDER / language).iterdir())
}
IDLE, TWIN = "pt-BR/05-idle.json", "en/05-idle.json"
SILENT, BUSY, QUARANTINE = (
    "pt-BR/03-agent_silent.json",
    "pt-BR/09-missed_rate.json",
    "pt-BR/21-quarantine.json",
)

TRIGGER: Path_ = ("triggers", 0, "bucket_level_trigger")
SEARCH: Path_ = ("inputs", 0, "search")
REQUEST: Path_ = (*SEARCH, "query")
COMPOSITE: Path_ = (*REQUEST, "aggregations", "composite_agg")
CONDITION: Path_ = (*TRIGGER, "condition")
SOURCES: Path_ = (*REQUEST, "aggregations", "composite_agg", "composite", "sources")
OPENED, REMINDER, CLOSED = ((*TRIGGER, "actions", number) for number in range(3))
FILTERS: Path_ = (*REQUEST, "query", "bool", "filter")


def check(files: dict[str, str], runbook: dict[str, tuple[str, str]] | None = None) -> list[Finding]:
    return monitors.check(list(files.items()), MAPPED, runbook or RUNBOOK)


def at(body: Any, path: Path_) -> Any:
    return reduce(lambda value, key: value[key], path, body)


def put(*path: str | int, value: Any) -> Callable[[Json], object]:
    def change(body: Json) -> None:
        at(body, path[:-1])[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[Json], object]:
    return lambda body: at(body, path[:-1]).pop(path[-1])


def add(*path: str | int, value: Any) -> Callable[[Json], object]:
    return lambda body: at(body, path).append(value)


def text(*path: str | int, old: str, new: str) -> Callable[[Json], object]:
    def change(body: Json) -> None:
        assert old in at(body, path)
        put(*path, value=at(body, path).replace(old, new))(body)

    return change


def message(action: Path_, old: str, new: str) -> Callable[[Json], object]:
    return text(*action, "message_template", "source", old=old, new=new)


def filtered(clause: Json) -> Callable[[Json], object]:
    return add(*FILTERS, value=clause)


class Breach(NamedTuple):
    """A change of a shipped file that breaks a rule."""

    rule: str
    what: str
    change: Callable[[Json], object]
    file: str = IDLE

    def __str__(self) -> str:
        return f"{self.rule} {self.what}"


NOW = {"format": "epoch_millis"}
FORM = [
    Breach("R-28", "a kind that is none", put("monitor_type", value="bucket_monitor")),
    Breach("R-28", "a trigger of another kind", put("monitor_type", value="query_level_monitor")),
    Breach("R-28", "no trigger", put("triggers", value=[])),
    Breach("R-28", "eleven triggers", lambda body: body.update(triggers=body["triggers"] * 11)),
    Breach("R-28", "two inputs", lambda body: body.update(inputs=body["inputs"] * 2)),
    Breach("R-28", "no severity", put(*TRIGGER, "severity", value="0")),
    Breach("R-28", "a severity that is a number", put(*TRIGGER, "severity", value=1)),
    Breach("R-28", "no schedule", drop("schedule")),
    Breach("R-28", "no parent", drop(*CONDITION, "parent_bucket_path")),
    Breach("R-28", "no script", drop(*CONDITION, "script")),
    Breach("R-28", "a message without its language", drop(*OPENED, "message_template", "lang")),
    Breach("R-28", "an action without its id", drop(*CLOSED, "id")),
    Breach("R-29", "no interval", drop("schedule", "period", "interval")),
    Breach("R-29", "an interval in seconds", put("schedule", "period", "unit", value="SECONDS")),
    Breach("R-29", "a pause longer than what is looked for", put("schedule", "period", "interval", value=3)),
    Breach(
        "R-29",
        "a window shorter than the pause",
        filtered({"range": {"store.last_seen": {"gte": "{{period_end}}||-59s", **NOW}}}),
    ),
    Breach(
        "R-29",
        "no moment",
        filtered({"range": {"store.last_seen": {"lt": "{{period_end}}||-1h", **NOW}}}),
    ),
    Breach(
        "R-29",
        "a moment that is no number",
        filtered({"range": {"store.last_seen": {"lt": "{{period_end}}||-90s"}}}),
    ),
    Breach("R-30", "a channel of somebody's own", put(*CLOSED, "destination_id", value="pabx-slack")),
    Breach("R-30", "no channel", put(*OPENED, "destination_id", value="")),
    Breach("R-30", "an address", message(OPENED, "__DASHBOARDS_URL__", "https://dashboards.example")),
    Breach("R-31", "a monitor of documents", put("monitor_type", value="doc_level_monitor")),
    Breach(
        "R-31", "an input of documents", put("inputs", value=[{"doc_level_input": {"indices": ["pabx-*"]}}])
    ),
    Breach("R-32", "a key of the monitor", put("owner", value="alerting")),
    Breach("R-32", "a key that the plugin sets", put("enabled_time", value=1)),
    Breach("R-32", "a cron beside the period", put("schedule", "cron", value={})),
    Breach("R-32", "a timezone of a period", put("schedule", "period", "timezone", value="UTC")),
    Breach("R-32", "a key of an input", put("inputs", 0, "uri", value={})),
    Breach("R-32", "a key of the search", put(*SEARCH, "preference", value="x")),
    Breach("R-32", "a key of the request", put(*REQUEST, "sort", value=[])),
    Breach("R-32", "a key of a trigger", put(*TRIGGER, "enabled", value=True)),
    Breach("R-32", "a key of the condition", put(*CONDITION, "filter", value={})),
    Breach("R-32", "a key of the script", put(*CONDITION, "script", "params", value={})),
    Breach("R-32", "a key of an action", put(*OPENED, "description", value="x")),
    Breach("R-32", "a key of a template", put(*OPENED, "message_template", "options", value={})),
    Breach("R-32", "a key of the throttle", put(*REMINDER, "throttle", "per", value="alert")),
    Breach("R-32", "a key of the policy", put(*OPENED, "action_execution_policy", "x", value=1)),
    Breach(
        "R-32",
        "messages for each run",
        put(*OPENED, "action_execution_policy", "action_execution_scope", value={"per_execution": {}}),
    ),
]
OURS = [
    Breach("H-19", "a name without ours before it", put("name", value="idle")),
    Breach("H-19", "another trigger id", put(*TRIGGER, "id", value="idle2")),
    Breach("H-19", "another trigger name", put(*TRIGGER, "name", value="Idle")),
    Breach("H-19", "an action id of chance", put(*OPENED, "id", value="Zk3_8Y0")),
    Breach("H-19", "an action less", drop(*TRIGGER, "actions", 1)),
    Breach("H-19", "no mark of ours", drop("ui_metadata", "pabx")),
    Breach("H-19", "another language's mark", put("ui_metadata", "pabx", "language", value="en")),
    Breach("H-20", "hits", put(*REQUEST, "size", value=10)),
    Breach("H-20", "another parent", put(*CONDITION, "parent_bucket_path", value="stores")),
    Breach("H-20", "a parent of terms", put(*COMPOSITE, value={"terms": {"field": "store.id"}})),
    Breach("H-20", "two aggregations", put(*REQUEST, "aggregations", "x", value={"max": {"field": "x"}})),
    Breach(
        "H-20",
        "a key that is a date",
        put(
            *COMPOSITE,
            "composite",
            "sources",
            0,
            "id",
            value={"date_histogram": {"field": "store.last_seen"}},
        ),
    ),
    Breach("H-20", "a value that is not given", drop(*CONDITION, "buckets_path", "limit")),
    Breach("H-20", "a value that is not asked for", put(*CONDITION, "buckets_path", "all", value="_count")),
    Breach("H-20", "a path to nothing", put(*CONDITION, "buckets_path", "limit", value="limits")),
    Breach("H-20", "a path below nothing", put(*CONDITION, "buckets_path", "limit", value="x>_count")),
    Breach(
        "H-20",
        "an aggregation that is not known",
        put(*COMPOSITE, "aggregations", "limit", value={"percentiles": {"field": "store.usual.limit"}}),
    ),
    Breach("H-21", "an index of no template", put(*SEARCH, "indices", value=["pabx-store"])),
    Breach("H-21", "a second index of no template", add(*SEARCH, "indices", value="x-*")),
    Breach("H-21", "no index", put(*SEARCH, "indices", value=[])),
    Breach("H-21", "a term of no field", filtered({"term": {"store.open": True}})),
    Breach("H-21", "a range of no field", filtered({"range": {"store.seen": {"lt": 1}}})),
    Breach("H-21", "existence of no field", filtered({"exists": {"field": "store.x"}})),
    Breach("H-21", "a field of another index", filtered({"exists": {"field": "call.id"}})),
    Breach(
        "H-21",
        "a script over no field",
        filtered({"script": {"script": {"source": "doc['store.x'].size() > 0", "lang": "painless"}}}),
    ),
    Breach("H-21", "a query that is not checked", filtered({"query_string": {"query": "store.x:1"}})),
    Breach(
        "H-21", "a metric of no field", put(*COMPOSITE, "aggregations", "limit", "max", "field", value="x")
    ),
    Breach(
        "H-21",
        "a metric of a text",
        put(*COMPOSITE, "aggregations", "limit", "max", "field", value="store.name.text"),
    ),
    Breach(
        "H-21",
        "a key that is a number",
        put(*COMPOSITE, "composite", "sources", 0, "id", "terms", "field", value="store.lag_seconds"),
    ),
    Breach("H-28", "a key that looks like a template", put(*REQUEST, "query", value={"match_all": {}})),
    Breach(
        "H-28",
        "a bucket of what is missing",
        put(*SOURCES, 0, "id", "terms", "missing_bucket", value=True),
    ),
    Breach("H-22", "a throttled beginning", put(*OPENED, "throttle_enabled", value=True)),
    Breach("H-22", "a throttled end", put(*CLOSED, "throttle", value={"value": 10, "unit": "MINUTES"})),
    Breach("H-22", "a reminder each minute", put(*REMINDER, "throttle_enabled", value=False)),
    Breach("H-22", "a reminder in two days", put(*REMINDER, "throttle", "value", value=2880)),
    Breach("H-22", "a reminder in hours", put(*REMINDER, "throttle", "unit", value="HOURS")),
    Breach(
        "H-22",
        "an end with the beginning",
        put(
            *OPENED,
            *("action_execution_policy", "action_execution_scope", "per_alert", "actionable_alerts"),
            value=["NEW", "COMPLETED"],
        ),
    ),
    Breach("H-23", "a message of nothing", message(OPENED, "{{/ctx.newAlerts}}", "{{/ctx.newAlerts}} PABX")),
    Breach("H-23", "a loop over other alerts", message(CLOSED, "ctx.completedAlerts", "ctx.newAlerts")),
    Breach("H-23", "a section that stays open", message(OPENED, "{{/_source.store.city}}", "")),
    Breach("H-23", "a section that was not opened", message(OPENED, "{{#_source.store.city}}", "")),
    Breach("H-23", "a field fetched alone", message(OPENED, "{{{.}}}", "{{_source.store.city}}")),
    Breach(
        "H-23",
        "a document of an alert that is over",
        message(CLOSED, "{{{bucket_keys}}}", "{{#sample_documents}}{{/sample_documents}}"),
    ),
    Breach("H-23", "no subject", put(*OPENED, "subject_template", "source", value="")),
    Breach("H-23", "a subject by mustache", put(*OPENED, "subject_template", "source", value="{{ctx.x}}")),
    Breach(
        "H-23",
        "documents beside a filter",
        put(*COMPOSITE, "aggregations", "x", value={"filter": {"exists": {"field": "store.id"}}}),
    ),
    Breach(SHAPES, "a key of another kind", put(*COMPOSITE, "aggregations", "key.id", value={"max": {}})),
    Breach(SHAPES, "a name that the plugin uses", put(*COMPOSITE, "aggregations", "key", value={"max": {}})),
    Breach(
        SHAPES,
        "a count where others have a number",
        put(*COMPOSITE, "aggregations", "usual", value={"filter": {"match_all": {}}}),
        BUSY,
    ),
    Breach(ENTRY, "no entry", put(*TRIGGER, "id", value="idler")),
]


def changed(file: str, change: Callable[[Json], object]) -> dict[str, str]:
    body = json.loads(SHIPPED[file])
    change(body)
    return {**SHIPPED, file: json.dumps(body)}


def test_the_shipped_monitors_keep_every_rule() -> None:
    assert len(SHIPPED) == 2 * 24
    assert check(SHIPPED) == []


@pytest.mark.parametrize("breach", [*FORM, *OURS], ids=str)
def test_a_breach_is_found(breach: Breach) -> None:
    found = check(changed(breach.file, breach.change))
    # Where one name has two shapes, either monitor may be named.
    assert (breach.rule, breach.file) in {(one.rule, one.file) for one in found} or (
        breach.rule == SHAPES and breach.rule in {one.rule for one in found}
    ), [str(one) for one in found]


def test_every_rule_has_a_breach() -> None:
    assert {breach.rule for breach in (*FORM, *OURS)} == {rule.id for rule in RULES} | {SHAPES, ENTRY}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": "a", "name": "b"}', "null", "[" * 100_000])
def test_what_is_no_monitor_is_found(content: str) -> None:
    assert ("R-28", IDLE) in {(one.rule, one.file) for one in check({**SHIPPED, IDLE: content})}


def test_a_name_that_is_there_twice_is_found() -> None:
    again = "pt-BR/25-idle.json"
    found = check({**SHIPPED, again: SHIPPED[IDLE]})
    assert (UNIQUE, again) in {(one.rule, one.file) for one in found}


def test_a_file_under_another_number_or_name_is_found() -> None:
    for name in ("pt-BR/idle.json", "pt-BR/05-agent_silent.json", "pt-BR/05-idle.txt"):
        files = {name if key == IDLE else key: text for key, text in SHIPPED.items()}
        assert ("H-19", name) in {(one.rule, one.file) for one in check(files)}


LANGUAGE: dict[str, Callable[[Json], object]] = {
    "another severity": put(*TRIGGER, "severity", value="2"),
    "another condition": put(*CONDITION, "script", "source", value="params.limit > params.expected"),
    "a filter less": drop(*FILTERS, 0),
    "a fact less": message(OPENED, "{{#_source.store.watch.expected_calls}}", ""),
    "a line less": message(OPENED, "\n1. ", " "),
    "no words at all": put(*CLOSED, "message_template", "source", value=""),
}


@pytest.mark.parametrize("what", LANGUAGE)
def test_a_language_that_differs_in_more_than_words_is_found(what: str) -> None:
    found = [one for one in check(changed(TWIN, LANGUAGE[what])) if one.rule == SAME]
    assert [(one.file, one.object) for one in found] == [(TWIN, "monitor")]
    assert IDLE in found[0].text


@pytest.mark.parametrize("left_out", [IDLE, TWIN])
def test_a_language_without_an_alert_is_found(left_out: str) -> None:
    files = {name: content for name, content in SHIPPED.items() if name != left_out}
    found = {(one.rule, one.file) for one in check(files)}
    assert found == {
        (SAME, TWIN if left_out == IDLE else IDLE),
        (ENTRY, RUNBOOKS[left_out.partition("/")[0]]),
    }


def test_a_runbook_without_an_entry_is_found_and_one_with_too_many() -> None:
    page, content = RUNBOOK["en"]
    found = check(SHIPPED, {**RUNBOOK, "en": (page, content.replace("## idle\n", "## idler\n"))})
    assert {(one.rule, one.file, one.object) for one in found} == {
        (ENTRY, TWIN, "monitor"),
        (ENTRY, page, "idler"),
    }


def test_only_the_quarantine_counts_what_is_of_no_store() -> None:
    """A bucket of nobody's is one more alert: it is wanted where documents are whose store is not known."""
    with_missing = {name for name, content in SHIPPED.items() if "? '-' : doc" in content}
    assert with_missing == {QUARANTINE, QUARANTINE.replace("pt-BR", "en")}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_value_in_any_place_stops_the_check(data: st.DataObject) -> None:
    """Whatever stands somewhere in a file, the check ends and says what it finds."""
    body = json.loads(SHIPPED[SILENT])
    spots = [
        (node, key) for node in _nodes(body) for key in (node if isinstance(node, dict) else range(len(node)))
    ]
    node, key = data.draw(st.sampled_from(spots))
    before = copy.deepcopy(body)
    node[key] = data.draw(
        st.sampled_from([None, True, 0, -1.5, "", "x", [], [1], {}, {"x": {}}, [[]], [None]])
    )
    found = check({SILENT: json.dumps(body)})
    alone = {one.rule for one in check({SILENT: json.dumps(before)})}
    assert alone == {ENTRY}  # of the other alerts, which are not there
    assert {one.rule for one in found} <= {rule.id for rule in RULES} | {ENTRY, SHAPES}


def _nodes(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for inside in value.values() if isinstance(value, dict) else value:
            yield from _nodes(inside)
