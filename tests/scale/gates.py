"""Two gates behind a balancer, made as docs/scale.md says; each is killed, and its stores go to the other."""

import time
from contextlib import ExitStack
from pathlib import Path

from central.gate.gate import make
from compose.stack import MariaDB, OpenSearchCluster
from tests.gate.running import Gate, now, wait_idle
from tests.scale.balancer import Balancer
from tests.scale.telephoning import Telephoning, Told
from tests.shipper.store import eventually

SHARED = ("ca.pem", "ca-key.pem", "server.pem", "server-key.pem", "shared-key", "credentials.json")
"""What two gates have in common; all else is made of it, and of the machine's own ports."""


class Gates(Telephoning):
    """The stores and their servers, with two gates and a balancer between them.

    Args:
        folder: For files.
        stores: How many.
        seed: Of the calls.
        mariadb: that runs.
        cluster: that runs, with everything installed.
    """

    def __init__(
        self, folder: Path, stores: int, seed: int, mariadb: MariaDB, cluster: OpenSearchCluster
    ) -> None:
        super().__init__(folder, stores, seed)
        self.mariadb, self.cluster = mariadb, cluster
        self.gates = [Gate(folder / f"gate-{number}", cluster) for number in (1, 2)]
        ports = [gate.port for gate in self.gates]
        self.balancer = Balancer(folder / "balancer", "stores", ports, self.gates[0].folder.path / "ca.pem")

    def synchronise(self) -> None:
        """The second gate gets what the first has, and takes it in where it runs."""
        first, second = self.gates
        with second.folder.locked():
            for name in SHARED:
                second.folder.write(name, first.folder.read(name), secret=True)
        make(second.folder, second.settings, now())
        if second.process is not None:
            second.take_in()

    def go(self, kills: int) -> Told:
        """Kill so often, in turn: a Fluent Bit, the other gate's door, its Fluent Bit, the first door."""
        with ExitStack() as open_:
            for server in (*self.gates, self.balancer):
                open_.callback(server.close)
            outputs = {}
            for profile in self.profiles:
                section = {**self.gates[0].enrol(profile.id), "port": self.balancer.port}
                outputs[profile.id] = {f"forward.{name}": value for name, value in section.items()}
            self.synchronise()
            for gate in self.gates:
                gate.start()
            self.balancer.start()
            stores = [
                self.begun(profile, {"kind": "forward", **outputs[profile.id]}) for profile in self.profiles
            ]
            for store in stores:
                open_.callback(store.agent.kill)
            with self.telephoning(stores):
                for number in range(kills):
                    which = (0, 1, 1, 0)[number % 4]
                    door = number % 2 == 1
                    what = "door" if door else "Fluent Bit"
                    self._timed(f"{what} of gate {which + 1} killed", which, door=door)
            for gate in self.gates:
                wait_idle(gate)
            return self.compare(stores)

    def _timed(self, what: str, number: int, *, door: bool) -> None:
        """Until the balancer has left it, and something has been taken by the other gate."""
        gate, other = self.gates[number], self.gates[1 - number]
        down, up = (f"Server gates/gate-{number + 1} is {state}" for state in ("DOWN", "UP"))
        before, downs, ups = received(other), self.balancer.said(down), self.balancer.said(up)
        began = time.monotonic()
        (gate.kill_door if door else gate.kill)()
        eventually(lambda: self.balancer.said(down) > downs, "that the balancer leaves it", 60)
        eventually(lambda: received(other) > before, "documents at the other gate", 60)
        self.told.steps.append((what, time.monotonic() - began))
        gate.start_door()
        gate.start_if_dead()
        eventually(lambda: self.balancer.said(up) > ups, "that the balancer comes back", 60)


def received(gate: Gate) -> float:
    """Records that its Fluent Bit has taken since it started; it has no figures in its first seconds."""
    try:
        metrics = gate.metrics()
    except OSError:
        return 0.0
    return sum(
        value
        for name, value in metrics.items()
        if name.startswith('fluentbit_input_records_total{name="forward')
    )
