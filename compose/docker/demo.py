"""`python -m compose.docker.demo PART`: the simulated stores of --profile demo.

`secrets` makes the database's passwords, `enrol` lets the stores into the gate, `telephone` writes their
calls: first what they have made already, then each row when its moment has come, until it is stopped.
"""

import csv
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pymysql

from compose.docker.prepare import OUR_UID, folder, keep
from compose.simulator import SimulatedRow, StoreProfile, chain, insertion_order, simulate
from compose.simulator.writer import create_table, write_rows

STORES: Final = 3
SEED: Final = 1
DATABASE: Final = "demo-database"
ROOT: Final = Path("/demo")
READY: Final = Path("/tmp/ready")  # noqa: S108  # of a container in which nobody else writes
_LONGEST_DAYS: Final = 3650
_COLUMNS: Final = ("id", "name", "region", "city", "state", "timezone", "area_code", "holidays", "trunks")


def stores() -> Sequence[StoreProfile]:
    """The stores of the demo, always the same."""
    return chain(STORES, SEED)


def make_secrets() -> None:
    """The database's root password for it and for who writes the calls, and each agent's own."""
    folder(ROOT / "database", 0)
    (ROOT / "database").chmod(0o755)  # the server's own user looks into it
    keep(ROOT / "database" / "password", lambda: secrets.token_urlsafe(24), OUR_UID)
    for store in stores():
        folder(ROOT / store.id, OUR_UID)
        keep(ROOT / store.id / "cdr.password", lambda: secrets.token_urlsafe(24), OUR_UID)


def enrol() -> None:
    """Bring the stores into the register and give each its credential, where it has none yet."""
    file = Path("/tmp/stores.csv")  # noqa: S108  # likewise
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(_COLUMNS)
        for store in stores():
            trunks = ";".join(trunk.name for trunk in store.trunks)
            where = (store.id, store.name, store.region, store.city, store.state, store.timezone)
            writer.writerow((*where, store.area_code, "none", trunks))
    _central("stores", "apply", str(file))
    for store in stores():
        target = ROOT / store.id
        if not (target / "shipper.toml").exists():
            _central("stores", "enrol", store.id, "--output", str(target), "--renew")


def telephone(days: int) -> None:
    """Write the calls of all stores, until the process is ended.

    Args:
        days: how many days of calls they have made before they first begin.
    """
    password = (ROOT / "database" / "password").read_text(encoding="utf-8").strip()
    begun = []
    for store in stores():
        live = _begin(store, password, days)
        begun.append(threading.Thread(target=live, name=store.id, daemon=True))
    READY.touch()
    for one in begun:
        one.start()
    while all(one.is_alive() for one in begun):
        time.sleep(1)
    sys.exit("the writing of calls has broken off: see above")


def _begin(store: StoreProfile, password: str, days: int) -> Callable[[], None]:
    """Make a store's database and write what is over; gives what writes the rest in time."""
    name = store.id.lower()
    agent = (ROOT / store.id / "cdr.password").read_text(encoding="utf-8").strip()
    with _connect(password) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
        cursor.execute(f"CREATE OR REPLACE USER {name}@'%%' IDENTIFIED BY %s", (agent,))
    with _connect(password, name) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS begun (day DATE)")
        cursor.execute("SELECT day FROM begun")
        found = cursor.fetchone()
        if found is None:
            start = datetime.now(ZoneInfo(store.timezone)).date() - timedelta(days=days)
            create_table(connection)
            cursor.execute("INSERT INTO begun VALUES (%s)", (start,))
        else:
            start = found[0]
        cursor.execute(f"GRANT SELECT ON {name}.cdr TO {name}@'%'")
        cursor.execute("SELECT COUNT(*) FROM cdr")
        there = (cursor.fetchone() or (0,))[0]
        # The same seed and day make the same rows: what was written is passed over.
        rows = _Ahead(_rows(store, start, there))
        written = write_rows(connection, rows.until(time.time() * 1000))
    print(f"{store.id}: {there + written} rows since {start}", flush=True)
    return lambda: _live(password, name, rows)


def _rows(store: StoreProfile, start: date, there: int) -> Iterator[SimulatedRow]:
    return islice(insertion_order(simulate(store, start, _LONGEST_DAYS, SEED)), there, None)


class _Ahead:
    """Rows of which one can be looked at before it is taken."""

    def __init__(self, rows: Iterator[SimulatedRow]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def until(self, moment_ms: float) -> Iterator[SimulatedRow]:
        """The rows that are due by then."""
        while self._next is not None and self._next.inserted_ms <= moment_ms:
            row, self._next = self._next, next(self._rows, None)
            yield row


def _live(password: str, name: str, rows: _Ahead) -> None:
    with _connect(password, name) as connection:
        while True:
            write_rows(connection, rows.until(time.time() * 1000))
            time.sleep(0.5)


def _connect(password: str, database: str | None = None) -> "pymysql.connections.Connection[Any]":
    return pymysql.connect(
        host=DATABASE, user="root", password=password, database=database, charset="utf8mb4", autocommit=True
    )


def _central(*arguments: str) -> None:
    command = [sys.executable, "-m", "central", "--password-file", "/run/pabx/password", *arguments]
    subprocess.run(command, check=True)


def main(arguments: Sequence[str]) -> None:
    """Run one part."""
    if arguments == ["secrets"]:
        make_secrets()
    elif arguments == ["enrol"]:
        enrol()
    elif arguments == ["telephone"]:
        telephone(int(os.environ.get("PABX_DEMO_DAYS") or 14))
    else:
        sys.exit("usage: python -m compose.docker.demo secrets | enrol | telephone")


if __name__ == "__main__":
    main(sys.argv[1:])
