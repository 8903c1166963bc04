"""Each simulated store gets a database of its own, as on a FreePBX, and an agent's configuration."""

import multiprocessing
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pymysql

from compose.demo.truth import Digest, Listener, Verdict, meant
from compose.simulator import SimulatedCall, StoreProfile, simulate
from compose.simulator.writer import add_indexes, create_table, write_all
from compose.stack.progress import Progress
from compose.stack.state import Left

WORKERS = 2
DEAF = "[ami]\nenabled = false\n"
HEARTBEAT_SECONDS = 5


@dataclass(frozen=True)
class Written:
    """What a store's telephoning left: rows in its database, and beside them what its calls were."""

    rows: int
    truth: Digest


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
    server: Server,
    stores: Sequence[StoreProfile],
    start: date,
    days: int,
    seed: int,
    progress: Progress,
    until: datetime | None = None,
) -> dict[str, Written]:
    """Let the stores telephone, up to a moment; gives what each of them wrote, by its id."""
    written: dict[str, Written] = {}
    largest_first = sorted(stores, key=lambda store: -store.calls_per_day)
    # spawn: forking a process that has threads is not safe
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = {
            pool.submit(_fill_one, server, store, start, days, seed, until): store for store in largest_first
        }
        for job in as_completed(jobs):
            written[jobs[job].id] = job.result()
            rows = sum(one.rows for one in written.values())
            progress(f"simulating, {len(written)} of {len(stores)} stores and {rows} rows written")
    return {store.id: written[store.id] for store in stores}


def _fill_one(
    server: Server, store: StoreProfile, start: date, days: int, seed: int, until: datetime | None
) -> Written:
    name = database_of(store)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    with server.connect(name) as connection:
        create_table(connection, indexes=False)
        listener = Listener()
        rows = write_all(connection, listener.hear(over(store, start, days, seed, until)))
        add_indexes(connection)
    return Written(rows, listener.digest)


def again(
    store: StoreProfile, start: date, days: int, seed: int, until: datetime | None = None
) -> Iterator[Verdict]:
    """What a store's calls were, once more: the same store and seed make the same calls."""
    return (meant(call.truth) for call in over(store, start, days, seed, until))


def over(
    store: StoreProfile, start: date, days: int, seed: int, until: datetime | None
) -> Iterator[SimulatedCall]:
    """A store's simulated calls that are over by a moment (None: all of them)."""
    zone = ZoneInfo(store.timezone)
    return (
        call
        for call in simulate(store, start, days, seed)
        if until is None or call.truth.end.replace(tzinfo=zone) <= until
    )


def reader_of(server: Server, store: StoreProfile) -> str:
    """Make the agent's read-only user; gives the lines of its ``shipper.toml`` that lead to it."""
    name = database_of(store)
    password = secrets.token_urlsafe(18)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE USER {name}@127.0.0.1 IDENTIFIED BY %s", (password,))
        cursor.execute(f"GRANT SELECT ON {name}.cdr TO {name}@127.0.0.1")
    return f'port = {server.port}\nuser = "{name}"\npassword = "{password}"\ndatabase = "{name}"\n'


def configure(server: Server, store: StoreProfile, url: str, folder: Path) -> Path:
    """An agent that sends straight to the cluster."""
    trunks = ", ".join(f'"{trunk.name}"' for trunk in store.trunks)
    return _written(
        folder,
        store,
        f"""[store]
id = "{store.id}"
timezone = "{store.timezone}"
area_code = "{store.area_code}"
trunks = [{trunks}]
[cdr]
{reader_of(server, store)}[output]
kind = "opensearch"
[output.opensearch]
url = "{url}"
""",
    )


def configure_enrolled(server: Server, store: StoreProfile, enrolled: tuple[str, str], folder: Path) -> Path:
    """An agent that sends through the gate: head office's file, and in it the way to the database."""
    text, ca_file = enrolled
    text = text.replace('password = ""\n', reader_of(server, store), 1)
    return _written(folder, store, text.replace("/etc/pabx-shipper/ca.pem", ca_file))


def _written(folder: Path, store: StoreProfile, text: str) -> Path:
    home = folder / store.id
    home.mkdir()
    file = home / "shipper.toml"
    file.touch(mode=0o600)
    file.write_text(f'{text}{DEAF}[spool]\npath = "{home}/spool.db"\n', encoding="utf-8")
    return file


def let_listen(config: Path, port: int, secret: str) -> None:
    """Let an agent that was configured here listen to its PBX, and tell of itself often.

    Args:
        config: Its file.
        port: Of the PBX's manager interface on 127.0.0.1.
        secret: Of the user `shipper` there.
    """
    hears = f'[ami]\nport = {port}\nsecret = "{secret}"\n[agent]\nheartbeat_seconds = {HEARTBEAT_SECONDS}\n'
    config.write_text(config.read_text(encoding="utf-8").replace(DEAF, hears), encoding="utf-8")
