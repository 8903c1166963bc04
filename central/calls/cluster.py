"""Calls are read in their order, page by page; what head office adds to them is written in bulk."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Generic, NamedTuple, TypeVar

from opensearchpy import OpenSearch, exceptions

from central.client import Connection, translated
from central.errors import CentralError

INDICES: Final = "pabx-calls-*"
MERGED: Final[dict[str, Any]] = {"exists": {"field": "call.merged_into"}}
"""Of a call that turned out to be a part of another one: it is passed over everywhere."""

_PAGE: Final = 2_000
_BULK: Final = 1_000
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)  # seconds before an overloaded cluster is asked again
# All that the writer owns goes first, so that nothing of an earlier run stays.
_SCRIPT: Final = """
for (def name : params.owned) {
  ctx._source.call.remove(name);
}
ctx._source.call.putAll(params.found);
"""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call's document is, and which state of it was read.

    Attributes:
        index: where it is.
        document_id: its `_id`.
        seq_no: which write of the shard it is of; with the primary term it tells a later one.
        primary_term: of that write.
    """

    index: str
    document_id: str
    seq_no: int
    primary_term: int


def place_of(hit: dict[str, Any]) -> Place:
    """Give the place of a search's hit."""
    return Place(hit["_index"], hit["_id"], hit["_seq_no"], hit["_primary_term"])


class Change(NamedTuple):
    """What a call's document is to say.

    Attributes:
        place: as it was read.
        fields: fields below `call`; they take the place of all that the writer owns.
    """

    place: Place
    fields: dict[str, Any]


class StoredCalls:
    """The calls of one cluster.

    Args:
        client: connected.
        connection: for what a failure says.
        owned: names below `call` that are this user's alone.
        what: what is written, for what a refusal says, such as `cost`.
    """

    def __init__(self, client: OpenSearch, connection: Connection, owned: Sequence[str], what: str) -> None:
        self._client = client
        self._connection = connection
        self._owned = list(owned)
        self._what = what

    def refresh(self) -> None:
        """Let a search see everything that was written until now.

        Raises:
            CentralError: the cluster fails or refuses it, as with the methods below.
        """
        self._ask(f"refreshing {INDICES}", lambda: self._client.indices.refresh(index=INDICES))

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for figures or for a page of calls; a shard that does not answer is an error.

        Its calls would be missing from what is counted.
        """
        params = {"allow_partial_search_results": "false"}
        answer: dict[str, Any] = self._ask(
            f"reading {INDICES}", lambda: self._client.search(index=INDICES, body=body, params=params)
        )
        return answer

    def scan(self, query: dict[str, Any], fields: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give the hits of a query, in the order of (`@timestamp`, `_id`).

        What is written meanwhile moves no call, so each is given once; a call that arrives behind the page
        that is read is left to the next run.
        """
        body: dict[str, Any] = {
            "query": query,
            "sort": [{"@timestamp": "asc"}, {"event.id": "asc"}],
            "size": _PAGE,
            "_source": list(fields),
            "seq_no_primary_term": True,
            "track_total_hits": False,
        }
        while True:
            hits = self.search(body)["hits"]["hits"]
            yield from hits
            if len(hits) < _PAGE:
                return
            body["search_after"] = hits[-1]["sort"]

    def write(self, wanted: Sequence[Change]) -> list[bool]:
        """Write changes.

        Returns:
            For each whether it was written; False: the document changed or went since it was read.
        """
        done = [False] * len(wanted)
        left = list(range(len(wanted)))
        for pause in (*_PAUSES, None):
            items = self._bulk([wanted[number] for number in left])
            busy = []
            for number, item in zip(left, items, strict=True):
                status = item["update"]["status"]
                if status == HTTPStatus.TOO_MANY_REQUESTS:
                    busy.append(number)
                elif status not in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
                    done[number] = self._written(wanted[number].place, item["update"])
            left = busy
            if not left:
                return done
            if pause is not None:
                time.sleep(pause)
        raise CentralError(_overloaded(f"writing {INDICES}", f"{len(left)} calls are still refused"))

    def _bulk(self, wanted: Sequence[Change]) -> list[dict[str, Any]]:
        body: list[dict[str, Any]] = []
        for place, fields in wanted:
            target = {"_index": place.index, "_id": place.document_id}
            state = {"if_seq_no": place.seq_no, "if_primary_term": place.primary_term}
            params = {"found": fields, "owned": self._owned}
            body += [
                {"update": target | state},
                {"script": {"lang": "painless", "source": _SCRIPT, "params": params}},
            ]
        answer = self._ask(f"writing {INDICES}", lambda: self._client.bulk(body=body))
        items: list[dict[str, Any]] = answer["items"]
        return items

    def _written(self, place: Place, item: dict[str, Any]) -> bool:
        if item["status"] != HTTPStatus.OK:
            error = item.get("error", {})
            cause = error.get("caused_by") or error
            raise CentralError(
                f"{place.index}: the cluster refuses the {self._what} of call {place.document_id} "
                f"({item['status']}: {cause.get('reason')}): "
                "mend that and run it again, what was written stays"
            )
        return True

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
        raise CentralError(_overloaded(part, reason))


class Writer(Generic[Item]):
    """Collects what is to be written and writes it by the thousand.

    Args:
        write: writes some, and says of each whether it was; None: nothing is written, as if each had been.
        tell: called with each, and whether it was written.
    """

    def __init__(
        self, write: Callable[[list[Item]], list[bool]] | None, tell: Callable[[Item, bool], None]
    ) -> None:
        self._write = write
        self._tell = tell
        self._waiting: list[Item] = []

    def add(self, item: Item) -> None:
        """Take one; writes when there are enough."""
        self._waiting.append(item)
        if len(self._waiting) == _BULK:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        wanted, self._waiting = self._waiting, []
        if wanted:
            done = self._write(wanted) if self._write else [True] * len(wanted)
            for item, written in zip(wanted, done, strict=True):
                self._tell(item, written)


def _overloaded(part: str, reason: str) -> str:
    return f"{part}: the cluster is overloaded (429: {reason}): run it again later, what was written stays"
