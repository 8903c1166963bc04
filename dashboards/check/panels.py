"""Visualizations that are made of aggregations, and input controls."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from dashboards.check.reading import (
    NO_PATTERN,
    Item,
    Json,
    Pattern,
    Problem,
    Shipment,
    listed,
    mapping,
    text_of,
)
from dashboards.check.registered import BUCKETS, METRICS, REGISTERED, WITHOUT_FIELD

_NUMBER: Final = {"sum": {"number"}, "avg": {"number"}, "median": {"number"}, "std_dev": {"number"}}
_ORDERED: Final = {"min": {"number", "date"}, "max": {"number", "date"}}
_DATES: Final = {"date_histogram": {"date"}, "date_range": {"date"}, "histogram": {"number"}}
_FIELD_TYPES: Final = _NUMBER | _ORDERED | _DATES
"""Aggregation to the types of field that it takes; those not here take any."""
_INTERVAL: Final = re.compile(r"auto|[1-9]\d*(ms|s|m|h|d|w|M|y)")
_ORDERS: Final = {"asc", "desc"}
_CONTROL: Final = re.compile(r"control_\d+_index_pattern")

_OURS: Final = ("vega", "table", "markdown", "input_control_vis")
_OUR_METRICS: Final = {"count", "sum", "avg", "max", "min", "cardinality"}


def titles(file: Shipment) -> Iterator[Problem]:
    """The title inside the visualization is the one in the list."""
    for item in file.of("visualization"):
        inner, outer = item.state.get("title"), item.attributes.get("title")
        if inner != outer:
            yield item.name, f"visState.title is {inner!r}, attributes.title {outer!r}: write the same"


def agg_ids(file: Shipment) -> Iterator[Problem]:
    """Aggregations have unique ids, and are ordered by one of them that is a metric."""
    for item in _aggregating(file):
        ids = [mapping(one).get("id") for one in listed(item.state.get("aggs"))]
        if len({one for one in ids if isinstance(one, str) and one}) != len(ids):
            yield item.name, f"ids of the aggregations are {ids}: give each a text of its own"
        known = [*_metric_ids(item), "_key", "_count"]
        for one in item.aggs:
            params = mapping(one.get("params"))
            order, direction = params.get("orderBy", "_key"), params.get("order", "desc")
            if order not in known:
                yield item.name, f"orders aggregation {one.get('id')} by {order!r}: name one of {known}"
            if text_of(direction) not in _ORDERS:
                yield item.name, f"aggregation {one.get('id')} has the order {direction!r}: write asc or desc"


def fields(file: Shipment) -> Iterator[Problem]:
    """Every field that is aggregated exists, can be, and is of a type that the aggregation takes."""
    for item in _aggregating(file):
        pattern = file.searched(item)
        if pattern is None:
            yield item.name, NO_PATTERN
            continue
        for one in item.aggs:
            wrong = _field_fault(one, pattern)
            if wrong:
                yield item.name, f"aggregation {one.get('id')}: {wrong}"


def registered(file: Shipment) -> Iterator[Problem]:
    """The type is one that OpenSearch Dashboards 2.8 knows."""
    for item in file.of("visualization"):
        kind = item.state.get("type")
        if not isinstance(kind, str) or kind not in REGISTERED:
            yield item.name, f"type {kind!r} is not registered: use one of {', '.join(_OURS)}"


def schemas(file: Shipment) -> Iterator[Problem]:
    """Aggregations play roles that the type knows; others are dropped without a word."""
    for item in file.of("visualization"):
        kind = _kind(item)
        if kind not in REGISTERED:
            continue
        known = REGISTERED[kind]
        counts = Counter(text_of(one.get("schema")) for one in item.aggs)
        for one in item.aggs:
            schema, agg = text_of(one.get("schema")), text_of(one.get("type"))
            if schema not in known:
                yield item.name, f"schema {one.get('schema')!r} is unknown to {kind}: {_choice(known)}"
            elif agg not in known[schema].aggs:
                yield item.name, f"schema {schema} of {kind} takes no {agg!r}: {_choice(known[schema].aggs)}"
        for schema, rule in known.items():
            if counts[schema] < rule.least or (rule.most is not None and counts[schema] > rule.most):
                span = f"at least {rule.least}" if rule.most is None else f"{rule.least} to {rule.most}"
                yield (
                    item.name,
                    f"schema {schema} of {kind} has {counts[schema]} aggregations: give it {span}",
                )


def series(file: Shipment) -> Iterator[Problem]:
    """Each series shows a metric that there is, on an axis that there is."""
    for item in _aggregating(file):
        shown = [mapping(one) for one in listed(item.params.get("seriesParams"))]
        metrics = _metric_ids(item)
        axes = [mapping(one).get("id") for one in listed(item.params.get("valueAxes"))]
        for number, one in enumerate(shown):
            metric, axis = mapping(one.get("data")).get("id"), one.get("valueAxis")
            if metric not in metrics:
                yield item.name, f"seriesParams[{number}] shows the metric {metric!r}: name one of {metrics}"
            if axis not in (axes or ["ValueAxis-1"]):
                yield item.name, f"seriesParams[{number}] is on the axis {axis!r}: name one of {axes}"


def controls(file: Shipment) -> Iterator[Problem]:
    """Each control names its index pattern by a reference, and a field of it; without, the panel is blank."""
    for item in file.of("visualization", "input_control_vis"):
        shown = listed(item.params.get("controls"))
        if not shown:
            yield item.name, "has no controls: add one"
        for number, one in enumerate(shown):
            for wrong in _control_faults(file, item, mapping(one)):
                yield item.name, f"controls[{number}]: {wrong}"


def intervals(file: Shipment) -> Iterator[Problem]:
    """Date histograms have an interval that parses; words throw when they are drawn."""
    for item in _aggregating(file):
        for one in item.aggs:
            given = mapping(one.get("params")).get("interval")
            if one.get("type") == "date_histogram" and not _INTERVAL.fullmatch(text_of(given)):
                yield (
                    item.name,
                    f"aggregation {one.get('id')} has the interval {given!r}: write auto, or such as 1d",
                )


def subset(file: Shipment) -> Iterator[Problem]:
    """Only the types and aggregations that we ship: what the preview shows and the tests reckon."""
    for item in file.of("visualization"):
        kind = _kind(item)
        if kind not in _OURS:
            yield item.name, f"type {kind!r} is none that we ship: use one of {', '.join(_OURS)}"
        for one in item.aggs:
            agg = text_of(one.get("type"))
            if agg not in _OUR_METRICS | {"terms"}:
                yield (
                    item.name,
                    f"aggregation {agg!r} is none that we ship: use terms and {_choice(_OUR_METRICS)}",
                )


def pinned(file: Shipment) -> Iterator[Problem]:
    """Controls are lists, apply at once, and stay on the way to another dashboard."""
    for item in file.of("visualization", "input_control_vis"):
        for name in ("updateFiltersOnChange", "pinFilters"):
            if item.params.get(name) is not True:
                yield (
                    item.name,
                    f"{name} is {item.params.get(name)!r}: write true, or a choice is lost on the way",
                )
        for number, one in enumerate(listed(item.params.get("controls"))):
            if mapping(one).get("type") != "list":
                yield item.name, f"controls[{number}] is no list: we ship lists only"


def _aggregating(file: Shipment) -> list[Item]:
    return [item for item in file.of("visualization") if REGISTERED.get(_kind(item))]


def _kind(item: Item) -> str:
    return text_of(item.state.get("type"))


def _metric_ids(item: Item) -> list[Any]:
    return [one.get("id") for one in item.aggs if text_of(one.get("type")) in METRICS]


def _choice(names: Any) -> str:
    return "use " + (", ".join(sorted(names)) or "none")


def _field_fault(agg: Json, pattern: Pattern) -> str:
    kind, name = text_of(agg.get("type")), mapping(agg.get("params")).get("field")
    if kind not in METRICS | BUCKETS:
        return f"{kind!r} is no aggregation"
    if name is None and kind in WITHOUT_FIELD:
        return ""
    wrong = pattern.lacks(name, aggregated=True)
    if wrong:
        return wrong
    given, taken = pattern.fields[text_of(name)].get("type"), _FIELD_TYPES.get(kind)
    if taken and text_of(given) not in taken:
        return f"{kind} takes no {given} as {name} is: name a {' or '.join(sorted(taken))}"
    return ""


def _control_faults(file: Shipment, item: Item, control: Json) -> Iterator[str]:
    name = control.get("indexPatternRefName")
    if not _CONTROL.fullmatch(text_of(name)):
        yield f"indexPatternRefName is {name!r}: write control_<number>_index_pattern"
    pattern = file.referenced(item, name)
    if pattern is None:
        yield "leads to no shipped index pattern: add the reference"
        return
    wrong = pattern.lacks(control.get("fieldName"), aggregated=True)
    if wrong:
        yield wrong
