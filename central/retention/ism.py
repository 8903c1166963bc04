"""The policy in a cluster that has Index State Management.

It goes by the age of the index, since it knows no other: an index that a back-fill made late stays as much
longer. `central tidy --older-than-months` goes by the month itself, and works on every cluster.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib import resources
from typing import Any, Final

from opensearchpy import OpenSearch, exceptions

from central.client import Connection, translated
from central.plan import Action, Resource, Step, compare
from central.retention.months import PATTERNS

POLICY: Final = "pabx-retention"
KIND: Final = "ISM policy"
OFF: Final = 0
_LONGEST_MONTH: Final = 31
_POLICIES: Final = f"/_plugins/_ism/policies/{POLICY}"
_SETTING: Final = "index.plugins.index_state_management.policy_id"
# What the plugin adds of its own; beside these it gives back what it was given (seen with 3.4.0).
_ADDED: Final = ("policy_id", "last_updated_time", "schema_version", "error_notification", "retry")

Json = dict[str, Any]


def body(months: int) -> Json:
    """Give the policy by which each document stays so many months at least.

    An index is made when its month begins, or later: a month more covers all of its days.

    Args:
        months: 1 or more.
    """
    text = resources.files("central.retention").joinpath(f"{POLICY}.json").read_text("utf-8")
    policy: Json = json.loads(text)
    conditions = policy["states"][0]["transitions"][0]["conditions"]
    conditions["min_index_age"] = f"{(months + 1) * _LONGEST_MONTH}d"
    return policy


def run(client: OpenSearch, connection: Connection, months: int, *, dry_run: bool) -> Iterator[Step | str]:
    """Put the policy there, or take it away; gives each step once it is done, or a line about it.

    Args:
        client: the cluster.
        connection: where it is.
        months: how many stay; `OFF`: no policy.
        dry_run: change nothing.

    Raises:
        CentralError: the cluster fails or refuses it.
    """
    with translated(connection, KIND):
        if not _there(client):
            yield (
                f"{connection.url}: without Index State Management there is no policy: "
                "central tidy --older-than-months does it, on every cluster"
            )
        elif months == OFF:
            yield from _off(client, dry_run=dry_run)
        else:
            yield from _on(client, months, dry_run=dry_run)


def _on(client: OpenSearch, months: int, *, dry_run: bool) -> Iterator[Step | str]:
    found = _policy(client)
    there = None if found is None else _comparable(found["policy"])
    step = compare(Resource(KIND, POLICY), there, body(months))
    if not dry_run and step.action is not Action.UNCHANGED:
        place = f"?if_seq_no={found['_seq_no']}&if_primary_term={found['_primary_term']}" if found else ""
        client.transport.perform_request("PUT", _POLICIES + place, body={"policy": step.body})
    yield step
    managed = _managed(client)
    bare = [name for name, policy in managed.items() if policy is None]
    ours = [name for name, policy in managed.items() if policy == POLICY]
    foreign = [name for name, policy in managed.items() if policy not in {None, POLICY}]
    if bare:
        yield from _sent(client, "add", bare, dry_run=dry_run)
    if ours and step.action is Action.CHANGE:  # an index keeps the policy as it was when it got it
        yield from _sent(client, "change_policy", ours, dry_run=dry_run)
    for name in foreign:
        yield f"index {name}: another policy, {managed[name]}, has it: it stays so"


def _off(client: OpenSearch, *, dry_run: bool) -> Iterator[str]:
    ours = [name for name, policy in _managed(client).items() if policy == POLICY]
    if ours:
        yield from _sent(client, "remove", ours, dry_run=dry_run)
    if _policy(client) is None:
        yield f"{KIND} {POLICY}: there is none"
        return
    if not dry_run:
        client.transport.perform_request("DELETE", _POLICIES)
    yield f"{KIND} {POLICY}: {'would be ' if dry_run else ''}deleted"


def _sent(client: OpenSearch, what: str, indices: Sequence[str], *, dry_run: bool) -> Iterator[str]:
    """Let indices have the policy, have it anew, or have it no more."""
    told = {"add": "follow it", "change_policy": "follow it as it is now", "remove": "follow it no more"}
    if not dry_run:
        # By pattern: a line of many names would be too long for a cluster of many years.
        given = None if what == "remove" else {"policy_id": POLICY}
        place = f"/_plugins/_ism/{what}/{','.join(PATTERNS)}"
        answer = client.transport.perform_request("POST", place, body=given)
        for failed in answer["failed_indices"]:
            if failed["index_name"] in indices:
                yield f"index {failed['index_name']}: {failed['reason']}"
    yield f"{KIND} {POLICY}: {len(indices)} indices {'would ' if dry_run else ''}{told[what]}"


def _there(client: OpenSearch) -> bool:
    try:
        client.transport.perform_request("GET", "/_plugins/_ism/policies?size=1")
    except exceptions.TransportError as error:
        if error.status_code == HTTPStatus.BAD_REQUEST and "no handler found" in str(error.info):
            return False
        raise
    return True


def _policy(client: OpenSearch) -> Json | None:
    try:
        found: Json = client.transport.perform_request("GET", _POLICIES)
    except exceptions.NotFoundError:  # also while there has never been any policy
        return None
    return found


def _managed(client: OpenSearch) -> dict[str, str | None]:
    """The monthly indices, each with the policy that it follows."""
    answer: Json = client.transport.perform_request("GET", f"/_plugins/_ism/explain/{','.join(PATTERNS)}")
    return {name: one.get(_SETTING) for name, one in sorted(answer.items()) if isinstance(one, Mapping)}


def _comparable(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _comparable(value) for key, value in node.items() if key not in _ADDED}
    return [_comparable(one) for one in node] if isinstance(node, list) else node
