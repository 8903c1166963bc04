"""What a PBX's events tell the heartbeat: since when, for how long, and the latest call; time is given."""

from zoneinfo import ZoneInfo

import pytest

from shipper.assembly.builder import identify_call
from shipper.document.model import Origin
from shipper.document.privacy import Privacy
from shipper.live.channel import Event
from shipper.live.events import EventWriter
from shipper.live.folding import Folding, Snapshot
from shipper.live.presence import Gone
from shipper.live.writing import LiveWriter
from shipper.numbering import reader
from tests.live.recorded import ENDPOINTS, events, snapshots

ORIGIN = Origin("Loja001", "America/New_York", "1.0")
READ = reader("BR", "11")
CLEAR = Privacy("clear", "", READ)
IDENTITY = identify_call("Loja001")
UP: Event = {"Event": "PeerStatus", "Peer": "PJSIP/acme", "PeerStatus": "Reachable"}
DOWN: Event = {"Event": "PeerStatus", "Peer": "PJSIP/acme", "PeerStatus": "Unreachable"}


class Heard(Folding):
    """With clocks that the test sets: `now` of the wall, `at` that only goes on."""

    def __init__(self) -> None:
        self.now, self.at = 1_795_410_607.0, 1000.0
        super().__init__(
            ENDPOINTS,
            LiveWriter(ORIGIN, IDENTITY, READ, CLEAR),
            EventWriter(ORIGIN, IDENTITY, CLEAR),
            lambda: self.now,
            ZoneInfo(ORIGIN.timezone),
            lambda: self.at,
        )

    def extension(self, extension: str, status: str) -> None:
        self.take(
            {"Event": "ExtensionStatus", "Exten": extension, "Hint": f"PJSIP/{extension}", "Status": status}
        )

    def gone(self) -> tuple[int, int]:
        report = self.report()
        return report["trunks_down_seconds"], report["extensions_gone_seconds"]


def test_how_long_something_has_been_gone() -> None:
    gone = Gone()
    assert [gone.seconds(True, at) for at in (10.0, 10.9, 130.0)] == [0, 0, 120]
    assert [gone.seconds(False, 131.0), gone.seconds(True, 140.0), gone.seconds(True, 141.5)] == [0, 0, 1]


def test_a_store_without_any_trunk() -> None:
    """The first snapshot was taken before the trunk answered."""
    heard, first = Heard(), snapshots()[0]
    heard.resync(Snapshot(first.channels, first.devices, first.extensions), [], first=True)
    assert heard.gone() == (0, 0)
    heard.at += 130
    assert heard.gone() == (130, 0)
    heard.resync(Snapshot(first.channels, first.devices, first.extensions), [], first=False)
    heard.at += 50
    assert heard.gone() == (180, 0)  # a comparison with the PBX's list is no new beginning
    heard.take(UP)
    assert heard.gone() == (0, 0)
    heard.take(DOWN)
    assert heard.gone() == (0, 0)


def test_the_wall_clock_changes_no_span() -> None:
    heard = Heard()
    heard.take(DOWN)
    heard.gone()
    heard.now -= 3600
    heard.at += 60
    assert heard.gone() == (60, 0)


def test_one_of_two_that_is_there_is_enough() -> None:
    heard = Heard()
    assert heard.gone() == (0, 0)  # none is known
    heard.extension("100", "4")
    heard.extension("101", "4")
    heard.gone()
    heard.at += 200
    assert heard.gone() == (0, 200)
    heard.extension("101", "0")
    assert heard.gone() == (0, 0)


def test_what_was_the_matter_while_nobody_heard_is_not_counted() -> None:
    heard = Heard()
    heard.take(DOWN)
    heard.gone()
    heard.at += 100
    heard.lost()
    heard.at += 500
    assert heard.gone() == (0, 0)
    heard.at += 7
    assert heard.gone() == (7, 0)


def test_when_the_pbx_was_started() -> None:
    heard = Heard()
    assert "pbx_started" not in heard.report()
    heard.take({"Event": "FullyBooted", "Uptime": "520"})
    assert heard.report()["pbx_started"] == "2026-11-23T05:01:27Z"
    heard.take({"Event": "FullyBooted", "Uptime": "soon"})
    assert heard.report()["pbx_started"] == "2026-11-23T05:01:27Z"


def test_the_latest_call() -> None:
    """Of the recorded ones, by the linkedids, which begin with the first channel's creation."""
    heard = Heard()
    heard.flush()
    assert heard.last_call is None
    latest = 0.0
    for at, event in events():
        heard.now = at
        heard.take(event)
        heard.flush()
        if event.get("Channel", "").startswith("PJSIP/") and (linked := event.get("Linkedid", "")):
            latest = max(latest, float(linked.partition(".")[0]))
            assert heard.last_call == latest
    assert latest > snapshots()[-1].at - 600


@pytest.mark.parametrize("linkedid", ["1795410000.1", "1795499999.1"])
def test_a_call_of_a_clock_that_has_been_set_back_is_forgotten(linkedid: str) -> None:
    new = next(event for _, event in events() if event["Event"] == "Newchannel")
    heard = Heard()
    heard.last_call = heard.now + 86_400
    heard.take({**new, "Uniqueid": linkedid, "Linkedid": linkedid})
    heard.flush()
    assert heard.last_call == min(float(linkedid.partition(".")[0]), heard.now)
