"""The commands as a technician uses them, on a real database and a real cluster."""

import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from shipper.spool import Spool
from tests.servers import CdrDatabase
from tests.shipper.store import ROOT, Store, count, eventually, fill

pytestmark = pytest.mark.servers


def test_run_once_delivers_everything_and_a_second_run_nothing(
    ready_store: Store, cdr_database: CdrDatabase, found: Any
) -> None:
    fill(cdr_database, 1500)
    result = ready_store.run("run", "--once")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("shipper: 1500 rows read, 1500 calls made, 3000 documents delivered, 0 ")
    versions = {hit["_id"]: hit["_source"] for hit in found()}
    assert len(versions) == 1500
    result = ready_store.run("run", "--once")
    assert result.out.startswith("shipper: 0 rows read, 0 calls made, 0 documents delivered, 0 ")
    assert {hit["_id"]: hit["_source"] for hit in found()} == versions


def test_status(ready_store: Store, cdr_database: CdrDatabase) -> None:
    fill(cdr_database, 20)
    ready_store.run("run", "--once")
    status = ready_store.status()
    assert status["last_acknowledgement"].endswith("Z")
    del status["last_acknowledgement"], status["spool_bytes"]
    assert status == {
        "store": "Loja001",
        "running": False,
        "read": 20,
        "documents": 40,
        "calls": 20,
        "calls_open": 0,
        "delivered": 40,
        "quarantined": 0,
        "refused": 0,
        "sent_again": 0,
        "reports": 7,
        "counted_until": None,
        "spool_documents": 0,
        "spool_limit_bytes": 64 * 1024 * 1024,
        "spool_oldest_seconds": None,
        "errors": {},
    }
    text = ready_store.run("status").out
    assert "store       Loja001 (not running)\n" in text
    assert "read        20 rows, 40 documents\n" in text
    assert "calls       20 made, 0 not settled yet\n" in text
    assert "counted     up to no day yet, 7 reports delivered\n" in text


def test_an_error_shows_in_status_until_the_part_works_again(
    ready_store: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster
) -> None:
    fill(cdr_database, 5)
    line = ready_store.set("output.opensearch", url="http://127.0.0.1:9").run("run", "--once").line
    status = ready_store.status()
    assert line == f"shipper: {status['errors']['sending']['message']}"
    assert status["spool_documents"] in (5, 10)  # the rows, and their calls if it got so far
    assert status["spool_oldest_seconds"] >= 0
    assert (
        "error       sending: output: http://127.0.0.1:9 cannot be reached" in ready_store.run("status").out
    )
    ready_store.set("output.opensearch", url=cluster.url)
    password = ready_store.settings["cdr"]["password"]
    ready_store.set("cdr", password="wrong").run("run", "--once")
    assert list(ready_store.status()["errors"]) == ["reading"]
    ready_store.set("cdr", password=password)
    assert ready_store.run("run", "--once").code == 0
    assert ready_store.status()["errors"] == {}


def test_check_of_a_store_that_works(ready_store: Store, cdr_database: CdrDatabase) -> None:
    fill(cdr_database, 20)
    ready_store.set("store", trunks=["vivo"]).set("ami", enabled=False)
    result = ready_store.run("check")
    assert (result.code, result.err) == (0, "")
    lines = [line.split()[:2] for line in result.out.splitlines()]
    assert [line[0] for line in lines] == [
        "database",
        "rights",
        "time",
        "trunks",
        "output",
        "clock",
        "spool",
        "ami",
    ]
    assert not ready_store.spool.exists()  # looking changes nothing
    findings = json.loads(ready_store.run("check", "--json").out)
    states = {found["part"]: found["state"] for found in findings}
    assert states == {
        "database": "ok",
        "rights": "ok",
        "time zone": "ok",
        "trunks": "ok",
        "output": "ok",
        "clock": "ok",
        "spool": "ok",
        "ami": "skipped",
    }
    assert {name for found in findings for name in found} == {"part", "state", "message", "hint", "stanza"}


def test_check_tells_a_database_that_is_down_once(store: Store) -> None:
    result = store.run("check")
    assert result.code == 1
    assert result.out.count("cannot be reached") == 2  # the database, and the output
    assert result.out.count("needs what failed above") == 4


def test_check_of_a_user_who_may_write(ready_store: Store, cdr_database: CdrDatabase) -> None:
    with cdr_database.connect() as root, root.cursor() as cursor:
        cursor.execute(f"GRANT INSERT, DELETE ON cdr TO `{cdr_database.user}`@`127.0.0.1`")
    result = ready_store.run("check")
    (line,) = (line for line in result.out.splitlines() if line.startswith("rights"))
    assert "may do more than read: DELETE, INSERT" in line
    assert f"GRANT SELECT ON {cdr_database.database}.cdr" in line
    assert result.code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_agent_soon(ready_store: Store, cdr_database: CdrDatabase, number: int) -> None:
    fill(cdr_database, 10)
    ready_store.set("cdr", poll_seconds=60)
    with ready_store.agent() as agent:
        eventually(
            lambda: ready_store.spool.exists() and ready_store.status()["delivered"] == 20, "the delivery"
        )
        assert ready_store.status()["running"] is True
        began = time.monotonic()
        agent.send_signal(number)
        assert agent.wait(10) == 0
        assert time.monotonic() - began < 3
    assert ready_store.status()["running"] is False
    assert '"error"' not in ready_store.log


def test_a_second_agent_is_refused(ready_store: Store, cdr_database: CdrDatabase) -> None:
    fill(cdr_database, 1)
    with ready_store.agent() as agent:
        eventually(lambda: ready_store.spool.exists() and ready_store.status()["running"], "the start")
        for command in (("run",), ("run", "--once")):
            result = ready_store.run(*command)
            assert result.code == 1
            assert f"held by another shipper (process {agent.pid})" in result.line
            assert "spool.path" in result.line
        assert "in use by a running agent" in ready_store.run("check").out


def test_new_rows_arrive_while_it_runs(
    ready_store: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster
) -> None:
    with ready_store.agent():
        for total in (3, 6, 9):
            fill(cdr_database, 3, first=total - 3)
            eventually(lambda wanted=total: count(cluster) == wanted, f"{total} documents")


class TestBackfill:
    def test_without_an_agent(self, ready_store: Store, cdr_database: CdrDatabase, found: Any) -> None:
        fill(cdr_database, 30, start="2026-11-22 23:59:50")
        ready_store.run("run", "--once")
        before = found()
        result = ready_store.run("backfill", "--since", "2026-11-23")
        assert (result.code, result.err) == (0, "")
        assert result.out == "shipper: read again and delivered: 2026-11-23 to now\n"
        assert ready_store.status()["read"] == 30 + 20
        assert ready_store.run("backfill", "--since", "2026-11-22", "--until", "2026-11-22").code == 0
        assert ready_store.status()["read"] == 30 + 20 + 10
        assert found() == before

    def test_it_brings_back_what_the_index_lost(
        self, ready_store: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster, found: Any
    ) -> None:
        fill(cdr_database, 30)
        ready_store.run("run", "--once")
        before = {hit["_id"] for hit in found()}
        cluster.request("DELETE", "/pabx-cdr-2026.11")
        ready_store.run("run", "--once")
        assert found() == []  # the agent believes its own books
        ready_store.run("backfill", "--since", "2026-11-23")
        assert {hit["_id"] for hit in found()} == before

    def test_a_running_agent_does_it(
        self, ready_store: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster, found: Any
    ) -> None:
        fill(cdr_database, 30)
        with ready_store.agent() as agent:
            eventually(lambda: count(cluster) == 30, "the delivery")
            before = {hit["_id"] for hit in found()}
            cluster.request("DELETE", "/pabx-cdr-2026.11")
            result = ready_store.run("backfill", "--since", "2026-11-01")
            assert result.code == 0
            assert result.out == "shipper: read again by the running agent: 2026-11-01 to now\n"
            assert result.line.startswith("shipper: an agent runs: request 1 ")
            eventually(lambda: count(cluster) == 30, "the second delivery")
            assert {hit["_id"] for hit in found()} == before
            agent.terminate()
            assert agent.wait(10) == 0

    def test_the_agent_ends_before_it_is_done(self, ready_store: Store, cdr_database: CdrDatabase) -> None:
        fill(cdr_database, 3)
        ready_store.set("cdr", poll_seconds=60)
        with ready_store.agent() as agent:
            eventually(
                lambda: ready_store.spool.exists() and ready_store.status()["delivered"] == 6, "the delivery"
            )
            command = [sys.executable, "-m", "shipper", "backfill", "--since", "2026-11-01"]
            command += ["--config", str(ready_store.config)]
            with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as asked:
                assert asked.stderr is not None
                assert "an agent runs" in asked.stderr.readline()
                agent.kill()
                agent.wait()
                rest = asked.communicate(timeout=10)[1]
                assert asked.returncode == 1
        assert "the agent ended before it had done request 1" in rest
        assert "start the agent" in rest
        with ready_store.set("cdr", poll_seconds=0.2).agent():
            eventually(lambda: ready_store.status()["read"] == 6, "the backfill by the next agent")

    def test_a_span_larger_than_the_spool(
        self, ready_store: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster
    ) -> None:
        """It goes on where the full spool stopped it, instead of beginning anew for ever."""
        fill(cdr_database, 4000)
        assert ready_store.run("run", "--once").code == 0
        ready_store.set("spool", max_mib=1)
        result = ready_store.run("backfill", "--since", "2026-11-23")
        assert result.code == 0
        status = ready_store.status()
        assert status["spool_documents"] == 0
        assert 16_000 <= status["documents"] < 22_000  # a bucket that was cut off is read again
        assert count(cluster) == count(cluster, "pabx-calls-*") == 4000


def test_a_full_spool_stops_reading_and_goes_on_after_the_delivery(
    ready_store: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster, found: Any
) -> None:
    # Older than the days that the nightly account sends again: that would count as delivered too.
    fill(cdr_database, 6000, start="2026-10-05 10:00:00")
    ready_store.set("spool", max_mib=1).set("output.opensearch", url="http://127.0.0.1:9")
    with ready_store.agent() as agent:
        eventually(
            lambda: (ready_store.folder / "agent.log").exists() and "spool.max_mib is 1" in ready_store.log
        )
        waits = ready_store.status()["spool_documents"]
        time.sleep(2.5)
        assert ready_store.status()["spool_documents"] == waits < 3000
        assert ready_store.spool.stat().st_size < 4 * 1024 * 1024
        agent.terminate()
        assert agent.wait(10) == 0
    with ready_store.set("output.opensearch", url=cluster.url).agent() as agent:
        eventually(lambda: count(cluster) == 6000, "the arrival of all", 60)
        eventually(lambda: count(cluster, "pabx-calls-*") == 6000, "the arrival of all calls", 60)
        eventually(lambda: ready_store.status()["spool_documents"] == 0, "the last acknowledgement")
        eventually(lambda: ready_store.status()["errors"] == {}, "the end of the errors")
        agent.terminate()
        assert agent.wait(10) == 0
    status = ready_store.status()
    assert status["calls_open"] == 0
    assert status["documents"] == status["delivered"] >= 12_000
    assert len({hit["_id"] for hit in found()}) == len({hit["_id"] for hit in found("pabx-calls-*")}) == 6000


def test_a_full_spool_leaves_the_database_alone(store_with_rows: Store, cdr_database: CdrDatabase) -> None:
    """With the output away for days, the table must not be counted anew every second."""
    fill(cdr_database, 6000)
    with store_with_rows.set("spool", max_mib=1).agent():
        eventually(
            lambda: (
                (store_with_rows.folder / "agent.log").exists()
                and "spool.max_mib is 1" in store_with_rows.log
            )
        )
        with cdr_database.connect() as root, root.cursor() as cursor:
            counted = []
            for _ in range(2):
                cursor.execute("SHOW GLOBAL STATUS LIKE 'Com_select'")
                counted.append(int(cursor.fetchone()[1]))  # type: ignore[index]
                time.sleep(3)
    assert counted[1] - counted[0] == 0


def test_killed_again_and_again_it_loses_nothing_and_doubles_nothing(
    ready_store: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster, found: Any
) -> None:
    total = 0
    for wait in (0.3, 0.6, 0.9, 1.2):
        with ready_store.agent() as agent:
            fill(cdr_database, 700, first=total)
            total += 700
            time.sleep(wait)
            agent.kill()
            agent.wait()
    assert ready_store.run("run", "--once").code == 0
    assert {hit["_source"]["cdr"]["sequence"] for hit in found()} == set(range(total))
    assert count(cluster) == total
    spool = Spool(ready_store.spool)
    assert sum(bucket.rows for bucket in spool.buckets("").values()) == total
    spool.close()
