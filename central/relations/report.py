"""What a run of `central relate` found and did, as lines or as JSON."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from central.relations.callbacks import STATES
from central.relations.documents import Found

_NAMES: Final = {
    "called_back": "called back",
    "came_again": "came again",
    "tried": "tried in vain",
    "waiting": "waiting",
    "never": "never",
    "no_number": "without a number",
}


class Peak(NamedTuple):
    """The most calls at once on one trunk.

    Attributes:
        calls: how many.
        store: whose.
        trunk: its name.
        start: when the last of them began, milliseconds since 1970.
    """

    calls: int
    store: str
    trunk: str
    start: int

    @property
    def moment(self) -> str:
        """When, UTC in ISO 8601, to the second."""
        return f"{datetime.fromtimestamp(self.start // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Report:
    """What was found and done.

    Attributes:
        dry_run: nothing was written.
        calls: calls that were looked at, conflicts included.
        changed: those of them to which something was written.
        unchanged: those that said it already.
        conflicts: calls that were written or removed by others between reading and writing.
        states: missed calls by what became of them.
        peak: None: no call had a trunk.
    """

    dry_run: bool
    calls: int = 0
    changed: int = 0
    unchanged: int = 0
    conflicts: int = 0
    states: Counter[str] = field(default_factory=Counter)
    peak: Peak | None = None

    def count(self, store: str, found: Found, fields: dict[str, Any]) -> None:
        """Count a call that was looked at, with what is to stand there."""
        self.calls += 1
        trunk_calls = fields.get("trunk_calls", 0)
        if "callback" in fields:
            self.states[fields["callback"]["state"]] += 1
        if found.trunk and trunk_calls > (self.peak.calls if self.peak else 0):
            self.peak = Peak(trunk_calls, store, found.trunk, found.start)

    def count_write(self, written: bool) -> None:
        """Count a call that had to be written."""
        self.changed += written
        self.conflicts += not written

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON. Names: docs/relations.md."""
        peak = self.peak
        return {
            "dry_run": self.dry_run,
            "calls": self.calls,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "conflicts": self.conflicts,
            "missed": {state: self.states[state] for state in STATES},
            "peak": peak
            and {"calls": peak.calls, "store": peak.store, "trunk": peak.trunk, "at": peak.moment},
        }

    def lines(self) -> Iterator[str]:
        """Give it for a person."""
        done = "to change" if self.dry_run else "changed"
        yield f"{self.calls:,} calls; {self.changed:,} {done}, {self.unchanged:,} unchanged"
        parts = ", ".join(f"{self.states[state]:,} {_NAMES[state]}" for state in STATES)
        yield f"{self.states.total():,} missed calls: {parts}"
        if self.peak is not None:
            peak = self.peak
            yield f"most calls at once on one trunk: {peak.calls}, {peak.store} {peak.trunk}, {peak.moment}"
        if self.conflicts:
            yield f"{self.conflicts:,} were written by their stores or removed meanwhile: run it again"
        if self.dry_run:
            yield "nothing was changed (--dry-run)"
