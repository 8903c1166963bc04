"""The panel of now: who is ringing, waiting, talking; made for a screen on the wall."""

from typing import Final

from dashboards.build import requests as ask
from dashboards.build.board import STATES, board, live_query, words
from dashboards.build.figures import ALSO, Figure, figures
from dashboards.build.objects import PATTERNS, Json, SavedObject
from dashboards.build.ranking import ranking
from dashboards.build.screen import Row, Screen
from dashboards.build.top import top
from dashboards.build.vega import FOURTH, THIRD
from dashboards.build.words import Say


def screen(say: Say) -> Screen:
    """Give the dashboard."""
    return Screen(
        "live",
        say("Ao vivo", "Live"),
        say("Quem está tocando, esperando e falando agora.", "Who is ringing, waiting and talking now."),
        since="now-15m",
        refresh_seconds=10,
        rows=[
            *top(say, "live"),
            Row(7, [(48, _figures(say))], bare=True),
            Row(
                22,
                [(34, board(say, "live-board", say("Chamadas agora", "Calls now"))), (14, _by(say, "name"))],
            ),
            Row(8, [(24, _by(say, "region")), (24, _trouble(say))]),
        ],
    )


_REVOKED: Final[Json] = {"exists": {"field": "store.revoked_at"}}
_FRESH: Final[Json] = {"range": {"store.last_seen": {"gte": "now-90s"}}}
_KNOWN: Final[Json] = {"bool": {"filter": [_FRESH, {"term": {"store.checks.ami": "ok"}}]}}
"""Stores whose calls of now are known: heard within 90 s, and hearing their PBX."""


def _request(aggs: Json) -> Json:
    body = {"size": 0, "track_total_hits": False, "query": live_query(), "aggs": aggs}
    return {"index": PATTERNS["live"], "body": body}


def _states() -> Json:
    return {"filters": {"filters": {state: {"term": {"live.state": state}} for state in STATES}}}


def _figures(say: Say) -> SavedObject:
    names = words(say)
    aggs: Json = {
        "all": {
            "filters": {"filters": {"now": {"match_all": {}}}},
            "aggs": {
                "states": _states(),
                "stores": {"cardinality": {"field": "store.id", "precision_threshold": 1000}},
            },
        }
    }
    heard = f"{ALSO}.heard.doc_count"
    shown = [
        Figure(names[state].capitalize(), f"({heard} ? @.states.buckets.{state}.doc_count : null)")
        for state in STATES
    ]
    of = say("de ", "of ")
    stores: Json = {
        "all": {"filters": {"filters": {"now": {"match_all": {}}}}, "aggs": {"heard": ask.counted(_KNOWN)}}
    }
    registered = {"index": PATTERNS["store"], "body": ask.body(stores, excluded=(_REVOKED,))}
    return figures(
        say,
        "live-figures",
        say("Agora em números", "Now in figures"),
        _request(aggs),
        [
            Figure(say("Chamadas agora", "Calls now"), f"({heard} ? @.doc_count : null)"),
            *shown,
            Figure(say("Lojas em chamada", "Stores on a call"), f"({heard} ? @.stores.value : null)"),
            Figure(
                say("Lojas ouvidas", "Stores heard"),
                heard,
                note=f"'{of}' + format({ALSO}.doc_count, ',.0f')",
            ),
        ],
        answer="aggregations.all.buckets.now",
        also=(registered, "aggregations.all.buckets.now"),
        description=say(
            "Ouvidas pela central nos últimos 90 segundos.",
            "Heard by head office within the last 90 seconds.",
        ),
    )


def _by(say: Say, what: str) -> SavedObject:
    titles = {"name": say("Por loja", "By store"), "region": say("Por região", "By region")}
    names = words(say)
    text = " + ".join(
        f"({count} ? {count} + ' {names[state]}  ' : '')"
        for state, count in ((state, f"datum.states.buckets.{state}.doc_count") for state in STATES)
    )
    return ranking(
        say,
        "live-stores" if what == "name" else "live-regions",
        titles[what],
        _request({"groups": ask.terms(f"store.{what}", {"states": _states()}, size=20)}),
        "aggregations.groups.buckets",
        value="datum.doc_count",
        text=text,
        filters=f"store.{what}",
        index=PATTERNS["live"],
        empty=say("Nenhuma chamada agora", "No call now"),
        colour=THIRD,
    )


def _trouble(say: Say) -> SavedObject:
    """Stores whose calls of now are not known: silent for 90 s, or deaf to their PBX."""
    silent = {"bool": {"must_not": [_FRESH]}}
    query = ask.within(excluded=(_REVOKED, _KNOWN))
    body: Json = {
        "size": 0,
        "track_total_hits": False,
        "query": query,
        "aggs": {
            "stores": ask.terms("store.name", {"silent": ask.counted(silent)}, size=8),
        },
    }
    body["aggs"]["stores"]["terms"] |= {"missing": say("(sem nome no cadastro)", "(no name in the register)")}
    quiet, does_not = (
        say("não dá notícia", "not heard"),
        say("não ouve a central da loja", "does not hear its PBX"),
    )
    return ranking(
        say,
        "live-unknown",
        say("Lojas cujas chamadas não se conhecem agora", "Stores whose calls are not known now"),
        {"index": PATTERNS["store"], "body": body},
        "aggregations.stores.buckets",
        value="0",
        text=f"datum.silent.doc_count ? '{quiet}' : '{does_not}'",
        index=PATTERNS["store"],
        empty=say("Nenhuma: o painel está completo", "None: the panel is complete"),
        colour=FOURTH,
    )
