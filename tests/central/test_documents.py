"""No document is refused: what does not fit stays out of the index, what would mislead is put aside."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from compose.stack import OpenSearchCluster

pytestmark = pytest.mark.servers

Put = Callable[..., dict[str, Any]]


def cdr(document_id: str = "a1", **parts: Any) -> dict[str, Any]:
    """A CDR document with other parts."""
    return {
        "@timestamp": "2026-11-23T05:10:07Z",
        "event": {"id": document_id, "dataset": "pabx.cdr", "created": "2026-11-23T05:10:15.123Z"},
        "store": {"id": "Loja001"},
        "agent": {"version": "0.1.0"},
        "local": {"date": "2026-11-23", "hour": 0, "weekday": 1},
        "cdr": {"src": "100", "dst": "101", "duration": 5},
        **parts,
    }


def found(cluster: OpenSearchCluster, query: dict[str, Any]) -> list[str]:
    """The ids that a query finds in the CDR indices, sorted."""
    answer = cluster.request("POST", "/pabx-cdr-*/_search", {"query": query, "size": 100, "_source": False})
    return sorted(hit["_id"] for hit in answer["hits"]["hits"])


def test_a_document_is_stamped_when_it_is_taken(cluster: OpenSearchCluster, put: Put) -> None:
    assert put(cdr(), "a1")["_index"] == "pabx-cdr-2026.11"
    source = cluster.request("GET", "/pabx-cdr-2026.11/_doc/a1")["_source"]
    ingested = source["event"].pop("ingested")
    assert datetime.fromisoformat(ingested).tzinfo is not None
    assert source == cdr()


def test_a_second_delivery_is_a_conflict(put: Put) -> None:
    assert put(cdr(), "a1")["status"] == 201
    assert put(cdr(), "a1")["status"] == 409


def test_an_id_that_was_not_given_comes_from_the_document(put: Put) -> None:
    assert put(cdr("of-its-own"))["_id"] == "of-its-own"
    assert put(cdr("of-its-own"))["status"] == 409


MALFORMED = {
    "text for a number": ("cdr", {"duration": "long"}),
    "truth for a number": ("cdr", {"duration": True}),
    "a number too large": ("cdr", {"duration": 2**63 - 1}),
    "list for a number": ("cdr", {"duration": [1, "x"]}),
    "no date": ("event", {"start": "0000-00-00 00:00:00"}),
    "number for a date": ("event", {"start": 2**63 - 1}),
    "word for a truth": ("call", {"answered": "maybe"}),
    "longer than a term may be": (
        "cdr",
        {"clid": "é" * 100_000, "channel": "a" * 100_000, "dst": "1" * 100_000},
    ),
    "four bytes a character": ("cdr", {"userfield": "\U0001f600" * 8191, "clid": "漢" * 8191}),
    "column of the site": ("cdr", {"any thing": "x" * 100_000, "n": -(2**63)}),
    "control characters": ("cdr", {"clid": "a\x00b\x1b\ud800"}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_value_is_left_out_and_the_rest_is_found(
    cluster: OpenSearchCluster, put: Put, name: str
) -> None:
    part, value = MALFORMED[name]
    document = cdr()
    document[part] = {**document.get(part, {}), **value}
    item = put(document, "a1")
    assert (item["status"], item["_index"]) == (201, "pabx-cdr-2026.11")
    assert found(cluster, {"term": {"cdr.src": "100"}}) == ["a1"]


REFUSED: dict[str, tuple[Any, str]] = {
    "no event": ({"event": None}, "event.id: missing, or not a text"),
    "no event.id": ({"event": {"dataset": "pabx.cdr"}}, "event.id: missing, or not a text"),
    "another event.id": ({"event": {"id": "b2"}}, "event.id: not the same as the _id a1"),
    "no store.id": ({"store": {"name": "x"}}, "store.id: missing, or not a text"),
    "store.id a number": ({"store": {"id": 7}}, "store.id: missing, or not a text"),
    "no time": ({"@timestamp": None}, "@timestamp: missing, or not a text"),
    "time a number": ({"@timestamp": 1795410607}, "@timestamp: missing, or not a text"),
    "not a time": ({"@timestamp": "0000-00-00 00:00:00"}, "@timestamp: not a time in UTC"),
    "local time": ({"@timestamp": "2026-11-23T05:10:07-03:00"}, "@timestamp: not a time in UTC"),
    "another month": ({"@timestamp": "2026-10-31T23:59:59Z"}, "@timestamp: not in the month of the index"),
    "text for an object": ({"cdr": "x"}, "cdr: a single value where an object belongs"),
    "object for a number": (
        {"cdr": {"duration": {"billsec": 5}}},
        "cdr.duration: an object where a single value belongs",
    ),
    "object for a text": ({"cdr": {"src": {"a": 1}}}, "cdr.src: an object where a single value belongs"),
    "list of objects": ({"cdr": {"src": [{"a": 1}]}}, "cdr.src: a list of objects or lists"),
    "column with a dot": ({"cdr": {"src.x": "1"}}, "cdr.src.x: a name must not be empty or hold a dot"),
    "list of lists": ({"cdr": {"any": [[1]]}}, "cdr.any: a list of objects or lists"),
    "column without a name": ({"cdr": {"": "1"}}, "cdr.: a name must not be empty or hold a dot"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_refused_or_read_wrongly_is_put_aside(
    cluster: OpenSearchCluster, put: Put, name: str
) -> None:
    parts, reason = REFUSED[name]
    document = cdr(**parts)
    item = put(document, "a1")
    assert (item["status"], item["_index"]) == (201, "pabx-quarantine-2026.11")
    assert put(document, "a1")["status"] == 409, "a resend is no second one"
    kept = cluster.request("GET", f"/pabx-quarantine-2026.11/_doc/{item['_id']}")["_source"]
    assert kept["quarantine"]["document"] == document
    assert reason in kept["error"]["message"]
    assert kept["event"]["id"] == item["_id"]
    assert (kept["quarantine"]["stage"], kept["quarantine"]["index"]) == ("ingest", "pabx-cdr-2026.11")
    assert cluster.request("GET", "/pabx-cdr-*/_count")["count"] == 0


def test_an_integer_beyond_64_bits_is_put_aside(cluster: OpenSearchCluster, put: Put) -> None:
    document = cdr(cdr={"duration": 10**30, "n": 10**40})
    item = put(document, "a1")
    assert (item["status"], item["_id"]) == (201, "a1")
    assert put(document, "a1")["status"] == 409
    kept = cluster.request("GET", f"/{item['_index']}/_doc/a1")["_source"]
    assert item["_index"] == f"pabx-quarantine-{kept['@timestamp'][:7].replace('-', '.')}"
    assert kept["quarantine"]["document"] == document
    assert kept["quarantine"]["index"] == "pabx-cdr-2026.11"
    assert "BigInteger" in kept["error"]["message"]
    assert kept["event"]["id"] == "a1"


def test_two_documents_without_an_id_are_two_in_the_quarantine(cluster: OpenSearchCluster, put: Put) -> None:
    for number in ("100", "101"):
        # The same _id twice: a forwarder may reuse the last one for a document that brings none.
        assert put(cdr(event={"kind": "event"}, cdr={"src": number}), "a1")["status"] == 201
    assert cluster.request("GET", "/pabx-quarantine-*/_count")["count"] == 2


def test_a_refused_document_is_found_by_its_reason(cluster: OpenSearchCluster, put: Put) -> None:
    put(cdr(cdr={"duration": {}}), "a1")
    query = {"query_string": {"query": "belongs"}}
    hits = cluster.request("POST", "/pabx-quarantine-*/_search", {"query": query})["hits"]["hits"]
    assert [hit["_source"]["store"]["id"] for hit in hits] == ["Loja001"]


def test_the_agents_own_quarantine_document_is_taken_as_it_is(cluster: OpenSearchCluster, put: Put) -> None:
    document = cdr(quarantine={"stage": "document", "document": {"a.b": [[{"": 1}]], "calldate": "0000"}})
    del document["cdr"]
    item = put(document, "a1", "pabx-quarantine-2026.10")
    assert (item["status"], item["_index"]) == (201, "pabx-quarantine-2026.10")
    kept = cluster.request("GET", "/pabx-quarantine-2026.10/_doc/a1")["_source"]
    assert kept["quarantine"] == document["quarantine"]


def test_fields_that_a_newer_agent_brings_are_kept(cluster: OpenSearchCluster, put: Put) -> None:
    assert put(cdr(newer={"part": {"value": 1}}), "a1")["_index"] == "pabx-cdr-2026.11"
    source = cluster.request("GET", "/pabx-cdr-2026.11/_doc/a1")["_source"]
    assert source["newer"] == {"part": {"value": 1}}
    mapping = cluster.request("GET", "/pabx-cdr-2026.11/_mapping")["pabx-cdr-2026.11"]["mappings"]
    assert "newer" not in mapping["properties"]
