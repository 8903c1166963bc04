"""`central stores apply | list | inventory`: what is asked for, and what is told."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from central import enrol_command
from central.client import Connection, connect
from central.errors import CentralError
from central.gate.command import gate_option
from central.gate.folder import GateFolder
from central.stores import inventory
from central.stores.apply import Cluster, apply
from central.stores.listing import lines, listed
from central.stores.past import rewrite
from central.stores.reading import load
from central.upgrades.offer import Manifest
from central.upgrades.published import Files

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
    gate_option(made)
    made.set_defaults(lines=list_lines)
    text = "Which version each store's agent is, what its last upgrade came to, and who never reported."
    made = commands.add_parser(
        "inventory", parents=[cluster], allow_abbrev=False, help="the agents and versions", description=text
    )
    made.add_argument("--json", action="store_true", help="as JSON")
    gate_option(made)
    made.set_defaults(lines=inventory_lines)
    enrol_command.options(commands, cluster)


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
    credentials = enrol_command.credentials(given.gate)
    stores = listed(connect(connection), connection)
    now = datetime.now(UTC)
    if given.json:
        yield _json({"stores": [store.as_dict(now, credentials) for store in stores]})
    else:
        yield from lines(stores, now, credentials)


def inventory_lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """`central stores inventory`; of what is offered it tells where the gate's directory is at hand."""
    stores = listed(connect(connection), connection)
    found = inventory.items(stores, _offered(given.gate))
    now = datetime.now(UTC)
    if given.json:
        yield _json(inventory.as_dict(found, now))
    else:
        yield from inventory.lines(found, now)


def _offered(path: Path) -> Manifest | None:
    try:
        offer = Files(GateFolder(path)).offer()
    except CentralError:  # somebody who may not look there may still see the inventory
        return None
    return offer.manifest if offer else None


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, indent=2)
