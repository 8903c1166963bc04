"""Costs against something: the store's own history, the bundle that was bought."""

from typing import Final

from dashboards.build import requests as ask
from dashboards.build.objects import Json, SavedObject
from dashboards.build.ranking import ranking
from dashboards.build.vega import THIRD, WARN, Form
from dashboards.build.words import Say

HISTORY: Final = 56
"""Days before the period that a store is compared with."""
ENOUGH_DAYS: Final = 14
"""Days with calls in them, fewer of which say nothing of what is usual."""
MOST: Final = 15
"""Bars of a ranking."""


def outliers(say: Say) -> SavedObject:
    """Cost per day against the store's own eight weeks before, the most unusual first."""
    cost: Json = {"cost": ask.total("call.cost.amount")}
    before: Json = {
        "filter": {"range": {"@timestamp": {"gte": _start(HISTORY), "lt": _start(0)}}},
        "aggs": {
            "days": ask.by_day(cost),
            "usual": {"extended_stats_bucket": {"buckets_path": "days>cost"}},
        },
    }
    now: Json = {
        "filter": ask.period(),
        "aggs": cost | {"days": {"cardinality": {"field": "local.date", "precision_threshold": 1_000}}},
    }
    paths = {
        "cost": "now>cost",
        "days": "now>days",
        "usual": "before>usual.avg",
        "spread": "before>usual.std_deviation",
        "known": "before>usual.count",
    }
    known = f"params.days > 0 && params.known >= {ENOUGH_DAYS} && params.usual > 0 && params.spread > 0"
    a_day = "params.cost / params.days"
    per_store: Json = {
        "now": now,
        "before": before,
        "enough": {"bucket_selector": {"buckets_path": paths, "script": known}},
        "day": {"bucket_script": {"buckets_path": paths, "script": a_day}},
        "times": {"bucket_script": {"buckets_path": paths, "script": f"{a_day} / params.usual"}},
        "unusual": {
            "bucket_script": {"buckets_path": paths, "script": f"({a_day} - params.usual) / params.spread"}
        },
        "first": ask.ranked("unusual", MOST),
    }
    times = {"range": {"@timestamp": {"gte": _start(HISTORY), "lte": {"%timefilter%": "max"}}}}
    request = {
        "index": ask.CALLS,
        "body": ask.body(
            {"stores": ask.terms("store.name", per_store)}, filters=(times, ask.RATED), excluded=(ask.MERGED,)
        ),
    }
    usual = say("/dia · normal ", "/day · usual ")
    text = (
        f"format(datum.times.value, '.1f') + 'x  ' + ({Form.MONEY.text('datum.day.value')}) + '{usual}' + "
        f"({Form.MONEY.text('datum.before.usual.avg')})"
    )
    return ranking(
        say,
        "costs-outliers",
        say("Fora do normal da própria loja", "Against the store's own history"),
        request,
        "aggregations.stores.buckets",
        value="datum.times.value",
        text=text,
        filters="store.name",
        colour=WARN,
        mark="1",
        empty=say("Sem histórico que baste para comparar", "Not enough history to compare with"),
        description=say(
            f"Custo por dia com chamadas, ante os {HISTORY} dias antes do período (traço: igual). Ordem: "
            f"quantos desvios-padrão acima. Lojas com ao menos {ENOUGH_DAYS} dias de histórico.",
            f"Cost per day with calls against the {HISTORY} days before (line: the same). Order: how many "
            f"standard deviations above. Stores with at least {ENOUGH_DAYS} days of history.",
        ),
    )


def _start(days: int) -> Json:
    """The beginning of the period, or so many days before it."""
    return {"%timefilter%": "min"} | ({"shift": -days, "unit": "day"} if days else {})


def bundles(say: Say) -> SavedObject:
    """Used until the end of the period, whatever day that begins on: each call says what was used by then."""
    aggs: Json = {
        "used": {"max": {"field": "call.cost.bundle.used_seconds"}},
        "size": {"max": {"field": "call.cost.bundle.total_seconds"}},
        "share": ask.share("used", "size"),
        "first": ask.ranked("share", MOST),
    }
    exists = {"exists": {"field": "call.cost.bundle.account"}}
    of = say(" de ", " of ")
    text = (
        f"({Form.SHARE.text('(datum.share ? datum.share.value : null)')}) + '  (' + "
        f"({Form.MINUTES.text('datum.used.value')}) + '{of}' + "
        f"({Form.MINUTES.text('datum.size.value')}) + ' min)'"
    )
    return ranking(
        say,
        "costs-bundles",
        say("Franquias usadas", "Bundles used"),
        ask.calls({"bundles": ask.terms("call.cost.bundle.account", aggs)}, only=(exists,)),
        "aggregations.bundles.buckets",
        value="datum.share ? datum.share.value : null",
        text=text,
        top="1",
        colour=THIRD,
        description=say(
            "Usado da franquia do mês até o fim do período, por plano, loja e mês.",
            "Used of the month's bundle by the end of the period, by plan, store and month.",
        ),
    )
