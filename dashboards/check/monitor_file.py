"""A monitor's file, read so that nothing in it can stop the rules, and the form that the plugin takes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from dashboards.check.reading import Json, Mapped, listed, mapping, strict, text_of, whole

KINDS: Final = {
    "query_level_monitor": "query_level_trigger",
    "bucket_level_monitor": "bucket_level_trigger",
    "doc_level_monitor": "document_level_trigger",
}
MOST_TRIGGERS: Final = 10
CHANNEL: Final = "pabx-channel"
"""The one destination: `central install` puts the channels that are in use in its place, or none."""
_SEVERITIES: Final = {"1", "2", "3", "4", "5"}
_OUTSIDE: Final = re.compile(r"https?://[^\s\"']*")


@dataclass(frozen=True)
class MonitorFile:
    """One monitor.

    Attributes:
        file: its name, with the language's folder: `en/03-agent_silent.json`.
        text: its content.
        mapped: what the index templates map.
    """

    file: str
    text: str
    mapped: Mapped

    @cached_property
    def body(self) -> Json:
        """Of the request that makes it; empty where the file holds no object."""
        try:
            return mapping(strict(self.text))
        except ValueError:
            return {}

    @property
    def language(self) -> str:
        """The folder's name."""
        return self.file.rpartition("/")[0]

    @property
    def trigger(self) -> Json:
        """Its first trigger, whatever its kind."""
        first = mapping(next(iter(listed(self.body.get("triggers"))), None))
        return mapping(next(iter(first.values()), None))

    @property
    def finding(self) -> str:
        """Its first trigger's id."""
        return text_of(self.trigger.get("id"))

    @property
    def actions(self) -> list[Json]:
        """Of its first trigger."""
        return [mapping(one) for one in listed(self.trigger.get("actions"))]

    @property
    def search(self) -> Json:
        """Its first input's search: `indices` and `query`."""
        first = mapping(next(iter(listed(self.body.get("inputs"))), None))
        return mapping(first.get("search"))

    @property
    def request(self) -> Json:
        """The body of its search."""
        return mapping(self.search.get("query"))

    @property
    def composite(self) -> Json:
        """The aggregation whose buckets have alerts."""
        parent = text_of(mapping(self.trigger.get("condition")).get("parent_bucket_path"))
        return mapping(mapping(self.request.get("aggregations")).get(parent))

    @property
    def metrics(self) -> Json:
        """Aggregations of each bucket."""
        return mapping(self.composite.get("aggregations"))


@dataclass(frozen=True)
class _Form:
    """Keys of an object: those that it must have, and those that it may have besides."""

    needed: frozenset[str]
    allowed: frozenset[str] = frozenset()


def _form(needed: str, allowed: str = "") -> _Form:
    return _Form(frozenset(needed.split()), frozenset(allowed.split()))


# An unknown key is dropped without a word at the top, and refuses the whole monitor in an action.
_MONITOR: Final = _form("type name monitor_type enabled schedule inputs triggers", "ui_metadata")
_PERIOD: Final = _form("interval unit")
_SEARCH: Final = _form("indices query")
_REQUEST: Final = _form("size query aggregations")
_TRIGGER: Final = _form("id name severity condition actions")
_CONDITION: Final = _form("parent_bucket_path buckets_path script", "gap_policy composite_agg_filter")
_SCRIPT: Final = _form("source lang")
_ACTION: Final = _form(
    "id name destination_id subject_template message_template throttle_enabled action_execution_policy",
    "throttle",
)
_THROTTLE: Final = _form("value unit")


def form(sheet: MonitorFile) -> Iterator[str]:
    """A monitor of a kind whose trigger matches, with one input and few triggers."""
    if not sheet.body:
        yield "is no JSON object, or a key stands twice: write one"
        return
    kind = text_of(sheet.body.get("monitor_type"))
    if kind not in KINDS:
        yield f"monitor_type {kind!r} is none: use {', '.join(KINDS)}"
    triggers = listed(sheet.body.get("triggers"))
    if not 1 <= len(triggers) <= MOST_TRIGGERS:
        yield f"has {len(triggers)} triggers: give it 1 to {MOST_TRIGGERS}"
    for one in triggers:
        if list(mapping(one)) != [KINDS.get(kind)]:
            yield f"a trigger is {list(mapping(one))}: {kind} takes {KINDS.get(kind)!r} alone"
    if len(listed(sheet.body.get("inputs"))) != 1:
        yield "has not one input: the plugin takes exactly one"
    if text_of(sheet.trigger.get("severity")) not in _SEVERITIES:
        yield f"severity {sheet.trigger.get('severity')!r}: write a text from 1 to 5"
    for place, given, keys in _objects(sheet):
        for missing in sorted(keys.needed - given.keys()):
            yield f"{place} lacks {missing}: the plugin needs it"


def known_keys(sheet: MonitorFile) -> Iterator[str]:
    """No key that the plugin does not know, at any level."""
    for place, given, keys in _objects(sheet):
        for key in sorted(given.keys() - keys.needed - keys.allowed):
            yield f"{place} has the key {key!r}, which the plugin does not know: leave it out"


def window(sheet: MonitorFile) -> Iterator[str]:
    """What is looked for is not shorter than the pause between two runs; the moment is a number."""
    period = mapping(mapping(sheet.body.get("schedule")).get("period"))
    seconds = {"MINUTES": 60, "HOURS": 3600, "DAYS": 86_400}.get(text_of(period.get("unit")))
    interval = whole(period.get("interval"))
    if seconds is None or interval is None or interval < 1:
        yield f"schedule.period is {period}: write interval and unit (MINUTES, HOURS or DAYS)"
        return
    for range_ in _ranges(sheet.request):
        for field, bounds in range_.items():
            moments = {key: text_of(text) for key, text in mapping(bounds).items() if "{{" in text_of(text)}
            for key, text in moments.items():
                found = re.fullmatch(r"\{\{period_end\}\}(?:\|\|-(\d+)s)?", text)
                if not found:
                    yield f"range of {field}: {text!r} is no moment: write {{{{period_end}}}}||-<seconds>s"
                elif key in {"gte", "gt"} and found[1] and int(found[1]) < interval * seconds:
                    yield f"range of {field}: {found[1]} s are shorter than the pause: something is missed"
            if moments and mapping(bounds).get("format") != "epoch_millis":
                yield f"range of {field}: format is not epoch_millis: the moment is milliseconds"


def destination(sheet: MonitorFile) -> Iterator[str]:
    """Every action goes to the one placeholder, and nowhere else."""
    for one in sheet.actions:
        if one.get("destination_id") != CHANNEL:
            yield (
                f"action {one.get('id')} goes to {one.get('destination_id')!r}: write {CHANNEL!r}, in whose "
                "place central install puts what is configured"
            )
    for address in sorted(set(_OUTSIDE.findall(sheet.text))):
        yield f"holds the address {address}: central install puts addresses in"


def no_documents(sheet: MonitorFile) -> Iterator[str]:
    """No monitor of documents over an index pattern: the plugin refuses it."""
    if sheet.body.get("monitor_type") == "doc_level_monitor" or "doc_level_input" in sheet.text:
        yield "is a doc_level_monitor, which takes no index pattern: make it a bucket_level_monitor"


def nested(value: Any) -> Iterator[Json]:
    """Give every object in a value."""
    if isinstance(value, dict):
        yield value
    for inside in value.values() if isinstance(value, dict) else listed(value):
        yield from nested(inside)


def _ranges(request: Json) -> Iterator[Json]:
    for one in nested(request):
        if isinstance(one.get("range"), dict):
            yield one["range"]


def _objects(sheet: MonitorFile) -> Iterator[tuple[str, Mapping[str, Any], _Form]]:
    """Every object whose keys the plugin looks at: where, what it has, what it is to have."""
    body = sheet.body
    schedule = mapping(body.get("schedule"))
    yield "the monitor", body, _MONITOR
    yield "schedule", schedule, _form("period")
    yield "schedule.period", mapping(schedule.get("period")), _PERIOD
    for one in listed(body.get("inputs")):
        yield "an input", mapping(one), _form("search")
    yield "search", sheet.search, _SEARCH
    yield "search.query", sheet.request, _REQUEST
    for outer in listed(body.get("triggers")):
        for trigger in map(mapping, mapping(outer).values()):
            condition = mapping(trigger.get("condition"))
            yield "a trigger", trigger, _TRIGGER
            yield "condition", condition, _CONDITION
            yield "condition.script", mapping(condition.get("script")), _SCRIPT
            for action in map(mapping, listed(trigger.get("actions"))):
                yield from _of_action(action)


def _of_action(action: Json) -> Iterator[tuple[str, Mapping[str, Any], _Form]]:
    where = f"action {action.get('id')}"
    yield where, action, _ACTION
    for name in ("subject_template", "message_template"):
        yield f"{where}.{name}", mapping(action.get(name)), _SCRIPT
    if "throttle" in action:
        yield f"{where}.throttle", mapping(action["throttle"]), _THROTTLE
    policy = mapping(action.get("action_execution_policy"))
    scope = mapping(policy.get("action_execution_scope"))
    yield f"{where}.action_execution_policy", policy, _form("action_execution_scope")
    yield f"{where}.action_execution_scope", scope, _form("per_alert")
    yield f"{where}.per_alert", mapping(scope.get("per_alert")), _form("actionable_alerts")
