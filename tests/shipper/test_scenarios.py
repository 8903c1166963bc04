"""What happens to a CDR table in its life, through the real agent and the real servers."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from pathlib import Path

import pytest

from compose.simulator import COLUMNS, SimulatedRow, batched, chain, doubled
from compose.simulator import rows as simulated_rows
from compose.simulator.writer import write_rows
from compose.stack import OpenSearchCluster
from tests.servers import CdrDatabase
from tests.shipper.content import of_index, of_table
from tests.shipper.running import RunningAgent, write_config
from tests.shipper.store import eventually, run

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("installed")]

ROWS = 1500


@pytest.fixture
def rows() -> Iterator[SimulatedRow]:
    """Rows of a store, in the order and with the delay in which Asterisk's batch mode writes them."""
    profile = chain(1, seed=3)[0]
    return batched(simulated_rows(profile, 3 * ROWS, 3, start=date(2026, 2, 1)))


def test_batches_two_backends_and_a_truncated_table(
    cdr_database: CdrDatabase,
    indices: OpenSearchCluster,
    tmp_path: Path,
    rows: Iterator[SimulatedRow],
) -> None:
    """Rows in batches, each written twice; the table is emptied in between and goes on."""
    agent = RunningAgent(write_config(tmp_path, cdr_database, indices))
    agent.start()
    try:
        with cdr_database.connect() as connection:
            write_rows(connection, doubled(islice(rows, ROWS)))
            before = of_table(connection, "America/Sao_Paulo")
            eventually(lambda: of_index(indices, "Loja001") == before, "the first half")
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE TABLE cdr")
            write_rows(connection, islice(rows, ROWS))
            after = of_table(connection, "America/Sao_Paulo")
        eventually(lambda: of_index(indices, "Loja001").rows >= before.rows + after.rows, "both halves")
    finally:
        agent.stop()
    assert (before.rows, after.rows) == (ROWS, ROWS)
    assert of_index(indices, "Loja001").rows == 2 * ROWS, "what was taken out of the table stays in the index"


@pytest.mark.parametrize("missing", [("sequence",), ("sequence", "linkedid", "cnam", "peeraccount")])
def test_a_table_of_an_older_freepbx(
    cdr_database: CdrDatabase,
    indices: OpenSearchCluster,
    tmp_path: Path,
    rows: Iterator[SimulatedRow],
    missing: Sequence[str],
) -> None:
    """Columns that are not there are not asked for, and no row is lost for it."""
    columns = [name for name in COLUMNS if name not in missing]
    with cdr_database.connect() as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE cdr {', '.join(f'DROP COLUMN {name}' for name in missing)}")
        write_rows(connection, islice(rows, ROWS), columns=columns)
        expected = of_table(connection, "America/Sao_Paulo")
    config = write_config(tmp_path, cdr_database, indices)
    done = run("run", "--once", "--config", str(config))
    assert done.code == 0, done.err
    assert of_index(indices, "Loja001") == expected
    assert expected.rows == ROWS
