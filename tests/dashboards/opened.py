"""The shipped files with their JSON texts opened, to be changed anywhere, and closed again."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Pick = Callable[[list[Json]], Json]
Change = Callable[[Json], object]

FOLDER = Path(__file__).resolve().parents[2] / "dashboards" / "saved_objects"
CALLS = "pabx-calls-*"
TEXTS = ("visState", "uiStateJSON", "panelsJSON", "optionsJSON", "fields", "fieldFormatMap")


def shipped(language: str) -> str:
    """Give the content of a language's file."""
    return (FOLDER / f"pabx.{language}.ndjson").read_text(encoding="utf-8")


def opened(text: str) -> list[Json]:
    """Parse the file's objects, and every JSON text inside them."""
    return [_open(json.loads(line)) for line in text.removesuffix("\n").split("\n")]


def closed(objects: list[Json]) -> str:
    """Write objects as the file has them."""
    return "".join(json.dumps(_close(one), ensure_ascii=False) + "\n" for one in objects)


def name_of(item: Json) -> str:
    """Give the name by which a finding calls an object that has type and id."""
    return f"{item['type']} {item['id']}"


def nodes(value: Any) -> Iterator[Any]:
    """Give a value and everything inside it."""
    yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inside)


def holding(value: Any, key: str) -> Json:
    """Give the first object inside a value that has the key."""
    return next(node for node in nodes(value) if isinstance(node, dict) and key in node)


def state(item: Json) -> Json:
    """Give a visualization's `visState`."""
    return item["attributes"]["visState"]


def params(item: Json) -> Json:
    """Give a visualization's params."""
    return state(item)["params"]


def source(item: Json) -> Json:
    """Give an object's search source."""
    return item["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"]


def entry(item: Json) -> Json:
    """Give a Vega panel's first data entry that asks the cluster."""
    return next(
        node
        for node in nodes(params(item)["spec"])
        if isinstance(node, dict) and isinstance(node.get("url"), dict)
    )


def body(item: Json) -> Json:
    """Give the body of a Vega panel's first request."""
    return entry(item)["url"]["body"]


def outer(item: Json) -> Json:
    """Give the outermost `bool` of a Vega panel's first request."""
    return body(item)["query"]["bool"]


def panels(item: Json) -> list[Json]:
    """Give a dashboard's panels."""
    return item["attributes"]["panelsJSON"]


def of(kind: str, vis: str = "") -> Pick:
    """Pick the first object of a type, of visualizations the first of a kind."""
    return lambda objects: next(
        one for one in objects if one["type"] == kind and (not vis or state(one)["type"] == vis)
    )


def by_id(kind: str, key: str) -> Pick:
    """Pick an object by its id."""
    return lambda objects: next(one for one in objects if (one["type"], one["id"]) == (kind, key))


def over_calls(kind: str, vis: str = "", wanted: str = "") -> Pick:
    """Pick the first search or table over calls, of tables the first with this text in its state."""

    def fits(one: Json) -> bool:
        if one["type"] != kind or not any(each["id"] == "pabx-calls" for each in one["references"]):
            return False
        return not vis or (state(one)["type"] == vis and wanted in json.dumps(state(one)))

    return lambda objects: next(one for one in objects if fits(one))


def asking(index: str, *wanted: str) -> Pick:
    """Pick the first Vega panel that asks an index and has these keys or texts in its specification."""

    def fits(one: Json) -> bool:
        if one["type"] != "visualization" or state(one)["type"] != "vega":
            return False
        text = json.dumps(params(one)["spec"])
        return entry(one)["url"]["index"] == index and all(each in text for each in wanted)

    return lambda objects: next(one for one in objects if fits(one))


def _open(item: Json) -> Json:
    found = copy.deepcopy(item)
    attributes = found["attributes"]
    for key in TEXTS:
        if key in attributes:
            attributes[key] = json.loads(attributes[key])
    if "kibanaSavedObjectMeta" in attributes:
        meta = attributes["kibanaSavedObjectMeta"]
        meta["searchSourceJSON"] = json.loads(meta["searchSourceJSON"])
    if "spec" in attributes.get("visState", {}).get("params", {}):
        params(found)["spec"] = json.loads(params(found)["spec"])
    return found


def _close(item: Any) -> Any:
    found = copy.deepcopy(item)
    attributes = found.get("attributes") if isinstance(found, dict) else None
    if not isinstance(attributes, dict):
        return found
    inner = attributes.get("visState")
    if isinstance(inner, dict) and isinstance(inner.get("params"), dict) and "spec" in inner["params"]:
        _write(inner["params"], "spec")
    for key in TEXTS:
        if key in attributes:
            _write(attributes, key)
    meta = attributes.get("kibanaSavedObjectMeta")
    if isinstance(meta, dict) and "searchSourceJSON" in meta:
        _write(meta, "searchSourceJSON")
    return found


def _write(holder: Json, key: str) -> None:
    # A text stays as it is: so a test puts in what is no JSON.
    if not isinstance(holder[key], str):
        holder[key] = json.dumps(holder[key], ensure_ascii=False)
