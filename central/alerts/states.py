"""The stores' states in the cluster: what is measured is written into each store's document."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opensearchpy import OpenSearch

from central import bulk, clock
from central.alerts.evaluate import STORES, Raised
from central.alerts.measures import Measured, group, measure, stamp
from central.calls.cluster import INDICES, MERGED
from central.client import Connection, translated
from central.usual.expectation import Expectation, expectation_of

log = logging.getLogger("central.alerts")

FRESH_SECONDS: Final = 120.0
"""Where nothing has changed it is written anew after this: monitors trust it for 300."""
STATUSES: Final = ("agent_silent", "pbx_silent", "idle")
"""Findings that are a store's status as well, the worst first."""
_LIVE: Final = "pabx-live"
_DAYS_SECONDS: Final = 4 * 86_400
_MOST: Final = 10_000
_SHARDS: Final = {"allow_partial_search_results": "false"}
_KEPT: Final = (
    "usual",
    "timezone",
    "opening_hours",
    "opening_exceptions",
    "holidays",
    "state",
    "city",
    "closed_from",
)
"""What an expectation is made of."""


@dataclass(frozen=True)
class Round:
    """One look at all stores.

    Attributes:
        now: head office's clock, as the cluster has it, seconds since 1970.
        stores: every store that has a document.
        unusable: store -> why its hours or zone cannot be used.
    """

    now: float
    stores: list[Measured]
    unusable: Mapping[str, str]


class States:
    """The stores of one cluster.

    Args:
        client: connected.
        connection: for what a failure says.
    """

    def __init__(self, client: OpenSearch, connection: Connection) -> None:
        self._client = client
        self._connection = connection
        self._expectations: dict[str, tuple[Any, Expectation]] = {}

    def look(self, now: float | None = None) -> Round:
        """Measure all stores and write what has changed.

        Args:
            now: instead of the cluster's clock.

        Raises:
            CentralError: the cluster cannot be read or written.
        """
        body = {"size": _MOST, "_source": ["store"], "aggs": clock.asking("@timestamp")}
        with translated(self._connection, f"reading {STORES}"):
            answer = self._client.search(index=STORES, body=body, params=_SHARDS)
        at = clock.told(answer).timestamp() if now is None else now
        loads, days = self._loads(at), self._days(at)
        stores, unusable = [], {}
        for hit in answer["hits"]["hits"]:
            name, store = hit["_id"], hit["_source"].get("store", {})
            try:
                expectation = self._expectation(name, store)
            except ValueError as error:
                unusable[name] = str(error)
                continue
            stores.append(measure(name, store, expectation, loads.get(name, {}), days.get(name, {}), at))
        group(stores, at)
        self._write([(one.id, _changed(one, at)) for one in stores])
        return Round(at, stores, unusable)

    def settle(self, stores: Sequence[Measured], raised: Iterable[Raised], now: float) -> None:
        """Write each store's status, by what the monitors raised.

        Raises:
            CentralError: the cluster refuses it.
        """
        found: dict[str, set[str]] = {}
        for one in raised:
            found.setdefault(one.key, set()).add(one.finding)
        changes = []
        for store in stores:
            status = status_of(store, found.get(store.id, set()))
            if status != store.store.get("status"):
                changes.append((store.id, {"status": status, "status_since": stamp(now)}))
        self._write(changes)

    def _expectation(self, name: str, store: Mapping[str, Any]) -> Expectation:
        key = {part: store.get(part) for part in _KEPT}
        known = self._expectations.get(name)
        if known is None or known[0] != key:
            # A store that only sends has no zone in the register: it says its own.
            known = self._expectations[name] = (key, expectation_of({"timezone": "UTC", **store}))
        return known[1]

    def _days(self, now: float) -> dict[str, dict[str, int]]:
        """Calls of the latest days, by store and date."""
        since = {
            "range": {"@timestamp": {"gte": int((now - _DAYS_SECONDS) * 1000), "format": "epoch_millis"}}
        }
        query = {"bool": {"filter": [since], "must_not": [MERGED]}}
        return self._counted(INDICES, query, "local.date")

    def _loads(self, now: float) -> dict[str, dict[str, int]]:
        """Calls of now, by store and trunk."""
        fresh = {"range": {"live.as_of": {"gte": int(now * 1000) - 90_000, "format": "epoch_millis"}}}
        query = {"bool": {"filter": [fresh], "must_not": [{"term": {"live.state": "ended"}}]}}
        return self._counted(_LIVE, query, "call.trunk")

    def _counted(self, index: str, query: dict[str, Any], field: str) -> dict[str, dict[str, int]]:
        """How many documents there are of each store and value."""
        values = {"values": {"terms": {"field": field, "size": 50}}}
        stores = {"terms": {"field": "store.id", "size": _MOST}, "aggs": values}
        body = {"size": 0, "query": query, "aggs": {"stores": stores}}
        with translated(self._connection, f"reading {index}"):
            params = {"ignore_unavailable": "true", **_SHARDS}
            answer = self._client.search(index=index, body=body, params=params)
        return {
            store["key"]: {value["key"]: value["doc_count"] for value in store["values"]["buckets"]}
            for store in answer.get("aggregations", {}).get("stores", {}).get("buckets", ())
        }

    def _write(self, changes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Write over fields of `store`, past the pipeline, which judges what stores send."""
        pairs: list[bulk.Pair] = [
            ({"update": {"_id": name, "retry_on_conflict": 5}}, {"doc": {"store": change}})
            for name, change in changes
            if change
        ]
        bulk.write(self._client, self._connection, STORES, pairs)


def status_of(store: Measured, findings: set[str]) -> str:
    """Give a store's status by the findings that are raised of it."""
    if not store.store.get("last_seen"):
        return "never_seen"
    grouped = {"agent_silent"} if store.watch.get("group") else set()
    return next((name for name in STATUSES if name in findings | grouped), "ok")


def _changed(store: Measured, now: float) -> dict[str, Any]:
    """What of a store's `watch` is to be written."""
    there = store.store.get("watch") or {}
    new = {key: value for key, value in store.watch.items() if there.get(key) != value}
    before = clock.moment(there.get("at"))
    if not new and before is not None and now - before.timestamp() < FRESH_SECONDS:
        return {}
    return {"watch": {**new, "at": stamp(now)}}
