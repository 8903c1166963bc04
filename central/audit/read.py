"""What the cluster knows: the stores' reports, earlier findings, and the documents themselves."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from opensearchpy import OpenSearch

from central.audit.compare import Held
from central.client import Connection, translated
from shipper.document.account import day_of, entry_of

REPORTS: Final = "pabx-audit-*"
DOCUMENTS: Final = "pabx-cdr-*,pabx-calls-*"
STORES: Final = "pabx-stores"
PAGE: Final = 5000
KEPT_ALIVE: Final = "5m"
_FIELDS: Final = (
    "@timestamp",
    "event.id",
    "event.dataset",
    "event.created",
    "store.id",
    "local.date",
    "cdr.duration",
    "cdr.billsec",
    "cdr.disposition",
    "call.direction",
    "call.outcome",
    "call.duration_seconds",
    "call.billable_seconds",
    "call.talk_seconds",
    "call.legs",
    "call.merged_into",
)
Key = tuple[str, str]
"""A store's id and a day."""


class Reader:
    """Reads one cluster.

    Args:
        client: connected.
        connection: for what a failure says.
    """

    def __init__(self, client: OpenSearch, connection: Connection) -> None:
        self._client = client
        self._connection = connection

    def registered(self) -> list[str]:
        """Every store of the register whose credential was not ended."""
        query = {
            "bool": {
                "filter": {"exists": {"field": "store.registered_at"}},
                "must_not": {"exists": {"field": "store.revoked_at"}},
            }
        }
        return sorted(source["store"]["id"] for _, source in self._every(STORES, query, ["store.id"]))

    def reports(self, kind: str, since: str, until: str) -> dict[Key, dict[str, Any]]:
        """`audit.*` of each store's day, between two days, both included; `kind` is `report` or `finding`."""
        query = {
            "bool": {
                "filter": [
                    {"term": {"audit.kind": kind}},
                    {"range": {"audit.day": {"gte": since, "lte": until}}},
                ]
            }
        }
        return {
            (source["store"]["id"], source["audit"]["day"]): source["audit"]
            | {"@timestamp": source["@timestamp"]}
            for _, source in self._every(REPORTS, query, ["@timestamp", "store.id", "audit"])
        }

    def documents(self, since: str, until: str) -> dict[Key, Held]:
        """What is held of each store's day, counted document by document."""
        found: dict[Key, Held] = defaultdict(Held)
        seen: set[str] = set()
        query = {"range": {"local.date": {"gte": since, "lte": until}}}
        for key, source in self._every(DOCUMENTS, query, list(_FIELDS)):
            entry = entry_of(source)
            if entry is None:
                continue
            held = found[source.get("store", {}).get("id", ""), day_of(source)]
            if key in seen:  # the same _id in two months' indices
                held.doubled.append(key)
            seen.add(key)
            held.account.put(entry)
            held.made_at(source["event"].get("created", ""))
        return found

    def _every(
        self, index: str, query: Mapping[str, Any], fields: list[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every document that fits, at one point in time: `_id` and source."""
        with translated(self._connection, f"reading {index}"):
            self._client.indices.refresh(index=index, params={"ignore_unavailable": "true"})
            if not self._client.indices.get(index=index, params={"ignore_unavailable": "true"}):
                return
            params = {"keep_alive": KEPT_ALIVE, "ignore_unavailable": "true"}
            pit = self._client.create_pit(index=index, params=params)["pit_id"]
        try:
            body: dict[str, Any] = {
                "size": PAGE,
                "query": query,
                "_source": fields,
                "track_total_hits": False,
                "pit": {"id": pit, "keep_alive": KEPT_ALIVE},
                "sort": [{"_shard_doc": "asc"}],
            }
            while True:
                with translated(self._connection, f"reading {index}"):
                    hits = self._client.search(body=body)["hits"]["hits"]
                if not hits:
                    return
                for hit in hits:
                    yield hit["_id"], hit["_source"]
                body["search_after"] = hits[-1]["sort"]
        finally:
            with translated(self._connection, f"reading {index}"):
                self._client.delete_pit(body={"pit_id": [pit]})
