"""What a run of `central learn` found and did: as lines or as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from central.usual.estimate import Usual

_HOURS: Final = 24
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass
class Report:
    """What was found and done.

    Attributes:
        dry_run: nothing was written.
        learned: by store.
        changed: stores of which something is usual that was not before.
        unusable: store -> why nothing could be learned of it.
        not_registered: stores that have calls and no line in the register.
    """

    dry_run: bool
    learned: dict[str, Usual] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    unusable: dict[str, str] = field(default_factory=dict)
    not_registered: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON. Names: docs/alerts.md."""
        return {
            "dry_run": self.dry_run,
            "stores": {name: usual.as_dict() for name, usual in self.learned.items()},
            "changed": self.changed,
            "unusable": self.unusable,
            "not_registered": self.not_registered,
        }

    def lines(self) -> Iterator[str]:
        """Give it for a person."""
        width = max(map(len, self.learned), default=0)
        for name, usual in self.learned.items():
            yield f"{name:<{width}}  {_said(usual)}"
        for name, why in self.unusable.items():
            yield f"{name}: nothing was learned: {why}: correct it in the register, or in its shipper.toml"
        if self.not_registered:
            yield f"not registered, and passed over: {', '.join(self.not_registered)}"
        done = "to change" if self.dry_run else "changed"
        same = len(self.learned) - len(self.changed)
        stores = "1 store" if len(self.learned) == 1 else f"{len(self.learned):,} stores"
        yield (
            f"{stores}: {len(self.changed):,} {done}, {same:,} as they were"
            + ("; nothing was changed (--dry-run)" if self.dry_run else "")
        )


def differs(usual: Usual, said: Mapping[str, Any]) -> bool:
    """Tell whether something is usual that a store's document does not say."""
    return {key: value for key, value in said.items() if key != "learned_at"} != usual.as_dict()


def _said(usual: Usual) -> str:
    if not usual.days:
        return "no calls yet: 16 opening hours without one are silence"
    calls = [sum(usual.calls[first : first + _HOURS]) for first in range(0, len(usual.calls), _HOURS)]
    days = " ".join(f"{name} {_number(number)}" for name, number in zip(_WEEKDAYS, calls, strict=True))
    parts = [
        f"{usual.days} days",
        f"{_number(sum(calls))} calls a week ({days})",
        f"silence from {usual.limit:.1f} expected calls",
    ]
    if usual.missed_share is not None:
        parts.append(f"{usual.missed_share:.0%} missed")
    if usual.day_billable_seconds:
        parts.append(f"{usual.day_billable_seconds / 60:,.0f} billable minutes on a busy day")
    if usual.day_cost is not None:
        parts.append(f"cost {usual.day_cost:,.2f}")
    return ", ".join(parts)


def _number(calls: float) -> str:
    return f"{calls:,.0f}" if calls >= 10 or calls == round(calls) else f"{calls:.1f}"  # noqa: PLR2004 - two digits
