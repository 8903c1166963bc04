"""Cases of calls: abroad at night, cost, missed ones, fewer than there were."""

import math
from typing import Any

from tests.alerts.bodies import DAY, call, calls_with, inbound, live, store
from tests.alerts.build import LIMITS, of_store, scene
from tests.alerts.scene import Ago, Case, Document, Scene

KEY = ("Loja001",)
FRESH = 300
LIVE_SECONDS = 90
CLOSED = store(watch={"open": False, "at": Ago(FRESH)})
ABROAD = {"category": "international", "prefix": "+44207"}


def _abroad() -> tuple[Case, ...]:
    minutes = LIMITS["abroad"]["minutes"] * 60
    end = {"start": Ago(minutes + 120), "end": Ago(minutes)}

    def over(shop: Document = CLOSED, **changes: Any) -> Scene:
        return scene(shop, call(1, **{**ABROAD, **end, **changes}))

    def now(shop: Document = CLOSED, e164: str | None = "+442071234567", **changes: Any) -> Scene:
        return scene(shop, live(e164, **{"as_of": Ago(LIVE_SECONDS), **changes}))

    closed = {
        "the store is open": store(),
        "nobody has looked whether it is open": store(watch={"open": False, "at": Ago(FRESH + 1)}),
        "the store's hours are not known": store(watch={"open": None}),
        "the store is closed for good": store(watch={"open": False, "closed": True}),
    }
    premium: dict[str, Any] = {"category": "service", "prefix": "+559001"}
    fires = {"abroad": KEY}
    return (
        Case(
            "abroad",
            "a call that is over",
            Scene(over().documents, fires),
            {
                **{name: over(shop) for name, shop in closed.items()},
                "a second longer ago": over(end=Ago(minutes + 1)),
                "inbound": over(direction="inbound"),
                "in the country": over(category="long_distance_mobile", prefix="+552198"),
                "part of another call": over(merged_into="cd" * 20),
                "another store's": over(name="Loja900"),
            },
            {
                "the store opens": over(store()),
                "time has passed": over(start=Ago(3 * minutes), end=Ago(2 * minutes)),
            },
        ),
        Case(
            "abroad",
            "a premium number",
            Scene(over(**premium).documents, fires),
            {"a free service": over(category="service", prefix="+550800")},
            {"time has passed": over(**premium, start=Ago(3 * minutes), end=Ago(2 * minutes))},
        ),
        Case(
            "abroad",
            "a call of now",
            Scene(now().documents, fires),
            {
                **{name: now(shop) for name, shop in closed.items()},
                "heard of a second longer ago": now(as_of=Ago(LIVE_SECONDS + 1)),
                "it has ended": now(state="ended"),
                "inbound": now(direction="inbound"),
                "in the country": now(e164="+5521987654321"),
                "the number is hidden": now(e164=None),
            },
            {"it has ended": now(state="ended")},
        ),
        Case(
            "abroad",
            "a premium number now",
            Scene(now(e164="+559001234567").documents, fires),
            {},
            {"it has ended": now(e164="+559001234567", state="ended")},
        ),
    )


def _cost() -> tuple[Case, ...]:
    limit = LIMITS["cost_jump"]
    hours, times = limit["hours"] * 3600, int(limit["times"])
    seconds, amount = int(limit["billable_seconds"]), limit["cost"]
    busy, dear = seconds, amount  # a busy day of its own has as much, so that its multiple decides
    at: dict[str, Any] = {"start": Ago(hours), "end": Ago(hours - 300)}
    usual = store(usual={"day_billable_seconds": busy, "day_cost": dear})
    calm = store(usual={"day_billable_seconds": 10, "day_cost": 1.0})
    fires = {"cost_jump": KEY}
    cases = []
    most: dict[str, Any]
    least: dict[str, Any]
    for name, shop, most, least in (
        ("minutes of its busy days", usual, {"billable": times * busy}, {"billable": times * busy - 1}),
        ("cost of its busy days", usual, {"amount": times * dear}, {"amount": times * dear - 0.01}),
        ("minutes in a calm store", calm, {"billable": seconds}, {"billable": seconds - 1}),
        ("cost in a calm store", calm, {"amount": amount}, {"amount": amount - 0.01}),
    ):
        cases.append(
            Case(
                "cost_jump",
                name,
                scene(shop, *calls_with(**most, **at), **fires),
                {
                    "just less": scene(shop, *calls_with(**least, **at)),
                    "a second longer ago": scene(shop, *calls_with(**most, start=Ago(hours + 1))),
                    "inbound": scene(shop, *calls_with(**most, **at, direction="inbound")),
                    "parts of another call": scene(shop, *calls_with(**most, **at, merged_into="cd" * 20)),
                    "of two stores": scene(
                        shop,
                        *calls_with(**most, **at)[:2],
                        *calls_with(**most, **at, name="Loja900")[2:],
                    ),
                },
                {"time has passed": scene(shop, *calls_with(**most, start=Ago(hours + 600)))},
            )
        )
    unknown = store(usual=None)
    cases.append(
        Case(
            "cost_jump",
            "nothing was learned",
            scene(unknown, *calls_with(billable=seconds), **fires),
            {"just less": scene(unknown, *calls_with(billable=seconds - 1))},
            {"time has passed": scene(unknown)},
        )
    )
    return tuple(cases)


def needed(calls: int, share: float) -> int:
    """So many of these inbound calls have to be missed, by the three limits that a share decides."""
    limit = LIMITS["missed_rate"]
    chance = limit["deviations"] * math.sqrt(calls * max(share * (1 - share), 0.01))
    return math.ceil(max(limit["missed"], limit["times"] * share * calls, share * calls + chance) - 1e-9)


def _missed() -> tuple[Case, ...]:
    limit = LIMITS["missed_rate"]
    hours, least = limit["hours"] * 3600, int(limit["calls"])
    at = {"start": Ago(hours), "end": Ago(hours - 60)}
    fires = {"missed_rate": KEY}
    cases = []
    for name, calls, share in (
        ("as many as count", least, 0.0),
        ("beyond chance", 2 * least, 0.1),
        ("its own share and half of it", 10 * least, 0.5),
    ):
        shop, lost = store(usual={"missed_share": share}), needed(calls, share)
        answered = inbound(6 * calls, lost, **at)
        cases.append(
            Case(
                "missed_rate",
                name,
                scene(shop, *inbound(calls, lost, **at), **fires),
                {
                    "one less": scene(shop, *inbound(calls, lost - 1, **at)),
                    "a second longer ago": scene(shop, *inbound(calls, lost, start=Ago(hours + 1))),
                    "outbound": scene(shop, *inbound(calls, lost, **at, direction="outbound")),
                    "parts of another call": scene(shop, *inbound(calls, lost, **at, merged_into="cd" * 20)),
                    "nothing was learned": scene(store(usual=None), *inbound(calls, lost, **at)),
                    "not registered": scene(
                        store(registered_at=None, last_seen=Ago(3600)), *inbound(calls, lost, **at)
                    ),
                },
                {
                    "time has passed": scene(shop),
                    **({"others are answered": scene(shop, *answered)} if share else {}),
                },
            )
        )
    shop = store(usual={"missed_share": 0.01})
    cases.append(
        Case(
            "missed_rate",
            "so many calls, all missed",
            scene(shop, *inbound(least, least, **at), **fires),
            {"one call less": scene(shop, *inbound(least - 1, least - 1, **at))},
            {"time has passed": scene(shop)},
        )
    )
    return tuple(cases)


def _decline() -> tuple[Case, ...]:
    limit = LIMITS["decline"]
    # A multiple of a hundred calls: the limit is a whole number of calls.
    week = max(100, math.ceil(limit["calls"] / 100) * 100)
    bound = round(limit["share"] * week)
    small = limit["calls"]
    return (
        of_store(
            "decline",
            "below the share",
            {"usual": {"week_calls": week, "recent_calls": bound - 1, "learned_at": Ago(3 * DAY)}},
            {
                "just the share": {"usual": {"recent_calls": bound}},
                "learned a second earlier": {"usual": {"learned_at": Ago(3 * DAY + 1)}},
            },
            heard=False,
        ),
        of_store(
            "decline",
            "a small store",
            {"usual": {"week_calls": small, "recent_calls": 0}},
            {"a store too small": {"usual": {"week_calls": small - 0.01}}},
            heard=False,
        ),
    )


CASES: tuple[Case, ...] = (*_abroad(), *_cost(), *_missed(), *_decline())
