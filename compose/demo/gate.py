"""Head office's gate in the demo: a real Fluent Bit, where there is one on PATH."""

import csv
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from compose.demo.ship import ShippingError
from compose.simulator import StoreProfile
from compose.stack.ports import free_port

Central = Callable[..., str]
"""Runs the real command `central` and gives what it says."""

START_SECONDS = 20.0
COLUMNS = (
    *("id", "name", "region", "city", "state", "timezone", "area_code", "opening_hours"),
    *("opening_exceptions", "holidays", "trunks"),
)


DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def opening(store: StoreProfile) -> tuple[str, str]:
    """When a store is open, as the register has it: hours, and exceptions, of which there are none."""
    spans = [f"{day} {_clock(of_day)}" for day, of_day in zip(DAYS, store.hours, strict=True) if of_day]
    return "; ".join(spans), ""


def register(
    folder: Path,
    stores: Sequence[StoreProfile],
    hours: Callable[[StoreProfile], tuple[str, str]] = opening,
) -> Path:
    """Write the register of stores, as head office would export it."""
    file = folder / "stores.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for store in stores:
            trunks = ";".join(trunk.name for trunk in store.trunks)
            line = (store.id, store.name, store.region, store.city, store.state, store.timezone)
            # Simulated stores telephone on holidays as on any other day.
            writer.writerow((*line, store.area_code, *hours(store), "none", trunks))
    return file


def available() -> bool:
    """Whether a Fluent Bit is here to be used."""
    return shutil.which("fluent-bit") is not None


class Gate:
    """The gate's directory, and the two programs that run by it.

    Args:
        folder: where the directory is made.
        central: with the cluster's address.
    """

    def __init__(self, folder: Path, central: Central) -> None:
        self.folder = folder / "gate"
        self._central = central
        self._files = folder / "enrolled"
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        ports = [f"--{name}={free_port()}" for name in ("port", "inner-port", "http-port")]
        central(
            "gate", "init", "--gate", self.folder, "--host", "localhost", "--listen", "127.0.0.1", *ports,
            "--storage", self.folder / "storage",
        )  # fmt: skip

    def enrol(self, store: StoreProfile) -> tuple[str, str]:
        """Give a store its credential: its ready `shipper.toml`, and the authority's certificate."""
        output = self._files / store.id
        self._central("stores", "enrol", store.id, "--output", output, "--gate", self.folder)
        return (output / "shipper.toml").read_text(encoding="utf-8"), str(output / "ca.pem")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run both until the block ends; what is acknowledged and not delivered then stays in files.

        Raises:
            ShippingError: One of them does not start.
        """
        binary = shutil.which("fluent-bit") or "fluent-bit"
        self._start("fluent-bit", [binary, "-c", str(self.folder / "fluent-bit.yaml")])
        serve = [sys.executable, "-m", "central", "gate", "serve", "--gate", str(self.folder)]
        self._start("door", serve)
        try:
            self._wait()
            yield
        finally:
            for program in self._programs.values():
                program.terminate()
            for program in self._programs.values():
                program.wait(30)

    def waiting(self) -> int:
        """How many files of acknowledged records are still to be delivered."""
        return sum(1 for _ in (self.folder / "storage").rglob("*.flb"))

    def _start(self, name: str, command: Sequence[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._programs[name] = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            for name, program in self._programs.items():
                if program.poll() is not None:
                    raise ShippingError(f"{name} ended: see {self.folder / name}.log")
            try:
                self._central("gate", "status", "--gate", self.folder)
            except ShippingError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.3)
            else:
                return


def _clock(of_day: tuple[int, int]) -> str:
    return "-".join(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in of_day)
