"""Calls that AMI heard and the table has no row of, on the real database and cluster."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compose.stack import MariaDB, OpenSearchCluster
from shipper.agent.sending import Sending
from shipper.assembly.builder import FIRST, WITHOUT_ROW, sequence_of
from shipper.config import CdrSettings, Config, OpenSearchSettings, PrivacySettings, StoreSettings
from shipper.document.model import Document, Origin
from shipper.errors import DatabaseError
from shipper.live.heard import LINGER_SECONDS, Heard
from shipper.live.unwritten import HeardCall
from shipper.outputs import OpenSearchOutput
from shipper.sources.cdr import CdrReader, Database
from shipper.sources.cdr.unheard import as_text
from shipper.spool import Spool, SpoolFullError, Unsettled, schema
from tests.servers import CdrDatabase, cdr_database_on

pytestmark = pytest.mark.servers

LOOKBACK = timedelta(hours=24)
ZONE = "America/Sao_Paulo"
BEGIN = datetime(2026, 11, 23, 8, 10, 7, tzinfo=UTC)
"""05:10:07 in Sao Paulo."""
EPOCH = int(BEGIN.timestamp())
LINKED = f"{EPOCH}.7"
NAMES = ("PJSIP/100-00000007", "PJSIP/101-00000008")


def heard_call(*, linked: str = LINKED, begin: int = EPOCH, src: str = "100") -> HeardCall:
    """100 calls 101, who is busy."""
    clock = [float(begin)]
    heard = Heard(lambda: clock[0])
    caller = {
        "Channel": f"PJSIP/{src if len(src) < 5 else 'vivo'}-00000007",
        "ChannelState": "4",
        "CallerIDNum": src,
        "CallerIDName": "Maria Silva" if len(src) > 4 else "<unknown>",
        "Context": "from-internal" if len(src) < 5 else "from-trunk",
        "Exten": "101" if len(src) < 5 else "1133334444",
        "Uniqueid": linked,
        "Linkedid": linked,
    }
    called = {"DestChannel": NAMES[1], "DestUniqueid": f"{begin}.8", "DialString": "101/sip:101"}
    for event in (
        {"Event": "Newchannel", **caller},
        {"Event": "DialBegin", **caller, **called},
        {"Event": "DialEnd", **caller, **called, "DialStatus": "BUSY"},
        {"Event": "Hangup", **caller, "Cause": "17"},
    ):
        heard.apply(event)
        clock[0] += 1
    clock[0] += LINGER_SECONDS
    (call,) = heard.over()
    return call


class Agent:
    """What reads, with a clock that we turn."""

    def __init__(self, database: CdrDatabase, folder: Path, mode: str = "clear", max_mib: int = 64) -> None:
        self.database = database
        self.now = BEGIN + timedelta(minutes=1)
        settings = CdrSettings(
            port=database.port, user=database.user, password=database.password, database=database.database
        )
        store = StoreSettings(id="Loja001", timezone=ZONE, area_code="11", trunks=("vivo",))
        config = Config(store=store, cdr=settings, privacy=PrivacySettings(mode=mode, key="k"))
        self.spool = Spool(folder / "spool.db", max_mib)
        self.source = Database(settings)
        self.origin = Origin("Loja001", ZONE, "test")
        self.reader = CdrReader(config, self.source, self.spool, self.origin, now=lambda: self.now)
        self.reader.poll()

    def hear(self, *calls: HeardCall) -> None:
        self.spool.hear(as_text(calls, LOOKBACK.total_seconds()))

    def after(self, time: timedelta) -> int:
        """Look at the table so long after the call's beginning."""
        self.now = BEGIN + time
        return self.reader.poll()

    def waiting(self) -> list[str]:
        """What is still to be looked for."""
        return [linked for linked, _ in self.spool.heard(1e12, 1000)]

    def documents(self, index: str = "pabx-calls-") -> list[dict[str, Any]]:
        found = self.spool.take(1000, 1 << 30)
        return [json.loads(document.body) for document in found if document.index_name.startswith(index)]

    def row(self, after: int = 0, **columns: Any) -> None:
        began = BEGIN.astimezone(self.reader._clock.zone) + timedelta(seconds=after)
        row: dict[str, Any] = {
            "calldate": began.strftime("%Y-%m-%d %H:%M:%S"),
            "src": "100",
            "cnum": "100",
            "dst": "101",
            "dcontext": "from-internal",
            "channel": NAMES[0],
            "dstchannel": NAMES[1],
            "lastapp": "Dial",
            "duration": 4,
            "billsec": 3,
            "disposition": "ANSWERED",
            "uniqueid": LINKED,
            "linkedid": LINKED,
            "sequence": 1,
            **columns,
        }
        with self.database.connect() as connection, connection.cursor() as cursor:
            names, places = ", ".join(row), ", ".join(["%s"] * len(row))
            cursor.execute(f"INSERT INTO cdr ({names}) VALUES ({places})", list(row.values()))

    def settle(self, time: timedelta) -> None:
        """Read what is new, and the calls of it."""
        self.after(time)
        self.after(time + timedelta(seconds=6))

    def send(self, cluster: OpenSearchCluster) -> None:
        output = OpenSearchOutput(OpenSearchSettings(url=cluster.url))
        sending = Sending(output, self.spool, self.origin, threading.Event(), threading.Event())
        while sending.step():
            pass
        output.close()

    def close(self) -> None:
        self.source.close()
        self.spool.close()


@pytest.fixture
def make_agent(cdr_database: CdrDatabase, tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    made: list[Agent] = []

    def make(**options: Any) -> Agent:
        made.append(Agent(cdr_database, tmp_path, **options))
        return made[-1]

    yield make
    for agent in made:
        agent.close()


@pytest.fixture
def agent(make_agent: Callable[..., Agent]) -> Agent:
    return make_agent()


DUE = LOOKBACK + timedelta(seconds=10)


class TestWithoutRow:
    def test_it_becomes_a_call_after_the_lookback_and_not_before(self, agent: Agent) -> None:
        agent.hear(heard_call())
        assert agent.after(LOOKBACK - timedelta(seconds=1)) == 0
        assert (agent.documents(), agent.waiting()) == ([], [LINKED])
        assert agent.after(DUE) == 1
        (body,) = agent.documents()
        assert body["tags"] == [WITHOUT_ROW] == ["call_without_row"]
        assert (body["call"]["legs"], body["event"]["sequence"]) == (0, FIRST) == (0, 1)
        assert (body["@timestamp"], body["event"]["end"]) == ("2026-11-23T08:10:07Z", "2026-11-23T08:10:09Z")
        assert body["event"]["created"] == "2026-11-24T08:10:17.000Z"
        assert (body["call"]["direction"], body["call"]["outcome"]) == ("internal", "busy")
        assert body["call"]["linked_ids"] == [LINKED]
        assert agent.waiting() == []
        assert agent.after(DUE * 2) == 0
        assert agent.spool.counters()["unheard"] == 1

    def test_no_account_of_a_day_has_it(self, agent: Agent) -> None:
        agent.hear(heard_call())
        agent.row(60, linkedid=f"{EPOCH + 60}.9", uniqueid=f"{EPOCH + 60}.9", channel="", dstchannel="")
        agent.settle(DUE)
        assert len(agent.documents()) == 2
        recount = agent.reader.recount("2026-11-23")
        sent = [json.loads(document.body) for step in recount.steps() for document in step]
        assert [body["event"]["id"] for body in sent if body["event"]["dataset"] == "pabx.call"] == [
            agent.reader._calls.builder.identity(f"{EPOCH + 60}.9")
        ]
        audit = json.loads(recount.report().body)["audit"]
        assert (audit["rows"], audit["calls"]) == (1, 1)

    def test_many_are_made_at_once_and_each_once(self, agent: Agent) -> None:
        calls = [heard_call(linked=f"{EPOCH}.{number}0") for number in range(1, 121)]
        agent.hear(*calls)
        agent.hear(*calls)
        assert agent.after(DUE) == 120
        assert len({body["call"]["id"] for body in agent.documents()}) == 120
        assert agent.waiting() == []

    @pytest.mark.parametrize(("mode", "number"), [("masked", "*******4321"), ("hashed", "h")])
    def test_who_called_is_hidden(self, make_agent: Callable[..., Agent], mode: str, number: str) -> None:
        agent = make_agent(mode=mode)
        agent.hear(heard_call(src="11987654321"))
        agent.after(DUE)
        (body,) = agent.documents()
        assert body["source"]["number"].startswith(number)
        assert body["destination"]["number"] == "1133334444"
        text = json.dumps(body)
        assert not {word for word in ("987654321", "Maria", "Silva") if word in text}

    def test_the_database_is_down_when_it_is_due(self, server_dir: Path, tmp_path: Path) -> None:
        with MariaDB(server_dir / "mariadb") as server, cdr_database_on(server) as database:
            agent = Agent(database, tmp_path)
            agent.hear(heard_call())
            server.kill()
            with pytest.raises(DatabaseError):
                agent.after(DUE)
            assert (agent.documents(), agent.waiting()) == ([], [LINKED])
            server.restart()
            assert agent.after(DUE + timedelta(minutes=5)) == 1
            assert [body["tags"] for body in agent.documents()] == [[WITHOUT_ROW]]
            agent.close()

    def test_a_full_spool_takes_it_later(self, make_agent: Callable[..., Agent]) -> None:
        agent = make_agent(max_mib=1)
        agent.hear(heard_call())
        agent.spool.add([document(number, b"x" * 100_000) for number in range(11)])
        with pytest.raises(SpoolFullError):
            agent.after(DUE)
        assert agent.waiting() == [LINKED]
        agent.spool.settle([found.seq for found in agent.spool.take(1000, 1 << 30)])
        assert agent.after(DUE) == 1


def document(number: int, body: bytes) -> Document:
    return Document("pabx-cdr-2026.11", f"{number:032x}", body)


class TestWithRow:
    def test_a_call_that_settles_is_looked_for_no_more(self, agent: Agent) -> None:
        agent.hear(heard_call())
        agent.row()
        agent.settle(timedelta(minutes=2))
        assert agent.waiting() == []
        assert [(body["call"]["legs"], body.get("tags")) for body in agent.documents()] == [(1, None)]

    def test_one_that_settled_before_it_was_heard_of_makes_nothing(self, agent: Agent) -> None:
        agent.row()
        agent.settle(timedelta(minutes=2))
        agent.hear(heard_call())
        assert agent.waiting() == [LINKED]
        assert agent.after(DUE) == 0
        assert agent.waiting() == []
        assert len(agent.documents()) == 1

    @pytest.mark.parametrize(
        "columns",
        [
            {"linkedid": "", "uniqueid": LINKED},
            {"linkedid": LINKED, "uniqueid": f"{EPOCH}.99", "channel": "", "dstchannel": ""},
            {"linkedid": "", "uniqueid": ""},
            {"linkedid": "", "uniqueid": "", "channel": "", "dstchannel": NAMES[0]},
        ],
        ids=["uniqueid", "linkedid", "channel", "dstchannel"],
    )
    def test_any_of_its_names_will_do(self, agent: Agent, columns: dict[str, str]) -> None:
        agent.row(**columns)
        agent.settle(timedelta(minutes=2))
        agent.hear(heard_call())
        agent.after(DUE)
        assert (agent.waiting(), "unheard" in agent.spool.counters()) == ([], False)
        assert [body["call"]["legs"] for body in agent.documents()] == [1]

    def test_a_channels_name_that_came_back_is_another_call(self, agent: Agent) -> None:
        """Asterisk was killed in the middle of the call: it wrote no row, and counts its channels anew."""
        later = f"{EPOCH + 600}.0"
        agent.row(600, linkedid=later, uniqueid=later)
        agent.settle(timedelta(minutes=12))
        agent.hear(heard_call())
        assert agent.after(DUE) == 1
        assert [body["call"]["linked_ids"] for body in agent.documents()] == [[later], [LINKED]]

    def test_a_row_that_was_read_just_now_settles_all_the_same(self, agent: Agent) -> None:
        """To look for it in vain must not make the agent forget the row's call."""
        agent.hear(heard_call())
        agent.row(10, linkedid=LINKED, uniqueid=f"{EPOCH}.8", dstchannel="")
        agent.settle(timedelta(minutes=2))
        agent.spool.postpone([Unsettled(LINKED, "", "", EPOCH + 1e6)])
        assert agent.waiting() == [LINKED]
        assert agent.after(DUE) == 0
        assert (agent.waiting(), agent.spool.unsettled()) == ([], 1)
        assert agent.after(timedelta(days=12)) == 1
        assert [body["tags"] for body in agent.documents()] == [["call_incomplete"]]

    def test_a_late_row_takes_its_place(
        self, agent: Agent, cluster: OpenSearchCluster, found: Callable[..., list[dict[str, Any]]]
    ) -> None:
        agent.hear(heard_call())
        agent.after(DUE)
        agent.send(cluster)
        (before,) = found("pabx-calls-*")
        assert before["_source"]["tags"] == [WITHOUT_ROW]
        # The database was mended, and somebody put the row in.
        agent.row()
        sum(agent.reader.everything())
        agent.settle(DUE + timedelta(minutes=1))
        agent.send(cluster)
        (after,) = found("pabx-calls-*")
        assert (after["_id"], after["_index"]) == (before["_id"], before["_index"])
        call = after["_source"]["call"]
        assert (call["legs"], call["outcome"], call["answered_by"]) == (1, "answered", ["101"])
        assert "tags" not in after["_source"]
        assert after["_source"]["event"]["sequence"] == sequence_of(1) > FIRST
        # What is sent once more, as after a crash, changes nothing.
        agent.spool.add([agent.reader._unheard._documents(heard_call(), agent.reader._calls.builder)[0]])
        agent.send(cluster)
        assert found("pabx-calls-*") == [after]
        assert found("pabx-quarantine-*") == []


class TestSpool:
    def older(self, path: Path) -> None:
        """A spool as version 3 made it, with work in it."""
        Spool(path).close()
        with sqlite3.connect(path) as raw:
            raw.execute("DROP TABLE heard")
            raw.execute("PRAGMA user_version=3")
            raw.execute(
                "INSERT INTO documents (idx, id, body, spooled) VALUES ('pabx-cdr-2026.11', 'a', x'62', 1)"
            )
            raw.execute("INSERT INTO buckets VALUES ('2026-11-23 05:1', 1, 2)")
            raw.execute(f"INSERT INTO unsettled VALUES ('{LINKED}', 'a', 'b', 1, 0)")
            raw.execute("INSERT INTO counters VALUES ('read', 7)")
        raw.close()

    def test_one_of_version_3_keeps_all_that_waits(self, tmp_path: Path) -> None:
        path = tmp_path / "spool.db"
        self.older(path)
        spool = Spool(path)
        assert [document.id for document in spool.take(10, 1000)] == ["a"]
        assert list(spool.buckets("")) == ["2026-11-23 05:1"]
        assert (spool.unsettled(), spool.counters()) == (1, {"read": 7})
        spool.hear([(LINKED, 5.0, "[]")])
        assert spool.heard(4.9, 10) == []
        assert spool.heard(5.0, 10) == [(LINKED, "[]")]
        spool.close()
        with sqlite3.connect(path) as raw:
            assert raw.execute("PRAGMA user_version").fetchone() == (schema.VERSION,) == (4,)
        raw.close()

    @pytest.mark.parametrize("version", [1, 2])
    def test_one_that_is_older_still_has_the_table_too(self, tmp_path: Path, version: int) -> None:
        path = tmp_path / "spool.db"
        self.older(path)
        with sqlite3.connect(path) as raw:
            raw.execute(f"PRAGMA user_version={version}")
            if version == 1:
                raw.execute("DROP TABLE unsettled")
                raw.execute("ALTER TABLE documents DROP COLUMN operation")
        raw.close()
        spool = Spool(path)
        spool.hear([(LINKED, 5.0, "[]")])
        assert (spool.heard(5.0, 1), spool.is_empty(), spool.unsettled()) == ([(LINKED, "[]")], True, 0)
        spool.close()

    def test_what_was_heard_outlives_the_process(self, tmp_path: Path) -> None:
        path = tmp_path / "spool.db"
        spool = Spool(path)
        spool.hear(as_text([heard_call()], 3600))
        spool.close()
        spool = Spool(path)
        ((linked, body),) = spool.heard(EPOCH + 3603, 10)
        assert (linked, HeardCall(*json.loads(body))) == (LINKED, heard_call())
        assert spool.heard(EPOCH + 3602, 10) == []
        spool.close()
