"""`central stores` on the real cluster: the register, the names that documents get by it, and the list."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.stores.listing import Listed, lines
from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
SEQUENCE = 4_398_046_511_104
ZONE = "America/Sao_Paulo"
HEAD = "id,name,region,city,state,timezone,area_code,opening_hours,opening_exceptions,trunks,valid_from\n"
OLD = f"Loja001,Loja Velha,Sudeste,São Paulo,SP,{ZONE},11,Mon-Fri 09:00-18:00,,vivo,\n"
NEW = f"Loja001,Loja Nova,,Santos,SP,{ZONE},13,Mon-Sat 09:00-20:00,2026-12-25 closed,vivo;claro,2025-11-10\n"
SECOND = "Loja002,Manaus Centro,Norte,Manaus,AM,America/Manaus,92,,,,\n"
OLD_NAMES = {"name": "Loja Velha", "region": "Sudeste", "city": "São Paulo", "state": "SP"}
NEW_NAMES = {"name": "Loja Nova", "city": "Santos", "state": "SP"}
SECOND_NAMES = {"name": "Manaus Centro", "region": "Norte", "city": "Manaus", "state": "AM"}


@pytest.fixture
def cluster(cluster: OpenSearchCluster) -> Iterator[OpenSearchCluster]:
    """Without a register before, and without one for whoever comes next."""
    _without_register(cluster)
    yield cluster
    _without_register(cluster)


def _without_register(cluster: OpenSearchCluster) -> None:
    if "pabx-register" in cluster.request("GET", "/_ingest/pipeline"):
        cluster.request("DELETE", "/_ingest/pipeline/pabx-register")


@pytest.fixture
def apply(cluster: OpenSearchCluster, central: Central, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Apply lines of a register and give what `--json` says."""

    def run(text: str, *arguments: str) -> dict[str, Any]:
        path = tmp_path / "stores.csv"
        path.write_text(HEAD + text, encoding="utf-8")
        outcome = central("stores", "--url", cluster.url, "apply", path, "--json", *arguments)
        assert (outcome.code, outcome.err) == (0, "")
        report: dict[str, Any] = json.loads(outcome.out)
        return report

    return run


Apply = Callable[..., dict[str, Any]]


def row(key: str, day: str | None = "2026-11-23", store: str = "Loja001", **more: Any) -> dict[str, Any]:
    """A row's document; `day` is its `local.date`."""
    return {
        "@timestamp": "2026-11-23T05:10:07Z",
        "event": {"id": key, "dataset": "pabx.cdr", "created": "2026-11-23T05:10:15Z"},
        "store": {"id": store, "timezone": ZONE},
        "agent": {"version": "0.1.0"},
        **({"local": {"date": day, "hour": 2, "weekday": 1}} if day else {}),
        "call": {"id": key},
        "cdr": {"disposition": "ANSWERED"},
        **more,
    }


def heartbeat(store: str = "Loja001", **more: Any) -> dict[str, Any]:
    """What an agent says of itself, as it sends it."""
    return {
        "@timestamp": "2026-11-23T05:10:07Z",
        "event": {"id": store, "kind": "metric", "dataset": "pabx.store", "created": "2026-11-23T05:10:07Z"},
        "store": {"id": store, "timezone": ZONE, "spool_documents": 3, "checks": {"reading": "ok"}, **more},
        "agent": {"version": "0.1.0"},
    }


def send(cluster: OpenSearchCluster, document: dict[str, Any], action: str = "create", **more: Any) -> None:
    """Send a document as an agent does."""
    month = document["@timestamp"][:7].replace("-", ".")
    index = {"pabx.cdr": f"pabx-cdr-{month}", "pabx.call": f"pabx-calls-{month}"}.get(
        document["event"]["dataset"], "pabx-stores"
    )
    target = {action: {"_index": index, "_id": document["event"]["id"], **more}}
    content = {"doc": document, "doc_as_upsert": True} if action == "update" else document
    answer = cluster.request(
        "POST", "/_bulk?refresh=true", json.dumps(target) + "\n" + json.dumps(content) + "\n"
    )
    assert answer["items"][0][action]["status"] < 300, answer


def stored(cluster: OpenSearchCluster, index: str = "pabx-*") -> dict[str, dict[str, Any]]:
    """All documents: id -> hit with `_version` and `_source`."""
    cluster.request("POST", "/pabx-*/_refresh")
    hits = cluster.request("POST", f"/{index}/_search", {"size": 1000, "version": True})["hits"]["hits"]
    return {hit["_id"]: hit for hit in hits}


def names(cluster: OpenSearchCluster) -> dict[str, dict[str, str]]:
    """Id -> what the register gave the document."""
    found = {}
    for key, hit in stored(cluster, "pabx-*,-pabx-stores").items():
        store = hit["_source"].get("store", {})
        found[key] = {name: store[name] for name in ("name", "region", "city", "state") if name in store}
    return found


def test_applying_registers_and_doing_it_again_changes_nothing(
    cluster: OpenSearchCluster, apply: Apply
) -> None:
    dry = apply(OLD + NEW + SECOND, "--dry-run")
    assert (dry["created"], dry["names"], dry["dry_run"]) == (["Loja001", "Loja002"], "create", True)
    assert stored(cluster) == {}
    assert cluster.request("GET", "/_ingest/pipeline").get("pabx-register") is None
    first = apply(OLD + NEW + SECOND)
    assert first == dry | {"dry_run": False}
    before = stored(cluster)
    again = apply(SECOND + NEW + OLD)
    assert again == {
        "dry_run": False,
        "encoding": "UTF-8",
        "created": [],
        "changed": {},
        "unchanged": 2,
        "not_in_file": [],
        "zones": {},
        "later": {},
        "names": "unchanged",
        "past": None,
    }
    assert stored(cluster) == before
    source = before["Loja001"]["_source"]
    assert source["store"].pop("registered_at") == source["event"]["created"] == source["@timestamp"]
    assert source["store"] == {
        "id": "Loja001",
        **NEW_NAMES,
        "timezone": ZONE,
        "area_code": "13",
        "opening_hours": ["Mon-Sat 09:00-20:00"],
        "opening_exceptions": ["2026-12-25 closed"],
        "trunks": ["vivo", "claro"],
        "valid_from": "2025-11-10",
    }
    assert (source["event"]["id"], source["event"]["kind"]) == ("Loja001", "state")


def test_a_document_gets_the_names_of_its_day(cluster: OpenSearchCluster, apply: Apply) -> None:
    apply(OLD + NEW + SECOND)
    send(cluster, row("old", "2025-11-09"))
    send(cluster, row("first", "2025-11-10"))
    send(cluster, row("new", "2026-11-23"))
    send(cluster, row("other", "2026-11-23", "Loja002"))
    send(cluster, row("unknown", "2026-11-23", "Loja003"))
    assert names(cluster) == {
        "old": OLD_NAMES,
        "first": NEW_NAMES,
        "new": NEW_NAMES,
        "other": SECOND_NAMES,
        "unknown": {},
    }
    kept = stored(cluster)["new"]["_source"]
    assert kept["store"] == {"id": "Loja001", "timezone": ZONE, **NEW_NAMES}
    assert kept["local"]["date"] == "2026-11-23"


def test_without_a_date_the_stores_clock_decides(cluster: OpenSearchCluster, apply: Apply) -> None:
    apply(OLD + NEW)
    send(cluster, row("before", None) | {"@timestamp": "2025-11-10T02:59:59Z"})
    send(cluster, row("after", None) | {"@timestamp": "2025-11-10T03:00:00Z"})
    assert names(cluster) == {"before": OLD_NAMES, "after": NEW_NAMES}


def test_before_the_first_line_a_document_has_no_names(cluster: OpenSearchCluster, apply: Apply) -> None:
    assert apply(NEW)["later"] == {}
    send(cluster, row("early", "2025-11-09"))
    assert names(cluster) == {"early": {}}


def test_a_document_is_never_stopped_by_the_register(cluster: OpenSearchCluster, apply: Apply) -> None:
    send(cluster, row("no register"))
    apply(OLD)
    pipeline = cluster.request("GET", "/_ingest/pipeline/pabx-register")["pabx-register"]
    entry = pipeline["processors"][0]["script"]["params"]["stores"]["Loja001"][0]
    entry["timezone"] = "No/Where"
    cluster.request("PUT", "/_ingest/pipeline/pabx-register", pipeline)
    send(cluster, row("no zone", None))
    send(cluster, row("date of no text", None, local={"date": 20261123}))
    del entry["from"]
    cluster.request("PUT", "/_ingest/pipeline/pabx-register", pipeline)
    send(cluster, row("no day"))
    hits = stored(cluster)
    assert {hit["_index"] for key, hit in hits.items() if key != "Loja001"} == {"pabx-cdr-2026.11"}
    assert [
        hits[key]["_source"]["store"] for key in ("no register", "no zone", "date of no text", "no day")
    ] == [{"id": "Loja001", "timezone": ZONE}] * 4


def test_what_the_gate_or_the_pipeline_refused_gets_no_name(cluster: OpenSearchCluster, apply: Apply) -> None:
    apply(OLD)
    send(cluster, row("forged", gate={"rule": "proof", "message": "not its own", "tag": "pabx.cdr"}))
    send(cluster, row("bad") | {"@timestamp": "yesterday"})
    found = names(cluster)
    assert list(found.values()) == [{}, {}]
    for hit in stored(cluster, "pabx-quarantine-*").values():
        assert "name" not in hit["_source"]["quarantine"]["document"]["store"]


def test_what_heartbeats_wrote_stays(cluster: OpenSearchCluster, apply: Apply) -> None:
    send(cluster, heartbeat(timezone="America/Bahia"), "update")
    report = apply(OLD)
    assert report["changed"] == {
        "Loja001": [
            "name",
            "region",
            "city",
            "state",
            "area_code",
            "opening_hours",
            "trunks",
            "registered_at",
        ]
    }
    assert report["zones"] == {"Loja001": "America/Bahia"}
    first = stored(cluster)["Loja001"]["_source"]
    send(cluster, heartbeat(timezone="America/Bahia", spool_documents=4), "update")
    changed = apply(NEW.replace("2025-11-10", ""))
    assert changed["changed"] == {
        "Loja001": ["name", "region", "city", "area_code", "opening_hours", "opening_exceptions", "trunks"]
    }
    source = stored(cluster)["Loja001"]["_source"]
    beat = heartbeat()
    assert (source["@timestamp"], source["agent"]) == (beat["@timestamp"], beat["agent"])
    assert source["event"]["kind"] == "metric"
    assert source["store"]["registered_at"] == first["store"]["registered_at"]
    assert (source["store"]["spool_documents"], source["store"]["timezone"]) == (4, "America/Bahia")
    assert source["store"]["checks"] == {"reading": "ok"}
    assert "region" not in source["store"]
    assert source["store"]["name"] == "Loja Nova"
    again = apply(NEW.replace("2025-11-10", ""))
    assert (again["changed"], again["unchanged"]) == ({}, 1)
    send(cluster, heartbeat(timezone="America/Bahia"), "update")
    assert apply(NEW.replace("2025-11-10", ""))["changed"] == {}


def test_a_store_that_the_file_leaves_out_stays(cluster: OpenSearchCluster, apply: Apply) -> None:
    apply(OLD + SECOND)
    report = apply(SECOND)
    assert (report["not_in_file"], report["unchanged"], report["names"]) == (["Loja001"], 1, "unchanged")
    send(cluster, row("late"))
    assert names(cluster) == {"late": OLD_NAMES}
    assert stored(cluster)["Loja001"]["_source"]["store"]["name"] == "Loja Velha"


def test_a_person_reads_what_was_done(cluster: OpenSearchCluster, central: Central, tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_text(HEAD + OLD + SECOND, encoding="utf-8")
    dry = central("stores", "apply", path, "--dry-run", "--url", cluster.url)
    sums = "stores: 2 to create, 0 to change, 0 unchanged; names for documents: to change"
    assert dry.out.splitlines() == [
        "create     Loja001",
        "create     Loja002",
        f"{cluster.url}: {sums}; nothing was changed (--dry-run)",
    ]
    assert central("stores", "--url", cluster.url, "apply", path).code == 0
    send(cluster, heartbeat("Loja001", timezone="America/Bahia"), "update")
    path.write_text(HEAD + OLD.replace("Velha", "Três") + OLD.replace(",\n", ",9999-12-31\n"), "cp1252")
    done = central("--url", cluster.url, "stores", "apply", path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "change     Loja001: name",
        "not in the file: Loja002; it stays registered; central stores revoke Loja002 ends its credential",
        "Loja001: its agent's clock is in America/Bahia, the register says otherwise: correct one of them",
        "not in force yet: a line of Loja001; the first on 9999-12-31 (Loja001): run it again on that day",
        "the file is no UTF-8 and was read as Windows-1252: look at a name with an accent",
        f"{cluster.url}: stores: 0 created, 1 changed, 0 unchanged; names for documents: changed",
    ]


def test_a_wrong_file_ends_before_the_cluster_is_asked(central: Central, tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_text("id,name,timezone\nLoja001,A,x\nLoja002,,America/Manaus\n", encoding="utf-8")
    outcome = central("stores", "apply", path, "--url", "http://127.0.0.1:9")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        f"central: {path}: 2 errors, nothing was applied",
        f"{path} line 2, timezone 'x': no known zone: write it like America/Sao_Paulo",
        f"{path} line 3, name: it is empty: write it",
    ]


def test_a_cluster_that_was_not_installed_is_told(
    bare_cluster: OpenSearchCluster, central: Central, tmp_path: Path
) -> None:
    path = tmp_path / "stores.csv"
    path.write_text(HEAD + OLD, encoding="utf-8")
    outcome = central("stores", "apply", path, "--url", bare_cluster.url)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"central: {bare_cluster.url}: ingest pipeline pabx-documents is missing, or an older one: "
        "run central install first\n"
    )
    assert bare_cluster.request("GET", "/_cat/indices/pabx-*?h=index") == ""


def test_a_pipeline_of_somebody_else_is_not_overwritten(
    cluster: OpenSearchCluster, central: Central, tmp_path: Path
) -> None:
    path = tmp_path / "stores.csv"
    path.write_text(HEAD + OLD, encoding="utf-8")
    cluster.request("PUT", "/_ingest/pipeline/pabx-register", {"processors": []})
    outcome = central("stores", "apply", path, "--url", cluster.url)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("central: ingest pipeline pabx-register: it does not hold a register")


def call(key: str, sequence: int, day: str = "2026-11-23") -> dict[str, Any]:
    """A call's document in one of its states."""
    document = row(key, day)
    document["event"] |= {"dataset": "pabx.call", "sequence": sequence}
    document["call"] = {"id": key, "direction": "inbound", "outcome": "answered"}
    return document


def test_documents_of_the_past_get_the_names_of_their_days(cluster: OpenSearchCluster, apply: Apply) -> None:
    send(cluster, row("old", "2025-11-09"))
    apply(OLD)
    send(cluster, row("new", "2025-11-10"))
    send(cluster, row("no date", None))
    send(cluster, row("other", store="Loja002"))
    send(cluster, row("unknown", store="Loja003"))
    assert names(cluster)["new"] == OLD_NAMES
    dry = apply(OLD + NEW + SECOND, "--past", "--dry-run")
    assert dry["past"] == {"documents": {"Loja001": 3, "Loja002": 1}, "conflicts": 0, "closed_indices": []}
    before = stored(cluster)
    assert apply(OLD + NEW + SECOND, "--past")["past"] == dry["past"]
    assert names(cluster) == {
        "old": OLD_NAMES,
        "new": NEW_NAMES,
        "no date": NEW_NAMES,
        "other": SECOND_NAMES,
        "unknown": {},
    }
    after = stored(cluster)
    for key in ("old", "new", "no date"):
        was, now = before[key]["_source"], after[key]["_source"]
        assert now | {"store": None} == was | {"store": None}, "nothing else changed, event.ingested neither"
        assert after[key]["_version"] == before[key]["_version"] + 1
    assert apply(OLD + NEW + SECOND, "--past")["past"]["documents"] == {}
    assert stored(cluster) == after
    apply(NEW, "--past")
    assert names(cluster)["old"] == {}, "the register says nothing of that day any more"


def test_a_call_renamed_is_still_replaced_by_its_next_state(cluster: OpenSearchCluster, apply: Apply) -> None:
    send(cluster, call("a", SEQUENCE), "index")
    send(cluster, call("b", SEQUENCE), "index")
    cost = {"script": "ctx._source.call.cost = ['amount': 1.5]"}
    lines = json.dumps({"update": {"_id": "a"}}) + "\n" + json.dumps(cost) + "\n"
    assert not cluster.request("POST", "/pabx-calls-2026.11/_bulk", lines)["errors"]
    assert apply(OLD, "--past")["past"]["documents"] == {"Loja001": 2}
    found = stored(cluster, "pabx-calls-*")
    assert {key: hit["_version"] - SEQUENCE for key, hit in found.items()} == {"a": 2, "b": 1}
    assert found["a"]["_source"]["call"]["cost"] == {"amount": 1.5}
    assert found["a"]["_source"]["store"]["name"] == "Loja Velha"
    send(cluster, call("a", SEQUENCE + 1024), "index")
    newest = stored(cluster, "pabx-calls-*")["a"]
    assert (newest["_version"], newest["_source"]["store"]["name"]) == (SEQUENCE + 1024, "Loja Velha")
    assert "cost" not in newest["_source"]["call"]


def test_more_than_one_request_is_needed(
    cluster: OpenSearchCluster, apply: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.stores.past._ONE_REQUEST", 3)
    for number in range(7):
        send(cluster, row(str(number)))
    assert apply(OLD, "--past")["past"]["documents"] == {"Loja001": 7}
    assert all(found == OLD_NAMES for found in names(cluster).values())


def test_the_past_of_what_the_gate_refused_and_of_closed_indices_is_left_alone(
    cluster: OpenSearchCluster, apply: Apply
) -> None:
    refused = row("refused") | {"quarantine": {"stage": "gate"}}
    cluster.request("POST", "/pabx-quarantine-2026.11/_doc/refused?pipeline=_none&refresh=true", refused)
    send(cluster, row("closed"))
    cluster.request("POST", "/pabx-cdr-2026.11/_close")
    past = apply(OLD, "--past")["past"]
    assert past == {"documents": {}, "conflicts": 0, "closed_indices": ["pabx-cdr-2026.11"]}
    assert names(cluster) == {"refused": {}}


def listed(central: Central, cluster: OpenSearchCluster) -> dict[str, dict[str, Any]]:
    outcome = central("stores", "list", "--json", "--url", cluster.url)
    assert (outcome.code, outcome.err) == (0, "")
    return {store["id"]: store for store in json.loads(outcome.out)["stores"]}


def test_the_list_names_every_store_and_how_it_is(
    cluster: OpenSearchCluster, central: Central, apply: Apply
) -> None:
    assert listed(central, cluster) == {}
    apply(OLD + SECOND)
    seen = (datetime.now(UTC) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    state = {"spool_bytes": 2 * 1024 * 1024, "refused_documents": 2, "spool_full": True}
    checks = {"reading": "ok", "sending": "refused: 401", "spool": "full"}
    send(cluster, heartbeat(checks=checks, **state), "update")
    # As if it had come then; POST _update would send the whole document through the pipeline again.
    then = [{"update": {"_id": "Loja001"}}, {"doc": {"store": {"last_seen": seen}}}]
    body = "".join(json.dumps(line) + "\n" for line in then)
    assert not cluster.request("POST", "/pabx-stores/_bulk?pipeline=_none&refresh=true", body)["errors"]
    send(cluster, row("a", store="Loja099"))
    send(cluster, row("b", store="Loja099") | {"@timestamp": "2026-11-20T10:00:00Z"})
    send(cluster, row("c", store="Loja002"))
    send(cluster, heartbeat("Loja098"), "update")
    found = listed(central, cluster)
    assert list(found) == ["Loja001", "Loja002", "Loja098", "Loja099"]
    first = found["Loja001"]
    assert 3 * 3600 <= first.pop("age_seconds") < 3 * 3600 + 60
    assert first.pop("registered_at").startswith("20")
    assert first == {
        "id": "Loja001",
        **OLD_NAMES,
        "timezone": ZONE,
        "registered": True,
        "valid_from": None,
        "revoked_at": None,
        "credential": None,
        "status": None,
        "status_since": None,
        "last_seen": seen,
        "agent_version": "0.1.0",
        "upgrade": None,
        "spool_documents": 3,
        "spool_bytes": 2_097_152,
        "spool_limit_bytes": None,
        "spool_full": True,
        "lag_seconds": None,
        "refused_documents": 2,
        "wrong": ["sending: refused: 401", "spool: full", "2 documents refused"],
        "documents": None,
        "latest": None,
    }
    assert (found["Loja002"]["documents"], found["Loja002"]["age_seconds"]) == (None, None)
    unknown = found["Loja099"]
    assert (unknown["registered"], unknown["documents"]) == (False, 2)
    assert unknown["latest"] == "2026-11-23T05:10:07.000Z"
    assert (found["Loja098"]["registered"], found["Loja098"]["documents"]) == (False, None)
    outcome = central("stores", "list", "--url", cluster.url)
    text = outcome.out.splitlines()
    assert text[0].split("  ")[0] == "store"
    assert [line.split()[0] for line in text[1:5]] == ["Loja001", "Loja002", "Loja098", "Loja099"]
    assert text[1].endswith("3 h  0.1.0  3 (2.0 MiB)")
    mend = "give it a line in the register's file"
    assert text[5:] == [
        "Loja001: sending: refused: 401",
        "Loja001: spool: full",
        "Loja001: 2 documents refused",
        f"not registered: Loja098: heartbeats only: {mend}",
        f"not registered: Loja099: 2 documents, the latest of 2026-11-23: {mend}",
        "2 registered, 2 not",
    ]


def test_the_list_of_an_empty_cluster(cluster: OpenSearchCluster, central: Central) -> None:
    outcome = central("stores", "list", "--url", cluster.url)
    assert (outcome.code, outcome.out) == (0, "no store is registered: central stores apply FILE.csv\n")


def test_the_list_shows_credentials_where_they_are_known() -> None:
    registered = {
        "registered_at": "2026-11-01T00:00:00Z",
        "name": "Centro",
        "last_seen": "2026-11-23T05:10:07Z",
        "status": "idle",
    }
    stores = [
        Listed("A", registered, "0.1.0"),
        Listed("B", registered | {"revoked_at": "2026-11-02T00:00:00Z"}, None),
        Listed("Loja003", {}, None, 5),
    ]
    now = datetime(2026, 11, 23, 5, 10, 49, tzinfo=UTC)
    text = list(lines(stores, now, {"A": "2026-11-01", "B": "2026-11-01"}))
    assert [" ".join(line.split()) for line in text] == [
        "store name city state region zone registered credential status heartbeat (UTC) age agent waiting",
        "A Centro - - - - 2026-11-01 2026-11-01 idle 2026-11-23 05:10 42 s 0.1.0 -",
        "B Centro - - - - 2026-11-01 revoked idle 2026-11-23 05:10 42 s - -",
        "Loja003 - - - - - no none - never - - -",
        "not registered: Loja003: 5 documents: give it a line in the register's file",
        "2 registered, 1 not",
    ]
    assert text[0].index("credential") == text[1].rindex("2026-11-01") == text[2].index("revoked")
    assert stores[0].as_dict(now, {"A": "2026-11-01"})["credential"] == "2026-11-01"
