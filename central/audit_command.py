"""`central audit`: its options, and what it tells."""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from central.audit.run import Report, audit
from central.client import Connection, connect

DESCRIPTION = (
    "Compares what each store counted of each of its days with what the index holds, names each store and "
    "day that differ, and writes down what it found and what has healed. Exit code 1 if something differs."
)
MOST_DAYS = 366


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `central audit`."""
    parser.add_argument(
        "--days",
        type=_days,
        default=7,
        metavar="N",
        help="how many days back (default: 7, what stores report)",
    )
    parser.add_argument("--dry-run", action="store_true", help="write no findings")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(given: argparse.Namespace, connection: Connection) -> Report:
    """Compare."""
    return audit(connect(connection), connection, given.days, datetime.now(UTC), dry_run=given.dry_run)


def lines(given: argparse.Namespace, report: Report) -> Iterator[str]:
    """The report, as asked for."""
    if given.json:
        yield json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
    else:
        yield from report.lines()


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {MOST_DAYS}")
    return int(text)
