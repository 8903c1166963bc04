"""Runs monitors as the Alerting plugin does: a search, with the condition of each bucket in it."""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opensearchpy import OpenSearch

from central.alerts.files import Json, Monitor
from central.client import Connection, translated
from central.errors import CentralError

STORES: Final = "pabx-stores"
_END: Final = "{{period_end}}"
_START: Final = "{{period_start}}"
_SELECTOR: Final = "fires"
_WHOLE: Final = {"allow_partial_search_results": False}
_BATCH: Final = 500


@dataclass(frozen=True)
class Raised:
    """One alert: a bucket for which the condition is true.

    Attributes:
        finding: what was found.
        severity: 1 (at once) to 5.
        key: of what: a store's id, a region, a host; `-` where it is nobody's.
        keys: the bucket's keys as the plugin joins them.
        bucket: what the search found of it.
    """

    finding: str
    severity: int
    key: str
    keys: str
    bucket: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Result:
    """What one monitor would raise.

    Attributes:
        monitor: it.
        raised: its alerts, by their keys.
        error: why it could not be run; empty: it could.
    """

    monitor: Monitor
    raised: tuple[Raised, ...] = ()
    error: str = ""


def evaluate(
    client: OpenSearch, connection: Connection, monitors: Sequence[Monitor], end: int
) -> list[Result]:
    """Run monitors, all at once.

    Args:
        client: connected.
        connection: for what a failure says.
        monitors: to be run.
        end: the moment for which they are run, milliseconds since 1970.

    Raises:
        CentralError: the cluster does not answer. What is wrong with one monitor stands in its result.
    """
    found: dict[str, list[Raised]] = {monitor.name: [] for monitor in monitors}
    failed: dict[str, str] = {}
    pages = {monitor.name: (monitor, searched(monitor, end)) for monitor in monitors}
    while pages:
        answers = _asked(client, connection, list(pages.values()))
        following = {}
        for (name, (monitor, body)), answer in zip(pages.items(), answers, strict=True):
            try:
                composite = _composite(monitor, answer)
            except CentralError as error:
                failed[name] = str(error)
                continue
            found[name] += _raised(monitor, composite["buckets"])
            if (after := composite.get("after_key")) is not None:
                _parent(monitor, body["aggregations"])["composite"]["after"] = after
                following[name] = (monitor, body)
        pages = following
    return [
        Result(
            monitor,
            () if monitor.name in failed else _sorted(found[monitor.name]),
            failed.get(monitor.name, ""),
        )
        for monitor in monitors
    ]


def searched(monitor: Monitor, end: int) -> Json:
    """Give a monitor's search with its condition in it, for one run.

    Args:
        monitor: it.
        end: milliseconds since 1970.
    """
    interval = monitor.body["schedule"]["period"]["interval"] * 60_000
    text = json.dumps(monitor.search["query"]).replace(_END, str(end)).replace(_START, str(end - interval))
    body: Json = json.loads(text)
    condition = copy.deepcopy(monitor.trigger["condition"])
    condition.pop("parent_bucket_path")
    parent = _parent(monitor, body["aggregations"])
    parent.setdefault("aggregations", {})[_SELECTOR] = {"bucket_selector": condition}
    return body


def documents(client: OpenSearch, connection: Connection, stores: Iterable[str]) -> dict[str, Json]:
    """Give the documents of stores by their ids, as the plugin's sample documents.

    Raises:
        CentralError: the cluster cannot be read.
    """
    ids, found = sorted(set(stores)), dict[str, Json]()
    with translated(connection, f"reading {STORES}"):
        for start in range(0, len(ids), _BATCH):
            answer = client.mget(body={"ids": ids[start : start + _BATCH]}, index=STORES)
            found |= {one["_id"]: one for one in answer["docs"] if one.get("found")}
    return found


def _asked(
    client: OpenSearch, connection: Connection, searches: Sequence[tuple[Monitor, Json]]
) -> list[Mapping[str, Any]]:
    lines: list[Json] = []
    for monitor, body in searches:
        lines += [{"index": monitor.search["indices"], **_WHOLE}, body]
    with translated(connection, "running the monitors"):
        answers: list[Mapping[str, Any]] = client.msearch(body=lines)["responses"]
    return answers


def _composite(monitor: Monitor, answer: Mapping[str, Any]) -> Json:
    if "error" in answer:
        raise CentralError(_reason(answer["error"]))
    if "aggregations" not in answer:
        raise CentralError(f"no index {', '.join(monitor.search['indices'])}: run central install")
    composite: Json = answer["aggregations"][monitor.trigger["condition"]["parent_bucket_path"]]
    return composite


def _parent(monitor: Monitor, aggregations: Json) -> Json:
    parent: Json = aggregations[monitor.trigger["condition"]["parent_bucket_path"]]
    return parent


def _raised(monitor: Monitor, buckets: Iterable[Mapping[str, Any]]) -> Iterator[Raised]:
    for bucket in buckets:
        values = ["null" if value is None else str(value) for value in bucket["key"].values()]
        key = next(iter(bucket["key"].values()))
        of_all = "pabx." in values[0]  # the one bucket of a finding that is of all stores
        yield Raised(
            monitor.finding,
            monitor.severity,
            "-" if key is None or of_all else str(key),
            ",".join(values),
            bucket,
        )


def _sorted(raised: Iterable[Raised]) -> tuple[Raised, ...]:
    return tuple(sorted(raised, key=lambda one: one.keys))


def _reason(error: Any) -> str:
    """The innermost reason of a search that failed."""
    deepest = error
    while isinstance(deepest.get("caused_by"), dict):
        deepest = deepest["caused_by"]
    causes = error.get("root_cause") or [error]
    return " ".join(str(deepest.get("reason") or causes[0].get("reason") or error).split())
