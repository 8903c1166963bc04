"""The demo's documents in the cluster: how every answer asks for them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from opensearchpy import OpenSearch, TransportError
from opensearchpy.helpers import scan

CALLS = "pabx-calls-*"
ROWS = "pabx-cdr-*"
STORES = "pabx-stores"
ALL = "pabx-*"
PAGE = 5_000
FORGETTING_SECONDS = 0.5
"""A refresh forgets deletions that are older than the cluster's coarse clock can tell, which is 0.2 s."""

MERGED = {"exists": {"field": "call.merged_into"}}
"""What is left of a call that became part of another one, where it came through the gate."""

Bucket = Mapping[str, Any]
Query = Mapping[str, Any]


class Documents:
    """What the demo's stores sent; documents of other stores stay unseen.

    Args:
        client: Connected.
        stores: Ids of the demo's stores.
    """

    def __init__(self, client: OpenSearch, stores: Sequence[str]) -> None:
        self._client = client
        self._of_stores: Query = {"terms": {"store.id": list(stores)}}
        self._most = len(stores)

    def remove(self) -> None:
        """Take away what an earlier demo left, and an index that is empty then; other stores' stay."""
        indices = list(self._client.indices.get(index=ALL))
        # For a minute a deletion counts as newer than what it deleted, which could not come again until then.
        self._remember_deletions(indices, "0s")
        self._client.delete_by_query(
            index=ALL,
            body={"query": self._of_stores},
            params={"conflicts": "proceed", "refresh": "true", "ignore_unavailable": "true"},
        )
        # An index keeps the mapping that it was made with; a new one is as the templates are now.
        empty = [index for index in indices if self._client.count(index=index)["count"] == 0]
        for index in empty:
            self._client.indices.delete(index=index)
        kept = [index for index in indices if index not in empty]
        if kept:
            time.sleep(FORGETTING_SECONDS)
            self.refresh()
        self._remember_deletions(kept, None)

    def _remember_deletions(self, indices: Sequence[str], how_long: str | None) -> None:
        for index in indices:
            self._client.indices.put_settings(index=index, body={"index.gc_deletes": how_long})

    def refresh(self) -> None:
        """Let a search see everything that was written until now."""
        self._client.indices.refresh(index=ALL)

    def rows(self) -> int:
        """Rows that can be found so far; 0 while an index is being made."""
        params = {"ignore_unavailable": "true"}
        try:
            found = self._client.count(index=ROWS, body={"query": self._of_stores}, params=params)
        except TransportError as error:
            if error.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return 0
        return int(found["count"])

    def totals(self, aggregations: Query, *filters: Query, index: str = CALLS) -> Mapping[str, Any]:
        """Count and sum.

        Args:
            aggregations: By name, as OpenSearch takes them.
            filters: Which documents; all without any.
            index: Where.

        Returns:
            What each aggregation gives.
        """
        body = {"size": 0, "query": self._query(filters), "aggs": aggregations}
        found: Mapping[str, Any] = self._client.search(index=index, body=body)["aggregations"]
        return found

    def by_store(
        self, aggregations: Query, *filters: Query, index: str = CALLS
    ) -> dict[str, Mapping[str, Any]]:
        """Count and sum for each store that has any such document: its bucket by its id."""
        terms = {"field": "store.id", "size": self._most}
        found = self.totals({"stores": {"terms": terms, "aggs": aggregations}}, *filters, index=index)
        return {bucket["key"]: bucket for bucket in found["stores"]["buckets"]}

    def latest(self, *filters: Query) -> tuple[int, Mapping[str, Any] | None]:
        """How many calls there are of a kind, and the latest of them."""
        body = {
            "size": 1,
            "track_total_hits": True,
            "query": self._query(filters),
            "sort": [{"@timestamp": "desc"}, {"event.id": "asc"}],
        }
        hits = self._client.search(index=CALLS, body=body)["hits"]
        return hits["total"]["value"], (hits["hits"][0]["_source"] if hits["hits"] else None)

    def every_call(self, fields: Sequence[str], *filters: Query) -> Iterator[Mapping[str, Any]]:
        """These fields of each call, in no order."""
        body = {"query": self._query(filters), "_source": list(fields)}
        for hit in scan(self._client, index=CALLS, query=body, size=PAGE):
            yield hit["_source"]

    def healed(self) -> int:
        """Differences between agents' states of their PBX and its own, as the agents tell."""
        total = {"differences": {"sum": {"field": "store.ami_resync_differences"}}}
        return int(self.totals(total, index=STORES)["differences"]["value"])

    def _query(self, filters: Sequence[Query]) -> Query:
        return {"bool": {"filter": [self._of_stores, *filters], "must_not": MERGED}}
