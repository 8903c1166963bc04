"""The findings of head office's own side: what was refused, what differs, the gate, the watch itself."""

from typing import Final

from central.alerts.thresholds import Thresholds
from dashboards.alerts import ask
from dashboards.alerts.ask import STORES, Json
from dashboards.alerts.finding import OF_ALL, Finding, Words
from dashboards.build.words import Say

_DAY: Final = 86_400
_GIGABYTE: Final = 1024**3


def quarantine(say: Say, limits: Thresholds) -> Finding:
    """Documents wait in the quarantine."""
    return Finding(
        "quarantine",
        3,
        ("pabx-quarantine-*",),
        {"match_all": {}},
        Words(
            say("há documentos na quarentena", "there are documents in the quarantine"),
            say("não há mais documentos na quarentena", "there are no documents in the quarantine any more"),
            first=(
                say("O que e por quê: central quarantine list", "What and why: central quarantine list"),
                say(
                    "Corrija a causa; depois central quarantine release",
                    "Mend the cause; then central quarantine release",
                ),
            ),
        ),
        condition=f"params.count >= {limits['quarantine']['documents']:.0f}",
        keys=("store.id",),
        missing=True,
    )


def audit_difference(say: Say, limits: Thresholds) -> Finding:
    """A store's day is not in the index as it is in the store."""
    return Finding(
        "audit_difference",
        2,
        ("pabx-audit-*",),
        ask.every(ask.is_("audit.kind", "finding"), ask.is_("audit.state", "differs")),
        Words(
            say(
                "os números da loja não conferem com os da matriz",
                "head office's figures differ from the store's",
            ),
            say("os números da loja conferem", "head office's figures equal the store's"),
            first=(
                say("Quais dias: central audit", "Which days: central audit"),
                say(
                    "Os últimos 7 dias se corrigem sozinhos à noite; os outros: shipper backfill, na loja",
                    "Up to 7 days it heals at night; older days: shipper backfill, at the store",
                ),
            ),
        ),
        condition=f"params.count >= {limits['audit_difference']['days']:.0f}",
        keys=("store.id",),
    )


def gate_trouble(say: Say, limits: Thresholds) -> Finding:
    """The gate is not heard, is not well, drops, repeats, or waits."""
    limit = limits["gate_trouble"]
    wrong: list[Json] = [
        ask.before("gate.last_seen", limit["silent_seconds"]),
        {"terms": {"gate.state": ["unhealthy", "down"]}},
        ask.least("gate.dropped_per_minute", 1),
        ask.least("gate.retries_per_minute", limit["retries_per_minute"]),
        ask.least("gate.oldest_seconds", limit["waiting_seconds"]),
        ask.is_("gate.input_paused", value=True),
        {"range": {"gate.free_bytes": {"lt": int(limit["free_gigabytes"] * _GIGABYTE)}}},
        {"range": {"gate.certificate_days": {"lt": int(limit["certificate_days"])}}},
    ]
    # A gate that was taken away long ago is none.
    there = ask.since("gate.last_seen", 30 * _DAY)
    return Finding(
        "gate_trouble",
        1,
        ("pabx-gate",),
        ask.every(there, ask.some(*wrong)),
        Words(
            say("a entrada da matriz não está bem", "head office's gate is not well"),
            say("a entrada da matriz está bem", "head office's gate is well"),
            first=(
                say(
                    "Na máquina da entrada: central gate status", "On the gate's machine: central gate status"
                ),
                say(
                    "As lojas guardam o que não conseguem entregar.",
                    "The stores keep what they cannot deliver.",
                ),
            ),
        ),
        keys=("host.name",),
        store=False,
    )


def unregistered(say: Say, limits: Thresholds) -> Finding:
    """An agent sends as a store that head office does not know."""
    return Finding(
        "unregistered",
        4,
        (STORES,),
        ask.every(ask.heard(limits["agent_silent"]["seconds"]), none=(ask.REGISTERED,)),
        Words(
            say(
                "um agente envia como loja que não está cadastrada",
                "an agent sends as a store that is not registered",
            ),
            say("a loja está cadastrada, ou não envia mais", "the store is registered, or sends no more"),
            first=(
                say(
                    "O código está certo no shipper.toml da loja?",
                    "Is the id in the store's shipper.toml right?",
                ),
                say("Então cadastre: central stores apply", "Then register it: central stores apply"),
            ),
        ),
        keys=("store.id",),
    )


def watch_silent(say: Say, limits: Thresholds) -> Finding:
    """`central alerts watch` does not run: idle stores are not found, and nothing is grouped."""
    return Finding(
        "watch_silent",
        2,
        (STORES,),
        ask.watched(ask.before("store.registered_at", 600)),
        Words(
            say("central alerts watch não está rodando", "central alerts watch does not run"),
            say("central alerts watch está rodando", "central alerts watch runs"),
            first=(
                say(
                    "Inicie-o: sem ele, lojas sem ligações não são encontradas.",
                    "Start it: without it no idle store is found.",
                ),
            ),
        ),
        condition="params.fresh == 0",
        paths={"fresh": "fresh>_count"},
        metrics={"fresh": {"filter": ask.measured(limits["watch_silent"]["seconds"])}},
        keys=OF_ALL,
        store=False,
    )


def usual_old(say: Say, limits: Thresholds) -> Finding:
    """`central learn` has not run for long: what is usual may have changed."""
    days = limits["usual_old"]["days"]
    return Finding(
        "usual_old",
        4,
        (STORES,),
        ask.watched(ask.before("store.registered_at", days * _DAY)),
        Words(
            say("central learn não roda há dias", "central learn has not run for days"),
            say("central learn rodou", "central learn has run"),
            first=(say("Rode-o toda noite.", "Run it every night."),),
        ),
        condition="params.fresh == 0",
        paths={"fresh": "fresh>_count"},
        metrics={"fresh": {"filter": ask.since("store.usual.learned_at", days * _DAY)}},
        keys=OF_ALL,
        store=False,
    )
