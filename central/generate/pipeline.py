"""The ingest pipeline: stamps each document, and puts aside what the index would refuse or read wrongly."""

import json
from importlib import resources
from typing import Any, Final

from central.generate.templates import INDEX_NAMES, PIPELINE, Fields
from shipper.schema import VERSION

# What a script finds beside the document's own fields.
_METADATA: Final = (
    "_index",
    "_id",
    "_routing",
    "_version",
    "_version_type",
    "_if_seq_no",
    "_if_primary_term",
    "_ingest",
)
_NOW: Final = "{{{_ingest.timestamp}}}"


def ingest_pipelines(fields: Fields) -> dict[str, str]:
    """Give the ingest pipelines: path -> JSON."""
    dated = [f"{INDEX_NAMES[kind]}-" for kind in ("cdr", "call")]
    body = {
        "description": (
            "Sets event.ingested and checks what must hold; "
            "a document that fails goes to pabx-quarantine-YYYY.MM with its reason."
        ),
        "version": VERSION,
        "processors": [
            _set("event.ingested", _NOW, "ingested", "when the cluster took the document"),
            _script(
                "check",
                "objects are objects, mandatory fields are there, _id and month belong to the document",
                {"shape": _shape(fields), "dated": dated},
            ),
        ],
        "on_failure": [
            _set("refused_at", _NOW, "refused-at", "read and removed by the next processor"),
            _script("refuse", "puts the document aside, as it came", {"metadata": _METADATA}),
            _set("error.message", "{{{_ingest.on_failure_message}}}", "reason", "why it was refused"),
            _set("error.type", "{{{_ingest.on_failure_processor_type}}}", "reason-type", "what refused it"),
            _set(
                "quarantine.rule",
                "{{{_ingest.on_failure_processor_tag}}}",
                "rule",
                "which processor refused it",
            ),
        ],
    }
    return {f"pipelines/ingest/{PIPELINE}.json": json.dumps(body, indent=2, ensure_ascii=False) + "\n"}


def _set(field: str, value: str, tag: str, description: str) -> dict[str, Any]:
    return {"set": {"tag": tag, "description": description, "field": field, "value": value}}


def _script(name: str, description: str, params: dict[str, Any]) -> dict[str, Any]:
    source = resources.files("central.generate").joinpath("painless", f"{name}.painless").read_text("utf-8")
    return {"script": {"tag": name, "description": description, "source": source, "params": params}}


def _shape(fields: Fields) -> dict[str, Any]:
    """Every mapped field of every document: objects as maps, `*` for one that may hold anything, else ''."""
    shape: dict[str, Any] = {}
    for of_kind in fields.values():
        for field in of_kind:
            *parents, leaf = field.name.split(".")
            level = shape
            for parent in parents:
                level = level.setdefault(parent, {})
            level[leaf] = "*" if field.type.name == "stored" else ""
    return shape
