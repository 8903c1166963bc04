"""The agents, and what stands between them and the index: alerts, who is silent or late, what was refused."""

from typing import Final

from dashboards.build import requests as ask
from dashboards.build.chart import Series
from dashboards.build.days import by_days
from dashboards.build.figures import Figure, figures
from dashboards.build.objects import PATTERNS, Json, SavedObject
from dashboards.build.ranking import ranking
from dashboards.build.screen import Row, Screen
from dashboards.build.tables import By, Metric, table
from dashboards.build.top import top
from dashboards.build.vega import BAD, THIRD, WARN, Form
from dashboards.build.words import Say
from dashboards.screens import searches

SILENT: Final = "now-5m"
BEHIND_SECONDS: Final = 600


def screen(say: Say) -> Screen:
    """Give the dashboard."""
    return Screen(
        "fleet",
        say("Agentes", "Fleet"),
        say(
            "Alertas de agora; os agentes das lojas: quem está calado ou atrasado, o que foi recusado.",
            "Alerts of now; the stores' agents: who is silent or late, what was refused.",
        ),
        since="now-7d",
        refresh_seconds=60,
        rows=[
            *top(say, "fleet"),
            Row(6, [(48, _figures(say))], bare=True),
            Row(10, [(48, searches.alerts(say))]),
            Row(16, [(48, searches.agents(say))]),
            Row(11, [(16, _silent(say)), (16, _behind(say)), (16, _versions(say))]),
            Row(11, [(24, _quarantine_days(say)), (24, _quarantine(say))]),
            Row(12, [(48, searches.findings(say))]),
            Row(6, [(48, searches.gate(say))]),
        ],
    )


def _registered(*filters: Json, aggs: Json, excluded: tuple[Json, ...] = ()) -> Json:
    revoked: Json = {"exists": {"field": "store.revoked_at"}}
    return {
        "index": PATTERNS["store"],
        "body": ask.body(aggs, filters=filters, excluded=(revoked, *excluded)),
    }


_HEARD: Final[Json] = {"range": {"store.last_seen": {"gte": SILENT}}}
_SEEN: Final[Json] = {"exists": {"field": "store.last_seen"}}


def _figures(say: Say) -> SavedObject:
    behind: Json = {"bool": {"filter": [_HEARD, {"range": {"store.lag_seconds": {"gte": BEHIND_SECONDS}}}]}}
    ill = [
        {
            "bool": {
                "filter": [{"exists": {"field": f"store.checks.{part}"}}],
                "must_not": [{"term": {f"store.checks.{part}": "ok"}}],
            }
        }
        for part in ("reading", "sending", "spool")
    ]
    one: Json = {
        "heard": ask.counted(_HEARD),
        "silent": {"filter": {"bool": {"filter": [_SEEN], "must_not": [_HEARD]}}},
        "never": {"missing": {"field": "store.last_seen"}},
        "behind": ask.counted(behind),
        "ill": {"filter": {"bool": {"filter": [_HEARD], "should": ill, "minimum_should_match": 1}}},
        "spool": ask.total("store.spool_documents"),
        "refused": ask.total("store.refused_documents"),
    }
    aggs: Json = {"all": {"filters": {"filters": {"now": {"match_all": {}}}}, "aggs": one}}
    known = "(@.heard.doc_count + @.silent.doc_count ? {} : null)"
    return figures(
        say,
        "fleet-figures",
        say("Agentes em números", "Agents in figures"),
        _registered(aggs=aggs),
        [
            Figure(say("Lojas cadastradas", "Stores"), "@.doc_count"),
            Figure(say("Ouvidas em 5 min", "Heard within 5 min"), "@.heard.doc_count"),
            Figure(say("Caladas", "Silent"), "@.silent.doc_count"),
            Figure(say("Nunca vistas", "Never seen"), "@.never.doc_count"),
            Figure(say("Atrasadas 10 min+", "10 min or more behind"), "@.behind.doc_count"),
            Figure(say("Com problema", "With a problem"), "@.ill.doc_count"),
            Figure(say("Documentos na fila", "Documents waiting"), known.format("@.spool.value")),
            Figure(say("Recusados, guardados", "Refused, kept"), known.format("@.refused.value")),
        ],
        answer="aggregations.all.buckets.now",
    )


def _silent(say: Say) -> SavedObject:
    aggs: Json = {
        "seen": {"max": {"field": "store.last_seen"}},
        "first": {"bucket_sort": {"sort": [{"seen": {"order": "asc"}}], "size": 10}},
    }
    return ranking(
        say,
        "fleet-silent",
        say("Caladas: vistas pela última vez", "Silent: last seen"),
        _registered(_SEEN, aggs={"stores": ask.terms("store.name", aggs)}, excluded=(_HEARD,)),
        "aggregations.stores.buckets",
        value="(now() - datum.seen.value) / 3600000",
        text="timeFormat(datum.seen.value, '%d/%m %H:%M')",
        filters="store.name",
        index=PATTERNS["store"],
        empty=say("Nenhuma loja calada", "No silent store"),
        colour=BAD,
    )


def _behind(say: Say) -> SavedObject:
    lag: Json = {"range": {"store.lag_seconds": {"gt": 0}}}
    aggs: Json = {
        "lag": {"max": {"field": "store.lag_seconds"}},
        "waiting": ask.total("store.spool_documents"),
        "first": ask.ranked("lag", 10, path="waiting"),
    }
    waiting, span = say(" documentos", " documents"), f"({Form.SPAN.text('datum.lag.value')})"
    return ranking(
        say,
        "fleet-behind",
        say("Atraso na entrega", "Delivery lag"),
        _registered(lag, aggs={"stores": ask.terms("store.name", aggs)}),
        "aggregations.stores.buckets",
        value="datum.lag.value",
        text=f"{span} + ' · ' + ({Form.COUNT.text('datum.waiting.value')}) + '{waiting}'",
        filters="store.name",
        index=PATTERNS["store"],
        empty=say("Nenhum atraso", "No lag"),
        colour=WARN,
    )


def _versions(say: Say) -> SavedObject:
    return ranking(
        say,
        "fleet-versions",
        say("Versões do agente", "Agent versions"),
        _registered(aggs={"versions": ask.terms("agent.version", size=10)}),
        "aggregations.versions.buckets",
        value="datum.doc_count",
        text="format(datum.doc_count, ',.0f')",
        filters="agent.version",
        index=PATTERNS["store"],
        colour=THIRD,
    )


def _quarantine_days(say: Say) -> SavedObject:
    day: Json = {"date_histogram": {"field": "@timestamp", "calendar_interval": "1d", "format": "yyyy-MM-dd"}}
    body = ask.body({"days": day}, filters=(ask.period(),))
    return by_days(
        say,
        "fleet-quarantine-days",
        say("Recusados por dia", "Refused by day"),
        {"index": PATTERNS["quarantine"], "body": body},
        "aggregations.days.buckets",
        [Series(say("Recusados", "Refused"), "datum.doc_count", BAD)],
        unit=say("documentos", "documents"),
        day="datum.key_as_string",
        description=say("Dias em UTC.", "Days in UTC."),
    )


def _quarantine(say: Say) -> SavedObject:
    return table(
        "fleet-quarantine",
        say("Recusados por motivo", "Refused by reason"),
        "quarantine",
        "*",
        [
            By(say("Etapa", "Stage"), "quarantine.stage", missing="—"),
            By(say("Campo", "Field"), "quarantine.path", missing="—"),
            By(say("Regra", "Rule"), "quarantine.rule", missing="—"),
        ],
        [Metric(say("Documentos", "Documents")), Metric(say("Lojas", "Stores"), "cardinality", "store.id")],
        per_page=7,
    )
