"""Missed calls, and those that nobody called back."""

from typing import Final

from dashboards.build import requests as ask
from dashboards.build.chart import Series
from dashboards.build.columns import columns
from dashboards.build.days import by_days
from dashboards.build.figures import Figure, figures
from dashboards.build.objects import Json, SavedObject
from dashboards.build.ranking import ranking
from dashboards.build.screen import Row, Screen
from dashboards.build.tables import CALLS_ONCE, By, Metric, table
from dashboards.build.top import top
from dashboards.build.vega import BAD, FOURTH, GOOD, QUIET, THIRD, WARN, Form
from dashboards.build.words import Say
from dashboards.screens.searches import never_called_back

WEEK: Final = 7
_STATE: Final = "call.callback.state"


def screen(say: Say) -> Screen:
    """Give the dashboard."""
    return Screen(
        "missed",
        say("Perdidas", "Missed"),
        say(
            "Chamadas que ninguém atendeu, e as que ninguém retornou.",
            "Calls that nobody answered, and those that nobody called back.",
        ),
        since="now-7d",
        refresh_seconds=300,
        rows=[
            *top(say, "missed"),
            Row(6, [(48, _figures(say))], bare=True),
            Row(12, [(24, _days(say)), (24, _times(say))]),
            Row(12, [(24, _hours(say)), (24, _stores(say))]),
            Row(12, [(16, _by(say, "did")), (16, _by(say, "queue")), (16, _by(say, "group"))]),
            Row(18, [(48, never_called_back(say))]),
        ],
    )


_NO_CALL: Final = "!extent(pluck(data('answer'), 'doc_count'))[1]"
"""Every bucket is there, and none holds a call."""


def _states(say: Say) -> list[tuple[str, str, str]]:
    return [
        ("called_back", say("Retornadas", "Called back"), GOOD),
        ("came_again", say("Ligou de novo e foi atendido", "Called again, answered"), THIRD),
        ("tried", say("Retorno sem resposta", "Tried, no answer"), FOURTH),
        ("waiting", say("No prazo", "Still in time"), WARN),
        ("never", say("Nunca retornadas", "Never called back"), BAD),
        ("no_number", say("Sem número", "No number"), QUIET),
        ("unknown", say("Ainda não calculado", "Not computed yet"), "#D9DEE4"),
    ]


def _split() -> Json:
    known = {state: {"term": {_STATE: state}} for state in _KNOWN_STATES}
    return {"filters": {"filters": known, "other_bucket_key": "unknown"}}


_KNOWN_STATES: Final = ("called_back", "came_again", "tried", "waiting", "never", "no_number")


def _figures(say: Say) -> SavedObject:
    reached: Json = {"terms": {_STATE: ["called_back", "came_again"]}}
    due: Json = {"terms": {_STATE: ["called_back", "came_again", "tried", "never"]}}
    back: Json = {
        "filter": {"term": {_STATE: "called_back"}},
        "aggs": {
            "median": {"percentiles": {"field": "call.callback.seconds", "percents": [50], "keyed": False}}
        },
    }
    aggs: Json = {
        "missed": ask.counted(ask.MISSED)
        | {
            "aggs": {
                "reached": ask.counted(reached),
                "due": ask.counted(due),
                "never": ask.counted({"term": {_STATE: "never"}}),
                "waiting": ask.counted({"term": {_STATE: "waiting"}}),
                "back": back,
                "unknown": {"missing": {"field": _STATE}},
            }
        },
        "share": ask.share("missed._count", "_count"),
        "settled": ask.share("missed>reached._count", "missed>due._count"),
    }
    median = "(@.missed.back.doc_count ? @.missed.back.median.values[0].value : null)"
    uncounted = say(" ainda não calculadas", " not computed yet")
    note = f"(@.missed.unknown.doc_count ? format(@.missed.unknown.doc_count, ',.0f') + '{uncounted}' : '')"
    known = "@.missed.unknown.doc_count < @.missed.doc_count"
    return figures(
        say,
        "missed-figures",
        say("Perdidas em números", "Missed calls in figures"),
        ask.compared(aggs, WEEK, only=(ask.INBOUND,)),
        [
            Figure(say("Perdidas", "Missed"), "(@.doc_count ? @.missed.doc_count : null)", better="less"),
            Figure(
                say("Das recebidas", "Of the inbound"),
                "(@.share ? @.share.value : null)",
                Form.SHARE,
                better="less",
            ),
            Figure(
                say("Nunca retornadas", "Never called back"),
                f"({known} ? @.missed.never.doc_count : null)",
                note=note,
            ),
            Figure(say("Ainda no prazo", "Still in time"), f"({known} ? @.missed.waiting.doc_count : null)"),
            Figure(
                say("Resolvidas em 24 h", "Settled within 24 h"),
                "(@.settled ? @.settled.value : null)",
                Form.SHARE,
                better="more",
            ),
            Figure(say("Tempo até o retorno", "Time to call back"), median, Form.SPAN, better="less"),
        ],
        days=WEEK,
        description=say(
            "Resolvida: a loja retornou ou o cliente ligou de novo, e uma pessoa falou. Tempo: mediana.",
            "Settled: the store called back or the caller came again, and a person spoke. Time: median.",
        ),
    )


def _days(say: Say) -> SavedObject:
    return by_days(
        say,
        "missed-days",
        say("O que foi feito das perdidas, por dia", "What became of missed calls, by day"),
        ask.calls({"days": ask.by_day({"states": _split()})}, only=(ask.MISSED,)),
        "aggregations.days.buckets",
        [
            Series(label, f"datum.states.buckets.{state}.doc_count", colour)
            for state, label, colour in _states(say)
        ],
        unit=say("perdidas", "missed"),
        description=say(
            "Retorno pela mesma loja ao mesmo número em 24 horas.",
            "Called back by the same store, to the same number, within 24 hours.",
        ),
    )


def _times(say: Say) -> SavedObject:
    """How long it took until somebody spoke with the caller after all."""
    edges = [(0, 15), (15, 60), (60, 240), (240, 720), (720, 1440)]
    ranges = [{"from": low * 60, "to": high * 60, "key": f"{low}-{high}"} for low, high in edges]
    ranges[-1] = {"from": 720 * 60, "key": "720-1440"}
    words = {
        "0-15": say("até 15 min", "up to 15 min"),
        "15-60": say("15 a 60 min", "15 to 60 min"),
        "60-240": say("1 a 4 h", "1 to 4 h"),
        "240-720": say("4 a 12 h", "4 to 12 h"),
        "720-1440": say("12 a 24 h", "12 to 24 h"),
    }
    names = "{" + ", ".join(f"'{key}': '{word}'" for key, word in words.items()) + "}"
    aggs: Json = {
        "spans": {
            "range": {"field": "call.callback.seconds", "ranges": ranges},
            "aggs": {
                state: ask.counted({"term": {_STATE: state}}) for state in ("called_back", "came_again")
            },
        }
    }
    reached: Json = {"terms": {_STATE: ["called_back", "came_again"]}}
    return columns(
        say,
        "missed-times",
        say("Em quanto tempo se falou com o cliente", "How soon the caller was spoken to"),
        ask.calls(aggs, only=(ask.MISSED, reached)),
        "aggregations.spans.buckets",
        [
            Series(say("A loja retornou", "Called back"), "datum.called_back.doc_count", GOOD),
            Series(say("Ligou de novo", "Called again"), "datum.came_again.doc_count", THIRD),
        ],
        unit=say("perdidas", "missed"),
        label=f"{names}[datum.key]",
        kind=say("desde a chamada perdida", "since the missed call"),
        empty=_NO_CALL,
    )


def _hours(say: Say) -> SavedObject:
    return columns(
        say,
        "missed-hours",
        say("Recebidas por hora: atendidas e perdidas", "Inbound by hour: answered and missed"),
        ask.calls(
            {
                "hours": ask.by_hour(
                    {"missed": ask.counted(ask.MISSED), "answered": ask.counted(ask.ANSWERED)}
                )
            },
            only=(ask.INBOUND,),
        ),
        "aggregations.hours.buckets",
        [
            Series(say("Perdidas", "Missed"), "datum.missed.doc_count", BAD),
            Series(say("Atendidas", "Answered"), "datum.answered.doc_count", GOOD),
        ],
        unit=say("chamadas", "calls"),
        kind=say("hora no relógio da loja", "hour on the store's clock"),
        empty=_NO_CALL,
    )


def _stores(say: Say) -> SavedObject:
    aggs: Json = {
        "never": ask.counted({"term": {_STATE: "never"}}),
        "known": ask.counted({"exists": {"field": _STATE}}),
        "first": ask.ranked("_count", 12, path="never._count"),
    }
    never = say(" nunca retornadas", " never called back")
    text = (
        "format(datum.doc_count, ',.0f') + (datum.known.doc_count ? "
        f"'  (' + format(datum.never.doc_count, ',.0f') + '{never})' : '')"
    )
    return ranking(
        say,
        "missed-stores",
        say("Lojas com mais perdidas", "Stores with most missed calls"),
        ask.calls({"stores": ask.terms("store.name", aggs)}, only=(ask.MISSED,)),
        "aggregations.stores.buckets",
        value="datum.doc_count",
        text=text,
        filters="store.name",
        colour=BAD,
    )


def _by(say: Say, what: str) -> SavedObject:
    titles = {
        "did": (say("Por número chamado (DDR)", "By dialled number (DID)"), say("Número", "Number")),
        "queue": (say("Por fila", "By queue"), say("Fila", "Queue")),
        "group": (say("Por grupo", "By group"), say("Grupo", "Group")),
    }
    title, column = titles[what]
    return table(
        f"missed-{what}",
        title,
        "call",
        f"{CALLS_ONCE} AND call.missed:true AND _exists_:call.{what}",
        [By(say("Loja", "Store"), "store.name", size=20), By(column, f"call.{what}", size=10)],
        [
            Metric(say("Perdidas", "Missed")),
            Metric(say("Espera média", "Mean wait"), "avg", "call.wait_seconds"),
        ],
        per_page=8,
    )
