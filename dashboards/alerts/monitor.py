"""A finding as a monitor of the Alerting plugin.

Every finding is a bucket-level monitor: only these have an alert for each store that closes by itself with a
message. Their bucket is the composite aggregation `composite_agg`, the one name under which the plugin finds
a sample document for its messages. Ids of triggers and actions are fixed: with new ones an update would end
all alerts and begin them anew.
"""

import json
from typing import Final

from central.alerts.thresholds import Thresholds
from dashboards.alerts import ask
from dashboards.alerts.ask import Json
from dashboards.alerts.finding import Finding
from dashboards.alerts.words import closed, opened, reminded, subject
from dashboards.build.words import Say

PREFIX: Final = "PABX "
CHANNEL: Final = "pabx-channel"
"""Stands for each channel that is configured: `central install` puts their ids in its place."""
PAGE: Final = 1000
PARENT: Final = "composite_agg"
_TEMPLATE: Final = ".*[{][{].*"


def monitor(finding: Finding, say: Say, limits: Thresholds) -> Json:
    """Give the monitor, as `POST _plugins/_alerting/monitors` takes it."""
    schedule = {"period": {"interval": 1, "unit": "MINUTES"}}
    return {
        "type": "monitor",
        "name": f"{PREFIX}{finding.id}",
        "monitor_type": "bucket_level_monitor",
        "enabled": True,
        "schedule": schedule,
        "inputs": [{"search": {"indices": list(finding.indices), "query": _search(finding)}}],
        "triggers": [{"bucket_level_trigger": _trigger(finding, say, limits)}],
        "ui_metadata": {
            "schedule": schedule,
            "monitor_type": "bucket_level_monitor",
            "search": {"searchType": "query"},
            "pabx": {"finding": finding.id, "language": say.language.value},
        },
    }


def text(body: Json) -> str:
    """Give it as the file holds it."""
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _search(finding: Finding) -> Json:
    sources = [{_source_name(name): {"terms": _source(name, finding)}} for name in finding.keys]
    composite: Json = {"composite": {"size": PAGE, "sources": sources}}
    if finding.metrics:
        composite["aggregations"] = dict(finding.metrics)
    # The plugin fills in a key as if it were a template, and never comes past one that looks like one.
    templates = [{"regexp": {name: {"value": _TEMPLATE}}} for name in finding.keys]
    query = finding.query if finding.missing else ask.every(finding.query, none=tuple(templates))
    return {"size": 0, "query": query, "aggregations": {PARENT: composite}}


def _source_name(field: str) -> str:
    # The plugin tells keys in the order of a hash: of these two the id comes first (seen with 3.4).
    name = field.rpartition(".")[2]
    return "title" if name == "name" and field.startswith("store.") else name


def _source(field: str, finding: Finding) -> Json:
    """What has no such field, or a template in it, goes by `-`: the plugin fails where a key is missing."""
    if not finding.missing:
        return {"field": field}
    source = (
        f"doc['{field}'].size() == 0 || doc['{field}'].value.indexOf('{{' + '{{') >= 0"
        f" ? '-' : doc['{field}'].value"
    )
    return {"script": {"source": source, "lang": "painless"}}


def _trigger(finding: Finding, say: Say, limits: Thresholds) -> Json:
    throttle = {"value": int(limits["reminder"]["minutes"]), "unit": "MINUTES"}
    return {
        "id": finding.id,
        "name": finding.id,
        "severity": str(finding.severity),
        "condition": {
            "parent_bucket_path": PARENT,
            "buckets_path": dict(finding.paths),
            "gap_policy": "insert_zeros",
            "script": {"source": finding.condition, "lang": "painless"},
        },
        "actions": [
            _action("opened", "NEW", finding, say, opened(finding, say)),
            _action("reminder", "DEDUPED", finding, say, reminded(finding, say), throttle),
            # Of its own, without a throttle: one that is shared would swallow an end that comes soon.
            _action("closed", "COMPLETED", finding, say, closed(finding, say)),
        ],
    }


def _action(
    name: str, category: str, finding: Finding, say: Say, message: str, throttle: Json | None = None
) -> Json:
    scope = {"per_alert": {"actionable_alerts": [category]}}
    return {
        "id": f"{finding.id}-{name}",
        "name": name,
        "destination_id": CHANNEL,
        "subject_template": {"source": subject(finding, say, name), "lang": "mustache"},
        "message_template": {"source": message, "lang": "mustache"},
        "throttle_enabled": throttle is not None,
        **({"throttle": throttle} if throttle else {}),
        "action_execution_policy": {"action_execution_scope": scope},
    }
