"""The real gate: Fluent Bit with the shipped configuration, in a directory that `central gate init` makes."""

import datetime as dt
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from central.gate import gate
from central.gate.folder import GateFolder, Settings
from central.gate.render import StoreFacts
from compose.stack import OpenSearchCluster
from compose.stack.ports import free_port
from tests.shipper.store import eventually, searched

BINARY = shutil.which("fluent-bit")
ABSENT = "fluent-bit is not on PATH: install its package to run these"


class Gate:
    """One gate in front of one cluster.

    Args:
        folder: where everything of it lies.
        cluster: where it delivers to; None: nowhere that answers.
        settings: instead of the usual ones.
    """

    def __init__(self, folder: Path, cluster: OpenSearchCluster | None, **settings: Any) -> None:
        self.folder = GateFolder(folder / "gate")
        self.stores = folder / "stores"
        self.log = folder / "fluent-bit.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.door: subprocess.Popen[bytes] | None = None
        url = urlsplit(cluster.url if cluster else "http://127.0.0.1:9")
        known: dict[str, Any] = {
            "host": "localhost",
            "listen": "127.0.0.1",
            "port": free_port(),
            "inner_port": free_port(),
            "http_port": free_port(),
            "opensearch_host": url.hostname,
            "opensearch_port": url.port,
            "opensearch_tls": url.scheme == "https",
            "opensearch_ca_file": str(cluster.ca_file) if cluster and cluster.ca_file else "",
            "storage": str(folder / "storage"),
        }
        self.settings = Settings(**{**known, **settings})
        gate.make(self.folder, self.settings, now())

    @property
    def port(self) -> int:
        """That the stores connect to."""
        return self.settings.port

    def enrol(self, store: str, *, renew: bool = False, **facts: Any) -> dict[str, Any]:
        """Give a store a credential; gives what its `output.forward` section says."""
        output = self.stores / store
        gate.enrol(self.folder, StoreFacts(store, **facts), output, now(), renew=renew)
        credential = self.folder.credentials()[store]
        return {
            "host": "localhost",
            "port": self.port,
            "tls": True,
            "ca_file": str(output / "ca.pem"),
            "shared_key": self.folder.read("shared-key").strip(),
            "username": store,
            "password": credential.token,
        }

    def start(self) -> None:
        """Start it and its door, and wait until both take connections."""
        if self.settings.door:
            self.start_door()
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            command = [str(BINARY), "-c", str(self.folder.path / "fluent-bit.yaml")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        eventually(lambda: self._listens(before), f"Fluent Bit's start ({self.log})", 30)

    def start_door(self) -> None:
        """`central gate serve`, where it does not run yet."""
        if self.door is None or self.door.poll() is not None:
            with self.log.with_name("door.log").open("ab") as log:
                command = [sys.executable, "-m", "central", "gate", "serve", "--gate", str(self.folder.path)]
                self.door = subprocess.Popen(command, stdout=log, stderr=log)
            eventually(self._door_answers, f"the door ({self.log.with_name('door.log')})", 30)

    def _door_answers(self) -> bool:
        assert self.door is not None
        assert self.door.poll() is None, self.door_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _listens(self, before: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text(errors="replace")
        with self.log.open("rb") as log:
            log.seek(before)
            return b"http_server] listen" in log.read() and self.answers()

    def answers(self) -> bool:
        """Its HTTP port takes connections."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.settings.http_port), 1):
            return True
        return False

    def close(self) -> None:
        """End both."""
        self.kill()
        self.kill_door()

    def kill_door(self) -> None:
        """SIGKILL."""
        if self.door is not None:
            self.door.kill()
            self.door.wait()
            self.door = None

    def kill(self) -> None:
        """SIGKILL of Fluent Bit; the door stays."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """SIGTERM."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process = None

    def start_if_dead(self) -> None:
        """As a service manager would."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def take_in(self) -> None:
        """What `central gate reload` does."""
        gate.take_in(self.folder)

    def metrics(self) -> dict[str, float]:
        """Its Prometheus metrics, by name with labels."""
        url = f"http://127.0.0.1:{self.settings.http_port}/api/v2/metrics/prometheus"
        with urllib.request.urlopen(url, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def chunks(self) -> int:
        """How many chunk files wait on its disk."""
        return sum(1 for path in Path(self.settings.storage).rglob("*.flb"))

    def idle(self) -> bool:
        """Everything that it took has been delivered."""
        return self.chunks() == 0

    def log_text(self) -> str:
        """What Fluent Bit logged so far."""
        return self.log.read_text(errors="replace")

    def door_text(self) -> str:
        """What the door logged so far."""
        return self.log.with_name("door.log").read_text(errors="replace")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def wait_idle(gate: Gate, seconds: float = 60) -> None:
    """Until everything is delivered; what stands in the way is in its log."""
    until = time.monotonic() + seconds
    while not gate.idle():
        assert time.monotonic() < until, f"{gate.chunks()} chunks left: {gate.log_text()[-2000:]}"
        time.sleep(0.2)


def documents(cluster: OpenSearchCluster, pattern: str) -> list[dict[str, Any]]:
    """Every document of an index pattern, up to 10,000; what the gate says of itself under its name only."""
    pattern = pattern.replace("pabx-*", "pabx-*,-pabx-gate")
    cluster.request("POST", "/pabx-*/_refresh?expand_wildcards=open&ignore_unavailable=true")
    path = f"/{pattern}/_search?size=10000&ignore_unavailable=true"
    found = searched(cluster, path, {"version": True})
    hits: list[dict[str, Any]] = found["hits"]["hits"]
    return hits
