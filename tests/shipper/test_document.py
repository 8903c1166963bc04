"""Row to document: whatever bytes a row holds, it becomes a valid document or a quarantined one."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shipper.document.cdr import CdrBuilder
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.numbering import reader
from shipper.schema import load

COLUMNS = (
    *("calldate", "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata"),
    *("duration", "billsec", "disposition", "amaflags", "accountcode", "uniqueid", "userfield", "did"),
    *("recordingfile", "cnum", "cnam", "linkedid", "peeraccount", "sequence", "a.custom column"),
)
CALL = "0123456789abcdef0123456789abcdef"
CREATED = "2026-11-23T08:10:08.000Z"
NUMBERS = ("duration", "billsec", "amaflags", "sequence")
GOOD = {
    "calldate": b"2026-11-23 05:10:07",
    "clid": b'"Jos\xc3\xa9" <100>',
    "channel": b"PJSIP/100-00000007",
    "duration": b"12",
    "billsec": b"8",
    "uniqueid": b"1795421407.7",
    "linkedid": b"1795421407.7",
    "sequence": b"8",
}

text = st.one_of(
    st.none(),
    st.binary(max_size=60),
    st.text(max_size=30).map(lambda value: value.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"\0", b"\xff" * 255, "📞".encode() * 255, b"x" * 9000, b"\xc3", b"\\", b'"', b"\xe2\x80\xa8"]
    ),
)
number = st.one_of(
    st.none(),
    st.integers(-(2**65), 2**65).map(lambda value: str(value).encode()),
    st.sampled_from(
        [b"", b"0", b"-1", b"2147483647", b"-2147483648", b"4294967296", b"1.5", b"1e3", b"NaN", b" 7"]
    ),
    st.binary(max_size=6),
)
date = st.one_of(
    st.datetimes().map(lambda at: at.isoformat(" ", "seconds").encode()),
    st.sampled_from(
        [
            b"0000-00-00 00:00:00",
            b"1000-01-01 00:00:00",
            b"9999-12-31 23:59:59",
            b"2026-02-30 10:00:00",
            b"2026-00-10 10:00:00",
            b"2026-11-23",
            b"",
            b"2026-11-23 05:10:07.999999",
            b"2026-11-23 99:99:99",
        ]
    ),
    text,
)
row = st.fixed_dictionaries(
    {name: number if name in NUMBERS else date if name == "calldate" else text for name in COLUMNS}
)


@cache
def judge(kind: str) -> Any:
    """The library that the agent does not have: it judges by the same schema, with all its formats."""
    return jsonschema.Draft7Validator(load(kind), format_checker=jsonschema.FormatChecker())


@cache
def builder() -> CdrBuilder:
    read = reader("BR", "11")
    return CdrBuilder(Origin("Loja001", "America/Sao_Paulo", "1.0"), COLUMNS, Privacy("clear", "", read))


def built(values: Mapping[str, bytes | None]) -> Document:
    cells = [values.get(name) for name in COLUMNS]
    return builder().build(builder().read(cells), CREATED, builder().identity(cells), CALL)


def content(values: Mapping[str, bytes | None]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(built(values).body)
    return document


@settings(max_examples=150)
@given(row)
@example(dict.fromkeys(COLUMNS))
@example({**GOOD, "calldate": b"9999-12-31 23:59:59"})
@example({**GOOD, "duration": b"9223372036854775807"})
@example({**GOOD, "duration": b"18446744073709551616"})
@example({**GOOD, "calldate": b"2099-12-31 23:59:59", "duration": b"2147483647"})
def test_any_bytes_give_a_valid_document_or_a_quarantined_one(values: dict[str, bytes | None]) -> None:
    document = built(values)
    found = json.loads(document.body.decode("utf-8"))  # it is UTF-8, and JSON
    assert b"\n" not in document.body  # a line of the bulk API
    kind = found["event"]["dataset"].removeprefix("pabx.")
    judge(kind).validate(found)
    assert found["event"]["id"] == document.id
    if kind == "cdr":
        assert document.index_name == f"pabx-cdr-{found['@timestamp'][:4]}.{found['@timestamp'][5:7]}"
        datetime.fromisoformat(found["event"].get("end", found["@timestamp"]))
        kept = found["cdr"]
        left_out = {tag.removesuffix("_negative") for tag in found.get("tags", ())}
        for name in COLUMNS:
            if values.get(name) and name not in left_out and name != "calldate":
                assert name.replace(".", "_") in kept
    else:
        assert kind == "quarantine"
        assert document.index_name.startswith("pabx-quarantine-")
        assert found["error"]["message"]
        assert found["quarantine"]["rule"]


@given(row)
def test_the_same_row_gives_the_same_document(values: dict[str, bytes | None]) -> None:
    assert built(values) == built(dict(values))


@given(st.binary(min_size=1, max_size=80))
def test_text_is_kept(raw: bytes) -> None:
    found = content({**GOOD, "clid": raw})
    if "tags" not in found:
        assert found["cdr"]["clid"].encode() == raw
        return
    assert found["cdr"]["clid"] == raw.decode("cp1252", "backslashreplace")
    assert found["tags"] == ["text_not_utf8"]
    with pytest.raises(UnicodeDecodeError) as caught:
        raw.decode()
    assert found["error"]["message"] == f"cdr.clid is no UTF-8 at byte {caught.value.start}"


def test_a_plain_row() -> None:
    document = built(GOOD)
    assert document.index_name == "pabx-cdr-2026.11"
    assert json.loads(document.body) == {
        "@timestamp": "2026-11-23T08:10:07Z",
        "event": {
            "id": document.id,
            "kind": "event",
            "dataset": "pabx.cdr",
            "created": CREATED,
            "start": "2026-11-23T08:10:07Z",
            "end": "2026-11-23T08:10:19Z",
        },
        "store": {"id": "Loja001", "timezone": "America/Sao_Paulo"},
        "agent": {"version": "1.0"},
        "local": {"date": "2026-11-23", "hour": 5, "weekday": 1},
        "call": {"id": CALL},
        "cdr": {
            "calldate": "2026-11-23T08:10:07Z",
            "clid": '"José" <100>',
            "channel": "PJSIP/100-00000007",
            "duration": 12,
            "billsec": 8,
            "uniqueid": "1795421407.7",
            "linkedid": "1795421407.7",
            "sequence": 8,
        },
    }


def test_the_month_is_that_of_utc() -> None:
    found = built({**GOOD, "calldate": b"2026-11-30 22:30:00"})
    assert found.index_name == "pabx-cdr-2026.12"
    assert json.loads(found.body)["local"]["date"] == "2026-11-30"


@pytest.mark.parametrize("name", ["duration", "billsec"])
def test_a_negative_duration_is_left_out_and_told(name: str) -> None:
    found = content({**GOOD, name: b"-3"})
    assert found["event"]["dataset"] == "pabx.cdr"
    assert name not in found["cdr"]
    assert found["tags"] == [f"{name}_negative"]
    assert found["error"]["message"] == f"cdr.{name} -3 is negative, left out"
    assert ("end" in found["event"]) == (name == "billsec")


@pytest.mark.parametrize(
    "calldate",
    [
        b"0000-00-00 00:00:00",
        b"1000-01-01 00:00:00",
        b"2026-00-00 00:00:00",
        b"9999-12-31 23:59:59",
        b"",
        None,
    ],
)
def test_a_date_that_is_none_is_replaced_by_the_uniqueid(calldate: bytes | None) -> None:
    document = built({**GOOD, "calldate": calldate})
    found = json.loads(document.body)
    assert document.index_name == "pabx-cdr-2026.11"
    assert found["@timestamp"] == "2026-11-23T08:10:07Z"
    assert found["local"] == {"date": "2026-11-23", "hour": 5, "weekday": 1}
    assert found["tags"] == ["calldate_from_uniqueid"]
    assert repr((calldate or b"").decode()) in found["error"]["message"]
    assert "calldate" not in found["cdr"]


@pytest.mark.parametrize("uniqueid", [b"", None, b"abc.1", b"4294967296000.1", b"9999999999.1", b"pbx"])
def test_without_any_time_it_is_quarantined_with_the_reason(uniqueid: bytes | None) -> None:
    document = built({**GOOD, "calldate": b"0000-00-00 00:00:00", "uniqueid": uniqueid})
    found = json.loads(document.body)
    assert document.index_name == "pabx-quarantine-1970.01"
    assert found["quarantine"]["path"] == "cdr.calldate"
    assert found["error"]["message"] == "cdr.calldate '0000-00-00 00:00:00' is no date"
    assert found["quarantine"]["document"]["channel"] == "PJSIP/100-00000007"


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("duration", b"4294967296", "maximum"),
        ("duration", b"99999999999999999999", "type"),
        ("amaflags", b"omit", "type"),
        ("sequence", b"1.5", "type"),
        ("userfield", b"x" * 8192, "maxLength"),
    ],
)
def test_what_the_schema_refuses_is_quarantined_whole(name: str, value: bytes, rule: str) -> None:
    document = built({**GOOD, name: value})
    found = json.loads(document.body)
    assert document.index_name == "pabx-quarantine-2026.11"
    assert (found["quarantine"]["path"], found["quarantine"]["rule"]) == (f"cdr.{name}", rule)
    assert f"cdr.{name}" in found["error"]["message"]
    assert str(found["quarantine"]["document"]["cdr"][name]) == value.decode()
    assert found["quarantine"]["index"] == "pabx-cdr-2026.11"


def test_a_duration_at_the_limit_of_the_column() -> None:
    found = content({**GOOD, "duration": b"2147483647", "billsec": b"2147483647"})
    end = datetime(2026, 11, 23, 8, 10, 7, tzinfo=UTC).timestamp() + 2147483647
    assert datetime.fromisoformat(found["event"]["end"]).timestamp() == end


def test_255_characters_of_four_bytes() -> None:
    found = content({**GOOD, "userfield": "📞".encode() * 255})
    assert found["cdr"]["userfield"] == "📞" * 255


def test_several_problems_are_all_told() -> None:
    found = content({**GOOD, "duration": b"-1", "clid": b"\xff", "calldate": b""})
    assert found["tags"] == ["calldate_from_uniqueid", "duration_negative", "text_not_utf8"]
    assert found["error"]["message"].count(";") == 2


@pytest.mark.parametrize("uniqueid", [b"", b"1795421407.7"])
def test_the_reason_stays_short(uniqueid: bytes) -> None:
    """A refused value of any length does not make its own reason too long for the schema."""
    found = content({**GOOD, "calldate": b"x" * 9000, "uniqueid": uniqueid})
    assert len(found["error"]["message"]) < 400
