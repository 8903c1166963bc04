"""Component templates, one per field set, and the index templates that are put together from them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from central.generate.analysis import analysis_for
from central.generate.fields import Field
from shipper.schema import VERSION

PIPELINE: Final = "pabx-documents"
OWN_PIPELINES: Final = {"gate": "pabx-gate"}
"""Of kinds that no store sends, and that name none."""
_SETTINGS: Final = "pabx-settings"
# Above the catch-all templates that other products bring (100 to 150).
_PRIORITY: Final = 500
INDEX_NAMES: Final = {
    "cdr": "pabx-cdr",
    "call": "pabx-calls",
    "quarantine": "pabx-quarantine",
    "store": "pabx-stores",
    "audit": "pabx-audit",
    "live": "pabx-live",
    "event": "pabx-events",
    "gate": "pabx-gate",
    "alert": "pabx-alerts",
}
UNDATED: Final = ("store", "live", "gate", "alert")
"""Kinds that have one index; all others have one a month, `pabx-cdr-2026.11`."""
DAILY: Final = ("event",)
"""Except these: they have one a day, `pabx-events-2026.11.23`."""
_REFRESH: Final = {"live": "500ms"}
"""How soon what was written is found, where the usual second is too slow."""

Fields = Mapping[str, Sequence[Field]]


def component_templates(fields: Fields) -> dict[str, str]:
    """Give one component template per field set and one with settings and analysis: path -> JSON.

    Raises:
        ValueError: two documents map the same field in different ways.
    """
    mappings: dict[str, dict[str, Any]] = {}
    for of_kind in fields.values():
        for field in of_kind:
            _put(mappings.setdefault(field.fieldset, {}), field)
    templates = {_SETTINGS: {"settings": {"index": _settings()}}}
    for fieldset, properties in mappings.items():
        analysis = analysis_for(properties)
        templates[f"pabx-{fieldset}"] = {
            **({"settings": {"index": {"analysis": analysis}}} if analysis else {}),
            "mappings": {"properties": properties},
        }
    return {
        f"index_templates/component/{name}.json": _json(
            {"template": body, "version": VERSION, "_meta": _meta()}
        )
        for name, body in templates.items()
    }


def index_templates(fields: Fields) -> dict[str, str]:
    """Give one index template per kind of document: path -> JSON."""
    templates = {}
    for kind, of_kind in fields.items():
        name = INDEX_NAMES[kind]
        fieldsets = dict.fromkeys(field.fieldset for field in of_kind)
        settings: dict[str, Any] = {"query": {"default_field": searched_fields(of_kind)}}
        if kind in _REFRESH:
            settings["refresh_interval"] = _REFRESH[kind]
        if kind in OWN_PIPELINES:
            settings["default_pipeline"] = OWN_PIPELINES[kind]
        body = {
            "index_patterns": [name if kind in UNDATED else f"{name}-*"],
            "priority": _PRIORITY,
            "composed_of": [_SETTINGS, *(f"pabx-{fieldset}" for fieldset in fieldsets)],
            "template": {
                "settings": {"index": settings},
                "mappings": {"dynamic": "false", "_meta": _meta()},
            },
            "version": VERSION,
            "_meta": _meta(),
        }
        templates[f"index_templates/index/{name}.json"] = _json(body)
    return templates


def searched_fields(of_kind: Sequence[Field]) -> list[str]:
    """Name the fields that a search without a field's name looks into."""
    return [
        f"{field.name}.{suffix}".rstrip(".")
        for field in of_kind
        if field.search
        for suffix in field.type.searched
    ]


def _settings() -> dict[str, Any]:
    return {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        "refresh_interval": "1s",
        "default_pipeline": PIPELINE,
        "mapping": {"ignore_malformed": True},
    }


def _put(properties: dict[str, Any], field: Field) -> None:
    *parents, leaf = field.name.split(".")
    for parent in parents:
        properties = properties.setdefault(parent, {"properties": {}})["properties"]
    if properties.setdefault(leaf, field.type.mapping) != field.type.mapping:
        raise ValueError(f"{field.name}: field set {field.fieldset} maps it in two ways")


def _meta() -> dict[str, Any]:
    return {"schema_version": VERSION, "generated_by": "python -m central.generate"}


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
