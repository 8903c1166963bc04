"""The units of head office's services: systemd takes them, and what they start exists."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from central.cli import _parser

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "central").glob("*.service"))
SYSTEMD = shutil.which("systemd-analyze")
MOST_EXPOSED = 4.5
"""Of 10, by `systemd-analyze security`; its own word for 4.5 and less is "OK"."""


def started(unit: Path) -> str:
    found = re.search(r"^ExecStart=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def test_there_are_the_four_that_operations_names() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [unit.stem for unit in UNITS] == ["pabx-door", "pabx-fluent-bit", "pabx-routine", "pabx-watch"]
    enabled = re.search(r"systemctl enable --now (.*)", page)
    assert enabled
    assert sorted(enabled[1].split()) == [unit.stem for unit in UNITS]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_its_command_is_one_that_central_has(unit: Path) -> None:
    words = started(unit).split()
    if words[0] == "/opt/pabx/bin/central":
        _parser().parse_args(words[1:])  # ends the test where it does not understand
    else:
        assert words == ["/opt/fluent-bit/bin/fluent-bit", "-c", "/etc/pabx-gate/fluent-bit.yaml"]


@pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not on PATH (package systemd)")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_it(unit: Path, tmp_path: Path) -> None:
    """With programs that are here: those of head office may be missing."""
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"/opt/\S+/bin/\S+", "/bin/true", unit.read_text(encoding="utf-8")))
    done = subprocess.run([str(SYSTEMD), "verify", copy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    done = subprocess.run(
        [str(SYSTEMD), "security", "--offline=yes", copy], capture_output=True, text=True, check=False
    )
    exposed = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposed, done.stdout + done.stderr
    assert float(exposed[1]) <= MOST_EXPOSED
