"""Telephones and trunks: there or not, by what a real Asterisk listed and sent; the most calls of a trunk."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.assembly.endpoints import Endpoints
from shipper.live.channel import Event
from shipper.live.presence import Peaks, Presence
from tests.live.recorded import ENDPOINTS, RIGHTS, events, second_run, snapshots

ALL = {"100", "101", "102", "103"}
PEERS_KNOWN = [rights for rights in RIGHTS if "system" in rights]


def device(name: str, state: str) -> Event:
    return {"Event": "DeviceStateChange", "Device": name, "State": state}


def hint(extension: str, status: str, text: str = "") -> Event:
    text = text or f"PJSIP/{extension}"
    return {"Event": "ExtensionStatus", "Exten": extension, "Hint": text, "Status": status}


def registry(
    status: str, username: str = "sip:vivo@sip.example:5060", domain: str = "sip:sip.example"
) -> Event:
    return {"Event": "Registry", "Username": username, "Domain": domain, "Status": status}


def presence(*told: Event, endpoints: Endpoints = ENDPOINTS) -> Presence:
    found = Presence(endpoints)
    for event in told:
        found.apply(event)
    return found


def state(found: Presence) -> tuple[set[str], set[str], set[str], set[str]]:
    return found.registered, found.missing, found.trunks_up, found.trunks_down


def test_what_was_listed_in_the_first_and_the_second_snapshot() -> None:
    found = Presence(ENDPOINTS)
    first, second = snapshots()[:2]
    found.resync(first.extensions, first.devices)
    assert state(found) == (ALL, set(), set(), {"acme"})
    found.resync(second.extensions, second.devices)
    assert state(found) == (ALL, set(), {"acme"}, set())
    found.resync([], second.devices)
    assert state(found) == (ALL, set(), {"acme"}, set())
    found.resync([], [])
    assert state(found) == (set(), set(), set(), set())


@pytest.mark.parametrize("rights", RIGHTS)
def test_the_recorded_events_give_what_was_listed(rights: str) -> None:
    """The telephones registered at the beginning, and unregistered at the end."""
    for snapshot in snapshots()[1:]:
        found = presence(*(event for at, event in events(rights) if at <= snapshot.at))
        listed = Presence(ENDPOINTS)
        listed.resync(snapshot.extensions, snapshot.devices)
        assert state(found) == state(listed) == (ALL, set(), {"acme"}, set())
    found = presence(*(event for _, event in events(rights)))
    assert (found.registered, found.missing) == (set(), ALL)


def test_of_the_second_run_the_end() -> None:
    assert state(presence(*second_run())) == (set(), ALL, set(), {"acme"})


def test_a_hint_with_several_devices_is_one_extension_and_others_are_none() -> None:
    found = presence(
        hint("100", "0", "PJSIP/100&PJSIP/99100&Custom:DND100,CustomPresence:100"),
        hint("101", "4"),
        hint("102", "17"),
        hint("*76100", "4", "Custom:DND100"),
        hint("71", "0", "park:71@parkedcalls"),
        hint("800", "4", "confbridge:800"),
        hint("200", "4", "Local/200@somewhere"),
        hint("_9X", "4", "PJSIP/9"),
        device("PJSIP/99100", "UNAVAILABLE"),
    )
    assert state(found) == ({"100", "102"}, {"101"}, set(), set())
    found.apply(hint("101", "-1"))
    assert found.missing == set()


def test_without_hints_the_devices_tell() -> None:
    found = presence(
        device("PJSIP/100", "NOT_INUSE"),
        device("SIP/101", "UNAVAILABLE"),
        device("PJSIP/102", "ONHOLD"),
        device("PJSIP/103", "INVALID"),
        device("Queue:400", "RINGING"),
        device("park:71@parkedcalls", "INUSE"),
    )
    assert state(found) == ({"100", "102"}, {"101"}, set(), set())
    found.apply({"Event": "PeerStatus", "Peer": "PJSIP/100", "PeerStatus": "Unreachable"})
    found.apply({"Event": "PeerStatus", "Peer": "SIP/101", "PeerStatus": "Registered"})
    found.apply({"Event": "PeerStatus", "Peer": "PJSIP/102", "PeerStatus": "Unheard"})
    assert state(found) == ({"101", "102"}, {"100"}, set(), set())


def test_one_contact_of_several_that_goes_away_is_no_loss() -> None:
    contact = {"Event": "ContactStatus", "EndpointName": "acme"}
    found = presence(device("PJSIP/acme", "UNAVAILABLE"), {**contact, "ContactStatus": "Reachable"})
    assert state(found) == (set(), set(), {"acme"}, set())
    found.apply({**contact, "ContactStatus": "Removed"})
    assert found.trunks_up == {"acme"}
    found.apply({"Event": "PeerStatus", "Peer": "PJSIP/acme", "PeerStatus": "Unreachable"})
    assert found.trunks_down == {"acme"}


def test_a_trunk_whose_registration_is_refused_is_down() -> None:
    vivo = Endpoints(["vivo"])
    found = presence(device("PJSIP/vivo", "NOT_INUSE"), registry("Rejected"), endpoints=vivo)
    assert state(found) == (set(), set(), set(), {"vivo"})
    found.resync([], [device("PJSIP/vivo", "NOT_INUSE")])
    assert found.trunks_down == {"vivo"}
    found.apply(registry("Request Sent"))
    assert found.trunks_down == {"vivo"}
    found.apply(registry("Registered"))
    assert (found.trunks_up, found.trunks_down) == ({"vivo"}, set())


@pytest.mark.parametrize(
    ("username", "domain", "name"),
    [
        ("sip:4455@sip.example:5060", "sip:sip.example", "4455@sip.example"),
        ("4455", "sip.example", "4455@sip.example"),
        ("4455", "acme", "acme"),
        ("sip:ACME@sip.example", "", "ACME"),
    ],
)
def test_a_registration_is_called_by_its_account_where_no_trunk_is(
    username: str, domain: str, name: str
) -> None:
    assert presence(registry("Timeout", username, domain)).trunks_down == {name}


def test_a_trunk_with_a_hyphen_in_its_name() -> None:
    found = presence(device("PJSIP/vivo-sp", "UNAVAILABLE"), endpoints=Endpoints(["vivo-sp"]))
    assert found.trunks_down == {"vivo-sp"}


@given(
    st.dictionaries(
        st.sampled_from(["Event", "Exten", "Hint", "Status", "Device", "State", "Peer", "Username", "x"]),
        st.sampled_from(
            ["ExtensionStatus", "DeviceStateChange", "Registry", "PeerStatus", "Registered", "4", "-"]
        )
        | st.text(max_size=9),
    )
)
def test_any_event_is_taken(event: Event) -> None:
    found = presence(event)
    assert not found.registered & found.missing
    assert not found.trunks_up & found.trunks_down


MIDNIGHT = 1795410000.0
"""2026-11-23 00:00 in New York."""
HOUR = 3600


def peaks() -> Peaks:
    return Peaks(ZoneInfo("America/New_York"))


def test_the_most_calls_at_once() -> None:
    found = peaks()
    found.change((), ("acme",), MIDNIGHT)
    found.change((), ("acme", "acme"), MIDNIGHT + 1)
    found.change(("acme", "acme"), ("acme",), MIDNIGHT + 2)
    found.change(("acme",), (), MIDNIGHT + 3)
    found.change((), ("vivo",), MIDNIGHT + 4)
    assert (found.now, found.hour, found.day) == (
        {"acme": 1, "vivo": 1},
        {"acme": 3, "vivo": 1},
        {"acme": 3, "vivo": 1},
    )


def test_an_hour_and_a_day_begin_with_the_calls_that_are_there() -> None:
    found = peaks()
    found.change((), ("acme", "acme"), MIDNIGHT - 2 * HOUR)
    assert found.tick(MIDNIGHT - HOUR - 1) == {}
    found.change(("acme", "acme"), ("acme",), MIDNIGHT - HOUR + 1)
    assert (found.hour, found.day) == ({"acme": 2}, {"acme": 2})
    assert (found.tick(MIDNIGHT - HOUR + 2), found.tick(MIDNIGHT - HOUR + 3)) == ({"acme": 2}, {})
    found.change(("acme",), (), MIDNIGHT - HOUR + 4)
    assert found.tick(MIDNIGHT) == {"acme": 2}
    assert (found.now, found.hour, found.day) == ({}, {}, {})


def test_hours_that_nobody_asked_for_are_told_together() -> None:
    found = peaks()
    found.change((), ("acme", "acme"), MIDNIGHT)
    found.change(("acme", "acme"), ("vivo",), MIDNIGHT + 10)
    found.change(("vivo",), (), MIDNIGHT + HOUR)
    found.change((), ("vivo",), MIDNIGHT + 2 * HOUR)
    assert found.tick(MIDNIGHT + 2 * HOUR) == {"acme": 2, "vivo": 1}
    assert found.day == {"acme": 2, "vivo": 1}


def test_hours_begin_by_the_wall_clock_where_it_is_half_an_hour_off() -> None:
    found = Peaks(ZoneInfo("Asia/Kolkata"))
    begin = 1795410000.0 + 1800
    found.change((), ("acme",), begin - 1)
    assert found.tick(begin) == {"acme": 1}
    assert found.tick(begin + HOUR - 1) == {}
    assert found.tick(begin + HOUR) == {"acme": 1}


def test_a_clock_that_is_set_back_begins_anew() -> None:
    found = peaks()
    found.change((), ("acme",), MIDNIGHT + HOUR)
    assert found.tick(MIDNIGHT) == {"acme": 1}
    assert found.hour == {"acme": 1}


def test_more_ends_than_beginnings_make_no_negative_count() -> None:
    found = peaks()
    found.change(("acme", "acme"), (), MIDNIGHT)
    found.change((), ("acme",), MIDNIGHT)
    assert found.now == {"acme": 1}
