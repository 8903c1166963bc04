"""`central relate`: its options, and what it tells."""

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final

from central.client import Connection, connect
from central.errors import UsageError
from central.relations.run import Days, cluster_time, relate_calls

DESCRIPTION: Final = (
    "Says of each missed call whether it was called back, and of each call how many were on its trunk. "
    "Without --since: the calls of the last days, and around those that lack it or still wait; "
    "with it every call of the period anew."
)
RECENT_DAYS: Final = 3
WITHIN_HOURS: Final = 24
_MOST_DAYS: Final = 3660
_MOST_HOURS: Final = 720


def options(parser: argparse.ArgumentParser, day: Callable[[str], date]) -> None:
    """Add the options of `central relate`.

    Args:
        parser: of the command.
        day: reads a date.
    """
    parser.add_argument(
        "--days",
        type=lambda text: _whole(text, "days", _MOST_DAYS),
        metavar="N",
        help=f"look at the calls of the last N days (default: {RECENT_DAYS})",
    )
    parser.add_argument(
        "--within",
        type=lambda text: _whole(text, "hours", _MOST_HOURS),
        default=WITHIN_HOURS,
        metavar="HOURS",
        help=f"how long after its end a missed call counts as called back (default: {WITHIN_HOURS})",
    )
    parser.add_argument("--since", type=day, metavar="DATE", help="look at all from this day on, YYYY-MM-DD")
    parser.add_argument("--until", type=day, metavar="DATE", help="last day, included (default: no end)")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(lines=lines)


def lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Relate, and tell it as asked for.

    Raises:
        UsageError: the days contradict each other.
    """
    period = _period(given)
    client = connect(connection)
    now = cluster_time(client, connection)
    within = timedelta(hours=given.within)
    report = relate_calls(client, connection, period, within, now, dry_run=given.dry_run)
    if given.json:
        yield json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
    else:
        yield from report.lines()


def _period(given: argparse.Namespace) -> Days | int:
    since, until = given.since, given.until
    if since is None:
        if until is not None:
            raise UsageError(f"--until {until} without --since: say which day the period begins on")
        return RECENT_DAYS if given.days is None else int(given.days)
    if given.days is not None:
        raise UsageError(f"--days {given.days} and --since {since}: give one of them")
    if until is not None and until < since:
        raise UsageError(f"--until {until} is before --since {since}: swap them")
    return Days(since, until)


def _whole(text: str, unit: str, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of {unit} from 1 to {most}")
    return int(text)
