"""The findings of a store's agent and machine: clock, identity, delivery, disk, trunks."""

from typing import Final

from central.alerts.thresholds import Thresholds
from dashboards.alerts import ask
from dashboards.alerts.ask import Json
from dashboards.alerts.finding import Finding, Words
from dashboards.alerts.words import fact
from dashboards.build.words import Say

_SLOTS: Final = 8
_GIGABYTE: Final = 1024**3


def clock_wrong(say: Say, limits: Thresholds) -> Finding:
    """The store's clock differs from head office's."""
    seconds = limits["clock_wrong"]["seconds"]
    offset = "store.clock_offset_seconds"
    return _of_agent(
        "clock_wrong",
        3,
        limits,
        ask.some(ask.least(offset, seconds), {"range": {offset: {"lte": -seconds}}}),
        Words(
            say("o relógio da loja está errado", "the store's clock is wrong"),
            say("o relógio da loja está certo de novo", "the store's clock is right again"),
            (
                fact(
                    "clock_offset_seconds",
                    say(
                        "Diferença em segundos (positiva: adiantado): @",
                        "Off by seconds (positive: ahead): @",
                    ),
                ),
            ),
            (
                say(
                    "Sincronize a hora do Windows; depois, no WSL: hwclock -s",
                    "Synchronise Windows' time; then, in WSL: hwclock -s",
                ),
                say(
                    "As horas das ligações desse período ficam erradas.",
                    "Times of calls of that period stay wrong.",
                ),
            ),
        ),
    )


def two_agents(say: Say, limits: Thresholds) -> Finding:
    """Two machines send as one store: their heartbeats have different slots at once."""
    fresh = [ask.since(f"store.beats.s{slot}", limits["two_agents"]["seconds"]) for slot in range(_SLOTS)]
    return _of_agent(
        "two_agents",
        1,
        limits,
        ask.every(ask.is_("store.beats_settled", value=True), ask.some(*fresh, least_=2)),
        Words(
            say("dois agentes usam o código desta loja", "two agents use this store's id"),
            say("um só agente usa o código desta loja", "one agent alone uses this store's id"),
            (fact("timezone", say("Fuso do último: @", "Zone of the latest: @")),),
            (
                say(
                    "Um computador foi copiado, ou o código foi digitado errado em outra loja?",
                    "Was a machine copied, or the id mistyped at another store?",
                ),
                say(
                    "Pare um deles; depois central stores enrol LOJA --renew",
                    "Stop one of them; then central stores enrol STORE --renew",
                ),
                say(
                    "central audit diz quais dias têm dados misturados.",
                    "central audit says which days hold mixed data.",
                ),
            ),
        ),
    )


def falling_behind(say: Say, limits: Thresholds) -> Finding:
    """The agent is heard, and what it has read waits there."""
    return _of_agent(
        "falling_behind",
        3,
        limits,
        ask.least("store.lag_seconds", limits["falling_behind"]["seconds"]),
        Words(
            say("a entrega da loja está atrasada", "the store's delivery falls behind"),
            say("a entrega da loja está em dia", "the store's delivery has caught up"),
            (
                fact("lag_seconds", say("Atraso em segundos: @", "Behind by seconds: @")),
                fact("spool_documents", say("Documentos na fila de envio: @", "Documents waiting: @")),
                fact("checks.sending", say("Envio: @", "Sending: @")),
            ),
            (
                say("A internet da loja está lenta?", "Is the store's line slow?"),
                say("A entrada da matriz: central gate status", "Head office's gate: central gate status"),
            ),
        ),
    )


def spool_filling(say: Say, limits: Thresholds) -> Finding:
    """The spool takes much of what it may."""
    return _of_agent(
        "spool_filling",
        3,
        limits,
        ask.there("store.spool_limit_bytes"),
        Words(
            say("a fila de envio da loja está enchendo", "the store's spool is filling up"),
            say("a fila de envio da loja esvaziou", "the store's spool has emptied"),
            (fact("spool_documents", say("Documentos na fila de envio: @", "Documents waiting: @")),),
            (
                say(
                    "Como em falling_behind: o caminho até a matriz.",
                    "As for falling_behind: the way to head office.",
                ),
                say("Quando enche, a leitura para; nada se perde.", "Full, reading stops; nothing is lost."),
            ),
        ),
        condition=f"params.limit > 0 && params.used >= {limits['spool_filling']['share']} * params.limit",
        paths={"used": "used", "limit": "limit"},
        metrics={
            "used": {"max": {"field": "store.spool_bytes"}},
            "limit": {"max": {"field": "store.spool_limit_bytes"}},
        },
    )


def disk_filling(say: Say, limits: Thresholds) -> Finding:
    """The machine's disk is nearly full."""
    share, least = limits["disk_filling"]["share"], limits["disk_filling"]["gigabytes"] * _GIGABYTE
    return _of_agent(
        "disk_filling",
        2,
        limits,
        ask.there("store.disk_bytes"),
        Words(
            say("o disco da loja está enchendo", "the store's disk is filling up"),
            say("o disco da loja tem espaço de novo", "the store's disk has room again"),
            (fact("disk_free_bytes", say("Bytes livres: @", "Bytes free: @")),),
            (
                say(
                    "Gravações antigas (/var/spool/asterisk/monitor) e logs costumam ser a causa.",
                    "Old recordings (/var/spool/asterisk/monitor) and logs are the usual ones.",
                ),
                say(
                    "Com o disco cheio, o Asterisk não grava as ligações no banco: elas se perdem.",
                    "Once full, Asterisk cannot write calls into its database: those are lost.",
                ),
            ),
        ),
        condition=(f"params.all > 0 && (params.free < {share} * params.all || params.free < {least:.0f}L)"),
        paths={"free": "free", "all": "all"},
        metrics={
            "free": {"max": {"field": "store.disk_free_bytes"}},
            "all": {"max": {"field": "store.disk_bytes"}},
        },
    )


def trunk_down(say: Say, limits: Thresholds) -> Finding:
    """One trunk of several does not answer."""
    return _of_agent(
        "trunk_down",
        3,
        limits,
        ask.every(
            ask.there("store.trunks_down"),
            none=(ask.least("store.trunks_down_seconds", 1), ask.least("store.ami_wrong_seconds", 1)),
        ),
        Words(
            say("um tronco da loja está fora", "one of the store's trunks is down"),
            say("os troncos da loja respondem", "the store's trunks answer"),
            (
                fact("trunks_down", say("Fora: @", "Down: @")),
                fact("trunks_up", say("No ar: @", "Up: @")),
            ),
            (say("Ligue para a operadora do tronco.", "Call the trunk's carrier."),),
        ),
    )


def trunk_saturated(say: Say, limits: Thresholds) -> Finding:
    """A trunk carries about as many calls as it can."""
    share = limits["trunk_saturated"]["share"]
    return _of_agent(
        "trunk_saturated",
        2,
        limits,
        ask.every(ask.measured(), ask.least("store.watch.trunk_load", share)),
        Words(
            say("um tronco da loja está cheio", "one of the store's trunks is full"),
            say("o tronco da loja tem canais livres de novo", "the store's trunk has free channels again"),
            (
                fact("watch.trunk", say("Tronco: @", "Trunk: @")),
                fact("watch.trunk_load", say("Uso (1 = todos os canais): @", "In use (1 = all channels): @")),
            ),
            (
                say("Quem está ao telefone: central live", "Who is on the phone: central live"),
                say("Se é sempre assim: contrate mais canais.", "If it is usual: more channels."),
            ),
        ),
    )


def refused(say: Say, limits: Thresholds) -> Finding:
    """Documents that not even the quarantine took."""
    return _of_agent(
        "refused",
        3,
        limits,
        ask.least("store.refused_documents", 1),
        Words(
            say("o agente guarda documentos recusados", "the agent keeps refused documents"),
            say("o agente não guarda mais documentos recusados", "the agent keeps no refused documents"),
            (fact("refused_documents", say("Quantos: @", "How many: @")),),
            (say("No computador da loja: shipper status", "On the store's PC: shipper status"),),
        ),
    )


def _of_agent(
    name: str,
    severity: int,
    limits: Thresholds,
    what: Json,
    words: Words,
    condition: str = "params.count > 0",
    paths: dict[str, str] | None = None,
    metrics: dict[str, Json] | None = None,
) -> Finding:
    """Of a store whose agent is heard: what an agent said that is silent now may hold no longer."""
    return Finding(
        name,
        severity,
        (ask.STORES,),
        ask.watched(ask.heard(limits["agent_silent"]["seconds"]), what),
        words,
        condition,
        paths or {"count": "_count"},
        metrics or {},
        heard=True,
    )
