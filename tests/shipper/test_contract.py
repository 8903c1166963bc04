"""What the agent may not become: large, or dependent on head office's parts."""

import json
import subprocess
import sys
from pathlib import Path

from tests.shipper.store import ROOT, environment

FORBIDDEN = {
    "opensearchpy",
    "jsonschema",
    "asyncio",
    "requests",
    "urllib3",
    "central",
    "compose",
    "hypothesis",
}


def imported() -> set[str]:
    code = "import json, sys, shipper.cli, shipper.check; print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, check=True, text=True
    ).stdout
    return {name.partition(".")[0] for name in json.loads(out)}


def test_the_agent_loads_nothing_heavy() -> None:
    modules = imported()
    assert {"shipper", "pymysql", "msgpack", "fluent"} <= modules
    assert modules & FORBIDDEN == set()


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, env=environment(), capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kept, 0 broken" in done.stdout
