"""`central quarantine` on the real cluster: told by reason, released once, nothing lost or overwritten."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from shipper.document.identity import mark
from tests.central.outcome import Outcome

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
STORE = "Loja001"
SEQUENCE = 4_398_046_511_104


def key(number: int = 1, store: str = STORE) -> str:
    return f"{mark(store)}{number:024x}"


def row(
    number: int = 1, store: str = STORE, time: str = "2026-11-23T05:10:07Z", **parts: Any
) -> dict[str, Any]:
    return {
        "@timestamp": time,
        "event": {"id": key(number, store), "dataset": "pabx.cdr", "created": "2026-11-23T05:10:15.123Z"},
        "store": {"id": store},
        "agent": {"version": "0.1.0"},
        "cdr": {"src": "100", "duration": 5},
        **parts,
    }


def call(number: int = 1, sequence: int = SEQUENCE, **parts: Any) -> dict[str, Any]:
    event = {
        "id": key(number),
        "dataset": "pabx.call",
        "created": "2026-11-23T05:10:15Z",
        "sequence": sequence,
    }
    return row(event=event, call={"id": key(number), "linked_ids": [f"1795410607.{number}"], **parts})


def kept(document: dict[str, Any], **details: Any) -> dict[str, Any]:
    """The quarantine document that an agent makes of a refused one."""
    family = {"pabx.cdr": "pabx-cdr", "pabx.call": "pabx-calls"}[document["event"]["dataset"]]
    return {
        "@timestamp": "2026-11-24T00:00:00Z",
        "event": {
            "id": document["event"]["id"],
            "kind": "pipeline_error",
            "dataset": "pabx.quarantine",
            "created": "2026-11-24T00:00:00Z",
        },
        "store": {"id": document["store"]["id"]},
        "error": {"type": "some_rule", "message": "cdr.src: of old"},
        "quarantine": {
            "stage": "output",
            "dataset": document["event"]["dataset"],
            "path": "cdr.src",
            "rule": "some_rule",
            "index": f"{family}-{document['@timestamp'][:7].replace('-', '.')}",
            "document": document,
            **details,
        },
    }


class Quarantine:
    """The cluster as these tests look at it."""

    def __init__(self, node: OpenSearchCluster, central: Central) -> None:
        self.node = node
        self._central = central

    def put(self, document: dict[str, Any], index: str = "pabx-quarantine-2026.11", **action: Any) -> None:
        """Send it as a store's agent does."""
        operation = "index" if "sequence" in document["event"] else "create"
        place = {"_index": index, "_id": document["event"]["id"], **action}
        body = json.dumps({operation: place}) + "\n" + json.dumps(document) + "\n"
        item = self.node.request("POST", "/_bulk?refresh=true", body)["items"][0][operation]
        assert item["status"] in {200, 201}, item

    def run(self, *arguments: str, code: int = 0) -> Outcome:
        outcome = self._central("quarantine", *arguments, "--url", self.node.url)
        assert outcome.code == code, outcome
        self.node.request("POST", "/pabx-*/_refresh")
        return outcome

    def release(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.run("release", *arguments, "--json", code=code).out)
        return report

    def sources(self, indices: str) -> dict[str, dict[str, Any]]:
        answer = self.node.request("POST", f"/{indices}/_search", {"size": 10_000})
        found = {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}
        assert len(found) == len(answer["hits"]["hits"]), "an _id in two indices"
        return found

    def left(self) -> int:
        self.node.request("POST", "/pabx-*/_refresh")
        count: int = self.node.request("GET", "/pabx-quarantine-*/_count")["count"]
        return count

    def where(self) -> dict[str, list[str]]:
        """Of each index the `_id`s."""
        answer = self.node.request("POST", "/pabx-*/_search", {"size": 10_000, "_source": False})
        found: dict[str, list[str]] = {}
        for hit in answer["hits"]["hits"]:
            found.setdefault(hit["_index"], []).append(hit["_id"])
        return {index: sorted(ids) for index, ids in found.items()}


@pytest.fixture
def quarantine(cluster: OpenSearchCluster, central: Central) -> Quarantine:
    return Quarantine(cluster, central)


def test_an_empty_quarantine(quarantine: Quarantine) -> None:
    assert quarantine.run("list").out == "0 documents, 0 reasons\n"
    assert quarantine.release("--all") == {
        "dry_run": False,
        "released": [],
        "there": [],
        "refused": [],
        "stays": [],
        "missing": [],
    }
    missing = quarantine.run("show", "x", code=1)
    assert missing.err == "central: x is not in the quarantine: see central quarantine list\n"


def test_it_is_listed_by_reason(quarantine: Quarantine) -> None:
    for number, store in ((1, STORE), (2, STORE), (3, "Loja002")):
        quarantine.put(row(number, store, cdr={"duration": {}}), "pabx-cdr-2026.11")
    quarantine.put(kept(row(4)))
    found = json.loads(quarantine.run("list", "--json").out)["groups"]
    first = found[0].pop("first"), found[0].pop("last")
    assert first == tuple(sorted(first))
    assert found == [
        {
            "stage": "ingest",
            "rule": "check",
            "path": "cdr.duration",
            "dataset": "pabx.cdr",
            "documents": 3,
            "erased": 0,
            "stores": {STORE: 2, "Loja002": 1},
            "message": "cdr.duration: an object where a single value belongs",
        },
        {
            "stage": "output",
            "rule": "some_rule",
            "path": "cdr.src",
            "dataset": "pabx.cdr",
            "documents": 1,
            "erased": 0,
            "stores": {STORE: 1},
            "first": "2026-11-24T00:00:00.000Z",
            "last": "2026-11-24T00:00:00.000Z",
            "message": "cdr.src: of old",
        },
    ]
    assert quarantine.run("list", "--store", "Loja002").out.endswith("1 documents, 1 reasons\n")
    assert quarantine.run("list", "--since", "2026-11-24").out.startswith("3  ingest check cdr.duration")
    assert "stores: Loja001 (2), Loja002 (1)\n" in quarantine.run("list").out
    assert quarantine.run("list", "--since", "2999-01-01").out == "0 documents, 0 reasons\n"


def test_more_reasons_than_a_page_are_all_listed(quarantine: Quarantine) -> None:
    lines = []
    for number in range(1200):
        lines += [{"create": {"_id": str(number)}}, kept(row(number), rule=f"rule {number}")]
    body = "\n".join(map(json.dumps, lines)) + "\n"
    quarantine.node.request("POST", "/pabx-quarantine-2026.11/_bulk?refresh=true&pipeline=_none", body)
    assert len(json.loads(quarantine.run("list", "--json").out)["groups"]) == 1200


def test_one_is_shown_whole_and_explained(quarantine: Quarantine) -> None:
    document = row(cdr={"duration": {"é": 1}})
    quarantine.put(document, "pabx-cdr-2026.11")
    shown = json.loads(quarantine.run("show", key(), "--json").out)["documents"]
    assert [one["document"] for one in shown] == [document]
    assert shown[0]["means"] == "an object stands where a single value belongs"
    text = quarantine.run("show", key()).out
    assert "path:        cdr.duration\n" in text
    assert '"é": 1' in text


def test_a_released_document_is_where_it_belongs_and_a_second_time_is_harmless(
    quarantine: Quarantine,
) -> None:
    quarantine.put(kept(row(1)))
    quarantine.put(kept(call(2)))
    assert quarantine.release("--all", "--dry-run")["released"] == [key(1), key(2)]
    assert quarantine.where() == {"pabx-quarantine-2026.11": [key(1), key(2)]}
    assert quarantine.release("--all")["released"] == [key(1), key(2)]
    assert quarantine.where() == {"pabx-cdr-2026.11": [key(1)], "pabx-calls-2026.11": [key(2)]}
    source = quarantine.sources("pabx-cdr-*")[key(1)]
    assert source["event"].pop("ingested")
    assert source == row(1)
    assert quarantine.release("--all")["released"] == []
    assert quarantine.release(key(1), code=1)["missing"] == [key(1)]


def test_what_is_there_already_leaves_the_quarantine_and_nothing_is_overwritten(
    quarantine: Quarantine,
) -> None:
    """As after a release that was killed before it took the document out, or after a resend."""
    quarantine.put(row(1, cdr={"src": "first"}), "pabx-cdr-2026.11")
    quarantine.put(kept(row(1)))
    quarantine.put(call(2, SEQUENCE + 2**42), "pabx-calls-2026.11")
    quarantine.put(kept(call(2)))
    quarantine.put(call(3), "pabx-calls-2026.11")
    quarantine.put(kept(call(3, SEQUENCE + 2**42)))
    report = quarantine.release("--all")
    assert (report["there"], report["released"]) == ([key(1), key(2)], [key(3)])
    assert quarantine.sources("pabx-quarantine-*") == {}
    assert quarantine.sources("pabx-cdr-*")[key(1)]["cdr"] == {"src": "first"}
    calls = quarantine.sources("pabx-calls-*")
    newest = SEQUENCE + 2**42
    assert [calls[key(n)]["event"]["sequence"] for n in (2, 3)] == [newest, newest]


def test_what_is_refused_again_stays_with_the_new_reason(quarantine: Quarantine) -> None:
    quarantine.put(kept(row(1, cdr={"duration": {}})))
    quarantine.put(kept(row(2, time="2026-10-31T00:00:00Z"), index="pabx-cdr-2026.11"))
    wrong = call(3)
    wrong["call"]["legs"] = {}
    quarantine.put(kept(wrong))
    quarantine.put(kept(row(4)))
    # Here the refusal goes to the quarantine of another month than the one that it was kept in.
    quarantine.put(kept(row(5, cdr={"duration": {}})), "pabx-quarantine-1970.01")
    report = quarantine.release("--all", code=1)
    assert report["released"] == [key(4)]
    assert sorted(one["id"] for one in report["refused"]) == [key(n) for n in (1, 2, 3, 5)]
    assert quarantine.where()["pabx-quarantine-2026.11"] == [key(n) for n in (1, 2, 3, 5)]
    assert "pabx-quarantine-1970.01" not in quarantine.where()
    now = quarantine.sources("pabx-quarantine-*")
    assert [
        (now[key(n)]["quarantine"]["stage"], now[key(n)]["quarantine"]["path"]) for n in (1, 2, 3, 5)
    ] == [
        ("ingest", "cdr.duration"),
        ("ingest", "@timestamp"),
        ("ingest", "call.legs"),
        ("ingest", "cdr.duration"),
    ]
    assert now[key(1)]["quarantine"]["document"] == row(1, cdr={"duration": {}})


def test_what_the_index_itself_refuses_stays_with_its_reason(quarantine: Quarantine) -> None:
    quarantine.node.request("PUT", "/pabx-cdr-2026.11", {"mappings": {"dynamic": "strict"}})
    quarantine.put(kept(row(1, cdr={"column of the site": "x"})))
    quarantine.put(kept(row(2)))
    report = quarantine.release("--all", code=1)
    assert report["released"] == [key(2)]
    assert "strict_dynamic_mapping_exception" in report["refused"][0]["reason"]
    now = quarantine.sources("pabx-quarantine-*")[key(1)]
    assert (now["quarantine"]["stage"], now["quarantine"]["rule"]) == (
        "index",
        "strict_dynamic_mapping_exception",
    )
    assert now["quarantine"]["document"] == row(1, cdr={"column of the site": "x"})


def test_a_closed_index_is_no_reason_of_the_document(quarantine: Quarantine) -> None:
    quarantine.put(row(9), "pabx-cdr-2026.11")
    quarantine.put(kept(row(1)))
    quarantine.node.request("POST", "/pabx-cdr-2026.11/_close")
    report = quarantine.release("--all", code=1)
    assert "index_closed_exception" in report["stays"][0]["reason"]
    assert quarantine.sources("pabx-quarantine-*")[key(1)]["error"]["message"] == "cdr.src: of old"
    quarantine.node.request("POST", "/pabx-cdr-2026.11/_open")
    quarantine.node.request("GET", "/_cluster/health?wait_for_status=yellow")
    assert quarantine.release("--all")["released"] == [key(1)]


def test_a_quarantine_document_that_is_refused_at_its_own_place_is_not_lost(quarantine: Quarantine) -> None:
    inner = kept(row(1))
    quarantine.put(inner | {"agent": "x"})
    assert quarantine.sources("pabx-quarantine-*")[key(1)]["quarantine"]["document"]["quarantine"]
    report = quarantine.release("--all", code=1)
    assert report["refused"] == [{"id": key(1), "reason": "agent: a single value where an object belongs"}]
    assert quarantine.sources("pabx-quarantine-*")[key(1)]["quarantine"]["document"] == inner | {"agent": "x"}


GATE = {"rule": "gate.proof", "message": "store.id: the proof is not made with it", "tag": "pabx.cdr"}


def test_what_the_gate_refused_needs_somebody_who_vouches(quarantine: Quarantine) -> None:
    # The gate gives it the month of its arrival.
    old = row(1, time="2026-09-30T23:59:59Z")
    quarantine.put(old | {"gate": GATE, "proof": "ab" * 16}, "pabx-cdr-2026.11")
    quarantine.put(row(2, "Loja002") | {"gate": GATE}, "pabx-cdr-2026.11")
    assert quarantine.release("--all")["stays"] == []
    alone = quarantine.release("--rule", "gate.proof", code=1)
    assert (
        sorted(one["reason"][:46] for one in alone["stays"])
        == ["who sent it is not known, it names store Loja0"] * 2
    )
    assert set(quarantine.where()) == {"pabx-quarantine-2026.11"}
    report = quarantine.release("--rule", "gate.proof", "--as-store", STORE, code=1)
    assert len(report["released"]) == 1
    assert [one["reason"] for one in report["stays"]] == ["it names store Loja002, not Loja001"]
    source = quarantine.sources("pabx-cdr-2026.09")[key(1)]
    assert source["event"].pop("ingested")
    assert source == old
    left = quarantine.sources("pabx-quarantine-*").values()
    assert [source["quarantine"]["document"]["store"] for source in left] == [{"id": "Loja002"}]


def test_vouching_overwrites_nothing_of_another_store(quarantine: Quarantine) -> None:
    forged = row(1, event={"id": key(1, "Loja002"), "dataset": "pabx.cdr"})
    quarantine.put(row(1, "Loja002"), "pabx-cdr-2026.11")
    quarantine.put(forged | {"gate": GATE}, "pabx-cdr-2026.11")
    report = quarantine.release("--rule", "gate.proof", "--as-store", STORE, code=1)
    assert "does not begin with" in report["stays"][0]["reason"]
    assert list(quarantine.sources("pabx-cdr-*")) == [key(1, "Loja002")]


@pytest.mark.parametrize(
    ("document", "details", "why"),
    [
        (row(1, "Loja002"), {}, "another store's document"),
        (row(1, event={"id": key(1, "Loja002"), "dataset": "pabx.cdr"}), {}, "does not begin with"),
        (row(), {"index": "pabx-stores"}, "which month's pabx-cdr"),
        (row(), {"index": "pabx-calls-2026.11"}, "which month's pabx-cdr"),
        (row(), {"index": "pabx-cdr-2026.11,x"}, "which month's pabx-cdr"),
        (row(event={"id": key(), "dataset": "x"}), {"dataset": "x"}, "of no index"),
        (row(event={"id": key(), "dataset": "pabx.cdr", "sequence": True}), {}, "no whole number"),
        (row(event={"id": key() + "x" * 600, "dataset": "pabx.cdr"}), {}, "does not begin with"),
    ],
)
def test_a_store_can_have_nothing_written_that_is_not_its_own(
    quarantine: Quarantine, document: dict[str, Any], details: dict[str, Any], why: str
) -> None:
    """A store may write into the quarantine what it likes, also a document that was never refused."""
    body = kept(row())
    body["quarantine"] |= {"document": document, **details}
    quarantine.put(body)
    assert why in quarantine.release("--all", code=1)["stays"][0]["reason"]
    assert quarantine.where() == {"pabx-quarantine-2026.11": [key()]}


def test_a_row_without_a_document_leaves_once_the_store_has_sent_it(quarantine: Quarantine) -> None:
    quarantine.put(kept(row(1, local={"date": "2026-11-23"}), stage="document"))
    quarantine.put(kept(call(2), stage="document"))
    stays = quarantine.release("--all", code=1)["stays"]
    assert "at Loja001: shipper backfill --since 2026-11-23 --until 2026-11-23; " in stays[0]["reason"]
    quarantine.put(row(1), "pabx-cdr-2026.11")
    quarantine.put(call(2, SEQUENCE - 1), "pabx-calls-2026.11")
    assert quarantine.release("--all", "--dry-run")["there"] == [key(1)]
    report = quarantine.release("--all", code=1)
    assert (report["there"], [one["id"] for one in report["stays"]]) == ([key(1)], [key(2)])
    quarantine.put(call(2), "pabx-calls-2026.11")
    assert quarantine.release("--all")["there"] == [key(2)]
    assert quarantine.sources("pabx-quarantine-*") == {}


def test_what_was_erased_says_so_and_cannot_be_released(quarantine: Quarantine, central: Central) -> None:
    quarantine.put(kept(row(1, cdr={"src": "11987654321", "duration": 5})))
    quarantine.put(kept(row(2)))
    erased = central("erase", "--number", "11987654321", "--url", quarantine.node.url)
    assert erased.code == 0, erased
    quarantine.node.request("POST", "/pabx-*/_refresh")
    assert "    1 erased by central erase: they cannot be released\n" in quarantine.run("list").out
    assert "cannot be released" in quarantine.run("show", key(1)).out
    report = quarantine.release("--all", code=1)
    assert (report["released"], report["stays"][0]["id"]) == ([key(2)], key(1))
    assert report["stays"][0]["reason"].startswith("central erase took a person out of it")


def test_a_call_that_became_part_of_another_does_not_come_back(quarantine: Quarantine) -> None:
    for number, of in ((1, 5), (2, 2)):
        part = {"cdr": {"linkedid": f"1795410607.{number}"}, "call": {"id": key(of)}}
        quarantine.put(row(10 + number, **part), "pabx-cdr-2026.11")
        quarantine.put(kept(call(number)))
    report = quarantine.release("--all", code=1)
    assert report["released"] == [key(2)]
    assert "belong to another call by now" in report["stays"][0]["reason"]
    assert list(quarantine.sources("pabx-calls-*")) == [key(2)]


def test_the_choice_of_documents(quarantine: Quarantine) -> None:
    for number in (1, 2, 3):
        quarantine.put(kept(row(number), rule=f"rule{number}"))
    assert "one of these" in quarantine.run("release", code=2).err
    assert "one of these" in quarantine.run("release", "x", "--all", code=2).err
    assert "--as-store with --all" in quarantine.run("release", "--all", "--as-store", "x", code=2).err
    assert quarantine.release(key(1), "x", code=1)["missing"] == ["x"]
    assert quarantine.release("--rule", "rule2", "--rule", "other")["released"] == [key(2)]
    assert quarantine.where() == {
        "pabx-cdr-2026.11": [key(1), key(2)],
        "pabx-quarantine-2026.11": [key(3)],
    }


def test_killed_at_any_moment_nothing_is_lost_or_doubled(quarantine: Quarantine) -> None:
    chance = random.Random(os.environ.get("SOAK_SEED", "7"))
    count, bad = 3000, {n for n in range(3000) if chance.random() < 0.05}
    lines: list[dict[str, Any]] = []
    for number in range(count):
        document = row(
            number, cdr={"src": str(number), "duration": {}} if number in bad else {"src": str(number)}
        )
        lines += [{"create": {"_id": key(number)}}, kept(document)]
    body = "\n".join(map(json.dumps, lines)) + "\n"
    quarantine.node.request("POST", "/pabx-quarantine-2026.11/_bulk?refresh=true", body)
    command = [
        sys.executable,
        "-m",
        "central",
        "quarantine",
        "release",
        "--all",
        "--url",
        quarantine.node.url,
    ]
    left = [count]
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and quarantine.left() == left[-1]:
                time.sleep(chance.random() / 10)
            process.kill()
        left.append(quarantine.left())
    assert any(len(bad) < number < count for number in left), "no run was killed in the middle"
    quarantine.release("--all", code=1)
    rows = quarantine.sources("pabx-cdr-*")
    assert sorted(rows) == [key(n) for n in range(count) if n not in bad]
    assert all(source["cdr"]["src"] == str(int(name[8:], 16)) for name, source in rows.items())
    assert sorted(quarantine.sources("pabx-quarantine-*")) == sorted(map(key, bad))
