"""What listening to the PBX costs an agent: a burst, a flood, and nothing at all.

The output is the cluster itself; the agent has a store's packages and no others. Processor time is what the
kernel accounts for the whole process.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from compose.simulator.ami import written
from compose.stack import MariaDB, OpenSearchCluster
from shipper.agent.watching import LATE_SECONDS
from shipper.live.channel import Event
from tests.bench import stores
from tests.bench.figure import Figure
from tests.bench.pbx import RECORDED, Call, Look, Pbx, config, held, searched
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.running import RunningAgent
from tests.shipper.store import eventually

BURST_EVENTS = 20_000
BURSTS = 3
BURST_SECONDS = 2.0
FLOOD_RATE = 50_000
FLOOD_SECONDS = 10.0
FLOOD_CALLS = 40
"""In progress when the flood begins; until it is over half of them have ended, and as many began."""
FLOOD_ROUND = 4000
"""Calls; then the same come again, more than two seconds later, when the agent has done with them."""
SHARERS = 3
"""Others on the agent's core: a slow machine, where events are lost and the state is asked for anew."""
SETTLED_SECONDS = 10.0
MEMORY_MIB = 48.0
IDLE_SECONDS = float(os.environ.get("BENCH_IDLE_SECONDS", "180"))
"""So long that one comparison with the PBX's own state falls into it."""
IDLE_PERCENT = 0.3


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """The idle agents start first: one hears for sure that nothing goes on only after five minutes."""
    with ExitStack() as ends:
        database = ends.enter_context(cdr_database_on(mariadb))
        other = ends.enter_context(cdr_database_on(mariadb))
        pbx = ends.enter_context(Pbx("Idle"))
        listens = _agent(ends, config(folder / "idle", database, cluster, pbx))
        without = _agent(ends, config(folder / "idle-without", other, cluster, pbx, listens=False))
        began = time.monotonic()
        yield from _burst(mariadb, cluster, folder)
        yield from _flood(mariadb, cluster, folder)
        time.sleep(max(0.0, began + LATE_SECONDS + 20 - time.monotonic()))
        yield from _idle(mariadb, (listens, database), (without, other))


def _agent(ends: ExitStack, file: Path) -> RunningAgent:
    agent = RunningAgent(file, stores.agent_python())
    agent.start()
    ends.callback(agent.stop)
    eventually(agent.is_polling, "the agent's first look at the table", 60)
    return agent


def _burst(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """Whole calls one after the other, the last one of them without its end: it is looked for."""
    seconds, processor = [], []
    with ExitStack() as ends:
        database = ends.enter_context(cdr_database_on(mariadb))
        pbx = ends.enter_context(Pbx("Burst"))
        agent = _agent(ends, config(folder / "burst", database, cluster, pbx))
        eventually(lambda: pbx.ami.clients, "the log-in")
        agent.pin(min(os.sched_getaffinity(0)))
        for _ in range(BURSTS):
            raw, last = _calls(BURST_EVENTS)
            time.sleep(3)
            before, at = agent.processor_seconds(), time.monotonic()
            pbx.ami.send(raw)
            key = pbx.identity(last.linked)
            while held(cluster, key) != ("talking", ("100",)):
                if time.monotonic() - at > 60:
                    raise RuntimeError(f"the burst's last call is not in the index: {agent.log}")
                time.sleep(0.01)
            seconds.append(time.monotonic() - at)
            processor.append(agent.processor_seconds() - before)
        lost = _losses(agent)
    yield Figure.at_most("live_burst", statistics.median(seconds), "s", BURST_SECONDS)
    yield Figure.at_most("live_burst_processor", statistics.median(processor), "s", BURST_SECONDS)
    yield Figure.at_most("live_burst_losses", lost, "times", 0)


def _losses(agent: RunningAgent) -> int:
    return agent.log.read_text(encoding="utf-8").count("events were lost")


def _all(call: Call) -> list[Event]:
    return [event for stage in call.stages for event in stage]


def _calls(count: int) -> tuple[bytes, Call]:
    """So many events, and the call that still goes on after them: an inbound one that was answered."""
    names = list(RECORDED)
    raw, number, turn = bytearray(), 0, 0
    last = Call("inbound")
    open_events = [event for stage in last.stages[:2] for event in stage]
    while number < count - len(open_events):
        call = Call(names[turn % len(names)])
        for event in _all(call)[: count - len(open_events) - number]:
            raw += written(event)
            number += 1
        turn += 1
    for event in open_events:
        raw += written(event)
    return bytes(raw), last


def _flood(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """Wanted events, faster than they can be taken, while calls end and begin."""
    with ExitStack() as ends:
        database = ends.enter_context(cdr_database_on(mariadb))
        pbx = ends.enter_context(Pbx("Flood"))
        agent = _agent(ends, config(folder / "flood", database, cluster, pbx))
        eventually(lambda: pbx.ami.clients, "the log-in")
        before, _ = agent.memory_mib()
        going = [Call("inbound") for _ in range(FLOOD_CALLS)]
        for call in going:
            pbx.play(call.stages.pop(0) + call.stages.pop(0))
        eventually(lambda: _shown(cluster, pbx) == pbx.looks(), "the calls before the flood")
        pieces = [b"".join(map(written, _all(Call("internal")))) for _ in range(FLOOD_ROUND)]
        rates: list[float] = []
        flooding = threading.Thread(target=lambda: rates.append(_pour(pbx, pieces)))
        core = min(os.sched_getaffinity(0))
        agent.pin(core)
        for _ in range(SHARERS):
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            ends.callback(busy.wait)
            ends.callback(busy.kill)
            os.sched_setaffinity(busy.pid, {core})
        flooding.start()
        for call in going[: FLOOD_CALLS // 2]:
            time.sleep(FLOOD_SECONDS / FLOOD_CALLS)
            pbx.play(call.stages.pop(0))
            pbx.play(Call("outbound").stages[0])
        flooding.join()
        over = time.monotonic()
        while _shown(cluster, pbx) != pbx.looks():
            if time.monotonic() - over > 240:
                raise RuntimeError(f"the panel is not right after the flood: {agent.log}")
            time.sleep(0.03)
        settled = time.monotonic() - over
        time.sleep(5)
        if _shown(cluster, pbx) != pbx.looks():
            raise RuntimeError(f"the panel did not stay right after the flood: {agent.log}")
        _, highest = agent.memory_mib()
        cut_off, lost = pbx.ami.cut_off + pbx.ami.logins - 1, _losses(agent)
    print(f"  flood of {rates[0]:,.0f} events/s, lost {lost} times; memory before it {before:.1f} MiB")
    yield Figure.at_most("live_memory", highest, "MiB", MEMORY_MIB)
    yield Figure.at_most("live_flood_settled", settled, "s", SETTLED_SECONDS)
    yield Figure.at_most("live_flood_cut_off", cut_off, "times", 0)


def _pour(pbx: Pbx, pieces: list[bytes]) -> float:
    """Send calls at the flood's rate, whole ones, over and over; gives the rate that came about."""
    events = pieces[0].count(b"\r\n\r\n")
    began, sent, total = time.monotonic(), 0, int(FLOOD_RATE * FLOOD_SECONDS / events)
    while sent < total:
        time.sleep(0.01)
        due = min(int((time.monotonic() - began) * FLOOD_RATE / events), total)
        pbx.ami.send(b"".join(pieces[number % len(pieces)] for number in range(sent, due))).result()
        sent = due
    return sent * events / (time.monotonic() - began)


def _shown(cluster: OpenSearchCluster, pbx: Pbx) -> dict[str, Look]:
    """What the panel shows of a store."""
    going = {
        "bool": {"filter": {"term": {"store.id": pbx.store}}, "must_not": {"term": {"live.state": "ended"}}}
    }
    return searched(cluster, going)


def _idle(
    mariadb: MariaDB, listens: tuple[RunningAgent, CdrDatabase], without: tuple[RunningAgent, CdrDatabase]
) -> Iterator[Figure]:
    """Two agents of which only one listens, at the same time."""
    pair = (listens, without)
    with mariadb.connect() as root, root.cursor() as cursor:
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("SET GLOBAL general_log = OFF")
        cursor.execute("TRUNCATE TABLE mysql.general_log")
        cursor.execute("SET GLOBAL general_log = ON")
        before, at = [agent.processor_seconds() for agent, _ in pair], time.monotonic()
        time.sleep(IDLE_SECONDS)
        used = [agent.processor_seconds() - then for (agent, _), then in zip(pair, before, strict=True)]
        seconds = time.monotonic() - at
        cursor.execute("SET GLOBAL general_log = OFF")
        asked = []
        for _, database in pair:
            cursor.execute(
                "SELECT COUNT(*) FROM mysql.general_log WHERE user_host LIKE %s AND command_type = 'Query'",
                (f"{database.user}%",),
            )
            asked.append(60 * float(cursor.fetchone()[0]) / seconds)
    whole, least = (100 * processor / seconds for processor in used)
    print(f"  idle for {seconds:.0f} s; without AMI {least:.3f} % of a core, {asked[1]:.1f} queries a minute")
    yield Figure.at_most("live_idle", whole, "% of a core", IDLE_PERCENT)
    yield Figure.at_most("live_idle_queries_per_minute", asked[0], "queries", round(asked[1], 1))
