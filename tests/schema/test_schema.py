"""The schemas keep what others build on: names, descriptions, one meaning for both validators."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import fastjsonschema
import jsonschema
import pytest

from central.assets import load_assets
from central.generate import differing, fields_of, index_pattern_fields
from central.plan import composed
from shipper.schema import KINDS, load

FAST = {kind: fastjsonschema.compile(load(kind), use_default=False) for kind in KINDS}


def names(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


ALL = names("""
@timestamp event.id event.dataset event.created event.ingested store.id store.name store.region store.city
store.state store.timezone agent.version
""")
LOCAL = ["local.date", "local.hour", "local.weekday"]
CALL = names("""
call.id call.linked_ids call.direction call.outcome call.answered call.missed call.answered_by
call.ring_seconds call.wait_seconds call.talk_seconds call.billable_seconds call.duration_seconds
call.legs call.transferred call.did call.trunk call.queue call.group event.start event.end
call.category call.cost.amount call.cost.currency call.cost.tariff call.cost.bundle.account
call.cost.bundle.seconds call.cost.bundle.used_seconds call.cost.bundle.total_seconds call.trunk_calls
call.callback.state call.callback.seconds call.callback.by call.callback.call_id
source.number source.e164 source.name source.extension
destination.number destination.e164 destination.name destination.extension
""")
COLUMNS = names("""
calldate clid src dst dcontext channel dstchannel lastapp lastdata duration billsec disposition amaflags
accountcode uniqueid userfield did recordingfile cnum cnam outbound_cnum outbound_cnam dst_cnam linkedid
peeraccount sequence
""")
STORE = names("""
store.status store.last_seen store.last_call store.lag_seconds store.spool_documents store.opening_hours
store.checks.reading store.checks.sending store.checks.spool store.checks.ami store.calls_now
store.extensions_registered store.extensions_unregistered store.extensions_missing store.trunks_up
store.trunks_down store.trunk_peaks store.ami_resync_differences
""")
LIVE = names("""
live.state live.since live.as_of live.extensions live.ringing live.talking live.machine event.sequence
event.start call.id call.linked_ids call.direction call.did call.trunk call.queue
source.number source.e164 source.name source.extension
destination.number destination.e164 destination.name destination.extension
""")
EVENT = names("""
event.action log.level message pbx.event pbx.object pbx.object_type pbx.state pbx.previous pbx.cause pbx.calls
pbx.count source.ip call.id call.linked_ids call.queue
""")
GATE = names("""
@timestamp event.id event.dataset event.created event.ingested host.name gate.state gate.message
gate.last_seen gate.version gate.uptime_seconds gate.received gate.received_per_minute gate.delivered
gate.delivered_per_minute gate.errors gate.errors_per_minute gate.retries gate.retries_per_minute
gate.retries_failed gate.dropped gate.dropped_per_minute gate.dropped_states gate.waiting_chunks
gate.waiting_bytes gate.oldest_seconds gate.free_bytes gate.input_paused gate.log_errors
gate.log_errors_per_minute gate.connections gate.logins_refused gate.logins_refused_per_minute
gate.certificate_days
""")
ALERT = names("""
@timestamp event.id event.dataset event.created alert.finding alert.key alert.keys alert.name alert.severity
alert.state alert.until alert.checked_at alert.notified_at alert.message store.id store.name store.region
""")
PROMISED = {
    "cdr": [*ALL, *LOCAL, "event.start", "event.end", "call.id", *(f"cdr.{column}" for column in COLUMNS)],
    "call": [*ALL, *LOCAL, *CALL],
    "quarantine": [*ALL, "error.message", "quarantine.stage", "quarantine.document"],
    "store": [*ALL, *STORE],
    "audit": [*ALL, "audit.day", "audit.rows", "audit.calls", "audit.call_seconds", "audit.hash"],
    "live": [*ALL, *LIVE],
    "event": [*ALL, *LOCAL, *EVENT],
    "gate": GATE,
    "alert": ALERT,
}
TEMPLATES = {
    "cdr": "pabx-cdr",
    "call": "pabx-calls",
    "quarantine": "pabx-quarantine",
    "store": "pabx-stores",
    "audit": "pabx-audit",
    "live": "pabx-live",
    "event": "pabx-events",
    "gate": "pabx-gate",
    "alert": "pabx-alerts",
}

CDR: dict[str, Any] = {
    "@timestamp": "2026-11-23T05:10:07Z",
    "event": {"id": "a1", "kind": "event", "dataset": "pabx.cdr", "created": "2026-11-23T05:10:15.123Z"},
    "store": {"id": "Loja001", "timezone": "America/New_York"},
    "agent": {"version": "0.1.0"},
    "local": {"date": "2026-11-23", "hour": 0, "weekday": 1},
    "cdr": {"calldate": "2026-11-23T05:10:07Z", "src": "100", "duration": 5, "sequence": 8},
}
CALL_DOCUMENT: dict[str, Any] = {
    **{key: CDR[key] for key in ("@timestamp", "store", "agent", "local")},
    "event": {**CDR["event"], "dataset": "pabx.call"},
    "call": {
        "id": "a1",
        "linked_ids": ["1795410607.7"],
        "direction": "internal",
        "outcome": "answered",
        "answered": True,
        "missed": False,
        "duration_seconds": 5,
        "legs": 1,
        "cost": {"amount": 0.48, "currency": "BRL", "tariff": "local"},
        "trunk_calls": 1,
        "callback": {"state": "called_back", "seconds": 600, "by": "101", "call_id": "a2"},
    },
    "source": {"number": "100"},
}
QUARANTINE: dict[str, Any] = {
    "@timestamp": "2026-11-23T05:10:07Z",
    "event": {**CDR["event"], "kind": "pipeline_error", "dataset": "pabx.quarantine"},
    "error": {"message": "cdr.duration: negative"},
    "quarantine": {"stage": "document", "document": {"a.b": [[1]], "": {"deep": None}}},
}
STORE_DOCUMENT: dict[str, Any] = {
    "@timestamp": "2026-11-23T05:10:07Z",
    "event": {**CDR["event"], "id": "Loja001", "kind": "metric", "dataset": "pabx.store"},
    "store": {"id": "Loja001", "spool_documents": 0, "spool_full": False, "checks": {"reading": "ok"}},
    "agent": {"version": "0.1.0"},
}
AUDIT: dict[str, Any] = {
    "@timestamp": "2026-11-23T03:00:00Z",
    "event": {**CDR["event"], "kind": "metric", "dataset": "pabx.audit", "sequence": 1838500462592},
    "store": {"id": "Loja001"},
    "audit": {"kind": "report", "day": "2026-11-23", "rows": 412, "hash": "9f86d081884c7d65"},
}
LIVE_DOCUMENT: dict[str, Any] = {
    "@timestamp": "2026-11-23T05:10:07Z",
    "event": {**CDR["event"], "kind": "state", "dataset": "pabx.live", "sequence": 1795410607123},
    "store": {"id": "Loja001", "timezone": "America/Sao_Paulo"},
    "agent": {"version": "0.1.0"},
    "call": {"id": "a1", "linked_ids": ["1795410607.7"], "direction": "inbound", "did": "1133334444"},
    "source": {"number": "011987654321", "e164": "+5511987654321", "name": "José"},
    "live": {
        "state": "ringing",
        "since": "2026-11-23T05:10:07Z",
        "as_of": "2026-11-23T05:10:07Z",
        "extensions": ["101"],
        "ringing": ["101"],
        "machine": False,
    },
}
EVENT_DOCUMENT: dict[str, Any] = {
    **{key: CDR[key] for key in ("@timestamp", "store", "agent", "local")},
    "event": {**CDR["event"], "dataset": "pabx.event", "action": "login-failed"},
    "log": {"level": "warning"},
    "message": "A login as 101 was refused.",
    "pbx": {"event": "InvalidPassword", "object": "101", "object_type": "account", "calls": 7},
    "source": {"ip": "203.0.113.5"},
}
GATE_DOCUMENT: dict[str, Any] = {
    "@timestamp": "2026-11-23T05:10:07Z",
    "event": {**CDR["event"], "id": "gate1", "kind": "metric", "dataset": "pabx.gate"},
    "host": {"name": "gate1"},
    "gate": {"state": "ok", "version": "5.1.1", "received": 412000, "input_paused": False},
}
ALERT_DOCUMENT: dict[str, Any] = {
    "@timestamp": "2026-11-23T05:10:07Z",
    "event": {**CDR["event"], "kind": "alert", "dataset": "pabx.alert"},
    "store": {"id": "Loja001", "name": "Loja Centro"},
    "alert": {"finding": "agent_silent", "key": "Loja001", "severity": 1, "state": "active"},
}
VALID = {
    "cdr": CDR,
    "call": CALL_DOCUMENT,
    "quarantine": QUARANTINE,
    "store": STORE_DOCUMENT,
    "audit": AUDIT,
    "live": LIVE_DOCUMENT,
    "event": EVENT_DOCUMENT,
    "gate": GATE_DOCUMENT,
    "alert": ALERT_DOCUMENT,
}
LEFT_OUT = object()


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy in which the value at the path is another one, or left out."""
    result = copy.deepcopy(document)
    *parents, leaf = path.split("/")
    part = result
    for parent in parents:
        part = part[parent]
    if value is LEFT_OUT:
        del part[leaf]
    else:
        part[leaf] = value
    return result


ACCEPTED = [
    ("cdr", CDR),
    ("call", CALL_DOCUMENT),
    ("quarantine", QUARANTINE),
    ("store", STORE_DOCUMENT),
    ("audit", AUDIT),
    ("live", LIVE_DOCUMENT),
    ("live", changed(LIVE_DOCUMENT, "live/state", "ended")),
    ("event", EVENT_DOCUMENT),
    ("gate", GATE_DOCUMENT),
    ("gate", changed(GATE_DOCUMENT, "gate/certificate_days", -3)),
    ("alert", ALERT_DOCUMENT),
    ("alert", changed(ALERT_DOCUMENT, "store", LEFT_OUT)),
    ("store", changed(STORE_DOCUMENT, "store/clock_offset_seconds", -7200)),
    ("store", changed(STORE_DOCUMENT, "store/usual", {"calls": [0.5] * 168, "limit": 11.2})),
    ("store", changed(STORE_DOCUMENT, "store/watch", {"open": True, "group": "chain"})),
    ("event", changed(EVENT_DOCUMENT, "call", {"id": "c1", "queue": "400"})),
    ("store", changed(STORE_DOCUMENT, "store/trunk_peaks", ["vivo=7"])),
    ("cdr", changed(CDR, "cdr/a column of the site", "x" * 70_000)),
    ("cdr", changed(CDR, "cdr/site_number", -(2**63))),
    ("cdr", changed(CDR, "cdr/clid", "\U0001f600" * 255)),
    ("cdr", changed(CDR, "cdr/sequence", -1)),
    ("cdr", changed(CDR, "tags", ["calldate_from_uniqueid"])),
    ("cdr", changed(CDR, "call", {"id": "c1"})),
    ("quarantine", changed(QUARANTINE, "store", {"id": "Loja001"})),
]
REFUSED = [
    ("cdr", changed(CDR, "event", LEFT_OUT), "event"),
    ("cdr", changed(CDR, "event/id", LEFT_OUT), "id"),
    ("cdr", changed(CDR, "event/id", ""), "minLength"),
    ("cdr", changed(CDR, "event/id", "x" * 161), "maxLength"),
    ("cdr", changed(CDR, "event/dataset", "pabx.call"), "enum"),
    ("cdr", changed(CDR, "store/id", 7), "type"),
    ("cdr", changed(CDR, "@timestamp", None), "type"),
    ("cdr", changed(CDR, "@timestamp", ""), "minLength"),
    ("cdr", changed(CDR, "local/weekday", 0), "minimum"),
    ("cdr", changed(CDR, "local/hour", 24), "maximum"),
    ("cdr", changed(CDR, "cdr/duration", -1), "minimum"),
    ("cdr", changed(CDR, "cdr/duration", "5"), "type"),
    ("cdr", changed(CDR, "cdr/duration", True), "type"),
    ("cdr", changed(CDR, "cdr/duration", 2**31), "maximum"),
    ("cdr", changed(CDR, "cdr/src", {"a": 1}), "type"),
    ("cdr", changed(CDR, "cdr/site", None), "type"),
    ("cdr", changed(CDR, "cdr/site", 1.5), "type"),
    ("cdr", changed(CDR, "cdr/site", 2**63), "maximum"),
    ("cdr", changed(CDR, "cdr", "x"), "type"),
    ("cdr", changed(CDR, "unknown", 1), "additionalProperties"),
    ("cdr", changed(CDR, "call", {"id": "c1", "legs": 2}), "additionalProperties"),
    ("call", changed(CALL_DOCUMENT, "call/direction", "sideways"), "enum"),
    ("call", changed(CALL_DOCUMENT, "call/answered", "yes"), "type"),
    ("call", changed(CALL_DOCUMENT, "call/linked_ids", ["1", 2]), "type"),
    ("call", changed(CALL_DOCUMENT, "call/cost/currency", "R$"), "minLength"),
    ("call", changed(CALL_DOCUMENT, "call/cost/bundle", 3), "type"),
    ("call", changed(CALL_DOCUMENT, "call/trunk_calls", 0), "minimum"),
    ("call", changed(CALL_DOCUMENT, "call/callback/state", "soon"), "enum"),
    ("call", changed(CALL_DOCUMENT, "call/callback", {"by": "101"}), "state"),
    ("call", changed(CALL_DOCUMENT, "source/nickname", "x"), "additionalProperties"),
    ("quarantine", changed(QUARANTINE, "quarantine/document", "x"), "type"),
    ("quarantine", changed(QUARANTINE, "error", LEFT_OUT), "error"),
    ("store", changed(STORE_DOCUMENT, "store/spool_documents", -1), "minimum"),
    ("store", changed(STORE_DOCUMENT, "store/status", "well"), "enum"),
    ("store", changed(STORE_DOCUMENT, "store/checks/reading", True), "type"),
    ("audit", changed(AUDIT, "audit/day", LEFT_OUT), "day"),
    ("audit", changed(AUDIT, "audit/kind", "guess"), "enum"),
    ("live", changed(LIVE_DOCUMENT, "event/sequence", LEFT_OUT), "sequence"),
    ("live", changed(LIVE_DOCUMENT, "live/state", "sleeping"), "enum"),
    ("live", changed(LIVE_DOCUMENT, "live/as_of", LEFT_OUT), "as_of"),
    ("live", changed(LIVE_DOCUMENT, "call/direction", LEFT_OUT), "direction"),
    ("live", changed(LIVE_DOCUMENT, "call/outcome", "answered"), "additionalProperties"),
    ("live", changed(LIVE_DOCUMENT, "live/extensions", [101]), "type"),
    ("event", changed(EVENT_DOCUMENT, "event/action", "varset"), "enum"),
    ("event", changed(EVENT_DOCUMENT, "event/action", LEFT_OUT), "action"),
    ("event", changed(EVENT_DOCUMENT, "message", ""), "minLength"),
    ("event", changed(EVENT_DOCUMENT, "log/level", "debug"), "enum"),
    ("event", changed(EVENT_DOCUMENT, "source/number", "100"), "additionalProperties"),
    ("event", changed(EVENT_DOCUMENT, "pbx/count", 0), "minimum"),
    ("store", changed(STORE_DOCUMENT, "store/calls_now", -1), "minimum"),
    ("gate", changed(GATE_DOCUMENT, "gate/state", "well"), "enum"),
    ("alert", changed(ALERT_DOCUMENT, "alert/state", "over"), "enum"),
    ("alert", changed(ALERT_DOCUMENT, "alert/severity", 6), "maximum"),
    ("store", changed(STORE_DOCUMENT, "store/usual", {"calls": [0.5] * 167}), "minItems"),
    ("store", changed(STORE_DOCUMENT, "store/watch", {"group": "city"}), "enum"),
    ("gate", changed(GATE_DOCUMENT, "gate/free_bytes", -1), "minimum"),
    ("gate", changed(GATE_DOCUMENT, "gate/input_paused", 0), "type"),
    ("gate", changed(GATE_DOCUMENT, "host", LEFT_OUT), "host"),
    ("gate", changed(GATE_DOCUMENT, "store", {"id": "Loja001"}), "additionalProperties"),
]


def test_the_generated_files_are_up_to_date() -> None:
    assert differing() == [], "run: make generate"


@pytest.mark.parametrize("kind", KINDS)
def test_every_promised_field_is_in_the_schema(kind: str) -> None:
    assert set(PROMISED[kind]) - {field.name for field in fields_of(kind)} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_schema_and_mapping_have_the_same_fields(kind: str) -> None:
    def mapped(properties: dict[str, Any], prefix: str = "") -> Iterator[str]:
        for name, body in properties.items():
            if "properties" in body:
                yield from mapped(body["properties"], f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    def declared(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
        for name, body in schema["properties"].items():
            if "properties" in body:
                yield from declared(body, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    _, properties = composed(load_assets(), TEMPLATES[kind])
    assert sorted(declared(load(kind))) == sorted(mapped(properties))


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described_in_one_sentence(kind: str) -> None:
    for field in fields_of(kind):
        assert field.description.endswith("."), field.name
        assert "\n" not in field.description, field.name


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_a_draft_07_schema_without_references(kind: str) -> None:
    jsonschema.Draft7Validator.check_schema(load(kind))
    assert '"$ref"' not in json.dumps(load(kind))


@pytest.mark.parametrize(("kind", "document"), ACCEPTED)
def test_both_validators_accept(kind: str, document: dict[str, Any]) -> None:
    FAST[kind](document)
    assert list(jsonschema.Draft7Validator(load(kind)).iter_errors(document)) == []


@pytest.mark.parametrize(("kind", "document", "rule"), REFUSED)
def test_both_validators_refuse_by_the_same_rule(kind: str, document: dict[str, Any], rule: str) -> None:
    with pytest.raises(fastjsonschema.JsonSchemaValueException) as fast:
        FAST[kind](document)
    slow = list(jsonschema.Draft7Validator(load(kind)).iter_errors(document))
    assert [error.validator for error in slow] == [fast.value.rule]
    assert rule in {fast.value.rule, *str(fast.value.message).replace("'", " ").split()}


def test_validation_changes_nothing_in_the_document() -> None:
    document = copy.deepcopy(CDR)
    FAST["cdr"](document)
    assert document == CDR


def test_index_pattern_fields_know_what_can_be_counted() -> None:
    fields = {field.name: field for field in index_pattern_fields("cdr")}
    assert (fields["cdr.src"].type, fields["cdr.src"].aggregatable) == ("string", True)
    assert (fields["cdr.src.digits"].aggregatable, fields["cdr.src.digits"].parent) == (False, "cdr.src")
    assert fields["cdr.duration"].type == "number"
    assert fields["@timestamp"].type == "date"
    assert "quarantine.document" not in {field.name for field in index_pattern_fields("quarantine")}


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(
        ValueError, match="'cel' is not one of cdr, call, quarantine, store, audit, live, event, gate, alert"
    ):
        load("cel")
