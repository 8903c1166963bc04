"""What head office opens every morning: how much was telephoned, how well it was answered, and where."""

from typing import Final

from dashboards.build import requests as ask
from dashboards.build.days import two_periods
from dashboards.build.figures import Figure, figures
from dashboards.build.meanings import named, outcomes
from dashboards.build.objects import Json, SavedObject
from dashboards.build.ranking import ranking
from dashboards.build.screen import Row, Screen
from dashboards.build.top import top
from dashboards.build.vega import BAD, GOOD, QUIET, Form
from dashboards.build.words import Say
from dashboards.screens.kinds import days_by_kind

WEEK: Final = 7
FEWEST: Final = 10
"""Inbound calls from which on a store's share says something."""


def screen(say: Say) -> Screen:
    """Give the dashboard."""
    return Screen(
        "overview",
        say("Visão geral", "Overview"),
        say(
            "Quanto se telefonou, o que foi atendido, quais lojas vão bem ou mal.",
            "How much was telephoned, what was answered, which stores do well or badly.",
        ),
        since="now-7d",
        refresh_seconds=300,
        rows=[
            *top(say, "overview"),
            Row(6, [(48, _figures(say))], bare=True),
            Row(11, [(24, days_by_kind(say, "overview")), (24, _trend(say))]),
            Row(12, [(16, _stores(say, worst=True)), (16, _stores(say, worst=False)), (16, _outcomes(say))]),
        ],
    )


def _figures(say: Say) -> SavedObject:
    aggs: Json = {
        "inbound": ask.counted(ask.INBOUND) | {"aggs": {"missed": ask.counted(ask.MISSED)}},
        "outbound": ask.counted(ask.OUTBOUND),
        "internal": ask.counted(ask.INTERNAL),
        "answered": ask.counted(ask.INBOUND_ANSWERED),
        "talk": ask.total("call.talk_seconds"),
        "share": ask.share("inbound>missed._count", "inbound._count"),
        "reached": ask.share("answered._count", "inbound._count"),
    }
    missed = "(@.inbound.doc_count ? @.inbound.missed.doc_count : null)"
    return figures(
        say,
        "overview-figures",
        say("O período em números", "The period in figures"),
        ask.compared(aggs, WEEK),
        [
            Figure(say("Chamadas", "Calls"), "@.doc_count"),
            Figure(say("Recebidas", "Inbound"), "@.inbound.doc_count"),
            Figure(
                say("Atendidas", "Answered"),
                "(@.reached ? @.reached.value : null)",
                Form.SHARE,
                better="more",
            ),
            Figure(say("Perdidas", "Missed"), missed, better="less"),
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
        ],
        days=WEEK,
        description=say(
            "Atendida: uma pessoa falou. As partes são das chamadas recebidas.",
            "Answered: a person spoke. The shares are of the inbound calls.",
        ),
    )


def _trend(say: Say) -> SavedObject:
    return two_periods(
        say,
        "overview-trend",
        say("Comparado com a semana anterior", "Against the week before"),
        ask.compared({"days": ask.by_day()}, WEEK),
        WEEK,
        unit=say("chamadas", "calls"),
        description=say(
            "Todas as chamadas por dia; tracejado: o mesmo dia da semana anterior.",
            "All calls by day; dashed: the same weekday of the week before.",
        ),
    )


def _stores(say: Say, *, worst: bool) -> SavedObject:
    order = "desc" if worst else "asc"
    aggs: Json = {
        "missed": ask.counted(ask.MISSED),
        "share": ask.share("missed._count", "_count"),
        "enough": ask.at_least("_count", FEWEST),
        "first": ask.ranked("share", 10, order=order, path="_count"),
    }
    of = say(" de ", " of ")
    title = (
        say("Lojas que mais perdem chamadas", "Stores that miss most calls")
        if worst
        else say("Lojas que menos perdem chamadas", "Stores that miss fewest calls")
    )
    share = Form.SHARE.text("(datum.share ? datum.share.value : null)")
    counts = f"format(datum.missed.doc_count, ',.0f') + '{of}' + format(datum.doc_count, ',.0f')"
    return ranking(
        say,
        "overview-worst" if worst else "overview-best",
        title,
        ask.calls({"stores": ask.terms("store.name", aggs)}, only=(ask.INBOUND,)),
        "aggregations.stores.buckets",
        value="datum.share ? datum.share.value : null",
        text=f"({share}) + '  (' + {counts} + ')'",
        filters="store.name",
        colour=BAD if worst else GOOD,
        top="1",
        description=say(
            f"Perdidas das recebidas; lojas com ao menos {FEWEST} recebidas.",
            f"Missed of the inbound calls; stores with at least {FEWEST} of them.",
        ),
    )


def _outcomes(say: Say) -> SavedObject:
    directions: Json = {
        "inbound": ask.counted(ask.INBOUND),
        "outbound": ask.counted(ask.OUTBOUND),
        "internal": ask.counted(ask.INTERNAL),
    }
    columns = say(" receb. · ", " in · "), say(" feitas · ", " out · "), say(" int.", " int.")
    numbers = " + ".join(
        f"format(datum.{name}.doc_count, ',.0f') + '{column}'"
        for name, column in zip(directions, columns, strict=True)
    )
    return ranking(
        say,
        "overview-outcomes",
        say("Como terminaram", "How they ended"),
        ask.calls({"outcomes": ask.terms("call.outcome", directions)}),
        "aggregations.outcomes.buckets",
        value="datum.doc_count",
        text=numbers,
        label=named(outcomes(say)),
        filters="call.outcome",
        colour=QUIET,
        description=say(
            "Recebidas, feitas e internas por desfecho.", "Inbound, outbound and internal calls by outcome."
        ),
    )
