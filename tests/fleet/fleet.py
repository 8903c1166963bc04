"""The chain: one MariaDB with a database of each store, one gate, one cluster, an agent's process a store."""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError

import pymysql

from compose.simulator import StoreProfile
from compose.stack import MariaDB, OpenSearchCluster
from tests.fleet.resources import processor_of
from tests.gate.running import BINARY, Gate, wait_idle
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.content import of_index, of_table
from tests.shipper.store import ROOT, environment, eventually

ONCE_AT_A_TIME = 3
REST_SECONDS = 5.0
REST_CORES = 0.2


class Agent:
    """One store, its database, its configuration and its agent's process."""

    def __init__(self, profile: StoreProfile, database: CdrDatabase, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.profile, self.database = profile, database
        self.config, self.log = folder / "shipper.toml", folder / "shipper.log"
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, output: dict[str, Any], day: date) -> None:
        """Defaults but for what leads here, and for a look back that reaches the day."""
        hours = int(
            (datetime.now(UTC) - datetime(day.year, day.month, day.day, tzinfo=UTC)).total_seconds() / 3600
        )
        known = {
            "store.id": self.profile.id,
            "store.timezone": self.profile.timezone,
            "store.area_code": self.profile.area_code,
            "store.trunks": [trunk.name for trunk in self.profile.trunks],
            "cdr.host": self.database.host,
            "cdr.port": self.database.port,
            "cdr.user": self.database.user,
            "cdr.password": self.database.password,
            "cdr.database": self.database.database,
            "cdr.lookback_hours": hours + 6,
            "ami.enabled": False,
            "spool.path": str(self.config.parent / "spool.db"),
            **output,
        }
        self.config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in known.items()))


class Fleet:
    """All of them; ends what it has started.

    Args:
        folder: For everything.
        mariadb: That runs.
        cluster: That runs, with everything installed.
        profiles: The stores.
        day: Whose rows will come.
        command: Of an agent.
    """

    def __init__(
        self,
        folder: Path,
        mariadb: MariaDB,
        cluster: OpenSearchCluster,
        profiles: Sequence[StoreProfile],
        day: date,
        command: Sequence[str] = (sys.executable, "-m", "shipper"),
    ) -> None:
        self.cluster, self.mariadb, self.command = cluster, mariadb, command
        self._end = ExitStack()
        self.gate = Gate(folder / "gates", cluster) if BINARY is not None else None
        self.agents: dict[str, Agent] = {}
        for profile in profiles:
            database = self._end.enter_context(cdr_database_on(mariadb))
            agent = self.agents[profile.id] = Agent(profile, database, folder / profile.id)
            agent.configure(self._way_in(profile.id), day)
        if self.gate is not None:
            self._end.callback(self.gate.close)
            self.gate.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._end.close()

    @property
    def pids(self) -> list[int]:
        """Of the agents that were started."""
        return [agent.process.pid for agent in self.agents.values() if agent.process is not None]

    @property
    def gate_pids(self) -> list[int]:
        """Of Fluent Bit and the door."""
        programs = (self.gate.process, self.gate.door) if self.gate is not None else ()
        return [program.pid for program in programs if program is not None]

    @property
    def door_port(self) -> int:
        """That the agents connect to."""
        return self.gate.port if self.gate is not None else self.cluster.port

    def connect(self, store: str) -> "pymysql.Connection[Any]":
        """To a store's database, as its PBX."""
        return self.agents[store].database.connect()

    def start(self) -> float:
        """All at once; gives the seconds until head office has heard of the last one."""
        began = time.monotonic()
        for agent in self.agents.values():
            with agent.log.open("ab") as log:
                command = [*self.command, "run", "--config", str(agent.config)]
                agent.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment())
        eventually(lambda: len(self.beats()) == len(self.agents), "a heartbeat of each", 300)
        return time.monotonic() - began

    def rest(self, seconds: float) -> float:
        """Wait until what agents do at their start is done: they take a fifth of a core together, or less."""
        began, before = time.monotonic(), processor_of(self.pids)
        while time.monotonic() - began < seconds:
            time.sleep(REST_SECONDS)
            now = processor_of(self.pids)
            if now - before < REST_SECONDS * REST_CORES:
                break
            before = now
        return time.monotonic() - began

    def stop(self) -> None:
        """SIGTERM to all."""
        for agent in self.agents.values():
            if agent.process is not None:
                agent.process.terminate()
        for agent in self.agents.values():
            if agent.process is not None:
                agent.process.wait(60)
                agent.process = None

    def died(self) -> list[str]:
        """Stores whose agent has ended by itself."""
        return [
            name for name, one in self.agents.items() if one.process is None or one.process.poll() is not None
        ]

    def beats(self) -> dict[str, int]:
        """How many heartbeats of each store were taken: each is a version of its document."""
        try:
            self.cluster.request("POST", "/pabx-stores/_refresh")
            query = {
                "size": 5000,
                "version": True,
                "_source": False,
                "query": {"exists": {"field": "store.last_seen"}},
            }
            hits = self.cluster.request("POST", "/pabx-stores/_search", query)["hits"]["hits"]
        except HTTPError:  # there is none yet
            return {}
        return {hit["_id"]: int(hit["_version"]) for hit in hits}

    def search(self, query: dict[str, Any]) -> Iterable[dict[str, Any]]:
        """Bodies of rows, as anybody would find them: without a refresh."""
        try:
            hits = self.cluster.request("POST", "/pabx-cdr-*/_search", query)["hits"]["hits"]
        except HTTPError:
            return []
        return [hit["_source"] for hit in hits]

    def settled(self, written: dict[str, int], seconds: float) -> float:
        """Wait until as many rows as were written are in the index, and nothing waits; gives the seconds."""
        began, total = time.monotonic(), sum(written.values())

        def arrived() -> bool:
            self.cluster.request("POST", "/pabx-cdr-*/_refresh")
            return int(self.cluster.request("GET", "/pabx-cdr-*/_count")["count"]) >= total

        eventually(arrived, f"{total} rows in the index", seconds)
        took = time.monotonic() - began
        if self.gate is not None:
            wait_idle(self.gate)
        return took

    def different(self) -> list[str]:
        """Stores whose rows in the index are not those of their table, each once."""
        wrong = []
        for name, agent in self.agents.items():
            with agent.database.connect() as connection:
                table = of_table(connection, agent.profile.timezone)
            if (index := of_index(self.cluster, name)) != table:
                wrong.append(f"{name}: {table.rows} rows, {index.rows} documents")
        return wrong

    def count_days(self) -> None:
        """Each agent counts its days, as it does at night; they are stopped."""
        waiting, running = list(self.agents.values()), list[tuple[Agent, subprocess.Popen[str]]]()
        while waiting or running:
            while waiting and len(running) < ONCE_AT_A_TIME:
                agent = waiting.pop()
                command = [*self.command, "run", "--once", "--config", str(agent.config)]
                process = subprocess.Popen(
                    command,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    cwd=ROOT,
                    env=environment(),
                )
                running.append((agent, process))
            agent, process = running.pop(0)
            _, errors = process.communicate()
            assert process.returncode == 0, f"{agent.profile.id}: {errors}"
        if self.gate is not None:
            wait_idle(self.gate)

    def audit(self) -> dict[str, Any]:
        """The real ``central audit`` of the last seven days; it finds nothing."""
        command = [sys.executable, "-m", "central", "audit", "--json", "--url", self.cluster.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout[-3000:] + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _way_in(self, store: str) -> dict[str, Any]:
        if self.gate is None:
            return {"output.kind": "opensearch", "output.opensearch.url": self.cluster.url}
        section = self.gate.enrol(store)
        return {
            "output.kind": "forward",
            **{f"output.forward.{name}": value for name, value in section.items()},
        }


def judge(fleet: Fleet, rows: int) -> None:
    """Every row is there once, none under another store, and the audit is clean."""
    fleet.stop()
    assert fleet.different() == []
    assert int(fleet.cluster.request("GET", "/pabx-cdr-*/_count")["count"]) == rows
    quarantined = fleet.cluster.request("GET", "/pabx-quarantine-*/_count?ignore_unavailable=true")
    assert quarantined["count"] == 0
    fleet.count_days()
    found = fleet.audit()
    assert (found["days"], found["silent"]) == ([], [])
    assert found["equal"] == 7 * len(fleet.agents)
