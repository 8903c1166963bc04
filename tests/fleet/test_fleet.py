"""The short form of the fleet: twelve agents, a day of a few rows in seconds; the long one has 140."""

from pathlib import Path

import pytest

from compose.simulator import chain
from compose.stack import MariaDB, OpenSearchCluster
from tests.fleet.day import Day, Watcher, last_working_day, plan
from tests.fleet.fleet import Fleet, judge
from tests.fleet.resources import Memory
from tests.shipper.running import central_install

STORES, SECONDS, ROWS, SEED = 12, 8.0, 60, 5
PSS_MIB = 45.0

pytestmark = pytest.mark.servers


def test_a_day_of_twelve_agents_is_complete_and_small(
    mariadb: MariaDB, opensearch: OpenSearchCluster, indices: OpenSearchCluster, tmp_path: Path
) -> None:
    """All rows once and under their store, by the audit too; each agent keeps to its memory."""
    central_install(opensearch)
    indices.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")
    profiles, on = chain(STORES, SEED), last_working_day()
    plans = [plan(profile, on, SEED, ROWS) for profile in profiles]
    assert min(map(len, plans)) >= 1
    with Fleet(tmp_path / "fleet", mariadb, opensearch, profiles, on) as fleet:
        fleet.start()
        day = Day(plans, fleet.connect, SECONDS)
        memory, watcher = Memory(fleet.pids), Watcher(fleet.search, day.written)
        day.run()
        fleet.settled(day.written.rows, 90)
        memory.stop()
        watcher.stop()
        assert fleet.died() == []
        assert max(memory.pss.values()) < PSS_MIB
        judge(fleet, sum(map(len, plans)))
