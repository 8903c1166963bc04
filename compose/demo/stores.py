"""Each simulated store gets a database of its own, as on a FreePBX, and an agent's configuration."""

import multiprocessing
import secrets
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pymysql

from compose.simulator import StoreProfile, simulate
from compose.simulator.writer import add_indexes, create_table, write_all
from compose.stack.progress import Progress
from compose.stack.state import Left

WORKERS = 2


@dataclass(frozen=True)
class Server:
    """The local MariaDB and how its administrator logs in."""

    host: str
    port: int
    user: str
    password: str

    @classmethod
    def of(cls, left: Left) -> "Server":
        """The server that the stack has started."""
        url = urlsplit(left.url)
        password = Path(left.secret_file).read_text(encoding="utf-8").strip()
        return cls(url.hostname or "", url.port or 0, url.username or "", password)

    def connect(
        self, database: str | None = None
    ) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        """A connection as administrator."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            autocommit=True,
        )


def database_of(store: StoreProfile) -> str:
    """The name of a store's database."""
    return f"demo_{store.id.lower()}"


def fill(
    server: Server, stores: Sequence[StoreProfile], start: date, days: int, seed: int, progress: Progress
) -> dict[str, int]:
    """Let the stores telephone; gives the rows written, by store."""
    written: dict[str, int] = {}
    largest_first = sorted(stores, key=lambda store: -store.calls_per_day)
    # spawn: forking a process that has threads is not safe
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = {pool.submit(_fill_one, server, store, start, days, seed): store for store in largest_first}
        for job in as_completed(jobs):
            written[jobs[job].id] = job.result()
            rows = sum(written.values())
            progress(f"simulating, {len(written)} of {len(stores)} stores and {rows} rows written")
    return {store.id: written[store.id] for store in stores}


def _fill_one(server: Server, store: StoreProfile, start: date, days: int, seed: int) -> int:
    name = database_of(store)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    with server.connect(name) as connection:
        create_table(connection, indexes=False)
        rows = write_all(connection, simulate(store, start, days, seed))
        add_indexes(connection)
    return rows


def configure(server: Server, store: StoreProfile, url: str, folder: Path) -> Path:
    """Make the agent's read-only user and its ``shipper.toml``."""
    name = database_of(store)
    password = secrets.token_urlsafe(18)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE USER {name}@127.0.0.1 IDENTIFIED BY %s", (password,))
        cursor.execute(f"GRANT SELECT ON {name}.cdr TO {name}@127.0.0.1")
    home = folder / store.id
    home.mkdir()
    file = home / "shipper.toml"
    file.touch(mode=0o600)
    file.write_text(
        f"""[store]
id = "{store.id}"
timezone = "{store.timezone}"
area_code = "{store.area_code}"
trunks = [{", ".join(f'"{trunk.name}"' for trunk in store.trunks)}]
[cdr]
port = {server.port}
user = "{name}"
password = "{password}"
database = "{name}"
[output]
kind = "opensearch"
[output.opensearch]
url = "{url}"
[spool]
path = "{home}/spool.db"
""",
        encoding="utf-8",
    )
    return file
