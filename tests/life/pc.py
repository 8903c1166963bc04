"""A store's PC: its MariaDB, its agent, and what keeps the agent alive; head office is elsewhere."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

from compose.stack import MariaDB, OpenSearchCluster
from shipper.errors import SpoolError
from shipper.spool import Spool
from tests.gate.running import Gate
from tests.servers import CdrDatabase
from tests.shipper.content import of_index, of_table
from tests.shipper.store import ROOT, environment, eventually, run

# Past the night in one of them: an agent that starts there has nothing to count, and its days are over.
ZONE = next(
    zone for zone in ("America/Sao_Paulo", "Asia/Tokyo") if 6 <= datetime.now(ZoneInfo(zone)).hour < 21
)
LOOK_SECONDS = 0.3
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class HeadOffice:
    """Where a PC delivers to.

    Args:
        cluster: The real one.
        gate: In front of it; None: documents go straight to the cluster.
    """

    def __init__(self, cluster: OpenSearchCluster, gate: Gate | None) -> None:
        self.cluster = cluster
        self.gate = gate

    @property
    def port(self) -> int:
        """Of 127.0.0.1, that stores connect to."""
        return self.cluster.port if self.gate is None else self.gate.port

    def output(self, store: str) -> dict[str, Any]:
        """Lines of ``shipper.toml``: a way in for this store."""
        if self.gate is None:
            url = f"http://localhost:{self.port}"
            return {"output.kind": "opensearch", "output.opensearch.url": url}
        section = self.gate.enrol(store)
        self.gate.take_in()
        return {
            "output.kind": "forward",
            **{f"output.forward.{key}": value for key, value in section.items()},
        }

    def close(self) -> None:
        """Nobody can be delivered to any more; what it has acknowledged stays."""
        if self.gate is not None:
            self.gate.close()

    def open(self) -> None:
        """As before."""
        if self.gate is not None:
            self.gate.start()

    def waiting(self) -> int:
        """How many chunks the gate has not delivered yet."""
        return 0 if self.gate is None else self.gate.chunks()

    def audit(self) -> dict[str, Any]:
        """The real ``central audit`` of the last day; it must find nothing."""
        if self.gate is not None:
            eventually(self.gate.idle, "an empty gate")
        command = [
            sys.executable,
            "-m",
            "central",
            "audit",
            "--json",
            "--days",
            "2",
            "--url",
            self.cluster.url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


class StorePc:
    """One PC. Its agent is started anew by a loop of its own, as a service manager or cron would.

    Args:
        folder: Its disk.
        database: Its MariaDB with the table.
        office: Where it delivers to.
        store: Its id.
        settings: More lines of ``shipper.toml``, by their dotted names.
        prefix: What the agent's command begins with.
        environ: More of the agent's environment.
    """

    def __init__(
        self,
        folder: Path,
        database: CdrDatabase,
        office: HeadOffice,
        store: str,
        *,
        settings: dict[str, Any] | None = None,
        prefix: Sequence[str] = (),
        environ: dict[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.database, self.office, self.store = folder, database, office, store
        self.zone = ZoneInfo(ZONE)
        self.ahead = timedelta()
        """How far the PC's clock is ahead of ours."""
        self.config, self.log = folder / "shipper.toml", folder / "shipper.log"
        self.spool = folder / "spool" / "spool.db"
        self.prefix, self.environ = prefix, environ or {}
        self.starts = 0
        self._rows = 0
        self._agent: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        known = {
            "store.id": store,
            "store.timezone": ZONE,
            "cdr.host": database.host,
            "cdr.port": database.port,
            "cdr.user": database.user,
            "cdr.password": database.password,
            "cdr.database": database.database,
            "cdr.poll_seconds": 0.2,
            "ami.enabled": False,
            "spool.path": str(self.spool),
            "agent.heartbeat_seconds": 1,
            **office.output(store),
            **(settings or {}),
        }
        lines = (f"{name} = {json.dumps(value)}" for name, value in known.items())
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    # Its power button.

    def on(self) -> None:
        """The agent runs from now on, whatever becomes of it."""
        self._stopped.clear()
        self._keeper = threading.Thread(target=self._keep_alive, name="keep-alive", daemon=True)
        self._keeper.start()

    def off(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Nobody starts it any more, and it is told to end."""
        self._stopped.set()
        if self._keeper is not None:
            self._keeper.join()
        if self._agent is not None:
            self._agent.send_signal(how)
            self._agent.send_signal(signal.SIGCONT)
            try:
                self._agent.wait(10)
            except subprocess.TimeoutExpired:
                self._agent.kill()
                self._agent.wait()

    def signal(self, number: signal.Signals) -> None:
        """To the agent; it may be dead just now."""
        with self._lock:
            if self._agent is not None and self._agent.poll() is None:
                self._agent.send_signal(number)

    @property
    def pid(self) -> int:
        """Of the agent that runs."""
        assert self._agent is not None
        return self._agent.pid

    def _keep_alive(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                if self._agent is None or self._agent.poll() is not None:
                    self._start()
            self._stopped.wait(LOOK_SECONDS)

    def _start(self) -> None:
        command = [*self.prefix, sys.executable, "-m", "shipper", "run", "--config", str(self.config)]
        with self.log.open("ab") as log:
            self._agent = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=ROOT, env=environment(self.environ)
            )
        self.starts += 1

    # Its telephones.

    def telephone(self, calls: int = 20, *, yesterday: bool = False) -> None:
        """Calls that end now by the PC's clock, one row each; or of yesterday's last hour."""
        now = datetime.now(self.zone) + self.ahead
        start = now - timedelta(seconds=calls)
        if yesterday:
            start = (
                now.replace(hour=23, minute=0, second=0) - timedelta(days=1) + timedelta(seconds=self._rows)
            )
        rows = []
        for number in range(calls):
            at = start + timedelta(seconds=number)
            self._rows += 1
            uniqueid = f"{int(at.timestamp())}.{self._rows}"
            rows.append(
                (f"{at:%Y-%m-%d %H:%M:%S}", f"PJSIP/100-{self._rows:08x}", uniqueid, uniqueid, self._rows)
            )
        with self.database.connect() as root, root.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO cdr (calldate, clid, src, dst, channel, lastapp, duration, billsec, "
                "disposition, uniqueid, linkedid, sequence) "
                "VALUES (%s, 'José', '100', '200', %s, 'Dial', 5, 3, 'ANSWERED', %s, %s, %s)",
                rows,
            )

    # What has to be true.

    def delivered(self, seconds: float = 90.0) -> None:
        """All rows of the table are in the index, each once, as they stand there."""
        with self.database.connect() as connection:
            table = of_table(connection, ZONE)
        until = time.monotonic() + seconds
        while (index := of_index(self.office.cluster, self.store)) != table:
            assert time.monotonic() < until, (
                f"{self.store}: {index.rows} of {table.rows} rows are in the index, {self.waiting()} wait "
                f"here, {self.office.waiting()} chunks at the gate; {self.log}: {self.log_text()[-1500:]}"
            )
            time.sleep(0.1)

    def counted(self) -> None:
        """The agent is told to end, and counts its days as it does at night."""
        self.off()
        counted = run("run", "--once", "--config", str(self.config), environ=self.environ)
        assert (counted.code, counted.err) == (0, ""), counted.err

    def audited(self) -> None:
        """Its days are counted, and head office finds them equal."""
        self.counted()
        found = self.office.audit()
        assert (found["days"], found["silent"]) == ([], [])

    def said(self, words: Callable[[dict[str, Any]], Any], what: str, seconds: float = 60.0) -> Any:
        """Wait for a heartbeat that says something; gives what the condition gave."""

        def heard() -> Any:
            try:
                found = self.office.cluster.request("GET", f"/pabx-stores/_doc/{self.store}")
            except HTTPError:  # none has come yet
                return None
            return words(found["_source"])

        return eventually(heard, f"{self.store}: {what}", seconds)

    def waiting(self) -> int:
        """How many documents wait in its spool."""
        try:
            spool = Spool(self.spool, read_only=True)
        except SpoolError:
            return 0
        with closing(spool):
            return spool.waiting()

    def log_text(self) -> str:
        """What its agents logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def freeze(server: MariaDB) -> None:
    """As in sleep: it does nothing, and its connections stay."""
    os.kill(server.pid, signal.SIGSTOP)


def thaw(server: MariaDB) -> None:
    """It goes on."""
    os.kill(server.pid, signal.SIGCONT)
