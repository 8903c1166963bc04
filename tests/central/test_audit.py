"""`central audit` against the real cluster: what was damaged is named, and what heals is recorded."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose.stack import OpenSearchCluster
from shipper.assembly.builder import WITHOUT_ROW
from shipper.document.account import Account, report
from shipper.document.clock import StoreClock
from shipper.document.identity import mark
from shipper.document.model import Origin
from tests.central.outcome import Outcome

pytestmark = pytest.mark.servers
Central = Callable[..., Outcome]
ZONE = "America/Sao_Paulo"
STORES = ("Loja001", "Loja002")
DAYS = [f"{datetime.now(ZoneInfo(ZONE)) - timedelta(days=days):%Y-%m-%d}" for days in (2, 1)]
COUNTED = datetime.now(UTC) - timedelta(hours=1)


def row(store: str, day: str, number: int) -> dict[str, Any]:
    """A row that the store has."""
    at = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    stamp = (at + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    key = mark(store) + f"{day.replace('-', '')}{number:016x}"
    return {
        "@timestamp": stamp,
        "event": {
            "id": key,
            "dataset": "pabx.cdr",
            "created": f"{COUNTED - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        },
        "store": {"id": store},
        "agent": {"version": "1"},
        "local": {"date": day, "hour": 12, "weekday": 1},
        "cdr": {"duration": 60 + number, "billsec": 50, "disposition": "ANSWERED"},
    }


def call(store: str, day: str, number: int) -> dict[str, Any]:
    """A call that the store has."""
    made = row(store, day, 1000 + number)
    del made["cdr"]
    made["event"] |= {"dataset": "pabx.call", "sequence": 1 << 42}
    made["call"] = {
        "id": made["event"]["id"],
        "linked_ids": [str(number)],
        "direction": "inbound",
        "outcome": "answered",
        "answered": True,
        "missed": False,
        "duration_seconds": 70,
        "talk_seconds": 40,
        "legs": 2,
    }
    return made


def holdings() -> dict[tuple[str, str], list[dict[str, Any]]]:
    return {
        (store, day): [row(store, day, n) for n in range(4)] + [call(store, day, n) for n in range(2)]
        for store in STORES
        for day in DAYS
    }


def put(cluster: OpenSearchCluster, documents: list[dict[str, Any]]) -> None:
    lines = []
    for document in documents:
        kind = {"pabx.cdr": "pabx-cdr", "pabx.call": "pabx-calls"}[document["event"]["dataset"]]
        index = f"{kind}-{document['@timestamp'][:7].replace('-', '.')}"
        lines += [
            json.dumps({"index": {"_index": index, "_id": document["event"]["id"]}}),
            json.dumps(document),
        ]
    answer = cluster.request("POST", "/_bulk?refresh=true", "\n".join(lines) + "\n")
    assert not answer["errors"], answer


def put_reports(cluster: OpenSearchCluster) -> None:
    """What the stores counted, by the agent's own function."""
    lines = []
    for (store, day), documents in holdings().items():
        account = Account()
        for document in documents:
            account.add(document)
        made = report(Origin(store, ZONE, "1"), StoreClock(ZONE), day, account, COUNTED)
        lines += [json.dumps({"index": {"_index": made.index_name, "_id": made.id}}), made.body.decode()]
    answer = cluster.request("POST", "/_bulk?refresh=true", "\n".join(lines) + "\n")
    assert not answer["errors"], answer


@pytest.fixture
def chain(cluster: OpenSearchCluster) -> OpenSearchCluster:
    """Two stores with two days each, all of it in the index."""
    put_reports(cluster)
    put(cluster, [document for documents in holdings().values() for document in documents])
    return cluster


def audited(central: Central, cluster: OpenSearchCluster, *options: str) -> tuple[int, dict[str, Any]]:
    outcome = central("audit", "--json", *options, "--url", cluster.url)
    assert outcome.err == ""
    assert isinstance(outcome.code, int)
    return outcome.code, json.loads(outcome.out)


def delete(cluster: OpenSearchCluster, *documents: dict[str, Any]) -> None:
    query = {"query": {"terms": {"event.id": [document["event"]["id"] for document in documents]}}}
    deleted = cluster.request("POST", "/pabx-*/_delete_by_query?refresh=true", query)["deleted"]
    assert deleted == len(documents)


def change(cluster: OpenSearchCluster, document: dict[str, Any], source: str) -> None:
    body = {"query": {"term": {"event.id": document["event"]["id"]}}, "script": {"source": source}}
    path = "/pabx-*/_update_by_query?refresh=true&pipeline=_none"
    assert cluster.request("POST", path, body)["updated"] == 1


def test_equal(central: Central, chain: OpenSearchCluster) -> None:
    code, found = audited(central, chain)
    assert (code, found["equal"], found["days"], found["silent"]) == (0, 4, [], [])
    assert central("audit", "--url", chain.url).out.endswith("4 of 4 days of 2 stores are equal\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda c, d: delete(c, d[0]), "1 row missing"),
        (lambda c, d: delete(c, d[0], d[1]), "2 rows missing"),
        (lambda c, d: delete(c, d[4]), "1 call missing"),
        (lambda c, d: delete(c, *d), "4 rows missing; 2 calls missing"),
        (lambda c, _: put(c, [row("Loja001", DAYS[0], 99)]), "1 row too many"),
        (lambda c, d: change(c, d[0], "ctx._source.cdr.duration = 61"), "rows: 1 second too many"),
        (lambda c, d: change(c, d[4], "ctx._source.call.duration_seconds = 60"), "calls: 10 seconds missing"),
        (
            lambda c, d: change(c, d[0], "ctx._source.cdr.disposition = 'NO ANSWER'"),
            "same numbers, other content",
        ),
        (
            lambda c, d: change(c, d[4], "ctx._source.call.outcome = 'busy'"),
            "same numbers, other content",
        ),
    ],
)
def test_what_was_damaged_is_named(
    central: Central, chain: OpenSearchCluster, damage: Callable[..., Any], words: str
) -> None:
    damage(chain, holdings()["Loja001", DAYS[0]])
    code, found = audited(central, chain)
    assert code == 1
    assert [(day["store"], day["day"], day["state"], day["difference"]) for day in found["days"]] == [
        ("Loja001", DAYS[0], "differs", words)
    ]
    line = central("audit", "--url", chain.url).out.splitlines()[0]
    assert line == f"Loja001 {DAYS[0]}  differs: {words}"


def test_one_id_in_two_months(central: Central, chain: OpenSearchCluster) -> None:
    document = holdings()["Loja002", DAYS[1]][0]
    path = f"/pabx-cdr-2001.01/_doc/{document['event']['id']}?refresh=true&pipeline=_none"
    chain.request("PUT", path, document)
    _, found = audited(central, chain)
    assert found["days"][0]["doubled"] == [document["event"]["id"]]
    assert "1 in the index more than once" in found["days"][0]["difference"]


def test_what_nobody_may_take_for_damage(central: Central, chain: OpenSearchCluster) -> None:
    """A cost, the register's names, an erased number, and what is left of a merged call."""
    documents = holdings()["Loja001", DAYS[0]]
    change(chain, documents[4], "ctx._source.call.cost = ['amount': 1.5, 'currency': 'BRL']")
    change(chain, documents[0], "ctx._source.store.name = 'x'; ctx._source.cdr.src = 'erased'")
    rest = call("Loja001", DAYS[0], 77)
    rest["call"] = {"id": rest["event"]["id"], "merged_into": "x"}
    put(chain, [rest])
    assert audited(central, chain)[0] == 0


def test_a_call_without_a_row_is_in_no_report_and_counts_as_soon_as_it_has_one(
    central: Central, chain: OpenSearchCluster
) -> None:
    heard = call("Loja001", DAYS[0], 77)
    heard["event"]["sequence"] = 1
    heard["call"]["legs"] = 0
    heard["tags"] = [WITHOUT_ROW]
    put(chain, [heard])
    assert audited(central, chain)[0] == 0
    put(chain, [call("Loja001", DAYS[0], 77)])
    _, found = audited(central, chain)
    assert [(day["state"], day["difference"]) for day in found["days"]] == [("differs", "1 call too many")]


def test_a_call_that_the_store_counted_is_missed_whatever_is_said_of_it(
    central: Central, chain: OpenSearchCluster
) -> None:
    change(chain, holdings()["Loja001", DAYS[0]][4], f"ctx._source.tags = ['{WITHOUT_ROW}']")
    _, found = audited(central, chain)
    assert [day["difference"] for day in found["days"]] == ["1 call missing"]


def test_what_heals_is_recorded(central: Central, chain: OpenSearchCluster) -> None:
    documents = holdings()["Loja001", DAYS[0]]
    delete(chain, documents[0])
    assert audited(central, chain, "--dry-run")[0] == 1
    search = {"query": {"term": {"audit.kind": "finding"}}}
    assert chain.request("POST", "/pabx-audit-*/_search", search)["hits"]["hits"] == []
    assert audited(central, chain)[0] == 1
    audited(central, chain)
    (finding,) = chain.request("POST", "/pabx-audit-*/_search", search)["hits"]["hits"]
    first = finding["_source"]["audit"]
    assert (first["state"], first["difference"]) == ("differs", "1 row missing")
    assert (first["rows"], first["index_rows"], first["calls"], first["index_calls"]) == (4, 3, 2, 2)

    put(chain, [documents[0]])  # what the store does at night
    code, found = audited(central, chain)
    assert (code, found["healed"]) == (0, [{"store": "Loja001", "day": DAYS[0]}])
    (finding,) = chain.request("POST", "/pabx-audit-*/_search", search)["hits"]["hits"]
    healed = finding["_source"]["audit"]
    assert (healed["state"], healed["found_at"]) == ("healed", first["found_at"])
    assert healed["healed_at"] >= healed["found_at"]
    assert audited(central, chain)[1]["healed"] == []  # told once

    delete(chain, documents[0])
    assert audited(central, chain)[0] == 1
    (finding,) = chain.request("POST", "/pabx-audit-*/_search", search)["hits"]["hits"]
    assert finding["_source"]["audit"]["state"] == "differs"


def test_what_came_after_the_report_is_no_damage(central: Central, chain: OpenSearchCluster) -> None:
    late = row("Loja001", DAYS[0], 50)
    late["event"]["created"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    put(chain, [late])
    code, found = audited(central, chain)
    assert code == 0
    assert [(day["state"], day["difference"]) for day in found["days"]] == [
        ("changed since the report", "1 row too many")
    ]


def register(cluster: OpenSearchCluster, store: str, **more: str) -> None:
    registered = {"store": {"id": store, "registered_at": "2026-01-01T00:00:00Z", "timezone": ZONE, **more}}
    cluster.request("PUT", f"/pabx-stores/_doc/{store}?pipeline=_none&refresh=true", registered)


def delete_reports(cluster: OpenSearchCluster, store: str, *days: str) -> None:
    query = {"bool": {"filter": [{"term": {"store.id": store}}, {"terms": {"audit.day": days}}]}}
    deleted = cluster.request("POST", "/pabx-audit-*/_delete_by_query?refresh=true", {"query": query})
    assert deleted["deleted"] == len(days)


def test_days_and_stores_that_nobody_reported(central: Central, chain: OpenSearchCluster) -> None:
    for store in ("Loja001", "Loja003"):
        register(chain, store)
    register(chain, "Loja004", revoked_at="2026-02-01T00:00:00Z")
    delete_reports(chain, "Loja001", DAYS[0])
    code, found = audited(central, chain, "--days", "3")
    assert code == 1
    before = f"{datetime.fromisoformat(DAYS[0]) - timedelta(days=1):%Y-%m-%d}"
    assert [(day["store"], day["day"], day["state"]) for day in found["days"]] == [
        ("Loja001", before, "no report"),
        ("Loja001", DAYS[0], "no report"),
    ]
    assert found["days"][1]["index"]["rows"] == 4
    assert (found["silent"], found["equal"], found["since"]) == (["Loja003"], 3, before)
    assert f"Loja001 {DAYS[0]}  no report: the store has not counted this day yet\n" in (
        central("audit", "--url", chain.url).out
    )


def test_a_store_that_sends_and_never_reports(central: Central, chain: OpenSearchCluster) -> None:
    delete_reports(chain, "Loja002", *DAYS)
    code, found = audited(central, chain)
    assert (code, found["silent"], found["days"], found["equal"]) == (1, ["Loja002"], [], 2)
    register(chain, "Loja002", revoked_at="2026-02-01T00:00:00Z")
    code, found = audited(central, chain)
    assert (code, found["silent"], found["days"], found["equal"]) == (0, [], [], 2)


def test_days_are_as_many_as_asked_for(central: Central, chain: OpenSearchCluster) -> None:
    for store in STORES:
        delete(chain, holdings()[store, DAYS[0]][0])
    code, found = audited(central, chain, "--days", "1")
    assert (code, found["equal"], found["since"], found["until"]) == (0, 2, DAYS[1], DAYS[1])
    assert audited(central, chain, "--days", "2")[0] == 1


def merge_away(cluster: OpenSearchCluster, call: dict[str, Any], at: datetime) -> None:
    """What the agent sends of a call that became a part of another: its next state."""
    rest = json.loads(json.dumps(call))
    rest["event"] |= {"sequence": (1 << 42) + 1, "created": f"{at:%Y-%m-%dT%H:%M:%S.000Z}"}
    rest["call"]["merged_into"] = "x"
    put(cluster, [rest])


def test_a_call_that_became_a_part_of_another_after_the_report(
    central: Central, chain: OpenSearchCluster
) -> None:
    calls = holdings()["Loja001", DAYS[0]][4:]
    merge_away(chain, calls[0], COUNTED + timedelta(minutes=10))
    code, found = audited(central, chain)
    assert code == 0
    assert [(day["state"], day["difference"]) for day in found["days"]] == [
        ("changed since the report", "1 call missing")
    ]
    delete(chain, calls[1])  # one merge does not excuse two calls
    code, found = audited(central, chain)
    assert [(code, day["state"], day["difference"]) for day in found["days"]] == [
        (1, "differs", "2 calls missing")
    ]


def test_a_late_row_excuses_no_missing_one(central: Central, chain: OpenSearchCluster) -> None:
    documents = holdings()["Loja001", DAYS[0]]
    late = row("Loja001", DAYS[0], 50)
    late["event"]["created"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    put(chain, [late])
    delete(chain, documents[0])
    delete(chain, documents[1])
    code, found = audited(central, chain)
    assert [(code, day["state"], day["difference"]) for day in found["days"]] == [
        (1, "differs", "1 row missing")
    ]


def test_a_row_without_any_of_what_is_counted(central: Central, chain: OpenSearchCluster) -> None:
    change(chain, holdings()["Loja001", DAYS[0]][0], "ctx._source.remove('cdr')")
    code, found = audited(central, chain)
    assert [(code, day["difference"]) for day in found["days"]] == [(1, "rows: 60 seconds missing")]


def test_an_empty_cluster(central: Central, cluster: OpenSearchCluster) -> None:
    code, found = audited(central, cluster)
    assert (code, found["days"], found["silent"]) == (0, [], [])


def test_wrong_usage(central: Central, cluster: OpenSearchCluster) -> None:
    for days in ("0", "-1", "x", "9999"):
        outcome = central("audit", "--days", days, "--url", cluster.url)
        assert outcome.code == 2
        assert f"{days!r} is no number of days from 1 to 366" in outcome.err or days == "-1"
    assert central("audit", "--url", "http://127.0.0.1:9").code == 1


def add(cluster: OpenSearchCluster, document: dict[str, Any]) -> None:
    other = json.loads(json.dumps(document))
    other["event"]["id"] = document["event"]["id"].replace("2026", "f026", 1)
    put(cluster, [other])


def double(cluster: OpenSearchCluster, document: dict[str, Any]) -> None:
    kind = "calls" if "call" in document else "cdr"
    path = f"/pabx-{kind}-2001.01/_doc/{document['event']['id']}?refresh=true&pipeline=_none"
    cluster.request("PUT", path, document)


def alter(cluster: OpenSearchCluster, document: dict[str, Any]) -> None:
    field = "call.outcome" if "call" in document else "cdr.disposition"
    change(cluster, document, f"ctx._source.{field} = 'altered'")


def lengthen(cluster: OpenSearchCluster, document: dict[str, Any]) -> None:
    field = "call.duration_seconds" if "call" in document else "cdr.duration"
    change(cluster, document, f"ctx._source.{field} += 1")


def move(cluster: OpenSearchCluster, document: dict[str, Any]) -> None:
    """To a day that nobody looks at."""
    change(cluster, document, "ctx._source.local.date = '2001-01-01'")


DAMAGE: dict[str, Callable[[OpenSearchCluster, dict[str, Any]], None]] = {
    "delete": delete,
    "add": add,
    "double": double,
    "alter": alter,
    "lengthen": lengthen,
    "move": move,
}


@given(data=st.data())
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_named_and_nothing_else(
    central: Central, chain: OpenSearchCluster, data: st.DataObject
) -> None:
    chain.request("DELETE", "/pabx-cdr-*,pabx-calls-*")
    put(chain, [document for documents in holdings().values() for document in documents])
    damaged = set()
    for key, documents in holdings().items():
        for document in documents:
            kind = data.draw(st.sampled_from([None] * 12 + list(DAMAGE)))
            if kind is not None:
                damaged.add(key)
                DAMAGE[kind](chain, document)
    code, found = audited(central, chain)
    assert {(day["store"], day["day"]) for day in found["days"]} == damaged
    assert code == (1 if damaged else 0)
