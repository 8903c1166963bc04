"""One measured figure and its limit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure; ``ratio`` is 1 or more where the limit is kept.

    Attributes:
        name: Key in ``bench.json``.
        value: What was measured.
        unit: Of value and limit.
        limit: What it is held against.
        ratio: value / limit where more is better, limit / value where less is.
    """

    name: str
    value: float
    unit: str
    limit: float
    ratio: float

    @classmethod
    def at_least(cls, name: str, value: float, unit: str, limit: float) -> "Figure":
        """More is better."""
        return cls(name, round(value, 4), unit, limit, round(value / limit, 3))

    @classmethod
    def at_most(cls, name: str, value: float, unit: str, limit: float) -> "Figure":
        """Less is better; where the limit is none at all, the ratio is 1 or 0."""
        if not limit:
            return cls(name, value, unit, limit, 0.0 if value else 1.0)
        return cls(name, round(value, 4), unit, limit, round(limit / max(value, 1e-9), 3))

    def __str__(self) -> str:
        """One line."""
        value, limit = f"{self.value:,.3f} {self.unit}", f"limit {self.limit:,.2f}"
        return f"{self.name:<38}{value:>24}   {limit:<16}   ratio {self.ratio:.2f}"
