"""Count and content hash of a store, by the table itself and by the index: both must be the same.

The two sides are computed apart: from SQL and a zone conversion of its own here, from the search
API there; nothing of the shipper takes part in rows. Calls are compared with the shipper's own pure
assembly of all rows at once; whether that is right, `tests/assembly` judges.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

from compose.stack import OpenSearchCluster
from shipper import __version__
from shipper.assembly import CallBuilder, Leg, join, leg_of
from shipper.document.cdr import CdrBuilder
from shipper.document.model import Origin
from shipper.document.privacy import Privacy
from shipper.numbering import reader

INTEGERS = {"duration", "billsec", "amaflags", "sequence"}


class Content(NamedTuple):
    """How many rows, and the SHA-256 over all of them in a fixed order."""

    rows: int
    sha256: str


def of_table(connection: Any, zone: str, table: str = "cdr") -> Content:
    """A store's distinct rows as they stand in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return _content(_canonical(dict(zip(names, row, strict=True)), ZoneInfo(zone)) for row in cursor)


def of_index(cluster: OpenSearchCluster, store: str) -> Content:
    """A store's documents as they stand in the index."""
    cluster.request("POST", "/pabx-*/_refresh")
    found: list[str] = []
    query: dict[str, Any] = {
        "size": 5000,
        "_source": ["cdr"],
        "query": {"term": {"store.id": store}},
        "sort": [{"event.id": "asc"}],
    }
    while hits := _hits(cluster, query):
        found += [json.dumps(hit["_source"]["cdr"], sort_keys=True, ensure_ascii=False) for hit in hits]
        query["search_after"] = hits[-1]["sort"]
    return Content(len(found), _hash(found))


def calls_of_table(connection: Any, store: str, zone: str) -> Content:
    """A store's calls, by the pure assembly of all rows as they stand in the database, at once."""
    read = reader("BR", "")
    privacy = Privacy("clear", "", read)
    origin = Origin(store, zone, __version__)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM cdr")
        names = [column[0] for column in cursor.description]
        rows = CdrBuilder(origin, names, privacy)
        legs: dict[str, Leg] = {}
        for row in cursor:
            cells = [None if value is None else str(value).encode() for value in row]
            understood = rows.read(cells)
            assert understood.moment is not None
            leg = leg_of(understood.cdr, understood.moment.epoch, rows.identity(cells))
            assert leg is not None
            legs[leg.key] = leg
    calls = CallBuilder(origin, (), read, privacy)
    found = [
        json.loads(calls.build(call, "2026-01-01T00:00:00.000Z")[0].body) for call in join(legs.values())
    ]
    return Content(len(found), _hash([_call(body) for body in found]))


def calls_of_index(cluster: OpenSearchCluster, store: str) -> Content:
    """A store's calls as they stand in the index."""
    cluster.request("POST", "/pabx-*/_refresh")
    found: list[str] = []
    query: dict[str, Any] = {
        "size": 5000,
        "query": {
            "bool": {
                "filter": {"term": {"store.id": store}},
                # Through the gate, a call that became part of another leaves a remainder.
                "must_not": {"exists": {"field": "call.merged_into"}},
            }
        },
        "sort": [{"event.id": "asc"}],
    }
    while hits := _hits(cluster, query, "pabx-calls-*"):
        found += [_call(hit["_source"]) for hit in hits]
        query["search_after"] = hits[-1]["sort"]
    return Content(len(found), _hash(found))


def _call(body: dict[str, Any]) -> str:
    """All of a call but when it was made and taken."""
    event = {name: value for name, value in body["event"].items() if name not in {"created", "ingested"}}
    return json.dumps({**body, "event": event}, sort_keys=True, ensure_ascii=False)


def _hits(
    cluster: OpenSearchCluster, query: dict[str, Any], indices: str = "pabx-cdr-*"
) -> list[dict[str, Any]]:
    try:
        hits: list[dict[str, Any]] = cluster.request("POST", f"/{indices}/_search", query)["hits"]["hits"]
    except HTTPError:  # an index that is being made does not answer: whoever waits asks again
        return []
    return hits


def _canonical(row: dict[str, Any], zone: ZoneInfo) -> str:
    """A row as the document's ``cdr`` object should be: no empty columns, the date in UTC."""
    date: datetime = row.pop("calldate")
    cdr = {
        name: value if name in INTEGERS else str(value)
        for name, value in row.items()
        if value not in ("", None)
    }
    cdr["calldate"] = date.replace(tzinfo=zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(cdr, sort_keys=True, ensure_ascii=False)


def _content(rows: Any) -> Content:
    distinct = list(set(rows))  # a row that two backends wrote is one
    return Content(len(distinct), _hash(distinct))


def _hash(rows: list[str]) -> str:
    digest = hashlib.sha256()
    for row in sorted(rows):
        digest.update(row.encode() + b"\n")
    return digest.hexdigest()
