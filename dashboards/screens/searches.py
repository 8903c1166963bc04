"""Saved searches and queries: calls, rows, events and agents with the columns that people ask for."""

from dashboards.build.objects import SavedObject
from dashboards.build.searches import query, search
from dashboards.build.tables import CALLS_ONCE
from dashboards.build.words import Say


def objects(say: Say) -> list[SavedObject]:
    """Give all of them."""
    return [
        calls(say),
        missed(say),
        never_called_back(say),
        outbound(say),
        rows(say),
        live(say),
        events(say),
        agents(say),
        refused(say),
        findings(say),
        gate(say),
        *queries(say),
    ]


def calls(say: Say) -> SavedObject:
    """All calls."""
    return search(
        "calls",
        say("Ligações", "Calls"),
        "call",
        CALLS_ONCE,
        [
            "store.name",
            "call.direction",
            "call.outcome",
            "source.number",
            "source.name",
            "destination.number",
            "destination.name",
            "call.answered_by",
            "call.wait_seconds",
            "call.talk_seconds",
            "call.queue",
            "call.trunk",
            "call.cost.amount",
        ],
    )


def missed(say: Say) -> SavedObject:
    """Missed calls."""
    return search(
        "missed",
        say("Chamadas perdidas", "Missed calls"),
        "call",
        f"{CALLS_ONCE} AND call.missed:true",
        [
            "store.name",
            "source.number",
            "source.name",
            "call.did",
            "call.queue",
            "call.group",
            "call.outcome",
            "call.wait_seconds",
            "call.callback.state",
            "call.callback.seconds",
            "call.callback.by",
        ],
    )


def never_called_back(say: Say) -> SavedObject:
    """Missed calls that nobody called back."""
    return search(
        "never-called-back",
        say("Quem ligar de volta: perdidas sem retorno", "Whom to call back: missed and not settled"),
        "call",
        f"{CALLS_ONCE} AND _exists_:call.callback.state"
        " AND NOT call.callback.state:(called_back OR came_again OR no_number)",
        [
            "store.name",
            "source.number",
            "source.name",
            "call.callback.state",
            "call.did",
            "call.queue",
            "call.group",
            "call.outcome",
            "call.wait_seconds",
        ],
    )


def outbound(say: Say) -> SavedObject:
    """Calls that a provider may bill, those among them that came in and went on to the outside."""
    return search(
        "outbound",
        say("Ligações tarifáveis e custo", "Billable calls and their cost"),
        "call",
        f"{CALLS_ONCE} AND call.billable_seconds:>0",
        [
            "store.name",
            "source.extension",
            "destination.number",
            "call.category",
            "call.trunk",
            "call.billable_seconds",
            "call.cost.amount",
            "call.cost.tariff",
            "call.unrated",
        ],
    )


def rows(say: Say) -> SavedObject:
    """The rows that calls are made of."""
    return search(
        "rows",
        say("Trechos (linhas do CDR)", "Rows (of the CDR)"),
        "cdr",
        "*",
        [
            "store.name",
            "cdr.src",
            "cdr.dst",
            "cdr.disposition",
            "cdr.duration",
            "cdr.billsec",
            "cdr.lastapp",
            "cdr.channel",
            "cdr.dstchannel",
            "cdr.uniqueid",
        ],
    )


def live(say: Say) -> SavedObject:
    """Calls of now."""
    return search(
        "live",
        say("Chamadas agora", "Calls now"),
        "live",
        "live.as_of:[now-90s TO now] AND NOT live.state:ended",
        [
            "store.name",
            "live.state",
            "live.since",
            "call.direction",
            "source.number",
            "source.name",
            "destination.number",
            "live.extensions",
            "call.queue",
            "call.trunk",
        ],
        sort=("live.since", "asc"),
    )


def events(say: Say) -> SavedObject:
    """What the PBX said of itself."""
    return search(
        "events",
        say("Acontecimentos da central telefônica", "What the PBX said of itself"),
        "event",
        "*",
        [
            "store.name",
            "log.level",
            "message",
            "pbx.event",
            "pbx.object",
            "pbx.state",
            "pbx.count",
            "source.ip",
        ],
    )


def agents(say: Say) -> SavedObject:
    """Each store's agent."""
    return search(
        "agents",
        say("Agentes", "Agents"),
        "store",
        "NOT _exists_:store.revoked_at",
        [
            "store.id",
            "store.name",
            "store.status",
            "store.last_seen",
            "store.lag_seconds",
            "store.spool_documents",
            "store.checks.reading",
            "store.checks.sending",
            "store.checks.ami",
            "agent.version",
            "store.calls_now",
            "store.extensions_registered",
            "store.extensions_missing",
            "store.trunks_up",
            "store.trunks_down",
        ],
        sort=("store.last_seen", "asc"),
    )


def alerts(say: Say) -> SavedObject:
    """The alerts that go on, the worst first."""
    return search(
        "alerts",
        say("Alertas agora", "Alerts now"),
        "alert",
        "alert.state:active",
        [
            "alert.severity",
            "alert.finding",
            "alert.name",
            "alert.key",
            "store.region",
            "@timestamp",
            "alert.checked_at",
        ],
        sort=("alert.severity", "asc"),
    )


def refused(say: Say) -> SavedObject:
    """What was refused."""
    return search(
        "quarantine",
        say("Quarentena: o que foi recusado", "Quarantine: what was refused"),
        "quarantine",
        "*",
        [
            "store.name",
            "quarantine.stage",
            "quarantine.dataset",
            "quarantine.path",
            "quarantine.rule",
            "error.message",
        ],
    )


def findings(say: Say) -> SavedObject:
    """Where a store's own count and the index differ."""
    return search(
        "findings",
        say("Diferenças entre a loja e o índice", "Differences between store and index"),
        "audit",
        "audit.kind:finding",
        [
            "store.id",
            "audit.day",
            "audit.state",
            "audit.difference",
            "audit.rows",
            "audit.index_rows",
            "audit.calls",
            "audit.index_calls",
            "audit.checked_at",
        ],
    )


def gate(say: Say) -> SavedObject:
    """Health of head office's Fluent Bit."""
    return search(
        "gate",
        say("Fluent Bit da central", "Head office's Fluent Bit"),
        "gate",
        "*",
        [
            "host.name",
            "gate.state",
            "gate.message",
            "gate.last_seen",
            "gate.received_per_minute",
            "gate.delivered_per_minute",
            "gate.waiting_chunks",
            "gate.oldest_seconds",
            "gate.retries_per_minute",
            "gate.dropped",
            "gate.logins_refused",
            "gate.free_bytes",
            "gate.certificate_days",
            "gate.version",
        ],
        sort=("@timestamp", "desc"),
    )


def queries(say: Say) -> list[SavedObject]:
    """Conditions for the search bar."""
    return [
        query(
            "missed",
            say("Perdidas", "Missed"),
            "call.missed:true",
            say(
                "Recebidas que ninguém atendeu, sem as bloqueadas.",
                "Inbound calls that nobody answered, without blocked ones.",
            ),
        ),
        query(
            "never-called-back",
            say("Nunca retornadas", "Never called back"),
            "call.callback.state:never",
            say(
                "Perdidas que ninguém tentou retornar no prazo; o cliente também não voltou a ser atendido.",
                "Missed; within the time nobody called back, and the caller did not get through again.",
            ),
        ),
        query(
            "external",
            say("Externas", "External"),
            "call.direction:(inbound OR outbound)",
            say("Recebidas e feitas, sem as internas.", "Inbound and outbound, without internal ones."),
        ),
        query(
            "internal",
            say("Internas", "Internal"),
            "call.direction:internal",
            say("De ramal para ramal.", "From extension to extension."),
        ),
        query(
            "unrated",
            say("Sem preço", "Without a price"),
            "call.billable_seconds:>0 AND NOT _exists_:call.cost.amount",
            say(
                "Tarifáveis que a tabela de tarifas não conhece.",
                "Billable calls that the tariffs do not know.",
            ),
        ),
        query(
            "long",
            say("Mais de 30 minutos", "Longer than 30 minutes"),
            "call.talk_seconds:>1800",
            say("Conversas longas.", "Long conversations."),
        ),
    ]
