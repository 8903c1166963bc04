"""What the panel of now is told of a call: when, how, and with a sequence that only rises."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.assembly.builder import identify_call
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.live.calls import LiveCall, LiveParty, live_call
from shipper.live.channels import Channels
from shipper.live.panel import REFRESH_SECONDS, Panel
from shipper.live.writing import LONGEST, MOST, LiveWriter, Shown
from shipper.numbering import reader
from shipper.schema import load
from tests.live.recorded import ENDPOINTS, events, second_run

BEGIN = 1795410651.0
"""2026-11-23 05:10:51 UTC."""
NOW = BEGIN + 4.25
LINKED = "1795410651.28"
IDENTITY = identify_call("Loja001")
JUDGE = jsonschema.Draft7Validator(load("live"))
RINGING = LiveCall(
    linked_ids=(LINKED,),
    state="ringing",
    machine=False,
    direction="inbound",
    trunk="acme",
    queue="",
    did="15550100",
    group="",
    source=LiveParty("12125551234", "Carol Jones"),
    destination=LiveParty("15550100", "", "100"),
    extensions=("100",),
    ringing=("100",),
    talking=(),
    trunks=("acme",),
    begin=BEGIN,
)
TALKING = RINGING._replace(state="talking", ringing=(), talking=("100",))
OUTBOUND = RINGING._replace(
    direction="outbound",
    did="",
    source=LiveParty("12125550000", "Alice Martin", "100"),
    destination=LiveParty("12125550101"),
)


def writer(mode: str = "clear") -> LiveWriter:
    read = reader("US", "212")
    origin = Origin("Loja001", "America/New_York", "1.0")
    return LiveWriter(origin, IDENTITY, read, Privacy(mode, "k", read))


def panel(mode: str = "clear") -> Panel:
    return Panel(writer(mode))


def body_of(document: Document | None) -> dict[str, Any]:
    assert document is not None
    body: dict[str, Any] = json.loads(document.body)
    JUDGE.validate(body)
    assert (document.index_name, document.operation) == ("pabx-live", "index")
    assert document.id == body["event"]["id"] == body["call"]["id"]
    assert body["@timestamp"] == body["live"]["as_of"] == body["event"]["created"]
    return body


def live_of(document: Document | None) -> tuple[str, str, str]:
    live = body_of(document)["live"]
    return live["state"], live["since"], live["as_of"]


def test_the_document_of_a_call_that_rings() -> None:
    assert body_of(panel().update(LINKED, RINGING, NOW)) == {
        "@timestamp": "2026-11-23T05:10:55.250Z",
        "event": {
            "id": IDENTITY(LINKED),
            "kind": "state",
            "dataset": "pabx.live",
            "created": "2026-11-23T05:10:55.250Z",
            "start": "2026-11-23T05:10:51.000Z",
            "sequence": 1795410655250,
        },
        "store": {"id": "Loja001", "timezone": "America/New_York"},
        "agent": {"version": "1.0"},
        "call": {
            "id": IDENTITY(LINKED),
            "linked_ids": [LINKED],
            "direction": "inbound",
            "did": "15550100",
            "trunk": "acme",
        },
        "source": {"number": "12125551234", "e164": "+12125551234", "name": "Carol Jones"},
        "destination": {"number": "15550100", "extension": "100"},
        "live": {
            "state": "ringing",
            "since": "2026-11-23T05:10:51.000Z",
            "as_of": "2026-11-23T05:10:55.250Z",
            "extensions": ["100"],
            "ringing": ["100"],
        },
    }


def test_a_call_is_told_when_it_changes_and_when_it_ends() -> None:
    board = panel()
    assert live_of(board.update(LINKED, RINGING, NOW)) == (
        "ringing",
        "2026-11-23T05:10:51.000Z",
        "2026-11-23T05:10:55.250Z",
    )
    assert board.update(LINKED, RINGING, NOW + 1) is None
    assert live_of(board.update(LINKED, TALKING, NOW + 2)) == (
        "talking",
        "2026-11-23T05:10:57.250Z",
        "2026-11-23T05:10:57.250Z",
    )
    assert (len(board), board.trunks_of(LINKED)) == (1, ("acme",))
    # What is said of it changes, and its state does not.
    other = TALKING._replace(source=LiveParty("12125551234", "Carol Smith"))
    assert live_of(board.update(LINKED, other, NOW + 5)) == (
        "talking",
        "2026-11-23T05:10:57.250Z",
        "2026-11-23T05:11:00.250Z",
    )
    ended = body_of(board.update(LINKED, None, NOW + 9))
    assert (ended["live"]["state"], ended["live"]["since"]) == ("ended", "2026-11-23T05:11:04.250Z")
    assert ended["live"]["talking"] == ["100"]
    assert board.update(LINKED, None, NOW + 9) is None
    assert (len(board), board.trunks_of(LINKED), board.refresh(NOW + 99, everything=True)) == (0, (), [])


def test_a_machine_that_takes_over_is_a_change_of_state() -> None:
    board = panel()
    board.update(LINKED, TALKING, NOW)
    body = body_of(board.update(LINKED, TALKING._replace(machine=True), NOW + 3))
    assert body["live"] == {
        "state": "talking",
        "since": "2026-11-23T05:10:58.250Z",
        "as_of": "2026-11-23T05:10:58.250Z",
        "machine": True,
        "extensions": ["100"],
        "talking": ["100"],
    }


def test_a_call_that_lasts_is_told_every_half_minute() -> None:
    board = panel()
    board.update(LINKED, TALKING, NOW)
    assert board.refresh(NOW + REFRESH_SECONDS - 1) == []
    (again,) = board.refresh(NOW + REFRESH_SECONDS)
    assert live_of(again) == ("talking", "2026-11-23T05:10:51.000Z", "2026-11-23T05:11:25.250Z")
    assert board.refresh(NOW + REFRESH_SECONDS + 1) == []
    assert len(board.refresh(NOW + REFRESH_SECONDS + 2, everything=True)) == 1
    assert REFRESH_SECONDS == 30


def test_a_clock_that_is_set_back_tells_anew_and_the_sequence_rises_all_the_same() -> None:
    board = panel()
    first = body_of(board.update(LINKED, RINGING, NOW))["event"]["sequence"]
    (again,) = board.refresh(NOW - 3600)
    assert body_of(again)["event"]["sequence"] == first + 1
    assert live_of(board.update(LINKED, TALKING, NOW - 3599))[0] == "talking"
    last = body_of(board.update(LINKED, None, NOW - 3598))
    assert last["event"]["sequence"] == first + 3


def test_a_call_that_began_nobody_knows_when_began_now() -> None:
    """Its linkedid is no Asterisk's own."""
    body = body_of(panel().update("x", RINGING._replace(begin=0.0, linked_ids=("x",)), NOW))
    assert body["live"]["since"] == "2026-11-23T05:10:55.250Z"
    assert "start" not in body["event"]


def test_a_call_from_the_future_has_been_so_since_now() -> None:
    """The PBX's clock was set back after it began."""
    assert live_of(panel().update(LINKED, RINGING, BEGIN - 60))[1] == "2026-11-23T05:09:51.000Z"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1795410651.28", "1795410652.30"]),
            st.sampled_from([RINGING, TALKING, OUTBOUND, "refresh"]),
            st.sampled_from([0.0, 0.001, 0.5, 31.0, -100.0, -0.001]),
        ),
        max_size=60,
    )
)
def test_the_sequence_of_a_call_strictly_rises_as_long_as_it_lasts(
    steps: list[tuple[str, LiveCall | str, float]],
) -> None:
    board, now = panel(), NOW
    last: dict[str, int] = {}
    for linked, call, later in steps:
        now += later
        made = board.refresh(now) if isinstance(call, str) else [board.update(linked, call, now)]
        for document in made:
            if document is not None:
                body = body_of(document)
                assert body["event"]["sequence"] > last.get(document.id, 0)
                last[document.id] = body["event"]["sequence"]


def played(told: Any) -> dict[str, list[dict[str, Any]]]:
    """The documents of each call, by linkedid, with a look after each event."""
    channels, board = Channels(), panel()
    found: dict[str, list[dict[str, Any]]] = {}
    for at, event in told:
        for linked in sorted(channels.apply(event)):
            there = channels.of(linked)
            document = board.update(linked, live_call(there, ENDPOINTS) if there else None, at)
            if document is not None:
                found.setdefault(linked, []).append(body_of(document))
    assert len(board) == 0
    return found


def test_each_recorded_call_ends_on_the_panel() -> None:
    found = played(events())
    assert {bodies[-1]["live"]["state"] for bodies in found.values()} == {"ended"}
    states = [body["live"]["state"] for body in found["1795410651.28"]]
    assert list(dict.fromkeys(states)) == ["ringing", "talking", "ended"]
    assert len(found) > 60


def test_a_call_that_became_part_of_another_ends_and_the_other_names_it() -> None:
    found = played([(1795411237.0 + number / 100, event) for number, event in enumerate(second_run())])
    whole, part = found["1795411237.0"], found["1795411241.2"]
    assert [body["event"]["id"] for body in (whole[-1], part[-1])] == [
        IDENTITY("1795411237.0"),
        IDENTITY("1795411241.2"),
    ]
    assert part[-1]["live"]["state"] == whole[-1]["live"]["state"] == "ended"
    assert part[-1]["@timestamp"] < whole[-1]["@timestamp"]
    assert part[0]["call"]["linked_ids"] == ["1795411241.2"]
    assert whole[0]["call"]["linked_ids"] == ["1795411237.0"]
    assert whole[-1]["call"]["linked_ids"] == ["1795411237.0", "1795411241.2"]
    talks = [tuple(body["live"].get("talking", ())) for body in whole]
    assert list(dict.fromkeys(talks)) == [(), ("101",), ("101", "102"), ("102",)]


class TestPrivacy:
    def parties(self, call: LiveCall, mode: str) -> tuple[dict[str, str], dict[str, str]]:
        body = body_of(panel(mode).update(LINKED, call, NOW))
        return body["source"], body["destination"]

    def test_who_calls_from_outside_is_masked(self) -> None:
        assert self.parties(RINGING, "masked") == (
            {"number": "*******1234", "e164": "+*******1234", "name": "C. J."},
            {"number": "15550100", "extension": "100"},
        )

    def test_who_is_called_outside_is_masked_and_the_number_shown_there_is_not(self) -> None:
        assert self.parties(OUTBOUND, "masked") == (
            {"number": "12125550000", "name": "A. M.", "extension": "100"},
            {"number": "*******0101", "e164": "+*******0101"},
        )

    def test_a_hash_is_the_same_whichever_way_the_call_goes(self) -> None:
        number = "12125551234"
        source = self.parties(RINGING, "hashed")[0]
        called = self.parties(OUTBOUND._replace(destination=LiveParty(number)), "hashed")[1]
        assert source["number"] == called["number"] == source["e164"]
        assert source["number"][0] == "h"
        assert number not in json.dumps([source, called])

    def test_where_nobody_knows_which_way_a_call_goes_both_are_hidden(self) -> None:
        unknown = OUTBOUND._replace(direction="unknown", source=LiveParty("12125551234", "Carol"))
        source, destination = self.parties(unknown, "masked")
        assert (source["number"], destination["number"]) == ("*******1234", "*******0101")

    @pytest.mark.parametrize("mode", ["masked", "hashed"])
    def test_extensions_stay(self, mode: str) -> None:
        call = RINGING._replace(
            direction="internal", source=LiveParty("100", "", "100"), destination=LiveParty("101", "", "101")
        )
        assert self.parties(call, mode) == (
            {"number": "100", "extension": "100"},
            {"number": "101", "extension": "101"},
        )


def test_texts_and_lists_of_any_length_fit() -> None:
    many = tuple(f"{number}" * 300 for number in range(200))
    call = RINGING._replace(
        linked_ids=many, extensions=many, ringing=many, talking=many, did="9" * 5000, queue="9" * 5000
    )
    body = body_of(panel().update(LINKED, call, NOW))
    assert len(body["live"]["extensions"]) == len(body["call"]["linked_ids"]) == MOST
    assert {len(body["call"]["did"]), len(body["call"]["queue"])} == {LONGEST}


def test_what_would_be_no_document_is_none() -> None:
    assert writer().write(Shown(LINKED, RINGING, "dancing", NOW, NOW, 1)) is None
