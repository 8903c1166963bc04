"""One message's bytes to an event: names in any encoding, escapes, repeated keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.live.channel import unescaped
from shipper.sources.ami.message import Answer, parsed
from tests.ami.recording import messages


def test_a_recorded_message() -> None:
    raw = next(found for found in messages() if found.startswith(b"Event: ContactStatus"))
    assert parsed(raw) == {
        "Event": "ContactStatus",
        "Privilege": "system,all",
        "URI": "sip:100@127.0.0.1:5100",
        "ContactStatus": "NonQualified",
        "AOR": "100",
        "EndpointName": "100",
        "RoundtripUsec": "0",
    }


def test_the_empty_line_at_the_end_is_no_part_of_it() -> None:
    assert parsed(b"Event: Hold\r\nExten: \r\n\r\n") == {"Event": "Hold", "Exten": ""}


def test_of_a_repeated_key_the_first_value_stays() -> None:
    assert parsed(b"Event: X\r\nVariable: a=1\r\nVariable: b=2\r\nUniqueid: 1.2") == {
        "Event": "X",
        "Variable": "a=1",
        "Uniqueid": "1.2",
    }


def test_a_value_may_hold_colons_line_separators_and_single_line_ends() -> None:
    raw = "Event: X\r\nA: b: c\u2028d\x85e\nf\rg\r\nno field here\r\nH: i".encode()
    assert parsed(raw) == {"Event": "X", "A": "b: c\u2028d\x85e\nf\rg", "H": "i"}


def test_names_as_windows_writes_them() -> None:
    raw = b"Event: Newchannel\r\nCallerIDName: Jo\xe3o \x80\r\nConnectedLineName: Zo\xc3\xab"
    assert parsed(raw) == {
        "Event": "Newchannel",
        "CallerIDName": "João €",
        "ConnectedLineName": "Zoë",  # it was UTF-8, whatever stands in the other line
    }


def test_bytes_that_are_no_text_at_all_stay_visible() -> None:
    assert parsed(b"Event: X\r\nCallerIDName: \x81\xff") == {"Event": "X", "CallerIDName": "\\x81ÿ"}


@given(st.binary())
def test_any_bytes_make_an_event_of_texts_that_can_be_written_as_json(raw: bytes) -> None:
    event = parsed(raw)
    assert "".join([*event, *event.values()]).encode().decode() == "".join([*event, *event.values()])


KEYS = st.text(st.characters(exclude_characters=":\r", exclude_categories=["Cs"]), min_size=1)
VALUES = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]))


@given(st.dictionaries(KEYS, VALUES))
def test_any_event_is_read_as_it_was_written(event: dict[str, str]) -> None:
    assert parsed("".join(f"{key}: {value}\r\n" for key, value in event.items()).encode()) == event


@pytest.mark.parametrize(
    ("escaped", "meant"),
    [
        ("Alice", "Alice"),
        ("Bob O\\'Neil", "Bob O'Neil"),
        ('Dan \\"The Man\\" D', 'Dan "The Man" D'),
        ("C:\\\\new", "C:\\new"),
        ("a\\nb\\tc\\?", "a\nb\tc?"),
        ("\\x81 \\", "\\x81 \\"),  # no escapes of Asterisk's
        ("", ""),
    ],
)
def test_escapes(escaped: str, meant: str) -> None:
    assert unescaped(escaped) == meant


@given(st.text(st.sampled_from("ab\\'\"?\n\r\t\v\a\b\f€")))
def test_what_asterisk_escapes_comes_back(name: str) -> None:
    table = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
    table |= {mark: mark for mark in "\\'\"?"}
    assert unescaped("".join("\\" + table[c] if c in table else c for c in name)) == name


def test_an_answer_is_a_message_of_panoramisk() -> None:
    answer = Answer({"Response": "Error", "ActionID": "x/1", "Message": "Permission denied"})
    assert (answer.id, answer.success, answer.message, answer["response"]) == (
        "x/1",
        False,
        "Permission denied",
        "Error",
    )
    assert list(answer.items()) == list(answer.fields.items())
    assert Answer({"Response": "Success"}).success
