"""`central install`: its options, what it does, and what it tells."""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opensearchpy import OpenSearch

from central import shards
from central.alerts import installing
from central.assets import load_assets
from central.client import Connection, connect
from central.errors import CentralError
from central.install import apply, plan
from central.plan import Action, Step
from central.retention import ism
from central.retention.months import MOST_MONTHS
from central.saved_objects import importing
from central.saved_objects.files import LANGUAGES, SavedObject, load
from central.saved_objects.server import Server, checked_url
from central.security import install as roles
from central.security.wanted import load_roles

DESCRIPTION: Final = (
    "Puts templates and pipelines, and where OpenSearch Security is there roles, into the cluster, an empty "
    "index where a kind of document has none, monitors where the Alerting plugin is there, and the "
    "dashboards into OpenSearch Dashboards; changes only what differs."
)
_DONE: Final = {Action.CREATE: "created", Action.CHANGE: "changed", Action.UNCHANGED: "unchanged"}
_TO_DO: Final = {Action.CREATE: "to create", Action.CHANGE: "to change", Action.UNCHANGED: "unchanged"}


@dataclass(frozen=True)
class Line:
    """What is told.

    Attributes:
        text: one line.
        warning: it belongs to the errors.
    """

    text: str
    warning: bool = False


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `central install`."""
    parser.add_argument(
        "--dashboards-url",
        metavar="URL",
        help="OpenSearch Dashboards, https://host:port, with its base path if it has one; user, password and "
        "CA file are the cluster's (env: DASHBOARDS_URL; without it no dashboards are imported)",
    )
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default=LANGUAGES[0],
        help=f"of the dashboards (default: {LANGUAGES[0]}); another takes the first one's place",
    )
    parser.add_argument(
        "--channels",
        type=Path,
        metavar="FILE",
        help="where alerts are sent (TOML; see docs/alerts.md; without it what is there stays)",
    )
    parser.add_argument(
        "--runbook-url", metavar="URL", help="page that alerts lead to (env: RUNBOOK_URL; default: in docs/)"
    )
    parser.add_argument(
        "--shards",
        type=_number(1, shards.MOST, "shards"),
        metavar="N",
        help="primary shards of each month's rows and calls, from the next month on (default: as before, "
        "at first 1; docs/scale.md says how many)",
    )
    parser.add_argument(
        "--retention-months",
        type=_number(ism.OFF, MOST_MONTHS, "months"),
        metavar="N",
        help="where Index State Management is there: a policy by which months are deleted after N more "
        "(0: none any more; default: as before, at first none)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")


def lines(given: argparse.Namespace, connection: Connection) -> Iterator[Line]:
    """Install, and tell each step.

    Raises:
        CentralError: something cannot be installed; what was told until then is done.
    """
    url = given.dashboards_url or os.environ.get("DASHBOARDS_URL")
    # A wrong option or a missing file is told before anything is changed.
    server = Server(checked_url(url), connection) if url else None
    objects = load(given.language) if server else []
    runbook = given.runbook_url or os.environ.get("RUNBOOK_URL")
    alerts = installing.wanted(given.language, given.channels, url, runbook)
    failure = yield from _cluster(connection, alerts, given, dashboards=server is not None)
    if server:
        yield from _dashboards(server, objects, given.language, dry_run=given.dry_run)
    if failure:
        raise failure


def _cluster(
    connection: Connection, alerts: installing.Wanted, given: argparse.Namespace, *, dashboards: bool
) -> Generator[Line, None, CentralError | None]:
    client, dry_run = connect(connection), given.dry_run
    counted: Counter[Action] = Counter()
    for step in plan(client, connection, load_assets(), given.shards):
        impossible = list(step.impossible)
        if not dry_run:
            impossible += apply(client, connection, step)
        yield from _told(step, impossible, dry_run=dry_run)
        counted[step.action] += 1
    failure = None
    try:
        yield from _roles(client, connection, counted, dry_run=dry_run)
    except CentralError as error:  # all the rest is possible even where roles cannot be set up
        failure = error
    parts = [installing.run(client, connection, alerts, dry_run=dry_run)]
    if given.retention_months is not None:
        parts.append(ism.run(client, connection, given.retention_months, dry_run=dry_run))
    for part in parts:
        try:
            yield from _done(part, counted, dry_run=dry_run)
        except CentralError as error:
            failure = failure or error
    if not dashboards:
        yield Line(f"{connection.url}: dashboards are left out: give --dashboards-url or DASHBOARDS_URL")
    yield _summary(connection.url, counted, dry_run=dry_run)
    return failure


def _done(part: Iterator[Step | str], counted: Counter[Action], *, dry_run: bool) -> Iterator[Line]:
    for done in part:
        if isinstance(done, str):
            yield Line(done)
        else:
            yield from _told(done, (), dry_run=dry_run)
            counted[done.action] += 1


def _roles(
    client: OpenSearch, connection: Connection, counted: Counter[Action], *, dry_run: bool
) -> Iterator[Line]:
    try:
        steps = roles.plan(client, connection, load_roles())
    except roles.NoSecurityError:
        yield Line(f"{connection.url}: without OpenSearch Security there are no roles: left out")
        return
    for done, step in enumerate(steps):
        if not dry_run:
            left = dict.fromkeys(other.resource.name for other in steps[done:])
            roles.apply(client, connection, step, list(left))
        yield from _told(step, (), dry_run=dry_run)
        counted[step.action] += 1


def _dashboards(
    server: Server, objects: Sequence[SavedObject], language: str, *, dry_run: bool
) -> Iterator[Line]:
    version = server.version()
    steps = importing.plan(server, objects, language)
    if not dry_run:
        importing.apply(server, objects, steps)
    for step in steps:
        yield from _told(step, (), dry_run=dry_run)
    counted = Counter(step.action for step in steps)
    yield _summary(f"{server.url}: OpenSearch Dashboards {version}, {language}", counted, dry_run=dry_run)


def _summary(where: str, counted: Counter[Action], *, dry_run: bool) -> Line:
    words = _TO_DO if dry_run else _DONE
    counts = ", ".join(f"{counted[action]} {words[action]}" for action in Action)
    return Line(f"{where}: {counts}{'; nothing was changed (--dry-run)' if dry_run else ''}")


def _told(step: Step, impossible: Sequence[str], *, dry_run: bool) -> Iterator[Line]:
    yield Line(f"{step.action.value:<10} {step.resource}")
    if dry_run:
        for line in step.difference:
            yield Line(f"    {line}")
    for line in impossible:
        told = "new indices have it, this one keeps what it has until you reindex it"
        yield Line(f"central: {step.resource}: {line}: {told}", warning=True)


def _number(least: int, most: int, what: str) -> Callable[[str], int]:
    def parsed(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number of {what} from {least} to {most}")
        return int(text)

    return parsed
