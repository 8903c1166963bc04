"""`central stores apply | list`: what is asked for, and what is told."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from central.client import Connection, connect
from central.gate import command as gate
from central.stores.apply import Cluster, apply
from central.stores.listing import lines, listed
from central.stores.past import rewrite
from central.stores.reading import load

DESCRIPTION: Final = "The register of stores: what head office knows of each, and what their agents report."


def options(parser: argparse.ArgumentParser, cluster: argparse.ArgumentParser) -> None:
    """Add the sub-commands; each sets `lines`, a function of the options and the connection.

    Args:
        parser: of `central stores`.
        cluster: the options by which the cluster is named.
    """
    commands = parser.add_subparsers(dest="stores_command", required=True, metavar="COMMAND")
    text = (
        "Puts the register's file into the cluster: what holds today into pabx-stores, and the names of all "
        "days onto documents as they come. Nothing is applied unless the whole file is right."
    )
    made = commands.add_parser(
        "apply", parents=[cluster], allow_abbrev=False, help="put the register's file in", description=text
    )
    made.add_argument("file", type=Path, metavar="FILE.csv", help="the register (see docs/stores.md)")
    made.add_argument(
        "--past", action="store_true", help="give documents that are there already the names of their days"
    )
    made.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    made.add_argument("--json", action="store_true", help="as JSON")
    made.set_defaults(lines=apply_lines)
    text = "Every store with its latest heartbeat, and those that send without being registered."
    made = commands.add_parser(
        "list", parents=[cluster], allow_abbrev=False, help="the stores and their agents", description=text
    )
    made.add_argument("--json", action="store_true", help="as JSON")
    gate.gate_option(made)
    made.set_defaults(lines=list_lines)
    gate.store_commands(commands, cluster)


def apply_lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """`central stores apply`."""
    file = load(given.file)
    client = connect(connection)
    cluster = Cluster(client, connection)
    report = apply(cluster, connection.url, file, datetime.now(UTC), dry_run=given.dry_run)
    if given.past:
        # In a dry run the pipeline still holds the register as it was.
        register = {**cluster.register(), **file.register}
        report.past = rewrite(client, connection, register, dry_run=given.dry_run)
    if given.json:
        yield _json(report.as_dict())
    else:
        yield from report.lines()


def list_lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """`central stores list`; of credentials it tells where the gate's directory is at hand."""
    credentials = gate.credentials(given.gate)
    stores = listed(connect(connection), connection)
    now = datetime.now(UTC)
    if given.json:
        yield _json({"stores": [store.as_dict(now, credentials) for store in stores]})
    else:
        yield from lines(stores, now, credentials)


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)
