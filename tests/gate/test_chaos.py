"""Everything is killed, the line is broken and certificates expire: every document once, none elsewhere.

The short form; `make soak` and `python -m tests.gate.long` run the long one.
"""

from pathlib import Path

import pytest

from tests.gate.chaos import GateChaos
from tests.gate.running import ABSENT, BINARY

pytestmark = [pytest.mark.servers, pytest.mark.skipif(BINARY is None, reason=ABSENT)]

STORES = 3
ROWS_PER_STORE = 3000
ROUNDS = 2


@pytest.mark.timeout(600)
def test_nothing_is_lost_or_doubled_or_elsewhere(server_dir: Path) -> None:
    chaos = GateChaos(server_dir, STORES, seed=1)
    for store, table, index in chaos.run(ROWS_PER_STORE, ROUNDS):
        assert table.rows == ROWS_PER_STORE
        assert index == table, store
    assert chaos.injected["kill -9 Fluent Bit"] == 2 * ROUNDS
    assert chaos.injected["expired certificate"] == ROUNDS
    assert sum(count for what, count in chaos.injected.items() if what.startswith("line: ")) == 3 * ROUNDS
