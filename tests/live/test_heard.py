"""Calls as AMI heard them are what they were, with and without `Cdr` events, whatever of them is lost."""

import csv
import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.assembly import CallBuilder, join, leg_of
from shipper.assembly.leg import Leg
from shipper.document.clock import StoreClock
from shipper.document.model import Origin
from shipper.document.privacy import Privacy
from shipper.document.validate import validator
from shipper.live.channel import Event
from shipper.live.heard import LINGER_SECONDS, Heard
from shipper.live.unwritten import HeardCall
from shipper.numbering import reader
from tests.live.recorded import HERE, events, second_run, truths

ZONE = "America/New_York"
CREATED = "2026-11-23T05:10:07.000Z"
WHOLE = ("duration", "billsec", "sequence")
WITHOUT_ROWS = {"1795410661.32": "inbound_emoji_name", "1795410669.37": "inbound_long_name"}
"""The two calls whose caller's name the database refused; truth.csv tells no linkedid of theirs."""
FIRST = 1795410607.0
NO_TRUTH = 14
"""Recorded calls that the truth does not tell of: attempts, conferences, messages."""

ONLY_ROWS_TELL = {
    # A dial that failed; that a mailbox took the call stands in ``lastapp`` alone.
    "internal_busy_to_voicemail": ("busy", []),
    "inbound_noanswer_to_voicemail": ("no_answer", []),
    "inbound_ringgroup_noanswer_vm": ("no_answer", []),
    # Answered, and no dial.
    "inbound_direct_voicemail": ("system", []),
    # The queue is where the caller was seen last.
    "inbound_queue_timeout_vm": ("abandoned", []),
    # Whoever takes a parked call dials nobody.
    "park_and_retrieve": ("answered", ["101"]),
    # The PBX's own dial to the telephone that clicked.
    "click_to_call_pjsip": ("answered", ["100", "101"]),
}


class Clock:
    """A clock that stands where it was set."""

    def __init__(self, now: float = FIRST) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def hear(told: Iterable[tuple[float, Event]]) -> list[HeardCall]:
    """The calls of a recording, each as soon as it was over."""
    clock = Clock()
    heard, found = Heard(clock), []
    for clock.now, event in told:
        heard.apply(event)
        found += heard.over()
    clock.now += LINGER_SECONDS + 1
    found += heard.over()
    assert remains(heard) == 0
    return found


def remains(heard: Heard) -> int:
    return len(heard._channels) + len(heard._linked) + len(heard._ended)


def without_cdr(told: Iterable[tuple[float, Event]]) -> list[tuple[float, Event]]:
    return [(at, event) for at, event in told if event["Event"] != "Cdr"]


@cache
def recorded() -> dict[str, HeardCall]:
    return {call.linked: call for call in hear(events())}


@cache
def recorded_without_cdr() -> dict[str, HeardCall]:
    return {call.linked: call for call in hear(without_cdr(events()))}


@cache
def rows() -> list[dict[str, str]]:
    path = HERE / "data" / "asterisk-22" / "cdr.csv"
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.DictReader(file))


@cache
def known_truths() -> dict[str, dict[str, str]]:
    """By linkedid, those of the calls without a row too."""
    with (HERE / "data" / "asterisk-22" / "truth.csv").open(encoding="utf-8", newline="") as file:
        by_scenario = {truth["scenario"]: truth for truth in csv.DictReader(file) if not truth["linkedid"]}
    assert sorted(by_scenario) == sorted(WITHOUT_ROWS.values())
    return truths() | {linked: by_scenario[name] for linked, name in WITHOUT_ROWS.items()}


def builder(mode: str = "clear") -> CallBuilder:
    read = reader("US", "212")
    return CallBuilder(Origin("Loja001", ZONE, "1"), ["acme"], read, Privacy(mode, "k", read))


def leg(row: dict[str, Any], key: str) -> Leg:
    moment = StoreClock(ZONE).moment(row.get("calldate", ""), row.get("uniqueid", ""))
    start = row["start"] if moment is None else moment.epoch
    found = leg_of(row, int(start), key)
    assert found is not None
    return found


def document(call: HeardCall, mode: str = "clear") -> dict[str, Any]:
    # The spool keeps it as JSON.
    call = HeardCall(*json.loads(json.dumps(call)))
    legs = [leg(row, f"{call.linked}#{number}") for number, row in enumerate(call.rows)]
    made = builder(mode).heard(legs, CREATED)
    assert made.index_name == "pabx-calls-2026.11"
    body: dict[str, Any] = json.loads(made.body)
    assert validator("call")(body) is None
    return body


def is_as_in_truth(call: HeardCall) -> bool:
    told, truth = document(call)["call"], known_truths()[call.linked]
    return (told["direction"], told["outcome"], " ".join(told.get("answered_by", []))) == (
        truth["direction"],
        truth["outcome"],
        truth["answered_by"],
    )


def test_every_call_of_the_truth_was_heard() -> None:
    assert len(known_truths()) == 48
    assert known_truths().keys() <= recorded().keys()
    assert len(recorded()) == len(recorded_without_cdr()) == len(known_truths()) + NO_TRUTH


@pytest.mark.parametrize("linked", known_truths(), ids=lambda linked: known_truths()[linked]["scenario"])
def test_a_call_heard_with_its_cdr_events_is_what_it_was(linked: str) -> None:
    body = document(recorded()[linked])
    call, truth = body["call"], known_truths()[linked]
    assert (call["direction"], call["outcome"]) == (truth["direction"], truth["outcome"])
    assert call.get("answered_by", []) == truth["answered_by"].split()
    assert call["missed"] == (truth["missed"] == "true")
    assert (call["legs"], body["event"]["sequence"]) == (0, 1)
    assert "call_without_row" in body["tags"]


def test_two_calls_alone_have_no_row() -> None:
    there = {
        text
        for row in rows()
        for text in (row["linkedid"], row["uniqueid"], row["channel"], row["dstchannel"])
        if text
    }
    missing = [linked for linked, call in recorded().items() if not there & {*call.linked_ids, *call.names}]
    assert missing == list(WITHOUT_ROWS)


@pytest.mark.parametrize("linked", known_truths(), ids=lambda linked: known_truths()[linked]["scenario"])
def test_a_call_heard_without_cdr_events_is_what_it_was_as_far_as_channels_tell(linked: str) -> None:
    call = document(recorded_without_cdr()[linked])["call"]
    truth = known_truths()[linked]
    assert call["direction"] == truth["direction"]
    told = ONLY_ROWS_TELL.get(truth["scenario"], (truth["outcome"], truth["answered_by"].split()))
    assert (call["outcome"], call.get("answered_by", [])) == told


def test_the_document_of_the_call_whose_name_the_database_refused() -> None:
    assert document(recorded()["1795410661.32"]) == {
        "@timestamp": "2026-11-23T05:11:01Z",
        "tags": ["call_without_row"],
        "event": {
            "id": "fa1daa121f8fe923dfcd61705faafd52",
            "kind": "event",
            "dataset": "pabx.call",
            "created": CREATED,
            "start": "2026-11-23T05:11:01Z",
            "end": "2026-11-23T05:11:04Z",
            "sequence": 1,
        },
        "store": {"id": "Loja001", "timezone": ZONE},
        "agent": {"version": "1"},
        "local": {"date": "2026-11-23", "hour": 0, "weekday": 1},
        "call": {
            "id": "fa1daa121f8fe923dfcd61705faafd52",
            "linked_ids": ["1795410661.32"],
            "direction": "inbound",
            "outcome": "answered",
            "answered": True,
            "missed": False,
            "transferred": False,
            "category": "local_fixed",
            "trunk": "acme",
            "prefix": "+121255",
            "billable_seconds": 0,
            "duration_seconds": 3,
            "ring_seconds": 1,
            "wait_seconds": 0,
            "talk_seconds": 2,
            "legs": 0,
            "answered_by": ["101"],
        },
        "source": {"number": "12125559999", "e164": "+12125559999", "name": "Pizza 🍕 Joe"},
        "destination": {"number": "101", "extension": "101"},
    }


@pytest.mark.parametrize("mode", ["masked", "hashed"])
@pytest.mark.parametrize("calls", [recorded, recorded_without_cdr])
def test_no_person_outside_is_told_of_where_that_is_private(
    calls: Callable[[], dict[str, HeardCall]], mode: str
) -> None:
    for linked in WITHOUT_ROWS:
        source = document(calls()[linked], mode)["source"]
        text = json.dumps(document(calls()[linked], mode), ensure_ascii=False)
        assert not {word for word in ("2125559999", "2125556666", "Joe", "Long", "éé") if word in text}
        if mode == "masked":
            assert source["number"] in {"*******9999", "*******6666"}
            assert source["name"] in {"P. J.", "P. * J.", "L. É."}


def from_rows() -> dict[str, dict[str, Any]]:
    """What the table made of the same calls, by each of their linkedids."""
    legs = []
    for number, row in enumerate(rows()):
        cdr = {name: int(text) if name in WHOLE else text for name, text in row.items() if text}
        legs.append(leg(cdr, str(number)))
    made = [json.loads(builder().build(call, CREATED)[0].body) for call in join(legs)]
    return {linked: body for body in made for linked in body["call"]["linked_ids"]}


def flat(body: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{section}.{name}": value
        for section, fields in body.items()
        if isinstance(fields, dict)
        for name, value in fields.items()
    }


DIFFERS = {
    # FreePBX writes `did` for every route; a context that is none of its trunks' own does not say it.
    "did": {"call.did", "destination.number"},
    # Of a conference the rows name all that met in it.
    "1795410874.108": {"call.linked_ids"},
    # Asterisk's row of a channel that the PBX made itself begins with its other end.
    "click_to_call": {"source.extension", "source.name"},
    "click_to_call_pjsip": {"source.name"},
}
IN_A_CONFERENCE = {"1795410874.109", "1795410876.112"}
"""Whose rows belong to the call of the one who came first."""


def test_a_call_heard_with_its_cdr_events_agrees_with_what_its_rows_make() -> None:
    table, compared = from_rows(), 0
    for linked, call in recorded().items():
        if linked not in table or linked in IN_A_CONFERENCE:
            continue
        one, other = flat(document(call)), flat(table[linked])
        differs = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
        scenario = known_truths().get(linked, {}).get("scenario", linked)
        expected = DIFFERS.get(scenario, DIFFERS["did"] if "call.did" in differs else set())
        assert (scenario, differs - {"call.legs", "event.sequence"} - expected) == (scenario, set())
        compared += 1
    assert compared == 58


# What no recording has.

LATER = LINGER_SECONDS + 1


def channel(name: str, number: int, **fields: str) -> Event:
    """What an event says of the channel that was made at `FIRST` + ``number``."""
    uniqueid = f"{int(FIRST) + number}.{number}"
    return {
        "Channel": f"{name}-{number:08x}",
        "ChannelState": "4",
        "CallerIDNum": name.rpartition("/")[2],
        "CallerIDName": "<unknown>",
        "Context": "from-internal",
        "Exten": "101",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        **fields,
    }


def play(*told: Event, clock: Clock | None = None) -> list[HeardCall]:
    """Events a second apart, and what they made."""
    clock = clock or Clock()
    heard = Heard(clock)
    for event in told:
        heard.apply(event)
        assert heard.over() == []
        clock.now += 1
    clock.now += LATER
    found = heard.over()
    assert (heard.over(), remains(heard)) == ([], 0)
    return found


def busy() -> list[Event]:
    """100 calls 101, who is busy: without ``unanswered`` in cdr.conf it leaves no row."""
    caller, called = channel("PJSIP/100", 0), channel("PJSIP/101", 1)
    dial = {**caller, **{f"Dest{name}": text for name, text in called.items()}, "DialString": "101/sip:1"}
    return [
        {"Event": "Newchannel", **caller},
        {"Event": "Newchannel", **called, "Linkedid": caller["Uniqueid"]},
        {"Event": "DialBegin", **dial},
        {"Event": "DialEnd", **dial, "DialStatus": "BUSY"},
        {"Event": "Hangup", **called, "Linkedid": caller["Uniqueid"], "Cause": "17"},
        {"Event": "Hangup", **caller, "Cause": "17"},
    ]


def test_a_busy_destination() -> None:
    (call,) = play(*busy())
    body = document(call)
    assert (call.linked, call.begin, call.end) == ("1795410607.0", FIRST, FIRST + 5)
    assert [body["call"][name] for name in ("direction", "outcome", "duration_seconds")] == [
        "internal",
        "busy",
        3,
    ]
    assert body["source"] == {"number": "100", "extension": "100"}
    assert body["destination"] == {"number": "101", "extension": "101"}


@pytest.mark.parametrize(
    ("cause", "outcome"), [("20", "failed"), ("17", "busy")], ids=["unregistered", "busy"]
)
def test_a_call_that_could_dial_nobody(cause: str, outcome: str) -> None:
    """A telephone that is not registered gets no channel, and the call leaves no row by default."""
    caller = channel("PJSIP/100", 0)
    (call,) = play({"Event": "Newchannel", **caller}, {"Event": "Hangup", **caller, "Cause": cause})
    told = document(call)["call"]
    assert (told["direction"], told["outcome"], told["duration_seconds"]) == ("internal", outcome, 1)
    assert "answered_by" not in told


def test_the_recorded_calls_that_leave_no_row_by_default() -> None:
    calls = {truth["scenario"]: linked for linked, truth in known_truths().items()}
    for scenario, outcome in (("internal_busy", "busy"), ("internal_unregistered", "failed")):
        told = document(recorded_without_cdr()[calls[scenario]])["call"]
        assert (told["direction"], told["outcome"]) == ("internal", outcome)


def test_an_attended_transfer_is_one_call() -> None:
    at = 1795411237.0
    timed = [(at + number / 100, event) for number, event in enumerate(second_run())]
    # Whom the caller was handed to is dialled by another, and only rows say that they talked.
    for told, persons in ((timed, ["101", "102"]), (without_cdr(timed), ["101"])):
        found = {call.linked: call for call in hear(told)}
        call = found["1795411237.0"]
        assert call.linked_ids == ["1795411237.0", "1795411241.2"]
        assert "1795411241.2" not in found
        body = document(call)
        assert (body["call"]["direction"], body["call"]["outcome"]) == ("inbound", "answered")
        assert body["call"]["answered_by"] == persons
        assert body["event"]["id"] == builder().identity("1795411237.0")


def test_a_clock_that_is_set_back_keeps_nothing_and_makes_no_negative_time() -> None:
    clock = Clock(FIRST)
    heard = Heard(clock)
    caller = channel("PJSIP/100", 0)
    heard.apply({"Event": "Newchannel", **caller})
    clock.now -= 3600
    heard.apply({"Event": "Hangup", **caller})
    clock.now -= 3600
    (call,) = heard.over()
    assert (call.begin, call.end) == (FIRST, FIRST)
    assert document(call)["call"]["duration_seconds"] == 0
    assert remains(heard) == 0


def test_what_was_gone_when_the_pbx_was_heard_again_ended_when_it_was_lost() -> None:
    clock = Clock(FIRST + 30)
    heard = Heard(clock)
    for event in busy()[:2]:
        heard.apply(event)
    clock.now = FIRST + 900
    assert heard.resync([], FIRST + 60) == 1
    assert heard.over() == []
    clock.now += LATER
    (call,) = heard.over()
    assert (call.begin, call.end) == (FIRST, FIRST + 60)


def test_a_listing_gives_what_was_not_heard_and_keeps_what_goes_on() -> None:
    clock = Clock(FIRST + 30)
    heard = Heard(clock)
    caller, other = channel("PJSIP/100", 0), channel("PJSIP/acme", 5, Context="from-trunk", Exten="15550100")
    heard.apply({"Event": "Newchannel", **caller})
    assert heard.resync([caller, {**other, "ChannelState": "6"}]) == 0
    heard.apply({"Event": "Hangup", **other})
    clock.now += LATER
    (call,) = heard.over()
    told = document(call)
    assert (call.linked, told["call"]["direction"], told["call"]["did"]) == (
        "1795410612.5",
        "inbound",
        "15550100",
    )
    heard.apply({"Event": "Hangup", **caller})
    clock.now += LATER
    assert [call.linked for call in heard.over()] == ["1795410607.0"]


def test_the_number_that_a_call_shows_outside_is_not_the_callers_own() -> None:
    caller = channel("PJSIP/100", 0, CallerIDName="Alice", Exten="12125550101")
    shown = {**caller, "CallerIDNum": "12125550000", "CallerIDName": "Acme Corp"}
    (call,) = play(
        {"Event": "Newchannel", **caller},
        {"Event": "NewCallerid", **shown},
        {"Event": "Hangup", **shown},
    )
    assert document(call)["source"] == {
        "number": "12125550000",
        "e164": "+12125550000",
        "name": "Alice",
        "extension": "100",
    }


def test_what_is_no_call_is_none() -> None:
    local = channel("Local/100@from-internal", 0)
    message = {**channel("x", 1), "Channel": "Message/ast_msg_queue"}
    for event in (local, message):
        assert play({"Event": "Newchannel", **event}, {"Event": "Hangup", **event}) == []
    late = channel("PJSIP/100", 0)
    assert play({"Event": "NewCallerid", **late}, {"Event": "Hangup", **late}, {"Event": "DialEnd"}) == []


@given(
    numbers=st.lists(st.integers(0, len(events()) - 1), max_size=200),
    steps=st.lists(st.sampled_from([0.0, 0.1, 5.0, -30.0]), min_size=1, max_size=20),
)
def test_any_events_in_any_order_make_documents_and_leave_nothing(
    numbers: list[int], steps: list[float]
) -> None:
    check([events()[number][1] for number in numbers], steps)


@given(lost=st.sets(st.integers(0, len(events()) - 1), max_size=300), first=st.integers(0, len(events())))
def test_lost_events_make_documents_and_leave_nothing(lost: set[int], first: int) -> None:
    told = [event for number, (_, event) in enumerate(events()) if number not in lost]
    check(told[first : first + 500], [0.05])


def check(told: list[Event], steps: list[float]) -> None:
    clock = Clock()
    heard, found = Heard(clock), []
    for number, event in enumerate(told):
        heard.apply(event)
        clock.now += steps[number % len(steps)]
        found += heard.over()
    heard.resync([])
    clock.now += LATER
    found += heard.over()
    assert remains(heard) == 0
    for call in found:
        assert call.begin <= call.end
        assert document(call)["call"]["id"]


def test_a_flood_takes_little_memory() -> None:
    now = [1000.0]
    heard = Heard(lambda: now[0])
    told: list[HeardCall] = []
    for number in range(1000):
        name = {"Channel": f"PJSIP/100-{number:08x}", "Uniqueid": f"1795410607.{number}"}
        heard.apply({"Event": "Newchannel", **name, "Linkedid": name["Uniqueid"]})
        for _ in range(200 if number == 0 else 1):
            heard.apply({"Event": "DialBegin", **name, "DestChannel": "PJSIP/101-00000001"})
            heard.apply({"Event": "Cdr", "UniqueID": name["Uniqueid"], "Channel": name["Channel"]})
        heard.apply({"Event": "Hangup", **name})
        if number % 100 == 99:  # as the agent asks, some times a second
            told += heard.over()
    assert len(told) == 800  # the others linger
    assert len(told[0].rows) == 100
    now[0] += 10
    assert len(heard.over()) == 200


def test_no_more_channels_are_followed_than_a_store_can_have() -> None:
    heard = Heard(lambda: 1000.0)
    for number in range(1000):
        name = {"Channel": f"PJSIP/100-{number:08x}", "Uniqueid": f"1795410607.{number}"}
        heard.apply({"Event": "Newchannel", **name, "Linkedid": name["Uniqueid"]})
    assert len(heard._channels) == 500
    assert heard.resync([]) == 500
