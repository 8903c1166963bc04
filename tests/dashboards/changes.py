"""Changes of an opened object, by a path into it that begins with a short name of a place."""

import re
from typing import Any

from tests.dashboards.opened import (
    Change,
    Json,
    body,
    entry,
    holding,
    nodes,
    outer,
    panels,
    params,
    source,
    state,
)


def _aggregation(item: Json, key: str, value: str) -> Json:
    return next(one for one in state(item)["aggs"] if one[key] == value)


ROOTS: dict[str, Change] = {
    "object": lambda item: item,
    "attributes": lambda item: item["attributes"],
    "meta": lambda item: item["attributes"]["kibanaSavedObjectMeta"],
    "reference": lambda item: item["references"][0],
    "state": state,
    "params": params,
    "source": source,
    "bucket": lambda item: _aggregation(item, "schema", "bucket"),
    "sum": lambda item: _aggregation(item, "type", "sum"),
    "control": lambda item: params(item)["controls"][0],
    "entry": entry,
    "url": lambda item: entry(item)["url"],
    "body": body,
    "bool": outer,
    "period": lambda item: holding(body(item), "%timefilter%"),
    "grouped": lambda item: holding(body(item)["aggs"], "field"),
    "panel": lambda item: panels(item)[0],
    "grid": lambda item: panels(item)[0]["gridData"],
    "last": lambda item: panels(item)[-1]["gridData"],
}


def at(item: Json, path: str) -> Any:
    """Give what is at a path."""
    root, *keys = path.split("/")
    found: Any = ROOTS[root](item)
    for key in keys:
        found = found[int(key) if isinstance(found, list) else key]
    return found


def put(path: str, value: Any) -> Change:
    """Write a value."""

    def change(item: Json) -> None:
        holder, _, key = path.rpartition("/")
        inside = at(item, holder)
        inside[int(key) if isinstance(inside, list) else key] = value

    return change


def drop(path: str) -> Change:
    """Take a value out."""
    holder, _, key = path.rpartition("/")
    return lambda item: at(item, holder).pop(key)


def clear(path: str) -> Change:
    """Empty a list or an object."""
    return lambda item: at(item, path).clear()


def add(path: str, value: Any) -> Change:
    """Append to a list."""
    return lambda item: at(item, path).append(value)


def copied(path: str, source_path: str) -> Change:
    """Write over a value with that of another place."""
    return lambda item: put(path, at(item, source_path))(item)


def both(*changes: Change) -> Change:
    """Make several changes."""
    return lambda item: [one(item) for one in changes]


def field(name: str, /, **values: Any) -> Change:
    """Change an entry of an index pattern's fields; without values: take it out."""

    def change(item: Json) -> None:
        fields = item["attributes"]["fields"]
        found = next(one for one in fields if one["name"] == name)
        if values:
            found.update(values)
        else:
            fields.remove(found)

    return change


def bars(metric: str, axis: str) -> Change:
    """Make a bar chart of a table."""

    def change(item: Json) -> None:
        for one in state(item)["aggs"]:
            one["schema"] = {"bucket": "segment"}.get(one["schema"], one["schema"])
        shown = [{"data": {"id": metric, "label": "x"}, "valueAxis": axis}]
        charted = {"seriesParams": shown, "valueAxes": [{"id": "ValueAxis-1"}]}
        state(item).update(type="horizontal_bar", params=charted)

    return change


def by_time(**interval: str) -> Change:
    """Group a table by time."""
    to = {"type": "date_histogram", "params": {"field": "@timestamp", **interval}}
    return lambda item: at(item, "bucket").update(to)


def without_period(path: str) -> Change:
    """Take the period out of every list of queries below a path."""

    def change(item: Json) -> None:
        for node in nodes(at(item, path)):
            if isinstance(node, list):
                node[:] = [one for one in node if "%timefilter%" not in str(one)]

    return change


def click(pattern: str, new: str) -> Change:
    """Change the filter that a click adds."""

    def change(item: Json) -> None:
        signals = [one for one in nodes(params(item)["spec"]) if isinstance(one, dict)]
        signal = next(one for one in signals if "AddFilter(" in str(one.get("update")))
        signal["update"] = re.sub(pattern, new, signal["update"])

    return change


def asked(old: str, new: str) -> Change:
    """Replace a part of the Lucene query."""

    def change(item: Json) -> None:
        query = source(item)["query"]
        assert old in query["query"]
        query["query"] = query["query"].replace(old, new)

    return change


def moved(key: str, **place: Any) -> Change:
    """Move the panel that shows an object."""

    def change(item: Json) -> None:
        number = [one["id"] for one in item["references"]].index(key)
        panels(item)[number]["gridData"].update(place)

    return change
