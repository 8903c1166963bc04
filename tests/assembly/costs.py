"""What calls cost by another way: from the simulator's truth and the tariffs' file, in fractions.

Shares no code with what it judges; the rules are those of docs/tariffs.md.
"""

import tomllib
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from compose.simulator import SimulatedCall, StoreProfile
from compose.simulator.numbers import category
from tests.reckoning import by_steps, exact_price, half_up

BUNDLE_PART = 100
"""A bundle is for whole months of whole stores; a part is left so that it ends within the simulated days."""
PREFIX_DIGITS = 6


class Owed(NamedTuple):
    """A call that a carrier bills, as the simulator meant it.

    Attributes:
        moment: When it began, in seconds since the epoch.
        key: Which of the calls that begin in the same second is first.
        store: The store's id.
        day: Of the store's calendar.
        trunk: The way out.
        category: Of the number outside.
        number: Of the one outside, with + and the country.
        seconds: Answered.
    """

    moment: int
    key: str
    store: str
    day: date
    trunk: str
    category: str
    number: str
    seconds: int


class Charged(NamedTuple):
    """What a call costs: the amount, the seconds billed, and those of them that a bundle pays."""

    amount: Decimal
    seconds: int
    paid: int


Outcome = Charged | str | None
"""What a call costs, or `UNRATED`; None: nothing is billed."""
UNRATED = "unrated"


def owed(call: SimulatedCall, store: StoreProfile, key: str) -> Owed | None:
    """Give what a carrier bills; None: nothing."""
    truth = call.truth
    if not truth.billable_seconds:
        return None
    if truth.direction == "inbound":
        # A mobile phone of the ring group took it: it is dialled with area code, over the preferred trunk.
        trunk, dialled = store.trunks[0].name, truth.answered_by[0]
        kind, number = category(dialled, store.area_code), f"+55{dialled}"
    else:
        trunk, kind = truth.trunk, truth.category
        number = _number(truth.destination, kind, store.area_code)
    day = truth.start.date()
    return Owed(call.start_ms // 1000, key, store.id, day, trunk, kind, number, truth.billable_seconds)


def _number(dialled: str, kind: str, area_code: str) -> str:
    """Give a dialled number with + and country: see `compose.simulator.numbers` for how it is dialled."""
    if kind == "international":
        return f"+{dialled[4:]}"
    if kind.startswith("long_distance"):
        return f"+55{dialled[3:]}"
    if kind.startswith("local"):
        return f"+55{area_code}{dialled}"
    return f"+55{dialled.removeprefix('0')}"


class Prices:
    """The tariffs' file, and what is used of its bundles."""

    def __init__(self, file: Path) -> None:
        top = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        self._decimals: int = top.get("decimals", 4)
        self._plans: list[dict[str, Any]] = top["plan"]
        self._used: Counter[tuple[str, str, str]] = Counter()

    def of_chain(self, call: Owed) -> bool:
        """Tell whether a bundle may pay for it that all stores share."""
        bundle = (self._plan(call) or {}).get("bundle", {})
        return bundle.get("scope") == "chain" and call.category in bundle["categories"]

    def charge(self, calls: Sequence[Owed | None]) -> list[Outcome]:
        """Price calls, which use their bundles in the order in which they began."""
        found: list[Outcome] = [None] * len(calls)
        for _, _, number, call in sorted(
            (call.moment, call.key, number, call) for number, call in enumerate(calls) if call
        ):
            found[number] = self._charge(call)
        return found

    def _charge(self, call: Owed) -> Outcome:
        plan = self._plan(call)
        rate = plan and _rate(plan, call)
        if not plan or not rate:
            return UNRATED
        terms = {"free_seconds": 0} | plan | rate
        billed = by_steps(
            call.seconds, terms["minimum_seconds"], terms["increment_seconds"], terms["free_seconds"]
        )
        paid = self._take(plan, call, billed)
        exact = exact_price(rate.get("connection", 0), rate["per_minute"], billed - paid)
        return Charged(Decimal(half_up(exact, self._decimals)), billed, paid)

    def _plan(self, call: Owed) -> dict[str, Any] | None:
        own = [plan for plan in self._plans if call.store in plan.get("stores", [call.store])]
        named = [plan for plan in own if call.trunk in plan["trunks"]]
        others = [plan for plan in own if plan["trunks"] == ["*"]]
        valid = [
            plan
            for plan in named or others
            if plan["valid_from"] <= call.day <= plan.get("valid_until", date.max)
        ]
        for_store = [plan for plan in valid if "stores" in plan]
        return next(iter(for_store or valid), None)

    def _take(self, plan: dict[str, Any], call: Owed, billed: int) -> int:
        bundle = plan.get("bundle")
        if not bundle or call.category not in bundle["categories"]:
            return 0
        whose = "" if bundle["scope"] == "chain" else call.store
        account = (plan["name"], whose, f"{call.day:%Y-%m}")
        left = bundle["minutes"] * 60 // BUNDLE_PART - self._used[account]
        paid = min(billed, left) if left > 0 else 0
        self._used[account] += paid
        return paid


def _rate(plan: dict[str, Any], call: Owed) -> dict[str, Any] | None:
    known = call.number[: 1 + PREFIX_DIGITS]
    fits = [rate for rate in plan["rate"] if "prefix" in rate and known.startswith(rate["prefix"])]
    if fits:
        return max(fits, key=lambda rate: len(rate["prefix"]))
    return next((rate for rate in plan["rate"] if rate.get("category") == call.category), None)
