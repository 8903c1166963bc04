"""One person's number goes out of every document in every spelling, and stays gone; nobody else's does."""

import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch

from central.erase import IndexReport, _Eraser
from central.erasing import Person
from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome

NUMBER = "+55 (11) 98765-4321"
KEY = "a secret of the chain"
HASH = "h" + hmac.digest(KEY.encode(), b"+5511987654321", "sha256").hex()[:32]
OTHER_HASH = "h" + hmac.digest(KEY.encode(), b"+5521987654321", "sha256").hex()[:32]

Central = Callable[..., Outcome]


def taken_out(prefix: str = "+5511", key: str = "", number: str = NUMBER, **parts: Any) -> dict[str, Any]:
    """What is left of a document's parts."""
    erased = Person(number, "BR", "", key).out_of(parts, prefix)
    return erased.source if erased.fields else parts


def row(**columns: Any) -> dict[str, Any]:
    """What is left of a row's columns."""
    left: dict[str, Any] = taken_out(cdr=columns)["cdr"]
    return left


@pytest.mark.parametrize(
    "spelling",
    [
        "11987654321",
        "+5511987654321",
        "005511987654321",
        "5511987654321",
        "011987654321",
        "01511987654321",
        "9011987654321",
        "(11) 98765-4321",
        "987654321",
        "98765-4321",
        11987654321,
    ],
)
def test_every_spelling_goes(spelling: str | int) -> None:
    assert row(dst=spelling, src="100") == {"src": "100"}


@pytest.mark.parametrize(
    "other",
    ["21987654321", "5521987654321", "119876543210", "1987654321", "87654321", "4321", "01521987654321"],
)
def test_a_number_that_only_ends_alike_stays(other: str) -> None:
    text = {"dst": other, "lastdata": f"PJSIP/{other}@vivo", "clid": f'"José" <{other}>', "cnam": "José"}
    assert row(**text) == text


def test_a_number_without_area_code_is_that_of_its_own_store() -> None:
    assert taken_out("+5511", cdr={"dst": "987654321", "src": "100"})["cdr"] == {"src": "100"}
    assert taken_out("+5521", cdr={"dst": "987654321"}) == {"cdr": {"dst": "987654321"}}
    unknown = Person(NUMBER, "BR", "", "").out_of({"cdr": {"dst": "987654321"}}, "")
    assert (unknown.fields, unknown.undecided) == ((), True)
    given = Person(NUMBER, "BR", "11", "").out_of({"cdr": {"dst": "987654321", "src": "1"}}, "")
    assert (given.fields, given.undecided) == (("cdr.dst",), False)
    assert Person(NUMBER, "BR", "11", "").out_of({"cdr": {"dst": "987654321"}}, "+5521").fields == ()


def test_the_names_beside_it_go_and_the_others_stay() -> None:
    assert row(
        src="11987654321",
        cnum="11987654321",
        cnam="José da Silva",
        dst="100",
        dst_cnam="Alice Martin",
        clid='"Vendas:José da Silva" <11987654321>',
        userfield="pedido de José da Silva",
    ) == {
        "dst": "100",
        "dst_cnam": "Alice Martin",
        "clid": '"erased" <erased>',
        "userfield": "pedido de erased",
    }
    assert row(dst="11987654321", dst_cnam="José", cnum="100", cnam="Alice", clid='"Loja" <1133334444>') == {
        "cnum": "100",
        "cnam": "Alice",
        "clid": '"Loja" <1133334444>',
    }


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        ("lastdata", "PJSIP/011987654321@vivo,45,Tt", "PJSIP/erased@vivo,45,Tt"),
        ("lastdata", "Local/21987654321@x&Local/11987654321@x", "Local/21987654321@x&Local/erased@x"),
        (
            "channel",
            "Local/FMGL-987654321#@from-internal-0000001c;1",
            "Local/FMGL-erased#@from-internal-0000001c;1",
        ),
        ("dstchannel", "DAHDI/i1/11987654321-5", "DAHDI/i1/erased-5"),
        (
            "recordingfile",
            "out-11987654321-100-20261123-001313-1795410793.86.wav",
            "out-erased-100-20261123-001313-1795410793.86.wav",
        ),
        ("userfield", "tel (11) 98765-4321, 3333-4444", "tel erased, 3333-4444"),
        ("dst", "*7211987654321", "*72erased"),
        ("clid", '"Vendas:11987654321" <100>', '"Vendas:erased" <100>'),
        ("column of the site", "x=11987654321", "x=erased"),
    ],
)
def test_inside_a_text_only_the_number_is_replaced(column: str, before: str, after: str) -> None:
    assert row(**{column: before}) == {column: after}


def test_what_joins_and_dates_rows_is_no_number() -> None:
    """(17) 3333-4444 written as a number is also second 1733334444, in December 2024."""
    kept = {
        "uniqueid": "1733334444.5",
        "linkedid": "1733334444.5",
        "recordingfile": "in-1133334444-100-20241204-001313-1733334444.86.wav",
    }
    parts = {"event": {"id": "1733334444"}, "call": {"linked_ids": ["1733334444"]}}
    left = taken_out(number="1733334444", cdr={**kept, "src": "1733334444"}, **parts)
    assert left == {"cdr": kept, "tags": ["erased"], **parts}


def test_a_call_keeps_its_figures() -> None:
    call = {
        "id": "c1",
        "outcome": "answered",
        "answered_by": ["100", "11987654321"],
        "billable_seconds": 60,
        "prefix": "+551198",
        "cost": {"amount": 0.48, "currency": "BRL", "tariff": "vivo"},
    }
    party = {"number": "987654321", "e164": "+5511987654321", "name": "José"}
    assert taken_out(
        tags=["a"], call=call, source={"extension": "100", "name": "Alice"}, destination=party
    ) == {
        "tags": ["a", "erased"],
        "call": {**call, "answered_by": ["100"]},
        "source": {"extension": "100", "name": "Alice"},
        "destination": {},
    }
    assert taken_out(call={"answered_by": ["11987654321"], "legs": 1})["call"] == {"legs": 1}


def test_the_hash_goes_with_its_names() -> None:
    name = "n" + "0" * 32
    columns = {
        "src": HASH,
        "cnum": HASH,
        "cnam": name,
        "clid": f'"{name}" <{HASH}>',
        "lastdata": f"x/{HASH}@y",
    }
    assert taken_out(key=KEY, cdr={**columns, "dst": OTHER_HASH})["cdr"] == {
        "clid": '"erased" <erased>',
        "lastdata": "x/erased@y",
        "dst": OTHER_HASH,
    }
    assert taken_out(cdr=columns) == {"cdr": columns}


def test_an_event_of_the_manager_interface() -> None:
    event = {"CallerIDNum": "11987654321", "CallerIDName": "José", "ConnectedLineName": "Alice"}
    assert taken_out(ami=event)["ami"] == {"ConnectedLineName": "Alice"}


def cdr(key: str, store: str = "Loja001", **columns: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-23T05:10:07Z",
        "event": {"id": key, "dataset": "pabx.cdr", "created": "2026-11-23T05:10:15.123Z"},
        "store": {"id": store},
        "agent": {"version": "0.1.0"},
        "local": {"date": "2026-11-23", "hour": 2, "weekday": 1},
        "cdr": {"duration": 5, **columns},
    }


def call(key: str, store: str, number: str, e164: str, sequence: int = 7) -> dict[str, Any]:
    document = cdr(key, store)
    del document["cdr"]
    document["event"] |= {"dataset": "pabx.call", "sequence": sequence}
    return {
        **document,
        "call": {"id": key, "direction": "outbound", "talk_seconds": 60, "legs": 1},
        "destination": {"number": number, "e164": e164, "name": "José da Silva"},
    }


# id -> (index, document, whether it goes)
CDR, CALLS, QUARANTINE = "pabx-cdr-2026.11", "pabx-calls-2026.11", "pabx-quarantine-2026.11"
DOCUMENTS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "national": (CDR, cdr("national", dst="11987654321"), True),
    "carrier": (CDR, cdr("carrier", dst="01511987654321"), True),
    "written": (CDR, cdr("written", userfield="(11) 98765-4321"), True),
    "clid": (CDR, cdr("clid", clid='"José da Silva" <5511987654321>'), True),
    "lastdata": (CDR, cdr("lastdata", lastdata="PJSIP/11987654321@vivo,45"), True),
    "channel": (CDR, cdr("channel", dstchannel="Local/11987654321@from-internal-0000001c;1"), True),
    "file": (CDR, cdr("file", recordingfile="out-11987654321-1-20261123-001313-1795410793.86.wav"), True),
    "local": (CDR, cdr("local", dst="987654321"), True),
    "local-elsewhere": (CDR, cdr("local-elsewhere", "Loja021", dst="987654321"), False),
    "alike": (CDR, cdr("alike", dst="21987654321"), False),
    "masked": (CDR, cdr("masked", dst="*******4321"), False),
    "hashed": (CDR, cdr("hashed", dst=HASH, lastdata=f"PJSIP/{HASH}@vivo"), True),
    "hashed-other": (CDR, cdr("hashed-other", dst=OTHER_HASH), False),
    "extension": (CDR, cdr("extension", dst="4321"), False),
    "call": (CALLS, call("call", "Loja001", "987654321", "+5511987654321"), True),
    "call-elsewhere": (CALLS, call("call-elsewhere", "Loja021", "987654321", "+5521987654321"), False),
    "refused": (QUARANTINE, cdr("refused", dst="11987654321", duration={"x": 1}), True),
    "refused-other": (QUARANTINE, cdr("refused-other", dst="21987654321", duration={"x": 1}), False),
    "live": (
        "pabx-live",
        {**call("live", "Loja001", "011987654321", ""), "live": {"state": "talking"}},
        True,
    ),
}
THEIRS = {key for key, (_, _, goes) in DOCUMENTS.items() if goes}


@pytest.fixture
def filled(cluster: OpenSearchCluster) -> OpenSearchCluster:
    send(cluster)
    return cluster


def send(cluster: OpenSearchCluster) -> list[int]:
    """Send everything as the stores do, and give the status of each."""
    lines = []
    for key, (index, document, _) in DOCUMENTS.items():
        # A refused row is sent to the rows' index, where the pipeline puts it aside.
        target = CDR if index == QUARANTINE else index
        lines += [json.dumps({"create": {"_index": target, "_id": key}}), json.dumps(document)]
    answer = cluster.request("POST", "/_bulk?refresh=true", "\n".join([*lines, ""]))
    return [item["create"]["status"] for item in answer["items"]]


def stored(cluster: OpenSearchCluster) -> dict[str, dict[str, Any]]:
    cluster.request("POST", "/pabx-*/_refresh")
    hits = cluster.request("POST", "/pabx-*/_search", {"size": 100})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    else:
        yield str(node)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "privacy.key"
    path.write_text(KEY + "\n", encoding="utf-8")
    return path


@pytest.mark.servers
def test_a_dry_run_shows_it_and_changes_nothing(
    filled: OpenSearchCluster, central: Central, key_file: Path
) -> None:
    before = stored(filled)
    assert len(before) == len(DOCUMENTS)
    outcome = central(
        "erase", "--url", filled.url, "--number", NUMBER, "--privacy-key-file", key_file, "--dry-run"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert stored(filled) == before
    assert "pabx-cdr-2026.11: 9 documents would be erased\n" in outcome.out
    assert "    cdr.dst: 4\n" in outcome.out
    assert "    quarantine.document.cdr.dst: 1\n" in outcome.out
    assert "number …4321: 12 documents would be erased\n" in outcome.out
    assert f"its hash, to search for: {HASH}\n" in outcome.out
    assert "1 documents hold a masked number" in outcome.out
    for written in ("98765", "8765"):
        assert written not in outcome.out


@pytest.mark.servers
def test_it_goes_out_of_all_indices_and_no_resend_brings_it_back(
    filled: OpenSearchCluster, central: Central, key_file: Path
) -> None:
    before = stored(filled)
    arguments = ("erase", "--url", filled.url, "--number", NUMBER, "--privacy-key-file", key_file, "--json")
    outcome = central(*arguments)
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert {part["index"]: part["documents"] for part in report.pop("indices")} == {
        CALLS: 1,
        CDR: 9,
        "pabx-live": 1,
        QUARANTINE: 1,
    }
    assert report == {
        "number_ends_in": "4321",
        "hash": HASH,
        "dry_run": False,
        "complete": True,
        "documents": 12,
        "not_written": 0,
        "undecided": 0,
        "masked_alike": 1,
        "closed_indices": [],
    }
    after = stored(filled)
    assert after.keys() == before.keys()
    for key, document in after.items():
        if key not in THEIRS:
            assert document == before[key]
            continue
        assert document["tags"] == ["erased"]
        assert document["event"].pop("sequence") == 2**62
        everything = " ".join(texts(document))
        for written in ("98765", "José", HASH):
            assert written not in everything
    assert after["call"]["call"] == before["call"]["call"]
    assert after["call"]["destination"] == {}
    assert after["clid"]["cdr"] == {"duration": 5, "clid": '"erased" <erased>'}

    # What a store sends again: the rows and the refused ones, and a call that has grown.
    assert set(send(filled)) == {409}
    _, grown, _ = DOCUMENTS["call"]
    lines = [json.dumps({"index": {"_id": "call"}})]
    lines += [json.dumps({**grown, "event": {**grown["event"], "sequence": 2**53}}), ""]
    answer = filled.request("POST", f"/{CALLS}/_bulk", "\n".join(lines))
    assert answer["items"][0]["index"]["status"] == 409
    finally_stored = stored(filled)
    for key in THEIRS:
        assert finally_stored[key]["event"].pop("sequence") == 2**62
    assert finally_stored == after
    again = json.loads(central(*arguments).out)
    assert (again["documents"], again["complete"]) == (0, True)


@pytest.mark.servers
def test_a_document_of_two_persons_is_erased_twice(filled: OpenSearchCluster, central: Central) -> None:
    document = cdr("both", src="11987654321", dst="21912345678")
    filled.request("PUT", f"/{CDR}/_doc/both?refresh=true", document)
    for number in ("11987654321", "021912345678"):
        assert central("erase", "--url", filled.url, "--number", number).code == 0
    left = filled.request("GET", f"/{CDR}/_doc/both")
    assert left["_version"] == left["_source"]["event"]["sequence"] == 2**62 + 1
    assert left["_source"]["cdr"] == {"duration": 5}
    assert left["_source"]["tags"] == ["erased"]


@pytest.mark.servers
def test_a_state_that_came_between_reading_and_writing_is_not_overwritten(
    filled: OpenSearchCluster, central: Central
) -> None:
    client = OpenSearch(hosts=[filled.url])
    person = Person(NUMBER, "BR", "", "")
    read = client.get(index=CALLS, id="call")
    hit = {**read, "_seq_no": read["_seq_no"] - 1}
    report = IndexReport(CALLS)
    _Eraser(client, person)._write(CALLS, [(hit, person.out_of(read["_source"], ""))], report)
    assert report.not_written == {"call": "it changed meanwhile: run it again"}
    assert client.get(index=CALLS, id="call") == read
    assert central("erase", "--url", filled.url, "--number", NUMBER).code == 0


@pytest.mark.servers
def test_what_cannot_be_written_is_told(filled: OpenSearchCluster, central: Central) -> None:
    filled.request("PUT", f"/{CALLS}/_settings", {"index.blocks.write": True})
    outcome = central("erase", "--url", filled.url, "--number", NUMBER, "--json")
    assert outcome.code == 1
    report = json.loads(outcome.out)
    assert (report["complete"], report["not_written"]) == (False, 1)
    parts = {part["index"]: part for part in report["indices"]}
    assert [entry["id"] for entry in parts[CALLS]["not_written"]] == ["call"]
    assert "blocked" in parts[CALLS]["not_written"][0]["reason"]
    filled.request("PUT", f"/{CALLS}/_settings", {"index.blocks.write": None})
    assert central("erase", "--url", filled.url, "--number", NUMBER).code == 0


@pytest.mark.servers
def test_a_store_whose_area_is_not_known_is_told(cluster: OpenSearchCluster, central: Central) -> None:
    document = cdr("local", "Loja999", dst="987654321")
    cluster.request("PUT", f"/{CDR}/_doc/local?refresh=true", document)
    outcome = central("erase", "--url", cluster.url, "--number", NUMBER)
    assert outcome.code == 1
    assert "1 documents hold a number without an area code that ends alike" in outcome.out
    assert "dst" in stored(cluster)["local"]["cdr"]
    assert central("erase", "--url", cluster.url, "--number", NUMBER, "--area-code", "11").code == 0
    assert "dst" not in stored(cluster)["local"]["cdr"]


@pytest.mark.servers
def test_a_closed_index_is_told(filled: OpenSearchCluster, central: Central) -> None:
    filled.request("POST", f"/{CALLS}/_close")
    outcome = central("erase", "--url", filled.url, "--number", NUMBER, "--area-code", "11")
    assert outcome.code == 1
    assert f"not looked into, because they are closed: {CALLS}" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--number", "100"), "a number has 7 digits or more, this one 3"),
        (("--number", "987654321"), "the number has no area code: give it, or --area-code"),
        (("--number", "11987654321", "--area-code", "20"), "area code '20'"),
        (("--number", "11987654321", "--privacy-key-file", "/nowhere"), "key file /nowhere"),
    ],
)
def test_what_cannot_be_used_is_told(central: Central, arguments: tuple[str, ...], reason: str) -> None:
    outcome = central("erase", "--url", "http://127.0.0.1:1", *arguments)
    assert outcome.code == 2
    assert reason in outcome.err
