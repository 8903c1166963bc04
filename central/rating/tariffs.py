"""The tariffs' file: what it may say, and which plan and rate it has for a call. Format: docs/tariffs.md."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from central.rating.read import Section, fail, read
from shipper.schema import load as load_schema

EVERY_TRUNK: Final = "*"
COLLECT: Final = "collect"
_PREFIX_DIGITS: Final = 6  # what a call's `call.prefix` carries at most
_DAY_SECONDS: Final = 86_400
_MOST_DECIMALS: Final = 4  # `call.cost.amount` is a scaled_float of four


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of one kind of call.

    Attributes:
        key: the category, or the prefix with its `+`.
        per_minute: price of a minute, in the file's currency.
        connection: price of a call as such, whatever its length.
        minimum_seconds: what a call is billed at least.
        increment_seconds: the step by which it is billed beyond the minimum.
        free_seconds: a call of at most so many seconds costs nothing.
    """

    key: str
    per_minute: Decimal
    connection: Decimal
    minimum_seconds: int
    increment_seconds: int
    free_seconds: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a month's fee pays for already.

    Attributes:
        seconds: billed seconds in a calendar month.
        categories: the calls' categories that use it.
        of_chain: True where all stores share it, False where each has its own.
    """

    seconds: int
    categories: frozenset[str]
    of_chain: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a provider charges on some trunks in a span of days.

    Attributes:
        name: as in the file; the entries of one name share its bundle.
        trunks: names of trunks, or `EVERY_TRUNK` alone.
        stores: ids of the stores that it is for; empty: all.
        valid_from: first day, by the store's calendar.
        valid_until: last day, included; None: no end.
        rates: by category or prefix.
        bundle: None where there is none.
    """

    name: str
    trunks: frozenset[str]
    stores: frozenset[str]
    valid_from: date
    valid_until: date | None
    rates: dict[str, Rate]
    bundle: Bundle | None

    @property
    def label(self) -> str:
        """Name and first day, which tell it from the other entries of its name."""
        return f"{self.name} {self.valid_from}"

    def is_for(self, store: str) -> bool:
        """Tell whether a store may use it."""
        return not self.stores or store in self.stores

    def in_force(self, day: date) -> bool:
        """Tell whether it holds on a day of the store's calendar."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def rate(self, category: str | None, prefix: str | None, *, collect: bool) -> Rate | None:
        """Find the price of a call: the longest prefix, else its category; None where there is none.

        Args:
            category: `call.category`.
            prefix: `call.prefix`.
            collect: the called party pays: only a rate of its own fits such a call.
        """
        if collect:
            return self.rates.get(COLLECT)
        for length in range(len(prefix or ""), 1, -1):
            if found := self.rates.get((prefix or "")[:length]):
                return found
        return self.rates.get(category or "")


@dataclass(frozen=True, slots=True)
class Tariffs:
    """The whole file.

    Attributes:
        currency: ISO 4217.
        decimals: to which one call's amount is rounded.
        plans: in the file's order; no two of them fit a call equally well.
    """

    currency: str
    decimals: int
    plans: tuple[Plan, ...]

    def plan(self, trunk: str, store: str, day: date) -> Plan | None:
        """Find the plan for a call; None where there is none.

        A plan that names the trunk leaves none of that store's calls to `EVERY_TRUNK`, not even before and
        after its days: an expired contract must show, not pass for another one.
        """
        own = [plan for plan in self.plans if plan.is_for(store)]
        named = [plan for plan in own if trunk in plan.trunks]
        able = named or [plan for plan in own if EVERY_TRUNK in plan.trunks]
        return max(
            (plan for plan in able if plan.in_force(day)), key=lambda plan: bool(plan.stores), default=None
        )


def load(path: Path) -> Tariffs:
    """Read a file of tariffs.

    Raises:
        UsageError: anything that is not as it should be; says file, plan, key, value and what mends it.
    """
    top = Section(str(path), read(path), {"currency", "decimals", "plan"})
    currency = top.text("currency", 'the currency\'s three letters, such as "BRL"')
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):  # noqa: PLR2004
        fail(top.where, f"currency is {currency!r}", 'write its three capital letters, such as "BRL"')
    decimals = top.whole("decimals", 2, _MOST_DECIMALS, default=_MOST_DECIMALS)
    entries = top.tables("plan", "[[plan]]")
    plans = [_plan(top.where, number, entry) for number, entry in enumerate(entries, 1)]
    _check_claims(top.where, plans)
    return Tariffs(currency, decimals, tuple(plans))


def categories() -> frozenset[str]:
    """Give the values that `call.category` may have, and `COLLECT`."""
    schema = load_schema("call")["properties"]["call"]["properties"]["category"]
    return frozenset(schema["enum"]) | {COLLECT}


_PLAN_KEYS: Final = {
    *("name", "trunks", "stores", "valid_from", "valid_until"),
    *("minimum_seconds", "increment_seconds", "free_seconds", "bundle", "rate"),
}
_RATE_KEYS: Final = {
    *("category", "prefix", "per_minute", "connection"),
    *("minimum_seconds", "increment_seconds", "free_seconds"),
}


def _plan(file: str, number: int, entry: dict[str, Any]) -> Plan:
    name = entry.get("name")
    where = f"{file}: plan {name if isinstance(name, str) and name else 'without a name'} (number {number})"
    plan = Section(where, entry, _PLAN_KEYS)
    plan.text("name", 'a name, such as "vivo"')
    since, until = plan.day("valid_from"), plan.day("valid_until", optional=True)
    if since is None:
        fail(where, "valid_from is missing", "write its first day, such as valid_from = 2026-01-01")
    if until is not None and until < since:
        fail(where, f"valid_until is {until}, before valid_from {since}", "correct one of them")
    trunks = plan.names("trunks", 'trunks = ["vivo"], or ["*"] for all that no other plan names')
    for trunk in trunks:
        if EVERY_TRUNK in trunk and trunks != [EVERY_TRUNK]:
            mend = 'write every trunk\'s whole name, or ["*"] alone for all that no other plan names'
            fail(where, f"trunks holds {trunk!r}", mend)
    stores = (
        plan.names("stores", 'stores = ["Loja001"], or leave it out for all') if "stores" in entry else []
    )
    billing = (
        plan.whole("minimum_seconds", 0, _DAY_SECONDS),
        plan.whole("increment_seconds", 1, _DAY_SECONDS),
        plan.whole("free_seconds", 0, _DAY_SECONDS, default=0),
    )
    known = categories()
    rates: dict[str, Rate] = {}
    for place, table in enumerate(plan.tables("rate", "[[plan.rate]]"), 1):
        rate = _rate(Section(f"{where}, rate {place}", table, _RATE_KEYS), known, billing)
        if rate.key in rates:
            fail(f"{where}, rate {place}", f"{rate.key} has a rate already in this plan", "keep one of them")
        rates[rate.key] = rate
    bundle = _bundle(plan, known, rates) if "bundle" in entry else None
    return Plan(entry["name"], frozenset(trunks), frozenset(stores), since, until, rates, bundle)


def _rate(rate: Section, known: frozenset[str], billing: tuple[int, int, int]) -> Rate:
    if ("category" in rate.table) == ("prefix" in rate.table):
        has = "both category and prefix" if "category" in rate.table else "neither category nor prefix"
        fail(rate.where, f"it has {has}", 'write one of them: category = "local_mobile" or prefix = "+1"')
    if "category" in rate.table:
        key = rate.choice("category", known)
    else:
        key = rate.text("prefix", 'the number\'s beginning, such as "+1"')
        digits = key[1:]
        if not (key[0] == "+" and digits.isascii() and digits.isdigit() and len(digits) <= _PREFIX_DIGITS):
            mend = f'write + and the number\'s first digits, {_PREFIX_DIGITS} at most, such as "+1305"'
            fail(rate.where, f"prefix is {key!r}", mend)
    minimum, increment, free = billing
    return Rate(
        key,
        rate.price("per_minute"),
        rate.price("connection", default=Decimal(0)),
        rate.whole("minimum_seconds", 0, _DAY_SECONDS, default=minimum),
        rate.whole("increment_seconds", 1, _DAY_SECONDS, default=increment),
        rate.whole("free_seconds", 0, _DAY_SECONDS, default=free),
    )


def _bundle(plan: Section, known: frozenset[str], rates: dict[str, Rate]) -> Bundle:
    bundle = plan.section("bundle", {"minutes", "categories", "scope"})
    minutes = bundle.whole("minutes", 1, 1_000_000_000)
    names = bundle.names("categories", 'categories = ["local_fixed", "local_mobile"]', known)
    for name in names:
        if name not in rates:
            mend = "add its [[plan.rate]]: what a minute costs when the bundle is used up"
            fail(bundle.where, f"categories names {name}, for which the plan has no rate", mend)
    scope = bundle.choice("scope", frozenset({"store", "chain"}))
    return Bundle(minutes * 60, frozenset(names), scope == "chain")


def _check_claims(file: str, plans: list[Plan]) -> None:
    """No call may fit two plans equally well, and no two plans may be written alike on it."""
    for (first, one), (second, other) in combinations(enumerate(plans, 1), 2):
        both = f"plan {one.name} (number {first}) and plan {other.name} (number {second})"
        if one.label == other.label:
            mend = "give one of them another name: a call's tariff is told by name and first day"
            fail(file, f"{both} have the same name and valid_from {one.valid_from}", mend)
        for trunk, stores in _shared(one, other):
            since = max(one.valid_from, other.valid_from)
            mend = "end one by valid_until before the other begins, or give them other trunks or stores"
            fail(file, f"{both} both claim trunk {trunk} of {stores} on {since}", mend)


def _shared(one: Plan, other: Plan) -> Iterator[tuple[str, str]]:
    """The trunks that both claim at a time, with whose they are."""
    if one.stores and other.stores:
        common = one.stores & other.stores
        whose = f"store {min(common)}" if common else ""
    else:
        whose = "" if one.stores or other.stores else "all stores"
    apart = (one.valid_until is not None and one.valid_until < other.valid_from) or (
        other.valid_until is not None and other.valid_until < one.valid_from
    )
    if whose and not apart:
        yield from ((trunk, whose) for trunk in sorted(one.trunks & other.trunks))
