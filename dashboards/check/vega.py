"""Vega panels: their specification, and the requests in it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dashboards.check.asked import Unknown, answers, context_clauses, demanded, mentions, refused
from dashboards.check.reading import Item, Json, Problem, Shipment, mapping, nodes, strict, text_of

_SCHEMAS: Final = {
    "https://vega.github.io/schema/vega/v5.json",
    "https://vega.github.io/schema/vega-lite/v5.json",
}
WHOLE_CHAIN: Final = "pabx-completeness"
_CLAUSES: Final = {
    "must": "%dashboard_context-must_clause%",
    "filter": "%dashboard_context-filter_clause%",
    "must_not": "%dashboard_context-must_not_clause%",
}
_URL: Final = re.compile(r"(?i)\b(https?|ftp|file|data|javascript):|(?<![\w)\]]) *//\w")
_UNITS: Final = {"week", "day", "hour", "minute", "second"}
_SIDES: Final = {"gte", "gt", "lte", "lt"}
_CALLS: Final = "pabx-calls-*"
_ONCE: Final = {"exists": {"field": "call.merged_into"}}
_FILTER: Final = re.compile(r"opensearchDashboardsAddFilter\(([^()]*)\)")
_CLICK: Final = re.compile(r"\{match_phrase: \{'([^']+)': datum\.\w+\}\}, '([^']+)'")


@dataclass(frozen=True)
class Request:
    """One request of a panel.

    Attributes:
        item: the panel.
        entry: what holds `url` and `format`.
    """

    item: Item
    entry: Json

    @property
    def url(self) -> Json:
        """What is asked, as OpenSearch Dashboards reads it."""
        return mapping(self.entry.get("url"))

    @property
    def body(self) -> Json:
        """The request's body."""
        return mapping(self.url.get("body"))

    @property
    def index(self) -> str:
        """Whom it asks."""
        return text_of(self.url.get("index"))


def specification(file: Shipment) -> Iterator[Problem]:
    """The specification is strict JSON, of a schema that every supported release draws without a warning."""
    for item in file.of("visualization", "vega"):
        text = item.params.get("spec")
        try:
            spec = strict(text_of(text))
        except ValueError as error:
            yield item.name, f"params.spec is no JSON ({error}): write strict JSON in a text"
            continue
        schema = mapping(spec).get("$schema")
        if not isinstance(schema, str) or schema not in _SCHEMAS:
            yield item.name, f"$schema is {schema!r}: write one of {', '.join(sorted(_SCHEMAS))}"


def context(file: Shipment) -> Iterator[Problem]:
    """What OpenSearch Dashboards puts into a request, it can put there."""
    for request in requests(file):
        name = request.item.name
        for key in ("%context%", "%timefield%"):
            if key in request.url and "query" in request.body:
                yield name, f"has {key} beside body.query, which is refused: write the clauses into the query"
        kind = request.url.get("%type%", "opensearch")
        if kind != "opensearch":
            yield name, f"%type% is {kind!r}: leave it out"
        for node in nodes(request.body):
            for wrong in _placeholder_faults(mapping(node)):
                yield name, wrong


def no_outside(file: Shipment) -> Iterator[Problem]:
    """Nothing is fetched from anywhere but the cluster, and no link leads out."""
    for item in file.of("visualization"):
        spec = {key: value for key, value in item.spec.items() if key != "$schema"}
        params = {key: value for key, value in item.params.items() if key != "spec"}
        for node in nodes([spec, params]):
            text = node if isinstance(node, str) else ""
            url = mapping(node).get("url")
            if _URL.search(text) or isinstance(url, str):
                yield item.name, f"{text or url!r} leads outside: ask the cluster by index and body"


def indices(file: Shipment) -> Iterator[Problem]:
    """Every request asks the indices of a shipped index pattern, and says what it takes of the answer."""
    for request in requests(file):
        index = request.url.get("index")
        if request.index not in file.titles:
            yield request.item.name, f"asks the index {index!r}: write the title of a shipped index pattern"
        path = mapping(request.entry.get("format")).get("property")
        if not answers(request.body, text_of(path)):
            yield (
                request.item.name,
                f"takes {path!r} of the answer, which the body does not ask for: name its own",
            )


def fields(file: Shipment) -> Iterator[Problem]:
    """Every field that a request names is in the index pattern, and can be aggregated where it is."""
    for request in requests(file):
        pattern = file.titles.get(request.index)
        if pattern is None:
            continue
        for said in mentions(request.body):
            if isinstance(said, Unknown):
                yield (
                    request.item.name,
                    f"{said.text} is not checked: write it otherwise, or teach check/asked.py",
                )
                continue
            wrong = pattern.lacks(said.field, aggregated=said.aggregated)
            if wrong:
                yield request.item.name, f"{said.place}: {wrong}"


def clauses(file: Shipment) -> Iterator[Problem]:
    """The dashboard's filters narrow every request: each of the three clauses once, in its list.

    Only how complete the data is stands for the whole chain: a condition on calls would find no store.
    """
    for request in requests(file):
        if request.item.id == WHOLE_CHAIN:
            continue
        written = json.dumps(request.body)
        found = context_clauses(request.body.get("query"))
        for name, clause in _CLAUSES.items():
            if clause not in found[name] or written.count(clause) != 1:
                yield (
                    request.item.name,
                    f"{clause} has to stand once in query.bool.{name}: write it there, and only there",
                )
        for name, texts in found.items():
            for text in texts:
                if text not in _CLAUSES.values():
                    yield request.item.name, f"{text!r} in query.bool.{name} is no query: write one"


def period(file: Shipment) -> Iterator[Problem]:
    """The period narrows every request over what happened, and none over what is now."""
    for request in requests(file):
        pattern = file.titles.get(request.index)
        if pattern is None:
            continue
        field = pattern.time_field
        narrowing = [
            name
            for kind, value in demanded(request.body.get("query"))
            for name, bounds in (value.items() if kind == "range" else ())
            if _by_period(bounds)
        ]
        if field and field not in narrowing:
            yield (
                request.item.name,
                f"the period does not narrow it: put a range over {field} with %timefilter% into the query",
            )
        if not field and any("%timefilter%" in mapping(node) for node in nodes(request.body)):
            yield request.item.name, f"%timefilter% hides what is silent in {pattern.title}: take it out"


def calls_once(file: Shipment) -> Iterator[Problem]:
    """A request over calls leaves out those that became part of another."""
    for request in requests(file):
        if request.index == _CALLS and _ONCE not in list(refused(request.body.get("query"))):
            yield request.item.name, f"counts merged calls: put {json.dumps(_ONCE)} into query.bool.must_not"


def clicks(file: Shipment) -> Iterator[Problem]:
    """A click filters by a field of a shipped index pattern."""
    for item in file.of("visualization", "vega"):
        for text in nodes(item.spec):
            for call in _FILTER.findall(text_of(text)):
                wrong = _click_fault(file, call)
                if wrong:
                    yield item.name, wrong


def requests(file: Shipment) -> Iterator[Request]:
    """Give every request of every Vega panel."""
    for item in file.of("visualization", "vega"):
        for node in nodes(item.spec):
            if isinstance(mapping(node).get("url"), dict):
                yield Request(item, node)


def _placeholder_faults(node: Json) -> Iterator[str]:
    for key, value in node.items():
        inside = mapping(value)
        if "%autointerval%" in inside and key != "interval":
            yield f"%autointerval% stands under {key}, where it does nothing: write a fixed_interval"
        if value == "%timefilter%":
            yield "%timefilter% stands as a value: write it as the key of a range"
        if "%timefilter%" in inside:
            yield from _period_faults(key, inside)


def _period_faults(key: str, value: Json) -> Iterator[str]:
    bound, shift, unit = value["%timefilter%"], value.get("shift", 0), value.get("unit", "day")
    wanted = ("min", "max") if key in _SIDES else (True,)
    if not any(bound is one or (bound == one and isinstance(bound, str)) for one in wanted):
        yield f"%timefilter% of {key} is {bound!r}: write true for a range, min or max for one side of it"
    if isinstance(shift, bool) or not isinstance(shift, int | float) or text_of(unit) not in _UNITS:
        units = ", ".join(sorted(_UNITS))
        yield f"%timefilter% is shifted by {shift!r} {unit!r}: write a number and one of {units}"


def _by_period(bounds: Any) -> bool:
    """Say whether a range is the period, or both its sides are made of it."""
    given = mapping(bounds)
    sides = {key[0] for key in _SIDES & given.keys() if "%timefilter%" in mapping(given[key])}
    return "%timefilter%" in given or sides == {"g", "l"}


def _click_fault(file: Shipment, call: str) -> str:
    match = _CLICK.fullmatch(call)
    if match is None:
        return f"a click by ({call}) is not checked: write {{match_phrase: {{'field': datum.x}}}}, 'index'"
    pattern = file.titles.get(match[2])
    if pattern is None:
        return f"a click filters {match[2]!r}: write the title of a shipped index pattern"
    wrong = pattern.lacks(match[1])
    return f"a click: {wrong}" if wrong else ""
