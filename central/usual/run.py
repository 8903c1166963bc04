"""Learns what is usual for each registered store and writes it into its document; works on the cluster."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from opensearchpy import OpenSearch

from central import bulk
from central.calls.cluster import StoredCalls
from central.client import Connection, translated
from central.stores.apply import INDEX
from central.usual.calendar import calendar_of
from central.usual.counts import counts_of
from central.usual.estimate import Usual, usual_of
from central.usual.report import Report, differs

_MOST_STORES: Final = 10_000
_FIELDS: Final = (
    *("store.timezone", "store.state", "store.city", "store.opening_hours", "store.opening_exceptions"),
    *("store.holidays", "store.closed_from", "store.usual"),
)
_SCRIPT: Final = "ctx._source.store.usual = params.usual"


def learn(client: OpenSearch, connection: Connection, days: int, now: datetime, *, dry_run: bool) -> Report:
    """Learn from the calls of the last days, and write what is usual.

    Args:
        client: connected.
        connection: for what a failure says.
        days: how far back.
        now: by the cluster's clock, aware.
        dry_run: writes nothing.

    Returns:
        What was found, or with `dry_run` would be done.

    Raises:
        CentralError: the cluster fails or refuses it; what was written until then stays.
    """
    report = Report(dry_run)
    stores = _stores(client, connection)
    # A store's day may begin up to 14 hours before the same day in UTC: one more does no harm.
    since = (now - timedelta(days=days + 1)).date()
    counts = counts_of(StoredCalls(client, connection, (), "usual").search, since)
    for name, store in stores.items():
        try:
            calendar = calendar_of(store)
        except ValueError as error:
            report.unusable[name] = str(error)
            continue
        today = calendar.day_of(now.timestamp())
        first = today - timedelta(days=days)
        history = {day: found for day, found in counts.get(name, {}).items() if first <= day < today}
        report.learned[name] = usual_of(history, calendar, today)
    report.changed = [
        name for name, usual in report.learned.items() if differs(usual, stores[name].get("usual", {}))
    ]
    report.not_registered = sorted(counts.keys() - stores.keys())
    if not dry_run:
        _write(client, connection, report.learned, f"{now:%Y-%m-%dT%H:%M:%SZ}")
    return report


def _stores(client: OpenSearch, connection: Connection) -> dict[str, dict[str, Any]]:
    """The registered stores by their ids: the fields of `store` that are asked for."""
    body = {
        "size": _MOST_STORES,
        "query": {"exists": {"field": "store.registered_at"}},
        "sort": ["event.id"],
        "_source": list(_FIELDS),
    }
    params = {"allow_partial_search_results": "false", "ignore_unavailable": "true"}
    with translated(connection, f"reading {INDEX}"):
        client.indices.refresh(index=INDEX, params={"ignore_unavailable": "true"})
        hits = client.search(index=INDEX, body=body, params=params)["hits"]["hits"]
    return {hit["_id"]: hit["_source"].get("store", {}) for hit in hits}


def _write(client: OpenSearch, connection: Connection, learned: dict[str, Usual], now: str) -> None:
    pairs: list[bulk.Pair] = []
    for name, usual in learned.items():
        params = {"usual": usual.as_dict() | {"learned_at": now}}
        script = {"lang": "painless", "source": _SCRIPT, "params": params}
        pairs.append(({"update": {"_id": name, "retry_on_conflict": 5}}, {"script": script}))
    # A store whose document went meanwhile has nothing that could be usual.
    bulk.write(client, connection, INDEX, pairs, "what is usual", passed_over=(HTTPStatus.NOT_FOUND,))
