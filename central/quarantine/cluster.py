"""The quarantine in the cluster: read by the page, documents sent again and taken out by the hundred."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final

from opensearchpy import OpenSearch, exceptions
from opensearchpy.helpers import scan
from opensearchpy.helpers.errors import ScanError

from central.client import Connection, translated
from central.errors import CentralError
from central.quarantine.kept import INDICES, Kept, Send

_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)  # seconds before an overloaded cluster is asked again
_GROUPS: Final = 500
_STORES: Final = 10_000

Query = dict[str, Any]
Item = dict[str, Any]


class Cluster:
    """The quarantine of one cluster.

    Args:
        client: connected.
        connection: for what a failure says.

    Every method raises CentralError where the cluster fails or refuses it.
    """

    def __init__(self, client: OpenSearch, connection: Connection) -> None:
        self._client = client
        self._connection = connection

    def groups(self, query: Query) -> Iterator[dict[str, Any]]:
        """Give what was refused alike: buckets of stage, rule, path and dataset."""
        fields = ("stage", "rule", "path", "dataset")
        composite: dict[str, Any] = {
            "size": _GROUPS,
            "sources": [
                {name: {"terms": {"field": f"quarantine.{name}", "missing_bucket": True}}} for name in fields
            ],
        }
        one = {"size": 1, "sort": [{"@timestamp": "desc"}], "_source": ["error.message"]}
        within = {
            "stores": {"terms": {"field": "store.id", "size": _STORES}},
            "first": {"min": {"field": "@timestamp"}},
            "last": {"max": {"field": "@timestamp"}},
            "erased": {"filter": {"term": {"tags": "erased"}}},
            "example": {"top_hits": one},
        }
        body = {"size": 0, "query": query, "aggs": {"groups": {"composite": composite, "aggs": within}}}
        while True:
            answer = self._search(INDICES, body)
            # Without any index there are no aggregations.
            found = answer.get("aggregations", {}).get("groups", {})
            yield from found.get("buckets", [])
            if "after_key" not in found:
                return
            composite["after"] = found["after_key"]

    def found(self, query: Query) -> list[Kept]:
        """Give the first documents that a query finds: for a few, as those of one `_id`."""
        body = {"query": query, "size": 100, "seq_no_primary_term": True}
        return [_kept(hit) for hit in self._search(INDICES, body)["hits"]["hits"]]

    def places(self, query: Query, size: int) -> Iterator[list[tuple[str, str]]]:
        """Give index and `_id` of all that a query finds as it is now, `size` at a time."""
        self._ask(f"refreshing {INDICES}", lambda: self._client.indices.refresh(index=INDICES))
        batch: list[tuple[str, str]] = []
        hits = scan(self._client, query={"query": query, "_source": False}, index=INDICES, size=size)
        try:
            with translated(self._connection, f"reading {INDICES}"):
                for hit in hits:
                    batch.append((hit["_index"], hit["_id"]))
                    if len(batch) == size:
                        yield batch
                        batch = []
        except ScanError as error:
            raise CentralError(f"reading {INDICES}: {error}: look at its health, then try again") from error
        if batch:
            yield batch

    def read(self, places: Sequence[tuple[str, str]]) -> list[Kept]:
        """Give these documents as they are this moment; those that are gone are left out."""
        if not places:
            return []
        body = {"docs": [{"_index": index, "_id": key} for index, key in places]}
        answer = self._ask(f"reading {INDICES}", lambda: self._client.mget(body=body))
        return [_kept(document) for document in answer["docs"] if document.get("found")]

    def states(self, indices: str, keys: Sequence[str]) -> dict[str, int | None]:
        """Give those of these `_id`s that are in the indices, with the newest event.sequence of each."""
        body = {"query": {"ids": {"values": list(keys)}}, "size": 10_000, "_source": ["event.sequence"]}
        found: dict[str, int | None] = {}
        for hit in self._search(indices, body)["hits"]["hits"] if keys else ():
            sequence = hit["_source"].get("event", {}).get("sequence")
            known = found.get(hit["_id"])
            newest = max((value for value in (known, sequence) if isinstance(value, int)), default=None)
            found[hit["_id"]] = newest
        return found

    def became_another(self, call: dict[str, Any]) -> bool:
        """Whether the rows of a call are all part of another call by now.

        Writing straight to the cluster, an agent deletes such a call; the cluster forgets a deletion after a
        minute, and an old state of the call would come back and count twice.
        """
        linked = call.get("call", {}).get("linked_ids")
        if not isinstance(linked, list) or not linked or not all(isinstance(name, str) for name in linked):
            return False  # the pipeline judges it
        rows = [{"term": {"store.id": call["store"]["id"]}}, {"terms": {"cdr.linkedid": linked}}]
        own = {"term": {"call.id": call["event"]["id"]}}
        told = {"exists": {"field": "call.id"}}
        body = {"size": 0, "query": {"bool": {"filter": [*rows, told]}}, "aggs": {"own": {"filter": own}}}
        answer = self._search("pabx-cdr-*", body)
        if not answer.get("aggregations"):
            return False
        return bool(answer["hits"]["total"]["value"] and not answer["aggregations"]["own"]["doc_count"])

    def send(self, wanted: Sequence[Send]) -> list[Item]:
        """Send documents through the pipeline; gives what became of each."""
        lines = [
            line
            for send in wanted
            for line in ({send.operation: {"_index": send.index, "_id": send.id}}, send.document)
        ]
        return self._bulk(lines)

    def send_over(self, wanted: Iterable[tuple[Send, Kept]]) -> list[Item]:
        """Send documents so that a refusal takes the place of what is kept, and of nothing else.

        Should the pipeline take one after all, there is no such write at its index: nothing happens.
        """
        lines: list[dict[str, Any]] = []
        for send, kept in wanted:
            lines += [{"index": {"_index": send.index, "_id": send.id} | _unchanged(kept)}, send.document]
        return self._bulk(lines)

    def replace(self, wanted: Iterable[tuple[Kept, dict[str, Any]]]) -> list[Item]:
        """Write documents of the quarantine anew, past the pipeline, unless they changed."""
        lines: list[dict[str, Any]] = []
        for kept, source in wanted:
            lines += [{"index": {"_index": kept.index, "_id": kept.id} | _unchanged(kept)}, source]
        return self._bulk(lines, pipeline="_none")

    def remove(self, documents: Iterable[Kept]) -> list[bool]:
        """Take documents out of the quarantine, unless they changed; tells which are gone."""
        lines = [{"delete": {"_index": kept.index, "_id": kept.id} | _unchanged(kept)} for kept in documents]
        gone = {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
        return [item["status"] in gone for item in self._bulk(lines)]

    def _search(self, indices: str, body: dict[str, Any]) -> dict[str, Any]:
        # A shard that does not answer must be an error: documents would be missing.
        params = {"allow_partial_search_results": "false", "ignore_unavailable": "true"}
        answer: dict[str, Any] = self._ask(
            f"reading {indices}", lambda: self._client.search(index=indices, body=body, params=params)
        )
        return answer

    def _bulk(self, lines: list[dict[str, Any]], pipeline: str = "") -> list[Item]:
        if not lines:
            return []
        # Not a character is lost this way: half a surrogate pair is no UTF-8.
        body = "".join(json.dumps(line) + "\n" for line in lines)
        params = {"pipeline": pipeline} if pipeline else {}
        answer = self._ask("writing", lambda: self._client.bulk(body=body, params=params))
        return [next(iter(item.values())) for item in answer["items"]]

    def _ask(self, part: str, request: Callable[[], Any]) -> Any:
        reason = ""
        with translated(self._connection, part):
            for pause in (*_PAUSES, None):
                try:
                    return request()
                except exceptions.TransportError as error:
                    if error.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                        raise
                    reason = str(error.error)
                if pause is not None:
                    time.sleep(pause)
        raise CentralError(f"{part}: the cluster is overloaded (429: {reason}): run it again later")


def _unchanged(kept: Kept) -> dict[str, int]:
    return {"if_seq_no": kept.seq_no, "if_primary_term": kept.primary_term}


def _kept(hit: dict[str, Any]) -> Kept:
    return Kept(hit["_index"], hit["_id"], hit["_seq_no"], hit["_primary_term"], hit["_source"])
