"""What is told of alerts: the monitors' own templates, filled in by the cluster's own mustache."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opensearchpy import OpenSearch

from central.alerts.evaluate import Raised
from central.alerts.files import Json, Monitor, as_json
from central.client import Connection, translated

LISTS: Final = {"opened": "newAlerts", "reminder": "dedupedAlerts", "closed": "completedAlerts"}
"""An action of ours: the list in which the plugin tells its alerts."""
_STATES: Final = {"opened": "ACTIVE", "reminder": "ACTIVE", "closed": "COMPLETED"}


def filled_in(
    client: OpenSearch,
    connection: Connection,
    monitor: Monitor,
    action: str,
    alerts: Sequence[tuple[Raised, Mapping[str, Any] | None]],
) -> tuple[str, str]:
    """Give subject and text of one message.

    Args:
        client: connected.
        connection: for what a failure says.
        monitor: whose message.
        action: `opened`, `reminder` or `closed`.
        alerts: what it is of, each with its store's document if the message looks into it.

    Raises:
        CentralError: the cluster cannot fill it in.
    """
    chosen = monitor.action(action)
    lists: dict[str, list[Json]] = {name: [] for name in LISTS.values()}
    lists[LISTS[action]] = [_alert(raised, document, _STATES[action]) for raised, document in alerts]
    context = {
        "monitor": {"name": monitor.name},
        "trigger": {name: monitor.trigger[name] for name in ("id", "name", "severity")},
        **lists,
    }
    subject = as_json(chosen["subject_template"]["source"])
    message = as_json(chosen["message_template"]["source"])
    body = {"source": f'{{"subject": {subject}, "message": {message}}}', "params": {"ctx": context}}
    with translated(connection, f"the message of {monitor.name}"):
        answer = client.render_search_template(body=body)
    told = answer["template_output"]
    return str(told["subject"]), str(told["message"]).strip()


def looks_into_documents(monitor: Monitor) -> bool:
    """Whether the plugin would give its messages a store's document."""
    metrics = monitor.search["query"]["aggregations"]["composite_agg"].get("aggregations", {})
    # The plugin sorts sample documents by the metrics' fields, and fails on any other aggregation.
    plain = all("filter" not in metric for metric in metrics.values())
    return plain and "sample_documents" in json.dumps(monitor.action("opened")["message_template"])


def _alert(raised: Raised, document: Mapping[str, Any] | None, state: str) -> Json:
    alert: Json = {"bucket_keys": raised.keys, "severity": str(raised.severity), "state": state}
    if document is not None:
        alert["sample_documents"] = [document]
    return alert
