"""Whole documents as stores and head office make them: a healthy store, calls, a gate, and the rest."""

from typing import Any

from tests.alerts.scene import Ago, Document, Json

DAY = 86_400
GIB = 1024**3
LOCAL = {"date": "2026-11-23", "hour": 14, "weekday": 1}


def store(name: str = "Loja001", **changes: Any) -> Document:
    """A store in whose document nothing is wrong, with changes.

    Args:
        name: its id.
        changes: fields of `store`; of `watch`, `usual` and `beats` those fields alone; None takes one away.
            `title` is its name.
    """
    said: Json = {
        "id": name,
        "name": changes.pop("title", "Loja Centro" if name == "Loja001" else f"Loja {name[4:]}"),
        "region": "Sudeste" if name == "Loja001" else f"Região {name[4:]}",
        "city": "São Paulo",
        "state": "SP",
        "timezone": "America/Sao_Paulo",
        "area_code": "11",
        "opening_hours": ["Mon-Sun 00:00-24:00"],
        "trunks": ["vivo"],
        "trunk_channels": ["vivo=10"],
        "holidays": "none",
        "registered_at": Ago(200 * DAY),
        "last_seen": Ago(10),
        "last_call": Ago(60),
        "last_row": Ago(20),
        "read_seconds": 4,
        "last_acknowledgement": Ago(12),
        "lag_seconds": 0,
        "spool_documents": 0,
        "spool_bytes": 65_536,
        "spool_limit_bytes": 536_870_912,
        "spool_full": False,
        "refused_documents": 0,
        "disk_free_bytes": 60 * GIB,
        "disk_bytes": 100 * GIB,
        "agent_started": Ago(5 * DAY),
        "machine_started": Ago(6 * DAY),
        "pbx_started": Ago(6 * DAY),
        "clock_offset_seconds": 0,
        "reading_wrong_seconds": 0,
        "sending_wrong_seconds": 0,
        "ami_wrong_seconds": 0,
        "checks": {"reading": "ok", "sending": "ok", "spool": "ok", "ami": "ok"},
        "calls_now": 0,
        "extensions_registered": 4,
        "extensions_unregistered": 0,
        "extensions_gone_seconds": 0,
        "trunks_up": ["vivo"],
        "trunks_down_seconds": 0,
        "beats_settled": True,
    }
    parts: dict[str, Json] = {
        "beats": {"s3": Ago(10)},
        "usual": {
            "learned_at": Ago(3600),
            "days": 90,
            "calls": [6.0] * 168,
            "limit": 11.2,
            "week_calls": 812.5,
            "missed_share": 0.12,
            "day_billable_seconds": 5400,
            "day_cost": 41.5,
            "recent_calls": 790,
        },
        "watch": {
            "at": Ago(15),
            "open": True,
            "silent_open_seconds": 0,
            "expected_calls": 0.1,
            "usual_calls": 6.0,
            "hour": 14,
            "trunk": "vivo",
            "trunk_load": 0.3,
            "closed": False,
            "call_local": "2026-11-23 13:59",
        },
    }
    for part, values in parts.items():
        wanted = changes.pop(part, {})
        said[part] = None if wanted is None else _without_none({**values, **wanted})
    body = {
        "@timestamp": Ago(10),
        "event": {"id": name, "kind": "metric", "dataset": "pabx.store", "created": Ago(10)},
        "agent": {"version": "0.1.0"},
        "store": _without_none({**said, **changes}),
    }
    return Document("store", "pabx-stores", name, body)


def never_heard(name: str = "Loja001", **changes: Any) -> Document:
    """A store of which the register and the watch alone have spoken."""
    whole = store(name).body["store"]
    by_others = {"id", "name", "region", "city", "state", "timezone", "registered_at", "watch"}
    gone = dict.fromkeys(whole.keys() - by_others)
    return store(name, **{**gone, **changes})


def call(number: int, **changes: Any) -> Document:
    """An outbound call of five minutes that ended ten minutes ago.

    Args:
        number: makes its identity.
        changes: fields of `call`, but `name`, the store's id, and `start` and `end`, moments.
    """
    name, key = changes.pop("name", "Loja001"), f"{number:040x}"
    start, end = changes.pop("start", Ago(900)), changes.pop("end", Ago(600))
    event = {"id": key, "kind": "event", "dataset": "pabx.call"}
    said = {
        "id": key,
        "linked_ids": [f"1795410540.{number}"],
        "direction": "outbound",
        "outcome": "answered",
        "answered": True,
        "missed": False,
        "talk_seconds": 300,
        "billable_seconds": 300,
        "duration_seconds": 300,
        "legs": 1,
        "category": "local_mobile",
        "prefix": "+55119",
    }
    body = {
        "@timestamp": start,
        "event": {**event, "created": end, "start": start, "end": end},
        "store": {"id": name, "timezone": "America/Sao_Paulo"},
        "agent": {"version": "0.1.0"},
        "local": LOCAL,
        "call": {**said, **changes},
        "destination": {"number": "011987654321", "e164": "+5511987654321"},
    }
    return Document("call", "pabx-calls-2026.11", key, body)


def cost(amount: float) -> Json:
    return {"amount": amount, "currency": "BRL", "tariff": "vivo-2026"}


def calls_with(
    *, billable: int = 0, amount: float = 0.0, count: int = 4, **changes: Any
) -> tuple[Document, ...]:
    """Outbound calls that together have so many billable seconds, and so much cost."""
    each = [billable // count] * (count - 1)
    shares = [round(amount / count, 2)] * (count - 1)
    each.append(billable - sum(each))
    shares.append(round(amount - sum(shares), 2))
    return tuple(
        call(number, billable_seconds=seconds, cost=cost(share), **changes)
        for number, (seconds, share) in enumerate(zip(each, shares, strict=True))
    )


def inbound(count: int, missed: int, **changes: Any) -> tuple[Document, ...]:
    """Inbound calls, so many of which nobody took."""
    lost = {
        "outcome": "no_answer",
        "answered": False,
        "missed": True,
        "talk_seconds": 0,
        "billable_seconds": 0,
    }
    return tuple(
        call(number, **{"direction": "inbound", **(lost if number < missed else {}), **changes})
        for number in range(count)
    )


def live(e164: str | None = "+442071234567", **changes: Any) -> Document:
    """An outbound call of now.

    Args:
        e164: the number that is called; None: privacy hides it.
        changes: of `live`; also `direction`.
    """
    key = "ab" * 20
    direction = changes.pop("direction", "outbound")
    said = {"state": "talking", "since": Ago(50), "as_of": Ago(5), "extensions": ["101"], "talking": ["101"]}
    event = {"id": key, "kind": "state", "dataset": "pabx.live", "created": Ago(5), "start": Ago(60)}
    body = {
        "@timestamp": Ago(5),
        "event": {**event, "sequence": 1795410607123},
        "store": {"id": "Loja001", "timezone": "America/Sao_Paulo"},
        "agent": {"version": "0.1.0"},
        "call": {"id": key, "linked_ids": ["1795410540.7"], "direction": direction, "trunk": "vivo"},
        "source": {"extension": "101", "number": "101"},
        "destination": {"e164": e164} if e164 else {},
        "live": {**said, **changes},
    }
    return Document("live", "pabx-live", key, body)


def gate(host: str = "entrada-1", **changes: Any) -> Document:
    """A gate that is well, with changes of `gate`."""
    said = {
        "state": "ok",
        "last_seen": Ago(20),
        "version": "4.2.0",
        "uptime_seconds": 86_400,
        "received_per_minute": 300,
        "dropped_per_minute": 0,
        "retries_per_minute": 0,
        "oldest_seconds": 0,
        "free_bytes": 40 * GIB,
        "input_paused": False,
        "certificate_days": 300,
    }
    body = {
        "@timestamp": Ago(20),
        "event": {"id": host, "kind": "metric", "dataset": "pabx.gate", "created": Ago(20)},
        "host": {"name": host},
        "gate": {**said, **changes},
    }
    return Document("gate", "pabx-gate", host, body)


def audit(**changes: Any) -> Document:
    """What head office says of a store's day that differs, with changes of `audit`."""
    said = {
        "kind": "finding",
        "day": "2026-11-22",
        "state": "differs",
        "found_at": Ago(3600),
        "checked_at": Ago(3600),
        "rows": 120,
        "index_rows": 118,
        "difference": "2 rows are missing",
    }
    body = {
        "@timestamp": Ago(DAY),
        "event": {"id": "audit-1", "kind": "event", "dataset": "pabx.audit", "created": Ago(3600)},
        "store": {"id": "Loja001"},
        "audit": _without_none({**said, **changes}),
    }
    return Document("audit", "pabx-audit-2026.11", "audit-1", body)


def quarantined(name: str | None = "Loja001") -> Document:
    """A document that was refused; None: nobody knows whose it was."""
    body: Json = {
        "@timestamp": Ago(3 * DAY),
        "event": {
            "id": "q-1",
            "kind": "pipeline_error",
            "dataset": "pabx.quarantine",
            "created": Ago(3 * DAY),
        },
        "error": {"message": "cdr.duration must be bigger than or equal to 0"},
        "quarantine": {"stage": "document", "document": {"duration": "-1"}},
    }
    return Document(
        "quarantine", "pabx-quarantine-2026.11", "q-1", body | ({"store": {"id": name}} if name else {})
    )


def _without_none(values: Json) -> Json:
    return {key: value for key, value in values.items() if value is not None}
