"""Stores behind the gate while all is killed, the line is cut, hangs and crawls, certificates expire."""

import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

from central.certificates import Pair
from central.gate import certificates
from central.gate.gate import renew_certificate
from compose.simulator import StoreProfile
from tests.gate.running import Gate, documents, now
from tests.servers import CdrDatabase
from tests.shipper.chaos import Chaos, Store
from tests.shipper.content import Content, calls_of_index, calls_of_table, of_index, of_table
from tests.shipper.proxy import Proxy
from tests.shipper.store import count, eventually

PATIENCE_SECONDS = 240


class GateChaos(Chaos):
    """The same stores and servers, with a gate between them and a bad line in front of it.

    Attributes:
        injected: what was done how often.
    """

    def __init__(self, folder: Path, stores: int, seed: int) -> None:
        super().__init__(folder, stores, seed)
        self.injected: dict[str, int] = {}
        self.calls = 0
        self._gate_lock = threading.Lock()
        self.gate: Gate
        self.lines: dict[str, Proxy] = {}

    def run(self, rows: int, rounds: int) -> list[tuple[str, Content, Content]]:
        """See `Chaos.run`; the gate is made when the cluster's address is known."""
        try:
            return super().run(rows, rounds)
        finally:
            if self.lines:
                self.gate.close()
            for line in self.lines.values():
                line.close()

    def _config(self, profile: StoreProfile, database: CdrDatabase) -> Path:
        if not self.lines:
            self.gate = Gate(self.folder / "gates", self.cluster)
            self.gate.start()
        section = self.gate.enrol(profile.id)
        self.gate.take_in()
        line = self.lines[profile.id] = Proxy(self.gate.port, self.seed)
        file = super()._config(profile, database)
        kept = [text for text in file.read_text().splitlines() if not text.startswith("output.")]
        forward = {**section, "port": line.port}
        kept += ['output.kind = "forward"']
        kept += [f"output.forward.{name} = {json.dumps(value)}" for name, value in forward.items()]
        file.write_text("\n".join(kept) + "\n")
        return file

    def _tasks(self, stores: list[Store]) -> list[Callable[[], None]]:
        ours = [self._kill_gate, self._kill_gate, self._kill_door, self._expire, self._reload]
        return [*super()._tasks(stores), *ours, *[self._break_lines] * 3]

    def _count(self, what: str) -> None:
        self.injected[what] = self.injected.get(what, 0) + 1

    def _kill_mariadb(self) -> None:
        self._count("kill -9 MariaDB")
        super()._kill_mariadb()

    def _kill_cluster(self) -> None:
        self._count("kill -9 OpenSearch")
        super()._kill_cluster()

    def _kill_agent(self, store: Store) -> None:
        self._count("kill -9 agent, three times")
        super()._kill_agent(store)

    def _kill_gate(self) -> None:
        with self._gate_lock:
            self._count("kill -9 Fluent Bit")
            self.gate.kill()
            time.sleep(self.random.uniform(0, 1))
            self.gate.start()

    def _kill_door(self) -> None:
        with self._gate_lock:
            self._count("kill -9 door")
            self.gate.kill_door()
            self.gate.start_door()

    def _reload(self) -> None:
        with self._gate_lock:
            self._count("reload")
            self.gate.take_in()

    def _expire(self) -> None:
        """The certificate ends while everybody is cut off; an engineer renews it a little later."""
        with self._gate_lock:
            self._count("expired certificate")
            folder = self.gate.folder
            authority = Pair(folder.read("ca.pem"), folder.read("ca-key.pem"))
            ended = certificates.make_server(authority, "localhost", now() - dt.timedelta(days=2), days=1)
            folder.write("server-key.pem", ended.key, secret=True)
            folder.write("server.pem", ended.certificate)
            time.sleep(1.5)  # until the door has taken it in
            for line in self.lines.values():
                line.cut()
            time.sleep(2)
            renew_certificate(folder, now())

    def _break_lines(self) -> None:
        """A third of the stores have trouble with their line."""
        mode = self.random.choice(["cut", "cut", "crawl", "hang", "refuse"])
        chosen = self.random.sample(sorted(self.lines), max(1, len(self.lines) // 3))
        self._count(f"line: {mode}")
        for name in chosen:
            line = self.lines[name]
            if mode == "cut":
                line.cut()
            else:
                line.mode = mode
        time.sleep(self.random.uniform(0.5, 4))
        for name in chosen:
            line = self.lines[name]
            if line.mode == "hang":
                line.cut()
            line.mode = "pass"

    def _compare(self, store: Store) -> tuple[str, Content, Content]:
        self.gate.start_if_dead()
        with store.database.connect() as connection:
            expected = of_table(connection, store.profile.timezone)
        query = f"store.id:{store.profile.id}"
        eventually(
            lambda: count(self.cluster, query=query) >= expected.rows,
            f"{expected.rows} documents of {store.profile.id}",
            PATIENCE_SECONDS,
        )
        with store.database.connect() as connection:
            calls = calls_of_table(connection, store.profile.id, store.profile.timezone)
        eventually(
            lambda: calls_of_index(self.cluster, store.profile.id) == calls,
            f"{calls.rows} calls of {store.profile.id}, equal to those of all its rows at once",
            PATIENCE_SECONDS,
        )
        eventually(lambda: store.agent.status()["spool_documents"] == 0, "an empty spool", PATIENCE_SECONDS)
        assert documents(self.cluster, "pabx-quarantine-*") == []
        self.calls += calls.rows
        return store.profile.id, expected, of_index(self.cluster, store.profile.id)
