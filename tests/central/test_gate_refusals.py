"""Every refusal says where in the document and by which rule; what the gate refused is nobody's."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from compose.stack import OpenSearchCluster

pytestmark = pytest.mark.servers

Put = Callable[..., dict[str, Any]]
GATE = {"rule": "gate.proof", "message": "store.id: not made with its credential", "tag": "pabx.cdr"}


def row(key: str = "a1", **parts: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-23T05:10:07Z",
        "event": {"id": key, "dataset": "pabx.cdr", "created": "2026-11-23T05:10:15.123Z"},
        "store": {"id": "Loja001"},
        "agent": {"version": "0.1.0"},
        "cdr": {"src": "100", "duration": 5},
        **parts,
    }


def kept(cluster: OpenSearchCluster, item: dict[str, Any]) -> dict[str, Any]:
    """The quarantine document that a delivery ended in."""
    assert (item["status"], item["_index"][:16]) == (201, "pabx-quarantine-")
    source: dict[str, Any] = cluster.request("GET", f"/{item['_index']}/_doc/{item['_id']}")["_source"]
    return source


@pytest.mark.parametrize(
    ("parts", "path", "rule"),
    [
        ({"event": None}, "event.id", "check"),
        ({"event": {"id": "b2"}}, "event.id", "check"),
        ({"store": {}}, "store.id", "check"),
        ({"@timestamp": "2026-11-23 05:10: 07"}, "@timestamp", "check"),
        ({"@timestamp": "2026-10-31T23:59:59Z"}, "@timestamp", "check"),
        ({"cdr": {"duration": {"billsec": 5}}}, "cdr.duration", "check"),
        ({"cdr": "x"}, "cdr", "check"),
        ({"cdr": {"src": [{"a": 1}]}}, "cdr.src", "check"),
        ({"cdr": {"column: of the site": [[1]]}}, "cdr.column: of the site", "check"),
        ({"cdr": {"src.x": "1"}}, "cdr.src.x", "check"),
        ({"cdr": {"": "1"}}, "cdr.", "check"),
        ({"column": {"a.b": {}}}, "column.a.b", "check"),
        # What no script can take.
        ({"cdr": {"src": "1", "duration": 10**30}}, "cdr.duration", "integer"),
        ({"cdr": {"list of": [1, [{"x": -(10**40)}]]}}, "cdr.list of.x", "integer"),
        ({"@timestamp": 10**20}, "@timestamp", "integer"),
        # Of the gate.
        ({"gate": GATE}, "store.id", "gate.proof"),
        (
            {"gate": {**GATE, "rule": "gate.value", "message": "a number that is none"}},
            "document",
            "gate.value",
        ),
    ],
)
def test_every_refusal_has_path_and_rule(
    cluster: OpenSearchCluster, put: Put, parts: dict[str, Any], path: str, rule: str
) -> None:
    document = row(**parts)
    found = kept(cluster, put(document, "a1"))
    assert (found["quarantine"]["path"], found["quarantine"]["rule"]) == (path, rule)
    assert found["error"]["message"]
    assert found["quarantine"]["index"] == "pabx-cdr-2026.11"
    assert found["quarantine"]["document"] == {k: v for k, v in document.items() if k != "gate"}


@pytest.mark.parametrize("number", [5, 10**30])
def test_what_the_gate_refused_names_no_store(cluster: OpenSearchCluster, put: Put, number: int) -> None:
    document = row(cdr={"duration": number})
    found = kept(cluster, put({**document, "gate": GATE, "proof": "ab" * 16, "forward_time": 1}, "a1"))
    assert found["quarantine"]["stage"] == "gate"
    assert found["quarantine"]["document"] == document
    assert found["error"]["message"] == GATE["message"]
    assert not {"store", "gate", "proof", "forward_time", "once"} & found.keys()


def test_what_the_gate_refused_takes_no_other_documents_id(put: Put) -> None:
    own = put(row(cdr={"duration": {}}), "a1")
    forged = put({**row(cdr={"duration": {}}), "gate": GATE}, "a1")
    assert (own["_id"], forged["status"]) == ("a1", 201)
    assert forged["_id"] != "a1"
    again = put({**row(cdr={"duration": {}}), "gate": GATE}, "a1")
    assert (again["status"], again["_id"]) == (409, forged["_id"])


def test_an_integer_beyond_64_bits_is_of_its_store(cluster: OpenSearchCluster, put: Put) -> None:
    found = kept(cluster, put(row(cdr={"duration": 10**30}), "a1"))
    assert found["store"] == {"id": "Loja001"}
    assert (found["quarantine"]["stage"], found["quarantine"]["dataset"]) == ("ingest", "pabx.cdr")
    assert found["error"]["message"].startswith("cdr.duration: a whole number beyond 64 bits")


def test_a_good_document_keeps_nothing_of_the_way(cluster: OpenSearchCluster, put: Put) -> None:
    assert put({**row(), "proof": "ab" * 16, "forward_time": 1}, "a1")["status"] == 201
    source = cluster.request("GET", "/pabx-cdr-2026.11/_doc/a1")["_source"]
    del source["event"]["ingested"]
    assert source == row()


BEYOND = {"cdr": {"duration": 10**30}}


@pytest.mark.parametrize("more", [{}, {"gate": GATE}, BEYOND, {"gate": GATE, **BEYOND}])
@pytest.mark.parametrize("value", [7, -(2**40), "x", {"a": 1}, [1], 10**30])
@pytest.mark.parametrize("name", ["_routing", "_if_seq_no", "_if_primary_term"])
def test_no_document_fails_what_is_sent_with_it(
    cluster: OpenSearchCluster, name: str, value: Any, more: dict[str, Any]
) -> None:
    """Of a wrong type they fail the whole request with 500, negative ones all that is in it with 400."""
    document = row("a1", **more) | {name: value}
    lines: list[dict[str, Any]] = []
    for one in (document, row("a2")):
        lines += [{"create": {"_index": "pabx-cdr-2026.11", "_id": one["event"]["id"]}}, one]
    answer = cluster.request("POST", "/_bulk?refresh=true", "".join(json.dumps(one) + "\n" for one in lines))
    wrong, good = (item["create"] for item in answer["items"])
    assert (good["status"], good["_index"]) == (201, "pabx-cdr-2026.11")
    found = kept(cluster, wrong)
    assert found["quarantine"]["document"] == {k: v for k, v in document.items() if k != "gate"}
    assert not {name, "gate", "once", "refused"} & found.keys()
    if not more and value != 10**30:
        assert (found["quarantine"]["path"], found["quarantine"]["rule"]) == (name, "check")
        assert found["store"] == {"id": "Loja001"}
    if "gate" in more:
        assert (found["quarantine"]["stage"], found["quarantine"]["rule"]) == ("gate", "gate.proof")
        assert "store" not in found


@pytest.mark.parametrize("name", ["refused", "once"])
def test_no_name_is_in_the_way(cluster: OpenSearchCluster, put: Put, name: str) -> None:
    found = kept(cluster, put(row(**BEYOND) | {name: "x"}, "a1"))
    assert (found["quarantine"]["path"], found["quarantine"]["rule"]) == ("cdr.duration", "integer")
    assert found["quarantine"]["document"]["cdr"] == BEYOND["cdr"]
    assert found[name] == "x"  # without a script only what is mapped can be moved


def test_a_request_that_writes_over_what_it_has_read_still_does(cluster: OpenSearchCluster) -> None:
    def write_over(sequence: int) -> int:
        place = {"_index": "pabx-cdr-2026.11", "_id": "a1", "if_seq_no": sequence, "if_primary_term": 1}
        body = json.dumps({"index": place}) + "\n" + json.dumps(row(cdr={"src": "new"})) + "\n"
        status: int = cluster.request("POST", "/_bulk?refresh=true", body)["items"][0]["index"]["status"]
        return status

    cluster.request("PUT", "/pabx-cdr-2026.11/_doc/a1?pipeline=_none", row())
    assert [write_over(5), write_over(0)] == [409, 200]
    source = cluster.request("GET", "/pabx-cdr-2026.11/_doc/a1")["_source"]
    assert source["cdr"] == {"src": "new"}
    assert not {"_if_seq_no", "_if_primary_term"} & source.keys()
