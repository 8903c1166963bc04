"""Values that stand for something, in words: one table for legends, bars and columns alike."""

from dashboards.alerts.contents import findings
from dashboards.build.words import Say


def directions(say: Say) -> dict[str, str]:
    """Of `call.direction`."""
    return {
        "inbound": say("recebida", "inbound"),
        "outbound": say("feita", "outbound"),
        "internal": say("interna", "internal"),
        "unknown": say("desconhecida", "unknown"),
    }


def outcomes(say: Say) -> dict[str, str]:
    """Of `call.outcome`."""
    return {
        "answered": say("atendida", "answered"),
        "voicemail": say("caixa postal", "voicemail"),
        "abandoned": say("desistiu na espera", "gave up waiting"),
        "no_answer": say("ninguém atendeu", "no answer"),
        "busy": say("ocupado", "busy"),
        "failed": say("falhou", "failed"),
        "blocked": say("bloqueada", "blocked"),
        "system": say("só a máquina atendeu", "only a machine answered"),
    }


def categories(say: Say) -> dict[str, str]:
    """Of `call.category`."""
    return {
        "internal": say("interna", "internal"),
        "local_fixed": say("fixo local", "local fixed"),
        "local_mobile": say("celular local", "local mobile"),
        "long_distance_fixed": say("fixo interurbano", "long distance fixed"),
        "long_distance_mobile": say("celular interurbano", "long distance mobile"),
        "toll_free": say("0800", "toll free"),
        "shared_cost": say("custo dividido (4004)", "shared cost (4004)"),
        "service": say("serviço (190, 10315…)", "service (190, 10315…)"),
        "international": say("internacional", "international"),
        "unknown": say("desconhecido", "unknown"),
    }


def callbacks(say: Say) -> dict[str, str]:
    """Of `call.callback.state`."""
    return {
        "called_back": say("retornada", "called back"),
        "came_again": say("ligou de novo", "called again"),
        "tried": say("retorno sem resposta", "tried, no answer"),
        "waiting": say("no prazo", "still in time"),
        "never": say("nunca retornada", "never called back"),
        "no_number": say("sem número", "no number"),
    }


def live_states(say: Say) -> dict[str, str]:
    """Of `live.state`."""
    return {
        "queued": say("na fila", "waiting"),
        "ringing": say("tocando", "ringing"),
        "on_hold": say("em espera", "on hold"),
        "talking": say("falando", "talking"),
        "ended": say("terminada", "ended"),
    }


def statuses(say: Say) -> dict[str, str]:
    """Of `store.status`."""
    return {
        "ok": say("tudo bem", "well"),
        "agent_silent": say("agente calado", "agent silent"),
        "pbx_silent": say("central telefônica fora", "PBX down"),
        "idle": say("sem ligações", "no calls"),
        "never_seen": say("nunca vista", "never seen"),
    }


def of_fields(say: Say) -> dict[str, dict[str, str]]:
    """Give the words of each field whose values have them."""
    kinds = categories(say)
    return {
        "call.direction": directions(say),
        "call.outcome": outcomes(say),
        "call.category": kinds,
        "call.billable_category": kinds,
        "call.cost.category": kinds,
        "call.callback.state": callbacks(say),
        "live.state": live_states(say),
        "store.status": statuses(say),
        "alert.finding": {one.id: one.words.title for one in findings(say)},
    }


def named(words: dict[str, str], value: str = "datum.key") -> str:
    """The Vega expression of a value's word; the value itself where there is none."""
    table = "{" + ", ".join(f"{key}: '{word}'" for key, word in words.items()) + "}"
    return f"({table}[{value}] || {value})"
