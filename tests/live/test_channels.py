"""Channels folded from what a real Asterisk sent are those that it listed; a listing mends what was lost."""

import pytest

from shipper.live.channel import Event
from shipper.live.channels import Channels, Difference
from tests.live.recorded import (
    RIGHTS,
    Snapshot,
    all_events,
    events,
    everything,
    folded,
    listed,
    listing,
    second_run,
    snapshots,
    until,
)

NO_DIFFERENCE = Difference(0, 0, 0, set())


def event(name: str, uniqueid: str, linkedid: str = "", **fields: str) -> Event:
    """An event about a channel."""
    return {
        "Event": name,
        "Channel": f"PJSIP/100-{uniqueid}",
        "ChannelState": "6",
        "CallerIDNum": "100",
        "CallerIDName": "Alice",
        "ConnectedLineNum": "<unknown>",
        "ConnectedLineName": "<unknown>",
        "Context": "from-internal",
        "Exten": "101",
        "Uniqueid": uniqueid,
        "Linkedid": linkedid or uniqueid,
        **fields,
    }


def enter(uniqueid: str, linkedid: str, bridge: str = "b1", kind: str = "basic") -> Event:
    return event("BridgeEnter", uniqueid, linkedid, BridgeUniqueid=bridge, BridgeType=kind)


def new(*uniqueids: str, linkedid: str = "") -> Channels:
    return folded(event("Newchannel", uniqueid, linkedid) for uniqueid in uniqueids)


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize("snapshot", snapshots(), ids=lambda snapshot: snapshot.name)
def test_the_channels_are_those_that_asterisk_lists(snapshot: Snapshot, rights: str) -> None:
    found = until(snapshot.at, rights)
    from_list = Channels()
    count = len(snapshot.channels)
    assert from_list.resync(snapshot.channels)[:3] == (count, 0, 0)
    assert listed(found) == listed(from_list)
    difference = found.resync(snapshot.channels)
    assert difference[:3] == (0, 0, 0)


@pytest.mark.parametrize("snapshot", snapshots(), ids=lambda snapshot: snapshot.name)
def test_with_all_classes_of_events_too(snapshot: Snapshot) -> None:
    found = folded(told for at, told in all_events() if at <= snapshot.at)
    assert found.resync(snapshot.channels)[:3] == (0, 0, 0)


def test_there_are_14_snapshots_and_a_channel_of_one_is_as_it_was() -> None:
    assert len(snapshots()) == 14
    assert until(snapshots()[0].at).of("1795410607.7")[1].listed() == (
        "PJSIP/101-00000008",
        "1795410607.7",
        6,
        "bf69564a-03b5-4150-aa33-1139035aa2af",
        "101",
        "Bob O'Neil",
        "100",
        "Alice Martin",
    )


@pytest.mark.parametrize("rights", RIGHTS)
def test_nothing_remains_when_all_have_hung_up(rights: str) -> None:
    found = folded(told for _, told in events(rights))
    assert (len(found), found.linkedids(), found._bridges, found._on_hold) == (0, set(), {}, set())


def test_what_comes_after_a_hang_up_makes_no_channel() -> None:
    channels, late = Channels(), 0
    gone: set[str] = set()
    for _, told in events():
        uniqueid = told.get("Uniqueid", "")
        if told["Event"] == "Newchannel":
            gone.discard(uniqueid)
        if uniqueid in gone and told["Event"] not in {"Cdr", "DialEnd"}:
            late += 1
            assert channels.apply(told) == set()
        channels.apply(told)
        if told["Event"] == "Hangup":
            gone.add(uniqueid)
    assert late == 5


def test_an_attended_transfer_tells_both_calls_and_remembers_the_other() -> None:
    channels = Channels()
    told = [(told, channels.apply(told)) for told in second_run()[:1000]]
    both = {"1795411237.0", "1795411241.2"}
    merging = [(told["Event"], told["Channel"]) for told, touched in told if both <= touched]
    assert merging == [("BridgeEnter", "PJSIP/acme-00000000")]

    merged = Channels()
    for event in second_run():
        if both <= merged.apply(event):
            break
    assert [channel.name for channel in merged.of("1795411237.0")] == [
        "PJSIP/acme-00000000",
        "PJSIP/101-00000001",
        "PJSIP/102-00000003",
    ]
    # The telephone that transferred keeps its linkedid until it has hung up.
    assert [channel.name for channel in merged.of("1795411241.2")] == ["PJSIP/101-00000002"]
    assert merged.of("1795411237.0")[0].kin.former == ("1795411241.2",)


def test_in_a_basic_bridge_the_oldest_linkedid_wins_and_in_a_conference_none() -> None:
    channels = new("1795410607.7", "1795410600.9", "1795410607.10")
    channels.apply(enter("1795410607.10", "1795410607.10"))
    channels.apply(enter("1795410607.7", "1795410607.7"))
    assert channels.apply(enter("1795410600.9", "1795410600.9")) == {
        "1795410600.9",
        "1795410607.7",
        "1795410607.10",
    } - {"1795410607.10"}
    assert channels.linkedids() == {"1795410600.9"}
    assert set(channels.of("1795410600.9")[0].kin.former) == {"1795410607.7", "1795410607.10"}

    conference = new("1795410607.7", "1795410600.9")
    conference.apply(enter("1795410607.7", "1795410607.7", kind="base"))
    conference.apply(enter("1795410600.9", "1795410600.9", kind="base"))
    assert conference.linkedids() == {"1795410607.7", "1795410600.9"}


def test_an_older_event_does_not_take_a_linkedid_back() -> None:
    channels = new("1795410600.1", "1795410607.7")
    channels.apply(enter("1795410607.7", "1795410607.7"))
    channels.apply(enter("1795410600.1", "1795410600.1"))
    stale = event("NewConnectedLine", "1795410607.7", "1795410607.7", ConnectedLineNum="101")
    assert channels.apply(stale) == {"1795410600.1"}
    assert channels.linkedids() == {"1795410600.1"}


def test_the_same_again_changes_nothing() -> None:
    channels = new("1795410607.7")
    assert channels.apply(event("Newstate", "1795410607.7")) == set()
    assert channels.apply(event("Newstate", "1795410607.7", ChannelState="5")) == {"1795410607.7"}


def test_a_renamed_channel_keeps_all_else() -> None:
    channels = new("1795410607.7")
    renamed = {
        "Event": "Rename",
        "Channel": "x",
        "Newname": "Local/1@c-00000001;2",
        "Uniqueid": "1795410607.7",
    }
    assert channels.apply(renamed) == {"1795410607.7"}
    channel = channels.of("1795410607.7")[0]
    assert (channel.name, channel.hidden, channel.half) == (
        "Local/1@c-00000001;2",
        True,
        "Local/1@c-00000001",
    )
    assert channel.caller_name == "Alice"


def test_a_late_leave_of_another_bridge_changes_nothing() -> None:
    channels = new("1795410607.7")
    channels.apply(enter("1795410607.7", "1795410607.7", "b1"))
    channels.apply(enter("1795410607.7", "1795410607.7", "b2"))
    channels.apply(event("BridgeLeave", "1795410607.7", BridgeUniqueid="b1"))
    assert channels.of("1795410607.7")[0].bridge == "b2"


def test_a_listing_mends_what_was_lost() -> None:
    channels = new("1795410607.7", "1795410607.8", linkedid="1795410607.7")
    channels.apply(event("Newchannel", "1795410500.1"))
    rows = [
        event("CoreShowChannel", "1795410607.7", BridgeId="b1"),
        event("CoreShowChannel", "1795410607.8", "1795410607.7"),
        event("CoreShowChannel", "1795410607.9", BridgeId="b1"),
    ]
    # .500.1 has gone, .9 is new, .7 is in a bridge.
    found = channels.resync(rows)
    assert found == Difference(1, 1, 1, {"1795410500.1", "1795410607.7", "1795410607.9"})
    assert channels.resync(rows) == NO_DIFFERENCE
    assert channels.linkedids() == {"1795410607.7", "1795410607.9"}
    assert channels.resync([]) == Difference(0, 3, 0, {"1795410607.7", "1795410607.9"})
    assert (len(channels), channels._kin, channels._bridges) == (0, {}, {})


def test_a_listing_may_give_a_channel_another_linkedid() -> None:
    channels = new("1795410607.7", "1795410607.8")
    rows = [
        event("CoreShowChannel", "1795410607.7"),
        event("CoreShowChannel", "1795410607.8", "1795410607.7"),
    ]
    assert channels.resync(rows) == Difference(0, 0, 1, {"1795410607.7", "1795410607.8"})
    assert channels.of("1795410607.8") == []


def device(name: str, state: str) -> Event:
    return {"Event": "DeviceStateChange", "Device": name, "State": state}


def on_hold(channels: Channels) -> set[str]:
    return {channel.name for channel in everything(channels) if channel.on_hold}


def held_call() -> Channels:
    """PJSIP/101 holds PJSIP/acme."""
    fields = {"Channel": "PJSIP/acme-00000001"}
    channels = folded([event("Newchannel", "1795410600.1", **fields)])
    channels.apply(
        event("Newchannel", "1795410600.2", "1795410600.1") | {"Channel": "PJSIP/101-00000002"},
    )
    channels.apply(enter("1795410600.1", "1795410600.1"))
    channels.apply(enter("1795410600.2", "1795410600.1"))
    channels.apply(event("Hold", "1795410600.2", "1795410600.1"))
    return channels


def test_hold_survives_a_listing_that_does_not_speak_of_it() -> None:
    channels = held_call()
    assert channels.resync(listing(channels)) == NO_DIFFERENCE
    busy = [device("PJSIP/acme", "BUSY"), device("PJSIP/101", "INUSE")]
    assert channels.resync(listing(channels), busy) == NO_DIFFERENCE
    assert on_hold(channels) == {"PJSIP/101-00000002"}


def test_a_lost_unhold_is_mended_by_the_devices() -> None:
    channels = held_call()
    in_use = [device("PJSIP/acme", "INUSE"), device("PJSIP/101", "INUSE")]
    assert channels.resync(listing(channels), in_use) == Difference(0, 0, 0, {"1795410600.1"})
    assert on_hold(channels) == set()


def test_a_lost_hold_is_mended_by_the_devices_and_ends_with_them() -> None:
    channels = held_call()
    channels.apply(event("Unhold", "1795410600.2", "1795410600.1"))
    assert on_hold(channels) == set()
    held = [device("PJSIP/acme", "ONHOLD"), device("PJSIP/101", "INUSE")]
    assert channels.resync(listing(channels), held) == Difference(0, 0, 0, {"1795410600.1"})
    assert on_hold(channels) == {"PJSIP/acme-00000001"}
    assert channels.apply(device("PJSIP/acme", "ONHOLD")) == set()
    assert channels.apply(device("PJSIP/acme", "INUSE")) == {"1795410600.1"}
    assert on_hold(channels) == set()


def test_who_is_alone_in_a_bridge_while_somebody_is_parked_is_parked() -> None:
    rows = [event("CoreShowChannel", "1795410600.1", BridgeId="b1")]
    parked, alone = Channels(), Channels()
    parked.resync(rows, [device("park:71@parkedcalls", "INUSE")])
    alone.resync(rows, [device("park:71@parkedcalls", "NOT_INUSE")])
    assert (len(on_hold(parked)), len(on_hold(alone))) == (1, 0)
    assert parked.resync(rows, [device("park:71@parkedcalls", "NOT_INUSE")]).linkedids == {"1795410600.1"}
    assert on_hold(parked) == set()


def test_a_lost_end_of_a_queue_is_mended_by_the_listing() -> None:
    channels = new("1795410600.1")
    channels.apply(event("QueueCallerJoin", "1795410600.1", Queue="400"))
    assert channels.of("1795410600.1")[0].waiting
    assert channels.resync(listing(channels)) == NO_DIFFERENCE
    row = event("CoreShowChannel", "1795410600.1", Application="VoiceMail", ApplicationData="100")
    assert channels.resync([row]) == Difference(0, 0, 0, {"1795410600.1"})
    channel = channels.of("1795410600.1")[0]
    assert (channel.waiting, channel.queue) == (False, "400")


def test_without_the_class_agent_an_empty_queue_tells_that_a_caller_has_left_it() -> None:
    channels = new("1795410600.1")
    channels.apply(event("Newstate", "1795410600.1", Context="ext-queues", Exten="400"))
    assert channels.of("1795410600.1")[0].waiting
    assert channels.apply(device("Queue:4001", "NOT_INUSE")) == set()
    assert channels.apply(device("Queue:400", "RINGING")) == set()
    assert channels.apply(device("Queue:400", "NOT_INUSE")) == {"1795410600.1"}
    channel = channels.of("1795410600.1")[0]
    assert (channel.waiting, channel.queue) == (False, "400")


@pytest.mark.parametrize(
    "broken",
    [
        {"Event": "Newchannel"},
        {"Event": "Newchannel", "Uniqueid": "1795410600.1"},
        {"Event": "Hangup"},
        {"Event": "BridgeEnter", "Uniqueid": "1795410607.7"},
        {"Event": "DeviceStateChange", "Device": "PJSIP/nobody", "State": "ONHOLD"},
        {"Event": "NoSuchEvent"},
        {},
    ],
)
def test_an_event_that_lacks_what_it_should_have_changes_nothing(broken: Event) -> None:
    channels = new("1795410607.7")
    before = listed(channels)
    assert channels.apply(broken) == set()
    assert (listed(channels), channels._on_hold) == (before, set())
