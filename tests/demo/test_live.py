"""The live part of the demo on the tests' own servers; and that it notices what is wrong."""

import io
import re
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from opensearchpy import OpenSearch

from central.live.read import Call, Picture
from compose.demo import stores
from compose.demo.__main__ import SEED, demo
from compose.demo.arrived import Arrived
from compose.demo.documents import Documents
from compose.demo.schedule import FEWEST, MOST, plan
from compose.demo.telephoning import Key, Ledger
from compose.demo.watch import Watch
from compose.simulator import chain, simulate
from compose.simulator.shift import shifted
from compose.stack import MariaDB, OpenSearchCluster

START = date(2026, 9, 1)
SECONDS = 10
BEGIN = 1_795_000_000
STORE = chain(1, SEED)[0]


class Ran(NamedTuple):
    """What a run of the demo left."""

    right: bool
    lines: list[str]
    text: str


@pytest.fixture(scope="module")
def ran(
    mariadb: MariaDB, opensearch: OpenSearchCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ran]:
    """The demo with two stores, one day, and ten seconds of now."""
    every_index = "/pabx-*?expand_wildcards=all&ignore_unavailable=true"
    opensearch.request("DELETE", every_index)
    server = stores.Server(mariadb.host, mariadb.port, mariadb.user, mariadb.password)
    output = io.StringIO()
    with redirect_stdout(output):
        right = demo(server, opensearch.url, tmp_path_factory.mktemp("demo"), 2, START, 1, SECONDS)
    yield Ran(right, output.getvalue().splitlines(), output.getvalue())
    opensearch.request("DELETE", every_index)


@pytest.mark.servers
def test_the_panel_moves_and_all_of_it_is_right(ran: Ran) -> None:
    assert ran.right, ran.text
    assert f"Live: 2 stores telephone now, for {SECONDS} s" in ran.lines
    assert "WRONG" not in ran.text
    found = re.search(r"^(\d+) calls with (\d+) rows were made and ended$", ran.text, re.MULTILINE)
    assert found is not None
    calls, rows = int(found[1]), int(found[2])
    assert rows >= calls > 2
    assert f"all {rows} rows are in the index, and all {calls} calls are right, " in ran.text
    seen = [int(number) for number in re.findall(r"^ +\d+ s +(\d+) calls now: ", ran.text, re.MULTILINE)]
    assert len(seen) == 2
    assert max(seen) > 0
    measured = re.search(r"event -> searchable: median ([\d.]+) s, p99 ([\d.]+) s", ran.text)
    assert measured is not None
    assert 0 < float(measured[1]) <= float(measured[2])
    assert "2 of 2 stores heard within 90 s" in ran.text
    assert [line for line in ran.lines if len(line) > 120 and "shipper.toml" not in line] == []


@pytest.mark.parametrize("seconds", [10, 60, 240])
@pytest.mark.parametrize("store", chain(12, SEED), ids=lambda store: str(store.id))
def test_a_plan_keeps_a_handful_of_calls_going_and_ends_in_time(
    store: stores.StoreProfile, seconds: int
) -> None:
    planned = plan(store, BEGIN, seconds, SEED)
    rows = [row for one in planned for row in one.call.rows]
    assert len({(row.uniqueid, row.sequence) for row in rows}) == len(rows)
    moments = [at for one in planned for at, _ in one.events]
    assert min(moments) >= BEGIN * 1000
    assert max(moments) <= (BEGIN + seconds) * 1000 + 1
    going = [one for made in planned for one in made.going_on]
    at_once = [
        sum(one.begin <= (BEGIN + second) * 1000 < one.end for one in going) for second in range(seconds)
    ]
    assert max(at_once) <= MOST + 1  # and a consultation
    if seconds > SECONDS:
        assert sum(at_once) / seconds > FEWEST / 2
    names = [name for one in planned for name in {row.channel for row in one.call.rows}]
    assert len(names) == len(set(names))


def test_a_call_at_another_time_is_the_same_call() -> None:
    zone = ZoneInfo(STORE.timezone)
    for call in simulate(STORE, START, 1, SEED):
        later = shifted(call, 7_000_000, zone)
        assert later.start_ms == call.start_ms + 7_000_000_000
        epoch = later.start_ms // 1000
        assert later.truth.linked_ids[0].split(".")[0] == str(epoch)
        assert later.truth.start == datetime.fromtimestamp(epoch, zone).replace(tzinfo=None)
        first = later.rows[0]
        assert first.inserted_at.replace(microsecond=0) == datetime.fromtimestamp(
            first.inserted_ms // 1000, zone
        ).replace(tzinfo=None)
        if first.recordingfile:
            assert first.recordingfile.endswith(f"-{later.truth.linked_ids[0]}.wav")
            assert first.recordingfile.split("-")[-3] == f"{later.truth.start:%Y%m%d}"
        assert shifted(later, -7_000_000, zone) == call


def picture(*linked_ids: str) -> Picture:
    calls = [
        Call(linked, {"store": {"id": "Loja001"}, "call": {"linked_ids": [linked]}}, 0)
        for linked in linked_ids
    ]
    return Picture(datetime.now(UTC), calls, [])


@pytest.mark.parametrize(
    ("shown", "right"),
    [
        (["1.1", "2.2"], True),  # 2.2 has just begun, 3.3 has just ended: either way
        (["1.1"], True),
        (["1.1", "3.3"], True),
        (["2.2"], False),  # 1.1 has gone on for long
        (["1.1", "4.4"], False),  # 4.4 ended long ago
        (["1.1", "5.5"], False),  # nobody made it
    ],
)
def test_what_the_panel_may_and_must_show(shown: list[str], right: bool) -> None:
    ledger = Ledger(
        {Key("Loja001", one): at for one, at in (("1.1", 100), ("2.2", 199), ("3.3", 150), ("4.4", 150))},
        {Key("Loja001", "3.3"): 199, Key("Loja001", "4.4"): 190},
    )
    with OpenSearch("http://127.0.0.1:9") as client:
        watch = Watch(client, ledger, ["Loja001"])
        watch.judge(picture(*shown), 200.0, 200.1)
        wrong = [line for line in watch.wrong() if "looks" in line]
    assert (wrong == []) is right


@pytest.mark.servers
@pytest.mark.usefixtures("ran")
def test_a_row_or_a_call_that_is_missing_is_told(opensearch: OpenSearchCluster) -> None:
    made = plan(STORE, int(time.time()), SECONDS, SEED + 1)[:1]
    truth = replace(made[0].call.truth, linked_ids=("1.0",))
    with OpenSearch(opensearch.url) as client:
        documents = Documents(client, [STORE.id])
        call = replace(made[0].call, truth=truth)
        told = list(Arrived(documents, {STORE.id: [made[0]._replace(call=call)]}).wrong())
    assert told == [
        f"{STORE.id}: 0 of {len(call.rows)} rows are in the index",
        f"{STORE.id}: 1.0: missing, {truth.direction} and {truth.outcome}",
    ]
