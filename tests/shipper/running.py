"""The real agent as a process of its own, against real servers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compose.stack import OpenSearchCluster
from tests.servers import CdrDatabase
from tests.shipper.store import environment, run


def write_config(
    folder: Path,
    database: CdrDatabase,
    cluster: OpenSearchCluster,
    *,
    store: str = "Loja001",
    timezone: str = "America/Sao_Paulo",
    poll_seconds: float = 0.2,
    trunks: Sequence[str] = (),
) -> Path:
    """A ``shipper.toml`` that reads this database and writes to this cluster."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "shipper.toml"
    file.write_text(
        f"""
store.id = {json.dumps(store)}
store.timezone = {json.dumps(timezone)}
store.trunks = {json.dumps(list(trunks))}
cdr.host = {json.dumps(database.host)}
cdr.port = {database.port}
cdr.user = {json.dumps(database.user)}
cdr.password = {json.dumps(database.password)}
cdr.database = {json.dumps(database.database)}
cdr.poll_seconds = {poll_seconds}
output.kind = "opensearch"
output.opensearch.url = {json.dumps(cluster.url)}
spool.path = {json.dumps(str(folder / "spool" / "spool.db"))}
""",
        encoding="utf-8",
    )
    return file


def central_install(cluster: OpenSearchCluster) -> None:
    """The real ``central install``."""
    access = {
        "OPENSEARCH_URL": cluster.url,
        "OPENSEARCH_USER": cluster.user,
        "OPENSEARCH_PASSWORD": cluster.password,
        "OPENSEARCH_CA_FILE": cluster.ca_file and str(cluster.ca_file),
    }
    environ = {**os.environ, **{name: value for name, value in access.items() if value}}
    done = subprocess.run(
        [sys.executable, "-m", "central", "install"], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class RunningAgent:
    """``shipper run`` in the background; its log is kept beside its configuration."""

    def __init__(self, config: Path, python: str | Path = sys.executable) -> None:
        self.config = config
        self.python = python
        self.log = config.with_name("shipper.log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [self.python, "-m", "shipper", "run", "--config", str(self.config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment())

    def kill(self) -> None:
        """SIGKILL: no chance to put anything in order."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def start_if_dead(self) -> None:
        """As a service manager would."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=30)

    def is_polling(self) -> bool:
        """It has compared the whole table and now waits between two looks."""
        return "compared" in self.log.read_text(encoding="utf-8")

    def processor_seconds(self) -> float:
        """User and system time so far, all threads."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def pin(self, core: int) -> None:
        """All of its threads on one core."""
        assert self._process is not None
        for thread in Path(f"/proc/{self._process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})

    def memory_mib(self) -> tuple[float, float]:
        """Resident memory now and at most."""
        found = dict(line.split(":", 1) for line in self._proc("status").splitlines())
        now, most = (int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        return now, most

    def _proc(self, name: str) -> str:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/{name}").read_text(encoding="utf-8")

    def status(self) -> dict[str, Any]:
        """What ``shipper status --json`` says."""
        found: dict[str, Any] = json.loads(run("status", "--json", "--config", str(self.config)).out)
        return found
