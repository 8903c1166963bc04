"""Calls by day and by kind, as the overview and a store's dashboard show them."""

from dashboards.build import requests as ask
from dashboards.build.chart import Series
from dashboards.build.days import by_days
from dashboards.build.objects import SavedObject
from dashboards.build.vega import BAD, FOURTH, GOOD, QUIET, THIRD
from dashboards.build.words import Say


def days_by_kind(say: Say, screen: str) -> SavedObject:
    """The calls of each day: answered, missed, outbound, internal and what is neither."""
    kinds = {
        "answered": ask.INBOUND_ANSWERED,
        "missed": {"bool": {"filter": [ask.INBOUND, ask.MISSED]}},
        "outbound": ask.OUTBOUND,
        "internal": ask.INTERNAL,
    }
    other = {"other_bucket_key": "other", "filters": kinds}
    return by_days(
        say,
        f"{screen}-days",
        say("Chamadas por dia", "Calls by day"),
        ask.calls({"days": ask.by_day({"kinds": {"filters": other}})}),
        "aggregations.days.buckets",
        [
            Series(say("Recebidas atendidas", "Inbound answered"), _kind("answered"), GOOD),
            Series(say("Perdidas", "Missed"), _kind("missed"), BAD),
            Series(say("Feitas", "Outbound"), _kind("outbound"), THIRD),
            Series(say("Internas", "Internal"), _kind("internal"), FOURTH),
            Series(say("Bloqueadas e outras", "Blocked and others"), _kind("other"), QUIET),
        ],
        unit=say("chamadas", "calls"),
        description=say("Dias no relógio de cada loja.", "Days on each store's own clock."),
    )


def _kind(name: str) -> str:
    return f"datum.kinds.buckets.{name}.doc_count"
