"""Channels as calls: what is said of recorded calls while they last, and of some that were not recorded."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import pytest

from shipper.assembly.endpoints import Endpoints
from shipper.live.calls import LiveCall, LiveParty, live_call
from shipper.live.channel import Event
from shipper.live.channels import Channels
from tests.live.recorded import (
    ENDPOINTS,
    RIGHTS,
    Snapshot,
    events,
    folded,
    second_run,
    snapshots,
    truths,
    until,
)

Told = tuple[str, str, str, str, str, str]
"""Source, state, direction, destination, extensions that ring, that talk."""

EXPECTED: dict[str, list[Told]] = {
    "internal": [("100", "talking", "internal", "101/101", "", "100 101")],
    "inbound": [("12125551234", "talking", "inbound", "15550100/100", "", "100")],
    "ringgroup-ringing": [("12125551239", "ringing", "inbound", "15550600/", "101 102", "")],
    "rg-external": [("12125551251", "talking", "inbound", "15550601/", "", "")],
    "queue-waiting": [("12125551242", "queued", "inbound", "15550400/", "102 103", "")],
    "queue-talking": [("12125551242", "talking", "inbound", "15550400/102", "", "102")],
    "outbound": [("12125550000/100", "talking", "outbound", "12125550101/", "", "100")],
    "blindxfer": [("12125551247", "talking", "inbound", "15550101/103", "", "103")],
    "atxfer-consult": [
        ("12125551248", "on_hold", "inbound", "15550101/101", "", ""),
        ("101", "talking", "internal", "102/102", "", "101 102"),
    ],
    # Some milliseconds before the transfer was done: it failed, and all were hung up.
    "atxfer-done": [
        ("12125551248", "on_hold", "inbound", "15550101/101", "", ""),
        ("101", "talking", "internal", "102/102", "", "101 102"),
    ],
    "parked": [("12125551249", "on_hold", "inbound", "15550101/", "", "")],
    "hold": [("100", "on_hold", "internal", "101/101", "", "")],
    # Asterisk gives each member of a conference a linkedid of its own.
    "conference": [
        ("101", "talking", "internal", "800/800", "", "101"),
        ("100", "talking", "internal", "800/800", "", "100"),
        ("103", "talking", "internal", "800/800", "", "103"),
        ("12125551252", "talking", "inbound", "15550102/102", "", "102"),
    ],
    "click2call": [("12125550000/100", "talking", "outbound", "12125550101/", "", "100")],
}
NOT_LISTED = {"atxfer-done": ("talking", "101"), "hold": ("talking", "100 101")}
"""What a listing alone says where it does not tell of a hold: a telephone that is BUSY hides it."""


def calls(channels: Channels, endpoints: Endpoints = ENDPOINTS) -> list[LiveCall]:
    found = [live_call(channels.of(linkedid), endpoints) for linkedid in channels.linkedids()]
    return sorted([call for call in found if call is not None], key=lambda call: _age(call.linked_ids[0]))


def _age(linkedid: str) -> tuple[int, int]:
    seconds, _, number = linkedid.partition(".")
    return int(seconds), int(number)


def told(call: LiveCall) -> Told:
    source, destination = call.source, call.destination
    shown = source.number
    if source.extension not in {"", shown}:
        shown += f"/{source.extension}"
    return (
        shown,
        call.state,
        call.direction,
        f"{destination.number}/{destination.extension}",
        " ".join(call.ringing),
        " ".join(call.talking),
    )


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize("snapshot", snapshots(), ids=lambda snapshot: snapshot.name)
def test_the_calls_are_those_that_were_going_on(snapshot: Snapshot, rights: str) -> None:
    assert [told(call) for call in calls(until(snapshot.at, rights))] == EXPECTED[snapshot.name]


@pytest.mark.parametrize("snapshot", snapshots(), ids=lambda snapshot: snapshot.name)
def test_a_listing_alone_makes_the_same_calls(snapshot: Snapshot) -> None:
    known, listed = until(snapshot.at), Channels()
    listed.resync(snapshot.channels, snapshot.devices)
    for heard, seen in zip(calls(known), calls(listed), strict=True):
        state, talking = heard.state, " ".join(heard.talking)
        if state == "on_hold":
            state, talking = NOT_LISTED.get(snapshot.name, (state, talking))
        assert (seen.state, " ".join(seen.talking)) == (state, talking)
        # A listing does not tell which number was dialled; a trunk's name for outside covers the caller's.
        inbound = heard.direction == "inbound"
        assert (seen.did, heard.did != "") == ("", inbound)
        number = "" if inbound else heard.destination.number
        assert seen.destination == heard.destination._replace(number=number)
        assert seen.source[::2] == heard.source[::2]
        rest = ("linked_ids", "machine", "direction", "trunk", "queue", "group", "extensions", "ringing")
        assert [getattr(seen, name) for name in rest] == [getattr(heard, name) for name in rest]
        assert (seen.trunks, seen.begin) == (heard.trunks, heard.begin)


@pytest.mark.parametrize("snapshot", snapshots(), ids=lambda snapshot: snapshot.name)
def test_a_listing_changes_no_call_that_was_heard(snapshot: Snapshot) -> None:
    channels = until(snapshot.at)
    before = calls(channels)
    channels.resync(snapshot.channels, snapshot.devices)
    assert calls(channels) == before


def test_a_whole_call() -> None:
    snapshot = next(found for found in snapshots() if found.name == "queue-waiting")
    assert calls(until(snapshot.at)) == [
        LiveCall(
            linked_ids=("1795410747.62",),
            state="queued",
            machine=False,
            direction="inbound",
            trunk="acme",
            queue="400",
            did="15550400",
            group="",
            source=LiveParty("12125551242", "QUEUE CALLER", ""),
            destination=LiveParty("15550400", "", ""),
            extensions=("102", "103"),
            ringing=("102", "103"),
            talking=(),
            trunks=("acme",),
            begin=1795410747.0,
        )
    ]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        # The group puts a prefix before the name, the trunk shows the store's.
        ("ringgroup-ringing", LiveParty("12125551239", "RG CALLER", "")),
        ("outbound", LiveParty("12125550000", "Alice Martin", "100")),
    ],
)
def test_the_callers_name_is_the_first_that_was_shown(name: str, source: LiveParty) -> None:
    snapshot = next(found for found in snapshots() if found.name == name)
    assert [call.source for call in calls(until(snapshot.at))] == [source]


class Said(NamedTuple):
    """What was said of a call at a moment."""

    at: float
    channels: int
    call: LiveCall | None


@cache
def lives(rights: str = RIGHTS[0]) -> dict[str, list[Said]]:
    """All that was said of each call."""
    channels = Channels()
    found: dict[str, list[Said]] = {}
    for at, event in events(rights):
        for linkedid in channels.apply(event):
            now = channels.of(linkedid)
            found.setdefault(linkedid, []).append(Said(at, len(now), live_call(now, ENDPOINTS)))
    return found


def said_of(linkedid: str, rights: str = RIGHTS[0]) -> list[LiveCall]:
    return [said.call for said in lives(rights)[linkedid] if said.call is not None]


def fullest(linkedid: str, rights: str = RIGHTS[0]) -> LiveCall:
    """The last that was said when most channels were there."""
    said = lives(rights)[linkedid]
    most = max(moment.channels for moment in said)
    call = [moment.call for moment in said if moment.channels == most][-1]
    assert call is not None
    return call


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize("linkedid", truths(), ids=lambda linkedid: truths()[linkedid]["scenario"])
def test_a_call_goes_the_way_that_its_rows_say(linkedid: str, rights: str) -> None:
    truth = truths()[linkedid]
    assert fullest(linkedid, rights).direction == truth["direction"]
    directions = {call.direction for call in said_of(linkedid, rights)}
    # A click-to-call begins as a call to the telephone that was clicked at.
    early = {"internal"} if truth["scenario"] == "click_to_call" else set()
    assert directions == {truth["direction"]} | early


@pytest.mark.parametrize("linkedid", truths(), ids=lambda linkedid: truths()[linkedid]["scenario"])
def test_who_answered_has_talked(linkedid: str) -> None:
    truth = truths()[linkedid]
    said = said_of(linkedid)
    talked = {name for call in said if call.state == "talking" and not call.machine for name in call.talking}
    caller = {said[-1].source.extension} if said[-1].direction != "inbound" else set()
    outside = {name for name in truth["answered_by"].split() if len(name) > 3}
    expected = set(truth["answered_by"].split()) - outside
    if truth["outcome"] == "answered" and caller:
        # The caller talked too.
        expected |= caller
    assert talked == expected
    assert outside <= {call.destination.number for call in said} | {"12125550101"}


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize(
    ("scenario", "states"),
    [
        ("internal_answered", "ringing talking"),
        ("internal_busy_to_voicemail", "talking*"),
        ("inbound_abandoned_ringing", "ringing"),
        ("inbound_queue", "queued talking"),
        ("inbound_queue_abandon", "queued"),
        ("inbound_ivr_to_ext", "talking* ringing talking"),
        ("inbound_direct_voicemail", "talking*"),
        ("blind_transfer", "ringing talking ringing talking"),
        ("park_and_retrieve", "ringing talking on_hold talking"),
        ("hold_unhold", "ringing talking on_hold talking"),
        ("inbound_queue_timeout_vm", "queued talking*"),
        ("outbound_noanswer", "ringing"),
        ("echo_test", "talking*"),
        ("click_to_call", "ringing talking"),
    ],
)
def test_the_states_of_a_call_one_after_another(scenario: str, states: str, rights: str) -> None:
    linkedid = next(found for found, truth in truths().items() if truth["scenario"] == scenario)
    assert " ".join(_steps(lives(rights)[linkedid])) == states


def _steps(said: Sequence[Said]) -> list[str]:
    """The states, a machine's with a star, that lasted for longer than Asterisk takes from one to another."""
    steps: list[str] = []
    for moment, after in pairwise(said):
        if moment.call is not None and after.at - moment.at > 0.05:
            steps.append(moment.call.state + "*" * moment.call.machine)
    return [step for number, step in enumerate(steps) if step not in steps[number - 1 : number]]


def test_an_attended_transfer_is_two_calls_and_then_one() -> None:
    channels = Channels()
    said: dict[str, list[LiveCall]] = {}
    for event in second_run():
        for linkedid in channels.apply(event):
            if call := live_call(channels.of(linkedid), ENDPOINTS):
                said.setdefault(linkedid, []).append(call)
    merged = said["1795411237.0"][-3]
    assert told(merged) == ("12125551248", "talking", "inbound", "15550101/102", "", "102")
    assert (merged.linked_ids, merged.extensions) == (("1795411237.0", "1795411241.2"), ("102",))
    assert said["1795411241.2"][0].linked_ids == ("1795411241.2",)


def channel(uniqueid: str, name: str, state: str = "6", **fields: str) -> Event:
    """A channel of the call 1795410600.1, new."""
    return {
        "Event": "Newchannel",
        "Channel": f"{name}-0000000{uniqueid}",
        "ChannelState": state,
        "CallerIDNum": name.partition("/")[2].partition("@")[0],
        "CallerIDName": "<unknown>",
        "ConnectedLineNum": "<unknown>",
        "ConnectedLineName": "<unknown>",
        "Context": "from-internal",
        "Exten": "s",
        "Uniqueid": f"1795410600.{uniqueid}",
        "Linkedid": "1795410600.1",
        **fields,
    }


def dial(uniqueid: str, called: str, text: str) -> Event:
    """One channel calls another."""
    return {
        "Event": "DialBegin",
        "Uniqueid": f"1795410600.{uniqueid}",
        "DestUniqueid": f"1795410600.{called}",
        "DialString": text,
    }


def gone(uniqueid: str) -> Event:
    return {"Event": "Hangup", "Uniqueid": f"1795410600.{uniqueid}"}


def only(channels: Channels, endpoints: Endpoints = ENDPOINTS) -> LiveCall:
    (call,) = calls(channels, endpoints)
    return call


def test_halves_of_local_channels_alone_are_no_call() -> None:
    halves = [channel(half, "Local/100@from-internal") for half in "12"]
    for event, half in zip(halves, "12", strict=True):
        event["Channel"] = f"Local/100@from-internal-00000001;{half}"
    channels = folded(halves)
    assert live_call(channels.of("1795410600.1"), ENDPOINTS) is None
    assert live_call([], ENDPOINTS) is None
    announcement = folded([channel("1", "CBAnn/800")])
    assert live_call(announcement.of("1795410600.1"), ENDPOINTS) is None


def test_a_mobile_phone_that_only_rings_with_a_group_makes_no_outbound_call() -> None:
    halves = [channel("3", "Local/5551234567@from-internal", "5"), channel("4", "Local/x", "4")]
    halves[0]["Channel"], halves[1]["Channel"] = (
        "Local/5551234567@c-00000001;1",
        "Local/5551234567@c-00000001;2",
    )
    rings = [
        channel("1", "PJSIP/100", "4", Exten="600"),
        channel("2", "PJSIP/101", "5"),
        *halves,
        channel("5", "PJSIP/acme", "5"),
        dial("4", "5", "5551234567@acme"),
    ]
    channels = folded(rings)
    assert (only(channels).direction, only(channels).trunk) == ("internal", "acme")
    channels.apply(channel("5", "PJSIP/acme", "6") | {"Event": "Newstate"})
    assert only(channels).direction == "outbound"


def test_an_outbound_call_stays_one_when_its_caller_has_transferred_it_away() -> None:
    channels = folded(
        [
            channel("1", "PJSIP/100", Exten="5551234567"),
            channel("2", "PJSIP/acme"),
            dial("1", "2", "5551234567@acme"),
            channel("3", "PJSIP/103", "5"),
            gone("1"),
        ]
    )
    call = only(channels)
    assert (call.direction, call.state, call.extensions, call.trunks) == (
        "outbound",
        "ringing",
        ("103",),
        ("acme",),
    )
    assert (call.source, call.destination) == (LiveParty("100", "", "100"), LiveParty("5551234567", "", ""))


def test_of_a_call_whose_beginning_nobody_saw_the_trunk_was_called() -> None:
    channels = folded([channel("2", "PJSIP/acme"), channel("3", "PJSIP/103", "5")])
    assert (only(channels).direction, only(channels).trunk) == ("outbound", "acme")


def test_an_outbound_call_is_one_before_its_trunk_is_there_and_after_it_was_busy() -> None:
    began = [channel("1", "PJSIP/100", "4", Exten="5551234567")]
    assert only(folded(began)).direction == "outbound"
    assert only(folded([channel("1", "PJSIP/100", "4", Exten="555123")])).direction == "internal"
    with_nine = [
        channel("1", "PJSIP/100", "4", Exten="9190"),
        channel("2", "PJSIP/acme", "0"),
        dial("1", "2", "190@acme"),
        gone("2"),
    ]
    assert only(folded(with_nine)).direction == "outbound"


def test_without_a_list_of_trunks_the_context_tells() -> None:
    nothing = Endpoints([])
    unlisted = folded(
        [
            channel("1", "PJSIP/vivo", "4", Context="from-pstn", Exten="1133334444"),
            channel("2", "PJSIP/100", "5"),
        ]
    )
    call = only(unlisted, nothing)
    assert (call.direction, call.trunk, call.trunks, call.did) == ("inbound", "vivo", ("vivo",), "1133334444")
    elsewhere = folded([channel("1", "PJSIP/vivo", "4", Context="mine"), channel("2", "PJSIP/100", "5")])
    assert (only(elsewhere, nothing).direction, only(elsewhere, nothing).trunks) == ("unknown", ())
    analog = folded(
        [channel("1", "PJSIP/100", Exten="9190"), channel("2", "DAHDI/1", "6"), dial("1", "2", "g0/190")]
    )
    assert (only(analog, nothing).direction, only(analog, nothing).trunks) == ("outbound", ("1",))


def test_what_is_dialled_within_macros_is_no_number() -> None:
    channels = folded([channel("1", "PJSIP/acme", Context="from-pjsip-acme")])
    assert (only(channels).did, only(channels).destination) == ("", LiveParty())


def test_a_name_that_is_only_the_number_is_none() -> None:
    fields = {"CallerIDNum": "11987654321", "CallerIDName": "11987654321"}
    channels = folded([channel("1", "PJSIP/acme", **fields)])
    assert only(channels).source == LiveParty("11987654321", "", "")
    looked_up = {"CallerIDNum": "11987654321", "CallerIDName": "Maria \\\\ O\\'Neil"}
    channels.apply(channel("1", "PJSIP/acme", **looked_up) | {"Event": "NewCallerid"})
    assert only(channels).source == LiveParty("11987654321", "Maria \\ O'Neil", "")


def test_two_halves_lead_from_bridge_to_bridge() -> None:
    """PJSIP/100 - Local - Local - PJSIP/acme; the second Local channel is connected last."""
    names = ["PJSIP/100", "Local/1@c-1;1", "Local/1@c-1;2", "Local/2@c-2;1", "Local/2@c-2;2", "PJSIP/acme"]
    bridges = ["a", "a", "b", "b", "c", "c"]
    channels = Channels()
    for number, name in enumerate(names, 1):
        event = channel(str(number), name)
        channels.apply(event | {"Channel": name if ";" in name else f"{name}-00000001"})
    states = []
    for number, bridge in enumerate(bridges, 1):
        event = channel(str(number), "") | {"Event": "BridgeEnter", "BridgeType": "basic"}
        channels.apply(event | {"BridgeUniqueid": bridge})
        states.append((only(channels).state, only(channels).talking))
    assert [state for state, _ in states] == ["talking"] * 6
    assert only(channels).talking == ("100",)
    rings = channel("6", "PJSIP/acme", "5") | {"Event": "Newstate"}
    leaves = channel("6", "PJSIP/acme") | {"Event": "BridgeLeave", "BridgeUniqueid": "c"}
    channels.apply(leaves)
    channels.apply(rings)
    assert (only(channels).state, only(channels).talking) == ("ringing", ())


def test_linked_ids_are_the_oldest_first() -> None:
    channels = folded([channel("9", "PJSIP/100", Linkedid="1795410600.9")])
    channels.apply(channel("10", "PJSIP/101", Linkedid="1795410600.10"))
    for number in ("10", "9"):
        event = channel(number, "", Linkedid=f"1795410600.{number}")
        channels.apply(event | {"Event": "BridgeEnter", "BridgeType": "basic", "BridgeUniqueid": "a"})
    assert only(channels).linked_ids == ("1795410600.9", "1795410600.10")
