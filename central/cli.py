"""Command line of `central`: the only place that reads arguments, prints and ends the program."""

import argparse
import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence

from central.assets import load_assets
from central.client import Connection, connect, connection_from
from central.errors import CentralError
from central.install import apply, plan
from central.plan import Action, Step

_DONE = {Action.CREATE: "created", Action.CHANGE: "changed", Action.UNCHANGED: "unchanged"}
_TO_DO = {Action.CREATE: "to create", Action.CHANGE: "to change", Action.UNCHANGED: "unchanged"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command.

    Args:
        arguments: instead of the process's own.

    Raises:
        SystemExit: 0 done, 1 something failed, 2 wrong usage.
    """
    options = _parser().parse_args(arguments)
    # The client logs each refused request; what it means is in our own line.
    logging.getLogger("opensearch").setLevel(logging.CRITICAL)
    try:
        given = {name: getattr(options, name, None) for name in ("url", "user", "password_file", "ca_file")}
        _install(connection_from(given, os.environ), dry_run=options.dry_run)
    except CentralError as error:
        print(f"central: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("central: interrupted; run it again, it continues where it was", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    cluster = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    group = cluster.add_argument_group("cluster")
    # Both before and after the command's name: hence no default, which would overwrite what stood before.
    absent = argparse.SUPPRESS
    group.add_argument("--url", default=absent, help="https://host:port (env: OPENSEARCH_URL)")
    group.add_argument("--user", default=absent, help="name of the user (env: OPENSEARCH_USER)")
    group.add_argument(
        "--password-file",
        metavar="FILE",
        default=absent,
        help="file with the password (env: OPENSEARCH_PASSWORD)",
    )
    group.add_argument(
        "--ca-file",
        metavar="FILE",
        default=absent,
        help="certificate of the authority that signed the cluster's (env: OPENSEARCH_CA_FILE)",
    )
    parser = argparse.ArgumentParser(
        prog="central", description="What head office runs.", parents=[cluster], allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    install = commands.add_parser(
        "install",
        parents=[cluster],
        allow_abbrev=False,
        help="put templates and pipelines into the cluster",
        description="Puts templates and pipelines into the cluster; changes only what differs.",
    )
    install.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    return parser


def _install(connection: Connection, *, dry_run: bool) -> None:
    client = connect(connection)
    counted: Counter[Action] = Counter()
    for step in plan(client, connection, load_assets()):
        impossible = list(step.impossible)
        if not dry_run:
            impossible += apply(client, connection, step)
        _report(step, impossible, dry_run=dry_run)
        counted[step.action] += 1
    words = _TO_DO if dry_run else _DONE
    summary = ", ".join(f"{counted[action]} {words[action]}" for action in Action)
    print(f"{connection.url}: {summary}{'; nothing was changed (--dry-run)' if dry_run else ''}")


def _report(step: Step, impossible: Sequence[str], *, dry_run: bool) -> None:
    print(f"{step.action.value:<10} {step.resource}")
    if dry_run:
        for line in step.difference:
            print(f"    {line}")
    for line in impossible:
        print(
            f"central: {step.resource}: {line}: "
            "new indices have it, this one keeps what it has until you reindex it",
            file=sys.stderr,
        )
