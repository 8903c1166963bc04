"""One call's cost against expectations by hand, and against a second computation from the rules' text."""

import math
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.rating.rate import (
    Account,
    Bundles,
    Call,
    Match,
    Unrated,
    accounts_of,
    amount,
    billed_seconds,
    charge,
    match,
)
from central.rating.tariffs import Bundle, Plan, Rate, Tariffs, load
from tests.reckoning import by_steps, exact_price, half_up

CHAIN = load(Path(__file__).parents[1] / "data" / "tariffs.toml")
DAY = date(2026, 11, 3)


def rate(**changes: Any) -> Rate:
    """A 30+6 rate with three free seconds."""
    values: dict[str, Any] = {
        "key": "local_mobile",
        "per_minute": Decimal("0.35"),
        "connection": Decimal("0.05"),
        "minimum_seconds": 30,
        "increment_seconds": 6,
        "free_seconds": 3,
    }
    return Rate(**(values | changes))


@pytest.mark.parametrize(
    ("seconds", "billed"), [(1, 0), (3, 0), (4, 30), (30, 30), (31, 36), (36, 36), (37, 42), (3600, 3600)]
)
def test_thirty_and_six(seconds: int, billed: int) -> None:
    assert billed_seconds(rate(), seconds) == billed


@pytest.mark.parametrize(("seconds", "billed"), [(1, 60), (60, 60), (61, 120), (120, 120)])
def test_whole_minutes(seconds: int, billed: int) -> None:
    assert billed_seconds(rate(minimum_seconds=60, increment_seconds=60, free_seconds=0), seconds) == billed


@pytest.mark.parametrize(("seconds", "billed"), [(1, 6), (6, 6), (7, 12)])
def test_steps_without_a_minimum(seconds: int, billed: int) -> None:
    assert billed_seconds(rate(minimum_seconds=0, free_seconds=0), seconds) == billed


@pytest.mark.parametrize(("seconds", "billed"), [(40, 0), (41, 42)])
def test_more_free_seconds_than_the_minimum(seconds: int, billed: int) -> None:
    assert billed_seconds(rate(free_seconds=40), seconds) == billed


@pytest.mark.parametrize(
    ("price", "seconds", "decimals", "expected"),
    [
        ("0.35", 30, 4, "0.2250"),  # 0.05 + 0.175
        ("0.35", 30, 2, "0.23"),  # 0.225 goes up
        ("0.3499", 30, 2, "0.22"),  # 0.22495 does not
        ("0.001", 3, 4, "0.0501"),  # 0.05005 goes up
        ("0", 30, 3, "0.050"),
        ("0.35", 0, 4, "0.0000"),  # not even the connection
        ("0.10", 20, 4, "0.0833"),  # 0.05 + 0.0333…
        ("0.70", 40, 4, "0.5167"),  # 0.05 + 0.4666…
    ],
)
def test_an_amount_is_rounded_half_up(price: str, seconds: int, decimals: int, expected: str) -> None:
    assert str(amount(rate(per_minute=Decimal(price)), seconds, decimals)) == expected


def test_the_longest_prefix_wins_over_any_category() -> None:
    plan = CHAIN.plan("tim", "Loja002", DAY)
    assert plan is not None

    def key(category: str | None, prefix: str | None, *, collect: bool = False) -> str | None:
        found = plan.rate(category, prefix, collect=collect)
        return found.key if found else None

    assert key("local_mobile", "+551198") == "+55119"
    assert key("local_mobile", "+551188") == "local_mobile"
    assert key("local_mobile", "+5511") == "local_mobile", "a prefix that the call does not tell"
    assert key("local_mobile", None) == "local_mobile"
    assert key(None, "+55119") == "+55119"
    assert key(None, None) is None
    assert key("international", "+1") is None
    assert key("local_mobile", "+551198", collect=True) is None


def test_a_call_of_nothing_is_not_rated() -> None:
    assert match(CHAIN, Call("Loja001", DAY, 0, "vivo", "local_fixed")) is None
    assert match(CHAIN, Call("Loja001", None, 0)) is None


REASONS = {
    "no plan for trunk vivo on 2025-12-31": Call("Loja002", date(2025, 12, 31), 5, "vivo", "local_fixed"),
    "no trunk is known": Call("Loja002", DAY, 5, None, "local_fixed"),
    "local.date is no date": Call("Loja002", None, 5, "vivo", "local_fixed"),
    "no rate for category international in plan oi 2026-01-01": Call(
        "Loja002", DAY, 5, "oi", "international", "+1305"
    ),
    "no rate for category absent in plan oi 2026-01-01": Call("Loja002", DAY, 5, "oi"),
    "collect call, paid by the called party": Call(
        "Loja002", DAY, 5, "oi", "local_mobile", None, collect=True
    ),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_call_without_a_price_has_a_reason(reason: str) -> None:
    found = match(CHAIN, REASONS[reason])
    assert isinstance(found, Unrated)
    assert found.reason == reason


def test_a_reason_fits_its_field_and_keeps_its_day() -> None:
    tariffs = Tariffs("BRL", 4, ())
    found = match(tariffs, Call("Loja002", DAY, 5, "v" * 256))
    assert isinstance(found, Unrated)
    assert len(found.reason) == 256
    assert found.reason.endswith("vvv on 2026-11-03")


def test_a_bundle_pays_until_it_is_used_up() -> None:
    bundles, account = Bundles(), Account("vivo", "Loja001", "2026-11")
    assert [bundles.take(account, 100, seconds) for seconds in (60, 0, 30, 36, 6)] == [60, 0, 30, 10, 0]
    assert bundles.take(Account("vivo", "Loja002", "2026-11"), 100, 60) == 60
    assert bundles.take(Account("vivo", "Loja001", "2026-12"), 100, 60) == 60


def test_plans_of_one_name_share_a_month() -> None:
    bundles, costs = Bundles(), []
    bundle = Bundle(60, frozenset({"local_mobile"}), of_chain=False)
    kinds = {"local_mobile": rate(free_seconds=0)}
    tariffs = Tariffs(
        "BRL",
        4,
        (
            Plan(
                "vivo", frozenset({"vivo"}), frozenset(), date(2026, 1, 1), date(2026, 11, 15), kinds, bundle
            ),
            Plan("vivo", frozenset({"vivo"}), frozenset(), date(2026, 11, 16), None, kinds, bundle),
        ),
    )
    for day in (15, 16, 16):
        found = match(tariffs, Call("Loja001", date(2026, 11, day), 36, "vivo", "local_mobile"))
        assert isinstance(found, Match)
        costs.append(charge(tariffs, found, 36, bundles))
    assert [str(cost.amount) for cost in costs] == ["0.0000", "0.1200", "0.2600"]
    assert [cost.tariff for cost in costs] == [
        "vivo 2026-01-01 local_mobile, bundle",
        "vivo 2026-11-16 local_mobile, bundle",
        "vivo 2026-11-16 local_mobile",
    ]
    assert [(cost.seconds, cost.bundle_seconds) for cost in costs] == [(36, 36), (36, 24), (36, 0)]
    account = "vivo · Loja001 · 2026-11"
    assert [cost.bundle for cost in costs] == [
        (account, 36, 36, 60),
        (account, 24, 60, 60),
        (account, 0, 60, 60),
    ]


def test_a_bundle_that_shrank_in_mid_month_is_never_used_beyond_its_size() -> None:
    plans = [
        Plan("vivo", frozenset({"vivo"}), frozenset(), since, until, {"local_fixed": rate()}, bundle)
        for since, until, bundle in (
            (date(2026, 1, 1), date(2026, 11, 15), Bundle(100, frozenset({"local_fixed"}), of_chain=True)),
            (date(2026, 11, 16), None, Bundle(60, frozenset({"local_fixed"}), of_chain=True)),
        )
    ]
    tariffs, bundles = Tariffs("BRL", 4, tuple(plans)), Bundles()
    found = [match(tariffs, Call("A", date(2026, 11, day), 90, "vivo", "local_fixed")) for day in (15, 16)]
    uses = [charge(tariffs, price, 90, bundles).bundle for price in found if isinstance(price, Match)]
    assert uses == [("vivo · 2026-11", 90, 90, 100), ("vivo · 2026-11", 0, 60, 60)]


def test_a_call_touches_the_bundles_of_its_store_and_month() -> None:
    call = Call("Loja001", DAY, 5, "oi", "local_fixed")
    assert list(accounts_of(CHAIN, call)) == [
        Account("vivo", "Loja001", "2026-11"),
        Account("claro", "", "2026-11"),
    ]
    assert list(accounts_of(CHAIN, Call("Loja001", None, 5))) == []


PRICES = st.decimals(0, 20, places=5)


@given(
    calls=st.lists(
        st.tuples(
            st.integers(1, 400),
            st.sampled_from(["covered", "free of bundle"]),
            st.sampled_from(["A", "B"]),
            st.integers(0, 59),
        ),
        max_size=30,
    ),
    price=PRICES,
    connection=PRICES,
    minimum=st.integers(0, 90),
    increment=st.integers(1, 90),
    free=st.integers(0, 10),
    decimals=st.integers(2, 4),
    minutes=st.integers(1, 20),
    of_chain=st.booleans(),
)
def test_it_agrees_with_a_second_computation(
    calls: list[tuple[int, str, str, int]],
    price: Decimal,
    connection: Decimal,
    minimum: int,
    increment: int,
    free: int,
    decimals: int,
    minutes: int,
    of_chain: bool,
) -> None:
    kinds = {
        key: Rate(key, price, connection, minimum, increment, free) for key in ("local_fixed", "local_mobile")
    }
    bundle = Bundle(minutes * 60, frozenset({"local_fixed"}), of_chain)
    plan = Plan("p", frozenset({"vivo"}), frozenset(), date(2026, 1, 1), None, kinds, bundle)
    tariffs, bundles = Tariffs("BRL", decimals, (plan,)), Bundles()
    left: dict[tuple[str, str], int] = {}
    for seconds, kind, store, offset in sorted(calls, key=lambda call: call[3]):
        day = date(2026, 11, 1) + timedelta(days=offset)
        covered, whose = kind == "covered", ("", "")
        found = match(
            tariffs, Call(store, day, seconds, "vivo", "local_fixed" if covered else "local_mobile")
        )
        assert isinstance(found, Match)
        cost = charge(tariffs, found, seconds, bundles)

        to_pay = billed = by_steps(seconds, minimum, increment, free)
        if covered:
            whose = ("all" if of_chain else store, day.strftime("%m"))
            balance = left.setdefault(whose, minutes * 60)
            to_pay = max(0, billed - balance)
            left[whose] = balance - (billed - to_pay)
        exact = exact_price(connection, price, to_pay)
        assert (cost.seconds, cost.bundle_seconds) == (billed, billed - to_pay)
        whole = minutes * 60
        assert cost.bundle == (
            (
                f"p · {'' if of_chain else f'{store} · '}{day:%Y-%m}",
                billed - to_pay,
                whole - left[whose],
                whole,
            )
            if covered
            else None
        )
        assert str(cost.amount) == half_up(exact, decimals)
        assert cost.tariff.endswith(", bundle") == (billed > to_pay)


@given(st.integers(1, 10_000), st.integers(0, 200), st.integers(1, 200))
def test_a_call_is_billed_whole_and_at_most_a_step_more(seconds: int, minimum: int, increment: int) -> None:
    billed = billed_seconds(
        rate(minimum_seconds=minimum, increment_seconds=increment, free_seconds=0), seconds
    )
    assert max(seconds, minimum) <= billed < max(minimum + 1, seconds + increment)
    assert math.gcd(billed - minimum, increment) == increment
