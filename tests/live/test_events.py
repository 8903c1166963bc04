"""AMI events that are kept: what is told of each, how often, and what is not."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.assembly.builder import identify_call
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.live.channel import Event
from shipper.live.events import CHANGES, MOST_KEYS, EventWriter
from shipper.live.judge import Judge, Kept, ip_of
from shipper.numbering import reader
from shipper.schema import load
from tests.live.recorded import ENDPOINTS, RIGHTS, all_events, events

NOW = datetime(2026, 11, 23, 5, 10, 7, 123000, tzinfo=UTC)
IDENTITY = identify_call("Loja001")
JUDGE = jsonschema.Draft7Validator(load("event"))
PER_SOURCE = 2
"""Documents of one address that goes on guessing: the first, and how many more there were."""


def writer(mode: str = "clear") -> EventWriter:
    read = reader("BR", "11")
    return EventWriter(Origin("Loja001", "America/Sao_Paulo", "1.0"), IDENTITY, Privacy(mode, "k", read))


def body_of(document: Document) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(document.body)
    JUDGE.validate(body)
    assert (document.id, document.operation) == (body["event"]["id"], "create")
    assert document.index_name == f"pabx-events-{body['@timestamp'][:10].replace('-', '.')}"
    return body


def judged(*told: Event) -> list[tuple[str, Kept]]:
    judge = Judge(ENDPOINTS)
    return [(event["Event"], kept) for event in told if (kept := judge.judge(event))]


def written(*told: Event, mode: str = "clear", now: datetime = NOW) -> list[dict[str, Any]]:
    """The documents of events that came at once."""
    make = writer(mode)
    return [body_of(document) for name, kept in judged(*told) for document in make.write(name, kept, now)]


def told(*events: Event) -> list[tuple[str, str, str, str, str]]:
    """Of each document action, level, object, its type and the message."""
    return [
        (
            body["event"]["action"],
            body["log"]["level"],
            body["pbx"]["object"],
            body["pbx"]["object_type"],
            body["message"],
        )
        for body in written(*events)
    ]


def contact(name: str, state: str, uri: str = "sip:1") -> Event:
    return {"Event": "ContactStatus", "EndpointName": name, "AOR": name, "URI": uri, "ContactStatus": state}


def peer(name: str, state: str, **more: str) -> Event:
    return {"Event": "PeerStatus", "Peer": name, "PeerStatus": state, **more}


def device(name: str, state: str) -> Event:
    return {"Event": "DeviceStateChange", "Device": name, "State": state}


def registry(state: str, **more: str) -> Event:
    return {"Event": "Registry", "Username": "1133334444", "Domain": "sip.acme.com", "Status": state, **more}


def refused(account: str, address: str, service: str = "AMI", name: str = "InvalidPassword") -> Event:
    return {"Event": name, "Service": service, "AccountID": account, "RemoteAddress": address}


class TestDocument:
    def test_of_a_trunk_that_is_lost(self) -> None:
        (body,) = written(peer("PJSIP/acme", "Reachable"), peer("PJSIP/acme", "Unreachable", Cause="Timeout"))
        assert body == {
            "@timestamp": "2026-11-23T05:10:07.123Z",
            "event": {
                "id": body["event"]["id"],
                "kind": "event",
                "dataset": "pabx.event",
                "action": "peer-lost",
                "created": "2026-11-23T05:10:07.123Z",
            },
            "store": {"id": "Loja001", "timezone": "America/Sao_Paulo"},
            "agent": {"version": "1.0"},
            "local": {"date": "2026-11-23", "hour": 2, "weekday": 1},
            "log": {"level": "error"},
            "message": "peer of trunk acme is lost (Unreachable)",
            "pbx": {
                "event": "PeerStatus",
                "count": 1,
                "object": "acme",
                "object_type": "trunk",
                "state": "Unreachable",
                "previous": "Reachable",
                "cause": "Timeout",
            },
        }
        assert body["event"]["id"].startswith(IDENTITY("x")[:8])

    def test_of_a_caller_in_a_queue(self) -> None:
        joined = next(event for _, event in events() if event["Event"] == "QueueCallerJoin")
        (body,) = written(joined)
        assert body["call"] == {
            "id": IDENTITY("1795410747.62"),
            "linked_ids": ["1795410747.62"],
            "queue": "400",
        }
        assert (body["event"]["action"], body["message"]) == ("queue-join", "queue 400: a caller waits")
        assert body["pbx"] == {
            "event": "QueueCallerJoin",
            "count": 1,
            "object": "400",
            "object_type": "queue",
        }

    def test_of_a_guessed_password(self) -> None:
        (body,) = written(refused("admin", "IPV4/TCP/203.0.113.7/5038"))
        assert (body["source"], body["log"], body["message"]) == (
            {"ip": "203.0.113.7"},
            {"level": "warning"},
            "AMI: a log-in from 203.0.113.7 was refused",
        )
        assert body["pbx"] == {
            "event": "InvalidPassword",
            "count": 1,
            "object": "admin",
            "object_type": "account",
            "state": "InvalidPassword",
            "cause": "AMI",
        }

    def test_of_a_trunks_peak(self) -> None:
        kept = Kept("trunk-peak", "info", "trunk acme: 7 calls", "acme", "trunk", calls=7)
        (document,) = writer().write("Agent", kept, NOW)
        body = body_of(document)
        assert body["pbx"] == {
            "event": "Agent",
            "count": 1,
            "object": "acme",
            "object_type": "trunk",
            "calls": 7,
        }

    def test_its_day_is_that_of_utc_and_its_hour_the_stores(self) -> None:
        midnight = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
        (document,) = writer().write("Reload", judged({"Event": "Reload"})[0][1], midnight)
        assert document.index_name == "pabx-events-2026.11.24"
        assert body_of(document)["local"] == {"date": "2026-11-23", "hour": 21, "weekday": 1}

    def test_texts_of_any_length_fit(self) -> None:
        long = dict.fromkeys(("Queue", "MemberName", "HoldTime", "Linkedid"), "9" * 5000)
        (body,) = written({"Event": "AgentConnect", **long})
        assert (len(body["pbx"]["object"]), len(body["message"])) == (256, 512)

    def test_what_is_not_valid_goes_to_the_quarantine(self) -> None:
        (document,) = writer().write("Reload", Kept("dance", "info", "it dances"), NOW)
        assert document.index_name == "pabx-quarantine-2026.11"
        assert json.loads(document.body)["error"]["message"].startswith("event.action")

    def test_the_same_at_another_time_is_another(self) -> None:
        kept = judged({"Event": "Reload", "Module": "pjsip"})[0][1]
        first, again = (
            writer().write("Reload", kept, NOW + timedelta(milliseconds=late))[0].id for late in (0, 1)
        )
        assert first != again
        assert writer().write("Reload", kept, NOW)[0].id == first


class TestJudge:
    def test_of_a_telephone_that_is_lost_and_comes_back(self) -> None:
        assert told(
            contact("101", "NonQualified"),
            contact("101", "Removed"),
            contact("101", "Removed"),
            contact("101", "Created"),
        ) == [
            ("contact-lost", "warning", "101", "extension", "contact of extension 101 is lost (Removed)"),
            ("contact-back", "info", "101", "extension", "contact of extension 101 is back (Created)"),
        ]

    def test_one_that_registers_from_another_port_was_never_lost(self) -> None:
        old, new = "sip:101@192.0.2.1:5060", "sip:101@192.0.2.1:6060"
        moved = [
            contact("101", "Created", old),
            contact("101", "Created", new),
            contact("101", "Removed", old),
        ]
        assert told(*moved) == []
        assert [action for action, *_ in told(*moved, contact("101", "Removed", new))] == ["contact-lost"]

    def test_contacts_whose_end_was_not_heard_count_no_more_when_the_device_is_gone(self) -> None:
        """Events were lost while the PBX was not heard."""
        judge = Judge(ENDPOINTS)
        judge.judge(contact("101", "Created", "sip:old"))
        judge.seen("PJSIP/101", "UNAVAILABLE")
        judge.judge(contact("101", "Created", "sip:new"))
        lost = judge.judge(contact("101", "Removed", "sip:new"))
        assert lost
        assert lost.action == "contact-lost"

    @pytest.mark.parametrize("state", ["Unreachable", "Removed"])
    def test_a_trunks_contact(self, state: str) -> None:
        assert told(contact("acme", state)) == [
            ("contact-lost", "error", "acme", "trunk", f"contact of trunk acme is lost ({state})")
        ]

    @pytest.mark.parametrize("state", ["Unreachable", "Unregistered", "Rejected"])
    def test_a_peer(self, state: str) -> None:
        assert told(peer("SIP/acme", state), peer("SIP/acme", "Registered")) == [
            ("peer-lost", "error", "acme", "trunk", f"peer of trunk acme is lost ({state})"),
            ("peer-back", "info", "acme", "trunk", "peer of trunk acme is back (Registered)"),
        ]

    @pytest.mark.parametrize("state", ["Unregistered", "Rejected", "Failed", "Timeout"])
    def test_a_trunks_registration(self, state: str) -> None:
        """Its name is the account there, even where that looks like an extension."""
        assert told(registry("Registered"), registry(state, Cause="403"), registry("Registered")) == [
            (
                "registration-lost",
                "error",
                "1133334444",
                "trunk",
                f"registration of trunk 1133334444 is lost ({state})",
            ),
            (
                "registration-back",
                "info",
                "1133334444",
                "trunk",
                "registration of trunk 1133334444 is back (Registered)",
            ),
        ]
        assert told(registry(state, Username="101"))[0][1:4] == ("error", "101", "trunk")

    @pytest.mark.parametrize(("name", "kind"), [("101", "extension"), ("acme", "trunk"), ("porta", "device")])
    def test_a_device(self, name: str, kind: str) -> None:
        full, level = f"PJSIP/{name}", "error" if kind == "trunk" else "warning"
        assert told(device(full, "UNAVAILABLE"), device(full, "NOT_INUSE"), device(full, "RINGING")) == [
            ("device-unavailable", level, name, kind, f"device of {kind} {name} is lost (UNAVAILABLE)"),
            ("device-back", "info", name, kind, f"device of {kind} {name} is back (NOT_INUSE)"),
        ]

    def test_what_was_down_when_it_was_asked_for_is_no_news_but_its_return_is(self) -> None:
        judge = Judge(ENDPOINTS)
        judge.seen("PJSIP/101", "UNAVAILABLE")
        assert judge.judge(device("PJSIP/101", "UNAVAILABLE")) is None
        back = judge.judge(device("PJSIP/101", "INUSE"))
        assert back
        assert (back.action, back.previous) == ("device-back", "UNAVAILABLE")

    def test_a_new_list_of_trunks_counts_at_once(self) -> None:
        judge = Judge(ENDPOINTS)
        judge.endpoints = type(ENDPOINTS)(["101"])
        lost = judge.judge(peer("PJSIP/101", "Unreachable"))
        assert lost
        assert (lost.level, lost.object_type) == ("error", "trunk")

    def test_queues(self) -> None:
        found = [
            (name, kept.action, kept.level, kept.message, kept.person, kept.linked)
            for name, kept in judged(
                *(event for _, event in events() if event["Event"] != "DeviceStateChange")
            )
            if kept.object_type == "queue"
        ]
        one, two, three = "1795410747.62", "1795410755.69", "1795410759.76"
        gone, silent = "queue 400: a caller gave up", "queue 400: a member did not answer (\0)"
        assert found == [
            ("QueueCallerJoin", "queue-join", "info", "queue 400: a caller waits", "", one),
            (
                "AgentConnect",
                "queue-answered",
                "info",
                "queue 400: a caller was answered (\0), waited 2 s",
                "Zoë Müller",
                one,
            ),
            ("QueueCallerJoin", "queue-join", "info", "queue 400: a caller waits", "", two),
            ("QueueCallerAbandon", "queue-abandon", "warning", f"{gone}, waited 4 s", "", two),
            ("QueueCallerJoin", "queue-join", "info", "queue 400: a caller waits", "", three),
            ("AgentRingNoAnswer", "agent-no-answer", "warning", silent, "Dan D", three),
            ("AgentRingNoAnswer", "agent-no-answer", "warning", silent, "Zoë Müller", three),
            ("QueueCallerAbandon", "queue-abandon", "warning", f"{gone}, waited 13 s", "", three),
        ]

    def test_alarms_of_a_line(self) -> None:
        assert told(
            {"Event": "Alarm", "DAHDIChannel": "1", "Alarm": "Red Alarm"},
            {"Event": "AlarmClear", "DAHDIChannel": "1"},
            {"Event": "SpanAlarm", "Span": "2", "Alarm": "Yellow Alarm"},
            {"Event": "SpanAlarmClear", "Span": "2"},
        ) == [
            ("alarm", "error", "1", "trunk", "line 1: alarm Red Alarm"),
            ("alarm-clear", "info", "1", "trunk", "line 1: the alarm is over"),
            ("alarm", "error", "2", "trunk", "line 2: alarm Yellow Alarm"),
            ("alarm-clear", "info", "2", "trunk", "line 2: the alarm is over"),
        ]

    def test_the_pbx_itself(self) -> None:
        assert told(
            {"Event": "Reload", "Module": "res_pjsip.so", "Status": "0"},
            {"Event": "ChannelReload", "ChannelType": "SIP"},
            {"Event": "Shutdown", "Shutdown": "Cleanly", "Restart": "False"},
        ) == [
            ("reload", "info", "res_pjsip.so", "system", "Asterisk read its settings again: res_pjsip.so"),
            ("reload", "info", "SIP", "system", "Asterisk read its settings again: SIP"),
            ("shutdown", "warning", "asterisk", "system", "Asterisk shuts down"),
        ]
        (restart,) = told({"Event": "Shutdown", "Shutdown": "Uncleanly", "Restart": "True"})
        assert restart[4] == "Asterisk shuts down to start again"

    @pytest.mark.parametrize("service", ["AMI", "PJSIP"])
    @pytest.mark.parametrize(
        "name", ["InvalidPassword", "InvalidAccountID", "ChallengeResponseFailed", "FailedACL"]
    )
    def test_who_was_not_let_in(self, name: str, service: str) -> None:
        (body,) = written(refused("1000", "IPV6/UDP/2001:db8::7/5060", service, name))
        assert (body["pbx"]["state"], body["pbx"]["cause"], body["source"]) == (
            name,
            service,
            {"ip": "2001:db8::7"},
        )

    @pytest.mark.parametrize("address", ["", "203.0.113.7", "IPV4/UDP", "IPV4/UDP/pbx.example/5060", "///"])
    def test_an_address_that_is_none_is_left_out(self, address: str) -> None:
        assert ip_of(address) == ""
        (body,) = written(refused("admin", address))
        assert body["message"] == "AMI: a log-in from an unknown address was refused"
        assert "source" not in body

    def test_of_the_recording_what_is_no_news_is_not_told(self) -> None:
        found = judged(*(event for _, event in all_events() if "Event" in event))
        assert {name for name, _ in found} == {
            "AgentConnect",
            "AgentRingNoAnswer",
            "ContactStatus",
            "DeviceStateChange",
            "PeerStatus",
            "QueueCallerAbandon",
            "QueueCallerJoin",
        }
        # Three telephones went twice, one three times; the first time that each came was no return.
        assert Counter(kept.action for _, kept in found if kept.object_type != "queue") == {
            "contact-lost": 9,
            "contact-back": 5,
            "peer-lost": 9,
            "peer-back": 5,
            "device-unavailable": 9,
            "device-back": 5,
        }
        assert {kept.object_type for _, kept in found} == {"queue", "extension"}

    @pytest.mark.parametrize("rights", RIGHTS)
    def test_every_document_of_the_recording_is_valid(self, rights: str) -> None:
        make, count = writer(), 0
        for name, kept in judged(*(event for _, event in events(rights))):
            for document in make.write(name, kept, NOW):
                count += body_of(document)["pbx"]["count"]
        assert count > 10

    @pytest.mark.parametrize(
        "name", ["ignored", "Custom:DND100", "Queue:400", "confbridge:1", "", "Local/1@a"]
    )
    def test_devices_that_are_no_telephones_are_not_told(self, name: str) -> None:
        assert told(device(name, "UNAVAILABLE"), device(name, "NOT_INUSE")) == []

    @given(
        st.dictionaries(
            st.sampled_from(
                [
                    "Event",
                    "Device",
                    "State",
                    "Peer",
                    "PeerStatus",
                    "EndpointName",
                    "ContactStatus",
                    "Queue",
                    "Linkedid",
                    "MemberName",
                    "AccountID",
                    "RemoteAddress",
                    "Alarm",
                    "Status",
                    "Username",
                ]
            ),
            st.sampled_from(["QueueCallerJoin", "Alarm", "PeerStatus", "ContactStatus", "InvalidPassword"])
            | st.sampled_from(["Registry", "Unreachable", "Removed", "Rejected", "Shutdown", "AgentConnect"])
            | st.text(max_size=300),
        )
    )
    def test_any_event_makes_a_valid_document_or_none(self, event: Event) -> None:
        for body in written(event):
            assert body["store"]["id"] == "Loja001"


class TestRepeats:
    def test_a_password_that_is_guessed_on_is_told_once_and_then_once_a_minute(self) -> None:
        make = writer()
        kept = [
            kept for _, kept in judged(*[refused(f"10{n}", "IPV4/TCP/203.0.113.7/40001") for n in range(60)])
        ]
        first = [document for one in kept for document in make.write("InvalidPassword", one, NOW)]
        assert [body_of(document)["pbx"]["count"] for document in first] == [1]
        assert make.repeated(NOW + timedelta(seconds=59)) == []
        (again,) = make.repeated(NOW + timedelta(seconds=60))
        assert body_of(again)["pbx"]["count"] == 59
        # Then it is over: nothing is told, and the next one is new.
        assert make.repeated(NOW + timedelta(seconds=121)) == []
        assert len(make.write("InvalidPassword", kept[0], NOW + timedelta(seconds=122))) == 1

    def test_from_many_ports_of_one_address_it_is_one(self) -> None:
        guesses = [refused(f"{n}", f"IPV4/UDP/203.0.113.7/{n}", "PJSIP") for n in range(1000, 2000)]
        assert len(written(*guesses)) == 1

    def test_a_flood_from_many_addresses_stays_small_and_is_counted_whole(self) -> None:
        make, documents = writer(), []
        flood = [refused("admin", f"IPV4/TCP/10.{n // 250}.{n % 250}.1/1") for n in range(10_000)]
        for name, kept in judged(*flood):
            documents += make.write(name, kept, NOW)
        assert len(documents) == MOST_KEYS + 1
        documents += make.repeated(NOW + timedelta(seconds=61))
        assert len(documents) == MOST_KEYS + PER_SOURCE
        bodies = [body_of(document) for document in documents]
        assert sum(body["pbx"]["count"] for body in bodies) == len(flood)
        assert [body["pbx"]["object"] for body in bodies].count("others") == PER_SOURCE
        assert len({document.id for document in documents}) == len(documents)
        # A minute later all of it is forgotten.
        make.repeated(NOW + timedelta(seconds=122))
        make.repeated(NOW + timedelta(seconds=183))
        assert (make._repeated, +make._keys) == ({}, {})

    def test_a_flood_hides_no_trunk(self) -> None:
        flood = [refused("admin", f"IPV4/TCP/10.{n // 250}.{n % 250}.1/1") for n in range(MOST_KEYS + 9)]
        bodies = written(*flood, peer("PJSIP/acme", "Unreachable"))
        assert (bodies[-1]["event"]["action"], bodies[-1]["pbx"]["object"]) == ("peer-lost", "acme")

    def test_a_line_that_flaps_is_told_a_few_times_and_then_counted(self) -> None:
        make, told = writer(), []
        flaps = [state for _ in range(50) for state in ("Unreachable", "Reachable")]
        for name, kept in judged(*[peer("PJSIP/acme", state) for state in flaps]):
            told += make.write(name, kept, NOW)
        assert len(told) == 2 * CHANGES
        rest = [body_of(document) for document in make.repeated(NOW + timedelta(seconds=60))]
        assert [(body["event"]["action"], body["pbx"]["count"]) for body in rest] == [
            ("peer-lost", 50 - CHANGES),
            ("peer-back", 50 - CHANGES),
        ]

    def test_callers_in_a_queue_are_each_told(self) -> None:
        joins = [
            {"Event": "QueueCallerJoin", "Queue": "400", "Linkedid": f"1795410747.{n}"} for n in range(50)
        ]
        assert len(written(*joins)) == 50

    def test_a_clock_that_was_set_back_tells_what_waits(self) -> None:
        make = writer()
        for name, kept in judged(*[refused("admin", "IPV4/TCP/203.0.113.7/1")] * 3):
            make.write(name, kept, NOW)
        (again,) = make.repeated(NOW - timedelta(hours=1))
        assert body_of(again)["pbx"]["count"] == 2


class TestPrivacy:
    def test_whom_somebody_tried_to_be_is_hidden_where_it_is_a_number(self) -> None:
        guess = refused("11987654321", "IPV4/UDP/203.0.113.7/5060", "PJSIP", "InvalidAccountID")
        (masked,) = written(guess, mode="masked")
        (hashed,) = written(guess, mode="hashed")
        assert masked["pbx"]["object"] == "*******4321"
        assert hashed["pbx"]["object"][0] == "h"
        assert "987654321" not in json.dumps([masked, hashed])
        assert "1198765" not in json.dumps([masked, hashed])
        assert masked["source"] == {"ip": "203.0.113.7"}
        assert written(refused("1000", ""), mode="masked")[0]["pbx"]["object"] == "1000"

    def test_a_queues_member_is_hidden_by_name_and_by_number(self) -> None:
        by_name = {"Event": "AgentConnect", "Queue": "400", "Linkedid": "1.1", "MemberName": "Zoë Müller"}
        mobile = {"Interface": "Local/11987654321@from-queue/n"}
        by_number = {"Event": "AgentRingNoAnswer", "Queue": "400", "Linkedid": "1.1", **mobile}
        messages = [body["message"] for body in written(by_name, by_number, mode="masked")]
        assert messages == [
            "queue 400: a caller was answered (Z. M.)",
            "queue 400: a member did not answer (Local/*******4321@from-queue/n)",
        ]
        assert [body["message"] for body in written(by_name, by_number)] == [
            "queue 400: a caller was answered (Zoë Müller)",
            "queue 400: a member did not answer (Local/11987654321@from-queue/n)",
        ]
