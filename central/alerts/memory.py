"""The alerts that go on and those that are over: one document each in `pabx-alerts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from opensearchpy import OpenSearch

from central import bulk
from central.alerts.evaluate import Raised
from central.alerts.measures import stamp
from central.client import Connection, translated
from central.clock import moment

INDEX: Final = "pabx-alerts"
DATASET: Final = "pabx.alert"
_MOST: Final = 10_000
_WHOLE: Final = {"allow_partial_search_results": "false", "ignore_unavailable": "true"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """An alert that goes on.

    Attributes:
        id: its document's.
        raised: what it is of.
        since: seconds since 1970.
        notified: when somebody was told last, seconds since 1970; None: nobody yet.
    """

    id: str
    raised: Raised
    since: float
    notified: float | None


class Memory:
    """The alerts of one cluster.

    Args:
        client: connected.
        connection: for what a failure says.
    """

    def __init__(self, client: OpenSearch, connection: Connection) -> None:
        self._client = client
        self._connection = connection

    def active(self) -> dict[tuple[str, str], Known]:
        """Give the alerts that go on, by finding and bucket.

        Raises:
            CentralError: the cluster cannot be read, as with the methods below.
        """
        query = {"term": {"alert.state": "active"}}
        with translated(self._connection, f"reading {INDEX}"):
            body = {"size": _MOST, "query": query}
            hits = self._client.search(index=INDEX, body=body, params=_WHOLE)["hits"]["hits"]
        found = (_known(hit["_id"], hit["_source"]) for hit in hits)
        return {(one.raised.finding, one.raised.keys): one for one in found}

    def begun(
        self, raised: Raised, now: float, store: Mapping[str, Any] | None, message: str
    ) -> tuple[str, Json]:
        """Give the document of an alert that begins: its id, and what it says."""
        key = blake2b(f"{raised.finding}\0{raised.keys}\0{now}".encode(), digest_size=16).hexdigest()
        name = raised.keys.partition(",")[2] or (store or {}).get("name")
        known = ("id", "name", "region", "city", "state", "timezone")
        body: Json = {
            "@timestamp": stamp(now),
            "event": {
                "id": key,
                "kind": "alert",
                "dataset": DATASET,
                "created": stamp(now),
                "ingested": stamp(now),
            },
            "alert": {
                "finding": raised.finding,
                "key": raised.key,
                "keys": raised.keys,
                **({"name": name} if name else {}),
                "severity": raised.severity,
                "state": "active",
                "checked_at": stamp(now),
                "message": message,
            },
        }
        if store:
            body["store"] = {part: store[part] for part in known if store.get(part) is not None}
        return key, body

    def write(self, documents: Mapping[str, Json], changes: Mapping[str, Json]) -> None:
        """Write what begins, and fields of `alert` that change.

        Args:
            documents: id -> whole document.
            changes: id -> fields of `alert`.
        """
        pairs: list[bulk.Pair] = [({"create": {"_id": key}}, body) for key, body in documents.items()]
        pairs += [
            ({"update": {"_id": key, "retry_on_conflict": 3}}, {"doc": {"alert": part}})
            for key, part in changes.items()
        ]
        bulk.write(self._client, self._connection, INDEX, pairs)


def _known(key: str, source: Mapping[str, Any]) -> Known:
    alert = source["alert"]
    since, notified = moment(source["@timestamp"]), moment(alert.get("notified_at"))
    raised = Raised(
        alert["finding"], int(alert.get("severity", 3)), alert["key"], alert.get("keys", alert["key"])
    )
    return Known(key, raised, since.timestamp() if since else 0.0, notified.timestamp() if notified else None)
