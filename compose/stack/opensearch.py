"""A real OpenSearch on the loopback address: one node, or several as one cluster."""

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from compose.stack import security
from compose.stack.download import opensearch_home
from compose.stack.jdk import find_jdk
from compose.stack.node import Node, cluster_settings
from compose.stack.paths import hand_over, make_data_dir
from compose.stack.ports import check_free, free_port
from compose.stack.progress import Progress, silent

_START_TIMEOUT_SECONDS = 180.0


class OpenSearchCluster:
    """An OpenSearch cluster on 127.0.0.1 with its data in a directory of its own.

    Starting again on the same directory finds the same data; ports given or chosen stay for the
    object's life. With Security there is one user, ``admin``, with a generated password.

    Args:
        data_dir: Where configuration, data, logs, certificates and the password live.
        nodes: How many nodes.
        ports: HTTP port of each node; None or 0 stands for a free one.
        security: True for TLS and log-in, False for plain HTTP without log-in.
        heap_mib: Heap of each node in MiB.
        jvm_options: More options for the JVMs, such as `QUICK_START`.
        name: The cluster's name.
        progress: Told what is being done.
        port_hint: What an error recommends when a port is in use.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        data_dir: Path,
        *,
        nodes: int = 1,
        ports: Sequence[int | None] = (),
        security: bool = False,
        heap_mib: int = 1024,
        jvm_options: Sequence[str] = (),
        name: str = "pabx",
        progress: Progress = silent,
        port_hint: str = "choose another port",
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.name = name
        self.secure = security
        self._heap_mib = heap_mib
        self._jvm_options = jvm_options
        self._progress = progress
        self._port_hint = port_hint
        wanted = [*ports, *[None] * nodes][:nodes]
        self.nodes = [
            Node(f"node-{number}", self.data_dir, port or free_port(), free_port())
            for number, port in enumerate(wanted, start=1)
        ]

    def __enter__(self) -> Self:
        """Start it and wait until it is healthy."""
        self.launch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it in order."""
        self.stop()

    @property
    def port(self) -> int:
        """HTTP port of the first node."""
        return self.nodes[0].http_port

    @property
    def url(self) -> str:
        """Base URL of the first node, without a slash at its end."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        """Base URL of every node."""
        scheme = "https" if self.secure else "http"
        return [f"{scheme}://{self.host}:{node.http_port}" for node in self.nodes]

    @property
    def ca_file(self) -> Path | None:
        """The authority that signed the nodes' certificates; None without Security."""
        return security.ca_file(self.data_dir) if self.secure else None

    @property
    def user(self) -> str | None:
        """The administrator's name; None without Security."""
        return security.ADMIN if self.secure else None

    @property
    def password(self) -> str | None:
        """The administrator's password; None without Security."""
        return security.password(self.data_dir) if self.secure else None

    @property
    def password_file(self) -> Path | None:
        """The file that holds the password, readable by its owner only; None without Security."""
        return security.password_file(self.data_dir) if self.secure else None

    @property
    def pid(self) -> int:
        """Process id of the first node's JVM."""
        return self.nodes[0].process.pid

    @property
    def snapshots(self) -> Path:
        """Below it all nodes may keep snapshots: a repository of type ``fs`` (`path.repo`)."""
        return self.data_dir / "snapshots"

    @property
    def log(self) -> Path:
        """Log file of the first node."""
        return self.nodes[0].process.log

    def launch(self) -> None:
        """Start it and wait until it is healthy; if that fails, nothing is left running.

        Raises:
            StackError: As `start` and `wait_healthy`.
        """
        try:
            self.start()
            self.wait_healthy()
        except BaseException:
            self.kill()
            raise

    def start(self) -> None:
        """Start every node that does not run and return at once; `wait_healthy` waits for them.

        Raises:
            StackError: It cannot be fetched, there is no JDK, or a port is in use.
        """
        waiting = [node for node in self.nodes if not node.process.running]
        for node in waiting:
            check_free(node.http_port, self._port_hint)
            check_free(node.transport_port, "try again")
        java = find_jdk().java
        home = opensearch_home(self._progress)
        make_data_dir(self.data_dir)
        if self.secure:
            security.prepare(self.data_dir, home, java)
        self.snapshots.mkdir(exist_ok=True)
        hand_over(self.snapshots)
        settings = cluster_settings(self.name, self.nodes, self.snapshots)
        started: list[Node] = []
        try:
            for node in waiting:
                node.start(
                    java,
                    home,
                    settings,
                    secure=self.secure,
                    heap_mib=self._heap_mib,
                    jvm_options=self._jvm_options,
                )
                started.append(node)
        except BaseException:
            for node in started:
                node.process.kill()
            raise

    def wait_healthy(self, timeout_seconds: float = _START_TIMEOUT_SECONDS, status: str = "yellow") -> float:
        """Wait until every node has joined and the cluster's status is reached.

        Args:
            timeout_seconds: How long to wait.
            status: The least status, ``yellow`` or ``green``.

        Returns:
            Seconds waited.

        Raises:
            StackError: A node ended, or the time is over.
        """
        began = time.monotonic()
        good = {"green"} if status == "green" else {"green", "yellow"}
        every_seconds = (
            0.5 if self.secure else 0.2
        )  # Security logs an error for each question that comes too early
        for index, node in enumerate(self.nodes):
            remaining = max(timeout_seconds - (time.monotonic() - began), 0.1)
            missing = partial(self._missing, index, good)
            node.process.wait_until(missing, remaining, self._progress, every_seconds)
        return time.monotonic() - began

    def request(
        self, method: str, path: str, body: Any = None, *, node: int = 0, timeout_seconds: float = 30.0
    ) -> Any:
        """One request with the cluster's own credentials.

        Args:
            method: HTTP method.
            path: Path and query, beginning with a slash.
            body: JSON value, or text such as a bulk body; None for none.
            node: Which node is asked, from 0.
            timeout_seconds: Timeout of the connection.

        Returns:
            The answer, parsed if it is JSON, else its text.

        Raises:
            urllib.error.HTTPError: The answer's status is 400 or higher.
            urllib.error.URLError: The node does not answer.
        """
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        call = urllib.request.Request(self.urls[node] + path, data=data, method=method)  # noqa: S310 -- our own node
        call.add_header("Content-Type", "application/json")
        if self.secure:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            call.add_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(call, timeout=timeout_seconds, context=self.ssl_context()) as answer:  # noqa: S310
            text = answer.read().decode()
            return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text

    def ssl_context(self) -> ssl.SSLContext | None:
        """A context that trusts the cluster's own authority only; None without Security."""
        return ssl.create_default_context(cafile=str(self.ca_file)) if self.secure else None

    def stop(self) -> None:
        """End all nodes in order (SIGTERM) and wait; no error if none runs."""
        for node in self.nodes:
            node.process.terminate()
        for node in self.nodes:
            node.process.join()

    def detach(self) -> None:
        """Let all nodes outlive this process, with which a server dies otherwise."""
        for node in self.nodes:
            node.process.detach()

    def kill(self) -> None:
        """Kill all nodes (SIGKILL to the JVM itself) and wait until they are gone."""
        for node in self.nodes:
            node.process.kill()

    def restart(self) -> None:
        """Stop it if it runs, then start it on the same data and ports and wait until it is healthy."""
        self.stop()
        self.launch()

    def _missing(self, index: int, good: set[str]) -> str:
        for node in self.nodes:  # the others wait in vain for one that has ended
            node.process.check_running()
        try:
            health = self.request("GET", "/_cluster/health", node=index, timeout_seconds=5)
        except (OSError, ValueError) as error:  # HTTPError and URLError are OSErrors
            return str(error)
        if health["number_of_nodes"] != len(self.nodes):
            return f"{health['number_of_nodes']} of {len(self.nodes)} nodes"
        return "" if health["status"] in good else f"status {health['status']}"
