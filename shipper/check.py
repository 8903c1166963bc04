"""Tries every part of the agent without changing anything; each finding says what to do."""

import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from shipper.assembly.endpoints import Endpoints
from shipper.config import AmiSettings, Config
from shipper.document.clock import created_at
from shipper.errors import AmiError, ShipperError
from shipper.outputs import OpenSearchOutput, make_output
from shipper.sources.cdr import Database
from shipper.spool import Spool, SpoolLock

CLOCK_SECONDS = 5
RECENT_ROWS = 200
READING = ("SELECT", "USAGE", "SHOW VIEW", "SHOW DATABASES", "PROCESS", "REPLICATION CLIENT")


@dataclass(frozen=True, slots=True)
class Finding:
    """One part's result."""

    part: str
    state: Literal["ok", "warning", "failed", "skipped"]
    message: str
    hint: str = ""
    stanza: str = ""
    """What to paste into a file, where that mends it."""

    @property
    def failed(self) -> bool:
        """The agent cannot work like this."""
        return self.state == "failed"

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: these names are kept."""
        return asdict(self)

    def __str__(self) -> str:
        """One line."""
        return f"{self.part:<10} {self.state:<8} {self.message}" + (f"; {self.hint}" if self.hint else "")


def check(config: Config) -> list[Finding]:
    """Try database, zone, clock, output, spool and AMI."""
    database = Database(config.cdr)
    findings = [
        _tried("database", lambda: _database(database)),
        _tried("rights", lambda: _rights(database)),
        _tried("time zone", lambda: _zone(config, database)),
        _tried("trunks", lambda: _trunks(config, database)),
        _tried("output", lambda: _output(config)),
        _tried("clock", lambda: _clock(config, database)),
        _tried("spool", lambda: _spool(config)),
        _ami(config.ami),
    ]
    database.close()
    return list(_once(findings))


def _once(findings: list[Finding]) -> Iterator[Finding]:
    """A database that is down is told once, not by each part that needs it."""
    told: set[str] = set()
    for finding in findings:
        if finding.failed and finding.message in told:
            yield Finding(finding.part, "skipped", "needs what failed above")
        else:
            told.add(finding.message)
            yield finding


def _tried(part: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except ShipperError as error:
        return Finding(part, "failed", error.problem, error.hint)


def _database(database: Database) -> Finding:
    settings = database.settings
    columns = database.columns
    missing = [name for name in ("linkedid", "uniqueid", "sequence") if name not in columns]
    text = f"{settings.database}.{settings.table} on {settings.host}:{settings.port}, {database.version()}"
    if "uniqueid" in missing:
        return Finding(
            "database", "warning", f"{text}; no column uniqueid: rows are told apart by all their columns"
        )
    without = f", without {', '.join(missing)}" if missing else ""
    return Finding("database", "ok", f"{text}, {len(columns)} columns{without}")


def _rights(database: Database) -> Finding:
    grants = database.grants()
    more = sorted({right for grant in grants for right in _granted(grant) if right not in READING})
    if more:
        settings = database.settings
        return Finding(
            "rights",
            "warning",
            f"user {settings.user!r} may do more than read: {', '.join(more)}",
            f"give the agent a user of its own with GRANT SELECT ON {settings.database}.{settings.table}",
        )
    return Finding("rights", "ok", f"user {database.settings.user!r} may only read")


def _granted(grant: str) -> list[str]:
    rights = grant.removeprefix("GRANT ").partition(" ON ")[0]
    return [right.partition("(")[0].strip() for right in rights.split(",")] if " ON " in grant else []


def _zone(config: Config, database: Database) -> Finding:
    """A uniqueid begins with the channel's creation in UTC: date and zone must agree with it."""
    zone = ZoneInfo(config.store.timezone)
    behind: list[float] = []
    for row in database.recent(RECENT_ROWS):
        created = created_at(row.get("uniqueid", ""))
        try:
            date = datetime.fromisoformat(row["calldate"])
        except ValueError:
            continue
        if created is not None:
            behind.append(date.replace(tzinfo=zone).timestamp() - created)
    if not behind:
        return Finding("time zone", "ok", f"{config.store.timezone}; no rows yet to hold it against")
    # A leg may begin long after its channel, never before it: the middle of many is close to zero.
    quarters = round(statistics.median(behind) / 900)
    if quarters:
        shown = timedelta(minutes=abs(15 * quarters))
        offset = zone.utcoffset(datetime.now()) or timedelta()  # noqa: DTZ005
        right = offset + timedelta(minutes=15 * quarters)
        return Finding(
            "time zone",
            "failed",
            f"store.timezone is {config.store.timezone!r}, but the rows are {str(shown)[:-3]} h "
            f"{'ahead of' if quarters > 0 else 'behind'} it",
            f"set store.timezone to the PBX's zone: its offset from UTC is {_hours(right)}",
        )
    return Finding("time zone", "ok", f"{config.store.timezone} agrees with {len(behind)} rows")


def _trunks(config: Config, database: Database) -> Finding:
    """Without its trunks' names a store's calls have no certain direction."""
    names = {*config.store.trunks, *database.trunks()}
    endpoints = Endpoints(names)
    seen = {
        endpoint.name
        for row in database.recent(RECENT_ROWS)
        for endpoint in (endpoints.of(row.get("channel", "")), endpoints.of(row.get("dstchannel", "")))
        if endpoint.kind == "unknown" and endpoint.name
    }
    settings = database.settings
    account = f"'{settings.user}'@'{settings.host}'"
    hint = (
        'set store.trunks = ["name", …] as in PJSIP/<name>-…, or let the agent read FreePBX\'s list: '
        f'mysql -e "GRANT SELECT ON {settings.freepbx_database}.trunks TO {account}"; '
        "then: shipper backfill --since DATE"
    )
    if seen:
        listed = ", ".join(sorted(seen))
        return Finding(
            "trunks", "warning", f"recent calls went over {listed}: no telephone and no listed trunk", hint
        )
    if not names:
        problem = "no trunk is known: the direction of calls is told by numbers and contexts, else unknown"
        return Finding("trunks", "warning", problem, hint)
    return Finding("trunks", "ok", ", ".join(sorted(names)))


def _hours(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _output(config: Config) -> Finding:
    output = make_output(config)
    try:
        return Finding("output", "ok", output.check())
    finally:
        output.close()


def _clock(config: Config, database: Database) -> Finding:
    off = {"the database": time.time() - database.clock()}
    output = make_output(config)
    if isinstance(output, OpenSearchOutput):
        if (cluster := output.clock()) is not None:
            off["the cluster"] = time.time() - cluster
        output.close()
    for name, seconds in off.items():
        if abs(seconds) > CLOCK_SECONDS:
            return Finding(
                "clock",
                "warning",
                f"this clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} {name}'s",
                "set it: timedatectl set-ntp true (in WSL: hwclock -s)",
            )
    return Finding(
        "clock", "ok", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, agrees with {' and '.join(off)}"
    )


def _ami(settings: AmiSettings) -> Finding:
    # The agent imports this module too, and asyncio and panoramisk take 3 MiB.
    from shipper.sources.ami import rights  # noqa: PLC0415

    text = rights.stanza(settings)
    paste = f"put what stands below into {rights.FILE}, then: asterisk -rx 'manager reload'"
    if not settings.enabled:
        return Finding("ami", "skipped", "ami.enabled is false: calls in progress are not seen")
    if not settings.secret:
        problem = "ami.secret is empty: calls in progress are not seen"
        return Finding("ami", "warning", problem, f"set ami.secret_file, and {paste}", text)
    try:
        found = rights.look(settings)
    except AmiError as error:
        return Finding("ami", "failed", error.problem, f"{error.hint}; else {paste}", text)
    if problem := found.problem:
        return Finding("ami", "failed" if found.missing else "warning", problem, paste, text)
    unknown = "" if found.read is not None else "; it does not tell what may be read, calls will show it"
    return Finding("ami", "ok", f"{found.where}, {found.channels} channels now{unknown}")


def _spool(config: Config) -> Finding:
    path = Path(config.spool.path)
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return Finding(
            "spool",
            "failed",
            f"{path} cannot be written",
            f"give the agent's user write access to {folder}, or set spool.path",
        )
    if path.exists():
        Spool(path, read_only=True).close()  # a damaged file, or one of a newer version, says so
    free = shutil.disk_usage(folder).free // (1024 * 1024)
    running = ", in use by a running agent" if SpoolLock(path).is_held() else ""
    if free < config.spool.max_mib:
        return Finding(
            "spool",
            "warning",
            f"{path}: {free} MiB free, spool.max_mib is {config.spool.max_mib}{running}",
            "free space, or lower spool.max_mib",
        )
    return Finding("spool", "ok", f"{path}, {free} MiB free{running}")
