"""`central routine`: its options, and what it tells."""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from central.client import Connection
from central.errors import CentralError, UsageError
from central.routine import EVERY_MINUTES, Routine, jobs, run_all, run_job

DESCRIPTION: Final = (
    "Does what head office has to do by the clock, until it is stopped: at its start and every night stores "
    "apply, rate, relate, audit, learn and tidy, and relate every quarter of an hour. A job that fails is "
    "told, and the others go on."
)
AT: Final = "07:30"
ZONE: Final = "America/Sao_Paulo"
"""At half past seven there it is half past five in the chain's westernmost stores (Acre): all have sent."""
_LOOK_SECONDS: Final = 5.0
_MOST_MINUTES: Final = 1440


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `central routine`."""
    parser.add_argument("--register", type=Path, metavar="FILE.csv", help="the register (docs/stores.md)")
    parser.add_argument("--tariffs", type=Path, metavar="FILE", help="the tariffs (docs/tariffs.md)")
    parser.add_argument(
        "--at", type=_clock, default=AT, metavar="HH:MM", help=f"when the night's work begins (default: {AT})"
    )
    parser.add_argument(
        "--timezone", type=_zone, default=ZONE, metavar="ZONE", help=f"of --at (default: {ZONE})"
    )
    parser.add_argument(
        "--every",
        type=_minutes,
        default=EVERY_MINUTES,
        metavar="MINUTES",
        help=f"between two looks at who was called back (default: {EVERY_MINUTES})",
    )
    parser.add_argument(
        "--older-than-months",
        type=int,
        metavar="N",
        help="let tidy delete rows and calls of months that ended more than N months ago (default: all stay)",
    )
    parser.add_argument("--once", action="store_true", help="the night's work now, then end; for a timer")
    parser.set_defaults(lines=lines)


def lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Do the work, and tell it.

    Raises:
        UsageError: a file is not there.
        CentralError: with `--once`, a job failed.
    """
    del connection  # each job makes its own, of the same options
    for option, file in (("--register", given.register), ("--tariffs", given.tariffs)):
        if file is not None and not file.is_file():
            raise UsageError(f"{option} {file}: no such file: name one that is there")
    work = jobs(_text(given.register), _text(given.tariffs), given.older_than_months)
    cluster = _cluster(given)
    if given.once:
        ended = []
        for one in run_all(work, lambda job: run_job(job, cluster)):
            ended.append(one)
            yield from one.told()
        if failed := [one.job.name for one in ended if one.failed]:
            raise CentralError(f"{len(failed)} of {len(ended)} jobs failed: {', '.join(failed)}")
        return
    routine = Routine(work, given.at, given.timezone, given.every)
    yield f"every night at {given.at:%H:%M} ({given.timezone.key}), and all of it now"
    while True:
        for one in run_all(routine.due(datetime.now(UTC)), lambda job: run_job(job, cluster)):
            stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            yield from (f"{stamp} {line}" for line in one.told())
        time.sleep(_LOOK_SECONDS)


def _cluster(given: argparse.Namespace) -> list[str]:
    """The options of the cluster as they were given; those of the environment are inherited."""
    found = []
    for name in ("url", "user", "password_file", "ca_file"):
        value = getattr(given, name, None)
        if value is not None:
            found += [f"--{name.replace('_', '-')}", str(value)]
    return found


def _text(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _clock(text: str) -> clock_time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  # a time of day has no zone
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as {AT}") from None


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time zone such as {ZONE}") from None


def _minutes(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes from 1 to {_MOST_MINUTES}")
    return int(text)
