"""`central rate` on the real cluster: what is pending, a period anew, nothing twice, no amount by mistake."""

import json
import random
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from central.calls import cluster as cluster_calls
from central.client import Connection, connect
from central.rating.calls import Calls
from central.rating.rate import Cost
from central.rating.run import _BILLABLE, _query
from compose.stack import OpenSearchCluster
from shipper.assembly.builder import FIRST, WITHOUT_ROW, sequence_of
from tests.central.outcome import Outcome

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
SEQUENCE = 4_398_046_511_104

TARIFFS = """
currency = "BRL"
[[plan]]
name = "vivo"
trunks = ["vivo"]
valid_from = 2026-01-01
minimum_seconds = 30
increment_seconds = 6
free_seconds = 3
rate = [
    { category = "local_mobile", per_minute = 0.35, connection = 0.05 },
    { category = "local_fixed", per_minute = 0.08 },
    { prefix = "+1", per_minute = 0.90 },
]
[[plan]]
name = "claro"
trunks = ["claro"]
valid_from = 2026-01-01
minimum_seconds = 30
increment_seconds = 6
bundle = { minutes = 2, categories = ["local_fixed"], scope = "store" }
rate = [{ category = "local_fixed", per_minute = 0.10, connection = 0.05 }]
"""


def call(
    name: str, time: str = "2026-11-03T15:00:00Z", sequence: int = SEQUENCE, **parts: Any
) -> dict[str, Any]:
    """A call's document as the agent sends it: 61 seconds to a mobile number over vivo, unless told."""
    store, date = parts.pop("store", "Loja001"), parts.pop("date", time[:10])
    values = {
        "id": name,
        "linked_ids": [name],
        "direction": "outbound",
        "outcome": "answered",
        "answered": True,
        "missed": False,
        "duration_seconds": 90,
        "legs": 1,
        "billable_seconds": 61,
        "trunk": "vivo",
        "category": "local_mobile",
        "prefix": "+551198",
    }
    return {
        "@timestamp": time,
        "event": {"id": name, "dataset": "pabx.call", "created": time, "sequence": sequence},
        "store": {"id": store},
        "agent": {"version": "0.1.0"},
        "local": {"date": date, "hour": 12, "weekday": 2},
        "call": {key: value for key, value in (values | parts).items() if value is not None},
    }


def send(cluster: OpenSearchCluster, *documents: dict[str, Any]) -> None:
    """Write calls as the agent does: `index`, with what the pipeline makes of it."""
    lines = []
    for document in documents:
        index = f"pabx-calls-{document['@timestamp'][:7].replace('-', '.')}"
        lines += [{"index": {"_index": index, "_id": document["event"]["id"]}}, document]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    answer = cluster.request("POST", "/_bulk?refresh=true", body)
    assert {item["index"]["status"] for item in answer["items"]} <= {200, 201}
    assert all(item["index"]["_index"].startswith("pabx-calls-") for item in answer["items"])


def stored(cluster: OpenSearchCluster) -> dict[str, dict[str, Any]]:
    """All calls: id -> hit with `_seq_no`, `_version` and `_source`."""
    cluster.request("POST", "/pabx-calls-*/_refresh")
    body = {"size": 10_000, "seq_no_primary_term": True, "version": True}
    hits = cluster.request("POST", "/pabx-calls-*/_search", body)["hits"]["hits"]
    return {hit["_id"]: hit for hit in hits}


def costs(cluster: OpenSearchCluster) -> dict[str, Any]:
    """Id -> amount, else the reason, else None; never both."""
    found: dict[str, Any] = {}
    for name, hit in stored(cluster).items():
        values = hit["_source"]["call"]
        assert not ("cost" in values and "unrated" in values)
        found[name] = values["cost"]["amount"] if "cost" in values else values.get("unrated")
    return found


def written(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> set[str]:
    """The calls that were written in between."""
    return {name for name in after if after[name]["_seq_no"] != before[name]["_seq_no"]}


@pytest.fixture
def rate(cluster: OpenSearchCluster, central: Central, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run `central rate` with a file of this text and give its JSON."""

    def run(*arguments: str, tariffs: str = TARIFFS, url: str = cluster.url) -> dict[str, Any]:
        path = tmp_path / "tariffs.toml"
        path.write_text(tariffs, encoding="utf-8")
        outcome = central("rate", "--url", url, "--tariffs", path, "--json", *arguments)
        assert (outcome.code, outcome.err) == (0, "")
        found: dict[str, Any] = json.loads(outcome.out)
        return found

    return run


Rate = Callable[..., dict[str, Any]]


def test_pending_calls_get_a_cost_or_a_reason_and_a_second_run_writes_nothing(
    cluster: OpenSearchCluster, rate: Rate
) -> None:
    send(
        cluster,
        call("a"),
        call("b", billable_seconds=3),
        call("c", category="international", prefix="+130555", billable_seconds=31),
        call("d", trunk="tim"),
        call("e", category="international", prefix="+351210"),
        call("f", billable_seconds=0),
        call("g", billable_seconds=None),
        call("h", collect=True),
        call("i", merged_into="a"),
        call("j", "2026-12-01T01:00:00Z", date="2026-11-30", category="local_fixed"),
    )
    before = stored(cluster)
    report = rate()
    assert costs(cluster) == {
        "a": 0.435,  # 0.05 + 0.35 * 66 / 60
        "b": 0.0,
        "c": 0.54,  # 0.90 * 36 / 60
        "d": "no plan for trunk tim on 2026-11-03",
        "e": "no rate for category international in plan vivo 2026-01-01",
        "f": None,
        "g": None,
        "h": "collect call, paid by the called party",
        "i": None,
        "j": 0.088,  # 0.08 * 66 / 60
    }
    after = stored(cluster)
    assert after["a"]["_source"]["call"]["cost"] == {
        "amount": 0.435,
        "currency": "BRL",
        "tariff": "vivo 2026-01-01 local_mobile",
        "trunk": "vivo",
        "category": "local_mobile",
    }
    assert written(before, after) == {"a", "b", "c", "d", "e", "h", "j"}
    assert after["a"]["_version"] == SEQUENCE + 1
    for name in after:
        for hit in (before[name], after[name]):
            for key in ("cost", "unrated"):
                hit["_source"]["call"].pop(key, None)
        assert after[name]["_source"] == before[name]["_source"], "nothing else is touched"
    assert report == {
        "dry_run": False,
        "rated": 4,
        "unrated": 3,
        "changed": 7,
        "unchanged": 0,
        "conflicts": 0,
        "outside": {},
        "sums": {"BRL": "1.0630"},
        "plans": [
            {
                "plan": "vivo 2026-01-01",
                "calls": 4,
                "seconds": 168,
                "bundle_seconds": 0,
                "currency": "BRL",
                "amount": "1.0630",
            }
        ],
        "reasons": [
            {
                "reason": reason,
                "calls": 1,
                "seconds": 61,
                "stores": ["Loja001"],
                "trunks": [trunk],
                "prefixes": [prefix],
                "first": "2026-11-03",
                "last": "2026-11-03",
            }
            for reason, trunk, prefix in (
                ("collect call, paid by the called party", "vivo", "+551198"),
                ("no plan for trunk tim", "tim", "+551198"),
                ("no rate for category international in plan vivo 2026-01-01", "vivo", "+351210"),
            )
        ],
    }
    again = rate()
    assert (again["changed"], again["unchanged"], again["unrated"]) == (0, 3, 3)
    assert written(after, stored(cluster)) == set()


def test_an_inbound_call_that_went_on_outside_is_rated_by_its_way_out(
    cluster: OpenSearchCluster, rate: Rate
) -> None:
    """In by claro from abroad, on to a mobile phone over vivo: vivo bills it, as a call to that phone."""
    onward = {"billable_trunk": "vivo", "billable_category": "local_mobile", "prefix": "+551198"}
    send(cluster, call("a", direction="inbound", trunk="claro", category="international", **onward))
    rate()
    assert costs(cluster) == {"a": 0.435}  # 0.05 + 0.35 * 66 / 60


def test_an_unrated_call_is_found_again_when_the_file_knows_it(
    cluster: OpenSearchCluster, rate: Rate
) -> None:
    send(cluster, call("a", trunk="tim"), call("b"))
    rate()
    before = stored(cluster)
    assert rate(tariffs=TARIFFS.replace('["vivo"]', '["vivo", "tim"]'))["changed"] == 1
    assert costs(cluster) == {"a": 0.435, "b": 0.435}
    assert written(before, stored(cluster)) == {"a"}


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(cluster: OpenSearchCluster, rate: Rate) -> None:
    send(cluster, call("a"), call("b", trunk="tim"), call("c", trunk="claro", category="local_fixed"))
    before = stored(cluster)
    dry = rate("--dry-run")
    assert (dry["dry_run"], dry["changed"], dry["sums"]) == (True, 3, {"BRL": "0.4350"})
    assert rate("--dry-run", "--since", "2026-11-01")["changed"] == 3
    assert stored(cluster) == before
    assert {**rate(), "dry_run": True} == dry


def test_a_corrected_tariff_rates_the_period_anew_and_nothing_else(
    cluster: OpenSearchCluster, rate: Rate
) -> None:
    days = {"a": "10-31", "b": "11-01", "c": "11-02", "d": "11-03", "e": "11-04"}
    send(cluster, *(call(name, f"2026-{day}T15:00:00Z") for name, day in days.items()))
    send(
        cluster,
        call("fixed", "2026-11-02T15:00:00Z", category="local_fixed"),
        call("late", "2026-11-03T02:59:59Z", date="2026-11-02"),  # the store's own day decides
        call("early", "2026-11-04T00:30:00Z", date="2026-11-03"),
    )
    rate()
    before = stored(cluster)
    corrected = TARIFFS.replace("0.35", "0.45")
    report = rate("--since", "2026-11-01", "--until", "2026-11-02", tariffs=corrected)
    assert (report["changed"], report["unchanged"], report["rated"]) == (3, 1, 4)
    assert written(before, stored(cluster)) == {"b", "c", "late"}
    assert costs(cluster)["late"] == 0.545  # 0.05 + 0.45 * 66 / 60
    after = stored(cluster)
    assert rate(tariffs=corrected)["changed"] == 0, "what has a cost keeps it"
    assert rate("--since", "2026-11-03", tariffs=corrected)["changed"] == 3
    assert written(after, stored(cluster)) == {"d", "e", "early"}
    # A plan that goes makes amounts into reasons, and back again.
    assert rate("--since", "2026-10-01", tariffs=TARIFFS.replace('"vivo"', '"x"'))["unrated"] == 8
    assert set(costs(cluster).values()) == {
        *(f"no plan for trunk vivo on 2026-{day}" for day in days.values())
    }
    assert rate("--since", "2026-10-01")["rated"] == 8
    assert rate("--since", "2026-10-01")["changed"] == 0
    assert costs(cluster)["a"] == 0.435


def test_a_call_that_its_store_writes_again_is_pending_again(cluster: OpenSearchCluster, rate: Rate) -> None:
    send(cluster, call("a"), call("b"))
    rate()
    send(cluster, call("a", sequence=SEQUENCE + 2**20, billable_seconds=121, legs=2))
    assert costs(cluster) == {"a": None, "b": 0.435}
    before = stored(cluster)
    assert rate()["changed"] == 1
    assert costs(cluster) == {"a": 0.785, "b": 0.435}  # 0.05 + 0.35 * 126 / 60
    assert written(before, stored(cluster)) == {"a"}


def test_a_call_without_a_row_gets_a_cost_and_a_row_makes_it_pending_again(
    cluster: OpenSearchCluster, rate: Rate
) -> None:
    send(cluster, call("heard", sequence=FIRST, legs=0) | {"tags": [WITHOUT_ROW]})
    rate()
    assert costs(cluster) == {"heard": 0.435}
    assert stored(cluster)["heard"]["_version"] == FIRST + 1
    send(cluster, call("heard", sequence=sequence_of(1), billable_seconds=30))
    assert costs(cluster) == {"heard": None}
    rate()
    assert costs(cluster) == {"heard": 0.225}


def test_an_older_state_that_is_sent_again_takes_no_cost_away(cluster: OpenSearchCluster, rate: Rate) -> None:
    send(cluster, call("a"))
    rate()
    body = (
        json.dumps({"index": {"_index": "pabx-calls-2026.11", "_id": "a"}})
        + "\n"
        + json.dumps(call("a"))
        + "\n"
    )
    answer = cluster.request("POST", "/_bulk?refresh=true", body)
    assert answer["items"][0]["index"]["status"] == 409
    assert costs(cluster) == {"a": 0.435}


def fixed(name: str, minute: int, **parts: Any) -> dict[str, Any]:
    """A call of 60 seconds that claro's bundle of two minutes pays for."""
    parts = {"trunk": "claro", "category": "local_fixed", "billable_seconds": 60} | parts
    return call(name, f"2026-11-03T15:{minute:02}:00Z", **parts)


@pytest.mark.parametrize("seed", range(3))
def test_a_bundle_is_used_in_the_order_of_the_calls(
    cluster: OpenSearchCluster, rate: Rate, seed: int
) -> None:
    documents = [
        fixed("a", 1),
        fixed("b", 2, billable_seconds=90),
        fixed("c2", 3),
        fixed("c1", 3, store="Loja002"),
    ]
    documents += [fixed("d", 4, trunk="vivo"), fixed("e", 5), fixed("f", 6, date="2026-12-01")]
    random.Random(seed).shuffle(documents)
    for document in documents:
        send(cluster, document)
        rate()  # each of them late in its own way
    assert costs(cluster) == {
        "a": 0.0,
        "b": 0.1,  # 60 of its 90 seconds are paid; 0.05 + 0.10 * 30 / 60
        "c1": 0.0,
        "c2": 0.15,
        "d": 0.08,
        "e": 0.15,
        "f": 0.0,
    }
    tariffs = {name: hit["_source"]["call"]["cost"]["tariff"] for name, hit in stored(cluster).items()}
    assert tariffs["b"] == "claro 2026-01-01 local_fixed, bundle"
    assert tariffs["e"] == "claro 2026-01-01 local_fixed"
    assert rate()["changed"] == rate("--since", "2026-01-01")["changed"] == 0


def uses(cluster: OpenSearchCluster) -> dict[str, tuple[str, int, int, int] | None]:
    """Id -> account, seconds paid, used after it, size of its bundle; None where nothing stands there."""
    found: dict[str, tuple[str, int, int, int] | None] = {}
    for name, hit in stored(cluster).items():
        bundle = hit["_source"]["call"].get("cost", {}).get("bundle")
        names = ("account", "seconds", "used_seconds", "total_seconds")
        assert bundle is None or set(bundle) == set(names)
        found[name] = bundle and tuple(bundle[key] for key in names)
    return found


@pytest.mark.parametrize("seed", range(2))
def test_a_call_says_how_far_its_bundle_is_used(cluster: OpenSearchCluster, rate: Rate, seed: int) -> None:
    documents = [
        fixed("a", 1, billable_seconds=90),
        fixed("b", 2),
        fixed("c", 3),
        fixed("d", 4, store="Loja002"),
        fixed("e", 5, trunk="vivo"),
        fixed("f", 6, date="2026-12-01"),
    ]
    random.Random(seed).shuffle(documents)
    for document in documents:
        send(cluster, document)
        rate()  # each of them late in its own way
    assert uses(cluster) == {
        "a": ("claro · Loja001 · 2026-11", 90, 90, 120),
        "b": ("claro · Loja001 · 2026-11", 30, 120, 120),
        "c": ("claro · Loja001 · 2026-11", 0, 120, 120),
        "d": ("claro · Loja002 · 2026-11", 60, 60, 120),
        "e": None,
        "f": ("claro · Loja001 · 2026-12", 60, 60, 120),
    }
    rate("--since", "2026-11-01", tariffs=TARIFFS.replace('"store"', '"chain"'))
    assert uses(cluster)["d"] == ("claro · 2026-11", 0, 120, 120)
    # By a file without it nothing of it stays.
    rate("--since", "2026-11-01", tariffs=re.sub("bundle = .*\n", "", TARIFFS))
    assert set(uses(cluster).values()) == {None}


def test_a_cost_of_before_gets_its_bundle_when_the_month_is_counted_again(
    cluster: OpenSearchCluster, rate: Rate
) -> None:
    before = {"amount": 0.0, "currency": "BRL", "tariff": "claro 2026-01-01 local_fixed, bundle"}
    send(cluster, fixed("a", 1, cost=before))
    assert rate()["changed"] == 0, "it has a cost"
    assert rate("--since", "2026-11-01")["changed"] == 1
    assert uses(cluster) == {"a": ("claro · Loja001 · 2026-11", 60, 60, 120)}
    send(cluster, fixed("a", 1, sequence=SEQUENCE + 2**20, cost=before), fixed("b", 2))
    assert rate()["changed"] == 2, "the other one is new, and touches the month"
    assert uses(cluster)["a"] == ("claro · Loja001 · 2026-11", 60, 60, 120)
    assert rate("--since", "2026-11-01")["changed"] == 0


def test_calls_of_one_moment_use_a_bundle_by_their_id(cluster: OpenSearchCluster, rate: Rate) -> None:
    send(cluster, *(fixed(name, 1) for name in ("c", "a", "B", "d")))
    rate()
    assert costs(cluster) == {"B": 0.0, "a": 0.0, "c": 0.15, "d": 0.15}


def test_a_call_that_leaves_a_bundle_leaves_it_to_the_others(cluster: OpenSearchCluster, rate: Rate) -> None:
    send(cluster, *(fixed(name, minute) for minute, name in enumerate("abc")))
    rate()
    assert costs(cluster) == {"a": 0.0, "b": 0.0, "c": 0.15}
    send(cluster, fixed("a", 0, sequence=SEQUENCE + 2**20, trunk="vivo"))
    assert rate()["changed"] == 3, "of b only what is used after it is another"
    assert costs(cluster) == {"a": 0.08, "b": 0.0, "c": 0.0}


def test_the_whole_chain_can_share_a_bundle(cluster: OpenSearchCluster, rate: Rate) -> None:
    chain = TARIFFS.replace('"store"', '"chain"')
    send(cluster, *(fixed(f"a{number}", number, store=f"Loja00{number}") for number in (1, 2, 3)))
    rate(tariffs=chain)
    assert costs(cluster) == {"a1": 0.0, "a2": 0.0, "a3": 0.15}
    send(cluster, fixed("a0", 0, store="Loja004"))
    rate(tariffs=chain)
    assert costs(cluster) == {"a0": 0.0, "a1": 0.0, "a2": 0.15, "a3": 0.15}


def test_a_period_in_mid_month_counts_the_bundle_from_its_first_day(
    cluster: OpenSearchCluster, rate: Rate
) -> None:
    days = {"a": 1, "b": 10, "c": 11, "d": 20}
    send(
        cluster,
        *(
            call(
                name,
                f"2026-11-{day:02}T15:00:00Z",
                trunk="claro",
                category="local_fixed",
                billable_seconds=60,
            )
            for name, day in days.items()
        ),
    )
    rate()
    assert costs(cluster) == {"a": 0.0, "b": 0.0, "c": 0.15, "d": 0.15}
    before = stored(cluster)
    longer = TARIFFS.replace("minutes = 2", "minutes = 4")
    report = rate("--since", "2026-11-10", "--until", "2026-11-11", tariffs=longer)
    # The size of the bundle stands on each call, so of a and b just that is another.
    assert (report["changed"], report["unchanged"], report["outside"]) == (2, 0, {"2026-11": 2})
    assert costs(cluster) == {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.15}
    assert written(before, stored(cluster)) == {"b", "c"}
    assert rate("--since", "2026-11-01", "--until", "2026-11-30", tariffs=longer)["outside"] == {}
    assert costs(cluster)["d"] == 0.0


def test_a_cost_without_billable_seconds_goes(cluster: OpenSearchCluster, rate: Rate) -> None:
    wrong = {"amount": 1.0, "currency": "BRL", "tariff": "of whom?"}
    send(cluster, call("a", billable_seconds=0, cost=wrong), call("b", cost=wrong, unrated="both"))
    rate()
    assert costs(cluster)["b"] == 0.435
    assert rate("--since", "2026-11-01")["changed"] == 1
    assert costs(cluster) == {"a": None, "b": 0.435}


def test_a_call_that_changed_meanwhile_is_left_to_the_next_run(
    cluster: OpenSearchCluster, rate: Rate
) -> None:
    send(cluster, call("a"), call("b"), call("c"))
    connection = Connection(cluster.url)
    calls = Calls(connect(connection), connection)
    found = list(calls.scan(_query([_BILLABLE])))
    send(cluster, call("a", sequence=SEQUENCE + 2**20, billable_seconds=121))
    cluster.request("DELETE", "/pabx-calls-2026.11/_doc/c")
    price = Cost(Decimal("0.4350"), "BRL", "t", "vivo", 66, None)
    assert [entry.document_id for entry in found] == ["a", "b", "c"]
    assert calls.write([(entry, price) for entry in found]) == [False, True, False]
    assert costs(cluster) == {"a": None, "b": 0.435}
    assert rate()["changed"] == 1
    assert costs(cluster)["a"] == 0.785


def contract(trunk: str, store: str, kind: str, prefix: str) -> tuple[int, int, int, str, str, str] | None:
    """Minimum, step, free, connection, price and bundle that the example's file has, written out by hand."""
    if trunk == "vivo":
        if kind == "international":
            return 60, 60, 3, "0", "0.90" if prefix == "+130555" else "2.50", ""
        mobile = kind == "local_mobile"
        return 30, 6, 3, "0.05" if mobile else "0", "0.35" if mobile else "0.08", f"vivo {store}"
    billing, bundle, prices = {
        "claro": ((30, 6, 0), "claro", ["0.079", "0.329", "2.19"]),
        "oi": ((60, 60, 0), "", ["0.10", "0.42", None]),
        "tim": ((30, 6, 0), "", ["0.12", "0.20", None]),  # mobile numbers here begin with +55119
    }[trunk]
    if (trunk, store) == ("claro", "Loja001"):
        billing, bundle, prices = (0, 1, 0), "", ["0.05", "0.25", None]
    price = prices[["local_fixed", "local_mobile", "international"].index(kind)]
    return None if price is None else (*billing, "0", price, bundle if kind == "local_fixed" else "")


def independent(calls: list[dict[str, Any]]) -> tuple[dict[str, Fraction], set[str]]:
    """What these calls cost by the example's file, counted again with fractions; and which cost nothing."""
    amounts: dict[str, Fraction] = {}
    unrated = set()
    left: dict[str, int] = {}
    for document in sorted(calls, key=lambda entry: (entry["@timestamp"], entry["event"]["id"])):
        values, name = document["call"], document["event"]["id"]
        terms = contract(values["trunk"], document["store"]["id"], values["category"], values["prefix"])
        if terms is None:
            unrated.add(name)
            continue
        minimum, step, free, connection, price, bundle = terms
        billed = 0
        if values["billable_seconds"] > free:
            billed = minimum
            while billed < values["billable_seconds"]:
                billed += step
        paid = billed
        if bundle:
            whose = f"{bundle} {document['local']['date'][:7]}"
            balance = left.setdefault(whose, {"vivo": 1000, "clar": 20_000}[bundle[:4]] * 60)
            paid = max(0, billed - balance)
            left[whose] = balance - billed + paid
        exact = Fraction(connection) + Fraction(price) * paid / 60 if paid else Fraction(0)
        amounts[name] = Fraction((exact * 20_000 + 1) // 2, 10_000)
    return amounts, unrated


def test_thousands_of_calls_come_to_the_cent(
    cluster: OpenSearchCluster, rate: Rate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_calls, "_PAGE", 700)
    monkeypatch.setattr(cluster_calls, "_BULK", 300)
    chance = random.Random(4)
    documents = []
    for number in range(6000):
        kind = chance.choice(["local_fixed", "local_mobile", "local_mobile", "international"])
        prefix = {"local_fixed": "+551133", "local_mobile": "+551198"}.get(kind) or chance.choice(
            ["+130555", "+351210"]
        )
        moment = f"2026-{chance.choice((10, 11))}-{chance.randint(1, 28):02}T{chance.randint(11, 22)}:00:00Z"
        documents.append(
            call(
                f"c{number:05}",
                moment,
                store=chance.choice(["Loja001", "Loja002"]),
                trunk=chance.choice(["vivo", "claro", "tim", "oi"]),
                category=kind,
                prefix=prefix,
                billable_seconds=chance.choice([chance.randint(1, 60), chance.randint(60, 3600)]),
            )
        )
    expected, unrated = independent(documents)
    tariffs = (Path(__file__).parents[1] / "data" / "tariffs.toml").read_text(encoding="utf-8")
    chance.shuffle(documents)
    for start in range(0, 6000, 1500):
        send(cluster, *documents[start : start + 1500])
        report = rate(tariffs=tariffs)
    assert rate(tariffs=tariffs)["changed"] == 0
    whole = rate("--since", "2026-10-01", tariffs=tariffs)
    assert (whole["changed"], whole["conflicts"], report["conflicts"]) == (0, 0, 0)
    assert (whole["rated"], whole["unrated"]) == (len(expected), len(unrated))
    assert Fraction(whole["sums"]["BRL"]) == sum(expected.values())
    assert any(plan["bundle_seconds"] == 4 * 60_000 for plan in whole["plans"]), "the bundles were used up"
    found = costs(cluster)
    assert {name for name, value in found.items() if isinstance(value, str)} == unrated
    assert {name: Fraction(str(found[name])) for name in expected} == expected
    body = {"size": 0, "aggs": {"sum": {"sum": {"field": "call.cost.amount"}}}}
    answer = cluster.request("POST", "/pabx-calls-*/_search", body)
    assert round(answer["aggregations"]["sum"]["value"], 2) == round(float(sum(expected.values())), 2)


def test_a_person_reads_what_was_done(cluster: OpenSearchCluster, central: Central, tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(TARIFFS, encoding="utf-8")
    send(cluster, call("a"), call("b", billable_seconds=31), call("c", trunk="tim", store="Loja002"))
    send(cluster, call("d", "2026-11-05T15:00:00Z", trunk="tim"))
    dry = central("rate", "--url", cluster.url, "--tariffs", path, "--dry-run")
    where = "stores Loja001, Loja002; trunks tim; numbers +551198…; 2026-11-03 to 2026-11-05"
    assert dry.out.splitlines() == [
        "2 rated, 2 unrated; 4 to change, 0 unchanged",
        "plan                calls     minutes   in bundle              BRL",
        "vivo 2026-01-01         2         1.7         0.0           0.6950",
        "all                     2                                   0.6950",
        "unrated, without an amount until the file or the store says more:",
        "  2 calls, 2.0 minutes: no plan for trunk tim (" + where + ")",
        "nothing was changed (--dry-run)",
    ]
    done = central("rate", "--url", cluster.url, "--tariffs", path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("2 rated, 2 unrated; 4 changed, 0 unchanged\n")


def test_a_cluster_without_calls(rate: Rate) -> None:
    assert rate()["sums"] == rate("--since", "2026-11-01")["sums"] == {"BRL": "0.0000"}


WRONG = {
    "no file": ((), "the following arguments are required: --tariffs"),
    "no date": (("--tariffs", "x", "--since", "yesterday"), "'yesterday' is no date such as 2026-11-23"),
    "until alone": (
        ("--tariffs", "x", "--until", "2026-11-01"),
        "--until 2026-11-01 without --since: say which",
    ),
    "the wrong way round": (
        ("--tariffs", "x", "--since", "2026-11-02", "--until", "2026-11-01"),
        "--until 2026-11-01 is before --since 2026-11-02: swap them",
    ),
    "a file that is none": (
        ("--tariffs", "/nowhere.toml"),
        "/nowhere.toml: No such file or directory: correct",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_ends_before_the_cluster_is_asked(central: Central, name: str) -> None:
    arguments, message = WRONG[name]
    outcome = central("rate", "--url", "http://127.0.0.1:9", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


class Between:
    """A real cluster behind a door that a test can close: what a node does only when it is overloaded.

    Attributes:
        busy_requests: how many of the next bulk requests are answered 429 as a whole.
        busy_items: how many items of the next bulk are answered 429, and not written.
        refused: status and reason for every item from now on.
        bulks: how many requests for writing came.
        first: called before the next of them.
    """

    def __init__(self, cluster: OpenSearchCluster) -> None:
        self.busy_requests = self.busy_items = self.bulks = 0
        self.refused: tuple[int, str] | None = None
        self.first: Callable[[], None] = lambda: None
        self._cluster = cluster
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, body: bytes, method: str) -> tuple[int, bytes]:
        if not path.startswith("/_bulk"):
            return self.passed(path, body, method)
        self.bulks += 1
        self.first()
        if self.busy_requests:
            self.busy_requests -= 1
            return (
                429,
                b'{"error":{"reason":"circuit breaking","type":"circuit_breaking_exception"},"status":429}',
            )
        lines = body.splitlines(keepends=True)
        status, reason = self.refused or (429, "rejected execution")
        count = len(lines) // 2 if self.refused else self.busy_items
        self.busy_items = 0
        kept = {"update": {"status": status, "error": {"type": "x", "reason": reason}}}
        items: list[Any] = [kept] * count
        if lines[2 * count :]:
            items += json.loads(self.passed(path, b"".join(lines[2 * count :]), method)[1])["items"]
        return 200, json.dumps({"errors": True, "items": items}).encode()

    def passed(self, path: str, body: bytes, method: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self._cluster.url + path, body or None, method=method)
        request.add_header("Content-Type", "application/x-ndjson" if "_bulk" in path else "application/json")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = between.answer(self.path, body, self.command)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def between(cluster: OpenSearchCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    """The door, with short pauses before the cluster is asked again."""
    monkeypatch.setattr(cluster_calls, "_PAUSES", (0.01, 0.02))
    door = Between(cluster)
    with _served(door.server):
        yield door


@contextmanager
def _served(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_overloaded_cluster_is_asked_again(
    cluster: OpenSearchCluster, rate: Rate, between: Between
) -> None:
    send(cluster, *(call(name) for name in "abcd"))
    between.busy_requests, between.busy_items = 1, 3
    report = rate(url=between.url)
    assert (report["changed"], report["conflicts"], between.bulks) == (4, 0, 3)
    assert costs(cluster) == dict.fromkeys("abcd", 0.435)


def test_what_its_store_writes_meanwhile_is_told_and_not_summed(
    cluster: OpenSearchCluster, central: Central, rate: Rate, between: Between, tmp_path: Path
) -> None:
    send(cluster, call("a"), call("b"))
    late = call("a", sequence=SEQUENCE + 2**20, billable_seconds=121)
    between.first = lambda: send(cluster, late)
    report = rate(url=between.url)
    assert (report["rated"], report["changed"], report["conflicts"]) == (1, 1, 1)
    assert report["sums"] == {"BRL": "0.4350"}
    between.first = lambda: send(cluster, {**late, "event": {**late["event"], "sequence": SEQUENCE + 2**21}})
    outcome = central("rate", "--url", between.url, "--tariffs", tmp_path / "tariffs.toml")
    assert outcome.code == 0
    assert "1 were written by their stores or removed meanwhile: run it again\n" in outcome.out
    assert costs(cluster) == {"a": None, "b": 0.435}


@pytest.mark.parametrize(
    ("closed", "message"),
    [
        (
            {"busy_requests": 99},
            "the cluster is overloaded (429: circuit_breaking_exception): run it again later",
        ),
        (
            {"refused": (429, "x")},
            "the cluster is overloaded (429: 2 calls are still refused): run it again later",
        ),
        (
            {"refused": (403, "read-only")},
            "pabx-calls-2026.11: the cluster refuses the cost of call a (403: read-only)",
        ),
    ],
)
def test_a_cluster_that_stays_overloaded_or_refuses_is_one_line(
    cluster: OpenSearchCluster,
    central: Central,
    between: Between,
    tmp_path: Path,
    closed: dict[str, Any],
    message: str,
) -> None:
    path = tmp_path / "t.toml"
    path.write_text(TARIFFS, encoding="utf-8")
    send(cluster, call("a"), call("b"))
    for name, value in closed.items():
        setattr(between, name, value)
    outcome = central("rate", "--url", between.url, "--tariffs", path)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert message in outcome.err
    between.busy_requests, between.refused = 0, None
    assert central("rate", "--url", between.url, "--tariffs", path).code == 0
    assert costs(cluster) == {"a": 0.435, "b": 0.435}


def test_a_cluster_that_is_not_there(central: Central, tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(TARIFFS, encoding="utf-8")
    started = time.monotonic()
    outcome = central("rate", "--url", "http://127.0.0.1:9", "--tariffs", path)
    assert (outcome.code, outcome.out) == (1, "")
    assert "cannot be reached (connection refused)" in outcome.err
    assert time.monotonic() - started < 5
