"""One store's day: what the store reported against what the index holds; pure functions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from shipper.document.account import Account

REPORTED_AGAIN: Final = timedelta(hours=36)
"""A store counts each day again the next night: what changed later than this is in a later report."""


class Verdict(Enum):
    """What a comparison gave."""

    EQUAL = "equal"
    DIFFERS = "differs"
    CHANGED = "changed since the report"
    NO_REPORT = "no report"


@dataclass
class Held:
    """What the index holds of one store's day.

    Attributes:
        account: counts, sums and hash.
        newest: the latest `event.created` among its documents; None: there are none.
        doubled: ids that are in the index more than once.
        merged: when calls of the store, of whichever day, became a part of another one.
    """

    account: Account = field(default_factory=Account)
    newest: datetime | None = None
    doubled: list[str] = field(default_factory=list)
    merged: list[datetime] = field(default_factory=list)

    def made_at(self, created: datetime | None) -> None:
        """Take in when a document was made."""
        if created is not None:
            self.newest = max(self.newest, created) if self.newest else created


@dataclass(frozen=True)
class Day:
    """One store's day, compared.

    Attributes:
        store: its id.
        day: on the store's clock, `2026-11-23`.
        verdict: what the comparison gave.
        difference: in words; empty where there is none.
        report: what the store said, `audit.*`; empty: nothing.
        held: what the index holds.
    """

    store: str
    day: str
    verdict: Verdict
    difference: str
    report: dict[str, Any]
    held: Held

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON. Names: docs/audit.md."""
        account = self.held.account
        names = ("rows", "row_seconds", "calls", "call_seconds", "hash")
        return {
            "store": self.store,
            "day": self.day,
            "state": self.verdict.value,
            "difference": self.difference,
            "as_of": self.report.get("as_of"),
            "reported": {name: self.report.get(name) for name in names} if self.report else None,
            "index": {name: getattr(account, name) for name in names},
            "doubled": self.held.doubled,
        }


def compare(store: str, day: str, report: dict[str, Any] | None, held: Held) -> Day:
    """Compare a store's day.

    Args:
        store: its id.
        day: the day.
        report: `audit.*` of the store's report; None: it made none.
        held: what the index holds.
    """
    if report is None:
        words = "the store has not counted this day yet"
        return Day(store, day, Verdict.NO_REPORT, words, {}, held)
    words = "; ".join(_differences(report, held))
    if not words:
        return Day(store, day, Verdict.EQUAL, "", report, held)
    late = _is_later(report, held, datetime.fromisoformat(report["as_of"]))
    return Day(store, day, Verdict.CHANGED if late else Verdict.DIFFERS, words, report, held)


def _is_later(report: dict[str, Any], held: Held, counted: datetime) -> bool:
    """Whether what differs may have come about after the store counted."""
    account = held.account
    if account.rows < report.get("rows", 0):
        return False  # no row goes away
    # What is left of a call that became a part of another has no day any more.
    merged = sum(counted < at <= counted + REPORTED_AGAIN for at in held.merged)
    if account.calls + merged < report.get("calls", 0):
        return False
    return merged > 0 or (held.newest is not None and held.newest > counted)


def _differences(report: dict[str, Any], held: Held) -> Iterator[str]:
    account = held.account
    if held.doubled:
        yield f"{len(held.doubled)} in the index more than once (_id {held.doubled[0]})"
    same = True
    for one, many, seconds in (("row", "rows", "row_seconds"), ("call", "calls", "call_seconds")):
        here, there = getattr(account, many), report.get(many, 0)
        if here != there:
            same = False
            count = abs(here - there)
            yield f"{count} {one if count == 1 else many} {'missing' if here < there else 'too many'}"
        elif (more := getattr(account, seconds) - report.get(seconds, 0)) != 0:
            same = False
            unit = "second" if abs(more) == 1 else "seconds"
            yield f"{many}: {abs(more)} {unit} {'too many' if more > 0 else 'missing'}"
    if same and account.hash != report.get("hash"):
        yield "same numbers, other content"
