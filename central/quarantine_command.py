"""`central quarantine list | show | release`: what is asked for, and what is told."""

import argparse
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final

from central.client import Connection, connect
from central.errors import CentralError, UsageError
from central.quarantine.cluster import Cluster
from central.quarantine.kept import GATE
from central.quarantine.listing import described, described_lines, groups
from central.quarantine.printed import as_json, printable
from central.quarantine.release import release

DESCRIPTION: Final = "What was refused: why, whose it is, and how it goes where it should have gone."
Outcome = tuple[Iterable[str], int]
"""Lines to print, and the exit code."""


def options(
    parser: argparse.ArgumentParser, cluster: argparse.ArgumentParser, day: Callable[[str], date]
) -> None:
    """Add the sub-commands; each sets `outcome`, a function of the options and the connection.

    Args:
        parser: of `central quarantine`.
        cluster: the options by which the cluster is named.
        day: reads a date.
    """
    commands = parser.add_subparsers(dest="quarantine_command", required=True, metavar="COMMAND")

    def command(name: str, short: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[cluster], allow_abbrev=False, help=short, description=text)
        made.add_argument("--json", action="store_true", help="as JSON")
        return made

    made = command("list", "what is in it, by reason", "What is in the quarantine, grouped by reason.")
    made.add_argument(
        "--store", metavar="ID", help="of this store only; of what the gate refused none is known"
    )
    made.add_argument(
        "--since", type=day, metavar="DATE", help="refused on this day (UTC) or later, YYYY-MM-DD"
    )
    made.set_defaults(outcome=_list)
    made = command(
        "show",
        "one document and its reason",
        "One document as it was, why it was refused, and what mends that.",
    )
    made.add_argument("id", metavar="ID", help="the document's _id")
    made.set_defaults(outcome=_show)
    made = command(
        "release",
        "send documents again",
        "Sends documents again to where they should have gone. What is taken leaves the quarantine; what is "
        "refused again stays, with the new reason. Exit code 1 if something that was asked for stays.",
    )
    made.add_argument("ids", nargs="*", metavar="ID", help="these documents")
    made.add_argument("--all", action="store_true", help="all but those that the gate refused")
    made.add_argument("--rule", action="append", metavar="RULE", help="all of this rule; may be repeated")
    made.add_argument(
        "--as-store",
        metavar="ID",
        help="you vouch that what the gate refused is this store's: release it too, if it names this store",
    )
    made.add_argument("--dry-run", action="store_true", help="say what would be sent, and change nothing")
    made.set_defaults(outcome=_release)


def _list(given: argparse.Namespace, connection: Connection) -> Outcome:
    clauses: list[dict[str, Any]] = []
    if given.store is not None:
        clauses.append({"term": {"store.id": given.store}})
    if given.since is not None:
        clauses.append({"range": {"@timestamp": {"gte": given.since.isoformat()}}})
    found = groups(_cluster(connection), {"bool": {"filter": clauses}})
    if given.json:
        return [as_json({"groups": [group.as_dict() for group in found]})], 0
    lines = [printable(line) for group in found for line in group.lines()]
    return [*lines, f"{sum(group.documents for group in found)} documents, {len(found)} reasons"], 0


def _show(given: argparse.Namespace, connection: Connection) -> Outcome:
    found = _cluster(connection).found(_of_ids([given.id]))
    if not found:
        raise CentralError(f"{given.id} is not in the quarantine: see central quarantine list")
    if given.json:
        return [as_json({"documents": [described(kept) for kept in found]})], 0
    return [printable(line) for kept in found for line in described_lines(kept)], 0


def _release(given: argparse.Namespace, connection: Connection) -> Outcome:
    query = _query(given)
    report = release(_cluster(connection), query, given.ids, as_store=given.as_store, dry_run=given.dry_run)
    lines = [as_json(report.as_dict())] if given.json else map(printable, report.lines())
    return lines, 0 if report.complete or given.dry_run else 1


def _query(given: argparse.Namespace) -> dict[str, Any]:
    ways = [bool(given.ids), given.all, bool(given.rule)]
    if sum(ways) != 1:
        raise UsageError("say which documents: their IDs, or --all, or --rule RULE; one of these")
    if given.all:
        if given.as_store is not None:
            raise UsageError(
                "--as-store with --all: what the gate refused is released by --rule RULE or by its ID"
            )
        return {"bool": {"must_not": [{"term": {"quarantine.stage": GATE}}]}}
    return _of_ids(given.ids) if given.ids else {"terms": {"quarantine.rule": given.rule}}


def _of_ids(ids: list[str]) -> dict[str, Any]:
    return {"ids": {"values": ids}}


def _cluster(connection: Connection) -> Cluster:
    return Cluster(connect(connection), connection)
