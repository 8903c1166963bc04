"""From recorded bytes, cut anywhere, to the channels and calls of each snapshot's moment."""

import gzip
import json
from bisect import bisect_right
from functools import cache

from hypothesis import example, given
from hypothesis import strategies as st

from shipper.live.channels import Channels
from shipper.sources.ami.message import parsed
from tests.ami.recording import FOLDER, session
from tests.ami.test_protocol import Listener
from tests.live.recorded import everything, snapshots
from tests.live.test_calls import EXPECTED, calls, told


@cache
def moments() -> tuple[int, ...]:
    """Behind which byte each snapshot was taken."""
    lines = gzip.decompress((FOLDER / "ami.idx.jsonl.gz").read_bytes()).splitlines()
    places = [json.loads(line) for line in lines]
    times = [place["t"] for place in places]
    return tuple(places[bisect_right(times, snapshot.at)]["off"] for snapshot in snapshots())


def listed(channels: Channels) -> dict[str, tuple[str | int, ...]]:
    """What a listing shows of the channels, places in the dialplan left out: only Newexten tells those."""
    return {
        channel.uniqueid: (
            channel.name,
            channel.linkedid,
            channel.state,
            channel.bridge,
            channel.caller_number,
            channel.caller_name,
            channel.connected_number,
            channel.connected_name,
        )
        for channel in everything(channels)
    }


@given(pieces=st.lists(st.integers(1, 70_000), min_size=1, max_size=40))
@example(pieces=[1460])
@example(pieces=[4096, 3, 1])
@example(pieces=[70_000])
def test_each_snapshot_is_met_however_the_bytes_are_cut(pieces: list[int]) -> None:
    raw, listener, channels = session(), Listener(), Channels()
    at, number = 0, 0
    for snapshot, end in zip(snapshots(), moments(), strict=True):
        while at < end:
            size = min(pieces[number % len(pieces)], end - at)
            listener.protocol.data_received(raw[at : at + size])
            at, number = at + size, number + 1
        listener.inbox.take(60.0)
        for message in listener.taken:
            channels.apply(parsed(message))
        listener.taken.clear()
        asked = Channels()
        asked.resync(snapshot.channels, snapshot.devices)
        assert listed(channels) == listed(asked), snapshot.name
        assert [told(call) for call in calls(channels)] == EXPECTED[snapshot.name]
    assert listener.lost == []
