"""Deletes what is worth nothing any more: calls of now that are a day old, old days of events, old months.

It is the only thing here that deletes whole indices, so it goes by the cluster's clock and by the day or
month in an index's name, and leaves alone whatever has another name. Months go only where it is said how many
stay, and that it is meant.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from opensearchpy import OpenSearch, exceptions

from central import clock
from central.client import Connection, translated
from central.errors import CentralError
from central.retention.months import PATTERNS, over

LIVE: Final = "pabx-live"
EVENTS: Final = "pabx-events-*"
QUARANTINE: Final = "pabx-quarantine-*"
EVENTS_DAYS: Final = 90
_AGE: Final = "now-1d"
_ONE_REQUEST: Final = 10_000  # documents, so that it ends well before the client stops waiting
_DAY: Final = re.compile(r"pabx-events-(\d{4})\.(\d{2})\.(\d{2})")
# A document without the moment cannot be on the panel of now: the pipeline sets it on each.
_OLD_CALLS: Final = {
    "bool": {
        "should": [
            {"range": {"live.as_of": {"lt": _AGE}}},
            {"bool": {"must_not": {"exists": {"field": "live.as_of"}}}},
        ]
    }
}
# What was refused of them cannot be released, see central/quarantine/kept.py.
_OLD_REFUSALS: Final = {
    "bool": {
        "filter": [
            {"term": {"quarantine.dataset": "pabx.live"}},
            {"range": {"event.created": {"lt": _AGE}}},
        ]
    }
}


@dataclass
class Report:
    """What was deleted, or would be.

    Attributes:
        dry_run: nothing was deleted.
        live: documents of `pabx-live`.
        refused: documents of the quarantine that would have gone there.
        events: names of the indices.
        months: names of the monthly ones; None: nobody asked for that.
        months_named: these were only named.
    """

    dry_run: bool
    live: int = 0
    refused: int = 0
    events: list[str] = field(default_factory=list)
    months: list[str] | None = None
    months_named: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON. Names: docs/live.md."""
        return {
            "dry_run": self.dry_run,
            "live": self.live,
            "refused": self.refused,
            "events_indices": self.events,
            **({} if self.months is None else {"months_indices": self.months}),
        }

    def lines(self) -> Iterator[str]:
        """Give it for a person."""
        would = "would be " if self.dry_run else ""
        yield f"{LIVE}: {self.live:,} documents {would}deleted, a day old"
        if self.refused:
            yield f"{QUARANTINE}: {self.refused:,} refused ones of them {would}deleted"
        yield from (f"{name}: {would}deleted" for name in self.events)
        yield f"{EVENTS}: {len(self.events):,} indices {would}deleted"
        if self.months is not None:
            would = "would be " if self.months_named else ""
            yield from (f"{name}: {would}deleted" for name in self.months)
            yield f"{','.join(PATTERNS)}: {len(self.months):,} indices {would}deleted"
            if self.months and self.months_named and not self.dry_run:
                yield "no month was deleted: only a snapshot brings one back; --yes says that it is meant"


def tidy(
    client: OpenSearch,
    connection: Connection,
    events_days: int,
    months: int | None = None,
    *,
    sure: bool = False,
    dry_run: bool,
) -> Report:
    """Delete, or in a dry run count.

    Args:
        client: the cluster.
        connection: where it is, for what a failure says.
        events_days: how many days of events stay.
        months: how many whole months of rows, calls and what belongs to them stay; None: all.
        sure: months are deleted, not only named.
        dry_run: delete nothing.

    Raises:
        CentralError: the cluster fails or refuses it; what is deleted is deleted, run it again.
    """
    report = Report(dry_run)
    report.live = _documents(client, connection, LIVE, _OLD_CALLS, dry_run=dry_run)
    report.refused = _documents(client, connection, QUARANTINE, _OLD_REFUSALS, dry_run=dry_run)
    for name in _old_days(client, connection, events_days):
        if not dry_run:
            _delete(client, connection, name)
        report.events.append(name)
    if months is not None:
        report.months_named = dry_run or not sure
        report.months = _old_months(client, connection, months)
        for name in [] if report.months_named else report.months:
            _delete(client, connection, name)
    return report


def _documents(
    client: OpenSearch, connection: Connection, index: str, query: dict[str, Any], *, dry_run: bool
) -> int:
    """Delete what a query finds; a call that was told of meanwhile is none of them any more, and stays."""
    params: dict[str, Any] = {"ignore_unavailable": "true"}
    with translated(connection, index):
        if dry_run:
            return int(client.count(index=index, body={"query": query}, params=params)["count"])
        params |= {"conflicts": "proceed", "refresh": "true", "max_docs": _ONE_REQUEST}
        deleted: int = 0
        while True:
            answer = client.delete_by_query(index=index, body={"query": query}, params=params)
            if answer["failures"]:
                raise CentralError(f"{index}: {answer['failures'][0]}: look at its health, then try again")
            deleted += answer["deleted"]
            if answer["deleted"] < _ONE_REQUEST:
                return deleted


def _old_days(client: OpenSearch, connection: Connection, days: int) -> list[str]:
    """The indices of days that are more than so many days ago, closed ones too."""
    with translated(connection, EVENTS):
        found = client.indices.get(index=EVENTS, params={"expand_wildcards": "open,closed"})
        body = {"size": 0, "aggs": clock.asking("@timestamp")}
        today = clock.told(client.search(index=EVENTS, body=body)).date()
    return [name for name in sorted(found) if (day := day_of(name)) and (today - day).days > days]


def _old_months(client: OpenSearch, connection: Connection, months: int) -> list[str]:
    """The monthly indices of which that much is over, closed ones too."""
    where = ",".join(PATTERNS)
    with translated(connection, where):
        found = client.indices.get(
            index=where, params={"expand_wildcards": "open,closed", "allow_no_indices": "true"}
        )
        body = {"size": 0, "query": {"match_none": {}}, "aggs": clock.asking("@timestamp")}
        today = clock.told(client.search(index=where, body=body)).date()
    return over(found, today, months)


def day_of(index: str) -> date | None:
    """The day, UTC, of an index of events; None where the name is not of one."""
    parts = _DAY.fullmatch(index)
    try:
        return date(*map(int, parts.groups())) if parts else None
    except ValueError:
        return None


def _delete(client: OpenSearch, connection: Connection, name: str) -> None:
    with translated(connection, name):
        try:
            client.indices.delete(index=name)
        except exceptions.NotFoundError:  # another one was faster
            return
