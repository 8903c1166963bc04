"""Gives documents that are in the indices already the names that the register has for their days.

A write raises a document's version by one, as `central rate` does: the next state that a store sends of a
call is at least 1,024 above the one before, so it still wins. One that comes meanwhile is left alone:
update_by_query writes only what nobody wrote since it was read (`if_seq_no`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from opensearchpy import OpenSearch

from central.client import Connection, translated
from central.errors import CentralError
from central.stores.pipeline import names_of
from central.stores.register import NAMES, Line, Register

_INDICES: Final = "pabx-*,-pabx-stores"
_ONE_REQUEST: Final = 10_000  # documents, so that it ends well before the client stops waiting
_SCRIPT: Final = """
for (def name : params.gone) { ctx._source.store.remove(name); }
ctx._source.store.putAll(params.names);
"""

Query = dict[str, Any]


@dataclass
class Past:
    """What became of the documents that were there before.

    Attributes:
        documents: store -> how many were written, or would be.
        conflicts: documents that were written by others meanwhile and keep their names for now.
        closed: indices that could not be looked into.
    """

    documents: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0
    closed: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON. Names: docs/stores.md."""
        return {"documents": self.documents, "conflicts": self.conflicts, "closed_indices": self.closed}

    def lines(self, *, dry_run: bool) -> Iterator[str]:
        """Give it for a person."""
        would = "would get" if dry_run else "got"
        for name, count in self.documents.items():
            yield f"{name}: {count:,} documents {would} the register's names"
        if not self.documents:
            yield "all documents have the register's names already"
        if self.conflicts:
            yield f"{self.conflicts:,} documents were written by others meanwhile: run it again"
        if self.closed:
            closed = ", ".join(self.closed)
            yield f"not looked into, because they are closed: {closed}: open them, run it again"


def rewrite(client: OpenSearch, connection: Connection, register: Register, *, dry_run: bool) -> Past:
    """Name the documents of every store of the register anew.

    Raises:
        CentralError: the cluster fails or refuses it; what was written stays, running it again goes on.
    """
    found = Past()
    with translated(connection, f"documents in {_INDICES}"):
        found.closed = sorted(client.indices.get(index="pabx-*", params={"expand_wildcards": "closed"}))
        client.indices.refresh(index=_INDICES, params={"expand_wildcards": "open"})
        for store, lines in sorted(register.items()):
            for query, names in _spans(store, lines):
                count = _count(client, query) if dry_run else _write(client, query, names, found)
                if count:
                    found.documents[store] = found.documents.get(store, 0) + count
    return found


def _count(client: OpenSearch, query: Query) -> int:
    params = {"expand_wildcards": "open"}
    answer = client.count(index=_INDICES, body={"query": query}, params=params)
    return int(answer["count"])


def _write(client: OpenSearch, query: Query, names: dict[str, str], found: Past) -> int:
    gone = [name for name in NAMES if name not in names]
    script = {"lang": "painless", "source": _SCRIPT, "params": {"names": names, "gone": gone}}
    body = {"query": query, "script": script, "max_docs": _ONE_REQUEST}
    params = {
        # Past the ingest pipeline: it would judge and stamp the document as a new one.
        "pipeline": "_none",
        "conflicts": "proceed",
        "refresh": "true",
        "expand_wildcards": "open",
    }
    written = 0
    while True:
        answer = client.update_by_query(index=_INDICES, body=body, params=params)
        if answer["failures"]:
            failure = answer["failures"][0]
            reason = failure.get("cause", failure.get("reason", {})).get("reason")
            raise CentralError(
                f"{failure.get('index')}: the cluster refuses the names of a document "
                f"({failure.get('status')}: {reason}): mend that and run it again, what was written stays"
            )
        written += int(answer["updated"])
        if answer["updated"] == 0 or answer["updated"] + answer["version_conflicts"] < _ONE_REQUEST:
            found.conflicts += answer["version_conflicts"]
            return written


def _spans(store: str, lines: tuple[Line, ...]) -> Iterator[tuple[Query, dict[str, str]]]:
    """For each span of days what differs, and the names; before the first day there are none."""
    newer: Line | None = None
    for line in lines:
        yield _differing(store, line, newer, names_of(line)), names_of(line)
        newer = line
    if newer is not None and newer.valid_from:
        yield _differing(store, None, newer, {}), {}


def _differing(store: str, since: Line | None, until: Line | None, names: dict[str, str]) -> Query:
    by_date: dict[str, Any] = {}
    by_time: list[Query] = []
    for line, edge in ((since, "gte"), (until, "lt")):
        if line is not None and line.valid_from:
            by_date[edge] = line.valid_from
            span = {edge: line.valid_from, "time_zone": line.timezone}
            by_time.append({"range": {"@timestamp": span}})
    has_date = {"exists": {"field": "local.date"}}
    days = [
        {"bool": {"filter": [has_date, *([{"range": {"local.date": by_date}}] if by_date else [])]}},
        {"bool": {"filter": by_time, "must_not": [has_date]}},
    ]
    right = {
        "bool": {
            "filter": [{"term": {f"store.{name}": value}} for name, value in names.items()],
            "must_not": [{"exists": {"field": f"store.{name}"}} for name in NAMES if name not in names],
        }
    }
    # Whose a document is that the gate refused nobody knows, whatever it says of itself.
    refused = {"term": {"quarantine.stage": "gate"}}
    return {
        "bool": {
            "filter": [{"term": {"store.id": store}}, {"bool": {"should": days}}],
            "must_not": [right, refused],
        }
    }
