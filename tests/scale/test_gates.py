"""Two gates behind the shipped balancer: when one dies its stores go to the other, every document once.

The short form; `python -m tests.scale gates --rounds 3` is the long one.
"""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from compose.stack import MariaDB, OpenSearchCluster
from tests.gate.running import ABSENT, BINARY, Gate
from tests.scale import balancer
from tests.scale.gates import Gates
from tests.shipper.running import central_install

pytestmark = pytest.mark.servers
needs_fluent_bit = pytest.mark.skipif(BINARY is None, reason=ABSENT)
needs_haproxy = pytest.mark.skipif(balancer.BINARY is None, reason=balancer.ABSENT)


@needs_fluent_bit
@needs_haproxy
@pytest.mark.timeout(300)
def test_the_stores_of_a_gate_that_dies_go_to_the_other(
    tmp_path: Path, mariadb: MariaDB, indices: OpenSearchCluster
) -> None:
    central_install(indices)
    told = Gates(tmp_path, 2, seed=1, mariadb=mariadb, cluster=indices).go(kills=2)
    killed = ["Fluent Bit of gate 1 killed", "door of gate 2 killed"]
    assert [what for what, _ in told.steps] == killed
    assert len(told.stores) == 2
    for store, table, index in told.stores:
        assert table.rows > 50, store
        assert index == table, store


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Gate]:
    """A gate whose door runs, and no Fluent Bit behind it."""
    gate = Gate(tmp_path, None)
    gate.start_door()
    yield gate
    gate.close()


def health(gate: Gate) -> tuple[int, str]:
    context = ssl.create_default_context(cafile=gate.folder.path / "ca.pem")
    context.set_alpn_protocols(["http/1.1"])
    connection = HTTPSConnection("localhost", gate.port, context=context, timeout=10)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_door_without_a_fluent_bit_says_so(door: Gate) -> None:
    assert health(door) == (503, "no Fluent Bit answers here\n")


@needs_fluent_bit
def test_a_door_with_one_says_so_without_a_failed_log_in(door: Gate) -> None:
    door.start()
    for _ in range(3):
        assert health(door) == (200, "ok\n")
    assert "handshake error" not in door.log_text()


@needs_haproxy
def test_the_shipped_example_is_valid(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(Gate(tmp_path, None).folder.read("ca.pem"))
    text = balancer.SHIPPED.read_text(encoding="utf-8")
    mine = tmp_path / "haproxy.cfg"
    mine.write_text(text.replace("/etc/pabx-gate/ca.pem", str(tmp_path / "ca.pem")), encoding="utf-8")
    command = [str(shutil.which("haproxy")), "-c", "-f", str(mine)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()
