"""What head office does by the clock, one job after the other: pure schedule, and one process for each job.

Each job is a `central` of its own: one that fails, hangs or needs much memory does not take the others along.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

EVERY_MINUTES: Final = 15
"""How often it is looked who was called back: on the screen that is never older than this."""
LONGEST_SECONDS: Final = 4 * 3600.0
"""No job takes so long: one that does hangs, and is ended."""
_DIFFERS: Final = 1


@dataclass(frozen=True)
class Job:
    """One command of `central`.

    Attributes:
        arguments: the command and its options.
        often: it also runs between the nights.
        report: its exit code 1 is a finding that it tells, no failure of its own.
    """

    arguments: tuple[str, ...]
    often: bool = False
    report: bool = False

    @property
    def name(self) -> str:
        """As a person would type it, without options."""
        return " ".join(word for word in self.arguments[:2] if word.isalpha())


@dataclass(frozen=True)
class Ended:
    """What became of a job.

    Attributes:
        job: which one.
        code: its exit code; None: it hung, or could not be started.
        lines: what it said.
    """

    job: Job
    code: int | None
    lines: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """It did not do its work."""
        return self.code != 0 and not (self.job.report and self.code == _DIFFERS)

    def told(self) -> Iterator[str]:
        """Give it for a log, each line with the job's name."""
        for line in self.lines:
            yield f"{self.job.name}: {line}"
        if self.code is None:
            yield f"{self.job.name}: ended after {LONGEST_SECONDS / 3600:g} hours without an end of its own"
        elif self.failed:
            yield f"{self.job.name}: FAILED with exit code {self.code}; the other jobs go on"


def jobs(register: str | None, tariffs: str | None, months: int | None = None) -> tuple[Job, ...]:
    """All jobs, in the order in which each finds what the one before has written.

    Args:
        register: file of the register, whose lines of today come into force; None: no such job.
        tariffs: file of the tariffs; None: no call gets a cost.
        months: how many months of rows and calls stay; None: all of them.
    """
    kept = () if months is None else ("--older-than-months", str(months), "--yes")
    made = [
        Job(("relate",), often=True),
        Job(("audit",), report=True),
        Job(("learn",)),
        Job(("tidy", *kept)),
    ]
    if tariffs is not None:
        made.insert(0, Job(("rate", "--tariffs", tariffs)))
    if register is not None:
        made.insert(0, Job(("stores", "apply", register)))
    return tuple(made)


def last_night(now: datetime, at: time, zone: tzinfo) -> datetime:
    """Give the latest moment, not after `now`, at which the nightly work was due.

    Args:
        now: aware.
        at: by the wall clock of `zone`.
        zone: where the nights are counted.
    """
    local = now.astimezone(zone)
    due = datetime.combine(local.date(), at, zone)
    if due > local:
        due = datetime.combine(local.date() - timedelta(days=1), at, zone)
    return due.astimezone(now.tzinfo)


class Routine:
    """Knows what is due.

    Args:
        work: all jobs.
        at: when the nightly ones run, by the wall clock of `zone`.
        zone: likewise.
        every: minutes between those that run often.
    """

    def __init__(self, work: Sequence[Job], at: time, zone: tzinfo, every: int = EVERY_MINUTES) -> None:
        self._work = tuple(work)
        self._at = at
        self._zone = zone
        self._every = timedelta(minutes=every)
        self._night: datetime | None = None
        self._often: datetime | None = None

    def due(self, now: datetime) -> tuple[Job, ...]:
        """What has to run now; it is taken as done.

        The first time that is everything: what was missed while this did not run is made up for, and each job
        may run as often as one likes. A clock that is set back repeats nothing.

        Args:
            now: aware.
        """
        night = last_night(now, self._at, self._zone)
        if self._night is None or night > self._night:
            self._night = night
            self._often = now
            return self._work
        if self._often is None or now - self._often >= self._every or now < self._often - self._every:
            self._often = now
            return tuple(job for job in self._work if job.often)
        return ()


def run_job(job: Job, cluster: Sequence[str], longest_seconds: float = LONGEST_SECONDS) -> Ended:
    """Run one job to its end.

    Args:
        job: what to run.
        cluster: options of `central` that name the cluster, as they were given here.
        longest_seconds: after which it is ended.
    """
    command = [sys.executable, "-m", "central", *cluster, *job.arguments]
    try:
        done = subprocess.run(  # noqa: S603  # our own program, with our own arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=longest_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return Ended(job, None, _lines(error.output or b""))
    return Ended(job, done.returncode, _lines(done.stdout))


def run_all(work: Sequence[Job], run: Callable[[Job], Ended]) -> Iterator[Ended]:
    """Run jobs one after the other, whatever becomes of each."""
    for job in work:
        yield run(job)


def _lines(output: bytes) -> tuple[str, ...]:
    return tuple(output.decode(errors="replace").splitlines())
