"""Calls through the real agent, database and cluster: what becomes of one while its rows come in."""

import json
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

import pytest

from compose.stack import OpenSearchCluster
from shipper.assembly.builder import sequence_of
from tests.servers import CdrDatabase
from tests.shipper.store import Store, eventually

pytestmark = pytest.mark.servers

ZONE = ZoneInfo("America/Sao_Paulo")
Found = Callable[..., list[dict[str, Any]]]
FIELDS = (
    "calldate",
    "src",
    "dst",
    "dcontext",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "duration",
    "billsec",
    "disposition",
    "uniqueid",
    "linkedid",
    "did",
    "cnum",
    "sequence",
)


class Table:
    """Rows into a store's table; times in seconds after the call's beginning."""

    def __init__(self, database: CdrDatabase, begin: datetime) -> None:
        self.database = database
        self.begin = begin.replace(microsecond=0)
        self.epoch = int(begin.timestamp())
        self.sequence = 0

    def id(self, number: int, after: int = 0) -> str:
        return f"{self.epoch + after}.{number}"

    def row(self, after: int, duration: int, **columns: Any) -> None:
        self.sequence += 1
        row: dict[str, Any] = {
            "calldate": (self.begin + timedelta(seconds=after)).strftime("%Y-%m-%d %H:%M:%S"),
            "duration": duration,
            "lastapp": "Dial",
            "disposition": "ANSWERED",
            "sequence": self.sequence,
            **columns,
        }
        values = [row.get(name, 0 if name in ("billsec", "sequence") else "") for name in FIELDS]
        with self.database.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO cdr ({', '.join(FIELDS)}) VALUES ({', '.join(['%s'] * len(FIELDS))})", values
            )

    def inbound(self, after: int, duration: int, **columns: Any) -> None:
        """A row of the caller's own channel."""
        self.row(
            after,
            duration,
            **{
                "src": "11987654321",
                "dst": "101",
                "dcontext": "from-did-direct",
                "channel": "PJSIP/vivo-00000001",
                "uniqueid": self.id(1),
                "linkedid": self.id(1),
                "did": "1133334444",
                **columns,
            },
        )

    def consultation(self) -> None:
        """Extension 101 asks 102: a call with a linkedid of its own."""
        self.row(
            20,
            10,
            billsec=7,
            src="101",
            cnum="101",
            dst="102",
            dcontext="from-internal",
            channel="PJSIP/101-00000003",
            dstchannel="PJSIP/102-00000004",
            uniqueid=self.id(3, 20),
            linkedid=self.id(3, 20),
        )

    def emergency(self) -> None:
        """Extension 100 dials 190: only the trunk's name tells that this is no extension."""
        self.row(
            0,
            30,
            billsec=20,
            src="100",
            cnum="100",
            dst="190",
            dcontext="from-internal",
            channel="PJSIP/100-00000001",
            dstchannel="PJSIP/vivo-00000002",
            uniqueid=self.id(1),
            linkedid=self.id(1),
        )

    def handed_over(self) -> None:
        """The caller talked to 101, then to 102."""
        self.inbound(0, 30, billsec=25, dstchannel="PJSIP/101-00000002")
        self.inbound(30, 60, billsec=60, dstchannel="PJSIP/102-00000004")


@pytest.fixture
def store(ready_store: Store) -> Store:
    ready_store.set("store", area_code="11", trunks=["vivo"])
    return ready_store


@pytest.fixture
def table(cdr_database: CdrDatabase) -> Table:
    """Of a call that began three minutes ago."""
    return Table(cdr_database, datetime.now(ZONE) - timedelta(minutes=3))


@pytest.fixture
def old_table(cdr_database: CdrDatabase) -> Table:
    """Of a call that is older than the look-back."""
    return Table(cdr_database, datetime(2026, 10, 5, 11, 0, tzinfo=ZONE))


@pytest.fixture
def calls(found: Found) -> Callable[[], list[dict[str, Any]]]:
    """The call documents, oldest first."""

    def search() -> list[dict[str, Any]]:
        try:
            hits = found("pabx-calls-*")
        except HTTPError:  # an index that is being made does not answer
            return []
        return sorted((hit["_source"] for hit in hits), key=lambda body: str(body["@timestamp"]))

    return search


Calls = Callable[[], list[dict[str, Any]]]


def once(store: Store) -> str:
    done = store.run("run", "--once")
    assert done.code == 0, done.err
    return done.out


def test_a_call_and_its_rows_lead_to_each_other(
    store: Store, old_table: Table, calls: Calls, found: Found
) -> None:
    old_table.handed_over()
    old_table.consultation()
    assert once(store) == (
        "shipper: 3 rows read, 1 calls made, 6 documents delivered, 0 of them to the quarantine\n"
    )
    (body,) = calls()
    call = body["call"]
    assert call["linked_ids"] == [old_table.id(1), old_table.id(3, 20)]
    assert (call["direction"], call["outcome"], call["answered_by"]) == (
        "inbound",
        "answered",
        ["101", "102"],
    )
    assert (call["ring_seconds"], call["talk_seconds"], call["duration_seconds"]) == (5, 85, 90)
    assert (call["trunk"], call["did"], call["transferred"], call["legs"]) == ("vivo", "1133334444", True, 3)
    assert body["source"] == {"number": "11987654321", "e164": "+5511987654321"}
    rows = found("pabx-cdr-*")
    assert [row["_source"]["call"]["id"] for row in rows] == [call["id"]] * 3


def test_a_late_row_changes_the_call_and_no_resend_takes_it_back(
    store: Store, old_table: Table, calls: Calls, cluster: OpenSearchCluster
) -> None:
    old_table.inbound(0, 30, billsec=25, dstchannel="PJSIP/101-00000002")
    once(store)
    (before,) = calls()
    assert (before["call"]["answered_by"], before["call"]["legs"]) == (["101"], 1)
    old_table.inbound(30, 60, billsec=60, dstchannel="PJSIP/103-00000009")
    once(store)
    (after,) = calls()
    assert after["event"]["id"] == before["event"]["id"]
    assert (after["call"]["answered_by"], after["call"]["legs"]) == (["101", "103"], 2)
    index, key = "pabx-calls-2026.10", before["event"]["id"]
    lines = [{"index": {"_index": index, "_id": key}}, before]
    answer = cluster.request("POST", "/_bulk", "".join(json.dumps(line) + "\n" for line in lines))
    assert answer["items"][0]["index"]["status"] == 409
    assert calls() == [after]


def test_a_consultation_becomes_a_part_of_the_call_that_it_served(
    store: Store, table: Table, calls: Calls, found: Found
) -> None:
    """Its row is there while the caller still talks: it is a call of its own until the caller hangs up."""
    with store.agent():
        table.consultation()
        (alone,) = eventually(calls, "the consultation")
        assert (alone["call"]["direction"], alone["call"]["answered_by"]) == ("internal", ["102"])
        table.handed_over()
        eventually(lambda: [body["call"]["legs"] for body in calls()] == [3], "the whole call")
    (whole,) = calls()
    assert whole["event"]["id"] != alone["event"]["id"]
    assert whole["call"]["answered_by"] == ["101", "102"]
    assert {row["_source"]["call"]["id"] for row in found("pabx-cdr-*")} == {whole["event"]["id"]}


def test_a_call_that_is_still_going_on_is_not_sent(store: Store, table: Table, calls: Calls) -> None:
    """A queue's members hang up before the caller does; killed in between, the agent knows of it still."""
    member = {
        "src": "11987654321",
        "dcontext": "from-internal",
        "linkedid": table.id(1),
        "dst": "102",
        "channel": "Local/102@from-queue-00000001;2",
        "dstchannel": "PJSIP/102-00000005",
        "uniqueid": table.id(3),
    }
    with store.agent() as agent:
        table.row(0, 15, disposition="NO ANSWER", **member)
        eventually(lambda: '"calls_open": 1' in store.run("status", "--json").out, "an open call")
        time.sleep(7)  # longer than a call takes to settle
        assert calls() == []
        agent.kill()
    with store.agent():
        table.inbound(
            0,
            40,
            billsec=40,
            dst="400",
            dcontext="ext-queues",
            lastapp="Queue",
            lastdata="400,t,,,60",
            disposition="NO ANSWER",
            dstchannel="Local/102@from-queue-00000001;1",
        )
        (body,) = eventually(calls, "the call")
    assert (body["call"]["outcome"], body["call"]["queue"], body["call"]["wait_seconds"]) == (
        "abandoned",
        "400",
        40,
    )
    assert (body["call"]["missed"], body["call"]["legs"], body.get("tags")) == (True, 2, None)
    assert store.status()["calls_open"] == 0


def test_a_call_whose_first_row_never_came_is_sent_and_marked(
    store: Store, old_table: Table, calls: Calls
) -> None:
    """Asterisk was killed, or the database refused the row: after the look-back nobody waits for it."""
    old_table.inbound(0, 30, billsec=25, dstchannel="PJSIP/101-00000002", uniqueid=old_table.id(9))
    once(store)
    (body,) = calls()
    assert body["tags"] == ["call_incomplete"]


def test_a_backfill_makes_calls_anew_after_the_trunks_were_named(
    store: Store, old_table: Table, calls: Calls
) -> None:
    store.set("store", trunks=[])
    old_table.emergency()
    once(store)
    (before,) = calls()
    assert (before["call"]["direction"], before["call"]["category"]) == ("unknown", "unknown")
    store.set("store", trunks=["vivo"])
    once(store)
    assert calls() == [before], "nothing in the table has changed"
    assert store.run("backfill", "--since", "2026-10-05").code == 0
    (after,) = calls()
    assert (after["call"]["direction"], after["call"]["category"]) == ("outbound", "service")
    assert after["event"]["sequence"] > before["event"]["sequence"] == sequence_of(1)


def test_trunks_are_read_from_freepbx_where_the_rights_allow(
    store: Store, old_table: Table, calls: Calls, cdr_database: CdrDatabase
) -> None:
    database = f"{cdr_database.database}_freepbx"
    store.set("store", trunks=[]).set("cdr", freepbx_database=database)
    with cdr_database.connect() as root, root.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {database}")
        try:
            cursor.execute(
                f"CREATE TABLE {database}.trunks (trunkid INT, name VARCHAR(50), tech VARCHAR(20), "
                "channelid VARCHAR(190), disabled VARCHAR(4))"
            )
            cursor.execute(
                f"INSERT INTO {database}.trunks VALUES (1, 'Vivo', 'pjsip', 'vivo', 'off'), "
                "(2, '', 'dahdi', 'g0', 'off')"
            )
            old_table.emergency()
            checked = json.loads(store.run("check", "--json").out)
            (trunks,) = [finding for finding in checked if finding["part"] == "trunks"]
            assert (trunks["state"], trunks["message"]) == (
                "warning",
                "recent calls went over vivo: no telephone and no listed trunk",
            )
            assert f"GRANT SELECT ON {database}.trunks TO '{cdr_database.user}'@'127.0.0.1'" in trunks["hint"]
            once(store)
            assert calls()[0]["call"]["direction"] == "unknown"

            cursor.execute(f"GRANT SELECT ON {database}.trunks TO '{cdr_database.user}'@'127.0.0.1'")
            checked = json.loads(store.run("check", "--json").out)
            (trunks,) = [finding for finding in checked if finding["part"] == "trunks"]
            assert (trunks["state"], trunks["message"]) == ("ok", "vivo")
            assert store.run("backfill", "--since", "2026-10-05").code == 0
            call = calls()[0]["call"]
            assert (call["direction"], call["trunk"]) == ("outbound", "vivo")
        finally:
            cursor.execute(f"DROP DATABASE {database}")


def test_a_spool_of_the_version_before_calls_has_them_made(
    store: Store, old_table: Table, calls: Calls, cluster: OpenSearchCluster
) -> None:
    """Its rows were all read and delivered: they are read again, delivered once, and put together."""
    old_table.handed_over()
    once(store)
    cluster.request("DELETE", "/pabx-calls-*")
    with sqlite3.connect(store.spool) as spool:
        spool.execute("DROP TABLE unsettled")
        spool.execute("DROP TABLE heard")
        spool.execute("ALTER TABLE documents DROP COLUMN operation")
        spool.execute("PRAGMA user_version=1")
    looked = store.run("status")
    assert looked.code == 1
    assert "start the agent, which brings it up to date" in looked.line
    once(store)
    assert [body["call"]["legs"] for body in calls()] == [2]
    assert once(store).startswith("shipper: 0 rows read, 0 calls made, 0 documents delivered")


def test_rows_without_any_identifier_are_a_call_each(
    store: Store, cdr_database: CdrDatabase, calls: Calls
) -> None:
    """A FreePBX of 2010 whose table was restored without them."""
    with cdr_database.connect() as root, root.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cdr "
            "(calldate, src, dst, channel, dstchannel, lastapp, disposition, duration, billsec) VALUES "
            "('2026-10-05 11:00:00', '100', '101', 'SIP/100-01', 'SIP/101-02', 'Dial', 'ANSWERED', 9, 5), "
            "('2026-10-05 11:00:00', '100', '102', 'SIP/100-03', 'SIP/102-04', 'Dial', 'BUSY', 0, 0)"
        )
    once(store)
    assert [(body["call"]["outcome"], body["destination"]["extension"]) for body in calls()] in (
        [("answered", "101"), ("busy", "102")],
        [("busy", "102"), ("answered", "101")],
    )


def test_rows_whose_date_is_none_are_put_together_by_their_identifiers(
    store: Store, cdr_database: CdrDatabase, calls: Calls
) -> None:
    """The table cannot be asked for them by time; their own uniqueid says when it was."""
    with cdr_database.connect() as root, root.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute(
            "INSERT INTO cdr (calldate, src, dst, channel, dstchannel, lastapp, disposition, duration, "
            "billsec, uniqueid, linkedid, sequence) VALUES "
            "(0, '100', '101', 'PJSIP/100-01', 'PJSIP/101-02', 'Dial', 'NO ANSWER', 8, 0, "
            "'1791208800.1', '1791208800.1', 1), "
            "(0, '100', '101', 'PJSIP/100-01', '', 'VoiceMail', 'ANSWERED', 9, 9, "
            "'1791208800.1', '1791208800.1', 2)"
        )
    once(store)
    (body,) = calls()
    assert (body["call"]["outcome"], body["call"]["legs"]) == ("voicemail", 2)
    assert body["@timestamp"] == "2026-10-05T14:00:00Z"
