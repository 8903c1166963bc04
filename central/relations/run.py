"""Which calls are related in a run, store by store, span by span. Reads and writes the cluster."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from opensearchpy import OpenSearch

from central import clock
from central.calls.cluster import MERGED, Change, StoredCalls, Writer
from central.client import Connection
from central.relations.callbacks import WAITING, Asked, Callback
from central.relations.documents import FIELDS, OWNED, Found, found_of
from central.relations.report import Report
from central.relations.spans import END, Span, joined
from central.relations.stream import related
from central.relations.trunks import HELD_MS

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_BUCKETS: Final = 1_000
# A day of some store's calendar begins so long before the day in UTC, and ends so long after it.
_EARLIEST, _LATEST = timedelta(hours=14), timedelta(hours=12)
_HAS_TRUNK: Final = {
    "bool": {
        "filter": [{"exists": {"field": "call.trunk"}}],
        "must_not": [{"exists": {"field": "call.trunk_calls"}}, {"term": {"call.direction": "internal"}}],
    }
}
_UNSETTLED: Final = {
    "bool": {
        "filter": [{"term": {"call.missed": True}}],
        "must_not": [{"exists": {"field": "call.callback.state"}}],
    }
}
_WAITING: Final = {"term": {"call.callback.state": WAITING}}
_PENDING: Final = {"bool": {"should": [_HAS_TRUNK, _UNSETTLED, _WAITING]}}


class Days(NamedTuple):
    """Days by the stores' calendars.

    Attributes:
        since: the first one.
        until: the last one, included; None: no end.
    """

    since: date
    until: date | None


def cluster_time(client: OpenSearch, connection: Connection) -> datetime:
    """Give the time by the cluster's clock, UTC: whoever asks may have a wrong one.

    Raises:
        CentralError: the cluster fails or refuses it.
    """
    stored = StoredCalls(client, connection, OWNED, "relations")
    return clock.told(stored.search({"size": 0, "aggs": clock.asking("@timestamp")}))


def relate_calls(
    client: OpenSearch,
    connection: Connection,
    period: Days | int,
    within: timedelta,
    now: datetime,
    *,
    dry_run: bool,
) -> Report:
    """Relate calls to each other and write what differs.

    Args:
        client: connected.
        connection: for what a failure says.
        period: its calls are looked at; a number: those of so many days until `now`, and what is around every
            call that lacks what is to stand there, or waits.
        within: how long after its end a missed call counts as called back.
        now: in UTC; a missed call whose time is not over then waits.
        dry_run: writes nothing.

    Returns:
        What was found, or with `dry_run` would be done.

    Raises:
        CentralError: the cluster fails or refuses it; what was written until then stays.
    """
    run = _Run(StoredCalls(client, connection, OWNED, "relations"), Report(dry_run), within, now)
    run.stored.refresh()
    for span in joined(run.spans(period)):
        run.relate(span)
    run.writer.flush()
    if run.report.changed and not dry_run:
        run.stored.refresh()  # else a run right after this one would read what was before
    return run.report


class _Run:
    def __init__(self, stored: StoredCalls, report: Report, within: timedelta, now: datetime) -> None:
        self.stored = stored
        self.report = report
        self._within = within // timedelta(milliseconds=1)
        self._now = _milliseconds(now)
        self.writer = Writer[Change](
            None if report.dry_run else stored.write, lambda _, written: report.count_write(written)
        )

    def spans(self, period: Days | int) -> Iterator[Span]:
        """Give the spans of the stores; they may overlap."""
        if isinstance(period, Days):
            since, until = _bounds(period)
            yield from (Span(store, since, until) for store, _ in self._days(_begun(since, until)))
            return
        since = self._now - period * _DAY_MS
        yield from (Span(store, since, END) for store, _ in self._days(_begun(since, END)))
        # A call that came late changes missed calls before it, and what began while it went on.
        before, after = self._within + HELD_MS, _DAY_MS + HELD_MS
        for store, day in self._days(_PENDING):
            yield Span(store, day - before, day + after)

    def _days(self, query: dict[str, Any]) -> Iterator[tuple[str, int]]:
        """The stores and days (UTC, their first moment) on which calls that a query finds began."""
        sources = [
            {"store": {"terms": {"field": "store.id"}}},
            {"day": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1d"}}},
        ]
        composite: dict[str, Any] = {"size": _BUCKETS, "sources": sources}
        body = {"size": 0, "query": _calls([query]), "aggs": {"days": {"composite": composite}}}
        while True:
            found = self.stored.search(body).get("aggregations", {}).get("days", {})
            for bucket in found.get("buckets", ()):
                yield bucket["key"]["store"], bucket["key"]["day"]
            if "after_key" not in found:
                return
            composite["after"] = found["after_key"]

    def relate(self, span: Span) -> None:
        """Look at the calls of a span, and write what differs."""
        going_on = [_begun(span.since - HELD_MS, span.since), _range("event.end", gt=span.since)]
        some = {"bool": {"should": [_begun(span.since, END), {"bool": {"filter": going_on}}]}}
        query = _calls([{"term": {"store.id": span.store}}, some])
        asked = Asked(span.since, span.until, self._within, self._now)
        calls = map(found_of, self.stored.scan(query, FIELDS))
        for found, trunk_calls, callback in related(calls, asked):
            self._settle(span.store, found, trunk_calls, callback)

    def _settle(self, store: str, found: Found, trunk_calls: int | None, callback: Callback | None) -> None:
        fields = found.wanted(trunk_calls, callback)
        self.report.count(store, found, fields)
        if fields == found.said:
            self.report.unchanged += 1
        else:
            self.writer.add(Change(found.place, fields))


def _calls(filters: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"filter": list(filters), "must_not": [MERGED]}}


def _begun(since: int, until: int) -> dict[str, Any]:
    return _range("@timestamp", gte=since, lt=until)


def _range(field: str, **bounds: int) -> dict[str, Any]:
    return {"range": {field: {**bounds, "format": "epoch_millis"}}}


def _bounds(days: Days) -> tuple[int, int]:
    """From the first to the last moment that may belong to them by any store's calendar."""
    since = datetime.combine(days.since, datetime.min.time(), UTC) - _EARLIEST
    if days.until is None:
        return _milliseconds(since), END
    last = datetime.combine(days.until, datetime.min.time(), UTC)
    return _milliseconds(since), _milliseconds(last + timedelta(days=1) + _LATEST)


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
