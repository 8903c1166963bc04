"""The monitors and channels in a cluster that has the Alerting and Notifications plugins."""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from opensearchpy import OpenSearch, exceptions

from central.alerts.channels import PREFIX, Channel, kind_of
from central.alerts.files import Json, Monitor, as_json, finding_of
from central.alerts.messages import LISTS
from central.client import Connection, translated
from central.errors import CentralError
from central.plan import Action, Resource, Step, compare

ALERTING: Final = "opensearch-alerting"
NOTIFICATIONS: Final = "opensearch-notifications"
MONITOR: Final = "monitor"
CHANNEL: Final = "channel"
SETTING: Final = "cluster setting"
_PROBES: Final = {
    ALERTING: "/_plugins/_alerting/monitors/alerts?size=0",
    NOTIFICATIONS: "/_plugins/_notifications/features",
}
_REFUSALS: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)
_MONITORS: Final = "/_plugins/_alerting/monitors"
_CONFIGS: Final = "/_plugins/_notifications/configs"
_OURS: Final = "PABX "
_ACTIONS: Final = {"told": ("opened", "reminder"), "closed": ("closed",)}
"""What the plugin gets: which of the shipped messages each action tells."""
_AS_DASHBOARDS: Final = {"user-agent": "OpenSearch-Dashboards"}
"""Whoever else asks is not told the `ui_metadata`, which hold our fingerprint."""
_MOST: Final = 1000
_SETTINGS: Final = {
    "plugins.alerting.max_actionable_alert_count": "-1",
    "script.context.template.max_compilations_rate": "1000/5m",
    "script.context.template.cache_max_size": "1000",
}


def plugins(client: OpenSearch, connection: Connection) -> set[str]:
    """Which of the two are there; whoever may not use one is told that it is there all the same.

    Raises:
        CentralError: the cluster cannot be asked, as with all functions here.
    """
    found = set()
    for name, path in _PROBES.items():
        with translated(connection, f"asking for {name}"):
            try:
                client.transport.perform_request("GET", path)
            except exceptions.TransportError as error:
                if error.status_code not in _REFUSALS:
                    raise
                if error.status_code == HTTPStatus.BAD_REQUEST and "no handler found" in str(error.info):
                    continue
        found.add(name)
    return found


def with_actions(monitor: Monitor, channels: Mapping[str, str]) -> Json:
    """Give a monitor's body with its actions for each channel.

    Args:
        monitor: as it is shipped.
        channels: id -> kind of those that are in use; none: the alerts are there, and nobody is told.
    """
    body = copy.deepcopy(monitor.body)
    trigger = body["triggers"][0]["bucket_level_trigger"]
    shipped, trigger["actions"] = trigger["actions"], []
    by_name = {action["name"]: action for action in shipped}
    for channel, kind in sorted(channels.items()):
        for name, parts in _ACTIONS.items():
            trigger["actions"].append(
                _action(monitor, [by_name[part] for part in parts], name, channel, kind)
            )
    body["ui_metadata"]["pabx"]["fingerprint"] = _fingerprint(body)
    return body


def _action(monitor: Monitor, parts: Sequence[Json], name: str, channel: str, kind: str) -> Json:
    """Put several messages into one action: each is empty where it has nothing to tell.

    The plugin throttles by action. A reminder of its own would follow the beginning after a minute; an end
    that shares the throttle would never be told.
    """
    own = copy.deepcopy(parts[-1])
    texts = [
        as_body(monitor, part) if kind == "webhook" else part["message_template"]["source"] for part in parts
    ]
    own["message_template"]["source"] = "".join(texts)
    scopes = [
        part["action_execution_policy"]["action_execution_scope"]["per_alert"]["actionable_alerts"]
        for part in parts
    ]
    own["action_execution_policy"]["action_execution_scope"] = {
        "per_alert": {"actionable_alerts": [one for scope in scopes for one in scope]}
    }
    return own | {
        "id": f"{monitor.finding}-{name}-{channel}",
        "name": f"{name} {channel}",
        "destination_id": channel,
    }


def as_body(monitor: Monitor, action: Mapping[str, Any]) -> str:
    """Give the template of a webhook's JSON, an object for each alert; `text` is what Slack takes.

    It is within its loop: in a run whose search failed there is no alert, and an empty message is not sent.
    """
    alerts = LISTS[action["name"]]
    begin, end = f"{{{{#ctx.{alerts}}}}}", f"{{{{/ctx.{alerts}}}}}"
    text = action["message_template"]["source"].removeprefix(begin).removesuffix(end).rstrip("\n")
    head = {
        "finding": monitor.finding,
        "severity": monitor.severity,
        "state": "completed" if action["name"] == "closed" else "active",
        "action": action["name"],
    }
    fixed = json.dumps(head)[1:-1]
    subject = as_json(action["subject_template"]["source"])
    return (
        f'{begin}{{{fixed}, "of": "{{{{bucket_keys}}}}", "subject": {subject}, "text": {as_json(text)}}}{end}'
    )


def plan(client: OpenSearch, connection: Connection, bodies: Sequence[Json]) -> list[Step]:
    """Say what has to be done so that the cluster has these monitors; each is known again by its name."""
    there = _monitors(client, connection)
    steps = []
    for body in bodies:
        found = there.pop(body["name"], [])
        if len(found) > 1:
            ids = ", ".join(one["_id"] for one in found)
            raise CentralError(
                f"monitor {body['name']!r} is there {len(found)} times ({ids}): delete all but one"
            )
        if not found:
            steps.append(Step(Resource(MONITOR, body["name"]), Action.CREATE, body))
            continue
        source = found[0]["_source"]
        # Whether it runs is the operator's to say.
        wanted = {**body, "enabled": source["enabled"]}
        step = compare(Resource(MONITOR, body["name"]), _comparable(source), _comparable(wanted))
        steps.append(Step(step.resource, step.action, {**wanted, "_id": found[0]["_id"]}, step.difference))
    return steps


def plan_settings(client: OpenSearch, connection: Connection) -> list[Step]:
    """Say what has to be done so that each alert has its own message, however many there are.

    Above 50 alerts the plugin sends all of them together in every run, and heeds no throttle; above 75 new
    templates in five minutes the cluster refuses further ones, and an alert's message would never come.
    """
    with translated(connection, "cluster settings"):
        found = client.cluster.get_settings(params={"flat_settings": "true"})
    there = {**found["transient"], **found["persistent"]}
    steps = []
    for name, value in _SETTINGS.items():
        wanted = {name: value}
        # Whatever somebody has chosen stays.
        steps.append(compare(Resource(SETTING, name), wanted if name in there else None, wanted))
    return steps


def strangers(client: OpenSearch, connection: Connection, bodies: Sequence[Json]) -> list[str]:
    """Name the monitors that an earlier version has left."""
    names = {body["name"] for body in bodies}
    there = _monitors(client, connection)
    return sorted(
        name
        for name, found in there.items()
        if name not in names and any(finding_of(one["_source"]) for one in found)
    )


def apply(client: OpenSearch, connection: Connection, step: Step) -> None:
    """Do one step."""
    if step.action is Action.UNCHANGED:
        return
    body = {key: value for key, value in step.body.items() if key != "_id"}
    with translated(connection, str(step.resource)):
        if step.resource.kind == SETTING:
            client.cluster.put_settings(body={"persistent": body})
        elif step.resource.kind == CHANNEL:
            name = step.resource.name
            if step.action is Action.CREATE:
                client.transport.perform_request("POST", _CONFIGS, body={"config_id": name, "config": body})
            else:
                client.transport.perform_request("PUT", f"{_CONFIGS}/{name}", body={"config": body})
        elif step.action is Action.CREATE:
            client.transport.perform_request("POST", _MONITORS, body=body)
        else:
            client.transport.perform_request("PUT", f"{_MONITORS}/{step.body['_id']}", body=body)


def plan_channels(client: OpenSearch, connection: Connection, channels: Sequence[Channel]) -> list[Step]:
    """Say what has to be done so that the cluster has these channels; others are left alone."""
    steps = []
    for channel in channels:
        for name, wanted in channel.configs():
            with translated(connection, f"channel {name}"):
                try:
                    answer = client.transport.perform_request("GET", f"{_CONFIGS}/{name}")
                    there = answer["config_list"][0]["config"]
                except exceptions.NotFoundError:
                    there = None
            steps.append(compare(Resource(CHANNEL, name), there, wanted))
    return steps


def channels_in_use(client: OpenSearch, connection: Connection) -> dict[str, str]:
    """Give the channels of ours that the cluster has and that are enabled: id -> kind."""
    with translated(connection, "reading channels"):
        params = {"max_items": _MOST}
        answer = client.transport.perform_request("GET", _CONFIGS, params=params)
    found = {}
    for one in answer["config_list"]:
        kind = kind_of(one["config"]["config_type"])
        if one["config_id"].startswith(PREFIX) and one["config"]["is_enabled"] and kind:
            found[one["config_id"]] = kind
    return found


def send_test(client: OpenSearch, connection: Connection, channel: str) -> str:
    """Let the Notifications plugin send its test message; gives what came of it."""
    with translated(connection, f"channel {channel}"):
        answer = client.transport.perform_request("POST", f"/_plugins/_notifications/feature/test/{channel}")
    for status in answer.get("status_list", []):
        delivery = status.get("delivery_status", {})
        return f"{delivery.get('status_code', '?')} {delivery.get('status_text', '')}".strip()
    return "sent"


def _monitors(client: OpenSearch, connection: Connection) -> dict[str, list[Json]]:
    body = {"size": _MOST, "query": {"prefix": {"monitor.name.keyword": _OURS}}}
    with translated(connection, "reading monitors"):
        answer = client.transport.perform_request(
            "POST", f"{_MONITORS}/_search", body=body, headers=_AS_DASHBOARDS
        )
    found: dict[str, list[Json]] = {}
    for hit in answer["hits"]["hits"]:
        found.setdefault(hit["_source"]["name"], []).append(hit)
    return found


def _fingerprint(body: Json) -> str:
    """Of what is shipped: the cluster gives a search back in other words."""
    text = json.dumps({key: value for key, value in body.items() if key != "ui_metadata"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _comparable(monitor: Mapping[str, Any]) -> Json:
    """What of a monitor the cluster gives back as it was put, and our fingerprint of the rest."""
    return {
        "fingerprint": (monitor.get("ui_metadata") or {}).get("pabx"),
        "schedule": monitor["schedule"],
        "triggers": list(_triggers(monitor["triggers"])),
    }


def _triggers(triggers: Sequence[Mapping[str, Any]]) -> Iterator[Json]:
    for outer in triggers:
        trigger = next(iter(outer.values()))
        condition = trigger["condition"]
        yield {
            "severity": trigger["severity"],
            "condition": condition["script"]["source"],
            "paths": condition.get("buckets_path"),
            "actions": {
                action["id"]: [
                    action["destination_id"],
                    action["message_template"]["source"],
                    action["throttle_enabled"],
                ]
                for action in trigger["actions"]
            },
        }
