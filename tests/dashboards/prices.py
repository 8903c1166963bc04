"""What calls cost, and how far bundles are used up, from the truth and the tariffs' file.

The rules are those of docs/tariffs.md, reckoned in `tests.assembly.costs`, which shares no code with the
product; there a bundle is cut down to a part, here it is whole.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.assembly.costs import Outcome, Owed, Prices
from tests.dashboards.world import World


@dataclass(frozen=True)
class Use:
    """A bundle at the moment of a call that it is there for.

    Attributes:
        plan: The plan's name.
        store: Whose it is; empty: of all.
        month: `2026-09`, of the store's calendar.
        paid: Seconds of this call that it paid; 0 where it was used up.
        used: Of it after this call, seconds.
        total: Its size, seconds.
    """

    plan: str
    store: str
    month: str
    paid: int
    used: int
    total: int


class WholePrices(Prices):
    """Prices with whole bundles, which remembers what paid for what."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.uses: dict[str, Use] = {}

    def _take(self, plan: dict[str, Any], call: Owed, billed: int) -> int:
        bundle = plan.get("bundle")
        if not bundle or call.category not in bundle["categories"]:
            return 0
        whose = "" if bundle["scope"] == "chain" else call.store
        account = (plan["name"], whose, f"{call.day:%Y-%m}")
        total: int = bundle["minutes"] * 60
        paid: int = min(billed, total - self._used[account])
        self._used[account] += paid
        self.uses[call.key] = Use(*account, paid, self._used[account], total)
        return paid


def priced(world: World) -> tuple[dict[str, Outcome], dict[str, Use]]:
    """Price all calls of a world; give by their keys what they cost, and which bundles paid for them."""
    prices = WholePrices(world.tariffs)
    outcomes = prices.charge([call.owed for call in world.calls])
    return dict(zip((call.key for call in world.calls), outcomes, strict=True)), prices.uses
