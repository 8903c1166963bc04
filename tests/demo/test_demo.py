"""The demo on the tests' own servers; and that it notices what is missing, doubled or wrong."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import date
from typing import Any, NamedTuple

import pytest
from opensearchpy import OpenSearch

from central.rating.tariffs import load
from compose.demo import completeness, stores
from compose.demo.__main__ import SEED, TARIFFS, demo
from compose.demo.documents import Documents
from compose.demo.truth import Verdict, differences, digest
from compose.simulator import chain
from compose.stack import MariaDB, OpenSearchCluster
from tests.gate.running import BINARY

START, DAYS = date(2026, 9, 1), 5
PROFILES = chain(2, SEED)
ROWS = {"Loja001": 5566, "Loja002": 654}
ALTERED = "1788263053.1"
"""A call to Loja001 that was transferred: 2003 answered, then 2007."""
ANOTHER = "1788263120.4"


class Ran(NamedTuple):
    """What a run of the demo left."""

    right: bool
    lines: list[str]
    client: OpenSearch


@pytest.fixture(scope="module")
def ran(
    mariadb: MariaDB, opensearch: OpenSearchCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ran]:
    """The demo with two stores and five days."""
    every_index = "/pabx-*?expand_wildcards=all&ignore_unavailable=true"
    opensearch.request("DELETE", every_index)
    server = stores.Server(mariadb.host, mariadb.port, mariadb.user, mariadb.password)
    output = io.StringIO()
    with redirect_stdout(output):
        right = demo(server, opensearch.url, tmp_path_factory.mktemp("demo"), 2, START, DAYS)
    with OpenSearch(opensearch.url) as client:
        lines = output.getvalue().splitlines()
        direct = lines[1] == "fluent-bit is not on PATH: the shippers send direct, without head office's gate"
        assert direct is (BINARY is None)
        yield Ran(right, lines[:1] + lines[2:] if direct else lines, client)
    opensearch.request("DELETE", every_index)


def look(client: OpenSearch) -> tuple[bool, list[str]]:
    """Ask once more whether everything is there: the answer, and what follows its table."""
    client.indices.refresh(index="pabx-*")
    written = {
        store.id: stores.Written(ROWS[store.id], digest(stores.again(store, START, DAYS, SEED)))
        for store in PROFILES
    }
    output = io.StringIO()
    with redirect_stdout(output):
        right = completeness.show(
            Documents(client, list(ROWS)),
            PROFILES,
            written,
            lambda store: stores.again(store, START, DAYS, SEED),
        )
    lines = output.getvalue().splitlines()
    return right, lines[next(k for k, line in enumerate(lines) if line.startswith("all ")) + 1 :]


def found(client: OpenSearch, index: str, query: str) -> dict[str, Any]:
    hits: list[dict[str, Any]] = client.search(index=index, q=query)["hits"]["hits"]
    return hits[0]


def setting(client: OpenSearch, call: dict[str, Any]) -> Callable[[str, object], None]:
    """What sets a field of one call in the index."""

    def change(name: str, value: object) -> None:
        script = {
            "source": "ctx._source.call[params.name] = params.value",
            "params": {"name": name, "value": value},
        }
        target = {"_index": call["_index"], "_id": call["_id"]}
        # Not by `update`, which goes through the pipeline: there no change passes without a later sequence.
        done = client.bulk(body=[{"update": target}, {"script": script}])
        assert not done["errors"], done

    return change


def test_it_gives_its_answers(ran: Ran) -> None:
    assert ran.right
    assert ran.lines[0].startswith("2 stores telephoned for 5 days: 2,004 calls, 6,220 CDR rows (")
    assert ran.lines[1].startswith("2 shippers put the calls together and delivered all")
    assert ran.lines[2].startswith("central rate gave 289 calls their cost, and 3 the reason why they have ")
    assert ran.lines[3].startswith(
        "central relate: 275 missed calls: 66 called back, 32 came again, 140 never, 37 other"
    )
    for line in (
        "Loja001   São Paulo                  5,566 =   5,566      1,640 =   1,640      215",
        "all                                  6,220 =   6,220      2,004 =   2,004      275",
        "every row is in the index, once",
        "every call is right: it is there once, with its direction, outcome and who answered",
        "                inbound   outbound   internal        all",
        "no_answer            78         93         24        195",
        "blocked              20          -          -         20",
        "all               1,320        413        271      2,004",
        "missed: 275 of 1,320 inbound calls, 20.8% (no person answered; blocked ones do not count)",
        "no rate for category shared_cost in plan oi 2024-01-01              3        7  Loja002",
        "  Sat 11:00  87 calls",
    ):
        assert line in ran.lines
    assert [line for line in ran.lines if len(line) > 110 and "shipper.toml" not in line] == []


def test_costs_by_store_and_by_kind_of_number_are_of_the_same_calls(ran: Ran) -> None:
    begin = ran.lines.index(
        "What the calls cost, the dearest store first (billable: minutes that a provider may charge)"
    )
    words = [line.split() for line in ran.lines[begin:]]
    of_stores, of_kinds = (line for line in words if line[:1] == ["all"])
    assert of_stores == of_kinds
    assert of_stores[:4] == ["all", "715", "289", "3"]
    costs = [float(line[-2]) for line in words if line[:1] in (["Loja001"], ["Loja002"])]
    assert costs == sorted(costs, reverse=True)
    assert len(costs) == 2
    assert sum(costs) == pytest.approx(float(of_stores[4]), abs=0.011)


def test_its_example_of_a_call_opens_into_the_rows(ran: Ran) -> None:
    asked = re.findall(r"(pabx-\w+-\*)/_search\?pretty&q=(call\.id:[0-9a-f]{32})'", "\n".join(ran.lines))
    assert [index for index, _ in asked] == ["pabx-calls-*", "pabx-cdr-*"]
    calls, rows = (ran.client.search(index=index, q=query)["hits"] for index, query in asked)
    assert [hit["_source"]["call"]["transferred"] for hit in calls["hits"]] == [True]
    assert rows["total"]["value"] == calls["hits"][0]["_source"]["call"]["legs"]
    assert rows["total"]["value"] > 2


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("direction", "unknown", ["direction is 'unknown' instead of 'inbound'"]),
        ("outcome", "voicemail", ["outcome is 'voicemail' instead of 'answered'"]),
        ("missed", True, ["missed is True instead of False"]),
        ("answered_by", ["2007", "2003"], ["answered_by is ('2007', '2003') instead of ('2003', '2007')"]),
        ("billable_seconds", 61, ["billable_seconds is 61 instead of 0"]),
        ("linked_ids", ["1"], ["missing, inbound and answered"]),
        ("linked_ids", [ANOTHER], ["missing, inbound and answered"]),
    ],
)
def test_a_call_that_was_altered_is_named(ran: Ran, name: str, value: object, told: list[str]) -> None:
    call = found(ran.client, "pabx-calls-*", f"call.linked_ids:{ALTERED}")
    change = setting(ran.client, call)
    change(name, value)
    try:
        right, lines = look(ran.client)
    finally:
        change(name, call["_source"]["call"][name])
    assert not right
    assert lines[0] == "every row is in the index, once"
    assert lines[1].startswith("Loja001: CALLS DIFFER FROM WHAT WAS SIMULATED, in ")
    assert [line for line in lines if ALTERED in line] == [f"  {ALTERED}: {text}" for text in told]
    assert look(ran.client)[0]


def test_a_row_that_is_missing_is_noticed(ran: Ran) -> None:
    row = found(ran.client, "pabx-cdr-*", "store.id:Loja002")
    ran.client.delete(index=row["_index"], id=row["_id"])
    try:
        right, lines = look(ran.client)
    finally:
        ran.client.index(index=row["_index"], id=row["_id"], body=row["_source"])
    assert not right
    assert lines[0] == "ROWS AND DOCUMENTS DIFFER"
    assert look(ran.client)[0]


def test_what_an_earlier_demo_left_goes_and_can_come_again_at_once(ran: Ran) -> None:
    call = found(ran.client, "pabx-calls-*", f"call.linked_ids:{ALTERED}")
    left, other = (
        {
            **call["_source"],
            "store": {"id": store},
            "event": {**call["_source"]["event"], "id": store},
            "@timestamp": "2020-01-01T12:00:00Z",
        }
        for store in ("Loja998", "Loja999")
    )
    index, empty = "pabx-calls-2020.01", "pabx-calls-2020.02"
    ran.client.indices.create(index=empty)
    for body in (left, other):
        assert ran.client.index(index=index, id=body["event"]["id"], body=body)["result"] == "created"
    ran.client.indices.refresh(index=index)
    Documents(ran.client, ["Loja998"]).remove()
    assert not ran.client.exists(index=index, id="Loja998")
    assert ran.client.exists(index=index, id="Loja999")
    assert not ran.client.indices.exists(index=empty)
    assert ran.client.index(index=index, id="Loja998", body=left)["result"] == "created"
    ran.client.indices.delete(index=index)


def verdict(linked_id: str, outcome: str = "answered") -> Verdict:
    return Verdict(linked_id, "inbound", outcome, outcome != "answered", (), 0)


def test_the_order_of_calls_is_nothing_and_their_number_is() -> None:
    one, two = verdict("1"), verdict("2", "busy")
    assert digest([one, two]) == digest([two, one])
    assert digest([one, two])[:2] == (2, 1)
    assert len({digest(some).hash for some in ([], [one], [two], [one, two], [one, one, two])}) == 5


def test_every_difference_is_told() -> None:
    wanted = [verdict("1"), verdict("2"), verdict("3"), verdict("4")]
    got = [verdict("2"), verdict("3"), verdict("3"), verdict("4", "busy"), verdict("5")]
    assert differences(wanted, got) == [
        "1: missing, inbound and answered",
        "3: there 2 times",
        "4: outcome is 'busy' instead of 'answered'",
        "4: missed is True instead of False",
        "5: nobody made this call",
    ]
    assert differences(wanted, wanted) == []


def test_the_tariffs_lack_one_trunk_and_one_category_on_purpose() -> None:
    tariffs = load(TARIFFS)
    trunks = {(store.id, trunk.name) for store in chain(12, SEED) for trunk in store.trunks}
    assert {place for place in trunks if tariffs.plan(place[1], place[0], START) is None} == {
        ("Loja004", "3132084370")
    }
    kinds = {
        *("local_fixed", "local_mobile", "long_distance_fixed", "long_distance_mobile"),
        *("toll_free", "shared_cost", "service", "international"),
    }
    lacking = {plan.name: kinds - plan.rates.keys() for plan in tariffs.plans}
    assert {name: some for name, some in lacking.items() if some} == {"oi": {"shared_cost"}}
    assert [plan.name for plan in tariffs.plans if plan.bundle] == ["vivo"]
