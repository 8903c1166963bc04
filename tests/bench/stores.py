"""Tables of simulated rows for the benchmarks."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from compose.simulator import StoreProfile, chain
from compose.simulator import rows as simulated_rows
from compose.simulator.writer import add_indexes, create_table, write_rows
from compose.stack import MariaDB
from tests.servers import CdrDatabase, cdr_database_on

ROOT = Path(__file__).parents[2]
SEED = 1


def agent_python() -> Path:
    """Python with the store's locked packages and no others, as a store has it.

    What the development environment has beside them would be measured too: pymysql imports
    cryptography where it finds it, which is 8 MiB.
    """
    home = ROOT / "build" / "agent-venv"
    lock = ROOT / "requirements.lock"
    stamp = home / "installed-from-lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        install = [home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "-r", lock], check=True)
        stamp.write_bytes(lock.read_bytes())
    return home / "bin" / "python"


def profile() -> StoreProfile:
    """The store that telephones."""
    return chain(1, SEED)[0]


@contextmanager
def table_of(mariadb: MariaDB, rows: int, *, start: date, calls_per_day: int = 0) -> Iterator[CdrDatabase]:
    """A database with so many simulated rows."""
    with cdr_database_on(mariadb) as database:
        with database.connect() as connection:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE cdr")
            create_table(connection, indexes=False)
            write_rows(
                connection, simulated_rows(profile(), rows, SEED, start=start, calls_per_day=calls_per_day)
            )
            add_indexes(connection)
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE TABLE cdr")
        yield database
