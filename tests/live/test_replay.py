"""Whatever is lost, repeated or broken: a listing makes the channels right again, and nothing is left."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.live.calls import live_call
from shipper.live.channel import Event
from shipper.live.channels import Channels, Difference
from tests.live.recorded import (
    ENDPOINTS,
    RIGHTS,
    Snapshot,
    events,
    everything,
    folded,
    listed,
    listing,
    second_run,
    snapshots,
    until,
)

ONE = [event for _, event in events()]
"""About 1,600 events of 48 calls."""
NAMES = sorted({event["Event"] for event in ONE} | {"Rename", "CoreShowChannel"})
UNIQUEIDS = [f"1795410600.{number}" for number in range(1, 6)] + ["", "x", "9999999999.9"]
TEXTS = {
    "Event": st.sampled_from(NAMES),
    "Uniqueid": st.sampled_from(UNIQUEIDS),
    "DestUniqueid": st.sampled_from(UNIQUEIDS),
    "Linkedid": st.sampled_from(UNIQUEIDS),
    "Channel": st.sampled_from(
        ["PJSIP/100-1", "PJSIP/acme-2", "Local/1@c-1;1", "Local/1@c-1;2", "CBAnn/1-1", ""]
    ),
    "Newname": st.sampled_from(["PJSIP/101-1", "Local/1@c-1;2", "/"]),
    "ChannelState": st.sampled_from(["0", "4", "5", "6", "7", "-1", "up"]),
    "BridgeUniqueid": st.sampled_from(["a", "b", ""]),
    "BridgeType": st.sampled_from(["basic", "base", "parking", ""]),
    "Device": st.sampled_from(["PJSIP/100", "PJSIP/acme", "PJSIP/x"]),
    "State": st.sampled_from(["ONHOLD", "INUSE", ""]),
    "Queue": st.sampled_from(["400", ""]),
    "Conference": st.sampled_from(["800", ""]),
    "Context": st.sampled_from(["from-internal", "ext-queues", "ext-group", "from-trunk", ""]),
    "Exten": st.sampled_from(["100", "s", "5551234567", "²", ""]),
    "CallerIDNum": st.sampled_from(["100", "<unknown>", ""]),
    "CallerIDName": st.sampled_from(["Bob O\\'Neil", "\\", "<unknown>", ""]),
    "ConnectedLineNum": st.sampled_from(["101", "s"]),
    "ConnectedLineName": st.sampled_from(["Zoë", ""]),
    "DialString": st.sampled_from(["5551234567@acme", "PJSIP/1", ""]),
}
WHOLE = st.fixed_dictionaries(TEXTS)
PARTS = st.fixed_dictionaries({}, optional=TEXTS)
ANYTHING = st.dictionaries(st.sampled_from(sorted(TEXTS)) | st.text(max_size=5), st.text(max_size=9))


def check(channels: Channels) -> None:
    """What must hold whatever came."""
    found = everything(channels)
    assert len(found) == len(channels) == len({channel.uniqueid for channel in found})
    for linkedid, kin in channels._kin.items():
        assert kin.channels
        assert kin.linkedid == linkedid
        assert all(channel.kin is kin for channel in kin.channels.values())
        call = live_call(channels.of(linkedid), ENDPOINTS)
        assert (call is None) == all(channel.hidden for channel in kin.channels.values())
        if call:
            assert linkedid in call.linked_ids
            assert set(call.ringing) | set(call.talking) <= set(call.extensions)
    members = {channel for bridge in channels._bridges.values() for channel in bridge}
    assert members == {channel for channel in found if channel.bridge}
    assert all(channels._bridges.values())


@settings(deadline=None, max_examples=300)
@given(st.lists(WHOLE | PARTS | ANYTHING, max_size=40), st.lists(WHOLE, max_size=6))
def test_any_events_leave_a_sound_state(told: list[Event], rows: list[Event]) -> None:
    channels = Channels()
    for event in told:
        before = channels.linkedids()
        touched = channels.apply(event)
        assert before ^ channels.linkedids() <= touched
    check(channels)
    assert channels.resync(listing(channels)) == Difference(0, 0, 0, set())
    channels.resync(rows, told)
    check(channels)
    for channel in everything(channels):
        assert channel.linkedid in channels.apply({"Event": "Hangup", "Uniqueid": channel.uniqueid})
    assert (len(channels), channels._kin, channels._bridges) == (0, {}, {})


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(ONE)), st.sampled_from(RIGHTS))
def test_at_any_moment_a_listing_of_the_same_differs_in_nothing(count: int, rights: str) -> None:
    channels = folded([event for _, event in events(rights)][:count])
    before = {linkedid: live_call(channels.of(linkedid), ENDPOINTS) for linkedid in channels.linkedids()}
    assert channels.resync(listing(channels)) == Difference(0, 0, 0, set())
    check(channels)
    after = {linkedid: live_call(channels.of(linkedid), ENDPOINTS) for linkedid in channels.linkedids()}
    assert before == after


@settings(deadline=None, max_examples=60)
@given(st.integers(), st.floats(0.01, 0.9), st.sampled_from(snapshots()))
def test_whatever_was_lost_a_listing_makes_it_right(seed: int, part: float, snapshot: Snapshot) -> None:
    at = snapshot.at
    chance = random.Random(seed)
    channels = folded(event for arrival, event in events() if arrival <= at and chance.random() > part)
    truth = until(at)
    lost = set(listed(truth)) - set(listed(channels))
    stale = set(listed(channels)) - set(listed(truth))
    difference = channels.resync(snapshot.channels, snapshot.devices)
    assert (difference.missing, difference.surplus) == (len(lost), len(stale))
    assert listed(channels) == listed(truth)
    check(channels)
    # From there on nothing is lost any more.
    for arrival, event in events():
        if arrival > at:
            channels.apply(event)
            truth.apply(event)
            assert listed(channels) == listed(truth)
    assert len(channels) == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(ONE) - 1), st.integers(0, 60))
def test_events_that_came_before_the_answer_may_be_applied_again(count: int, again: int) -> None:
    channels = folded(ONE[:count])
    truth = listed(channels)
    channels.resync(listing(channels))
    for event in ONE[max(0, count - again) : count]:
        channels.apply(event)
    assert listed(channels) == truth
    check(channels)


@pytest.mark.parametrize("number", range(len(snapshots())))
def test_a_restart_in_the_middle_of_calls(number: int) -> None:
    """A reader that begins with a listing sees at all later listings what Asterisk sees."""
    begin = snapshots()[number]
    channels = Channels()
    channels.resync(begin.channels, begin.devices)
    at = begin.at
    for snapshot in snapshots()[number + 1 :]:
        for arrival, event in events():
            if at < arrival <= snapshot.at:
                channels.apply(event)
        at = snapshot.at
        assert channels.resync(snapshot.channels)[:3] == (0, 0, 0)


def test_the_second_run_leaves_nothing_either() -> None:
    channels = folded(second_run())
    check(channels)
    assert len(channels) == 0


def _copy(event: Event, number: int) -> Event:
    """The same of other calls."""
    changed = dict(event)
    for key, value in event.items():
        if key.endswith(("Uniqueid", "Linkedid")):
            changed[key] = f"{value}{number:02d}"
    return changed


def test_20_000_events_in_a_burst_are_folded_in_well_under_a_second() -> None:
    """Thirteen PBXs' worth at the same time; about 0.07 s on one core."""
    copies = [[_copy(event, number) for event in ONE] for number in range(13)]
    burst = [event for row in zip(*copies, strict=True) for event in row][:20_000]
    channels, touched, most = Channels(), set(), 0
    begin = time.process_time()
    for number, event in enumerate(burst):
        touched |= channels.apply(event)
        if number % 100 == 99:
            for linkedid in touched:
                live_call(channels.of(linkedid), ENDPOINTS)
            touched.clear()
            most = max(most, len(channels))
    assert time.process_time() - begin < 1.0
    assert (len(burst), most) == (20_000, 91)
