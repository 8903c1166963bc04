"""The stores as head office sees them: the register, each one's latest heartbeat, and who is unregistered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opensearchpy import OpenSearch

from central.client import Connection, translated

_STORES: Final = "pabx-stores"
_DOCUMENTS: Final = "pabx-cdr-*,pabx-calls-*,pabx-audit-*,pabx-quarantine-*"
_MOST: Final = 10_000
_WELL: Final = {"ok", "off"}
"""What a part says of itself that works, or is not wanted."""
_MIB: Final = 1024 * 1024
_AGES: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SHARDS: Final = {"allow_partial_search_results": "false", "ignore_unavailable": "true"}


@dataclass(frozen=True)
class Listed:
    """One store.

    Attributes:
        id: its id.
        store: the fields of its document in `pabx-stores`, see docs/fields.md; empty where it has none.
        agent: version of its agent; None: none has reported.
        documents: how many a store that is not registered has in the indices; None: it is registered.
        latest: `@timestamp` of the latest of them.
    """

    id: str
    store: Mapping[str, Any]
    agent: str | None
    documents: int | None = None
    latest: str | None = None

    @property
    def registered(self) -> bool:
        """Whether `central stores apply` has put it into the register."""
        return self.store.get("registered_at") is not None

    def age_seconds(self, now: datetime) -> int | None:
        """Seconds since the cluster took its latest heartbeat; None: none came yet."""
        try:
            seen = datetime.fromisoformat(self.store["last_seen"])
        except (KeyError, TypeError, ValueError):
            return None
        return max(0, int((now - seen).total_seconds()))

    def wrong(self) -> list[str]:
        """Everything that its agent says is not well."""
        checks = self.store.get("checks") or {}
        found = [f"{part}: {text}" for part, text in sorted(checks.items()) if text not in _WELL]
        if self.store.get("spool_full") and checks.get("spool", "ok") == "ok":
            found.append("spool: full")
        if refused := self.store.get("refused_documents"):
            found.append(f"{refused:,} documents refused")
        upgrade = self.upgrade
        if upgrade and upgrade.get("state") != "done":
            why = f": {upgrade['message']}" if upgrade.get("message") else ""
            found.append(f"upgrade to {upgrade.get('to', '?')} {upgrade.get('state', '?')}{why}")
        return found

    @property
    def upgrade(self) -> Mapping[str, Any] | None:
        """What its agent's last upgrade came to (`at`, `from`, `to`, `state`, `message`); None: none yet."""
        found = self.store.get("upgrade")
        return found if isinstance(found, dict) and found else None

    def as_dict(self, now: datetime, credentials: Mapping[str, str] | None) -> dict[str, Any]:
        """Give it for JSON. Names: docs/stores.md."""
        said = {name: self.store.get(name) for name in ("name", "city", "state", "region", "timezone")}
        spool = ("spool_documents", "spool_bytes", "spool_limit_bytes", "spool_full", "lag_seconds")
        return {
            "id": self.id,
            **said,
            "registered": self.registered,
            "registered_at": self.store.get("registered_at"),
            "valid_from": self.store.get("valid_from"),
            "revoked_at": self.store.get("revoked_at"),
            "credential": None if credentials is None else credentials.get(self.id),
            "status": self.store.get("status"),
            "status_since": self.store.get("status_since"),
            "last_seen": self.store.get("last_seen"),
            "age_seconds": self.age_seconds(now),
            "agent_version": self.agent,
            "upgrade": self.upgrade,
            **{name: self.store.get(name) for name in spool},
            "refused_documents": self.store.get("refused_documents"),
            "wrong": self.wrong(),
            "documents": self.documents,
            "latest": self.latest,
        }


def listed(client: OpenSearch, connection: Connection) -> list[Listed]:
    """Give all stores by their ids: the registered ones, and those that only send.

    Raises:
        CentralError: the cluster cannot be read.
    """
    with translated(connection, f"reading {_STORES}"):
        body: dict[str, Any] = {"size": _MOST, "sort": ["event.id"], "_source": ["store", "agent"]}
        hits = client.search(index=_STORES, body=body, params=_SHARDS)["hits"]["hits"]
    found = {hit["_id"]: _of(hit["_id"], hit["_source"]) for hit in hits}
    registered = [name for name, store in found.items() if store.registered]
    with translated(connection, f"reading {_DOCUMENTS}"):
        latest = {"latest": {"max": {"field": "@timestamp"}}}
        body = {
            "size": 0,
            "query": {"bool": {"must_not": [{"terms": {"store.id": registered}}]}},
            "aggs": {"stores": {"terms": {"field": "store.id", "size": _MOST}, "aggs": latest}},
        }
        aggregations = client.search(index=_DOCUMENTS, body=body, params=_SHARDS).get("aggregations", {})
    for bucket in aggregations.get("stores", {}).get("buckets", ()):
        known = found.get(bucket["key"], Listed(bucket["key"], {}, None))
        when = bucket["latest"].get("value_as_string")
        found[known.id] = Listed(known.id, known.store, known.agent, bucket["doc_count"], when)
    return [found[name] for name in sorted(found)]


def lines(stores: Sequence[Listed], now: datetime, credentials: Mapping[str, str] | None) -> Iterator[str]:
    """Give the stores for a person, a line each, and what is wrong below.

    Args:
        stores: see `listed`.
        now: aware; what ages are counted from.
        credentials: what is known of each store's credential, by its id; None: no column for it.
    """
    if not stores:
        yield "no store is registered: central stores apply FILE.csv"
        return
    head = ["store", "name", "city", "state", "region", "zone", "registered"]
    head += [] if credentials is None else ["credential"]
    head += ["status", "heartbeat (UTC)", "age", "agent", "waiting"]
    rows = [head, *(_row(store, now, credentials) for store in stores)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        cells = [_cell(head[column], row[column], width) for column, width in enumerate(widths)]
        yield "  ".join(cells).rstrip()
    for store in stores:
        yield from (f"{store.id}: {text}" for text in store.wrong())
    yield from _unregistered(stores)
    count = sum(store.registered for store in stores)
    yield f"{count:,} registered, {len(stores) - count:,} not"


def _unregistered(stores: Sequence[Listed]) -> Iterator[str]:
    for store in stores:
        if not store.registered:
            sent = f"{store.documents:,} documents" if store.documents else "heartbeats only"
            latest = f", the latest of {store.latest[:10]}" if store.latest else ""
            yield f"not registered: {store.id}: {sent}{latest}: give it a line in the register's file"


def _row(store: Listed, now: datetime, credentials: Mapping[str, str] | None) -> list[str]:
    said = store.store
    row = [
        store.id,
        *(str(said.get(name) or "-") for name in ("name", "city", "state", "region", "timezone")),
    ]
    row.append(str(said["registered_at"])[:10] if store.registered else "no")
    if credentials is not None:
        row.append("revoked" if said.get("revoked_at") else credentials.get(store.id, "none"))
    seen = str(said["last_seen"])[:16].replace("T", " ") if said.get("last_seen") else "never"
    return [
        *row,
        str(said.get("status") or "-"),
        seen,
        age(store.age_seconds(now)),
        store.agent or "-",
        _waiting(said),
    ]


def _cell(head: str, text: str, width: int) -> str:
    return f"{text:>{width}}" if head in {"age", "waiting"} else f"{text:<{width}}"


def age(seconds: int | None) -> str:
    """Give a span of seconds in the largest unit that fits; None: there is none."""
    if seconds is None:
        return "-"
    size, unit = next(((size, unit) for size, unit in _AGES if seconds >= size), _AGES[-1])
    return f"{seconds // size} {unit}"


def _waiting(said: Mapping[str, Any]) -> str:
    if said.get("spool_documents") is None:
        return "-"
    size = (said.get("spool_bytes") or 0) / _MIB
    return f"{said['spool_documents']:,} ({size:,.1f} MiB)"


def _of(name: str, source: Mapping[str, Any]) -> Listed:
    return Listed(name, source.get("store") or {}, (source.get("agent") or {}).get("version"))
