"""`central tidy`: its options, and what it tells."""

import argparse
import json
from collections.abc import Iterator
from typing import Final

from central.client import Connection, connect
from central.retention.months import MOST_MONTHS
from central.tidy import EVENTS_DAYS, tidy

DESCRIPTION: Final = (
    "Deletes the calls of now that are a day old, the indices of events that are older than 90 days, and "
    "where it is told to all that is older than so many months. Run it by timer, once a day."
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
    parser.add_argument(
        "--older-than-months",
        type=_months,
        metavar="N",
        help="name the months of rows, calls, accounts and quarantine that ended more than N months ago; "
        "with --yes delete them (default: all stay)",
    )
    parser.add_argument("--yes", action="store_true", help="delete those months: nothing brings them back")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and delete nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(lines=lines)


def lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Delete, and tell it as asked for."""
    report = tidy(
        connect(connection),
        connection,
        given.events_days,
        given.older_than_months,
        sure=given.yes,
        dry_run=given.dry_run,
    )
    if given.json:
        yield json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
    else:
        yield from report.lines()


def _months(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MOST_MONTHS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of months from 1 to {MOST_MONTHS}")
    return int(text)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {_MOST_DAYS}")
    return int(text)
