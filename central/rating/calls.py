"""The calls in the cluster: read in their order, page by page; what they cost is written in bulk."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any, Final

from opensearchpy import OpenSearch, exceptions

from central.client import Connection, translated
from central.errors import CentralError
from central.rating.rate import Call, Cost, Unrated

INDICES: Final = "pabx-calls-*"
Decision = Cost | Unrated | None

_PAGE: Final = 2_000
_BULK: Final = 1_000
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)  # seconds before an overloaded cluster is asked again
_FIELDS: Final = ["store.id", "local.date", "call.cost", "call.unrated"] + [
    f"call.{name}"
    for name in (
        "billable_seconds",
        "billable_trunk",
        "billable_category",
        "trunk",
        "category",
        "prefix",
        "collect",
    )
]
# Both go first: a call has an amount or a reason, never both, and nothing of an earlier run stays.
_SCRIPT: Final = """
ctx._source.call.remove('cost');
ctx._source.call.remove('unrated');
ctx._source.call.putAll(params.found);
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A call's document, and what it says of its cost.

    Attributes:
        index: where it is.
        document_id: its `_id`.
        seq_no: which write of the shard it is of; with the primary term it tells a later one.
        primary_term: of that write.
        call: what it is rated by.
        cost: amount, currency and tariff as they stand there; None: it has none.
        unrated: the reason that stands there; None: it has none.
    """

    index: str
    document_id: str
    seq_no: int
    primary_term: int
    call: Call
    cost: tuple[Decimal | None, Any, Any] | None
    unrated: str | None

    def has(self, decision: Decision) -> bool:
        """Tell whether the document says exactly this already."""
        if isinstance(decision, Cost):
            wanted = (decision.amount, decision.currency, decision.tariff)
            return self.unrated is None and self.cost == wanted
        return self.cost is None and self.unrated == (None if decision is None else decision.reason)


class Calls:
    """The calls of one cluster.

    Args:
        client: connected.
        connection: for what a failure says.
    """

    def __init__(self, client: OpenSearch, connection: Connection) -> None:
        self._client = client
        self._connection = connection

    def refresh(self) -> None:
        """Let a search see everything that was written until now.

        Raises:
            CentralError: the cluster fails or refuses it, as with the methods below.
        """
        self._ask(f"refreshing {INDICES}", lambda: self._client.indices.refresh(index=INDICES))

    def scan(self, query: dict[str, Any]) -> Iterator[Found]:
        """Give what a query finds, in the order of (`@timestamp`, `_id`).

        A cost that is written meanwhile moves no call, so each is given once; a call that arrives behind the
        page that is read is left to the next run.
        """
        body: dict[str, Any] = {
            "query": query,
            "sort": [{"@timestamp": "asc"}, {"event.id": "asc"}],
            "size": _PAGE,
            "_source": _FIELDS,
            "seq_no_primary_term": True,
            "track_total_hits": False,
        }
        # A shard that does not answer must be an error: its calls would be missing from the bundles.
        params = {"allow_partial_search_results": "false"}
        while True:
            answer = self._ask(
                f"reading {INDICES}", lambda: self._client.search(index=INDICES, body=body, params=params)
            )
            hits = answer["hits"]["hits"]
            yield from map(_found, hits)
            if len(hits) < _PAGE:
                return
            body["search_after"] = hits[-1]["sort"]

    def write(self, wanted: list[tuple[Found, Decision]]) -> list[bool]:
        """Write costs and reasons.

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
                    done[number] = _written(wanted[number][0], item["update"])
            left = busy
            if not left:
                return done
            if pause is not None:
                time.sleep(pause)
        raise CentralError(_overloaded(f"writing {INDICES}", f"{len(left)} calls are still refused"))

    def _bulk(self, wanted: list[tuple[Found, Decision]]) -> list[dict[str, Any]]:
        body: list[dict[str, Any]] = []
        for found, decision in wanted:
            target = {"_index": found.index, "_id": found.document_id}
            place = {"if_seq_no": found.seq_no, "if_primary_term": found.primary_term}
            params = {"found": _fields(decision)}
            body += [
                {"update": target | place},
                {"script": {"lang": "painless", "source": _SCRIPT, "params": params}},
            ]
        answer = self._ask(f"writing {INDICES}", lambda: self._client.bulk(body=body))
        items: list[dict[str, Any]] = answer["items"]
        return items

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


class Writer:
    """Collects what is to be written and writes it by the thousand.

    Args:
        calls: where to; None: nothing is written, as if each write had succeeded.
        tell: called with each call, what was decided, and whether it was written.
    """

    def __init__(self, calls: Calls | None, tell: Callable[[Found, Decision, bool], None]) -> None:
        self._calls = calls
        self._tell = tell
        self._waiting: list[tuple[Found, Decision]] = []

    def add(self, found: Found, decision: Decision) -> None:
        """Take one; writes when there are enough."""
        self._waiting.append((found, decision))
        if len(self._waiting) == _BULK:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        wanted, self._waiting = self._waiting, []
        if wanted:
            done = self._calls.write(wanted) if self._calls else [True] * len(wanted)
            for (found, decision), written in zip(wanted, done, strict=True):
                self._tell(found, decision, written)


def _fields(decision: Decision) -> dict[str, Any]:
    if isinstance(decision, Cost):
        # Four decimals pass through a float unchanged: the index keeps ten-thousandths as whole numbers.
        amount = float(decision.amount)
        return {"cost": {"amount": amount, "currency": decision.currency, "tariff": decision.tariff}}
    return {} if decision is None else {"unrated": decision.reason}


def _written(found: Found, item: dict[str, Any]) -> bool:
    if item["status"] != HTTPStatus.OK:
        error = item.get("error", {})
        cause = error.get("caused_by") or error
        raise CentralError(
            f"{found.index}: the cluster refuses the cost of call {found.document_id} ({item['status']}: "
            f"{cause.get('reason')}): mend that and run it again, what was written stays"
        )
    return True


def _overloaded(part: str, reason: str) -> str:
    return f"{part}: the cluster is overloaded (429: {reason}): run it again later, what was written stays"


def _found(hit: dict[str, Any]) -> Found:
    source = hit["_source"]
    call = source.get("call", {})
    cost = call.get("cost")
    return Found(
        hit["_index"],
        hit["_id"],
        hit["_seq_no"],
        hit["_primary_term"],
        Call(
            store=source["store"]["id"],
            day=_day(source.get("local", {}).get("date")),
            seconds=_seconds(call.get("billable_seconds")),
            # Of an inbound call that went on to an outside number, that way out is what costs.
            trunk=call.get("billable_trunk") or call.get("trunk"),
            category=call.get("billable_category") or call.get("category"),
            prefix=call.get("prefix"),
            collect=call.get("collect") is True,
        ),
        None if cost is None else (_decimal(cost.get("amount")), cost.get("currency"), cost.get("tariff")),
        call.get("unrated"),
    )


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _seconds(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
