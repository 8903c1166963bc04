"""From a row's insert to the moment when a search finds it, with ``poll_seconds = 1``."""

import random
import statistics
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

from compose.stack import MariaDB, OpenSearchCluster
from tests.bench.figure import Figure
from tests.servers import cdr_database_on
from tests.shipper.running import RunningAgent, write_config
from tests.shipper.store import eventually

ROWS = 120
ZONE = "America/Sao_Paulo"
STORE = "Latency"
MEDIAN_SECONDS = 2.0
P99_SECONDS = 5.0


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """Rows one at a time, at random moments; each is searched for until it is found."""
    chance = random.Random(1)
    delays: list[float] = []
    with cdr_database_on(mariadb) as database:
        config = write_config(
            folder / "latency", database, cluster, store=STORE, timezone=ZONE, poll_seconds=1
        )
        agent = RunningAgent(config)
        agent.start()
        try:
            with database.connect() as connection, connection.cursor() as cursor:
                for number in range(ROWS):
                    time.sleep(chance.uniform(0, 1.0))
                    now = datetime.now(ZoneInfo(ZONE))
                    key = f"{int(now.timestamp())}.{number}"
                    cursor.execute(
                        "INSERT INTO cdr (calldate, src, dst, channel, uniqueid, linkedid, sequence) "
                        "VALUES (%s, '100', '101', %s, %s, %s, %s)",
                        (now.strftime("%Y-%m-%d %H:%M:%S"), f"PJSIP/100-{number:08x}", key, key, number + 1),
                    )
                    inserted = time.monotonic()
                    eventually(lambda key=key: _found(cluster, key), f"row {key}")  # type: ignore[misc]
                    delays.append(time.monotonic() - inserted)
        finally:
            agent.stop()
    delays.sort()
    yield Figure.at_most("insert_to_searchable_median", statistics.median(delays), "s", MEDIAN_SECONDS)
    yield Figure.at_most("insert_to_searchable_p99", delays[int(len(delays) * 0.99)], "s", P99_SECONDS)


def _found(cluster: OpenSearchCluster, uniqueid: str) -> bool:
    query = {
        "query": {"bool": {"filter": [{"term": {"store.id": STORE}}, {"term": {"cdr.uniqueid": uniqueid}}]}}
    }
    try:
        answer = cluster.request("POST", "/pabx-cdr-*/_search?size=0", query)
    except HTTPError:  # the month's index is being made
        return False
    return int(answer["hits"]["total"]["value"]) > 0
