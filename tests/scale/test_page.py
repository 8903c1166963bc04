"""`docs/scale.md`: every command in it is run, in its order, and what it restores is what was there."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from compose.simulator import chain, simulate
from compose.stack import OpenSearchCluster
from shipper.document.model import Document
from shipper.outputs.opensearch import bulk_body
from shipper.spool import Spooled
from tests.dashboards.documents import documents_of
from tests.shipper.running import central_install

pytestmark = pytest.mark.servers
PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
REGISTER = (
    "id,name,city,state,timezone,valid_from\n"
    "Loja001,Loja Paulista,São Paulo,SP,America/Sao_Paulo,2020-01-01\n"
)
PLACE = "/var/backups/opensearch"


class Machine:
    """Head office's shell: what one block defines, the next one has."""

    def __init__(self, folder: Path, cluster: OpenSearchCluster) -> None:
        self.cluster = cluster
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir()
        (programs / "central").write_text(f'#!/bin/sh\nexec {sys.executable} -m central "$@"\n')
        (programs / "central").chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "OPENSEARCH_URL": cluster.url,
            "OPENSEARCH_USER": str(cluster.user),
            "OPENSEARCH_PASSWORD": str(cluster.password),
            "OPENSEARCH_CA_FILE": str(cluster.ca_file),
        }
        self.before = ""
        (folder / "stores.csv").write_text(REGISTER, encoding="utf-8")

    def run(self, block: str) -> str:
        block = block.replace(PLACE, str(self.cluster.snapshots))
        defined = self.before
        if "() {" in block:
            self.before += block
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", defined + block],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{block}{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout


@pytest.fixture
def machine(tmp_path: Path, secure_opensearch: OpenSearchCluster) -> Iterator[Machine]:
    central_install(secure_opensearch)
    wipe(secure_opensearch)
    made = Machine(tmp_path, secure_opensearch)
    yield made
    made.run("central install --shards 1")
    wipe(secure_opensearch)


def wipe(cluster: OpenSearchCluster) -> None:
    cluster.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")
    for name in cluster.request("GET", "/_snapshot"):
        cluster.request("DELETE", f"/_snapshot/{name}/*")
        cluster.request("DELETE", f"/_snapshot/{name}")


def found(cluster: OpenSearchCluster) -> dict[str, dict[str, Any]]:
    """Every row and call: id -> version and body."""
    cluster.request("POST", "/pabx-*/_refresh")
    query = {"size": 10_000, "version": True, "query": {"match_all": {}}}
    hits = cluster.request("POST", "/pabx-cdr-*,pabx-calls-*/_search", query)["hits"]["hits"]
    assert len(hits) < 10_000
    return {hit["_id"]: {"version": hit["_version"], **hit["_source"]} for hit in hits}


def send(cluster: OpenSearchCluster, documents: Sequence[Document]) -> Counter[int]:
    """As the agent does; gives how often each status came."""
    lines = bulk_body([Spooled(number, *one) for number, one in enumerate(documents)]).decode()
    items = cluster.request("POST", "/_bulk?refresh=true", lines, timeout_seconds=60)["items"]
    return Counter(next(iter(item.values()))["status"] for item in items)


def made(days: int) -> Iterator[Document]:
    """What Loja001 has of some recent days, which `central tidy` has to leave alone."""
    store = chain(1, 1)[0]
    recent = datetime.now(UTC).date() - timedelta(days=40)
    return documents_of(store, simulate(store, recent, days, 1), rows=True)


def test_every_command_does_what_it_says_and_a_restore_brings_all_back_once(machine: Machine) -> None:
    documents = list(made(2))
    assert set(send(machine.cluster, documents)) == {201}
    before = found(machine.cluster)
    assert len(before) == len(documents) > 200
    said = {}
    for block in BLOCKS:
        deletes = "ask DELETE '/pabx-*" in block
        if deletes:
            assert found(machine.cluster) == before, "nothing until here has changed a document"
        said[block] = machine.run(block)
        assert said[block] or "() {" in block, block
        if deletes:
            assert found(machine.cluster) == before, "restored"
    # Sending all of it again makes no duplicates, and changes nothing.
    assert set(send(machine.cluster, documents)) == {409}
    assert found(machine.cluster) == before
    # A newer state still takes the place of the restored one, an older one does not.
    call = next(one for one in documents if one.operation == "index")
    body = json.loads(call.body)
    for change, status in ((-1, 409), (1, 200)):
        other = {**body, "event": {**body["event"], "sequence": body["event"]["sequence"] + change}}
        assert send(machine.cluster, [call._replace(body=json.dumps(other).encode())]) == {status: 1}
    assert len(found(machine.cluster)) == len(before)


def test_the_register_names_stores_after_a_restore_into_an_empty_cluster(machine: Machine) -> None:
    """`pabx-register` is no index: it is in no snapshot of pabx-*, and is applied again."""
    machine.run("central stores apply stores.csv")
    machine.cluster.request("DELETE", "/_ingest/pipeline/pabx-register")
    machine.run("central install && central stores apply stores.csv")
    assert set(send(machine.cluster, list(made(1)))) == {201}
    # Of what became a part of another call, only that remains.
    whole = [one for one in found(machine.cluster).values() if "merged_into" not in one["call"]]
    assert {one["store"]["name"] for one in whole} == {"Loja Paulista"}


def test_what_it_says_of_one_and_of_three_nodes(machine: Machine) -> None:
    """One node is green, not yellow: the replica is there only where a second node is."""
    health = machine.cluster.request("GET", "/_cluster/health?wait_for_status=green&timeout=30s")
    assert (health["status"], health["number_of_nodes"], health["unassigned_shards"]) == ("green", 1, 0)


def test_global_state_is_restored_for_nobody_who_logs_in(machine: Machine) -> None:
    """Hence the page leaves it out, and has everything of it put back by `central`."""
    cluster = machine.cluster
    settings = {"location": str(cluster.snapshots / "whole")}
    cluster.request("PUT", "/_snapshot/whole", {"type": "fs", "settings": settings})
    path = "/_snapshot/whole/one?wait_for_completion=true"
    cluster.request("PUT", path, {"indices": "pabx-*", "include_global_state": True}, timeout_seconds=60)
    with pytest.raises(HTTPError) as refused:
        cluster.request("POST", "/_snapshot/whole/one/_restore", {"include_global_state": True})
    refused.value.close()
    assert refused.value.code == 403
