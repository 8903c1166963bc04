"""One call's cost: pure rules, exact numbers, rounded once. Each rule with examples: docs/tariffs.md."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Final, NamedTuple

from central.rating.tariffs import COLLECT, Plan, Rate, Tariffs

_REASON_LENGTH: Final = 256  # what `call.unrated` and `call.cost.tariff` hold


@dataclass(frozen=True, slots=True)
class Call:
    """What a call is rated by, with the names of its document's fields.

    Attributes:
        store: `store.id`.
        day: `local.date`; None where it is none.
        seconds: `call.billable_seconds`; 0: there is nothing to rate.
        trunk: `call.trunk`; None where unknown, as below.
        category: `call.category`.
        prefix: `call.prefix`.
        collect: `call.collect`.
    """

    store: str
    day: date | None
    seconds: int
    trunk: str | None = None
    category: str | None = None
    prefix: str | None = None
    collect: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """Whose bundle, in which calendar month.

    Attributes:
        plan: the plan's name.
        store: the store's id; empty where all stores share it.
        month: `YYYY-MM`, of the stores' calendars.
    """

    plan: str
    store: str
    month: str

    @property
    def label(self) -> str:
        """Name for people, such as `vivo · Loja001 · 2026-11`, or `claro · 2026-11` of all stores."""
        return " · ".join(part for part in (self.plan, self.store, self.month) if part)


class BundleUse(NamedTuple):
    """How far a bundle is used, with the names of `call.cost.bundle`.

    Attributes:
        account: its name for people.
        seconds: what it pays of the call.
        used_seconds: what is used of it after the call.
        total_seconds: what it has in a month.
    """

    account: str
    seconds: int
    used_seconds: int
    total_seconds: int


@dataclass(frozen=True, slots=True)
class Match:
    """The price that a call has.

    Attributes:
        plan: the plan that it falls under.
        rate: the rate in it.
        account: the bundle that pays for it first; None: none does.
    """

    plan: Plan
    rate: Rate
    account: Account | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call costs.

    Attributes:
        amount: rounded to the file's decimals.
        currency: ISO 4217.
        tariff: what was applied, for people.
        plan: label of the plan.
        seconds: billed seconds, those that the bundle pays included.
        bundle: how far the bundle is used that is there for such calls; None: there is none.
    """

    amount: Decimal
    currency: str
    tariff: str
    plan: str
    seconds: int
    bundle: BundleUse | None

    @property
    def bundle_seconds(self) -> int:
        """Seconds that the bundle pays."""
        return self.bundle.seconds if self.bundle else 0


@dataclass(frozen=True, slots=True)
class Unrated:
    """Why a call has no cost.

    Attributes:
        reason: as it is written to the call.
        kind: the reason without what differs from day to day, to count by.
    """

    reason: str
    kind: str


class Bundles:
    """What is used of the bundles; calls must come in the order of (`@timestamp`, `_id`)."""

    def __init__(self) -> None:
        self._used: Counter[Account] = Counter()

    def take(self, account: Account, limit: int, seconds: int) -> int:
        """Use a bundle.

        Args:
            account: whose it is.
            limit: its seconds in a month.
            seconds: how many a call wants.

        Returns:
            How many of them it pays.
        """
        paid = min(seconds, max(0, limit - self._used[account]))
        self._used[account] += paid
        return paid

    def used(self, account: Account) -> int:
        """Give the seconds that are used of a bundle until now."""
        return self._used[account]


def match(tariffs: Tariffs, call: Call) -> Match | Unrated | None:
    """Find the price of a call.

    Returns:
        The price, or why there is none; None where nothing was billable.
    """
    if call.seconds <= 0:
        return None
    if call.day is None:
        return _unrated("local.date is no date")
    if call.trunk is None:
        return _unrated("no trunk is known")
    plan = tariffs.plan(call.trunk, call.store, call.day)
    if plan is None:
        return _unrated(f"no plan for trunk {call.trunk}", f" on {call.day}")
    return _priced(plan, call, call.day)


def _priced(plan: Plan, call: Call, day: date) -> Match | Unrated:
    rate = plan.rate(call.category, call.prefix, collect=call.collect)
    if rate is None and call.collect:
        return _unrated("collect call, paid by the called party")
    if rate is None:
        return _unrated(f"no rate for category {call.category or 'absent'} in plan {plan.label}")
    kind = COLLECT if call.collect else call.category
    covered = plan.bundle is not None and kind in plan.bundle.categories
    return Match(plan, rate, _account(plan, call.store, day) if covered else None)


def charge(tariffs: Tariffs, price: Match, seconds: int, bundles: Bundles) -> Cost:
    """Price a call; uses its bundle.

    Args:
        tariffs: for currency and decimals.
        price: as `match` found it.
        seconds: its billable seconds.
        bundles: what is used of them by the calls before this one.
    """
    plan, rate = price.plan, price.rate
    billed = billed_seconds(rate, seconds)
    use = None
    if price.account is not None and plan.bundle is not None:
        total = plan.bundle.seconds
        paid = bundles.take(price.account, total, billed)
        # Plans of one name may have bundles of two sizes: what is used never passes the one that pays.
        use = BundleUse(price.account.label, paid, min(bundles.used(price.account), total), total)
    paid = use.seconds if use else 0
    name = f"{plan.label} {rate.key}"
    tail = ", bundle" if paid else ""
    return Cost(
        amount(rate, billed - paid, tariffs.decimals),
        tariffs.currency,
        name[: _REASON_LENGTH - len(tail)] + tail,
        plan.label,
        billed,
        use,
    )


def billed_seconds(rate: Rate, seconds: int) -> int:
    """Give the seconds billed of a call: none up to the free ones, else the minimum, then whole steps."""
    if seconds <= rate.free_seconds:
        return 0
    steps = -(-max(0, seconds - rate.minimum_seconds) // rate.increment_seconds)
    return rate.minimum_seconds + steps * rate.increment_seconds


def amount(rate: Rate, seconds: int, decimals: int) -> Decimal:
    """Give the price of so many charged seconds, rounded half up; 0 cost nothing, not even the connection."""
    if seconds == 0:
        return Decimal(0).scaleb(-decimals)
    exact = Fraction(rate.connection) + Fraction(rate.per_minute) * seconds / 60
    return Decimal(floor(exact * 10**decimals + Fraction(1, 2))).scaleb(-decimals)


def accounts_of(tariffs: Tariffs, call: Call) -> Iterator[Account]:
    """Give every bundle that a call may have used before it changed: its store's, in its month."""
    day = call.day
    if day is not None:
        for plan in tariffs.plans:
            if plan.bundle is not None and plan.is_for(call.store) and plan.in_force(day):
                yield _account(plan, call.store, day)


def _account(plan: Plan, store: str, day: date) -> Account:
    of_chain = plan.bundle is not None and plan.bundle.of_chain
    return Account(plan.name, "" if of_chain else store, str(day)[:7])


def _unrated(kind: str, detail: str = "") -> Unrated:
    return Unrated(kind[: _REASON_LENGTH - len(detail)] + detail, kind)
