"""The account of a day: what is counted, when, and that a difference heals when the day is sent again."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.stack import OpenSearchCluster
from shipper.agent.nightly import Nightly, complete_days, moment_of
from shipper.agent.sending import Sending
from shipper.config import load
from shipper.document.account import AUDIT_DAYS, Account, line_of, midnight, report, report_id
from shipper.document.clock import StoreClock
from shipper.document.identity import mark
from shipper.document.model import Origin
from shipper.document.validate import validator
from shipper.outputs import make_output
from shipper.sources.cdr import CdrReader, Database
from shipper.spool import Spool
from tests.servers import CdrDatabase
from tests.shipper.store import Store, eventually, fill

ROW = {
    "@timestamp": "2026-11-23T13:00:01Z",
    "event": {"id": "a1", "dataset": "pabx.cdr"},
    "cdr": {"duration": 5, "billsec": 3, "disposition": "ANSWERED", "src": "100"},
}
CALL = {
    "@timestamp": "2026-11-23T13:00:01Z",
    "event": {"id": "b1", "dataset": "pabx.call"},
    "call": {"direction": "inbound", "outcome": "no_answer", "duration_seconds": 20, "legs": 3},
}
ROW_LINE = "cdr|a1|2026-11-23T13:00:01Z|5|3|ANSWERED"
CALL_LINE = "call|b1|2026-11-23T13:00:01Z|inbound|no_answer|20|||3"


def test_a_line() -> None:
    assert line_of(ROW) == ROW_LINE
    assert line_of(CALL) == CALL_LINE
    assert line_of({**ROW, "cdr": {"src": "100"}}) == "cdr|a1|2026-11-23T13:00:01Z|||"


@pytest.mark.parametrize("kind", ["pabx.quarantine", "pabx.store", "pabx.audit", None])
def test_other_documents_are_no_part_of_it(kind: str | None) -> None:
    assert line_of({**ROW, "event": {"id": "a1", "dataset": kind}}) is None


def test_a_call_that_became_part_of_another_is_no_part_of_it() -> None:
    assert line_of({**CALL, "call": {**CALL["call"], "merged_into": "b2"}}) is None


def test_what_head_office_changes_is_not_in_it() -> None:
    erased = {**ROW, "cdr": {**ROW["cdr"], "src": "erased"}, "tags": ["erased"], "store": {"name": "Centro"}}
    rated = {**CALL, "call": {**CALL["call"], "cost": {"amount": 1.5}, "prefix": "+55"}}
    assert (line_of(erased), line_of(rated)) == (ROW_LINE, CALL_LINE)


def test_the_sums_and_the_hash() -> None:
    account = Account()
    assert account.hash == "0000000000000000"
    account.add(ROW)
    account.add(CALL)
    account.add({"event": {"dataset": "pabx.quarantine"}})
    assert (account.rows, account.row_seconds, account.calls, account.call_seconds) == (1, 5, 1, 20)
    # The same as a shell gives: printf '<line>' | sha256sum | head -c 16, the two added up.
    parts = [hashlib.sha256(line.encode()).hexdigest()[:16] for line in (ROW_LINE, CALL_LINE)]
    assert account.hash == f"{sum(int(part, 16) for part in parts) % 2**64:016x}"
    assert account.hash == "7b4fde8dc3af82b8"


def test_the_page_says_how_the_hash_is_made() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    row, call, total = next(text for text in page.split("```") if "cdr|a1" in text).splitlines()[1:4]
    account = Account()
    account.add(ROW)
    account.add(CALL)
    assert (row, call, total) == (line_of(ROW), line_of(CALL), account.hash)
    assert "cdr|event.id|@timestamp|duration|billsec|disposition\n" in page
    assert "|direction|outcome|duration_seconds|billable_seconds|talk_seconds|legs\n" in page
    assert ("last seven complete days" in page, AUDIT_DAYS) == (True, 7)


@given(st.permutations([{**ROW, "event": {"id": f"{n}", "dataset": "pabx.cdr"}} for n in range(6)]))
def test_the_order_does_not_matter_but_every_document_does(documents: list[dict[str, Any]]) -> None:
    whole, without, twice = Account(), Account(), Account()
    for document in documents:
        whole.add(document)
        twice.add(document)
    for document in documents[1:]:
        without.add(document)
    twice.add(documents[0])
    assert whole.hash == "dbaa24ef13110f40"
    assert len({whole.hash, without.hash, twice.hash}) == 3


@pytest.mark.parametrize(
    ("zone", "day", "begin"),
    [
        ("America/Sao_Paulo", "2026-11-23", "2026-11-23T03:00:00Z"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),  # midnight did not exist
        ("Asia/Tokyo", "2026-12-01", "2026-11-30T15:00:00Z"),
    ],
)
def test_where_a_day_begins(zone: str, day: str, begin: str) -> None:
    clock = StoreClock(zone)
    assert clock.iso(midnight(clock, day)) == begin


def test_a_report_is_valid_and_a_later_one_takes_its_place() -> None:
    account = Account()
    account.add(ROW)
    origin = Origin("Loja001", "Asia/Tokyo", "1.0")
    document = report(
        origin, StoreClock("Asia/Tokyo"), "2026-12-01", account, datetime(2026, 12, 2, tzinfo=UTC)
    )
    body = json.loads(document.body)
    assert validator("audit")(body) is None
    assert (document.index_name, document.operation) == ("pabx-audit-2026.11", "index")
    assert document.id == body["event"]["id"] == report_id("Loja001", "2026-12-01")
    assert (document.id[:8], len(document.id)) == (mark("Loja001"), 32)
    assert body["event"]["sequence"] == 1796169600 << 10
    assert body["audit"]["as_of"] == "2026-12-02T00:00:00.000Z"


def test_the_days_that_are_over() -> None:
    assert complete_days(datetime.fromisoformat("2026-03-02 00:30:00")) == [
        "2026-02-23",
        "2026-02-24",
        "2026-02-25",
        "2026-02-26",
        "2026-02-27",
        "2026-02-28",
        "2026-03-01",
    ]


def test_140_stores_are_spread_over_four_hours() -> None:
    moments = sorted(moment_of(f"Loja{number:03d}") for number in range(1, 141))
    assert timedelta(hours=1) <= moments[0]
    assert moments[-1] < timedelta(hours=5)
    quarters = [
        sum(hour <= m / timedelta(hours=1) < hour + 0.25 for m in moments)
        for hour in [1 + quarter / 4 for quarter in range(16)]
    ]
    assert sum(quarters) == 140
    assert max(quarters) <= 20


class TestNightly:
    def at(self, text: str, done: str = "") -> Nightly:
        self.now = datetime.fromisoformat(text)
        return Nightly("Loja001", lambda: self.now, done)

    def days(self, nightly: Nightly) -> Iterator[str]:
        while (day := nightly.next()) is not None:
            yield day
            nightly.did()

    def test_once_a_day_at_the_stores_moment(self) -> None:
        nightly = self.at("2026-11-23 00:10:00", "2026-11-21")
        assert nightly.next() is None
        self.now = datetime.fromisoformat("2026-11-23") + moment_of("Loja001") - timedelta(seconds=1)
        assert nightly.next() is None
        self.now += timedelta(seconds=1)
        assert list(self.days(nightly)) == [f"2026-11-{day}" for day in range(16, 23)]
        self.now += timedelta(hours=12)
        assert nightly.next() is None
        self.now += timedelta(days=1)
        assert next(self.days(nightly)) == "2026-11-17"

    def test_a_pc_that_was_off_at_night_catches_up_when_it_is_on(self) -> None:
        nightly = self.at("2026-11-23 08:00:00", "2026-11-20")
        assert nightly.next() == "2026-11-16"

    def test_what_was_done_before_a_restart_is_not_done_again(self) -> None:
        nightly = self.at("2026-11-23 08:00:00")
        while not (done := nightly.did() if nightly.next() else ""):
            pass
        assert done == "2026-11-22"
        assert self.at("2026-11-23 09:00:00", done).next() is None

    def test_a_day_stays_the_next_one_until_it_was_done(self) -> None:
        nightly = self.at("2026-11-23 08:00:00")
        assert nightly.next() == nightly.next() == "2026-11-16"

    def test_midnight_in_between_begins_with_the_new_days(self) -> None:
        nightly = self.at("2026-11-23 23:59:00")
        nightly.next()
        nightly.did()
        self.now = datetime.fromisoformat("2026-11-24 06:00:00")
        assert nightly.next() == "2026-11-17"


FIELDS = (
    "calldate, src, dst, channel, dstchannel, lastapp, duration, billsec, disposition, uniqueid, linkedid, "
    "sequence"
)


class Table:
    """Rows by hand, on a store's clock that is UTC: the dates are what the index must have."""

    def __init__(self, database: CdrDatabase) -> None:
        self.database = database
        self.number = 0

    def row(
        self,
        start: str,
        seconds: int = 10,
        *,
        linked: str = "",
        channel: str = "",
        peer: str = "",
        calldate: str | None = None,
    ) -> str:
        """One row; gives its uniqueid."""
        self.number += 1
        epoch = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp())
        uniqueid = f"{epoch}.{self.number}"
        channel = channel or f"PJSIP/100-{self.number:08x}"
        with self.database.connect() as root, root.cursor() as cursor:
            cursor.execute("SET sql_mode = ''")
            cursor.execute(
                f"INSERT INTO cdr ({FIELDS}) VALUES (%s, '100', '200', %s, %s, 'Dial', %s, %s, 'ANSWERED', "
                "%s, %s, %s)",
                (
                    calldate or start,
                    channel,
                    peer,
                    seconds,
                    seconds - 1,
                    uniqueid,
                    linked or uniqueid,
                    self.number,
                ),
            )
        return uniqueid


class Counting:
    """The reading and sending half of an agent, at a time that the test sets."""

    def __init__(self, store: Store, now: str) -> None:
        config = load(store.write())
        self.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
        self.spool = Spool(Path(config.spool.path))
        self.database = Database(config.cdr)
        origin = Origin("Loja001", "UTC", "1.0")
        self.reader = CdrReader(config, self.database, self.spool, origin, now=lambda: self.now)
        self.sending = Sending(make_output(config), self.spool, origin, threading.Event(), threading.Event())

    def read(self) -> None:
        """As the agent does all the time."""
        sum(self.reader.everything())
        sum(self.reader.settle(at_once=True))
        self.sending.drain()

    def count(self, day: str, *, send: bool = True) -> dict[str, Any]:
        """As the agent does at night; gives the report."""
        recount = self.reader.recount(day)
        for documents in recount.steps():
            if send:
                self.spool.add(documents)
        document = recount.report()
        self.spool.add([document])
        self.sending.drain()
        found: dict[str, Any] = json.loads(document.body)["audit"]
        return found

    def close(self) -> None:
        self.sending.close()
        self.database.close()


@pytest.fixture
def counting(ready_store: Store) -> Iterator[Callable[[str], Counting]]:
    ready_store.set("store", timezone="UTC")
    made: list[Counting] = []

    def make(now: str) -> Counting:
        made.append(Counting(ready_store, now))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def table(cdr_database: CdrDatabase) -> Table:
    return Table(cdr_database)


def counted(hits: list[dict[str, Any]], day: str) -> dict[str, Any]:
    """The same five numbers of the index."""
    account = Account()
    for hit in hits:
        if hit["_source"]["local"]["date"] == day:
            account.add(hit["_source"])
    names = ("rows", "row_seconds", "calls", "call_seconds", "hash")
    return {name: getattr(account, name) for name in names}


def same(report: dict[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in ("rows", "row_seconds", "calls", "call_seconds", "hash")}


@pytest.mark.servers
class TestADay:
    def test_the_report_says_what_the_index_has(
        self, counting: Callable[[str], Counting], table: Table, found: Any
    ) -> None:
        table.row("2026-11-22 23:59:50", 30)  # of the day before, although it ends on this one
        table.row("2026-11-23 00:00:00")
        first = table.row("2026-11-23 12:00:00", 60)
        table.row("2026-11-23 12:00:20", 40, linked=first)
        late = table.row("2026-11-23 23:59:00", 30)  # its second row is of the next day
        table.row("2026-11-24 00:00:10", 5, linked=late)
        early = str(int(datetime(2026, 11, 23, 23, 59, 58, tzinfo=UTC).timestamp())) + ".900"
        table.row("2026-11-24 00:00:05", 5, linked=early)  # begins on the day, all rows behind it
        table.row("2026-11-23 10:00:00", calldate="0000-00-00 00:00:00")  # its day from the uniqueid
        table.row("2026-11-24 09:00:00")
        agent = counting("2026-11-25 02:00:00")
        agent.read()
        agent.now += timedelta(days=2)  # the call without its first row is waited for
        agent.read()
        reported = agent.count("2026-11-23", send=False)
        assert reported["kind"] == "report"
        assert (reported["rows"], reported["row_seconds"]) == (5, 10 + 60 + 40 + 30 + 10)
        assert (reported["calls"], reported["call_seconds"]) == (5, 10 + 60 + 75 + 12 + 10)
        assert same(reported) == counted(found("pabx-cdr-*,pabx-calls-*"), "2026-11-23")
        again = agent.count("2026-11-23")
        assert same(again) == same(reported)
        assert same(again) == counted(found("pabx-cdr-*,pabx-calls-*"), "2026-11-23")
        (there,) = found("pabx-audit-*")
        assert there["_id"] == report_id("Loja001", "2026-11-23")
        assert there["_source"]["audit"]["hash"] == reported["hash"]

    def test_a_day_without_a_row_is_reported_too(self, counting: Callable[[str], Counting]) -> None:
        reported = counting("2026-11-25 02:00:00").count("2026-11-24")
        assert same(reported) == {
            "rows": 0,
            "row_seconds": 0,
            "calls": 0,
            "call_seconds": 0,
            "hash": "0" * 16,
        }

    def test_what_was_lost_or_altered_in_the_index_heals(
        self, counting: Callable[[str], Counting], table: Table, cluster: OpenSearchCluster, found: Any
    ) -> None:
        for minute in range(5):
            table.row(f"2026-11-23 12:0{minute}:00")
        agent = counting("2026-11-24 02:00:00")
        agent.read()
        rows, calls = found("pabx-cdr-*"), found("pabx-calls-*")
        before = {hit["_id"]: hit["_source"] for hit in rows + calls}
        cluster.request("DELETE", f"/pabx-cdr-2026.11/_doc/{rows[0]['_id']}")
        cluster.request("DELETE", f"/pabx-calls-2026.11/_doc/{calls[0]['_id']}")
        for hit, field in ((rows[1], "cdr"), (calls[1], "call")):
            altered = {**hit["_source"], field: {"duration": 99, "duration_seconds": 99}}
            cluster.request("PUT", f"/{hit['_index']}/_doc/{hit['_id']}?pipeline=_none", altered)
        # OpenSearch remembers a deletion as newer than the document for index.gc_deletes, 60 s.
        for index in ("pabx-cdr-2026.11", "pabx-calls-2026.11"):
            cluster.request("PUT", f"/{index}/_settings", {"index": {"gc_deletes": "0s"}})
        agent.count("2026-11-23")
        after = {hit["_id"]: hit["_source"] for hit in found("pabx-cdr-*") + found("pabx-calls-*")}
        assert after.keys() == before.keys()
        for key, document in after.items():
            assert document.get("cdr") == before[key].get("cdr")
            assert document["call"] == before[key]["call"]

    def test_what_was_erased_stays_erased(
        self, counting: Callable[[str], Counting], table: Table, cluster: OpenSearchCluster, found: Any
    ) -> None:
        table.row("2026-11-23 12:00:00")
        agent = counting("2026-11-24 02:00:00")
        agent.read()
        reported = agent.count("2026-11-23")
        (row,) = found("pabx-cdr-*")
        source = {**row["_source"], "event": {**row["_source"]["event"], "sequence": 2**62}}
        del source["cdr"]["src"]
        path = f"/{row['_index']}/_doc/{row['_id']}?version={2**62}&version_type=external&pipeline=_none"
        cluster.request("PUT", path, source)
        agent.now += timedelta(days=1)
        assert same(agent.count("2026-11-23")) == same(reported)
        (row,) = found("pabx-cdr-*")
        assert "src" not in row["_source"]["cdr"]
        assert same(reported) == counted(found("pabx-cdr-*,pabx-calls-*"), "2026-11-23")

    def test_a_consultation_over_midnight_stays_one_call(
        self, counting: Callable[[str], Counting], table: Table, found: Any
    ) -> None:
        """Two linkedids that share a channel; the rows of the second one say another call themselves."""
        first = table.row(
            "2026-11-23 23:50:00", 900, channel="PJSIP/vivo-000000a1", peer="PJSIP/100-000000b1"
        )
        asked = table.row("2026-11-23 23:58:00", 420, channel="PJSIP/100-000000c1", peer="PJSIP/101-000000d1")
        table.row(
            "2026-11-24 00:04:59", 30, linked=first, channel="PJSIP/vivo-000000a1", peer="PJSIP/101-000000d1"
        )
        agent = counting("2026-11-25 02:00:00")
        agent.read()
        (call,) = found("pabx-calls-*")
        assert call["_source"]["call"]["linked_ids"] == [first, asked]
        for day in ("2026-11-23", "2026-11-24", "2026-11-23"):
            agent.now += timedelta(minutes=1)
            reported = agent.count(day)
            assert same(reported) == counted(found("pabx-cdr-*,pabx-calls-*"), day)
        (call,) = found("pabx-calls-*")
        assert {row["_source"]["call"]["id"] for row in found("pabx-cdr-*")} == {call["_id"]}
        assert call["_source"]["call"]["legs"] == 3

    def test_a_later_row_is_in_the_next_report(
        self, counting: Callable[[str], Counting], table: Table, found: Any
    ) -> None:
        table.row("2026-11-23 12:00:00")
        agent = counting("2026-11-24 02:00:00")
        agent.read()
        assert agent.count("2026-11-23")["rows"] == 1
        table.row("2026-11-23 13:00:00")
        agent.now += timedelta(days=1)
        agent.read()
        agent.count("2026-11-23")
        (there,) = found("pabx-audit-*")
        assert (there["_source"]["audit"]["rows"], there["_source"]["audit"]["calls"]) == (2, 2)

    def test_reading_goes_on_where_it_was(
        self, counting: Callable[[str], Counting], table: Table, found: Any
    ) -> None:
        """A row that the night sees first is read by the day all the same."""
        agent = counting("2026-11-24 02:00:00")
        agent.read()
        table.row("2026-11-23 12:00:00")
        agent.count("2026-11-23")
        agent.read()
        assert agent.spool.counters()["read"] == 1
        assert (len(found("pabx-cdr-*")), len(found("pabx-calls-*"))) == (1, 1)


@pytest.mark.servers
def test_run_once_reports_the_last_seven_days(ready_store: Store, found: Any) -> None:
    result = ready_store.set("store", timezone="UTC").run("run", "--once")
    assert (result.code, result.err) == (0, "")
    assert "0 documents delivered" in result.out
    days = complete_days(datetime.now(UTC))
    assert sorted(hit["_source"]["audit"]["day"] for hit in found("pabx-audit-*")) == days
    assert ready_store.run("backfill", "--since", "2026-11-01").code == 0
    assert ready_store.status()["reports"] == 7


@pytest.mark.servers
def test_the_agent_counts_by_itself_when_its_moment_has_passed(
    ready_store: Store, cdr_database: CdrDatabase, found: Any
) -> None:
    """In a zone in which it is noon now; what was done is not done again after a restart."""
    ahead = 12 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-ahead:+d}"  # the sign is that of POSIX
    yesterday = (datetime.now(UTC) + timedelta(hours=ahead) - timedelta(days=1)).date().isoformat()
    ready_store.set("store", timezone=zone)
    fill(cdr_database, 5, start=f"{yesterday} 15:00:00")
    with ready_store.agent():
        eventually(lambda: "the whole table was compared" in ready_store.log, "its start")
        eventually(lambda: ready_store.status()["counted_until"] == yesterday, "the account")
        eventually(lambda: ready_store.status()["reports"] == 7, "the reports")
        eventually(lambda: ready_store.status()["spool_documents"] == 0, "the delivery")
    status = ready_store.status()
    assert (status["errors"], status["quarantined"]) == ({}, 0)
    assert status["sent_again"] >= 5
    (of_yesterday,) = [
        hit["_source"]["audit"]
        for hit in found("pabx-audit-*")
        if hit["_source"]["audit"]["day"] == yesterday
    ]
    assert of_yesterday["rows"] == 5
    assert len(found("pabx-cdr-*")) == 5
    with ready_store.agent():
        eventually(lambda: ready_store.log.count("the whole table was compared") == 2, "another start")
        time.sleep(2)
    assert ready_store.status()["sent_again"] == status["sent_again"]
