"""`central tidy`: its options, and what it tells."""

import argparse
import json
from collections.abc import Iterator
from typing import Final

from central.client import Connection, connect
from central.tidy import EVENTS_DAYS, tidy

DESCRIPTION: Final = (
    "Deletes the calls of now that are a day old, and the indices of events that are older than 90 days. "
    "Run it by timer, once a day."
)
_MOST_DAYS: Final = 3660


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `central tidy`."""
    parser.add_argument(
        "--events-days",
        type=_days,
        default=EVENTS_DAYS,
        metavar="N",
        help=f"how many days of events stay (default: {EVENTS_DAYS})",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and delete nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(lines=lines)


def lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Delete, and tell it as asked for."""
    report = tidy(connect(connection), connection, given.events_days, dry_run=given.dry_run)
    if given.json:
        yield json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
    else:
        yield from report.lines()


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {_MOST_DAYS}")
    return int(text)
