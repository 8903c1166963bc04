"""`central learn` on the real cluster: what is counted, written into the stores' documents, and told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from central.client import Connection, connect
from central.usual import counts
from central.usual.expectation import expectation_of
from central.usual.run import learn
from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
ZONE = "America/Sao_Paulo"
NOW = datetime(2026, 9, 21, 15, 0, tzinfo=UTC)  # a Monday, 12 o'clock in São Paulo
TODAY = NOW.date()
REGISTER = {
    "timezone": ZONE,
    "state": "SP",
    "city": "Bauru",
    "opening_hours": ["Mon-Fri 09:00-18:00", "Sat 09:00-13:00"],
    "registered_at": "2026-01-01T00:00:00Z",
}


def call(store: str, day: str, hour: int, number: int, **fields: Any) -> dict[str, Any]:
    """A call's document, as it lies in the index."""
    return {
        "@timestamp": f"{day}T{hour + 3:02}:{number % 60:02}:00Z",
        "event": {"id": f"{store} {day} {hour} {number}", "dataset": "pabx.call"},
        "store": {"id": store, "timezone": ZONE},
        "local": {"date": day, "hour": hour, "weekday": 1},
        "call": {"id": "x", "direction": "inbound", "missed": False, **fields},
    }


def fill(cluster: OpenSearchCluster, documents: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Write documents past the pipeline: (index, id, document)."""
    for start in range(0, len(documents), 5000):
        lines = [
            line
            for index, key, document in documents[start : start + 5000]
            for line in (json.dumps({"index": {"_index": index, "_id": key}}), json.dumps(document))
        ]
        answer = cluster.request("POST", "/_bulk?pipeline=_none&refresh=true", "\n".join(lines) + "\n")
        assert not answer["errors"], answer["items"][0]


def store(name: str, **fields: Any) -> tuple[str, str, dict[str, Any]]:
    source = {
        "@timestamp": "2026-09-21T14:59:50Z",
        "event": {"id": name, "dataset": "pabx.store", "created": "2026-09-21T14:59:50Z"},
        "store": {"id": name, **REGISTER, **fields},
        "agent": {"version": "0.1.0"},
    }
    return ("pabx-stores", name, source)


def calls(name: str, days: int = 60, a_day: int = 18) -> list[tuple[str, str, dict[str, Any]]]:
    """The calls of a steady store on its opening days, evenly over its hours, two of them missed."""
    found = []
    for age in range(1, days + 1):
        day = TODAY - timedelta(days=age)
        hours = {5: 4, 6: 0}.get(day.weekday(), 9)
        for number in range(a_day * hours // 9):
            one = call(name, str(day), 9 + number % hours, number, missed=number in {0, 5})
            found.append((f"pabx-calls-{day:%Y.%m}", one["event"]["id"], one))
    return found


def usual_of(cluster: OpenSearchCluster, name: str) -> dict[str, Any]:
    cluster.request("POST", "/pabx-stores/_refresh")
    found: dict[str, Any] = cluster.request("GET", f"/pabx-stores/_doc/{name}")["_source"]["store"]["usual"]
    return found


def test_what_is_usual_is_learned_and_written(cluster: OpenSearchCluster) -> None:
    merged = call("A", "2026-09-14", 10, 99, merged_into="y")
    outbound = [
        call(
            "A",
            str(TODAY - timedelta(days=age)),
            10,
            100,
            direction="outbound",
            billable_seconds=90,
            cost={"amount": 1.5},
        )
        for age in range(1, 60)
    ]
    fill(
        cluster,
        [
            store("A", spool_documents=3),
            store("B", timezone="No/Where"),
            store("C"),
            *calls("A"),
            *calls("Z", 3),
            ("pabx-calls-2026.09", "merged", merged),
            ("pabx-calls-2026.09", "no date", merged | {"local": {"date": "yesterday", "hour": 9}}),
            *(
                ("pabx-calls-" + one["@timestamp"][:7].replace("-", "."), one["event"]["id"], one)
                for one in outbound
            ),
        ],
    )
    connection = Connection(cluster.url)
    client = connect(connection)
    before = cluster.request("GET", "/pabx-stores/_doc/A")
    dry = learn(client, connection, 90, NOW, dry_run=True)
    assert cluster.request("GET", "/pabx-stores/_doc/A") == before
    done = learn(client, connection, 90, NOW, dry_run=False)
    assert done.as_dict() == dry.as_dict() | {"dry_run": False}
    assert (done.changed, list(done.unusable), done.not_registered) == (["A", "C"], ["B"], ["Z"])
    usual = usual_of(cluster, "A")
    by_day = [sum(usual["calls"][first : first + 24]) for first in range(0, 168, 24)]
    assert by_day == pytest.approx([19, 19, 19, 19, 19, 9, 1], rel=0.1, abs=0.1)
    assert usual["calls"][10] == pytest.approx(3, rel=0.15)
    assert usual["learned_at"] == "2026-09-21T15:00:00Z"
    # Of a week's 98 inbound calls two are missed a day, of Saturday's eight too.
    assert usual["missed_share"] == pytest.approx(12 / 98, abs=0.01)
    assert (usual["day_billable_seconds"], usual["day_cost"]) == (90, 1.5)
    assert usual_of(cluster, "C") == {
        "learned_at": "2026-09-21T15:00:00Z",
        "days": 0,
        "calls": [0.0] * 168,
        "limit": 12.0,
        "week_calls": 0.0,
        "day_billable_seconds": 0,
    }
    after = cluster.request("GET", "/pabx-stores/_doc/A")["_source"]
    assert after["store"] | {"usual": None} == before["_source"]["store"] | {"usual": None}
    week = datetime(2026, 9, 14, 3, tzinfo=UTC).timestamp()
    # One call on Sundays is left out: it is closed then.
    assert expectation_of(after["store"]).between(week, week + 7 * 86400) == pytest.approx(
        sum(by_day[:6]), rel=0.01
    )


def test_learning_again_changes_what_differs_alone(cluster: OpenSearchCluster) -> None:
    fill(cluster, [store("A"), store("B"), *calls("A"), *calls("B")])
    connection = Connection(cluster.url)
    client = connect(connection)
    assert learn(client, connection, 90, NOW, dry_run=False).changed == ["A", "B"]
    again = learn(client, connection, 90, NOW + timedelta(minutes=5), dry_run=False)
    assert again.changed == []
    assert usual_of(cluster, "A")["learned_at"] == "2026-09-21T15:05:00Z"
    fewer = learn(client, connection, 30, NOW, dry_run=False)
    assert fewer.changed == ["A", "B"]
    assert fewer.learned["A"].days < again.learned["A"].days <= 60


def test_all_pages_of_the_counts_are_read(
    cluster: OpenSearchCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(cluster, calls("A", 20))
    connection = Connection(cluster.url)
    client = connect(connection)

    def search(body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = client.search(index="pabx-calls-*", body=body)
        return found

    whole = counts.counts_of(search, TODAY - timedelta(days=30))
    monkeypatch.setattr(counts, "_PAGE", 7)
    assert counts.counts_of(search, TODAY - timedelta(days=30)) == whole
    monday = whole["A"][TODAY - timedelta(days=7)]
    assert (list(monday.hours[9:18]), monday.inbound, monday.missed) == ([2] * 9, 18, 2)
    assert min(whole["A"]) >= TODAY - timedelta(days=20)
    assert list(counts.counts_of(search, TODAY - timedelta(days=1))) == []


def test_a_person_reads_what_was_learned(cluster: OpenSearchCluster, central: Central) -> None:
    empty = central("learn", "--url", cluster.url)
    assert (empty.code, empty.out) == (0, "0 stores: 0 changed, 0 as they were\n")
    fill(cluster, [store("Loja001"), store("B", timezone="No/Where")])
    outcome = central("--url", cluster.url, "learn", "--dry-run", "--days", "30")
    assert (outcome.code, outcome.err) == (0, "")
    wrong = "store.timezone 'No/Where': no known zone"
    assert outcome.out.splitlines() == [
        "Loja001  no calls yet: 16 opening hours without one are silence",
        f"B: nothing was learned: {wrong}: correct it in the register, or in its shipper.toml",
        "1 store: 1 to change, 0 as they were; nothing was changed (--dry-run)",
    ]
    told = json.loads(central("learn", "--url", cluster.url, "--json").out)
    assert told["changed"] == ["Loja001"]
    assert set(told) == {"dry_run", "stores", "changed", "unusable", "not_registered"}


@pytest.mark.parametrize("days", ["0", "401", "x", "-1", "1.5"])
def test_wrong_days_are_told(central: Central, days: str) -> None:
    outcome = central("learn", "--url", "http://127.0.0.1:9", f"--days={days}")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{days!r} is no number of days from 1 to 400" in outcome.err
