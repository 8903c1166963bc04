"""The command ``shipper``: the only place that prints and that sets an exit code."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import date

from shipper import __version__, logs
from shipper.agent import Agent
from shipper.backfill import backfill
from shipper.check import check
from shipper.config import Config, config_path, load
from shipper.errors import ConfigError, ShipperError
from shipper.refused import refused, release
from shipper.status import status

DONE, FAILED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None, more: str | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; None: those of this process.
        more: What stands below the help.

    Returns:
        0 done, 1 something failed, 2 wrong usage or configuration.
    """
    options = _parser(more).parse_args(arguments)
    try:
        config = load(config_path(options.config))
        return int(options.run(config, options))
    except ShipperError as error:
        print(f"shipper: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return FAILED


def _parser(more: str | None = None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shipper", description="Ships a store's call detail records.", epilog=more, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"shipper {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config",
        metavar="FILE",
        help="settings (else $SHIPPER_CONFIG, else /etc/pabx-shipper/shipper.toml)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[common], allow_abbrev=False)

    run = command("run", "Read and deliver, until stopped.")
    run.add_argument("--once", action="store_true", help="read all, deliver it, end when acknowledged")
    run.set_defaults(run=_run)

    checked = command("check", "Try every part; one line each, with what to do.")
    checked.add_argument("--json", action="store_true", help="as JSON")
    checked.set_defaults(run=_check)

    shown = command("status", "What was read, delivered and refused, and what waits.")
    shown.add_argument("--json", action="store_true", help="as JSON")
    shown.set_defaults(run=_status)

    kept = command("refused", "Documents that not even the quarantine took, kept here, and why.")
    kept.add_argument("--json", action="store_true", help="as JSON, with the documents")
    kept.add_argument("--release", action="store_true", help="put them back to be sent, after a fix")
    kept.set_defaults(run=_refused)

    filled = command("backfill", "Read a span of days again; never makes a duplicate.")
    filled.add_argument("--since", required=True, type=_day, metavar="DATE", help="first day, YYYY-MM-DD")
    filled.add_argument("--until", type=_day, metavar="DATE", help="last day, included (default: no end)")
    filled.set_defaults(run=_backfill)
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-23") from None


def _agent(config: Config) -> Agent:
    logs.start(config.agent.log_format)
    # Threads that hang cannot be waited for, so it ends without any clearing up; the spool allows that.
    agent = Agent(config, give_up=lambda: os._exit(FAILED))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    return agent


def _run(config: Config, options: argparse.Namespace) -> int:
    agent = _agent(config)
    if not options.once:
        agent.run()
        return DONE
    counted = agent.run_once()
    if agent.stopped:
        print("shipper: stopped before everything was delivered; run it again to go on", file=sys.stderr)
        return FAILED
    numbers = (counted.get(name, 0) for name in ("read", "calls", "delivered", "quarantined"))
    text = "shipper: {} rows read, {} calls made, {} documents delivered, {} of them to the quarantine"
    print(text.format(*numbers))
    return DONE


def _check(config: Config, options: argparse.Namespace) -> int:
    findings = check(config)
    if options.json:
        print(json.dumps([finding.as_dict() for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            print(finding)
        for finding in findings:
            if finding.stanza:
                print(f"\n{finding.stanza}")
    return FAILED if any(finding.failed for finding in findings) else DONE


def _status(config: Config, options: argparse.Namespace) -> int:
    found = status(config)
    print(json.dumps(found.as_dict(), ensure_ascii=False, indent=2) if options.json else found)
    return DONE


def _refused(config: Config, options: argparse.Namespace) -> int:
    found = refused(config)
    if options.json:
        print(json.dumps([document.as_dict() for document in found], ensure_ascii=False, indent=2))
    else:
        for document in found:
            print(document)
        if not found:
            print("shipper: no document is kept here")
    if options.release and found:
        print(f"shipper: {release(config)} put back, to be sent again", file=sys.stderr)
    return DONE


def _backfill(config: Config, options: argparse.Namespace) -> int:
    if options.until is not None and options.until < options.since:
        raise ConfigError(f"--until {options.until} is before --since {options.since}", "swap them")
    agent = _agent(config)
    running = backfill(config, agent, options.since, options.until, _tell)
    if agent.stopped:
        print("shipper: stopped before the backfill was done; ask for it again", file=sys.stderr)
        return FAILED
    how = "by the running agent" if running else "and delivered"
    print(f"shipper: read again {how}: {options.since} to {options.until or 'now'}")
    return DONE


def _tell(text: str) -> None:
    print(f"shipper: {text}", file=sys.stderr)
