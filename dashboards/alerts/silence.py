"""The findings of silence: an agent that is not heard, a PBX that does not work, a store without calls."""

from typing import Final

from central.alerts.thresholds import Thresholds
from dashboards.alerts import ask
from dashboards.alerts.ask import Json
from dashboards.alerts.finding import OF_ALL, Finding, Words
from dashboards.alerts.words import fact, usual
from dashboards.build.words import Say

_GROUPED: Final = ask.every(
    ask.there("store.watch.group"),
    {"range": {"store.watch.group_until": {"gte": ask.END, "format": "epoch_millis"}}},
)
# The watch had stopped while the store was still heard: then its silence counts by the clock alone.
_UNWATCHED: Final = """
if (doc['store.last_seen'].size() == 0) { return false; }
if (doc['store.watch.at'].size() == 0) { return true; }
return doc['store.watch.at'].value.toInstant().toEpochMilli()
  < doc['store.last_seen'].value.toInstant().toEpochMilli() - 300000L;
"""


def unwatched() -> Json:
    """What `store.watch` says of a store is older than the store's own word."""
    source = " ".join(line.strip() for line in _UNWATCHED.strip().splitlines())
    return {"script": {"script": {"source": source, "lang": "painless"}}}


def pbx_trouble(limits: Thresholds) -> Json:
    """Its agent is heard, and says that the PBX does not work."""
    seconds = limits["pbx_silent"]["seconds"]
    closed: Json = ask.every(ask.is_("store.watch.open", value=False), ask.measured())
    return ask.some(
        ask.least("store.reading_wrong_seconds", seconds),
        ask.least("store.ami_wrong_seconds", seconds),
        ask.least("store.trunks_down_seconds", seconds),
        # At night telephones may be switched off.
        ask.every(ask.least("store.extensions_gone_seconds", seconds), none=(closed,)),
    )


def agent_silent(say: Say, limits: Thresholds) -> Finding:
    """No heartbeat, while the store is open; together with its region or all stores it is theirs."""
    seconds = limits["agent_silent"]["seconds"]
    return Finding(
        "agent_silent",
        1,
        (ask.STORES,),
        ask.watched(
            ask.before("store.last_seen", seconds),
            ask.some(ask.least("store.watch.silent_open_seconds", seconds), unwatched()),
            none=(_GROUPED,),
        ),
        Words(
            say("o agente da loja está sem dar sinal", "the store's agent is silent"),
            say("o agente da loja voltou a dar sinal", "the store's agent is heard again"),
            (
                fact(
                    "watch.seen_local",
                    say("Sem sinal desde (hora da loja): @", "Silent since (store's time): @"),
                ),
                fact("last_seen", say("Último sinal (UTC): @", "Last heard (UTC): @")),
                usual(say),
            ),
            (
                say("O computador da loja está ligado e com internet?", "Is the store's PC on and online?"),
                say(
                    "O WSL e o agente estão rodando? (shipper status, no computador da loja)",
                    "Do WSL and the agent run? (shipper status, on the store's PC)",
                ),
                say(
                    "As ligações não se perdem: chegam quando o agente voltar.",
                    "No call is lost: they arrive when the agent is back.",
                ),
            ),
        ),
    )


def never_seen(say: Say, limits: Thresholds) -> Finding:
    """Registered, and its agent was never heard."""
    hours = limits["never_seen"]["hours"]
    return Finding(
        "never_seen",
        3,
        (ask.STORES,),
        ask.watched(ask.before("store.registered_at", hours * 3600), none=(ask.there("store.last_seen"),)),
        Words(
            say("o agente da loja nunca deu sinal", "the store's agent was never heard"),
            say("o agente da loja deu o primeiro sinal", "the store's agent was heard"),
            (fact("registered_at", say("Cadastrada em (UTC): @", "Registered (UTC): @")),),
            (
                say("O agente foi instalado nessa loja?", "Was the agent installed at this store?"),
                say(
                    "shipper check, no computador da loja, diz o que falta.",
                    "shipper check, on the store's PC, says what is missing.",
                ),
            ),
        ),
    )


def pbx_silent(say: Say, limits: Thresholds) -> Finding:
    """The agent lives; the database, Asterisk, all trunks or all telephones do not answer."""
    return Finding(
        "pbx_silent",
        1,
        (ask.STORES,),
        ask.watched(ask.heard(limits["agent_silent"]["seconds"]), pbx_trouble(limits)),
        Words(
            say("a central telefônica não responde", "the PBX does not answer"),
            say("a central telefônica responde de novo", "the PBX answers again"),
            (
                fact("watch.trouble_local", say("Desde (hora da loja): @", "Since (store's time): @")),
                fact("checks.reading", say("Banco de dados: @", "Database: @")),
                fact("checks.ami", "AMI: @"),
                fact("trunks_down", say("Troncos fora: @", "Trunks down: @")),
                fact(
                    "extensions_unregistered",
                    say("Ramais sem aparelho: @", "Extensions without a telephone: @"),
                ),
                fact(
                    "watch.call_local", say("Última ligação (hora da loja): @", "Last call (store's time): @")
                ),
                usual(say),
            ),
            (
                say(
                    "Banco de dados e Asterisk estão no ar? (shipper check, no computador da loja)",
                    "Do the database and Asterisk run? (shipper check, on the store's PC)",
                ),
                say("Todos os troncos fora: ligue para a operadora.", "All trunks down: call the carrier."),
                say(
                    "Todos os ramais fora: o switch ou a rede da loja.",
                    "All telephones gone: the store's switch or network.",
                ),
            ),
        ),
        heard=True,
    )


def idle(say: Say, limits: Thresholds) -> Finding:
    """All works, and no call comes or goes for longer than chance explains."""
    return Finding(
        "idle",
        1,
        (ask.STORES,),
        ask.watched(
            ask.heard(limits["agent_silent"]["seconds"]),
            ask.measured(),
            {"range": {"store.read_seconds": {"lte": limits["idle"]["read_seconds"]}}},
            none=(ask.least("store.calls_now", 1), pbx_trouble(limits)),
        ),
        Words(
            say("a loja está sem ligações", "the store has no calls"),
            say("a loja voltou a ter ligações", "the store has calls again"),
            (
                fact(
                    "watch.call_local", say("Última ligação (hora da loja): @", "Last call (store's time): @")
                ),
                fact(
                    "watch.expected_calls",
                    say(
                        "Ligações de costume desde então, com a loja aberta: @",
                        "Calls that were usual since then, while open: @",
                    ),
                ),
                usual(say),
            ),
            (
                say("Ligue para o número da loja: toca?", "Call the store's number: does it ring?"),
                say(
                    "Se não toca: a linha ou a operadora. Se toca: a loja está aberta?",
                    "If not: the line or the carrier. If it does: is the store open?",
                ),
                say(
                    "Fechada por algum motivo? Anote em opening_exceptions.",
                    "Closed for a reason: note it in opening_exceptions.",
                ),
            ),
        ),
        condition="params.limit > 0 && params.expected >= params.limit",
        paths={"expected": "expected", "limit": "limit"},
        metrics={
            "expected": {"max": {"field": "store.watch.expected_calls"}},
            "limit": {"max": {"field": "store.usual.limit"}},
        },
        heard=True,
    )


def region_silent(say: Say, limits: Thresholds) -> Finding:
    """Most of a region's stores fell silent: one alert for all of them."""
    return _together("region_silent", say, limits, ("store.region",), "chain")


def chain_silent(say: Say, limits: Thresholds) -> Finding:
    """Most of all stores did: the way to head office is in the way, not they."""
    return _together("chain_silent", say, limits, OF_ALL, "")


def _together(name: str, say: Say, limits: Thresholds, keys: tuple[str, ...], larger: str) -> Finding:
    limit = limits["region_silent"]
    silent = ask.every(
        ask.before("store.last_seen", limit["seconds"]),
        ask.some(ask.least("store.watch.silent_open_seconds", limit["seconds"] // 2), unwatched()),
    )
    # Part of what is larger still: that has the alert.
    grouped = (ask.every(ask.is_("store.watch.group", larger), _GROUPED),) if larger else ()
    region = name == "region_silent"
    ratio = limit["share"] / (1 - limit["share"])
    return Finding(
        name,
        1,
        (ask.STORES,),
        ask.watched(ask.there("store.last_seen"), none=grouped),
        Words(
            say(
                "a maior parte das lojas da região está sem dar sinal"
                if region
                else "quase nenhuma loja está dando sinal",
                "most of the region's stores are silent" if region else "hardly any store is heard",
            ),
            say(
                "as lojas da região voltaram a dar sinal, ou o alerta passou a ser de todas as lojas"
                if region
                else "as lojas voltaram a dar sinal",
                "the region's stores are heard again, or the alert is of all stores"
                if region
                else "the stores are heard again",
            ),
            first=(
                say(
                    "Energia ou internet da região: há notícia de queda?"
                    if region
                    else "A entrada da matriz: central gate status",
                    "The region's power or internet: is an outage reported?"
                    if region
                    else "Head office's gate: central gate status",
                ),
                say("Quais: central stores list", "Which ones: central stores list"),
                say(
                    "Nenhuma loja tem alerta próprio enquanto isso.",
                    "No store has an alert of its own meanwhile.",
                ),
            ),
        ),
        condition=(f"params.silent >= {limit['stores']:.0f} && params.silent >= {ratio:.4f} * params.heard"),
        paths={"silent": "silent>_count", "heard": "heard>_count"},
        metrics={
            "silent": {"filter": silent},
            "heard": {"filter": ask.since("store.last_seen", limit["seconds"])},
        },
        keys=keys,
        store=False,
    )
