"""A real Asterisk, where the run is told of one; see README.md beside this file."""

import os
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from tests.shipper.running import central_install
from tests.shipper.store import Store

VARIABLE = "PABX_TEST_ASTERISK"
SCENARIO_SECONDS = 120


@dataclass(frozen=True)
class Asterisk:
    """How to reach it, and what makes it and its telephones do something."""

    settings: dict[str, Any]

    def run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [*self.settings["commands"][command], *arguments],
            check=True,
            capture_output=True,
            timeout=SCENARIO_SECONDS,
        )

    @contextmanager
    def calling(self, scenario: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Telephones do it while the test looks; it must have gone well."""
        command = [*self.settings["commands"]["call"], scenario]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="session")
def asterisk() -> Asterisk:
    file = os.environ.get(VARIABLE)
    if not file:
        pytest.skip(f"{VARIABLE} names no file that tells of a real Asterisk: see tests/asterisk/README.md")
    found = Asterisk(tomllib.loads(Path(file).read_text(encoding="utf-8")))
    found.run("start")
    return found


@pytest.fixture
def cluster(opensearch: OpenSearchCluster, indices: OpenSearchCluster) -> OpenSearchCluster:
    central_install(opensearch)
    return indices


@pytest.fixture
def listening(asterisk: Asterisk, cluster: OpenSearchCluster, tmp_path: Path) -> Store:
    """A store whose PBX is the real one. A row that is not there after a few seconds never comes."""
    store = Store(tmp_path)
    settings = asterisk.settings
    store.set("store", id="Loja001", timezone=settings["timezone"], trunks=settings["trunks"])
    store.set("cdr", **settings["cdr"], poll_seconds=3600, lookback_hours=0.004)
    store.set("ami", **settings["ami"])
    store.set("agent", heartbeat_seconds=1)
    store.set("output", kind="opensearch").set("output.opensearch", url=cluster.url)
    return store.set("spool", path=str(tmp_path / "spool" / "spool.db"), max_mib=64)
