"""What the cluster knows: the stores' reports, earlier findings, and the documents themselves."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from opensearchpy import OpenSearch

from central import clock
from central.audit.compare import Held
from central.audit.days import Registered
from central.client import Connection, translated
from shipper.assembly.builder import WITHOUT_ROW
from shipper.document.account import day_of, entry_of

REPORTS: Final = "pabx-audit-*"
DOCUMENTS: Final = "pabx-cdr-*,pabx-calls-*"
STORES: Final = "pabx-stores"
PAGE: Final = 5000
NAMED: Final = 100
"""Of how many ids that are there twice a day's report tells."""
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
_WHOLE: Final = {"allow_partial_search_results": "false"}
"""A shard that does not answer must not look like missing documents."""
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

    def registered(self) -> dict[str, Registered]:
        """Every store that is known, by its id."""
        fields = ["store.id", "store.timezone", "store.registered_at", "store.revoked_at"]
        found = {}
        for key, source in self._every(STORES, {"match_all": {}}, fields):
            said = source.get("store", {})
            since = clock.moment(said.get("registered_at"))
            found[said.get("id", key)] = Registered(
                said.get("timezone") or "", since, revoked=said.get("revoked_at") is not None
            )
        return found

    def reports(self, kind: str, since: str, until: str) -> dict[Key, dict[str, Any]]:
        """What was written of each store's day, between two days, both included.

        Args:
            kind: `report` or `finding`.
            since: first day.
            until: last day.

        Returns:
            `audit.*`, and beside it `@timestamp` and the store's `timezone`.
        """
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
            | {"@timestamp": source["@timestamp"], "timezone": source["store"].get("timezone", "")}
            for _, source in self._every(REPORTS, query, ["@timestamp", "store", "audit"])
        }

    def documents(self, since: str, until: str) -> dict[Key, Held]:
        """What is held of each store's day, counted document by document (without `doubled`, `merged`).

        Calls that AMI alone heard are left out: a store counts its rows, and what they make.
        """
        found: dict[Key, Held] = defaultdict(Held)
        query = {
            "bool": {
                "filter": [{"range": {"local.date": {"gte": since, "lte": until}}}],
                "must_not": [{"term": {"tags": WITHOUT_ROW}}],
            }
        }
        for _, source in self._every(DOCUMENTS, query, list(_FIELDS)):
            source.setdefault("cdr", {})  # all of its fields were taken away
            entry = entry_of(source)
            if entry is None:
                continue
            held = found[source.get("store", {}).get("id", ""), day_of(source)]
            held.account.put(entry)
            held.made_at(clock.moment(source["event"].get("created")))
        return found

    def merged(self, since: str) -> dict[str, list[datetime]]:
        """When calls of each store became a part of another one, from a day on."""
        query = {
            "bool": {
                "filter": [
                    {"exists": {"field": "call.merged_into"}},
                    {"range": {"event.created": {"gte": since}}},
                ]
            }
        }
        found = defaultdict(list)
        for _, source in self._every("pabx-calls-*", query, ["store.id", "event.created"]):
            at = clock.moment(source["event"].get("created"))
            if at is not None:
                found[source.get("store", {}).get("id", "")].append(at)
        return found

    def doubled(self, store: str, day: str) -> list[str]:
        """Ids of which the index holds more than one document: in the indices of two months."""
        body = {
            "size": 0,
            "query": {"bool": {"filter": [{"term": {"store.id": store}}, {"term": {"local.date": day}}]}},
            "aggs": {"ids": {"terms": {"field": "event.id", "min_doc_count": 2, "size": NAMED}}},
        }
        with translated(self._connection, f"reading {DOCUMENTS}"):
            params = {"ignore_unavailable": "true", **_WHOLE}
            answer = self._client.search(index=DOCUMENTS, body=body, params=params)
        return sorted(
            bucket["key"] for bucket in answer.get("aggregations", {}).get("ids", {}).get("buckets", [])
        )

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
                # Each index counts its documents from 0: with the number alone, a page that ends on one of
                # two equal numbers would leave the other one out.
                "sort": [{"_shard_doc": "asc"}, {"_index": "asc"}],
            }
            while True:
                with translated(self._connection, f"reading {index}"):
                    hits = self._client.search(body=body, params=_WHOLE)["hits"]["hits"]
                if not hits:
                    return
                for hit in hits:
                    yield hit["_id"], hit["_source"]
                body["search_after"] = hits[-1]["sort"]
        finally:
            with translated(self._connection, f"reading {index}"):
                self._client.delete_pit(body={"pit_id": [pit]})
