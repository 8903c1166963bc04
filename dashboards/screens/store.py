"""Everything about one store, down to its calls and each call's rows."""

from dashboards.build import requests as ask
from dashboards.build.figures import Figure, figures
from dashboards.build.hours import week
from dashboards.build.objects import Json, SavedObject, visualization
from dashboards.build.screen import Row, Screen
from dashboards.build.tables import CALLS_ONCE, By, Metric, table
from dashboards.build.top import top
from dashboards.build.vega import Form
from dashboards.build.words import Say
from dashboards.screens import searches
from dashboards.screens.kinds import days_by_kind


def screen(say: Say) -> Screen:
    """Give the dashboard."""
    return Screen(
        "store",
        say("Loja", "Store"),
        say(
            "Tudo sobre uma loja, até cada ligação e cada trecho dela.",
            "Everything about one store, down to each call and its rows.",
        ),
        since="now-7d",
        rows=[
            *top(say, "store"),
            Row(3, [(48, _how(say))], bare=True),
            Row(6, [(48, _figures(say))], bare=True),
            Row(7, [(48, searches.agents(say))]),
            Row(12, [(24, days_by_kind(say, "store")), (24, _week(say))]),
            Row(12, [(16, _answered_by(say)), (16, _called(say)), (16, _trunks(say))]),
            Row(18, [(48, searches.calls(say))]),
            Row(14, [(48, searches.rows(say))]),
            Row(12, [(48, searches.events(say))]),
        ],
    )


def _how(say: Say) -> SavedObject:
    text = say(
        "Escolha **uma loja** nos filtros acima; sem escolha, os números são de todas. Para ver os trechos "
        "de uma ligação, abra-a em **Ligações** e filtre por `call.id`: **Trechos** mostra só os dela.",
        "Choose **one store** in the filters above; without, the figures are of all. To see the rows of a "
        "call, open it in **Calls** and filter by its `call.id`: **Rows** then shows only its own.",
    )
    params = {"markdown": text, "fontSize": 12, "openLinksInNewTab": False}
    return visualization("store-how", say("Como usar", "How to use"), "markdown", params)


def _figures(say: Say) -> SavedObject:
    aggs: Json = {
        "inbound": ask.counted(ask.INBOUND) | {"aggs": {"missed": ask.counted(ask.MISSED)}},
        "outbound": ask.counted(ask.OUTBOUND),
        "internal": ask.counted(ask.INTERNAL),
        "share": ask.share("inbound>missed._count", "inbound._count"),
        "talk": ask.total("call.talk_seconds"),
        "ring": {"filter": ask.INBOUND_ANSWERED, "aggs": {"mean": {"avg": {"field": "call.ring_seconds"}}}},
        "rated": ask.counted(ask.RATED) | {"aggs": {"cost": ask.total("call.cost.amount")}},
        "unrated": ask.counted(ask.UNRATED),
    }
    lacking = say(" sem preço", " without a price")
    note = f"(@.unrated.doc_count ? format(@.unrated.doc_count, ',.0f') + '{lacking}' : '')"
    return figures(
        say,
        "store-figures",
        say("A loja em números", "The store in figures"),
        ask.compared(aggs, 7),
        [
            Figure(say("Chamadas", "Calls"), "@.doc_count"),
            Figure(say("Recebidas", "Inbound"), "@.inbound.doc_count"),
            Figure(
                say("Perdidas", "Missed"),
                "(@.inbound.doc_count ? @.inbound.missed.doc_count : null)",
                better="less",
            ),
            Figure(
                say("Perdidas / recebidas", "Missed of inbound"),
                "(@.share ? @.share.value : null)",
                Form.SHARE,
                better="less",
            ),
            Figure(say("Feitas", "Outbound"), "@.outbound.doc_count"),
            Figure(say("Internas", "Internal"), "@.internal.doc_count"),
            Figure(
                say("Minutos falados", "Minutes talked"), "(@.doc_count ? @.talk.value : null)", Form.MINUTES
            ),
            Figure(
                say("Toca até atenderem (s)", "Rings until answered (s)"),
                "@.ring.mean.value",
                Form.DECIMAL,
                better="less",
            ),
            Figure(
                say("Custo previsto", "Expected cost"),
                "(@.rated.doc_count ? @.rated.cost.value : null)",
                Form.MONEY,
                note=note,
            ),
        ],
        days=7,
    )


def _week(say: Say) -> SavedObject:
    hours = {"hours": ask.terms("local.hour", size=24)}
    return week(
        say,
        "store-week",
        say("Quando telefonam", "When they telephone"),
        ask.calls({"weekdays": ask.terms("local.weekday", hours, size=7)}),
        unit=say("chamadas", "calls"),
    )


def _answered_by(say: Say) -> SavedObject:
    return table(
        "store-answered-by",
        say("Quem atende", "Who answers"),
        "call",
        f"{CALLS_ONCE} AND call.direction:(inbound OR internal) AND call.answered:true",
        [By(say("Ramal ou número", "Extension or number"), "call.answered_by", size=50)],
        [
            Metric(say("Chamadas", "Calls")),
            Metric(say("Tempo falado", "Time talked"), "sum", "call.talk_seconds"),
            Metric(say("Média", "Mean"), "avg", "call.talk_seconds"),
        ],
        per_page=8,
        description=say(
            "Uma chamada transferida conta em cada pessoa que a atendeu.",
            "A call that was passed on counts for each person who answered it.",
        ),
    )


def _called(say: Say) -> SavedObject:
    return table(
        "store-callers",
        say("Quem liga para fora", "Who calls outside"),
        "call",
        f"{CALLS_ONCE} AND call.direction:outbound",
        [By(say("Ramal", "Extension"), "source.extension", size=50, missing="—")],
        [
            Metric(say("Chamadas", "Calls")),
            Metric(say("Tempo tarifável", "Billable time"), "sum", "call.billable_seconds"),
        ],
        per_page=8,
    )


def _trunks(say: Say) -> SavedObject:
    return table(
        "store-trunks",
        say("Troncos", "Trunks"),
        "call",
        f"{CALLS_ONCE} AND _exists_:call.trunk",
        [By(say("Tronco", "Trunk"), "call.trunk", size=20)],
        [
            Metric(say("Chamadas", "Calls")),
            Metric(say("Máx. ao mesmo tempo", "Most at once"), "max", "call.trunk_calls"),
            Metric(say("Tempo tarifável", "Billable time"), "sum", "call.billable_seconds"),
        ],
        per_page=8,
    )
