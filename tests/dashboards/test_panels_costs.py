"""Every number of the costs, against the truth and the tariffs' file."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import sqrt
from typing import Any

import pytest

from tests.assembly.costs import Charged
from tests.dashboards import reckon
from tests.dashboards.cases import MONTH, Case
from tests.dashboards.reckon import Costs, grouped
from tests.dashboards.world import Made
from tests.dashboards.written import change, count, decimal, minutes, money, same

MOST = 15
HISTORY_DAYS, ENOUGH_DAYS = 56, 14
CATEGORIES = {
    "local_fixed": "fixo local",
    "local_mobile": "celular local",
    "long_distance_fixed": "fixo interurbano",
    "long_distance_mobile": "celular interurbano",
    "toll_free": "0800",
    "shared_cost": "custo dividido (4004)",
    "service": "serviço (190, 10315…)",
    "international": "internacional",
    "unknown": "desconhecido",
}
PARTS = {"mobile": "Celular", "fixed": "Fixo", "international": "Internacional"}


def billable(calls: list[Made]) -> list[Made]:
    return [call for call in calls if call.owed]


def seconds(calls: list[Made]) -> int:
    return sum(call.truth.billable_seconds for call in calls)


def rated(case: Case, calls: list[Made]) -> list[Made]:
    return [call for call in calls if isinstance(case.costs[call.key], Charged)]


def cost_text(costs: Costs) -> str:
    lacking = f"  (+{count(costs.unrated)} sem preço)" if costs.unrated else ""
    return money(costs.amount) + lacking


def dearest(case: Case, groups: dict[str, list[Made]]) -> list[str]:
    """Names, the highest cost first, then the most seconds, then the most calls."""

    def order(name: str) -> tuple[Any, ...]:
        calls = groups[name]
        amount = reckon.costs(calls, case.costs).amount or Decimal(0)
        return -amount, -seconds(calls), -len(calls), name

    return sorted(groups, key=order)


def test_the_figures(case: Case) -> None:
    now, before = billable(case.calls), billable(case.before(MONTH))
    costs, earlier = (reckon.costs(calls, case.costs) for calls in (now, before))
    prices = []
    for calls in (now, before):
        priced = rated(case, calls)
        amount = reckon.costs(calls, case.costs).amount
        prices.append(float(amount) * 60 / seconds(priced) if amount is not None else None)
    spoken, spoken_before = (seconds(calls) if calls else None for calls in (now, before))
    wanted = [
        ("Custo previsto", money(costs.amount), change(costs.amount, earlier.amount, MONTH)),
        ("Chamadas tarifadas", count(costs.rated), change(costs.rated, earlier.rated, MONTH)),
        ("Minutos tarifáveis", minutes(spoken), change(spoken, spoken_before, MONTH)),
        ("Custo por minuto", money(prices[0]), change(prices[0], prices[1], MONTH)),
        ("Chamadas sem preço", count(costs.unrated), change(costs.unrated, earlier.unrated, MONTH)),
    ]
    found = case.screens.figures("costs-figures", case.selection)
    assert same(found, wanted), (found, wanted)


def test_the_dearest_stores(case: Case) -> None:
    stores = grouped(billable(case.calls), lambda call: call.store.name)
    wanted = [
        (name, cost_text(reckon.costs(stores[name], case.costs))) for name in dearest(case, stores)[:MOST]
    ]
    found = case.screens.ranking("costs-stores", case.selection)
    assert same(found, wanted), (found, wanted)


def test_the_stores_with_most_minutes(case: Case) -> None:
    stores = grouped(billable(case.calls), lambda call: call.store.name)
    names = sorted(stores, key=lambda name: (-seconds(stores[name]), -len(stores[name]), name))[:MOST]
    assert case.screens.ranking("costs-minutes", case.selection) == [
        (name, f"{minutes(seconds(stores[name]))} min em {count(len(stores[name]))}") for name in names
    ]
    longest = seconds(stores[names[0]]) if names else 0
    assert case.screens.lengths("costs-minutes", case.selection) == pytest.approx(
        [seconds(stores[name]) / longest for name in names]
    )


def test_what_is_unusual_for_a_store(case: Case) -> None:
    since = case.selection.since
    assert since is not None
    history = replace(case.selection, since=since - timedelta(days=HISTORY_DAYS), until=since)
    now = grouped(rated(case, case.calls), lambda call: call.store.name)
    before = grouped(rated(case, history.of(case.world.calls)), lambda call: call.store.name)
    unusual = []
    for name, calls in now.items():
        days = [amount(case, some) for some in grouped(before.get(name, []), reckon.day).values()]
        if len(days) < ENOUGH_DAYS:
            continue
        usual = sum(days) / len(days)
        spread = sqrt(sum((day - usual) ** 2 for day in days) / len(days))
        a_day = amount(case, calls) / len(grouped(calls, reckon.day))
        text = f"{decimal(a_day / usual)}x  {money(a_day)}/dia · normal {money(usual)}"
        unusual.append((-(a_day - usual) / spread, name, text))
    wanted = [(name, text) for _, name, text in sorted(unusual)]
    found = case.screens.ranking("costs-outliers", case.selection)
    assert same(found, wanted), (found, wanted)


def amount(case: Case, calls: list[Made]) -> float:
    return float(reckon.costs(calls, case.costs).amount or 0)


def part(call: Made) -> str:
    name = call.truth.category
    return PARTS.get(name) or PARTS.get(name.rpartition("_")[2], "Outros")


def test_the_cost_of_each_day(case: Case) -> None:
    found = case.screens.parts("costs-days", case.selection)
    days = grouped(rated(case, case.calls), reckon.day)
    wanted = {
        (day, name): float(
            reckon.costs([call for call in calls if part(call) == name], case.costs).amount or 0
        )
        for day, calls in days.items()
        for name in (*PARTS.values(), "Outros")
    }
    shown = {(one["Dia"], one["O quê"]): float(one["R$"].replace(".", "").replace(",", ".")) for one in found}
    assert shown == pytest.approx(wanted, abs=0.0051)
    assert len(found) == len(wanted)


def test_each_kind_of_number(case: Case) -> None:
    kinds = grouped(rated(case, case.calls), reckon.paying_category)
    wanted = [
        (
            CATEGORIES[name],
            f"{cost_text(reckon.costs(kinds[name], case.costs))} · {minutes(seconds(kinds[name]))} min",
        )
        for name in dearest(case, kinds)
    ]
    found = case.screens.ranking("costs-categories", case.selection)
    assert same(found, wanted), (found, wanted)


def table(calls: list[Made]) -> tuple[int, int, int]:
    return len(calls), seconds(calls), len({call.store.id for call in calls})


def test_each_trunk(case: Case) -> None:
    trunks = grouped(rated(case, case.calls), reckon.paying_trunk)
    found = case.screens.table("costs-trunks", case.selection)
    wanted = {name: (amount(case, calls), *table(calls)) for name, calls in trunks.items()}
    assert {row[0]: row[1:] for row in found} == {name: pytest.approx(one) for name, one in wanted.items()}
    assert [row[1] for row in found] == sorted((row[1] for row in found), reverse=True)


def reason(case: Case) -> Callable[[Made], str | None]:
    """Why a call has no price: in the demo's tariffs a trunk has no plan, or the plan "oi" no shared cost."""
    plans = tomllib.loads(case.world.tariffs.read_text(encoding="utf-8"))["plan"]
    planned = {trunk for plan in plans for trunk in plan["trunks"]}

    def why(call: Made) -> str | None:
        owed = call.owed
        if owed is None or isinstance(case.costs[call.key], Charged):
            return None
        if owed.trunk not in planned:
            return f"no plan for trunk {owed.trunk} on {owed.day}"
        return f"no rate for category {owed.category} in plan oi 2024-01-01"

    return why


def test_what_has_no_price(case: Case) -> None:
    reasons = grouped(case.calls, reason(case))
    found = case.screens.table("costs-unrated", case.selection)
    names = sorted(reasons, key=lambda name: (-len(reasons[name]), name))[:200]
    assert found == [(name, *table(reasons[name])) for name in names]
