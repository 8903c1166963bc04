"""Compares documents of calls with what the simulator meant, and with what the rows add up to."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from compose.simulator import CallTruth, SimulatedCall
from shipper.document.model import Document
from tests.assembly.expected import seconds_of

SECONDS = ("ring", "wait", "talk", "billable", "duration")
CUTS = 2
"""Seconds by which a span may be off whose both ends are cut to whole ones; within one row it is one."""


class Where(NamedTuple):
    """What differs, and in which kind of call."""

    field: str
    scenario: str


@dataclass
class Sums:
    """What calls cost, in all and in each store."""

    rated: int = 0
    unrated: int = 0
    bundled: Counter[str] = field(default_factory=Counter)
    """How many of the rated ones a bundle pays for, in whole and in part."""
    stores: dict[str, Decimal] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        """The sum of all stores."""
        return sum(self.stores.values(), Decimal(0))

    def add(self, store: str, amount: Decimal, by_bundle: str) -> None:
        """Count a rated call; `by_bundle` is `whole`, `part` or empty."""
        self.rated += 1
        if by_bundle:
            self.bundled[by_bundle] += 1
        self.stores[store] = self.stores.get(store, Decimal(0)) + amount

    def take(self, other: "Sums") -> None:
        """Take in what was found in other calls."""
        self.rated += other.rated
        self.unrated += other.unrated
        self.bundled.update(other.bundled)
        for store, amount in other.stores.items():
            self.stores[store] = self.stores.get(store, Decimal(0)) + amount


@dataclass
class Findings:
    """What judging has found so far."""

    rows: int = 0
    scenarios: Counter[str] = field(default_factory=Counter)
    differences: Counter[Where] = field(default_factory=Counter)
    examples: dict[Where, str] = field(default_factory=dict)
    documents: Counter[str] = field(default_factory=Counter)
    """Sums of seconds, as the documents have them."""
    expected: Counter[str] = field(default_factory=Counter)
    """The same, computed from the rows."""
    left_out: Counter[str] = field(default_factory=Counter)
    billable: int = 0
    """The sum of the truth."""
    charged: Sums = field(default_factory=Sums)
    """Costs, by the documents."""
    owed: Sums = field(default_factory=Sums)
    """The same, computed from the truth."""

    @property
    def calls(self) -> int:
        """How many calls were simulated."""
        return self.scenarios.total()

    @property
    def right(self) -> bool:
        """No call differs, and no sum."""
        sums = self.documents == self.expected and self.documents["billable"] == self.billable
        return sums and self.charged == self.owed and not self.differences

    def differ(self, name: str, scenario: str, which: str, got: object, wanted: object) -> None:
        """Count a difference, and keep the first of its kind."""
        where = Where(name, scenario)
        self.differences[where] += 1
        self.examples.setdefault(where, f"{which}: {got!r} instead of {wanted!r}")

    def add(self, other: "Findings") -> None:
        """Take in what was found in another store."""
        self.rows += other.rows
        self.billable += other.billable
        self.examples = other.examples | self.examples
        self.differences.update(other.differences)
        self.scenarios.update(other.scenarios)
        self.documents.update(other.documents)
        self.expected.update(other.expected)
        self.left_out.update(other.left_out)
        self.charged.take(other.charged)
        self.owed.take(other.owed)


def compare(
    calls: Sequence[SimulatedCall],
    documents: Iterable[Document],
    timezone: str,
    findings: Findings,
    judged: Callable[[SimulatedCall, Mapping[str, Any]], None] | None = None,
) -> None:
    """Judge the documents that were made of calls; each call has one, and none is there for nothing.

    Args:
        calls: What was simulated.
        documents: What was made of all their rows.
        timezone: The store's.
        findings: Where the result is added.
        judged: Called with each call that has one document, and this one's body.
    """
    zone = ZoneInfo(timezone)
    bodies: dict[str, list[dict[str, Any]]] = {}
    ends: dict[str, list[str]] = {}
    for document in documents:
        body = json.loads(document.body)
        if "quarantine" in body:
            findings.differ("quarantine", "", document.id, body.get("error"), None)
        elif document.operation == "delete":
            ends.setdefault(body["call"]["merged_into"], []).extend(body["call"]["linked_ids"])
        else:
            bodies.setdefault(body["call"]["linked_ids"][0], []).append(body)
    for call in calls:
        truth = call.truth
        findings.rows += len(call.rows)
        findings.scenarios[truth.scenario] += 1
        found = bodies.pop(truth.linked_ids[0], [])
        if len(found) != 1:
            findings.differ("documents", truth.scenario, _which(truth), len(found), 1)
            continue
        merged = ends.pop(found[0]["call"]["id"], [])
        if tuple(merged) != truth.linked_ids[1:]:
            findings.differ("merged", truth.scenario, _which(truth), merged, truth.linked_ids[1:])
        _verdict(truth, found[0], zone, findings)
        _seconds(call, found[0]["call"], findings)
        if judged:
            judged(call, found[0])
    for linked, surplus in bodies.items():
        findings.differ("documents", "", linked, len(surplus), 0)
    for key, merged in ends.items():
        findings.differ("merged", "", key, merged, [])


def _verdict(truth: CallTruth, body: Mapping[str, Any], zone: ZoneInfo, findings: Findings) -> None:
    for name, (got, wanted) in _pairs(truth, body, zone).items():
        if got != wanted:
            findings.differ(name, truth.scenario, _which(truth), got, wanted)


def _pairs(truth: CallTruth, body: Mapping[str, Any], zone: ZoneInfo) -> dict[str, tuple[object, object]]:
    """What the document says, and what was meant, by the name of the field."""
    call, source, destination = body["call"], body.get("source", {}), body.get("destination", {})
    caller = source.get("number" if truth.direction == "inbound" else "extension")
    start = datetime.fromisoformat(body["@timestamp"]).astimezone(zone).replace(tzinfo=None)
    local = (body["local"]["date"], body["local"]["hour"])
    return {
        "direction": (call["direction"], truth.direction),
        "outcome": (call["outcome"], truth.outcome),
        "answered": (call["answered"], truth.outcome == "answered"),
        "missed": (call["missed"], truth.missed),
        "answered_by": (tuple(call.get("answered_by", ())), truth.answered_by),
        "billable_seconds": (call["billable_seconds"], truth.billable_seconds),
        "queue": (call.get("queue", ""), truth.queue),
        "group": (call.get("group", ""), truth.group),
        "did": (call.get("did", ""), truth.did),
        "trunk": (call.get("trunk", ""), truth.trunk),
        "category": (call["category"], truth.category),
        "transferred": (call["transferred"], truth.transferred),
        "linked_ids": (tuple(call["linked_ids"]), truth.linked_ids),
        "legs": (call["legs"], truth.rows),
        "source": (caller, truth.source),
        "destination": (destination.get("number"), truth.destination),
        "store": (body["store"]["id"], truth.store_id),
        "start": (start, truth.start),
        "local": (local, (truth.start.date().isoformat(), truth.start.hour)),
        "incomplete": ("call_incomplete" in body.get("tags", ()), False),
    }


def _seconds(call: SimulatedCall, given: Mapping[str, Any], findings: Findings) -> None:
    """Every figure is the rows' own, and where the rows can tell it, what was meant too."""
    truth = call.truth
    by_rows = seconds_of(call)
    findings.billable += truth.billable_seconds
    for name in SECONDS:
        got, wanted = given.get(f"{name}_seconds"), getattr(by_rows, name)
        if got != wanted:
            findings.differ(f"{name}_seconds by the rows", truth.scenario, _which(truth), got, wanted)
        findings.documents[name] += got or 0
        findings.expected[name] += wanted or 0
        findings.left_out[name] += got is None
        if name in truth.unrecoverable:
            continue
        meant = getattr(truth, f"{name}_seconds")
        if got is None or abs(got - meant) > min(len(call.rows), CUTS):
            findings.differ(f"{name}_seconds", truth.scenario, _which(truth), got, meant)


def _which(truth: CallTruth) -> str:
    return f"{truth.store_id} {truth.linked_ids[0]}"
