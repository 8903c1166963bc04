"""Documents as the golden files show them, and the one way in which those files are written."""

import difflib
import json
from collections.abc import Iterable
from typing import Any

from shipper.schema import load
from tests.golden.cases import Case, GoldenStore

WIDTH = 115
SCHEMAS = {"pabx.call": load("call"), "pabx.cdr": load("cdr")}


def shown(store: GoldenStore, case: Case, hits: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    """What the golden file of a case says of these documents.

    Left out is what moves (``event.created``, ``event.ingested``, ``agent``), and what is as anybody would
    expect: the store as in ``store.toml``, the columns of a row as in the case's file. Where it is not,
    it is shown, and so differs from what the file says.

    Args:
        store: The case's store.
        case: The case.
        hits: Its documents as the cluster gives them.
    """
    numbers = {(row["uniqueid"], row["sequence"]): number for number, row in enumerate(case.rows, 1)}
    calls: list[Any] = []
    rows: list[Any] = []
    for hit in hits:
        source = hit["_source"]
        cdr = source.get("cdr", {})
        number = numbers.get((cdr.get("uniqueid", ""), str(cdr.get("sequence", ""))))
        if number is None:
            calls.append({"index": hit["_index"], **_brief(store, source, "pabx.call")})
        else:
            columns = store.columns(case.rows[number - 1])
            rows.append({"row": number, "index": hit["_index"], **_brief(store, source, "pabx.cdr", columns)})
    calls.sort(key=lambda document: (document["event"]["start"], document["event"]["id"]))
    rows.sort(key=lambda document: document["row"])
    return {"calls": calls, "rows": rows}


def text_of(found: Any) -> str:
    """A golden file's text: JSON, one line for what is short."""
    return _text(found, "") + "\n"


def differences(case: Case, found: Any) -> str:
    """The lines in which a case's golden file differs from what came out; empty where there are none."""
    if found == case.expected:
        return ""
    old, new = text_of(case.expected).splitlines(), text_of(found).splitlines()
    return "\n".join(difflib.unified_diff(old, new, str(case.expected_file), "what came out", lineterm=""))


def _brief(
    store: GoldenStore, source: dict[str, Any], dataset: str, columns: dict[str, Any] | None = None
) -> dict[str, Any]:
    event = source["event"]
    expected = {
        "@timestamp": event.get("start"),
        "agent": source["agent"],
        "store": {name: store.settings["store"][name] for name in ("id", "timezone")},
        "cdr": columns,
    }
    expected_event = {
        "kind": "event",
        "dataset": dataset,
        "created": event["created"],
        "ingested": event["ingested"],
    }
    brief = {name: value for name, value in source.items() if expected.get(name) != value}
    brief["event"] = {name: value for name, value in event.items() if expected_event.get(name) != value}
    ordered: dict[str, Any] = _ordered(brief, SCHEMAS[dataset])
    return ordered


def _ordered(value: Any, schema: dict[str, Any]) -> Any:
    """Fields in the order of the schema: the pipeline gives them in any."""
    if not isinstance(value, dict):
        return value
    parts = schema.get("properties", {})
    names = [*(name for name in parts if name in value), *sorted(value.keys() - parts.keys())]
    return {name: _ordered(value[name], parts.get(name, {})) for name in names}


def _text(value: Any, indent: str) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    deeper = indent + "  "
    if not isinstance(value, dict | list) or len(indent) + len(flat) <= WIDTH:
        return flat
    if isinstance(value, list):
        parts = [_text(item, deeper) for item in value]
        return "[\n" + ",\n".join(deeper + part for part in parts) + f"\n{indent}]"
    parts = [f"{json.dumps(name, ensure_ascii=False)}: {_text(item, deeper)}" for name, item in value.items()]
    return "{\n" + ",\n".join(deeper + part for part in parts) + f"\n{indent}}}"
