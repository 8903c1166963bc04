"""Three nodes under load: restarted one after the other as docs/scale.md says, and killed.

Half of the stores write through a gate where `fluent-bit` is there, the others straight to the cluster. All
of them know one address: a balancer's where `haproxy` is there, else each a node of its own, and wait for it.
"""

import time
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from compose.simulator import StoreProfile
from compose.stack import MariaDB, OpenSearchCluster
from tests.gate.running import BINARY, Gate
from tests.scale import balancer
from tests.scale.telephoning import Telephoning, Told
from tests.shipper.running import central_install
from tests.shipper.store import eventually

HEAP_MIB = 512
GREEN_SECONDS = 300.0
ALLOCATION = "cluster.routing.allocation.enable"
_SETTLE_SECONDS = 3.0


class Rolling(Telephoning):
    """The stores, with three nodes.

    Args:
        folder: For data, where the servers may write.
        stores: How many.
        seed: Of the calls.
        mariadb: one that runs; None: its own.
        options: of the cluster.
    """

    def __init__(
        self, folder: Path, stores: int, seed: int, mariadb: MariaDB | None = None, **options: Any
    ) -> None:
        super().__init__(folder, stores, seed)
        self._own = nullcontext() if mariadb else self.mariadb
        self.mariadb = mariadb or self.mariadb
        self.cluster = OpenSearchCluster(folder / "three", nodes=3, heap_mib=HEAP_MIB, **options)
        self._balancer: balancer.Balancer | None = None
        self._gate: Gate | None = None

    def go(self, restarts: int, kills: int, *, dead: bool = False) -> Told:
        """Restart so many nodes in order, one by one, and then kill so many, while all stores telephone.

        Args:
            restarts: how many.
            kills: of nodes that come back.
            dead: in the end one is killed for ever, and all has to be found without it.
        """
        with self._own, self.cluster, ExitStack() as open_:
            central_install(self.cluster)
            self._open(open_)
            outputs = [self._output(number, profile) for number, profile in enumerate(self.profiles)]
            stores = [
                self.begun(profile, output) for profile, output in zip(self.profiles, outputs, strict=True)
            ]
            for store in stores:
                open_.callback(store.agent.kill)
            self.cluster.wait_healthy(GREEN_SECONDS, "green")
            with self.telephoning(stores):
                for number in range(restarts):
                    self._timed(f"node {number % 3 + 1} restarted", number % 3, kill=False)
                for number in range(kills):
                    self._timed(f"node {number % 3 + 1} killed", number % 3, kill=True)
                if dead:
                    kill(self.cluster, 2)
                    self.told.steps.append(("node 3 killed for ever", 0.0))
                time.sleep(_SETTLE_SECONDS)
            return self.compare(stores)

    def _open(self, open_: ExitStack) -> None:
        if balancer.BINARY is not None:
            ports = [node.http_port for node in self.cluster.nodes]
            self._balancer = balancer.Balancer(self.folder / "balancer", "cluster", ports)
            self._balancer.start()
            open_.callback(self._balancer.close)
        if BINARY is not None:
            self._gate = Gate(self.folder / "gates", None, opensearch_port=self._address(0))
            open_.callback(self._gate.close)
            self._gate.start()

    def _address(self, number: int) -> int:
        return self._balancer.port if self._balancer else self.cluster.nodes[number % 3].http_port

    def _output(self, number: int, profile: StoreProfile) -> dict[str, Any]:
        if self._gate is None or number % 2:
            url = f"http://127.0.0.1:{self._address(number)}"
            return {"kind": "opensearch", "opensearch.url": url}
        section = self._gate.enrol(profile.id)
        self._gate.take_in()
        return {"kind": "forward", **{f"forward.{name}": value for name, value in section.items()}}

    def _timed(self, what: str, number: int, *, kill: bool) -> None:
        began = time.monotonic()
        (killed if kill else restarted)(self.cluster, number)
        self.told.steps.append((what, time.monotonic() - began))


def restarted(cluster: OpenSearchCluster, number: int) -> None:
    """One node, as docs/scale.md has it: allocation off, flush, stop, start, allocation on, green."""
    other = (number + 1) % len(cluster.nodes)
    set_allocation(cluster, "primaries", other)
    cluster.request("POST", "/_flush", node=other, timeout_seconds=60)
    cluster.nodes[number].process.terminate()
    cluster.nodes[number].process.join()
    cluster.start()
    cluster.wait_healthy()
    set_allocation(cluster, None, other)
    cluster.wait_healthy(GREEN_SECONDS, "green")


def killed(cluster: OpenSearchCluster, number: int) -> None:
    """One node; the others go on for a while, and somebody starts it again."""
    kill(cluster, number)
    time.sleep(_SETTLE_SECONDS)
    cluster.start()
    cluster.wait_healthy(GREEN_SECONDS, "green")


def kill(cluster: OpenSearchCluster, number: int) -> None:
    """One node, without a word to anybody, until the others have noticed."""
    other = (number + 1) % len(cluster.nodes)
    cluster.nodes[number].process.kill()
    eventually(
        lambda: cluster.request("GET", "/_cluster/health", node=other)["number_of_nodes"] == 2,
        "that two nodes are left",
        60,
    )


def set_allocation(cluster: OpenSearchCluster, value: str | None, node: int) -> None:
    """Which shards are given a place: all with None."""
    cluster.request("PUT", "/_cluster/settings", {"persistent": {ALLOCATION: value}}, node=node)
