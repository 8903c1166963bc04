"""What a run of `central rate` found and did: counted exactly, as lines or as JSON."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from central.rating.calls import Decision, Found
from central.rating.rate import Call, Cost, Unrated

_EXAMPLES: Final = 5


@dataclass
class PlanSum:
    """What the calls of one plan cost together."""

    calls: int = 0
    seconds: int = 0
    bundle_seconds: int = 0
    amount: Decimal = Decimal(0)


@dataclass
class ReasonSum:
    """The calls that have no cost for one reason."""

    calls: int = 0
    seconds: int = 0
    stores: set[str] = field(default_factory=set)
    trunks: set[str] = field(default_factory=set)
    prefixes: set[str] = field(default_factory=set)
    first: date | None = None
    last: date | None = None


@dataclass
class Report:
    """What was found and done.

    Attributes:
        currency: of all amounts.
        decimals: of all amounts.
        dry_run: nothing was written.
        changed: calls whose cost or reason was written.
        unchanged: calls that had it already.
        conflicts: calls that were written or removed by others between reading and writing; not in the sums.
        cleared: calls among the changed that lost a cost, for nothing of them is billable.
        outside: months in which bundles would change calls outside the period, and how many.
    """

    currency: str
    decimals: int
    dry_run: bool
    changed: int = 0
    unchanged: int = 0
    conflicts: int = 0
    cleared: int = 0
    outside: dict[str, int] = field(default_factory=dict)
    plans: dict[str, PlanSum] = field(default_factory=dict)
    reasons: dict[str, ReasonSum] = field(default_factory=dict)

    @property
    def rated(self) -> int:
        """How many calls have a cost."""
        return sum(plan.calls for plan in self.plans.values())

    @property
    def unrated(self) -> int:
        """How many calls have a reason instead."""
        return sum(reason.calls for reason in self.reasons.values())

    @property
    def amount(self) -> Decimal:
        """What all rated calls cost together."""
        return sum((plan.amount for plan in self.plans.values()), Decimal(0)).quantize(self._unit)

    @property
    def _unit(self) -> Decimal:
        return Decimal(1).scaleb(-self.decimals)

    def count(self, found: Found, decision: Decision) -> None:
        """Count a call that has its cost or reason already."""
        self.unchanged += 1
        self._add(found.call, decision)

    def count_write(self, found: Found, decision: Decision, written: bool) -> None:
        """Count a call whose cost or reason had to be written."""
        if not written:
            self.conflicts += 1
            return
        self.changed += 1
        self.cleared += decision is None
        self._add(found.call, decision)

    def count_outside(self, found: Found) -> None:
        """Count a call that would change, but is not in the period."""
        month = str(found.call.day)[:7]
        self.outside[month] = self.outside.get(month, 0) + 1

    def _add(self, call: Call, decision: Decision) -> None:
        if isinstance(decision, Cost):
            plan = self.plans.setdefault(decision.plan, PlanSum())
            plan.calls += 1
            plan.seconds += decision.seconds
            plan.bundle_seconds += decision.bundle_seconds
            plan.amount += decision.amount
        elif isinstance(decision, Unrated):
            reason = self.reasons.setdefault(decision.kind, ReasonSum())
            reason.calls += 1
            reason.seconds += call.seconds
            reason.stores.add(call.store)
            for value, examples in ((call.trunk, reason.trunks), (call.prefix, reason.prefixes)):
                if value is not None and len(examples) < _EXAMPLES:
                    examples.add(value)
            if call.day is not None:
                reason.first = min(reason.first or call.day, call.day)
                reason.last = max(reason.last or call.day, call.day)

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON; amounts as text, so that no digit is lost. Names: docs/tariffs.md."""
        return {
            "dry_run": self.dry_run,
            "rated": self.rated,
            "unrated": self.unrated,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "conflicts": self.conflicts,
            "outside": dict(sorted(self.outside.items())),
            "sums": {self.currency: str(self.amount)},
            "plans": [
                {
                    "plan": name,
                    "calls": plan.calls,
                    "seconds": plan.seconds,
                    "bundle_seconds": plan.bundle_seconds,
                    "currency": self.currency,
                    "amount": str(plan.amount.quantize(self._unit)),
                }
                for name, plan in sorted(self.plans.items())
            ],
            "reasons": [
                {
                    "reason": kind,
                    "calls": reason.calls,
                    "seconds": reason.seconds,
                    "stores": sorted(reason.stores),
                    "trunks": sorted(reason.trunks),
                    "prefixes": sorted(reason.prefixes),
                    "first": str(reason.first) if reason.first else None,
                    "last": str(reason.last) if reason.last else None,
                }
                for kind, reason in self._by_calls()
            ],
        }

    def lines(self) -> Iterator[str]:
        """Give it for a person."""
        done = "to change" if self.dry_run else "changed"
        known = f"{self.rated:,} rated, {self.unrated:,} unrated"
        yield f"{known}; {self.changed:,} {done}, {self.unchanged:,} unchanged"
        if self.plans:
            width = max(len(name) for name in self.plans)
            yield f"{'plan':<{width}} {'calls':>9} {'minutes':>11} {'in bundle':>11} {self.currency:>16}"
            for name, plan in sorted(self.plans.items()):
                minutes, bundle = plan.seconds / 60, plan.bundle_seconds / 60
                money = plan.amount.quantize(self._unit)
                yield f"{name:<{width}} {plan.calls:>9,} {minutes:>11,.1f} {bundle:>11,.1f} {money:>16,}"
            yield f"{'all':<{width}} {self.rated:>9,} {'':>11} {'':>11} {self.amount:>16,}"
        if self.reasons:
            yield "unrated, without an amount until the file or the store says more:"
        for kind, reason in self._by_calls():
            parts = [f"stores {_few(reason.stores)}"]
            parts += [f"trunks {_few(reason.trunks)}"] if reason.trunks else []
            parts += [f"numbers {_few(reason.prefixes)}…"] if reason.prefixes else []
            parts += [f"{reason.first} to {reason.last}"] if reason.first else []
            yield f"  {reason.calls:,} calls, {reason.seconds / 60:,.1f} minutes: {kind} ({'; '.join(parts)})"
        if self.cleared:
            yield f"{self.cleared:,} of the {done} have nothing billable and lose the cost that they had"
        if self.conflicts:
            yield f"{self.conflicts:,} were written by their stores or removed meanwhile: run it again"
        for month, number in sorted(self.outside.items()):
            yield (
                f"{number:,} calls of {month} outside the period have another cost by this file "
                "(a bundle counts the whole month): rate that month, too"
            )
        if self.dry_run:
            yield "nothing was changed (--dry-run)"

    def _by_calls(self) -> list[tuple[str, ReasonSum]]:
        return sorted(self.reasons.items(), key=lambda entry: (-entry[1].calls, entry[0]))


def _few(names: set[str]) -> str:
    shown = sorted(names)[:_EXAMPLES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
