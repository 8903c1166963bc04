"""The ingest pipeline: stamps each document, and puts aside what the index would refuse or read wrongly."""

import json
import re
from collections.abc import Iterable
from importlib import resources
from typing import Any, Final

from central.generate.templates import INDEX_NAMES, OWN_PIPELINES, PIPELINE, Fields
from shipper.schema import VERSION

# What a script finds beside the document's own fields.
_METADATA: Final = ("_index", "_id", "_version", "_version_type", "_ingest")
# Also there, but only where the request says them: fields of these names are taken for the request's.
_STEERING: Final = ("_routing", "_if_seq_no", "_if_primary_term")
# How much of a document's time its index is named by; a refused document may be in any month's quarantine.
_DATES: Final = {"cdr": "YYYY.MM", "call": "YYYY.MM", "audit": "YYYY.MM", "event": "YYYY.MM.DD"}
# What is not known to an agent is left out of its heartbeat, and is then not to stay in the store's document.
# Not here: what it knows for good (the latest row and call), and the spool's figures, of which a check tells.
_STATES: Final = (
    "read_seconds",
    "machine_started",
    "pbx_started",
    "disk_free_bytes",
    "disk_bytes",
    "upgrade",
    "calls_now",
    "extensions_registered",
    "extensions_unregistered",
    "extensions_missing",
    "trunks_up",
    "trunks_down",
    "trunk_peaks",
    "ami_resync_differences",
)
_NOW: Final = "{{{_ingest.timestamp}}}"
_MESSAGE: Final = "{{{_ingest.on_failure_message}}}"
# Beside the document, where no field of it can be in the way.
_ONCE: Final = "_ingest.once"
_REFUSED: Final = "_ingest.refused"
WHOLE: Final = "document"
"""Path of what is wrong with a document as a whole."""
REGISTER_PIPELINE: Final = "pabx-register"
"""What `central stores apply` makes of the register of stores; until then there is none."""


def ingest_pipelines(fields: Fields) -> dict[str, str]:
    """Give the ingest pipelines: path -> JSON."""
    shape = _shape({kind: of_kind for kind, of_kind in fields.items() if kind not in OWN_PIPELINES})
    dated = {f"{INDEX_NAMES[kind]}-": len(date) for kind, date in _DATES.items()}
    body = {
        "description": (
            "Sets event.ingested and checks what must hold; "
            "a document that fails goes to pabx-quarantine-YYYY.MM with its reason."
        ),
        "version": VERSION,
        "processors": [
            _script(
                "check",
                "objects are objects, mandatory fields are there, _id and date fit; sets the cluster's times",
                {"shape": shape, "dated": dated, "steering": _STEERING, "states": _STATES},
            ),
            _register(),
        ],
        "on_failure": [
            {
                "script": {
                    **_script(
                        "refuse", "puts it aside, as it came", {"metadata": _METADATA, "steering": _STEERING}
                    )["script"],
                    "on_failure": _refuse_without_script(sorted(shape)),
                }
            },
            *_reason(),
            {
                "script": {
                    **_script("explain", "the path of what is wrong", {"words": _words()})["script"],
                    "ignore_failure": True,
                }
            },
            _set("quarantine.path", WHOLE, "path", "where no path is known", override=False),
        ],
    }
    bodies = {PIPELINE: body, OWN_PIPELINES["gate"]: _gate()}
    return {
        f"pipelines/ingest/{name}.json": json.dumps(each, indent=2, ensure_ascii=False) + "\n"
        for name, each in bodies.items()
    }


def _gate() -> dict[str, Any]:
    """Without on_failure: a document of head office's own that is wrong is refused, and the door logs it."""
    return {
        "description": "Checks what the gate says of itself; sets event.ingested and gate.last_seen.",
        "version": VERSION,
        "processors": [_script("gate", "what must hold, and the cluster's time", {})],
    }


def _register() -> dict[str, Any]:
    """OpenSearch has no `ignore_missing_pipeline`; a register that fails must not stop a document either."""
    return {
        "pipeline": {
            "tag": "register",
            "description": "names the store, where head office has a register of them",
            "name": REGISTER_PIPELINE,
            "ignore_failure": True,
        }
    }


def _reason() -> list[dict[str, Any]]:
    """Why it was refused; only where the failure happened does OpenSearch know it, else nothing is set."""
    return [
        _set("error.message", _MESSAGE, "reason", "why it was refused"),
        _set("error.type", "{{{_ingest.on_failure_processor_type}}}", "reason-type", "what refused it"),
        _set(
            "quarantine.rule",
            "{{{_ingest.on_failure_processor_tag}}}",
            "rule",
            "which processor refused it, unless the gate did",
            override=False,
        ),
    ]


def _refuse_without_script(names: Iterable[str]) -> list[dict[str, Any]]:
    """The same with plain processors: no script can take a document that holds an integer beyond 64 bits."""
    moved: list[dict[str, Any]] = [
        {"rename": {"field": name, "target_field": f"{_REFUSED}.{name}", "ignore_missing": True}}
        for name in names
    ]
    for name in _STEERING:
        steers = (
            ""
            if name == "_routing"
            else f"ctx.gate != null || !(ctx.{name} instanceof Long) || ctx.{name} < 0"
        )
        rename = {"field": name, "target_field": f"{_REFUSED}.{name}", "ignore_missing": True}
        moved.append({"rename": {**rename, **({"if": steers} if steers else {})}})
    month = {
        "field": "@timestamp",
        "index_name_prefix": "pabx-quarantine-",
        "date_rounding": "M",
        "index_name_format": "yyyy.MM",
        "date_formats": ["ISO8601"],
    }
    return [
        *moved,
        {"rename": {"field": _REFUSED, "target_field": "quarantine.document", "ignore_missing": True}},
        *_reason(),
        _set("store.id", "{{^gate}}{{{quarantine.document.store.id}}}{{/gate}}", "store", "whose it is"),
        _set("quarantine.dataset", "{{{quarantine.document.event.dataset}}}", "kind-refused", "what it was"),
        _set("quarantine.stage", "{{#gate}}gate{{/gate}}{{^gate}}ingest{{/gate}}", "stage", "who refused it"),
        *_locate(),
        _set("quarantine.rule", "{{{gate.rule}}}", "gate-rule", "which rule of the gate"),
        _set("error.message", "{{{gate.message}}}", "gate-reason", "what the gate said"),
        {
            "remove": {
                "tag": "gate",
                "description": "what only the gate had to know",
                "field": ["gate", "proof", "forward_time", "arrived"],
                "ignore_missing": True,
            }
        },
        _set("quarantine.index", "{{{_index}}}", "index", "where it should have gone"),
        _set("@timestamp", _NOW, "refused-at", "when it was refused"),
        _set("event.id", "{{{_id}}}", "id", "as it was sent"),
        _set("event.kind", "pipeline_error", "kind", "a refusal"),
        _set("event.dataset", "pabx.quarantine", "dataset", "a refusal"),
        _set("event.created", _NOW, "created", "when this was made"),
        _set("event.ingested", _NOW, "ingested", "when the cluster took it"),
        {"date_index_name": {"tag": "month", "description": "this month's quarantine", **month}},
    ]


def _locate() -> list[dict[str, Any]]:
    """Only a condition can look at such an integer, and only by failing can it tell where it is.

    A failure of a condition is caught by what is around it, hence the loop over one item.
    """
    condition = _set("quarantine.rule", "integer", "never", "does nothing but ask")["set"]
    path = {"field": "error.message", "pattern": "%{quarantine.path}: %{?words}", "ignore_failure": True}
    return [
        {
            "append": {
                "tag": "once",
                "description": "one item to loop over",
                "field": _ONCE,
                "value": ["once"],
            }
        },
        {
            "foreach": {
                "tag": "locate",
                "description": "where an integer beyond 64 bits is",
                "field": _ONCE,
                "processor": {"set": {**condition, "if": _source("locate")}},
                "on_failure": [
                    _set("error.message", _MESSAGE, "integer-reason", "where it is"),
                    _set("quarantine.rule", "integer", "integer-rule", "an integer beyond 64 bits"),
                    {"dissect": {"tag": "integer-path", "description": "the path of it", **path}},
                ],
            }
        },
    ]


def _set(field: str, value: str, tag: str, description: str, *, override: bool = True) -> dict[str, Any]:
    return {
        "set": {
            "tag": tag,
            "description": description,
            "field": field,
            "value": value,
            "ignore_empty_value": True,
            **({} if override else {"override": False}),
        }
    }


def _script(name: str, description: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"script": {"tag": name, "description": description, "source": _source(name), "params": params}}


def _source(name: str) -> str:
    return resources.files("central.generate").joinpath("painless", f"{name}.painless").read_text("utf-8")


def _words() -> list[str]:
    """What follows the path in those messages of the check whose path holds a column's name."""
    return re.findall(r"path \+ name \+ ': ([^']+)'", _source("check"))


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
