"""`docs/operations.md`: every command in it is run, in its order, as an engineer would paste it."""

import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.cli import _parser
from compose.stack import OpenSearchCluster
from compose.stack.ports import free_port
from deploy.artefact import build
from tests.gate.running import BINARY
from tests.shipper.store import eventually

pytestmark = pytest.mark.servers
PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if not line.startswith("export ")
]
REGISTER = "id,name,city,state,timezone\nLoja001,Loja Paulista,São Paulo,SP,America/Sao_Paulo\n"
FAILS = ("central audit",)
"""It says that the new store has not reported a day yet, and ends with 1."""
SERVICES = ("central gate serve", "central alerts watch", "central routine --register stores.csv")
NEEDS_FLUENT_BIT = ("central gate status", "central gate reload")


class Machine:
    """Head office's machine: a shell whose paths and ports are the test's own."""

    def __init__(self, folder: Path, cluster: OpenSearchCluster) -> None:
        self.folder = folder
        self.ports = {"2020": free_port(), "24224": free_port(), "24225": free_port()}
        self.services: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "OPENSEARCH_URL": cluster.url,
            "OPENSEARCH_USER": cluster.user,
            "OPENSEARCH_PASSWORD": cluster.password,
            "OPENSEARCH_CA_FILE": str(cluster.ca_file),
            "PABX_GATE": str(folder / "etc"),
        }
        (folder / "stores.csv").write_text(REGISTER, encoding="utf-8")
        self.agent = build(folder / "dist").path

    def command(self, line: str) -> list[str]:
        line = line.replace("/etc/pabx-gate", str(self.folder / "etc"))
        line = line.replace("127.0.0.1:2020", f"127.0.0.1:{self.ports['2020']}")
        if line.startswith("central gate init --host"):
            options = zip(("http-port", "port", "inner-port"), self.ports.values(), strict=True)
            line += "".join(f" --{name} {port}" for name, port in options)
            line += f" --storage {self.folder / 'storage'} --listen 127.0.0.1"
        if line.startswith("central stores enrol --all"):
            line += f" --agent {self.agent}"
        words = shlex.split(line)
        return [sys.executable, "-m", "central", *words[1:]] if words[0] == "central" else words

    def run(self, line: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(line),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    def start(self, line: str) -> None:
        """A service: it stays."""
        with (self.folder / f"service{len(self.services)}.log").open("wb") as log:
            service = subprocess.Popen(
                self.command(line), cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        self.services.append(service)
        time.sleep(1)
        assert service.poll() is None, (self.folder / f"service{len(self.services) - 1}.log").read_text()

    def metrics(self) -> str:
        url = f"http://127.0.0.1:{self.ports['2020']}/api/v2/metrics/prometheus"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text: str = answer.read().decode()
        except OSError:  # it has just read its files again, and is not ready yet
            return ""
        return text


@pytest.fixture
def machine(tmp_path: Path, secure_opensearch: OpenSearchCluster) -> Iterator[Machine]:
    secure_opensearch.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")
    made = Machine(tmp_path, secure_opensearch)
    yield made
    for service in made.services:
        service.kill()
        service.wait()
    secure_opensearch.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")


def test_every_command_does_what_it_says(machine: Machine) -> None:
    assert len(COMMANDS) > 15
    for line in COMMANDS:
        service = line in SERVICES or (line.startswith("fluent-bit ") and "--dry-run" not in line)
        if BINARY is None and line.startswith(("fluent-bit", "curl")):
            continue
        if service:
            machine.start(line)
            continue
        if BINARY is not None and line == "central gate status":
            eventually(lambda: machine.run("central gate status").returncode == 0, "a gate that is well")
        done = machine.run(line)
        fails = line.startswith(FAILS) or (BINARY is None and line.startswith(NEEDS_FLUENT_BIT))
        assert done.returncode == (1 if fails else 0), f"{line}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        assert done.stdout or done.stderr, line
    if BINARY is not None:
        named = set(re.findall(r"`(fluentbit_[a-z_]+)", PAGE))
        assert len(named) > 5
        shown = eventually(machine.metrics, "Fluent Bit's figures")
        # A counter of something that has never happened is not there yet.
        absent = {name for name in named if f"\n{name}" not in shown}
        assert absent <= {"fluentbit_routing_logs_drop_records_total"}


def test_every_command_of_central_that_it_names_exists() -> None:
    choices = _parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    named = set(re.findall(r"`central ([a-z]+)", PAGE)) | {
        line.split()[1] for line in COMMANDS if line.startswith("central ")
    }
    assert named - set(choices or ()) == set()
