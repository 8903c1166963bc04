"""Simulated calls have the shape of those that a real Asterisk 22 recorded: same rows, order, columns."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from compose.simulator import CallTruth, chain, simulate
from compose.simulator.stores import Queue, RingGroup

RECORDED = Path(__file__).parents[1] / "data" / "asterisk-22"
# Recorded call -> simulated scenario. The recorded store had 3 phones in a ring group, 2 in a queue.
SCENARIOS = {
    "internal_answered": "internal_answered",
    "internal_no_answer_timeout": "internal_no_answer",
    "internal_caller_cancels": "internal_cancelled",
    "internal_busy": "internal_busy",
    "internal_busy_to_voicemail": "internal_busy_voicemail",
    "internal_rejected_603": "internal_no_answer",
    "internal_failed_503": "internal_failed",
    "internal_unregistered": "internal_unreachable",
    "inbound_answered": "inbound_answered",
    "inbound_anonymous": "inbound_answered",
    "inbound_noanswer_to_voicemail": "inbound_voicemail",
    "inbound_direct_voicemail": "after_hours_voicemail",
    "inbound_abandoned_ringing": "inbound_abandoned_ringing",
    "inbound_unknown_did": "inbound_no_such_did",
    "inbound_blackhole_busy": "inbound_blocked",
    "inbound_blackhole_hangup": "inbound_blocked",
    "inbound_ringgroup": "inbound_group_answered",
    "inbound_ringgroup_noanswer_vm": "inbound_group_voicemail",
    "inbound_ringgroup_external": "inbound_group_outside",
    "inbound_queue": "inbound_queue_answered",
    "inbound_queue_abandon": "inbound_queue_abandoned",
    "inbound_queue_timeout_vm": "inbound_queue_voicemail",
    "inbound_ivr_to_ext": "inbound_answered",
    "inbound_ivr_hangup": "inbound_menu_abandoned",
    "outbound_answered": "outbound_answered",
    "outbound_busy": "outbound_busy",
    "outbound_congestion": "outbound_congestion",
    "outbound_noanswer": "outbound_no_answer",
    "outbound_404": "outbound_unknown_number",
    "blind_transfer": "inbound_blind_transfer",
    "park_and_retrieve": "inbound_parked",
    "echo_test": "internal_feature",
    "voicemail_check": "internal_feature",
}
FILLED = (
    "recordingfile",
    "did",
    "cnum",
    "cnam",
    "outbound_cnum",
    "outbound_cnam",
    "dst_cnam",
    "userfield",
    "accountcode",
    "peeraccount",
)


def endpoint(channel: str, trunks: set[str]) -> str:
    """What kind of channel a name is: trunk, phone, or which half of a Local channel."""
    if channel.startswith("Local/"):
        return f"local{channel[-2:]} {channel.partition('@')[2].rpartition('-')[0]}"
    if not channel:
        return ""
    return "trunk" if channel.removeprefix("PJSIP/").rpartition("-")[0] in trunks else "phone"


def shape(rows: Iterable[Mapping[str, Any]], trunks: set[str]) -> tuple[tuple[object, ...], ...]:
    """The rows of a call in the order of insertion, without what differs from call to call."""
    rows = list(rows)
    first = min(int(row["sequence"]) for row in rows)
    return tuple(
        (
            row["lastapp"],
            row["disposition"],
            row["dcontext"],
            endpoint(row["channel"], trunks),
            endpoint(row["dstchannel"], trunks),
            int(row["sequence"]) - first,
            row["uniqueid"] == row["linkedid"],
            tuple(column for column in FILLED if row[column]),
            int(row["amaflags"]),
            # Queue and menu answer: then even unanswered legs have billed seconds.
            row["disposition"] != "ANSWERED" and int(row["billsec"]) > 0,
        )
        for row in rows
    )


@pytest.fixture(scope="module")
def simulated() -> dict[str, dict[tuple[tuple[object, ...], ...], CallTruth]]:
    store = next(store for store in chain(40, 1) if len(store.extensions) > 8)
    inside = [extension.number for extension in store.extensions]
    store = replace(
        store,
        log_unanswered=True,
        calls_per_day=260,
        answer_rate=0.6,
        silent_last_days=0,
        groups=(
            RingGroup("600", "Sales", tuple(inside[1:4]), ""),
            RingGroup("601", "", (inside[0],), "11987654321"),
        ),
        queues=(Queue("400", "Queue", tuple(inside[4:6]), 8, 12),),
    )
    shapes: dict[str, dict[tuple[tuple[object, ...], ...], CallTruth]] = {}
    trunks = {trunk.name for trunk in store.trunks}
    # The recorded store had a number for everything, and one phone whose internal calls were recorded.
    for target, records in (("ivr", False), ("queue", True), ("group", False)):
        dids = (store.dids[0]._replace(target=target), *store.dids[1:])
        one = replace(store, dids=dids, records_internal=records)
        for call in simulate(one, date(2026, 9, 1), 40, 7):
            seen = shapes.setdefault(call.truth.scenario, {})
            seen.setdefault(shape([row._asdict() for row in call.rows], trunks), call.truth)
    return shapes


@pytest.fixture(scope="module")
def recorded() -> dict[str, tuple[list[dict[str, str]], dict[str, str]]]:
    with (RECORDED / "cdr.csv").open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    with (RECORDED / "truth.csv").open(encoding="utf-8", newline="") as file:
        truths = list(csv.DictReader(file))
    return {
        truth["scenario"]: ([row for row in rows if row["linkedid"] == truth["linkedid"]], truth)
        for truth in truths
        if truth["linkedid"]
    }


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recorded_call_has_a_simulated_twin(
    name: str,
    simulated: dict[str, dict[tuple[tuple[object, ...], ...], CallTruth]],
    recorded: dict[str, tuple[list[dict[str, str]], dict[str, str]]],
) -> None:
    rows, truth = recorded[name]
    shapes = simulated[SCENARIOS[name]]
    wanted = shape(rows, {"acme"})
    assert wanted in shapes, "none of the simulated calls looks like the recorded one"
    twin = shapes[wanted]
    assert (truth["direction"], truth["outcome"], truth["missed"]) == (
        twin.direction,
        twin.outcome,
        str(twin.missed).lower(),
    )
    assert len(truth["answered_by"].split()) == len(twin.answered_by)


def test_attended_transfer_as_recorded_with_ami(
    simulated: dict[str, dict[tuple[tuple[object, ...], ...], CallTruth]],
) -> None:
    # The Cdr events of a successful one, in order: the question, then both legs of the caller's channel.
    apps = {
        tuple((row[0], row[1], row[2], row[3], row[5]) for row in shape)
        for shape in simulated["inbound_attended_transfer"]
    }
    assert (
        ("Dial", "ANSWERED", "from-internal", "phone", 2),
        ("Dial", "ANSWERED", "from-did-direct", "trunk", 0),
        ("Dial", "ANSWERED", "from-did-direct", "trunk", 4),
    ) in apps
    assert {len(truth.linked_ids) for truth in simulated["inbound_attended_transfer"].values()} == {2}
