"""When is it busy? By weekday and hour on each store's own clock, for staffing and for lines."""

from typing import Final

from dashboards.build import requests as ask
from dashboards.build.hours import by_hours, week
from dashboards.build.objects import Json, SavedObject
from dashboards.build.ranking import ranking
from dashboards.build.screen import Row, Screen
from dashboards.build.top import top
from dashboards.build.vega import FOURTH, GOOD, QUIET, Form
from dashboards.build.words import Say

MONTH: Final = 28
COMPARED: Final = 5
_HEIGHT: Final = 12


def screen(say: Say) -> Screen:
    """Give the dashboard."""
    return Screen(
        "peaks",
        say("Picos", "Peaks"),
        say(
            "Quando há mais chamadas, e quantas linhas são usadas ao mesmo tempo.",
            "When there are most calls, and how many lines are used at once.",
        ),
        since="now-28d",
        rows=[
            *top(say, "peaks"),
            Row(_HEIGHT, [(24, _calls(say)), (24, _missed(say))]),
            Row(_HEIGHT, [(24, _simultaneous(say)), (24, _trunks(say))]),
            Row(_HEIGHT, [(24, _stores(say)), (24, _periods(say))]),
        ],
    )


def _week(aggs: Json | None = None) -> Json:
    hours = ask.terms("local.hour", aggs, size=24)
    return {"weekdays": ask.terms("local.weekday", {"hours": hours}, size=7)}


def _calls(say: Say) -> SavedObject:
    return week(
        say,
        "peaks-calls",
        say("Chamadas por dia da semana e hora", "Calls by weekday and hour"),
        ask.calls(_week()),
        unit=say("chamadas", "calls"),
        description=say(
            "Soma do período, no relógio de cada loja.", "Sum of the period, on each store's own clock."
        ),
    )


def _missed(say: Say) -> SavedObject:
    return week(
        say,
        "peaks-missed",
        say("Chamadas perdidas por dia da semana e hora", "Missed calls by weekday and hour"),
        ask.calls(_week(), only=(ask.MISSED,)),
        unit=say("perdidas", "missed"),
        scheme="oranges",
        description=say(
            "Soma do período, no relógio de cada loja.", "Sum of the period, on each store's own clock."
        ),
    )


def _simultaneous(say: Say) -> SavedObject:
    return week(
        say,
        "peaks-simultaneous",
        say("Máximo de chamadas ao mesmo tempo em um tronco", "Most calls at once on one trunk"),
        ask.calls(_week({"peak": {"max": {"field": "call.trunk_calls"}}}), only=(_KNOWN,)),
        value="datum.hour.peak.value",
        unit=say("ao mesmo tempo", "at once"),
        scheme="purples",
        description=say(
            "O maior número em uma loja e um tronco; escolha a loja acima para ver a dela.",
            "The highest number of one store and one trunk; choose a store above to see its own.",
        ),
    )


_KNOWN: Final[Json] = {"exists": {"field": "call.trunk_calls"}}


def _trunks(say: Say) -> SavedObject:
    aggs: Json = {
        "peak": {"max": {"field": "call.trunk_calls"}},
        "busiest": {
            "terms": {"field": "call.trunk", "size": 1, "order": [{"line": "desc"}, {"_key": "asc"}]},
            "aggs": {"line": {"max": {"field": "call.trunk_calls"}}},
        },
        "first": ask.ranked("peak", 12, path="_count"),
    }
    text = f"({Form.COUNT.text('datum.peak.value')}) + '  ' + datum.busiest.buckets[0].key"
    return ranking(
        say,
        "peaks-trunks",
        say("Lojas com mais linhas em uso ao mesmo tempo", "Stores with most lines in use at once"),
        ask.calls({"stores": ask.terms("store.name", aggs)}, only=(_KNOWN,)),
        "aggregations.stores.buckets",
        value="datum.peak.value",
        text=text,
        filters="store.name",
        colour=FOURTH,
        description=say("E em que tronco.", "And on which trunk."),
    )


def _stores(say: Say) -> SavedObject:
    hours = {"hours": ask.by_hour()}
    return by_hours(
        say,
        "peaks-stores",
        say("Comparar lojas: chamadas por hora do dia", "Compare stores: calls by hour of the day"),
        ask.calls({"stores": ask.terms("store.name", hours, size=COMPARED)}),
        "aggregations.stores.buckets",
        value="datum.hour.doc_count",
        unit=say("chamadas", "calls"),
        kind=say("Loja", "Store"),
        description=say(
            f"As {COMPARED} maiores; escolha duas acima para comparar só as duas.",
            f"The {COMPARED} largest; choose two above to compare just these.",
        ),
    )


def _periods(say: Say) -> SavedObject:
    names = {
        "now": say("neste período", "this period"),
        "before": say(f"{MONTH} dias antes", f"{MONTH} days before"),
    }
    hours = {"hours": ask.by_hour()}
    return by_hours(
        say,
        "peaks-periods",
        say("Comparar períodos: chamadas por hora do dia", "Compare periods: calls by hour of the day"),
        ask.compared(hours, MONTH),
        "aggregations.periods.buckets",
        value="datum.hour.doc_count",
        unit=say("chamadas", "calls"),
        kind=say("Período", "Period"),
        names=names,
        colours=(GOOD, QUIET),
        description=say(
            "Este período e o de quatro semanas antes.", "This period and that of four weeks before."
        ),
    )
