"""The long form: ``python -m tests.fleet [--stores 140] [--minutes 5] [--agent FILE]``.

A working day of a whole chain in minutes. Each figure is held against a limit that was chosen before it was
measured; exit 1 where one is missed. What is not a matter of limits is asserted: every row is there once and
under its own store, and ``central audit`` finds every day equal.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from compose.simulator import chain
from compose.stack import MariaDB, OpenSearchCluster
from tests.bench.figure import Figure
from tests.fleet.day import Day, Watcher, last_working_day, plan
from tests.fleet.fleet import Fleet, judge
from tests.fleet.resources import Memory, Spread, connections_to, processor_of
from tests.servers import new_server_dir
from tests.shipper.running import central_install

OUTPUT = Path("build") / "fleet.json"
HEAP_MIB = 2048
PSS_MIB = 45.0
RSS_MIB = 64.0
AGENTS_CORES = 1.0
"""All agents together, on the average of a day that is many times faster than a real one."""
GATE_CORES = 0.5
MEDIAN_SECONDS = 6.0
"""Half of a poll of 5 s, a second each of the gate and of the index, and room."""
P99_SECONDS = 12.0
START_SECONDS = 120.0
SETTLED_SECONDS = 600.0


def measure(fleet: Fleet, day: Day) -> Iterator[Figure]:
    """The day, and what it took."""
    yield Figure.at_most("fleet_all_heard_after_start", fleet.start(), "s", START_SECONDS)
    print(f"  the agents are at rest after {fleet.rest(START_SECONDS):.0f} s more")
    servers = {
        "agents": fleet.pids,
        "gate": fleet.gate_pids,
        "cluster": [fleet.cluster.pid],
        "mariadb": [fleet.mariadb.pid],
    }
    before = {name: processor_of(pids) for name, pids in servers.items()}
    beats, began = sum(fleet.beats().values()), time.monotonic()
    memory, watcher = Memory(fleet.pids), Watcher(fleet.search, day.written)
    day.run()
    print(
        f"  {connections_to(fleet.door_port)} connections at the gate, {_connections(fleet)} at the database"
    )
    settled = fleet.settled(day.written.rows, SETTLED_SECONDS)
    seconds = time.monotonic() - began
    used = {name: processor_of(pids) - before[name] for name, pids in servers.items()}
    memory.stop()
    watcher.stop()
    rows, heard = sum(day.written.rows.values()), sum(fleet.beats().values()) - beats
    assert fleet.died() == []
    assert watcher.missing() == 0
    print(f"  {rows:,} rows in {seconds:.0f} s, complete {settled:.1f} s after the last; {heard} heartbeats")
    print(f"  a row was written {day.written.latest:.1f} s late at most; load {os.getloadavg()[0]:.1f}")
    for name, spent in used.items():
        cores, each = spent / seconds, spent / rows * 1000
        print(f"  processor of {name}: {spent:.1f} s, {cores:.2f} cores, {each:.2f} ms a row")
    delays, ordered = Spread.of(watcher.delays), sorted(watcher.delays)
    middle, p95, most = delays
    print(f"  delay of {len(ordered)} rows: median {middle:.2f}, p95 {p95:.2f}, most {most:.2f} s")
    pss, rss = Spread.of(list(memory.pss.values())), Spread.of(list(memory.rss.values()))
    for name, found in (("PSS", pss), ("RSS", rss)):
        middle, p95, most = found
        print(f"  {name} of an agent: median {middle:.1f}, p95 {p95:.1f}, most {most:.1f} MiB")
    yield Figure.at_most("fleet_agent_pss_most", pss.most, "MiB", PSS_MIB)
    yield Figure.at_most("fleet_agent_rss_most", rss.most, "MiB", RSS_MIB)
    yield Figure.at_most("fleet_agents_processor", used["agents"] / seconds, "cores", AGENTS_CORES)
    yield Figure.at_most("fleet_gate_processor", used["gate"] / seconds, "cores", GATE_CORES)
    yield Figure.at_most("fleet_delay_median", delays.median, "s", MEDIAN_SECONDS)
    yield Figure.at_most("fleet_delay_p99", ordered[int(0.99 * (len(ordered) - 1))], "s", P99_SECONDS)


def _connections(fleet: Fleet) -> int:
    with fleet.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Max_used_connections'")
        return int(cursor.fetchall()[0][1])


def main(arguments: list[str] | None = None) -> int:
    """Run it once; 0 where all is there and every limit is kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__, allow_abbrev=False)
    parser.add_argument("--stores", type=int, default=140, metavar="N")
    parser.add_argument("--minutes", type=float, default=5.0, metavar="N", help="that the day takes")
    parser.add_argument("--seed", type=int, default=9, metavar="N")
    parser.add_argument("--agent", metavar="FILE", help="the one file of the agent, as make agent makes it")
    options = parser.parse_args(arguments)
    command = [sys.executable, options.agent] if options.agent else [sys.executable, "-m", "shipper"]
    profiles, on = chain(options.stores, options.seed), last_working_day()
    plans = [plan(profile, on, options.seed) for profile in profiles]
    print(f"{len(profiles)} stores, {sum(map(len, plans)):,} rows of {on}, in {options.minutes:g} minutes")
    with (
        new_server_dir() as folder,
        MariaDB(folder / "mariadb") as mariadb,
        OpenSearchCluster(folder / "opensearch", heap_mib=HEAP_MIB) as cluster,
    ):
        central_install(cluster)
        with Fleet(folder / "fleet", mariadb, cluster, profiles, on, command) as fleet:
            day = Day(plans, fleet.connect, options.minutes * 60)
            figures = list(measure(fleet, day))
            judge(fleet, sum(day.written.rows.values()))
            print("  every row is there, once, under its own store; central audit: every day is equal")
    for figure in figures:
        print(figure)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    return 0 if all(figure.ratio >= 1 for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
