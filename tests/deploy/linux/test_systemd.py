"""The units on a machine that its own systemd has booted: notify, restart, watchdog, upgrade, removal."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.linux.pbx import Pbx, agent, broken_in, new_pbx, settings

pytestmark = pytest.mark.timeout(900)  # the first run makes the tree
NOWHERE = "http://127.0.0.1:1"
SERVICE = "pabx-shipper.service"
MOST_EXPOSED = 2.0
QUICK = f"/run/systemd/system/{SERVICE}.d/quick.conf"
"""Shortens the pause before a restart, for which a test would wait."""


@pytest.fixture
def booted(debian: Path) -> Iterator[Pbx]:
    """A machine with a FreePBX that systemd has booted."""
    if shutil.which("systemd-nspawn") is None:
        pytest.skip("systemd-nspawn is not on PATH (package systemd-container)")
    with new_pbx(debian, boot=True) as machine:
        yield machine


def shown(pbx: Pbx, *names: str) -> list[str]:
    command = ["systemctl", "show", SERVICE, "--value"]
    return pbx.box.run(*command, *(f"--property={name}" for name in names)).stdout.split()


def until(question: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (found := question()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.2)
    return found


def test_the_agent_under_systemd(booted: Pbx, artefact: bytes) -> None:
    box = booted.box
    booted.give(artefact, settings(booted, NOWHERE), upgrade_pub=b"of head office\n")
    box.write(QUICK, "[Service]\nRestartSec=0.5\n")
    before = box.listing()
    done = booted.install("--yes")
    assert "O agente está ligado." in done.stdout
    assert "cron" not in done.stdout
    assert shown(booted, "ActiveState", "SubState", "UnitFileState") == ["active", "running", "enabled"]
    assert "Nada a fazer" in booted.install("--yes").stdout

    # Nobody else's files: what the unit forbids is forbidden.
    found = box.run("systemd-analyze", "security", SERVICE, "--no-pager").stdout
    exposed = re.search(r"Overall exposure level for \S+: ([\d.]+)", found)
    assert exposed
    assert float(exposed[1]) <= MOST_EXPOSED
    timer = box.run("systemctl", "is-active", "pabx-shipper-upgrade.timer").stdout
    assert timer == "active\n"

    # Killed, and there again by itself.
    (killed,) = shown(booted, "MainPID")
    box.run("kill", "-9", killed)
    until(lambda: shown(booted, "MainPID") not in (["0"], [killed]))
    until(lambda: shown(booted, "ActiveState") == ["active"])

    # What cron is elsewhere does no harm here, and starts what was stopped.
    box.run("systemctl", "stop", SERVICE)
    booted.shipper("keep-alive")
    until(lambda: shown(booted, "ActiveState") == ["active"])

    # Not even by hand, nor after a crash, while no check has allowed the settings.
    box.write("/opt/pabx-shipper/held", "installation\n")
    assert booted.shipper("keep-alive", check=False).returncode == 1
    box.run("kill", "-9", *shown(booted, "MainPID"))
    until(lambda: shown(booted, "ActiveState") == ["inactive"])
    box.run("systemctl", "start", SERVICE)
    assert shown(booted, "ActiveState", "ConditionResult") == ["inactive", "no"]
    off = booted.shipper("verify", check=False)
    assert (off.returncode, "DESLIGADO: a instalação não terminou" in off.stdout) == (1, True)
    again = booted.install("--yes")
    assert "conferir e ligar o agente" in again.stdout
    assert shown(booted, "ActiveState", "SubState") == ["active", "running"]

    # A broken version never becomes ready.
    box.write("/root/broken.pyz", agent("0.3.0", broken_in("run")))
    failed = booted.shipper("upgrade", "/root/broken.pyz", check=False)
    assert (failed.returncode, "0.1.0 continua em uso" in failed.stderr) == (1, True)
    assert '"state": "rolled_back"' in box.read("/var/lib/pabx-shipper/upgrade.json")
    assert shown(booted, "ActiveState", "SubState") == ["active", "running"]
    box.write("/root/next.pyz", agent("0.2.0"))
    booted.shipper("upgrade", "/root/next.pyz")
    assert booted.shipper("--version").stdout == "shipper 0.2.0\n"
    assert shown(booted, "ActiveState", "SubState") == ["active", "running"]

    box.run("rm", "-r", str(Path(QUICK).parent))
    booted.shipper("uninstall", "--yes")
    box.run("rm", "/root/next.pyz", "/root/broken.pyz")
    after = box.listing()
    differs = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert {path for path in differs if not path.startswith(("/var/log/journal", "/var/lib/systemd"))} <= {
        "/etc/passwd-",
        "/etc/shadow-",
        "/etc/group-",
        "/etc/gshadow-",
    }
    assert subprocess.run(box.enter("systemctl", "cat", SERVICE), capture_output=True, check=False).returncode
