"""One OpenSearch node: its directory, its configuration, its process."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compose.stack import security
from compose.stack.paths import hand_over
from compose.stack.process import ServerProcess

# All output goes to standard output, which is the log file.
_LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
logger.deprecation.name = org.opensearch.deprecation
logger.deprecation.level = error
"""
_HOST = "127.0.0.1"
QUICK_START = ("-XX:TieredStopAtLevel=1",)
"""JVM options for tests: a boot takes little more than half the processor time, lasting load runs slower."""


class Node:
    """One node of a cluster on the loopback address.

    Args:
        name: The node's name in the cluster.
        cluster_dir: The cluster's directory; the node's own is below it, its log in it.
        http_port: Port of its REST interface.
        transport_port: Port on which the nodes talk to each other.
    """

    def __init__(self, name: str, cluster_dir: Path, http_port: int, transport_port: int) -> None:
        self.name = name
        self.directory = cluster_dir / name
        self.http_port = http_port
        self.transport_port = transport_port
        self.process = ServerProcess(f"OpenSearch {name}", cluster_dir / f"{name}.log")

    def start(
        self,
        java: Path,
        home: Path,
        settings: dict[str, Any],
        *,
        secure: bool,
        heap_mib: int,
        jvm_options: Sequence[str],
    ) -> None:
        """Write the configuration anew, leave the data as it is, and start the process.

        Args:
            java: The ``java`` program.
            home: The assembled OpenSearch.
            settings: The settings that all nodes share.
            secure: Whether TLS and log-in are on.
            heap_mib: Heap in MiB.
            jvm_options: More options for the JVM.

        Raises:
            StackError: It already runs, or its directory is out of its user's reach.
        """
        config, scratch = self.directory / "config", self.directory / "tmp"
        for part in (config, scratch):  # as root these belong to the server's user: what it left there goes
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
        (self.directory / "data").mkdir(exist_ok=True)
        own = {
            "node.name": self.name,
            "path.data": str(self.directory / "data"),
            "path.logs": str(scratch),
            "network.host": _HOST,
            "http.port": self.http_port,
            "transport.port": self.transport_port,
        }
        if secure:
            own |= security.install(self.directory.parent, home, config)
        else:
            own["plugins.security.disabled"] = True
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in (settings | own).items()]
        (config / "opensearch.yml").write_text("".join(lines), encoding="utf-8")
        (config / "log4j2.properties").write_text(_LOG4J, encoding="utf-8")
        for path in (config, *config.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        hand_over(self.directory)
        self.process.start(
            [java, *_jvm_options(heap_mib, scratch), *jvm_options, *_server_options(home, config)],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            cwd=self.directory,
        )


def cluster_settings(name: str, nodes: Sequence[Node], snapshots: Path) -> dict[str, Any]:
    """The settings that all nodes of a cluster share.

    Args:
        name: The cluster's name.
        nodes: All its nodes.
        snapshots: Below it repositories of snapshots may lie.
    """
    settings: dict[str, Any] = {
        "cluster.name": name,
        "path.repo": [str(snapshots)],
        # A developer's disk is often fuller than the 85 % at which no shard is placed any more.
        "cluster.routing.allocation.disk.threshold_enabled": False,
    }
    if len(nodes) == 1:
        settings["discovery.type"] = "single-node"
    else:
        settings["discovery.seed_hosts"] = [f"{_HOST}:{node.transport_port}" for node in nodes]
        settings["cluster.initial_cluster_manager_nodes"] = [node.name for node in nodes]
    return settings


def _jvm_options(heap_mib: int, scratch: Path) -> list[str]:
    return [
        f"-Xms{heap_mib}m",
        f"-Xmx{heap_mib}m",
        # With the serial collector bulk load trips the memory circuit breaker (429), with these it does not.
        "-XX:+UseG1GC",
        "-XX:G1ReservePercent=25",
        "-XX:InitiatingHeapOccupancyPercent=30",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        f"-XX:ErrorFile={scratch / 'hs_err_pid%p.log'}",
        "--enable-native-access=ALL-UNNAMED",
        f"-Djava.io.tmpdir={scratch}",
        f"-Djna.tmpdir={scratch}",
        "-Djava.locale.providers=SPI,CLDR",
        "-Djava.awt.headless=true",
        "-Dfile.encoding=UTF-8",
        "-Dlog4j.shutdownHookEnabled=false",
        "-Dlog4j2.disable.jmx=true",
        "-Dio.netty.noUnsafe=true",
        "-Dio.netty.noKeySetOptimization=true",
    ]


def _server_options(home: Path, config: Path) -> list[str]:
    return [
        f"-Dopensearch.path.home={home}",
        f"-Dopensearch.path.conf={config}",
        "-Dopensearch.distribution.type=tar",
        "-Dopensearch.bundled_jdk=false",
        "-cp",
        f"{home}/lib/*",
        "org.opensearch.bootstrap.OpenSearch",
    ]
