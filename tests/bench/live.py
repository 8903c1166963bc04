"""From what happens in a PBX to the moment when a search on the panel's index finds it.

The whole chain: the fake AMI server writes into the agent's socket; the agent is ``shipper run``; its
documents go through the gate (door and Fluent Bit) where ``fluent-bit`` is on PATH, else straight to the
cluster, and a line says so; the ingest pipeline, and the index's own refresh. A search asks every 30 ms for
all that is awaited, as a panel does.
"""

import heapq
import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from compose.stack import MariaDB, OpenSearchCluster
from tests.bench import stores
from tests.bench.figure import Figure
from tests.bench.pbx import RINGING, Call, Look, Pbx, config, searched
from tests.gate.running import ABSENT, BINARY, Gate
from tests.servers import cdr_database_on
from tests.shipper.running import RunningAgent
from tests.shipper.store import eventually

STORES = 8
SECONDS = 60.0
CALLS_PER_SECOND = 2.0
"""Of each store: twenty times its busiest hour. Each call changes three times: ringing, talking, ended."""
RINGS_SECONDS = (3.0, 6.0)
TALKS_SECONDS = (4.0, 20.0)
POLL_SECONDS = 0.03
LAST_SECONDS = 30.0
"""How long the last changes are waited for."""
MEDIAN_SECONDS = 1.2
P99_SECONDS = 2.5
ZONE = "America/Sao_Paulo"


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """One store alone, then eight at once."""
    with ExitStack() as ends:
        gate = None
        if BINARY is None:
            print(f"  straight to the cluster: {ABSENT}")
        else:
            gate = Gate(folder / "live-gates", cluster)
            ends.callback(gate.close)
        pbxs = [ends.enter_context(Pbx(f"Live{number}")) for number in range(STORES + 1)]
        sections = {pbx.store: None if gate is None else gate.enrol(pbx.store) for pbx in pbxs}
        if gate is not None:
            gate.start()
        for several in (pbxs[:1], pbxs[1:]):
            delays = _delays(mariadb, cluster, folder / "live", several, sections)
            name = "live_latency" if len(several) == 1 else f"live_latency_{len(several)}_stores"
            way = "directly" if gate is None else "through the gate"
            print(f"  {len(several)} stores, {len(delays)} changes in {SECONDS:.0f} s, {way}")
            yield Figure.at_most(f"{name}_median", statistics.median(delays), "s", MEDIAN_SECONDS)
            yield Figure.at_most(f"{name}_p99", delays[int(len(delays) * 0.99)], "s", P99_SECONDS)


class Panel:
    """Searches for what is awaited, from ``with`` to the end of it.

    Attributes:
        delays: Seconds from each change to the search that found it.
    """

    def __init__(self, cluster: OpenSearchCluster) -> None:
        self.delays: list[float] = []
        self._cluster = cluster
        self._lock = threading.Lock()
        self._awaited: dict[str, tuple[Look, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="panel")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """What was not found until now never was: it counts with all that it waited."""
        self._stop.set()
        self._thread.join()
        self.delays += [time.monotonic() - since for _, since in self._awaited.values()]

    def __len__(self) -> int:
        return len(self._awaited)

    def expect(self, key: str, look: Look, at: float) -> None:
        """A call changed; where its last change was never found, that one waited until now."""
        with self._lock:
            if key in self._awaited:
                self.delays.append(at - self._awaited[key][1])
            self._awaited[key] = (look, at)

    def _watch(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            with self._lock:
                keys = list(self._awaited)
            if not keys:
                continue
            found = searched(self._cluster, {"terms": {"event.id": keys}})
            at = time.monotonic()
            with self._lock:
                for key, look in found.items():
                    if key in self._awaited and self._awaited[key][0] == look:
                        self.delays.append(at - self._awaited.pop(key)[1])


def _delays(
    mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path, pbxs: list[Pbx], sections: dict[str, Any]
) -> list[float]:
    """The sorted delays of all changes of these stores; their agents run only meanwhile."""
    with ExitStack() as ends:
        cursors = {}
        for pbx in pbxs:
            database = ends.enter_context(cdr_database_on(mariadb))
            cursors[pbx.store] = ends.enter_context(ends.enter_context(database.connect()).cursor())
            file = config(folder / pbx.store, database, cluster, pbx, section=sections[pbx.store])
            agent = RunningAgent(file, stores.agent_python())
            agent.start()
            ends.callback(agent.stop)
        for pbx in pbxs:
            call = Call("internal")  # makes the index, too
            pbx.play(call.stages[0])
            key = pbx.identity(call.linked)
            eventually(
                lambda key=key: searched(cluster, {"ids": {"values": [key]}}),  # type: ignore[misc]
                f"the first call of {pbx.store}",
                60,
            )
            pbx.play(call.stages[1] + call.stages[2])
        time.sleep(2)
        panel = ends.enter_context(Panel(cluster))
        _telephone(pbxs, panel, cursors)
        until = time.monotonic() + LAST_SECONDS
        while panel and time.monotonic() < until:
            time.sleep(0.1)
    return sorted(panel.delays)


def _telephone(pbxs: list[Pbx], panel: Panel, cursors: dict[str, Any]) -> None:
    """Calls at random moments; each call's row is written when it has ended."""
    chance = random.Random(1)
    calls = int(CALLS_PER_SECOND * SECONDS)
    due: list[tuple[float, int, Pbx, Call | None]] = []
    for pbx in pbxs:
        due += [(chance.uniform(0, SECONDS), len(due) + number, pbx, None) for number in range(calls)]
    heapq.heapify(due)
    began = time.monotonic()
    while due:
        moment, number, pbx, call = heapq.heappop(due)
        time.sleep(max(0.0, began + moment - time.monotonic()))
        if call is None:
            call = Call(chance.choice(RINGING))
        at = pbx.play(call.stages.pop(0))
        panel.expect(pbx.identity(call.linked), pbx.look(call.linked), at)
        if call.stages:
            pause = chance.uniform(*(RINGS_SECONDS if len(call.stages) == 2 else TALKS_SECONDS))
            heapq.heappush(due, (moment + pause, number, pbx, call))
        else:
            cursors[pbx.store].execute(
                "INSERT INTO cdr (calldate, src, dst, channel, uniqueid, linkedid, sequence) "
                "VALUES (%s, '100', '101', %s, %s, %s, %s)",
                (
                    datetime.now(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S"),
                    f"PJSIP/100-{number:08x}",
                    call.linked,
                    call.linked,
                    number + 1,
                ),
            )
