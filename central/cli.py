"""Command line of `central`: the only place that reads arguments, prints and ends the program."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from central import (
    alerts_command,
    audit_command,
    erase_command,
    install_command,
    learn_command,
    live_command,
    preview_command,
    quarantine_command,
    relate_command,
    routine_command,
    stores_command,
    tidy_command,
    upgrade_command,
)
from central.client import Connection, connect, connection_from
from central.erase import erase
from central.errors import CentralError, UsageError
from central.gate import command as gate_command
from central.rating.run import Period, rate_calls
from central.rating.tariffs import load as load_tariffs


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
        options.run(options)
        sys.stdout.flush()
    except CentralError as error:
        print(f"central: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("central: interrupted; run it again, it continues where it was", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read this has had enough (`| head`): what is still in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    cluster = _cluster_options()
    parser = argparse.ArgumentParser(
        prog="central", description="What head office runs.", parents=[cluster], allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, short: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[cluster], allow_abbrev=False, help=short, description=text)

    install = command(
        "install", "put everything into the cluster and its Dashboards", install_command.DESCRIPTION
    )
    install_command.options(install)
    install.set_defaults(run=_install_command)
    _rate_options(
        command(
            "rate",
            "give calls their expected cost",
            "Gives calls their expected cost by a file of tariffs, or says why they have none. "
            "Without --since: what has no cost yet, and the bundles that it touches; "
            "with it every call of the period anew.",
        )
    )
    relate = command("relate", "what calls have to do with each other", relate_command.DESCRIPTION)
    relate_command.options(relate, _day)
    relate.set_defaults(run=_lines_command)
    _erase_options(command("erase", "take a person's number out of all documents", erase_command.DESCRIPTION))
    audit = command("audit", "compare each store's days with the index", audit_command.DESCRIPTION)
    audit_command.options(audit)
    audit.set_defaults(run=_audit_command)
    learn = command("learn", "what is usual for each store", learn_command.DESCRIPTION)
    learn_command.options(learn)
    learn.set_defaults(run=_lines_command)
    live = command("live", "the calls that go on now", live_command.DESCRIPTION)
    live_command.options(live)
    live.set_defaults(run=_lines_command)
    preview = command("preview", "the dashboards as a web page", preview_command.DESCRIPTION)
    preview_command.options(preview)
    preview.set_defaults(run=_lines_command)
    tidy = command("tidy", "delete old calls of now and old events", tidy_command.DESCRIPTION)
    tidy_command.options(tidy)
    tidy.set_defaults(run=_lines_command)
    alerts = command("alerts", "the alerts that the monitors raise now", alerts_command.DESCRIPTION)
    alerts_command.options(alerts, cluster)
    alerts.set_defaults(run=_lines_command)
    routine = command(
        "routine", "the night's work, and what is due by the clock", routine_command.DESCRIPTION
    )
    routine_command.options(routine)
    routine.set_defaults(run=_lines_command)
    gate = commands.add_parser(
        "gate",
        help="head office's Fluent Bit: its files, its door, its certificate",
        description=gate_command.DESCRIPTION,
        allow_abbrev=False,
    )
    gate_command.gate_options(gate, cluster)
    gate.set_defaults(run=_gate_command)
    stores = commands.add_parser(
        "stores",
        parents=[cluster],
        help="the register of stores, and how their agents are",
        description=stores_command.DESCRIPTION,
        allow_abbrev=False,
    )
    stores_command.options(stores, cluster)
    stores.set_defaults(run=_lines_command)
    upgrade = commands.add_parser(
        "upgrade",
        help="upgrades of the stores' agents, some stores first",
        description=upgrade_command.DESCRIPTION,
        allow_abbrev=False,
    )
    upgrade_command.options(upgrade, cluster)
    upgrade.set_defaults(run=_upgrade_command)
    quarantine = commands.add_parser(
        "quarantine",
        parents=[cluster],
        help="what was refused, why, and how it is released",
        description=quarantine_command.DESCRIPTION,
        allow_abbrev=False,
    )
    quarantine_command.options(quarantine, cluster, _day)
    quarantine.set_defaults(run=_quarantine_command)
    return parser


def _cluster_options() -> argparse.ArgumentParser:
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
    return cluster


def _rate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tariffs", required=True, type=Path, metavar="FILE", help="the tariffs (TOML; see docs/tariffs.md)"
    )
    parser.add_argument("--since", type=_day, metavar="DATE", help="rate anew from this day on, YYYY-MM-DD")
    parser.add_argument("--until", type=_day, metavar="DATE", help="last day, included (default: no end)")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=_rate_command)


def _erase_options(parser: argparse.ArgumentParser) -> None:
    erase_command.options(parser)
    parser.set_defaults(run=_erase_command)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-23") from None


def _connection(options: argparse.Namespace) -> Connection:
    given = {name: getattr(options, name, None) for name in ("url", "user", "password_file", "ca_file")}
    return connection_from(given, os.environ)


def _install_command(options: argparse.Namespace) -> None:
    for line in install_command.lines(options, _connection(options)):
        print(line.text, file=sys.stderr if line.warning else sys.stdout)


def _rate_command(options: argparse.Namespace) -> None:
    period = _period(options.since, options.until)
    tariffs = load_tariffs(options.tariffs)
    connection = _connection(options)
    report = rate_calls(connect(connection), connection, tariffs, period, dry_run=options.dry_run)
    if options.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
        return
    for line in report.lines():
        print(line)


def _erase_command(options: argparse.Namespace) -> None:
    person = erase_command.person_from(options)
    connection = _connection(options)
    report = erase(connect(connection), connection, person, dry_run=options.dry_run)
    if options.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        for line in erase_command.lines(report):
            print(line)
    if not (report.complete or options.dry_run):
        sys.exit(1)


def _audit_command(options: argparse.Namespace) -> None:
    report = audit_command.run(options, _connection(options))
    for line in audit_command.lines(options, report):
        print(line)
    if not report.complete:
        sys.exit(1)


def _gate_command(options: argparse.Namespace) -> None:
    if options.gate_command == "serve":
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        gate_command.serve(options)
        return
    for line in gate_command.run(options, lambda: _connection(options)):
        print(line)


def _lines_command(options: argparse.Namespace) -> None:
    for line in options.lines(options, _connection(options)):
        print(line, flush=True)  # what follows the calls of now may come much later


def _upgrade_command(options: argparse.Namespace) -> None:
    for line in options.told(options, lambda: _connection(options)):
        print(line)


def _quarantine_command(options: argparse.Namespace) -> None:
    lines, code = options.outcome(options, _connection(options))
    for line in lines:
        print(line)
    if code:
        sys.exit(code)


def _period(since: date | None, until: date | None) -> Period | None:
    if since is None:
        if until is not None:
            raise UsageError(f"--until {until} without --since: say which day the period begins on")
        return None
    if until is not None and until < since:
        raise UsageError(f"--until {until} is before --since {since}: swap them")
    return Period(since, until)
