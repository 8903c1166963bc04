"""The agent's memory while 2,000 calls are going on, and when they all end at once.

Each call is a queue of which one member has rung and hung up: its row is there, the caller's is not. Then all
callers hang up. The agent is the store's own, with its locked packages only.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from compose.stack import MariaDB, OpenSearchCluster
from tests.bench import stores
from tests.bench.figure import Figure
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.running import RunningAgent, write_config
from tests.shipper.store import count, eventually, run

CALLS = 2000
STORE = "OpenCalls"
ZONE = "America/Sao_Paulo"
MEMORY_MIB = 40.0
MEMBERS = 2


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """Resident memory while they are open, and at most."""
    begin = datetime.now(ZoneInfo(ZONE)) - timedelta(minutes=4)
    with cdr_database_on(mariadb) as database:
        config = write_config(
            folder / "open_calls",
            database,
            cluster,
            store=STORE,
            timezone=ZONE,
            poll_seconds=1,
            trunks=["vivo"],
        )
        agent = RunningAgent(config, stores.agent_python())
        agent.start()
        try:
            _insert(database, [_member(begin, number) for number in range(CALLS)])
            eventually(lambda: '"calls_open": 2000' in _status(config), "2,000 open calls", 60)
            time.sleep(10)  # they have settled as far as they can, and are left open
            memory, _ = agent.memory_mib()
            if count(cluster, "pabx-calls-*", f"store.id:{STORE}"):
                raise RuntimeError("a call was sent that is still going on")
            _insert(database, [_caller(begin, number, k) for number in range(CALLS) for k in range(MEMBERS)])
            query = f"store.id:{STORE}%20AND%20call.outcome:abandoned%20AND%20call.legs:3"
            eventually(lambda: count(cluster, "pabx-calls-*", query) == CALLS, "2,000 calls", 120)
            _, highest = agent.memory_mib()
        finally:
            agent.stop()
    yield Figure.at_most("open_calls_resident_memory", memory, "MiB", MEMORY_MIB)
    yield Figure.at_most("open_calls_resident_memory_highest", highest, "MiB", MEMORY_MIB)


def _status(config: Path) -> str:
    return run("status", "--json", "--config", str(config)).out


def _call(begin: datetime, number: int) -> tuple[str, str]:
    """The call's date and its linkedid; ten begin in each second."""
    at = begin + timedelta(seconds=number // 10)
    return at.strftime("%Y-%m-%d %H:%M:%S"), f"{int(at.timestamp())}.{number * 10}"


def _member(begin: datetime, number: int) -> dict[str, Any]:
    date, linked = _call(begin, number)
    return {
        "calldate": date,
        "clid": f'"Cliente {number}" <119876{number:05d}>',
        "src": f"119876{number:05d}",
        "dst": "102",
        "dcontext": "from-internal",
        "channel": f"Local/102@from-queue-{number:08x};2",
        "dstchannel": f"PJSIP/102-{number:08x}",
        "lastapp": "Dial",
        "lastdata": "PJSIP/102/sip:102@10.1.2.3:5060,15,HhTtrb(func-apply-sipheaders^s^1)",
        "duration": 15,
        "disposition": "NO ANSWER",
        "uniqueid": linked + "3",
        "linkedid": linked,
        "sequence": number * 4 + 1,
    }


def _caller(begin: datetime, number: int, member: int) -> dict[str, Any]:
    date, linked = _call(begin, number)
    return {
        "calldate": date,
        "clid": f'"Cliente {number}" <119876{number:05d}>',
        "src": f"119876{number:05d}",
        "dst": "400",
        "dcontext": "ext-queues",
        "channel": f"PJSIP/vivo-{number:08x}",
        "dstchannel": f"Local/10{2 + member}@from-queue-{number:08x};1",
        "lastapp": "Queue",
        "lastdata": "400,t,,,60",
        "duration": 60,
        "billsec": 60,
        "disposition": "NO ANSWER",
        "uniqueid": linked,
        "linkedid": linked,
        "did": "1133334444",
        "sequence": number * 4 + 2 + member,
    }


def _insert(database: CdrDatabase, rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    sql = f"INSERT INTO cdr ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(sql, [list(row.values()) for row in rows])
