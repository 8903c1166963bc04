"""`central relate` on the real cluster: the last days, what came late, a period anew, nothing twice."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from central.calls import cluster as cluster_calls
from central.client import Connection, connect
from central.relations import run as relate_run
from central.relations.run import Days, relate_calls
from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
SEQUENCE = 4_398_046_511_104
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WITHIN = timedelta(hours=24)
ANNA, BRUNO = "+5511987654321", "+551133334444"
EMPTY = dict.fromkeys(("called_back", "came_again", "tried", "waiting", "never", "no_number"), 0)


def at(text: str) -> datetime:
    """A moment of 2026, such as `11-23 08:00` or `11-23 08:00:05`."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def call(name: str, start: str, seconds: int = 60, sequence: int = SEQUENCE, **parts: Any) -> dict[str, Any]:
    """A call's document as the agent sends it: Anna calls over vivo and 101 answers, unless told."""
    begin = at(start)
    number, store = parts.pop("number", ANNA), parts.pop("store", "Loja001")
    tags, hidden = parts.pop("tags", None), parts.pop("hidden", None)
    values = {
        "id": name,
        "linked_ids": [name],
        "direction": "inbound",
        "outcome": "answered",
        "answered": True,
        "missed": False,
        "answered_by": ["101"],
        "duration_seconds": seconds,
        "legs": 1,
        "trunk": "vivo",
    }
    values = {key: value for key, value in (values | parts).items() if value is not None}
    outside = {"number": hidden or number.removeprefix("+55"), **({} if hidden else {"e164": number})}
    outbound = values["direction"] == "outbound"
    own = {"number": "1133330000", **({"extension": "101"} if outbound else {})}
    return {
        "@timestamp": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
        "event": {
            "id": name,
            "dataset": "pabx.call",
            "created": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
            "start": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
            "end": f"{begin + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}",
            "sequence": sequence,
        },
        "store": {"id": store},
        "agent": {"version": "0.1.0"},
        "local": {"date": f"{begin:%Y-%m-%d}", "hour": begin.hour, "weekday": 1},
        "call": values,
        "source": own if outbound else outside,
        "destination": outside if outbound else own,
        **({"tags": tags} if tags else {}),
    }


def missed(name: str, start: str, seconds: int = 30, **parts: Any) -> dict[str, Any]:
    gone = {"outcome": "no_answer", "answered": False, "missed": True, "answered_by": None}
    return call(name, start, seconds, **(gone | parts))


def outbound(name: str, start: str, seconds: int = 30, **parts: Any) -> dict[str, Any]:
    return call(name, start, seconds, **({"direction": "outbound", "answered_by": ["987654321"]} | parts))


def send(cluster: OpenSearchCluster, *documents: dict[str, Any]) -> None:
    """Write calls as the agent does: `index`, with what the pipeline makes of it."""
    lines = []
    for document in documents:
        index = f"pabx-calls-{document['@timestamp'][:7].replace('-', '.')}"
        lines += [{"index": {"_index": index, "_id": document["event"]["id"]}}, document]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    answer = cluster.request("POST", "/_bulk?refresh=true", body)
    assert {item["index"]["status"] for item in answer["items"]} <= {200, 201}, answer
    assert all(item["index"]["_index"].startswith("pabx-calls-") for item in answer["items"])


def stored(cluster: OpenSearchCluster) -> dict[str, dict[str, Any]]:
    """All calls: id -> hit with `_seq_no`, `_version` and `_source`."""
    cluster.request("POST", "/pabx-calls-*/_refresh")
    body = {"size": 10_000, "seq_no_primary_term": True, "version": True}
    hits = cluster.request("POST", "/pabx-calls-*/_search", body)["hits"]["hits"]
    return {hit["_id"]: hit for hit in hits}


def counts(cluster: OpenSearchCluster) -> dict[str, int | None]:
    """Id -> `call.trunk_calls`."""
    return {name: hit["_source"]["call"].get("trunk_calls") for name, hit in stored(cluster).items()}


def states(cluster: OpenSearchCluster) -> dict[str, str]:
    """Id -> `call.callback.state`, where there is one."""
    found = {name: hit["_source"]["call"].get("callback") for name, hit in stored(cluster).items()}
    return {name: what["state"] for name, what in found.items() if what is not None}


def written(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> set[str]:
    """The calls that were written in between."""
    return {name for name in after if after[name]["_seq_no"] != before[name]["_seq_no"]}


Relate = Callable[..., dict[str, Any]]


@pytest.fixture
def relate(cluster: OpenSearchCluster) -> Relate:
    """Relate at a moment, and give what it says."""

    def run(period: Days | int = 3, now: datetime = NOW, *, dry_run: bool = False) -> dict[str, Any]:
        connection = Connection(cluster.url)
        return relate_calls(connect(connection), connection, period, WITHIN, now, dry_run=dry_run).as_dict()

    return run


def day(text: str) -> Days:
    """From this day of 2026 on."""
    return Days(at(text).date(), None)


def test_missed_calls_and_trunks_and_a_second_run_writes_nothing(
    cluster: OpenSearchCluster, relate: Relate
) -> None:
    send(
        cluster,
        missed("a", "11-23 08:00:00"),
        missed("b", "11-23 08:00:10"),
        outbound("c", "11-23 08:05:00"),
        missed("d", "11-23 09:00:00", number=BRUNO),
        call("e", "11-23 09:10:00", number=BRUNO, answered_by=["103", "104"]),
        missed("f", "11-23 10:00:00", number=BRUNO),
        outbound("g", "11-23 10:01:00", number=BRUNO, outcome="busy", answered=False, answered_by=None),
        missed("h", "11-23 11:00:00", hidden="anonymous"),
        missed("i", "11-23 11:50:00", number="+552133334444"),
        missed("j", "11-21 08:00:00", number="+552133335555"),
        call("k", "11-23 09:10:30", direction="internal"),
        call("l", "11-23 09:10:40", trunk=None),
        call("m", "11-23 09:10:50", billable_trunk="tim"),
        call("n", "11-23 09:11:00", trunk="tim"),
        missed("o", "11-23 11:00:00", store="Loja002"),  # another store's calls are nothing to it
        {**call("p", "11-23 09:10:00"), "call": {"id": "p", "merged_into": "e"}},
    )
    before = stored(cluster)
    report = relate()
    after = stored(cluster)
    callbacks = {name: hit["_source"]["call"].get("callback") for name, hit in after.items()}
    assert {name: what for name, what in callbacks.items() if what is not None} == {
        "a": {"state": "called_back", "seconds": 270, "by": "101", "call_id": "c"},
        "b": {"state": "called_back", "seconds": 260, "by": "101", "call_id": "c"},
        "d": {"state": "came_again", "seconds": 570, "by": "103", "call_id": "e"},
        "f": {"state": "tried", "seconds": 30, "by": "101", "call_id": "g"},
        "h": {"state": "no_number"},
        "i": {"state": "waiting"},
        "j": {"state": "never"},
        "o": {"state": "waiting"},
    }
    assert counts(cluster) == {
        **dict.fromkeys("acdefghijo", 1),
        "b": 2,
        "m": 2,
        "n": 2,
        **dict.fromkeys("klp"),
    }
    assert report == {
        "dry_run": False,
        "calls": 15,
        "changed": 13,
        "unchanged": 2,
        "conflicts": 0,
        "missed": {
            "called_back": 2,
            "came_again": 1,
            "tried": 1,
            "waiting": 2,
            "never": 1,
            "no_number": 1,
        },
        "peak": {"calls": 2, "store": "Loja001", "trunk": "vivo", "at": "2026-11-23T08:00:10Z"},
    }
    assert after["a"]["_version"] == SEQUENCE + 1
    for name, hit in after.items():
        for key in ("trunk_calls", "callback"):
            hit["_source"]["call"].pop(key, None)
        assert hit["_source"] == before[name]["_source"], "nothing else is touched"
    again = relate()
    assert (again["changed"], again["unchanged"], again["missed"]) == (0, 15, report["missed"])
    assert relate(day("11-20"))["changed"] == 0
    assert written(after, stored(cluster)) == set()


def test_a_waiting_call_is_settled_by_time_and_by_a_call(cluster: OpenSearchCluster, relate: Relate) -> None:
    send(cluster, missed("a", "11-23 08:00"), missed("b", "11-23 09:00", number=BRUNO))
    relate()
    assert states(cluster) == {"a": "waiting", "b": "waiting"}
    send(cluster, outbound("c", "11-23 13:00"))
    relate(now=at("11-23 14:00"))
    assert states(cluster) == {"a": "called_back", "b": "waiting"}
    assert relate(now=at("11-24 09:00:29"))["changed"] == 0
    # Long after: they are no more of the last days.
    assert relate(now=at("12-20 12:00"))["changed"] == 1
    assert states(cluster) == {"a": "called_back", "b": "never"}


def test_a_call_of_long_ago_that_comes_late_changes_those_around_it(
    cluster: OpenSearchCluster, relate: Relate
) -> None:
    send(cluster, missed("a", "09-10 08:00"), call("b", "09-11 07:59:50"), call("c", "09-12 09:00"))
    relate()
    assert states(cluster) == {"a": "came_again"}
    assert counts(cluster) == {"a": 1, "b": 1, "c": 1}
    before = stored(cluster)
    send(cluster, outbound("late", "09-11 07:59:45", 25 * 3600))
    assert relate()["changed"] == 3
    assert states(cluster) == {"a": "called_back"}
    assert counts(cluster) == {"a": 1, "b": 2, "c": 1, "late": 1}, "a line is taken to be held for a day"
    assert written(before, {name: stored(cluster)[name] for name in before}) == {"a", "b"}
    # One that its store sends again has lost what stood there.
    send(cluster, missed("a", "09-10 08:00", sequence=SEQUENCE + 2**20))
    assert states(cluster) == {}
    assert relate()["changed"] == 1
    assert states(cluster) == {"a": "called_back"}


def test_a_call_that_went_is_no_answer_any_more(cluster: OpenSearchCluster, relate: Relate) -> None:
    send(cluster, missed("a", "11-22 08:00"), outbound("b", "11-22 08:10"), missed("c", "10-01 08:00"))
    send(cluster, outbound("d", "10-01 08:10"))
    relate()
    assert states(cluster) == {"a": "called_back", "c": "called_back"}
    cluster.request("DELETE", "/pabx-calls-2026.11/_doc/b?refresh=true")
    cluster.request("DELETE", "/pabx-calls-2026.10/_doc/d?refresh=true")
    relate()
    assert states(cluster) == {"a": "never", "c": "called_back"}, "nothing says that d was there"
    relate(Days(at("10-01").date(), at("10-01").date()))
    assert states(cluster) == {"a": "never", "c": "never"}


def test_a_period_is_exact_at_its_edges_and_writes_nothing_else(
    cluster: OpenSearchCluster, relate: Relate
) -> None:
    send(
        cluster,
        call("a", "11-09 09:59:00", 7200),  # it still goes on when the days begin
        call("b", "11-09 09:59:59", 1),
        call("c", "11-09 10:00:00", 10),  # the 10th begins then by the clock of Kiritimati
        missed("d", "11-10 23:00:00", 30),
        missed("e", "11-11 12:00:00", 30),  # the 11th by every clock
        outbound("f", "11-11 22:00:00"),
    )
    before = stored(cluster)
    report = relate(Days(at("11-10").date(), at("11-10").date()))
    assert report["calls"] == 2
    assert written(before, stored(cluster)) == {"c", "d"}
    assert counts(cluster) == {"a": None, "b": None, "c": 2, "d": 1, "e": None, "f": None}
    assert states(cluster) == {"d": "called_back"}


def test_hashed_numbers_compare_and_masked_ones_do_not(cluster: OpenSearchCluster, relate: Relate) -> None:
    pseudonym = "h" + "0123456789abcdef" * 2
    send(
        cluster,
        missed("a", "11-23 08:00", hidden=pseudonym),
        outbound("b", "11-23 08:10", hidden=pseudonym),
        missed("c", "11-23 08:00", hidden="*******4321"),
        outbound("d", "11-23 08:10", hidden="*******4321"),
    )
    relate()
    assert states(cluster) == {"a": "called_back", "c": "no_number"}


def test_what_became_of_a_call_stays_when_its_number_is_erased(
    cluster: OpenSearchCluster, relate: Relate, central: Central
) -> None:
    send(cluster, missed("a", "11-23 08:00"), outbound("b", "11-23 08:10"), missed("c", "11-23 11:00"))
    relate()
    assert states(cluster) == {"a": "called_back", "c": "waiting"}
    assert central("erase", "--url", cluster.url, "--number", ANNA, "--area-code", "11").code == 0
    relate()
    kept = stored(cluster)["a"]["_source"]
    assert kept["call"]["callback"] == {"state": "called_back", "seconds": 570, "by": "101", "call_id": "b"}
    assert "987654321" not in json.dumps(stored(cluster))
    assert states(cluster) == {"a": "called_back", "c": "no_number"}
    assert relate()["changed"] == 0


def test_a_dry_run_writes_nothing(cluster: OpenSearchCluster, relate: Relate) -> None:
    send(cluster, missed("a", "11-23 08:00"), outbound("b", "11-23 08:10"))
    before = stored(cluster)
    dry = relate(dry_run=True)
    assert (dry["dry_run"], dry["changed"]) == (True, 2)
    assert stored(cluster) == before
    assert {**relate(), "dry_run": True} == dry


def reckoned(documents: list[dict[str, Any]]) -> dict[str, tuple[int | None, dict[str, Any] | None]]:
    """What is to stand on each, found by comparing each with each of its store."""
    found: dict[str, tuple[int | None, dict[str, Any] | None]] = {}
    times = {
        document["event"]["id"]: (
            datetime.fromisoformat(document["event"]["start"]),
            datetime.fromisoformat(document["event"]["end"]),
        )
        for document in documents
    }
    ordered = sorted(documents, key=lambda one: (one["@timestamp"], one["event"]["id"]))
    for one in ordered:
        values, name = one["call"], one["event"]["id"]
        start, end = times[name]
        mates = [other for other in ordered if other is not one and other["store"] == one["store"]]
        going = [
            other
            for other in mates
            if other["call"]["trunk"] == values["trunk"]
            and times[other["event"]["id"]][0] <= start < times[other["event"]["id"]][1]
        ]
        back = None
        if values["missed"]:
            back = {"state": "waiting" if end + WITHIN > NOW else "never"}
            tried = None
            for other in mates:
                out = other["call"]["direction"] == "outbound"
                number = other["destination" if out else "source"]["e164"]
                begun = times[other["event"]["id"]][0]
                if number != one["source"]["e164"] or not end <= begun <= end + WITHIN:
                    continue
                seconds = int((begun - end).total_seconds())
                by = "101" if out else (other["call"].get("answered_by") or [None])[0]
                told = {"seconds": seconds, "by": by, "call_id": other["event"]["id"]}
                if other["call"]["answered"]:
                    back = {"state": "called_back" if out else "came_again", **told}
                    break
                tried = tried or ({"state": "tried", **told} if out else None)
            else:
                back = tried or back
        found[name] = (1 + len(going), back)
    return found


def said(cluster: OpenSearchCluster) -> dict[str, tuple[int | None, dict[str, Any] | None]]:
    found = {name: hit["_source"]["call"] for name, hit in stored(cluster).items()}
    return {name: (values.get("trunk_calls"), values.get("callback")) for name, values in found.items()}


def test_thousands_of_calls_that_come_in_any_order(
    cluster: OpenSearchCluster, relate: Relate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of them weeks late; after each run of the ordinary kind every call says what is right."""
    monkeypatch.setattr(cluster_calls, "_PAGE", 170)
    monkeypatch.setattr(cluster_calls, "_BULK", 130)
    monkeypatch.setattr(relate_run, "_BUCKETS", 7)
    chance = random.Random(7)
    documents = []
    for number in range(2400):
        moment = NOW - timedelta(seconds=chance.randrange(20 * 86_400))
        kind = chance.choice([missed, missed, call, outbound, outbound])
        parts: dict[str, Any] = {}
        if kind is outbound and chance.random() < 0.4:
            parts = {"outcome": "busy", "answered": False, "answered_by": None}
        documents.append(
            kind(
                f"c{number:05}",
                f"{moment:%m-%d %H:%M:%S}",
                chance.choice([0, 5, 60, 600, 7200, 30_000]),
                number=f"+5511987650{chance.randrange(150):03}",
                store=chance.choice(["Loja001", "Loja002", "Loja003"]),
                trunk=chance.choice(["vivo", "tim"]),
                **parts,
            )
        )
    chance.shuffle(documents)
    arrived: list[dict[str, Any]] = []
    for begin, end in ((0, 1500), (1500, 2360), (2360, 2390), (2390, 2400)):
        send(cluster, *documents[begin:end])
        arrived += documents[begin:end]
        report = relate()
        assert report["conflicts"] == 0
        assert said(cluster) == reckoned(arrived)
    assert relate()["changed"] == 0
    whole = relate(day("10-01"))
    assert (whole["changed"], whole["calls"]) == (0, 2400)
    assert all(whole["missed"][state] for state in ("called_back", "came_again", "tried", "waiting", "never"))
    assert whole["peak"]["calls"] == max(count or 0 for count, _ in said(cluster).values())


def test_a_document_that_its_store_writes_meanwhile_is_left_to_the_next_run(
    cluster: OpenSearchCluster, relate: Relate, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(cluster, missed("a", "11-23 08:00"), outbound("b", "11-23 08:10"))
    whole = cluster_calls.StoredCalls.write

    def between(self: Any, wanted: Any) -> list[bool]:
        send(cluster, missed("a", "11-23 08:00", 40, sequence=SEQUENCE + 2**20))
        return whole(self, wanted)

    monkeypatch.setattr(cluster_calls.StoredCalls, "write", between)
    report = relate()
    assert (report["changed"], report["conflicts"]) == (1, 1)
    assert states(cluster) == {}
    monkeypatch.undo()
    assert relate()["changed"] == 1
    assert stored(cluster)["a"]["_source"]["call"]["callback"]["seconds"] == 560


def test_the_command_goes_by_the_clusters_clock(cluster: OpenSearchCluster, central: Central) -> None:
    now = datetime.now(UTC)
    begin = f"{now - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
    document = missed("a", "11-23 08:00")
    document["@timestamp"] = document["event"]["start"] = document["event"]["end"] = begin
    send(cluster, document)
    first = central("relate", "--url", cluster.url)
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines() == [
        "1 calls; 1 changed, 0 unchanged",
        (
            "1 missed calls: 0 called back, 0 came again, 0 tried in vain, 1 waiting, 0 never, "
            "0 without a number"
        ),
        f"most calls at once on one trunk: 1, Loja001 vivo, {begin}",
    ]
    shorter = json.loads(central("relate", "--url", cluster.url, "--within", "2", "--json").out)
    assert shorter["missed"] == {**EMPTY, "never": 1}
    dry = central("relate", "--url", cluster.url, "--since", "2026-01-01", "--dry-run").out.splitlines()
    assert dry[0] == "1 calls; 1 to change, 0 unchanged"
    assert dry[-1] == "nothing was changed (--dry-run)"


def test_a_cluster_without_calls(cluster: OpenSearchCluster, central: Central, relate: Relate) -> None:
    empty = {"dry_run": False, "calls": 0, "changed": 0, "unchanged": 0, "conflicts": 0}
    assert relate() == relate(day("11-01")) == {**empty, "missed": EMPTY, "peak": None}
    assert central("relate", "--url", cluster.url).code == 0


WRONG = {
    "no date": (("--since", "yesterday"), "'yesterday' is no date such as 2026-11-23"),
    "until alone": (
        ("--until", "2026-11-01"),
        "--until 2026-11-01 without --since: say which day the period",
    ),
    "the wrong way round": (
        ("--since", "2026-11-02", "--until", "2026-11-01"),
        "--until 2026-11-01 is before --since 2026-11-02: swap them",
    ),
    "days and since": (
        ("--since", "2026-11-02", "--days", "3"),
        "--days 3 and --since 2026-11-02: give one of them",
    ),
    "no days": (("--days", "0"), "'0' is no number of days from 1 to 3660"),
    "too long": (("--within", "721"), "'721' is no number of hours from 1 to 720"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_ends_before_the_cluster_is_asked(central: Central, name: str) -> None:
    arguments, message = WRONG[name]
    outcome = central("relate", "--url", "http://127.0.0.1:9", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
