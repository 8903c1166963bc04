"""100,000 rows while database, cluster and agents are killed in ten rounds: none lost, none doubled."""

from pathlib import Path

import pytest

from tests.shipper.chaos import Chaos

pytestmark = pytest.mark.servers

STORES = 2
ROWS_PER_STORE = 50_000
ROUNDS = 10


@pytest.mark.timeout(1200)
def test_killed_at_random(server_dir: Path) -> None:
    """Count and content hash of each store, rows and calls, are the same in the table and in the index."""
    chaos = Chaos(server_dir, STORES, seed=1)
    for store, table, index in chaos.run(ROWS_PER_STORE, ROUNDS):
        assert table.rows == ROWS_PER_STORE
        assert index == table, store
    assert chaos.kills >= ROUNDS * (2 + STORES)
