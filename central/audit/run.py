"""`central audit`: compare, say what differs, and write down what was found and what has healed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from opensearchpy import OpenSearch

from central.audit.compare import Day, Held, Verdict, compare
from central.audit.days import UNKNOWN, Registered, compared, last_days, zone_of
from central.audit.read import Key, Reader
from central.client import Connection, translated
from central.errors import CentralError
from shipper.document.account import INDEX
from shipper.document.identity import mark

_STATES: Final = {Verdict.DIFFERS: "differs", Verdict.EQUAL: "healed"}
_NOT_TAKEN: Final = 300


@dataclass
class Report:
    """What an audit gave.

    Attributes:
        since: first day.
        until: last day, included.
        days: every store's day that was compared.
        healed: days that an earlier audit found different, and that are equal now.
        silent: stores that are registered, or have sent documents, and have reported none of these days.
    """

    since: str
    until: str
    days: list[Day] = field(default_factory=list)
    healed: list[Key] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every store's day was reported and is held as reported."""
        wrong = {Verdict.DIFFERS, Verdict.NO_REPORT}
        return not self.silent and not any(day.verdict in wrong for day in self.days)

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON. Names: docs/audit.md."""
        return {
            "since": self.since,
            "until": self.until,
            "equal": sum(day.verdict is Verdict.EQUAL for day in self.days),
            "days": [day.as_dict() for day in self.days if day.verdict is not Verdict.EQUAL],
            "healed": [{"store": store, "day": day} for store, day in self.healed],
            "silent": self.silent,
        }

    def lines(self) -> Iterator[str]:
        """It in words."""
        for day in self.days:
            if day.verdict is not Verdict.EQUAL:
                yield f"{day.store} {day.day}  {day.verdict.value}: {day.difference}"
        for store in self.silent:
            yield f"{store}  no report of any of these days: has its agent ever run? central stores list"
        for store, day_of in self.healed:
            yield f"{store} {day_of}  healed since an earlier audit"
        equal = sum(day.verdict is Verdict.EQUAL for day in self.days)
        stores = len({day.store for day in self.days})
        yield f"{self.since} to {self.until}: {equal} of {len(self.days)} days of {stores} stores are equal"


def audit(
    client: OpenSearch, connection: Connection, number: int, now: datetime, *, dry_run: bool = False
) -> Report:
    """Compare the last complete days of all stores.

    Args:
        client: connected.
        connection: for what a failure says.
        number: of days.
        now: the clock, UTC.
        dry_run: write no finding.

    Raises:
        CentralError: the cluster fails.
    """
    reader = Reader(client, connection)
    # The first and the last of these days are over in some zones only.
    since, until = (f"{now.astimezone(UTC) - timedelta(days=days):%Y-%m-%d}" for days in (number + 1, 0))
    reports = reader.reports("report", since, until)
    stores, held = reader.registered(), reader.documents(since, until)
    merged = reader.merged(since)
    keys, silent = _expected(stores, reports, held, number, now)
    days = []
    for store, day in keys:
        there = held.get((store, day), Held())
        there.merged = merged.get(store, [])
        found = compare(store, day, reports.get((store, day)), there)
        if found.verdict in {Verdict.DIFFERS, Verdict.CHANGED}:
            there.doubled = reader.doubled(store, day)
            found = compare(store, day, reports.get((store, day)), there)
        days.append(found)
    window = [day for _, day in keys] or last_days(zone_of(), number, now)
    findings = reader.reports("finding", since, until)
    healed = [
        (day.store, day.day)
        for day in days
        if day.verdict is Verdict.EQUAL and findings.get((day.store, day.day), {}).get("state") == "differs"
    ]
    if not dry_run:
        _write(client, connection, days, findings, now)
    return Report(min(window), max(window), days, healed, silent)


def _expected(
    stores: Mapping[str, Registered],
    reports: Mapping[Key, dict[str, Any]],
    held: Mapping[Key, Held],
    number: int,
    now: datetime,
) -> tuple[list[Key], list[str]]:
    """Every store's day that is to be compared, and the stores that have reported none."""
    reported: dict[str, dict[str, str]] = defaultdict(dict)
    for (store, day), report in sorted(reports.items()):
        reported[store][day] = report["timezone"]
    sent = defaultdict(set)
    for store, day in held:
        sent[store].add(day)
    keys: list[Key] = []
    silent = []
    for store in sorted({*stores, *reported, *sent}):
        known, zones = stores.get(store, UNKNOWN), reported.get(store, {})
        zone = zone_of(*reversed(zones.values()), known.timezone)  # by what it counted last
        window = last_days(zone, number, now)
        wanted = compared(known, zone, zones, sent.get(store, set()), now)
        if any(day in zones for day in window):
            keys += [(store, day) for day in window if wanted(day)]
        elif not known.revoked and (known.since is not None or any(map(wanted, window))):
            silent.append(store)
    return keys, silent


def _write(
    client: OpenSearch,
    connection: Connection,
    days: list[Day],
    findings: Mapping[Key, dict[str, Any]],
    now: datetime,
) -> None:
    lines: list[dict[str, Any]] = []
    for day in days:
        before = findings.get((day.store, day.day))
        state = _STATES.get(day.verdict)
        if state is None or (state == "healed" and (before is None or before.get("state") == "healed")):
            continue
        document = _finding(day, state, before, now)
        index = f"{INDEX}-{document['@timestamp'][:4]}.{document['@timestamp'][5:7]}"
        lines += [{"index": {"_index": index, "_id": document["event"]["id"]}}, document]
    if not lines:
        return
    with translated(connection, "writing findings"):
        items = client.bulk(body=lines, params={"refresh": "true"})["items"]
    for item in items:
        done = item["index"]
        if done["status"] >= _NOT_TAKEN:
            raise CentralError(f"a finding was not taken: {done.get('error')}: run it again")
        if not done["_index"].startswith(INDEX):  # the pipeline put it aside
            raise CentralError(
                f"a finding went to {done['_index']}: run central install, then central audit again"
            )


def _finding(day: Day, state: str, before: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = f"finding\0{day.store}\0{day.day}".encode()
    key = mark(day.store) + blake2b(content, digest_size=12).hexdigest()
    found: dict[str, Any] = {
        "kind": "finding",
        "day": day.day,
        "state": state,
        "found_at": (before or {}).get("found_at", stamp),
        "checked_at": stamp,
        "index_rows": day.held.account.rows,
        "index_calls": day.held.account.calls,
        "difference": day.difference or (before or {}).get("difference", ""),
    }
    if state == "healed":
        found["healed_at"] = stamp
    for name in ("as_of", "rows", "calls"):
        if name in day.report:
            found[name] = day.report[name]
    return {
        "@timestamp": day.report["@timestamp"],
        "event": {
            "id": key,
            "kind": "event",
            "dataset": "pabx.audit",
            "created": stamp,
            "sequence": int(now.timestamp() * 1000),
        },
        "store": {"id": day.store},
        "audit": found,
    }
