"""Simulated calls as AMI would tell of them: what the agent makes of the events is what the calls were."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import cache
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.simulator import SimulatedCall, StoreProfile, chain, simulate
from compose.simulator.ami_answers import written
from compose.simulator.ami_events import events
from compose.simulator.ami_switchboard import Switchboard, going_on
from compose.simulator.ami_tape import Timed
from shipper.assembly.endpoints import Endpoints
from shipper.live.calls import LiveCall, live_call
from shipper.live.channel import Event
from shipper.live.channels import Channels
from shipper.live.heard import LINGER_SECONDS, Heard
from shipper.sources.ami.message import parsed
from shipper.sources.ami.protocol import WANTED
from tests.live.recorded import all_events, everything, second_run, truths
from tests.simulator.test_shapes import SCENARIOS

START = date(2026, 9, 1)
KINDS = {
    *("after_hours_announcement", "after_hours_voicemail", "internal_answered", "internal_busy"),
    *("inbound_abandoned_ringing", "inbound_answered", "inbound_attended_transfer"),
    *("inbound_blind_transfer", "inbound_blocked", "inbound_busy", "inbound_group_abandoned"),
    *("inbound_group_answered", "inbound_group_outside", "inbound_group_voicemail"),
    *("inbound_menu_abandoned", "inbound_no_such_did", "inbound_parked", "inbound_queue_abandoned"),
    *("inbound_queue_answered", "inbound_queue_voicemail", "inbound_voicemail"),
    *("internal_busy_voicemail", "internal_cancelled", "internal_failed", "internal_feature"),
    *("internal_no_answer", "internal_no_answer_voicemail", "internal_unreachable"),
    *("outbound_answered", "outbound_busy", "outbound_congestion", "outbound_failed"),
    *("outbound_no_answer", "outbound_unknown_number"),
}


@cache
def some_days(seed: int, days: int = 1) -> tuple[tuple[StoreProfile, SimulatedCall], ...]:
    """What four stores of a chain telephone."""
    return tuple((store, call) for store in chain(4, seed) for call in simulate(store, START, days, seed))


def endpoints(store: StoreProfile) -> Endpoints:
    return Endpoints([trunk.name for trunk in store.trunks])


def follow(store: StoreProfile, told: list[Timed]) -> list[dict[str, LiveCall]]:
    """After each event, the calls that go on, by their linkedid."""
    channels, known, seen = Channels(), endpoints(store), []
    for _, event in told:
        channels.apply(event)
        calls = {linked: live_call(channels.of(linked), known) for linked in channels.linkedids()}
        seen.append({linked: call for linked, call in calls.items() if call})
    assert everything(channels) == []
    return seen


def judge(store: StoreProfile, call: SimulatedCall) -> None:
    """The events make of it what it was."""
    truth, told = call.truth, events(call, store)
    linked = truth.linked_ids[0]
    seen = [calls[linked] for calls in follow(store, told) if linked in calls]
    # A member that rings first, then a mobile phone: until something is called, who calls is all there is.
    inside = {extension.number for extension in store.extensions}
    assert {one.direction for one in seen[-1:]} == {truth.direction}
    assert {one.direction for one in seen} <= {truth.direction, "internal"}
    answered = [one for one in truth.answered_by if one in inside]
    talked = list(dict.fromkeys(one for moment in seen for one in moment.talking))
    if truth.direction != "inbound":
        talked = [one for one in talked if one != truth.source or one in answered]
        talked = talked if truth.outcome == "answered" and truth.direction == "internal" else []
    assert talked == list(dict.fromkeys(answered)), truth
    assert seen[0].state == "ringing"
    if truth.queue:
        assert {one.queue for one in seen} - {""} == {truth.queue}
        assert "queued" in {one.state for one in seen}
    if truth.group:
        assert {one.group for one in seen} - {""} == {truth.group}
    if truth.did:
        assert seen[-1].did == truth.did
    assert {one.trunk for one in seen} - {""} <= {truth.trunk, *(trunk.name for trunk in store.trunks)}
    if truth.outcome in {"voicemail", "system"}:
        assert any(one.machine for one in seen)
    if truth.scenario == "inbound_parked":
        assert "on_hold" in {one.state for one in seen}


def judge_heard(call: SimulatedCall, told: list[Timed]) -> None:
    """The call is heard as one, with every channel that has a row, at its time."""
    now = 0.0
    heard = Heard(lambda: now)
    for at, event in told:
        now = at / 1000
        heard.apply(event)
        assert heard.over() == []
    now += LINGER_SECONDS + 1
    (one,) = heard.over()
    assert one.linked == call.truth.linked_ids[0]
    assert {row.uniqueid for row in call.rows} <= set(one.names)
    assert set(call.truth.linked_ids) <= set(one.linked_ids)
    assert one.begin == call.start_ms // 1000
    assert abs(one.end - max(row.inserted_ms for row in call.rows) / 1000) < 0.1
    assert len(one.rows) == len(call.rows)
    got = Counter((row["uniqueid"], row["duration"], row["billsec"], row["disposition"]) for row in one.rows)
    assert got == Counter((row.uniqueid, row.duration, row.billsec, row.disposition) for row in call.rows)


def test_all_kinds_of_calls_are_told() -> None:
    assert {call.truth.scenario for _, call in some_days(1, 12)} == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_call_of_each_kind(kind: str) -> None:
    found = [(store, call) for store, call in some_days(1, 12) if call.truth.scenario == kind]
    for store, call in found[:60]:
        judge(store, call)
        judge_heard(call, events(call, store))


@given(seed=st.integers(0, 10_000), data=st.data())
def test_any_call(seed: int, data: st.DataObject) -> None:
    store = data.draw(st.sampled_from(chain(12, seed % 50)))
    calls = list(simulate(store, START, 1, seed % 50))
    if calls:
        call = data.draw(st.sampled_from(calls))
        judge(store, call)
        judge_heard(call, events(call, store))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_listing_shows_what_the_events_told(kind: str) -> None:
    """Asked at any moment, the simulated PBX answers what the agent has folded: nothing is to be healed."""
    for store, call in [one for one in some_days(1, 12) if one[1].truth.scenario == kind][:20]:
        board, channels, known = Switchboard(store), Channels(), endpoints(store)
        for _, moment in groupby(events(call, store), lambda timed: timed.at):
            for _, event in moment:
                board.apply(event)
                # As the agent reads it: from bytes, and only what it wants.
                heard = parsed(written(event).removesuffix(b"\r\n\r\n"))
                assert heard == event
                if event["Event"].encode() in WANTED:
                    channels.apply(heard)
            before = {linked: live_call(channels.of(linked), known) for linked in channels.linkedids()}
            found = channels.resync(board.answer("CoreShowChannels"), board.answer("DeviceStateList"))
            assert (found.missing, found.surplus, found.changed) == (0, 0, 0)
            after = {linked: live_call(channels.of(linked), known) for linked in channels.linkedids()}
            assert after == before
        assert len(board) == 0


def test_calls_that_go_on_by_their_linkedids() -> None:
    for store, call in some_days(1, 12):
        told = events(call, store)
        going = {one.linkedid: one for one in going_on(told)}
        linked, rest = call.truth.linked_ids[0], call.truth.linked_ids[1:]
        assert going[linked].begin == call.start_ms
        assert going[linked].end == max(at for at, event in told if event["Event"] == "Hangup")
        assert set(rest) <= going.keys()
        assert len(going) == len(call.truth.linked_ids) + (call.truth.scenario == "inbound_parked")


def test_talking_lasts_as_long_as_the_truth_says() -> None:
    compared = 0
    for store, call in some_days(1, 12)[::4]:
        if call.truth.outcome != "answered" or call.truth.scenario == "inbound_parked":
            continue
        told = events(call, store)
        talked = 0
        for (at, _), (then, _), calls in zip(told, told[1:], follow(store, told), strict=False):
            one = calls.get(call.truth.linked_ids[0])
            if one and one.state in {"talking", "on_hold"} and not (one.machine or one.ringing):
                talked += then - at
        assert abs(talked / 1000 - call.truth.talk_seconds) < 2.5, call.truth
        compared += 1
    assert compared > 500


COMPARED = {
    *("Newchannel", "Newstate", "DialBegin", "DialEnd", "BridgeEnter", "BridgeLeave", "Hangup"),
    *("QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon", "AgentConnect", "AgentComplete"),
    *("AgentRingNoAnswer", "Hold", "Unhold", "ParkedCall", "UnParkedCall", "BlindTransfer", "LocalBridge"),
}
RECORDED_MORE: dict[str, Counter[str]] = {
    # A member's phone that was busy; the simulated groups of this seed that were answered had none.
    "inbound_ringgroup": Counter({"Newchannel": 1, "DialBegin": 1, "DialEnd": 1, "Hangup": 1}),
    # It had three members; the simulated groups that nobody answers have two that are free, or five.
    "inbound_ringgroup_noanswer_vm": Counter(
        dict.fromkeys(("Newchannel", "Newstate", "DialBegin", "DialEnd", "Hangup"), 1)
    ),
    # Asterisk tells twice of each member that it stops calling.
    "inbound_queue": Counter({"DialEnd": 1}),
    "inbound_queue_abandon": Counter({"DialEnd": 2}),
}
ANOTHER_CALLS = {"park_and_retrieve": Counter({"Newchannel": 1, "Newstate": 1})}
"""Until whoever fetches a parked call is connected, the recording has it under a linkedid of its own."""
NOT_SIMULATED = {"internal_rejected_603", "inbound_blackhole_hangup"}


def shape(told: Iterable[Event]) -> Counter[tuple[str, ...]]:
    return Counter(
        (
            event["Event"],
            event.get("Channel", "").partition("/")[0],
            event.get("ChannelStateDesc", ""),
            event.get("DialStatus", ""),
            event.get("BridgeType", ""),
            event.get("Cause", "") if event["Event"] == "Hangup" else "",
        )
        for event in told
        if event["Event"] in COMPARED
    )


@cache
def recorded_shapes() -> dict[str, Counter[tuple[str, ...]]]:
    """Of each recorded scenario."""
    kept: dict[str, list[Event]] = {linked: [] for linked in truths()}
    for _, event in all_events():
        keys = ("Linkedid", "ParkeeLinkedid", "LocalOneLinkedid", "TransfererLinkedid")
        linked = next((event[key] for key in keys if key in event), "")
        if event.get("Event") in COMPARED and linked in kept:
            kept[linked].append(event)
    return {truth["scenario"]: shape(kept[linked]) for linked, truth in truths().items()}


@pytest.mark.parametrize("scenario", sorted(SCENARIOS.keys() - NOT_SIMULATED))
def test_the_events_are_those_that_a_real_asterisk_sent(scenario: str) -> None:
    recorded = recorded_shapes()[scenario]
    simulated = [
        shape(event for _, event in events(call, store))
        for store, call in some_days(1, 12)
        if call.truth.scenario == SCENARIOS[scenario]
    ]
    nearest = min(simulated, key=lambda one: ((one - recorded) + (recorded - one)).total())
    more = Counter[str]()
    for key, number in (nearest - recorded).items():
        more[key[0]] += number
    less = Counter[str]()
    for key, number in (recorded - nearest).items():
        less[key[0]] += number
    assert more == ANOTHER_CALLS.get(scenario, Counter())
    assert less == RECORDED_MORE.get(scenario, Counter())


def test_every_event_has_the_keys_that_a_real_one_has() -> None:
    recorded: dict[str, set[str]] = {}
    for event in (*(event for _, event in all_events()), *second_run()):
        recorded.setdefault(event.get("Event", ""), set()).update(event)
    # FreePBX's cdr_manager.conf adds some; a queue's swap and a SIP code are not always there.
    more = {"Cdr": {"LinkedID", "Sequence", "DID", "CNum", "RecordingFile"}, "Hangup": {"TechCause"}}
    names = set()
    for store, call in some_days(1, 12):
        for _, event in events(call, store):
            name = event["Event"]
            names.add(name)
            swapped = {"SwapUniqueid"} if name == "BridgeEnter" else set()
            assert recorded[name] - set(event) <= more.get(name, swapped), event
            assert set(event) <= recorded[name], event
    assert names - COMPARED == {
        *("AttendedTransfer", "Cdr", "DeviceStateChange", "NewCallerid", "NewConnectedLine"),
    }
