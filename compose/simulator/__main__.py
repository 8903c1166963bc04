"""`python -m compose.simulator`: writes a simulated store into a MariaDB."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import date, timedelta
from typing import TextIO

import pymysql

from compose.simulator import SimulatedCall, batched, chain, doubled, insertion_order, simulate
from compose.simulator.stores import StoreProfile
from compose.simulator.writer import create_table, replay, write_rows

CHAIN = 999


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m compose.simulator", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3306)
    parser.add_argument("--user", default="root")
    parser.add_argument(
        "--password", default=os.environ.get("SIMULATOR_PASSWORD", ""), help="or $SIMULATOR_PASSWORD"
    )
    parser.add_argument("--database", required=True)
    parser.add_argument("--table", default="cdr", help="created if it is missing")
    parser.add_argument("--store", default="Loja001", help="Loja001 to Loja999 (default %(default)s)")
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--start", type=date.fromisoformat, help="first day (default: so that the last is yesterday)"
    )
    parser.add_argument(
        "--speed", type=float, help="simulated seconds per second (default: as fast as it goes)"
    )
    parser.add_argument(
        "--batch", action="store_true", help="rows appear in groups, as in Asterisk's batch mode"
    )
    parser.add_argument("--doubled", action="store_true", help="each row twice, as from two CDR backends")
    parser.add_argument("--truth", metavar="FILE", help="what each call was, a line of JSON each")
    return parser


def _store(name: str, seed: int) -> StoreProfile:
    for store in chain(CHAIN, seed):
        if store.id == name:
            return store
    raise ValueError(f"--store {name}: unknown; stores are called Loja001 to Loja{CHAIN}")


def _noting(calls: Iterable[SimulatedCall], file: TextIO) -> Iterator[SimulatedCall]:
    for call in calls:
        file.write(json.dumps(asdict(call.truth), ensure_ascii=False, default=str) + "\n")
        yield call


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns the exit code: 0 done, 1 the database failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    try:
        store = _store(options.store, options.seed)
        # Yesterday by the machine's clock: the store's whole last day should be over.
        start = options.start or date.today() - timedelta(days=options.days)  # noqa: DTZ011
        with ExitStack() as stack:
            connection = stack.enter_context(
                pymysql.connect(
                    host=options.host,
                    port=options.port,
                    user=options.user,
                    password=options.password,
                    database=options.database,
                    charset="utf8mb4",
                )
            )
            calls: Iterable[SimulatedCall] = simulate(store, start, options.days, options.seed)
            if options.truth:
                calls = _noting(calls, stack.enter_context(open(options.truth, "w", encoding="utf-8")))  # noqa: PTH123
            rows = insertion_order(calls)
            rows = batched(rows) if options.batch else rows
            rows = doubled(rows) if options.doubled else rows
            with connection.cursor() as cursor:
                if not cursor.execute("SHOW TABLES LIKE %s", (options.table,)):
                    create_table(connection, options.table)
            if options.speed:
                written = replay(connection, rows, speed=options.speed, table=options.table)
            else:
                written = write_rows(connection, rows, table=options.table)
    except ValueError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    except (pymysql.MySQLError, OSError) as error:
        where = f"{options.host}:{options.port}/{options.database}"
        print(
            f"simulator: {where} as {options.user}: {error};"
            " check --host, --port, --user, --password, --database",
            file=sys.stderr,
        )
        return 1
    rate = written / max(time.monotonic() - began, 0.001)
    print(f"{store.id} {store.name}: {written} rows, {options.days} days from {start}, {rate:.0f} rows/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
