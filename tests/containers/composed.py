"""A stack of its own of compose.yaml, through a real Docker engine."""

import json
import os
import secrets
import shutil
import ssl
import subprocess
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from compose.stack.ports import free_port

ROOT = Path(__file__).parents[2]
IMAGES = (
    "fluent/fluent-bit:5.1.1",
    "mariadb:11.4.5",
    "opensearchproject/opensearch-dashboards:3.4.0",
    "opensearchproject/opensearch:3.4.0",
    "python:3.11.14-slim-bookworm",
)
STORES = ("Loja001", "Loja002", "Loja003")
ONE_SHOT = {"setup", "install", "demo-secrets", "demo-enrol"}
OVERRIDE = "PABX_TEST_COMPOSE"
"""One more Compose file, for an engine that cannot do all that compose.yaml asks (a limit of open files)."""


def composer() -> list[str]:
    """The command `docker compose`; skips where it is not there."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            told = subprocess.run(
                [*command, "version", "--short"], capture_output=True, text=True, check=False
            )
            if told.returncode == 0 and int(told.stdout.strip().lstrip("v").split(".")[0]) >= 2:
                return command
    pytest.skip("no Docker Compose 2: the plugin `docker compose` is not here")


def engine() -> docker.DockerClient:
    """The engine; skips where none answers or an image is not there: nothing is pulled here."""
    # Asked by its own client: the library leaves a socket open where nobody answers.
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.skip(f"no Docker engine answers: {told.stderr.strip()}")
    client = docker.from_env()
    there = {tag for image in client.images.list() for tag in image.tags}
    if missing := [image for image in IMAGES if image not in there]:
        client.close()
        pytest.skip(f"images that are not here: {', '.join(missing)}")
    return client


class Composed:
    """One project: its containers, volumes and ports are its own.

    Args:
        client: of the engine.
        command: that runs Compose.
    """

    def __init__(self, client: docker.DockerClient, command: list[str]) -> None:
        self.client = client
        self.project = f"pabx-test-{secrets.token_hex(4)}"
        self.search_port, self.screens_port, self.door_port = free_port(), free_port(), free_port()
        files = [ROOT / "compose" / "compose.yaml", *filter(None, [os.environ.get(OVERRIDE)])]
        self._command = [*command, "--project-name", self.project]
        for file in files:
            self._command += ["--file", str(file)]
        self._environment = {
            **os.environ,
            "PABX_OPENSEARCH_PUBLISHED": f"127.0.0.1:{self.search_port}",
            "PABX_DASHBOARDS_PUBLISHED": f"127.0.0.1:{self.screens_port}",
            "PABX_DOOR_PORT": str(self.door_port),
            "PABX_HEAP": "512m",
            "PABX_NODE_MEMORY": "1500m",
            "PABX_DEMO_DAYS": "4",
        }
        self._environment.pop("COMPOSE_FILE", None)

    def run(
        self, *arguments: str, profile: str = "demo", seconds: float = 280, may_fail: bool = False
    ) -> str:
        """One command; what it says on standard output."""
        done = subprocess.run(
            [*self._command, "--profile", profile, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        assert may_fail or done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def containers(self) -> dict[str, Container]:
        """All of them, by service; also those that have ended."""
        found = self.client.containers.list(
            all=True, filters={"label": f"com.docker.compose.project={self.project}"}
        )
        return {one.labels["com.docker.compose.service"]: one for one in found}

    def unwell(self) -> str:
        """What is not as it should be; empty when all is well."""
        wrong = []
        for name, one in self.containers().items():
            state = one.attrs["State"]
            if name in ONE_SHOT:
                if state["Status"] != "exited" or state["ExitCode"] != 0:
                    wrong.append(f"{name} {state['Status']} {state['ExitCode']}")
            elif (
                state["Status"] != "running" or state.get("Health", {}).get("Status", "healthy") != "healthy"
            ):
                wrong.append(f"{name} {state['Status']} {state.get('Health', {}).get('Status')}")
        return ", ".join(wrong)

    def password(self) -> str:
        """The administrator's, as docs/containers.md says to get it."""
        return self.run(
            "run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "central", "/run/pabx/password"
        ).strip()

    def search(self, path: str, password: str) -> dict[str, Any]:
        """Ask the cluster over the port that is published on this machine."""
        ca = self.run("exec", "-T", "opensearch", "cat", "config/certificates/ca.pem")
        request = urllib.request.Request(f"https://localhost:{self.search_port}{path}")
        request.add_header("Authorization", "Basic " + b64encode(f"admin:{password}".encode()).decode())
        with urllib.request.urlopen(
            request, timeout=30, context=ssl.create_default_context(cadata=ca)
        ) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def indexed(self, password: str) -> dict[str, int]:
        """How many rows each store has in the index."""
        path = (
            "/pabx-cdr-*/_search?size=0&ignore_unavailable=true&source_content_type=application/json&source="
        )
        query = urllib.request.quote(json.dumps({"aggs": {"s": {"terms": {"field": "store.id"}}}}))
        answer = self.search(path + query, password)
        buckets = answer.get("aggregations", {}).get("s", {}).get("buckets", [])
        return {bucket["key"]: bucket["doc_count"] for bucket in buckets}

    def written(self) -> dict[str, int]:
        """How many rows each store's PBX has written by now."""
        program = (
            "from compose.docker.demo import ROOT, stores, _connect\n"
            "p = (ROOT / 'database' / 'password').read_text().strip()\n"
            "for s in stores():\n"
            "    c = _connect(p, s.id.lower()).cursor()\n"
            "    c.execute('SELECT COUNT(*) FROM cdr')\n"
            "    print(s.id, c.fetchone()[0])\n"
        )
        lines = self.run("exec", "-T", "demo-calls", "python3", "-W", "ignore", "-c", program).splitlines()
        return {store: int(number) for store, number in (line.split() for line in lines)}


def eventually(holds: Callable[[], bool], what: Callable[[], str], seconds: float) -> None:
    """Wait until it holds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, what()
        time.sleep(1)


def at_least(found: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    """Every store has as many as are wanted of it."""
    return all(found.get(store, 0) >= number for store, number in wanted.items())
