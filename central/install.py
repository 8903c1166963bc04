"""Brings the cluster to what is shipped: reads what it has, and applies only what differs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from opensearchpy import OpenSearch, exceptions

from central.assets import Assets
from central.client import Connection, translated
from central.plan import Action, Resource, Step, compare, compare_index, composed, first_index
from central.shards import with_shards

# Can be changed on an index that exists, and belong to its fields and documents.
_DYNAMIC_SETTINGS = ("index.query.default_field", "index.default_pipeline")


def plan(client: OpenSearch, connection: Connection, assets: Assets, shards: int | None = None) -> list[Step]:
    """List every resource in the order in which it is applied, and what has to be done with it.

    Args:
        client: the cluster.
        connection: where it is.
        assets: what is shipped.
        shards: of each month's rows and calls; None: as many as before.

    Raises:
        CentralError: the cluster cannot be read.
    """
    there = {
        "ingest pipeline": _pipelines(client, connection),
        "component template": _components(client, connection),
        "index template": _templates(client, connection),
    }
    assets = with_shards(assets, there["index template"], shards)
    shipped = {
        "ingest pipeline": assets.pipelines,
        "component template": assets.components,
        "index template": assets.templates,
    }
    steps = [
        compare(Resource(kind, name), there[kind].get(name), body)
        for kind, bodies in shipped.items()
        for name, body in bodies.items()
    ]
    return [*steps, *_indices(client, connection, assets)]


def apply(client: OpenSearch, connection: Connection, step: Step) -> list[str]:
    """Do one step.

    Returns:
        What could not be changed, one line each, beside what the step itself already lists.

    Raises:
        CentralError: the cluster refuses it.
    """
    kind, name = step.resource.kind, step.resource.name
    if step.action is Action.UNCHANGED:
        return []
    with translated(connection, str(step.resource)):
        if kind == "ingest pipeline":
            client.ingest.put_pipeline(id=name, body=step.body)
        elif kind == "component template":
            client.cluster.put_component_template(name=name, body=step.body)
        elif kind == "index template":
            client.indices.put_index_template(name=name, body=step.body)
        elif step.action is Action.CREATE:
            _create_index(client, name)
        else:
            return _apply_to_index(client, name, step.body)
    return []


def _create_index(client: OpenSearch, name: str) -> None:
    try:
        client.indices.create(index=name)
    except exceptions.RequestError as error:
        if error.error != "resource_already_exists_exception":  # the first document may have come meanwhile
            raise


def _apply_to_index(client: OpenSearch, name: str, body: dict[str, Any]) -> list[str]:
    try:
        if body["properties"]:
            client.indices.put_mapping(index=name, body={"properties": body["properties"]})
    except exceptions.RequestError as error:
        # An old index may lack an analyser that a new field needs; new indices are right all the same.
        reason = error.info["error"]["reason"] if isinstance(error.info, dict) else error.error
        return [f"new fields: {reason}"]
    if body["settings"]:
        client.indices.put_settings(index=name, body=body["settings"])
    return []


def _indices(client: OpenSearch, connection: Connection, assets: Assets) -> Iterator[Step]:
    for template, body in assets.templates.items():
        settings, properties = composed(assets, template)
        dynamic = {key: settings[key] for key in _DYNAMIC_SETTINGS if key in settings}
        with translated(connection, f"indices {', '.join(body['index_patterns'])}"):
            found = client.indices.get(
                index=",".join(body["index_patterns"]),
                params={"expand_wildcards": "open", "ignore_unavailable": "true"},
            )
        if not found:  # a panel over no index shows an error, over an empty one that there is no data
            name = first_index(template, body["index_patterns"][0], datetime.now(UTC))
            yield Step(Resource("index", name), Action.CREATE, {})
        for name in sorted(found):
            yield compare_index(name, found[name], dynamic, properties)


def _pipelines(client: OpenSearch, connection: Connection) -> dict[str, Any]:
    with translated(connection, "reading ingest pipelines"):
        try:
            found: dict[str, Any] = client.ingest.get_pipeline()
        except exceptions.NotFoundError:  # what OpenSearch answers while there is none at all
            return {}
        return found


def _components(client: OpenSearch, connection: Connection) -> dict[str, Any]:
    with translated(connection, "reading component templates"):
        found = client.cluster.get_component_template()
    return {entry["name"]: entry["component_template"] for entry in found["component_templates"]}


def _templates(client: OpenSearch, connection: Connection) -> dict[str, Any]:
    with translated(connection, "reading index templates"):
        found = client.indices.get_index_template()
    return {entry["name"]: entry["index_template"] for entry in found["index_templates"]}
