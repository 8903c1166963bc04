"""What the calls cost: by store, kind of number and trunk; what has no price; what is unusual."""

from typing import Final

from dashboards.build import requests as ask
from dashboards.build.chart import Series
from dashboards.build.days import by_days
from dashboards.build.figures import Figure, figures
from dashboards.build.meanings import categories, named
from dashboards.build.objects import Json, SavedObject
from dashboards.build.ranking import ranking
from dashboards.build.screen import Row, Screen
from dashboards.build.tables import CALLS_ONCE, By, Metric, table
from dashboards.build.top import top
from dashboards.build.vega import BAD, GOOD, QUIET, THIRD, Form
from dashboards.build.words import Say
from dashboards.screens.costs_compared import MOST, bundles, outliers

MONTH: Final = 28
"""Four weeks: the same weekdays on both sides of a comparison."""


def screen(say: Say) -> Screen:
    """Give the dashboard."""
    return Screen(
        "costs",
        say("Custos", "Costs"),
        say(
            "Quanto custam as ligações de cada loja, e o que foge do normal.",
            "What each store's calls cost, and what is unusual.",
        ),
        since="now-28d",
        rows=[
            *top(say, "costs"),
            Row(6, [(48, _figures(say))], bare=True),
            Row(16, [(16, _by_cost(say)), (14, _by_minutes(say)), (18, outliers(say))]),
            Row(11, [(30, _days(say)), (18, bundles(say))]),
            Row(12, [(26, _categories(say)), (22, _trunks(say))]),
            Row(9, [(48, _unrated(say))]),
        ],
    )


def _cost_aggs() -> Json:
    return {
        "cost": ask.total("call.cost.amount"),
        "seconds": ask.total("call.billable_seconds"),
        "rated": ask.counted(ask.RATED),
        "unrated": ask.counted(ask.UNRATED),
    }


def _cost(bucket: str) -> str:
    """A sum of costs is known where at least one call has a cost."""
    return f"({bucket}.rated.doc_count ? {bucket}.cost.value : null)"


def _cost_text(say: Say, bucket: str = "datum") -> str:
    """A cost, and how many calls are missing in it."""
    lacking = say(" sem preço", " unpriced")
    return (
        f"({Form.MONEY.text(_cost(bucket))}) + ({bucket}.unrated.doc_count ? "
        f"'  (+' + format({bucket}.unrated.doc_count, ',.0f') + '{lacking})' : '')"
    )


def _figures(say: Say) -> SavedObject:
    aggs = _cost_aggs() | {"rated": ask.counted(ask.RATED) | {"aggs": _rated_parts()}}
    rated = "@.rated.seconds.value"
    per_minute = f"({rated} ? @.rated.cost.value * 60 / {rated} : null)"
    return figures(
        say,
        "costs-figures",
        say("Custos em números", "Costs in figures"),
        ask.compared(aggs, MONTH, only=(ask.BILLABLE,)),
        [
            Figure(say("Custo previsto", "Expected cost"), _cost("@"), Form.MONEY),
            Figure(say("Chamadas tarifadas", "Priced calls"), "@.rated.doc_count"),
            Figure(
                say("Minutos tarifáveis", "Billable minutes"),
                "(@.doc_count ? @.seconds.value : null)",
                Form.MINUTES,
            ),
            Figure(say("Custo por minuto", "Cost per minute"), per_minute, Form.MONEY),
            Figure(say("Chamadas sem preço", "Calls without a price"), "@.unrated.doc_count", better="less"),
        ],
        days=MONTH,
        description=say(
            "Sem preço: não somam nada ao custo até que a tabela de tarifas as conheça.",
            "Without a price: they add nothing to the cost until the tariffs know them.",
        ),
    )


def _rated_parts() -> Json:
    return {"cost": ask.total("call.cost.amount"), "seconds": ask.total("call.billable_seconds")}


def _by_cost(say: Say) -> SavedObject:
    aggs = _cost_aggs() | {"first": ask.ranked("cost", MOST, path="seconds")}
    return ranking(
        say,
        "costs-stores",
        say("Lojas mais caras", "Dearest stores"),
        ask.calls({"stores": ask.terms("store.name", aggs)}, only=(ask.BILLABLE,)),
        "aggregations.stores.buckets",
        value=_cost("datum"),
        text=_cost_text(say),
        filters="store.name",
        description=say("Pelo custo previsto.", "By expected cost."),
    )


def _by_minutes(say: Say) -> SavedObject:
    aggs: Json = {
        "seconds": ask.total("call.billable_seconds"),
        "first": ask.ranked("seconds", MOST, path="_count"),
    }
    unit = say(" min em ", " min in ")
    text = f"({Form.MINUTES.text('datum.seconds.value')}) + '{unit}' + format(datum.doc_count, ',.0f')"
    return ranking(
        say,
        "costs-minutes",
        say("Lojas com mais minutos", "Stores with most minutes"),
        ask.calls({"stores": ask.terms("store.name", aggs)}, only=(ask.BILLABLE,)),
        "aggregations.stores.buckets",
        value="datum.seconds.value",
        text=text,
        filters="store.name",
        colour=THIRD,
        description=say("Minutos que a operadora pode cobrar.", "Minutes that a provider may charge."),
    )


def _days(say: Say) -> SavedObject:
    kinds: Json = {
        "mobile": {"terms": {"call.category": ["local_mobile", "long_distance_mobile"]}},
        "fixed": {"terms": {"call.category": ["local_fixed", "long_distance_fixed"]}},
        "international": {"term": {"call.category": "international"}},
    }
    groups = {
        "filters": {"filters": kinds, "other_bucket_key": "other"},
        "aggs": {"cost": ask.total("call.cost.amount")},
    }
    return by_days(
        say,
        "costs-days",
        say("Custo por dia", "Cost by day"),
        ask.calls({"days": ask.by_day({"kinds": groups})}, only=(ask.RATED,)),
        "aggregations.days.buckets",
        [
            Series(say("Celular", "Mobile"), "datum.kinds.buckets.mobile.cost.value", GOOD),
            Series(say("Fixo", "Fixed"), "datum.kinds.buckets.fixed.cost.value", THIRD),
            Series(
                say("Internacional", "International"), "datum.kinds.buckets.international.cost.value", BAD
            ),
            Series(say("Outros", "Others"), "datum.kinds.buckets.other.cost.value", QUIET),
        ],
        unit="R$",
        form=",.2f",
    )


def _categories(say: Say) -> SavedObject:
    aggs: Json = _rated_parts() | {"first": ask.ranked("cost", MOST, path="seconds")}
    minutes = f" + ' · ' + ({Form.MINUTES.text('datum.seconds.value')}) + ' min'"
    return ranking(
        say,
        "costs-categories",
        say("Por tipo de número", "By kind of number"),
        ask.calls({"kinds": ask.terms("call.cost.category", aggs)}, only=(ask.RATED,)),
        "aggregations.kinds.buckets",
        value="datum.cost.value",
        text=f"({Form.MONEY.text('datum.cost.value')})" + minutes,
        label=named(categories(say)),
        filters="call.cost.category",
        description=say(
            "Só chamadas que têm preço; de uma recebida que seguiu para fora conta o número de destino.",
            "Only calls that have a price; of an inbound one that went on, that outside number counts.",
        ),
    )


def _trunks(say: Say) -> SavedObject:
    return table(
        "costs-trunks",
        say("Por tronco", "By trunk"),
        "call",
        f"{CALLS_ONCE} AND call.billable_seconds:>0 AND _exists_:call.cost.amount",
        [By(say("Tronco", "Trunk"), "call.cost.trunk", size=50)],
        [
            Metric(say("Custo", "Cost in R$"), "sum", "call.cost.amount"),
            Metric(say("Chamadas", "Calls")),
            Metric(say("Tempo tarifável", "Billable time"), "sum", "call.billable_seconds"),
            Metric(say("Lojas", "Stores"), "cardinality", "store.id"),
        ],
        description=say("Só chamadas que têm preço.", "Only calls that have a price."),
    )


def _unrated(say: Say) -> SavedObject:
    return table(
        "costs-unrated",
        say("Sem preço, por motivo", "Without a price, by reason"),
        "call",
        f"{CALLS_ONCE} AND call.billable_seconds:>0 AND NOT _exists_:call.cost.amount",
        [
            By(
                say("Motivo", "Reason"),
                "call.unrated",
                size=200,
                missing=say("ainda não calculado", "not computed yet"),
            )
        ],
        [
            Metric(say("Chamadas", "Calls")),
            Metric(say("Tempo", "Time"), "sum", "call.billable_seconds"),
            Metric(say("Lojas", "Stores"), "cardinality", "store.id"),
        ],
        description=say(
            "O que falta na tabela de tarifas; `central rate` diz o mesmo.",
            "What the tariffs lack; `central rate` says the same.",
        ),
    )
