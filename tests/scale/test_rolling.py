"""A rolling restart of three nodes under load, and a node that is killed: every document once.

The short form restarts one node in order and kills another for ever; `python -m tests.scale rolling` restarts
each in order, and kills each, which then comes back.
"""

from pathlib import Path

import pytest

from compose.stack import QUICK_START, MariaDB
from tests.scale.rolling import Rolling

pytestmark = pytest.mark.servers


@pytest.mark.timeout(400)
def test_nothing_is_lost_or_doubled(server_dir: Path, mariadb: MariaDB) -> None:
    rolling = Rolling(server_dir, stores=2, seed=1, mariadb=mariadb, jvm_options=QUICK_START)
    told = rolling.go(restarts=1, kills=0, dead=True)
    assert [what for what, _ in told.steps] == ["node 1 restarted", "node 3 killed for ever"]
    assert len(told.stores) == 2
    for store, table, index in told.stores:
        assert table.rows > 100, store
        assert index == table, store
    assert told.calls > 50
