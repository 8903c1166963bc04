"""The findings of calls: missed ones, cost, calls abroad at night, fewer than there were."""

from typing import Final

from central.alerts.thresholds import Thresholds
from dashboards.alerts import ask
from dashboards.alerts.ask import CALLS, STORES, Json
from dashboards.alerts.finding import Finding, Words
from dashboards.alerts.words import fact
from dashboards.build.words import Say

_MERGED: Final = ask.there("call.merged_into")
_OUTBOUND: Final = ask.is_("call.direction", "outbound")
# 0900 in international form, six digits of which a call keeps.
_PREMIUM: Final = "+55900"
_HOME: Final = "+55"
_OF_A_CALL: Final = ("store.id",)
"""Its name may be another one on the day of a change."""


def missed_rate(say: Say, limits: Thresholds) -> Finding:
    """More inbound calls are missed than the store's own share of them explains."""
    limit = limits["missed_rate"]
    calls = ask.every(
        ask.within("@timestamp", limit["hours"] * 3600),
        ask.is_("call.direction", "inbound"),
        ask.there("call.missed"),
        none=(_MERGED,),
    )
    usual = ask.every(ask.REGISTERED, ask.there("store.usual.missed_share"))
    return Finding(
        "missed_rate",
        2,
        (STORES, CALLS),
        ask.some(calls, usual),
        Words(
            say(
                "a loja perde mais ligações do que de costume",
                "the store misses more calls than is usual for it",
            ),
            say("as ligações perdidas da loja voltaram ao normal", "the store misses calls as usual"),
            first=(
                say(
                    "Alguém está no balcão? O ramal está ocupado ou no silencioso?",
                    "Is somebody there? Is the telephone busy or muted?",
                ),
                say(
                    "Quais: painel Chamadas perdidas.",
                    "Which ones: the dashboard Missed calls.",
                ),
            ),
        ),
        condition=(
            f"params.inbound >= {limit['calls']:.0f} && params.missed >= {limit['missed']:.0f}"
            " && params.known > 0"
            f" && params.missed >= {limit['times']} * params.usual * params.inbound"
            f" && params.missed >= params.usual * params.inbound + {limit['deviations']}"
            " * Math.sqrt(params.inbound * Math.max(params.usual * (1 - params.usual), 0.01))"
        ),
        paths={"inbound": "inbound", "missed": "missed", "known": "known", "usual": "usual"},
        metrics={
            "inbound": {"value_count": {"field": "call.missed"}},
            "missed": {"sum": {"field": "call.missed"}},
            "known": {"value_count": {"field": "store.usual.missed_share"}},
            "usual": {"max": {"field": "store.usual.missed_share"}},
        },
        keys=_OF_A_CALL,
    )


def cost_jump(say: Say, limits: Thresholds) -> Finding:
    """Outbound calls take far more minutes, or cost far more, than on a busy day."""
    limit = limits["cost_jump"]
    calls = ask.every(ask.within("@timestamp", limit["hours"] * 3600), _OUTBOUND, none=(_MERGED,))
    usual = ask.every(ask.REGISTERED, ask.there("store.usual.learned_at"))
    return Finding(
        "cost_jump",
        2,
        (STORES, CALLS),
        ask.some(calls, usual),
        Words(
            say("os minutos ou o custo da loja dispararam", "the store's minutes or cost have jumped"),
            say("os minutos e o custo da loja voltaram ao normal", "the store's minutes and cost are normal"),
            first=(
                say(
                    "Quem ligou para onde: painel Custos, ligações tarifáveis.",
                    "Who called where: the dashboard Costs, billable calls.",
                ),
                say(
                    "Ninguém ligou? Troque as senhas dos ramais e bloqueie o destino na operadora.",
                    "Nobody there called? Change the extensions' passwords; let the carrier block it.",
                ),
            ),
        ),
        condition=(
            f"params.seconds >= Math.max({limit['times']} * params.usual, {limit['billable_seconds']:.0f})"
            f" || params.cost >= Math.max({limit['times']} * params.usual_cost, {limit['cost']:.0f})"
        ),
        paths={name: name for name in ("seconds", "cost", "usual", "usual_cost")},
        metrics={
            "seconds": {"sum": {"field": "call.billable_seconds"}},
            "cost": {"sum": {"field": "call.cost.amount"}},
            "usual": {"max": {"field": "store.usual.day_billable_seconds"}},
            "usual_cost": {"max": {"field": "store.usual.day_cost"}},
        },
        keys=_OF_A_CALL,
    )


def abroad(say: Say, limits: Thresholds) -> Finding:
    """A call abroad, or to a premium number, goes out while the store is closed: also while it goes on."""
    limit = limits["abroad"]
    over = ask.every(
        ask.within("event.end", limit["minutes"] * 60),
        _OUTBOUND,
        ask.some(
            ask.is_("call.category", "international"),
            ask.every(ask.is_("call.category", "service"), {"prefix": {"call.prefix": _PREMIUM}}),
        ),
        none=(_MERGED,),
    )
    # A call of now has no category yet; it knows the number, unless privacy hides it.
    now = ask.every(
        ask.since("live.as_of", 90),
        _OUTBOUND,
        ask.there("destination.e164"),
        ask.some(
            {"prefix": {"destination.e164": _PREMIUM}},
            {"bool": {"must_not": [{"prefix": {"destination.e164": _HOME}}]}},
        ),
        none=(ask.is_("live.state", "ended"),),
    )
    closed: Json = ask.every(
        ask.REGISTERED,
        ask.measured(),
        ask.there("store.watch.open"),
        none=(ask.is_("store.watch.closed", value=True),),
    )
    return Finding(
        "abroad",
        1,
        (STORES, CALLS, "pabx-live"),
        ask.some(over, now, closed),
        Words(
            say(
                "ligação internacional ou 0900 com a loja fechada",
                "a call abroad or to a premium number while the store is closed",
            ),
            say(
                "não há mais ligação internacional ou 0900 fora do horário",
                "no more calls abroad outside the opening hours",
            ),
            first=(
                say(
                    "Há alguém na loja? Se não, a central telefônica foi invadida.",
                    "Is anybody there? If not, the PBX was broken into.",
                ),
                say(
                    "Derrube as ligações (central live diz quais) e bloqueie o internacional na operadora.",
                    "End the calls (central live says which) and have the carrier block calls abroad.",
                ),
                say(
                    "Troque as senhas dos ramais; feche o acesso ao SIP pela internet.",
                    "Change the extensions' passwords; close SIP to the internet.",
                ),
            ),
        ),
        condition=(
            f"params.known > 0 && params.open < 0.5 && params.all >= params.known + {limit['calls']:.0f}"
        ),
        paths={"all": "_count", "known": "known", "open": "open"},
        metrics={
            "known": {"value_count": {"field": "store.watch.open"}},
            "open": {"max": {"field": "store.watch.open"}},
        },
        keys=_OF_A_CALL,
    )


def decline(say: Say, limits: Thresholds) -> Finding:
    """Fewer calls in a week than there used to be: nothing broke, and yet customers reach it less."""
    limit = limits["decline"]
    return Finding(
        "decline",
        4,
        (STORES,),
        ask.watched(
            ask.since("store.usual.learned_at", 3 * 86_400),
            ask.least("store.usual.week_calls", limit["calls"]),
        ),
        Words(
            say("as ligações da loja diminuíram muito", "the store's calls have become far fewer"),
            say("as ligações da loja voltaram ao normal", "the store's calls are as usual again"),
            (
                fact("usual.recent_calls", say("Ligações em sete dias: @", "Calls in seven days: @")),
                fact(
                    "usual.week_calls",
                    say("De costume, até quatro semanas atrás: @", "Usual, until four weeks ago: @"),
                ),
            ),
            (
                say(
                    "Mudou o horário, o número ou o movimento da loja?",
                    "Have hours, number or business changed?",
                ),
                say("Um dos números da loja deixou de tocar?", "Does one of its numbers no longer ring?"),
            ),
        ),
        condition=f"params.usual > 0 && params.recent < {limit['share']} * params.usual",
        paths={"recent": "recent", "usual": "usual"},
        metrics={
            "recent": {"max": {"field": "store.usual.recent_calls"}},
            "usual": {"max": {"field": "store.usual.week_calls"}},
        },
    )
