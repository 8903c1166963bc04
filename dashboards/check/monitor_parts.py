"""What our own monitors keep besides: names and ids, the search, the condition, the messages."""

import re
from collections.abc import Iterator
from typing import Any, Final

from dashboards.check.asked import Mention, mentions
from dashboards.check.monitor_file import MonitorFile
from dashboards.check.reading import Json, listed, mapping, text_of, whole

PREFIX: Final = "PABX "
PARENT: Final = "composite_agg"
"""The one name under which the plugin looks for sample documents."""
ACTIONS: Final = {
    "opened": ("NEW", "newAlerts"),
    "reminder": ("DEDUPED", "dedupedAlerts"),
    "closed": ("COMPLETED", "completedAlerts"),
}
_ID: Final = re.compile(r"[a-z][a-z_]*")
_FILE: Final = re.compile(r"[a-zA-Z-]+/\d\d-([a-z_]+)\.json")
_PARAMS: Final = re.compile(r"\bparams\.(\w+)")
_NAMED: Final = re.compile(r"doc\['([^']+)'\]")
_TAG: Final = re.compile(r"\{\{\{?([#^/]?)\s*([^{}\s]+?)\s*\}?\}\}")
_MOST_MINUTES: Final = 1440
_METRICS: Final = {"sum", "max", "min", "avg", "value_count", "cardinality"}
_PLAIN: Final = {"field"}
NO_TEMPLATE: Final = ".*[{][{].*"


def names(sheet: MonitorFile) -> Iterator[str]:
    """File, monitor, trigger and actions are named by the finding, and by nothing that changes."""
    finding = sheet.finding
    if not _ID.fullmatch(finding):
        yield f"the trigger's id is {finding!r}: write small letters and underscores"
    if sheet.trigger.get("name") != finding:
        yield f"the trigger's name is {sheet.trigger.get('name')!r}: write {finding!r}"
    if sheet.body.get("name") != f"{PREFIX}{finding}":
        yield f"its name is {sheet.body.get('name')!r}: write {PREFIX + finding!r}: so it is known again"
    named = _FILE.fullmatch(sheet.file)
    if not named or named[1] != finding:
        yield f"the file's name does not tell {finding!r}: write <number>-{finding}.json"
    known = mapping(mapping(sheet.body.get("ui_metadata")).get("pabx"))
    if known != {"finding": finding, "language": sheet.language}:
        yield f"ui_metadata.pabx is {known}: write its finding and language, by which it is ours"
    ids = [one.get("id") for one in sheet.actions]
    if ids != [f"{finding}-{name}" for name in ACTIONS]:
        yield f"ids of the actions are {ids}: write {finding}- and {', '.join(ACTIONS)}"


def searched(sheet: MonitorFile) -> Iterator[str]:
    """A search for no hits, with one composite aggregation of texts; the condition asks for what is there."""
    if sheet.request.get("size") != 0:
        yield "search.query.size is not 0: no hits are looked at"
    parent = mapping(sheet.trigger.get("condition")).get("parent_bucket_path")
    aggregations = list(mapping(sheet.request.get("aggregations")))
    if aggregations != [PARENT] or parent != PARENT or not isinstance(sheet.composite.get("composite"), dict):
        yield f"its buckets are of {parent!r}, aggregations {aggregations}: use one composite {PARENT!r}"
        return
    for source in _sources(sheet):
        if list(mapping(next(iter(source.values()), None))) != ["terms"]:
            yield f"source {list(source)} is not of terms: the kind of its keys would be another one"
    paths = mapping(mapping(sheet.trigger.get("condition")).get("buckets_path"))
    script = mapping(mapping(sheet.trigger.get("condition")).get("script"))
    asked = set(_PARAMS.findall(text_of(script.get("source"))))
    for name in sorted(asked ^ paths.keys()):
        where = "in the condition only" if name in asked else "in buckets_path only"
        yield f"params.{name} stands {where}: name it in both"
    for name, path in paths.items():
        first = text_of(path).partition(">")[0]
        if first != "_count" and first not in sheet.metrics:
            yield f"buckets_path.{name} leads to {path!r}, which is no aggregation: it is never true"
    for name, metric in sheet.metrics.items():
        if shape_of(metric) == "?":
            yield f"aggregation {name!r} is of a type that is not checked: use {', '.join(sorted(_METRICS))}"


def fields(sheet: MonitorFile) -> Iterator[str]:
    """Every index has a template, every field is mapped in one of them, and can be aggregated."""
    indices = listed(sheet.search.get("indices"))
    known = [sheet.mapped[one] for one in indices if isinstance(one, str) and one in sheet.mapped]
    if not indices or len(known) < len(indices):
        yield f"indices {indices}: not each is one that an index template is about"
    request = {"query": sheet.request.get("query"), "aggs": sheet.request.get("aggregations")}
    for said in mentions(_as_asked(request)):
        if not isinstance(said, Mention):
            yield f"{said.text} is not checked: write it otherwise, or teach the check"
            continue
        found = [one[said.field] for one in known if isinstance(said.field, str) and said.field in one]
        if not found:
            yield f"{said.place}: no index of {indices} maps {said.field!r}"
        elif said.aggregated and not all(one.get("aggregatable") for one in found):
            yield f"{said.place}: {said.field} cannot be aggregated"
    for source in _sources(sheet):
        for name in source:
            field = text_of(mapping(_as_asked(mapping(source[name]).get("terms"))).get("field"))
            kinds = {str(one[field].get("type")) for one in known if field in one}
            if kinds - {"string"}:
                yield f"source {name!r} is of {field}, no text: the plugin takes no other keys"


def keys(sheet: MonitorFile) -> Iterator[str]:
    """No key is missing, and none looks like a template: on either the plugin fails, on some for ever."""
    query = mapping(mapping(sheet.request.get("query")).get("bool"))
    barred = [mapping(mapping(one).get("regexp")) for one in listed(query.get("must_not"))]
    for source in _sources(sheet):
        for name in source:
            terms = mapping(mapping(source[name]).get("terms"))
            script = text_of(mapping(terms.get("script")).get("source"))
            if "missing_bucket" in terms:
                yield f"source {name!r} has a bucket for what is missing: give that a key by a script"
            if "'{' + '{'" in script:
                continue
            if {text_of(terms.get("field")): {"value": NO_TEMPLATE}} not in barred:
                yield f"source {name!r}: a key with two braces is not barred: must_not regexp {NO_TEMPLATE}"


def throttles(sheet: MonitorFile) -> Iterator[str]:
    """Each action tells of one thing; the reminder alone is throttled, the end never."""
    for one in sheet.actions:
        name = text_of(one.get("name"))
        scope = mapping(mapping(one.get("action_execution_policy")).get("action_execution_scope"))
        told = mapping(scope.get("per_alert")).get("actionable_alerts")
        if name not in ACTIONS or told != [ACTIONS[name][0]]:
            yield f"action {one.get('id')} named {name!r} tells of {told}: name one of {', '.join(ACTIONS)}"
            continue
        throttle = mapping(one.get("throttle"))
        minutes = whole(throttle.get("value")) or 0
        if name == "reminder":
            right = one.get("throttle_enabled") is True and throttle.get("unit") == "MINUTES"
            if not right or not 1 <= minutes <= _MOST_MINUTES:
                yield f"action {one.get('id')} is throttled by {throttle}: write 1 to {_MOST_MINUTES} MINUTES"
        elif one.get("throttle_enabled") is not False or throttle:
            yield f"action {one.get('id')} is throttled: an end that comes soon would never be told"


def messages(sheet: MonitorFile) -> Iterator[str]:
    """A message is all within the loop of its alerts: without any it is empty, and is not sent."""
    for one in sheet.actions:
        if text_of(one.get("name")) not in ACTIONS:
            continue
        alerts = ACTIONS[text_of(one.get("name"))][1]
        text = text_of(mapping(one.get("message_template")).get("source"))
        subject = text_of(mapping(one.get("subject_template")).get("source"))
        begin, end = f"{{{{#ctx.{alerts}}}}}", f"{{{{/ctx.{alerts}}}}}"
        if not (text.startswith(begin) and text.endswith(end)) or text.count(begin) != 1:
            yield f"message of {one.get('id')} is not within {begin} and {end}: one of nothing would be sent"
        if wrong := _unbalanced(text):
            yield f"message of {one.get('id')}: {{{{{wrong}}}}} is not closed in its turn"
        if not subject.strip() or "{{" in subject:
            yield f"subject of {one.get('id')} is {subject!r}: write plain text"
        if "{{_source." in text or "{{{_source." in text:
            yield f"message of {one.get('id')} names {{{{_source.x}}}}: lists come as one text"
        yield from _documents(sheet, one, text)


def tags_of(text: str) -> list[str]:
    """Give a template's tags in their order."""
    return [kind + name for kind, name in _TAG.findall(text)]


def shape_of(metric: Any) -> str:
    """Say how an aggregation's result is indexed with an alert: a number, or an object; `?`: not known."""
    kind = next(iter(mapping(metric)), "")
    return "count" if kind == "filter" else "value" if kind in _METRICS else "?"


def sources_of(sheet: MonitorFile) -> list[str]:
    """Give the names of its bucket's keys."""
    return [name for source in _sources(sheet) for name in source]


def _sources(sheet: MonitorFile) -> list[Json]:
    return [mapping(one) for one in listed(mapping(sheet.composite.get("composite")).get("sources"))]


def _documents(sheet: MonitorFile, action: Json, text: str) -> Iterator[str]:
    if "sample_documents" not in text:
        return
    if action.get("name") != "opened":
        yield f"message of {action.get('id')} looks into sample_documents: only new alerts have any"
    for name, metric in sheet.metrics.items():
        inside = mapping(next(iter(mapping(metric).values()), None))
        if inside.keys() != _PLAIN:
            yield f"message of {action.get('id')}: beside {name!r} the plugin gives no sample_documents"


def _unbalanced(text: str) -> str:
    """The first section that is not closed in its turn, or was not opened."""
    opened: list[str] = []
    for kind, name in _TAG.findall(text):
        if kind in {"#", "^"}:
            opened.append(name)
        elif kind == "/" and (not opened or opened.pop() != name):
            return f"/{name}"
    return f"#{opened[-1]}" if opened else ""


def _as_asked(value: Any) -> Any:
    """A search as `asked.mentions` reads it: by short names, a script as the fields that it names."""
    if isinstance(value, list):
        return [_as_asked(one) for one in value]
    if not isinstance(value, dict):
        return value
    key = mapping(value.get("script")).get("source")
    if len(_NAMED.findall(text_of(key))) > 0:  # a key that a script gives
        return {"field": _NAMED.findall(text_of(key))[0]}
    source = mapping(mapping(value.get("script")).get("script")).get("source")
    if len(value) == 1 and source is not None:
        named = sorted(set(_NAMED.findall(text_of(source))))
        return {"bool": {"filter": [{"exists": {"field": name}} for name in named]}}
    return {("aggs" if key == "aggregations" else key): _as_asked(one) for key, one in value.items()}
