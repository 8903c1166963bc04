"""`central learn`: its options, and what it tells."""

import argparse
import json
from collections.abc import Iterator
from typing import Final

from central.client import Connection, connect
from central.relations.run import cluster_time
from central.usual.run import learn

DESCRIPTION: Final = (
    "Learns from each store's own history what is usual for it: calls by weekday and hour, the silence that "
    "chance does not explain, the share of missed calls, minutes and cost of a busy day. Run it every night."
)
DAYS: Final = 90
_LEAST_DAYS: Final = 1
_MOST_DAYS: Final = 400


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `central learn`.

    Args:
        parser: of the command.
    """
    parser.add_argument(
        "--days",
        type=_days,
        default=DAYS,
        metavar="N",
        help=f"learn from the calls of the last N days (default: {DAYS})",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(lines=lines)


def lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Learn, and tell it as asked for.

    Raises:
        CentralError: the cluster fails or refuses it.
    """
    client = connect(connection)
    report = learn(client, connection, given.days, cluster_time(client, connection), dry_run=given.dry_run)
    if given.json:
        yield json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
    else:
        yield from report.lines()


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not _LEAST_DAYS <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from {_LEAST_DAYS} to {_MOST_DAYS}")
    return int(text)
