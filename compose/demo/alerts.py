"""Idle or broken? Four stores are in trouble, each in another way: `central alerts` is to name them alone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from opensearchpy import OpenSearch

from compose.demo import ship
from compose.demo.gate import opening
from compose.demo.stores import Server, database_of
from compose.simulator import SimulatedCall, StoreProfile, simulate
from compose.simulator.shift import shifted
from compose.simulator.writer import write_rows
from compose.stack.progress import ProgressLine

IDLE, SILENT, UNREACHABLE, ABUSED = "Loja007", "Loja004", "Loja002", "Loja010"
"""Idle: the simulated store has had no call for its last three days. The others are brought about here."""
WHAT = {
    ("idle", IDLE): "its agent and its PBX are well, and it has had no call for three days",
    ("agent_silent", SILENT): "its agent was not started any more",
    ("pbx_silent", UNREACHABLE): "its agent runs, and cannot reach its database",
    ("abroad", ABUSED): "it is closed, and calls abroad go out",
}
ALL_DAY = "Mon-Sun 00:00-24:00"
SILENCE_SECONDS = 150.0
"""Longer than a monitor waits before it says so: 120 s, and a heartbeat or two."""
NOBODYS_PORT = "9"
ABROAD = "00442079460123"
CALLS_ABROAD = 3
ENDED_SECONDS = 120
LONGEST_SECONDS = 120
LOOK_BACK_DAYS = 30
LONG_AGO = "2026-01-01T00:00:00Z"


def hours(store: StoreProfile) -> tuple[str, str]:
    """When a store is open, as the register has it: hours and exceptions.

    The one that is abused is closed today, whatever time it is now; the silent one always open.
    """
    usual, exceptions = opening(store)
    if store.id == ABUSED:
        exceptions = f"{datetime.now(ZoneInfo(store.timezone)).date()} closed"
    return ALL_DAY if store.id == SILENT else usual, exceptions


@contextmanager
def unreachable(configs: Sequence[Path]) -> Iterator[None]:
    """Let the agent of one store run, for which nothing answers where its database should be."""
    config = _of(UNREACHABLE, configs)
    if config is None:
        yield
        return
    more = {"SHIPPER_CDR_PORT": NOBODYS_PORT, "SHIPPER_AGENT_HEARTBEAT_SECONDS": "5"}
    with (config.parent / "agent.log").open("ab") as log:
        agent = subprocess.Popen(
            [sys.executable, "-m", "shipper", "run", "--config", str(config)],
            env={**os.environ, **more},
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        agent.terminate()
        agent.wait(30)


def show(
    url: str,
    database: Server,
    profiles: Sequence[StoreProfile],
    configs: Sequence[Path],
    rows: Callable[[], int],
    since: float,
    seed: int,
) -> bool:
    """Let the well stores be heard, and print what `central alerts` says.

    Args:
        url: Of the cluster.
        database: Has the stores' databases.
        profiles: The stores.
        configs: Their agents' files, in the same order.
        rows: Counts the rows that have arrived.
        since: When the silent store was heard last, by `time.monotonic`.
        seed: Of the simulation.

    Returns:
        Whether the four were named, and nothing else.

    Raises:
        ShippingError: An agent or a command failed.
    """
    wanted = {key for key in WHAT if any(store.id == key[1] for store in profiles)}
    print("\nIdle or broken? central learn, then central alerts", flush=True)
    progress = ProgressLine()
    ship.central(url, "learn")
    made = _abuse(database, profiles, seed)
    while (left := SILENCE_SECONDS - (time.monotonic() - since)) > 0:
        progress(f"waiting {left:.0f} s: silence of a minute or two is none")
        time.sleep(min(1.0, left))
    before = rows()
    well = [config for config in configs if config.parent.name not in {SILENT, UNREACHABLE}]
    ship.ship(well, rows, before + made, progress)
    while rows() < before + made:
        progress("the calls abroad arrive")
        time.sleep(ship.LOOK_SECONDS)
    progress.close()
    _not_their_machine(url, profiles)
    answer = json.loads(ship.central(url, "alerts", "--json", "--language", "en"))
    for alert in answer["alerts"]:
        print()
        print("\n".join(f"  {line}" for line in alert["message"].splitlines()))
    return _judged(answer, wanted)


def _not_their_machine(url: str, profiles: Sequence[StoreProfile]) -> None:
    """This machine may have been started just now, which begins the count of silence anew; theirs was not."""
    change = {"doc": {"store": {"machine_started": LONG_AGO}}}
    lines: list[dict[str, Any]] = []
    for store in profiles:
        lines += [{"update": {"_id": store.id, "retry_on_conflict": 5}}, change]
    with OpenSearch(url, timeout=60) as client:
        params = {"pipeline": "_none", "refresh": "true"}
        if client.bulk(body=lines, index="pabx-stores", params=params)["errors"]:
            raise ship.ShippingError("pabx-stores: the starts of the stores' machines cannot be written")


def _judged(answer: dict[str, Any], wanted: set[tuple[str, str]]) -> bool:
    found = {(alert["finding"], alert["key"]) for alert in answer["alerts"]}
    print()
    for finding, store in sorted(wanted, key=lambda key: key[1]):
        said = "named" if (finding, store) in found else "NOT NAMED"
        print(f"{store} {finding:<13} {said}: {WHAT[finding, store]}")
    for finding, store in sorted(found - wanted):
        print(f"{store} {finding:<13} NAMED WRONGLY: nothing was done to it")
    for failed in answer["failed"]:
        print(f"{failed['monitor']} COULD NOT BE RUN: {failed['error']}")
    right = found == wanted and not answer["failed"]
    if right:
        print(f"{len(wanted)} alerts, each of them right, and no other of {answer['monitors']} monitors")
    return right


def _abuse(database: Server, profiles: Sequence[StoreProfile], seed: int) -> int:
    """Let calls abroad go out of one store, over some minutes ago; gives how many rows they made."""
    store = next((store for store in profiles if store.id == ABUSED), None)
    if store is None:
        return 0
    zone = ZoneInfo(store.timezone)
    now = time.time()
    calls = []
    for number, call in enumerate(_outbound(store, seed)):
        ended = call.start_ms / 1000 + call.truth.duration_seconds
        calls.append(shifted(_abroad(call), int(now - ENDED_SECONDS - 60 * number - ended), zone))
    with database.connect(database_of(store)) as connection:
        write_rows(connection, [row for call in calls for row in call.rows])
    return sum(len(call.rows) for call in calls)


def _outbound(store: StoreProfile, seed: int) -> list[SimulatedCall]:
    """Calls of another span of the same store: short ones that somebody answered."""
    first = datetime.now(UTC).date() - timedelta(days=365)
    found = []
    for call in simulate(store, first, LOOK_BACK_DAYS, seed + 1):
        truth = call.truth
        short = truth.duration_seconds < LONGEST_SECONDS
        plain = truth.direction == "outbound" and truth.outcome == "answered" and not truth.transferred
        if plain and short and truth.destination:
            found.append(call)
            if len(found) == CALLS_ABROAD:
                break
    return found


def _abroad(call: SimulatedCall) -> SimulatedCall:
    """The same call to a number in another country."""
    number = call.truth.destination
    rows = [
        row._replace(
            dst=row.dst.replace(number, ABROAD),
            lastdata=row.lastdata.replace(number, ABROAD),
            recordingfile="",
        )
        for row in call.rows
    ]
    return SimulatedCall(rows, call.truth, call.start_ms)


def _of(store: str, configs: Sequence[Path]) -> Path | None:
    return next((config for config in configs if config.parent.name == store), None)
