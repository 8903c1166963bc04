"""A store's agent as a technician runs it: a configuration file and the real command in a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from compose.stack import OpenSearchCluster
from tests.servers import CdrDatabase

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "shipper")
TIMEOUT_SECONDS = 90


@dataclass(frozen=True)
class Result:
    """What a command that has ended gave."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line that standard error holds."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@dataclass
class Store:
    """One store's settings; every test changes what it is about.

    Attributes:
        folder: Where its files lie.
        settings: Sections of ``shipper.toml``, by ``section`` or ``section.part``.
    """

    folder: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "shipper.toml"

    @property
    def spool(self) -> Path:
        return Path(self.settings["spool"]["path"])

    def set(self, section: str, **values: Any) -> "Store":
        self.settings.setdefault(section, {}).update(values)
        return self

    def write(self) -> Path:
        """Write ``shipper.toml``."""
        lines: list[str] = []
        for section, values in self.settings.items():
            lines.append(f"[{section}]")
            # A JSON text, number, list or boolean is the same in TOML.
            lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.config

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None, **options: Any) -> Result:
        """Run a command to its end."""
        self.write()
        return run(*arguments, "--config", str(self.config), environ=environ, **options)

    @contextmanager
    def agent(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """An agent that runs beside the test; killed at the end if it still does."""
        self.write()
        log = (self.folder / "agent.log").open("a")
        command = [*COMMAND, *(arguments or ("run",)), "--config", str(self.config)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=log, stdout=log, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            log.close()

    @property
    def log(self) -> str:
        return (self.folder / "agent.log").read_text(encoding="utf-8")

    def status(self) -> dict[str, Any]:
        result = self.run("status", "--json")
        assert result.code == 0, result.err
        found: dict[str, Any] = json.loads(result.out)
        return found


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The test's environment without anything that would reach the agent's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHIPPER_")}
    return kept | dict(more or {})


def run(
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT_SECONDS,
    **options: Any,
) -> Result:
    """Run ``shipper`` with arguments."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(environ),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **options,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def eventually(condition: Callable[[], Any], what: str = "it", timeout_seconds: float = 30.0) -> Any:
    """Wait for something to become true, and give it."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout_seconds:g} s"
        time.sleep(0.05)


def searched(cluster: OpenSearchCluster, path: str, body: Any) -> dict[str, Any]:
    """The answer of a search; an index of this very moment has no shard yet: 503, not "nothing"."""
    answer: dict[str, Any] = {}

    def answered() -> bool:
        try:
            answer.update(cluster.request("POST", path, body))
        except HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return False
        return True

    eventually(answered, "an answer of the search")
    return answer


def count(cluster: OpenSearchCluster, pattern: str = "pabx-cdr-*", query: str = "*") -> int:
    """How many documents can be found; -1 as long as an index that is being made does not answer."""
    try:
        cluster.request("POST", f"/{pattern}/_refresh?ignore_unavailable=true")
        found = cluster.request("GET", f"/{pattern}/_count?ignore_unavailable=true&q={query}")
    except HTTPError:
        return -1
    return int(found["count"])


def fill(database: CdrDatabase, rows: int, *, start: str = "2026-11-23 10:00:00", first: int = 0) -> None:
    """Insert rows, one a second, each a call of its own whose uniqueid agrees with Sao Paulo's clock."""
    with database.connect() as root, root.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cdr (calldate, clid, src, dst, channel, lastapp, duration, billsec, disposition, "
            "uniqueid, linkedid, sequence) "
            "SELECT %s + INTERVAL seq SECOND, 'José', '100', '200', CONCAT('PJSIP/100-', seq), 'Dial', 5, 3, "
            "'ANSWERED', CONCAT(UNIX_TIMESTAMP(CONVERT_TZ(%s, '-03:00', @@time_zone)) + seq, '.', seq), "
            "CONCAT(UNIX_TIMESTAMP(CONVERT_TZ(%s, '-03:00', @@time_zone)) + seq, '.', seq), seq "
            "FROM seq_%s_to_%s",
            (start, start, start, first, first + rows - 1),
        )
