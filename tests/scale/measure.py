"""What a chain of 5,000 stores costs: bytes, documents, connections of a door, the register, gate files."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from central.client import Connection, connect
from central.gate import gate as gate_files
from central.gate.folder import Credential
from central.stores.apply import Cluster
from central.stores.pipeline import body
from compose.demo.ship import central
from compose.simulator import chain, simulate
from compose.stack import OpenSearchCluster
from shipper.outputs.opensearch import bulk_body
from shipper.spool import Spooled
from tests.bench.alerts import _Bench
from tests.dashboards.documents import documents_of
from tests.gate.running import BINARY, Gate, now
from tests.scale.crowd import Crowd, Process

MONDAY = date(2026, 6, 1)
DAYS = 7
SEED = 1
AT_ONCE = 1000
CONNECTIONS = 2
HEAP_MIB = 1024
_BULK, _TIMES = 2000, 8
_STATS_SECONDS = 11
"""The node looks at its files' sizes every ten."""
_STATES = (500, 1000, 2000, 3000, 4000)


def sizes(folder: Path, stores: int, nodes: int) -> Iterator[str]:
    """A week of so many stores through the pipeline: documents a store and day, bytes, speed, heap."""
    profiles = chain(stores, SEED)
    made = [
        document
        for profile in profiles
        for document in documents_of(profile, simulate(profile, MONDAY, DAYS, SEED), rows=True)
    ]
    kinds = {"rows": "pabx-cdr-*", "calls": "pabx-calls-*"}
    begin = iter(made)
    bodies = []
    while some := list(islice(begin, AT_ONCE)):
        bodies.append(
            bulk_body([Spooled(number, *document) for number, document in enumerate(some)]).decode()
        )
    with OpenSearchCluster(folder / "sizes", nodes=nodes, heap_mib=HEAP_MIB) as cluster:
        central(cluster.url, "install")
        cluster.wait_healthy(120, "green")
        yield f"  {nodes} nodes: {cluster.request('GET', '/_cluster/health')['status']}"

        def send(number: int) -> None:
            node = number % nodes
            cluster.request(
                "POST", "/_bulk?filter_path=errors", bodies[number], node=node, timeout_seconds=120
            )

        for times in ("written", "written again (all of it is there already)"):
            began = time.monotonic()
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                list(pool.map(send, range(len(bodies))))
            seconds = time.monotonic() - began
            rate = len(made) / seconds
            yield f"  {len(made)} documents {times}: {rate:.0f} a second, {CONNECTIONS} connections"
        used = cluster.request("GET", "/_nodes/stats/jvm")["nodes"].values()
        heaps = ", ".join(f"{one['jvm']['mem']['heap_used_in_bytes'] / 2**20:.0f}" for one in used)
        yield f"  heap used: {heaps} of {HEAP_MIB} MiB"
        cluster.request("POST", "/pabx-*/_refresh")
        cluster.request("POST", "/pabx-*/_flush")
        time.sleep(_STATS_SECONDS)
        for kind, pattern in kinds.items():
            found = cluster.request("GET", f"/{pattern}/_stats/docs,store")["_all"]["primaries"]
            count, size = found["docs"]["count"], found["store"]["size_in_bytes"]
            yield (
                f"  {kind}: {count} documents, {count / stores / DAYS:.1f} a store and day, "
                f"{size / max(count, 1):.0f} bytes each, primaries only"
            )
        yield f"  calls a day by profile: {statistics.mean(one.calls_per_day for one in profiles):.0f}"


def doors(folder: Path, connections: int) -> Iterator[str]:
    """So many stores logged in at one door at once: memory, processor, and the time until all are in."""
    if BINARY is None:
        yield "  without fluent-bit there is nothing to log in to"
        return
    gate = Gate(folder, None)
    tokens = {f"Loja{number:05d}": f"token-{number:05d}" for number in range(1, connections + 1)}
    _enrolled(gate, tokens)
    began = time.monotonic()
    gate.start()
    yield f"  Fluent Bit and door with {connections} users answer after {time.monotonic() - began:.1f} s"
    crowd = Crowd(gate, tokens)
    assert gate.door is not None
    assert gate.process is not None
    watched = {"door": Process(gate.door.pid), "Fluent Bit": Process(gate.process.pid)}
    try:
        rest = {name: one.memory_mib() for name, one in watched.items()}
        yield "  at rest: " + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in rest.items())
        for wanted in [*(state for state in _STATES if state < connections), connections]:
            before = {name: one.processor_seconds() for name, one in watched.items()}
            began, already = time.monotonic(), crowd.inside
            crowd.grow(wanted)
            seconds = time.monotonic() - began
            more = max(crowd.inside - already, 1)
            told = ", ".join(
                f"{name} {one.memory_mib():.0f} MiB "
                f"({(one.memory_mib() - rest[name]) * 1024 / crowd.inside:.0f} KiB each), "
                f"{(one.processor_seconds() - before[name]) * 1000 / more:.1f} ms a log-in"
                for name, one in watched.items()
            )
            yield f"  {crowd.inside} of {wanted} inside, {seconds:.1f} s for {more} more: {told}"
        before = {name: one.processor_seconds() for name, one in watched.items()}
        began = time.monotonic()
        sent = crowd.beat(30.0)
        seconds = time.monotonic() - began
        told = ", ".join(
            f"{name} {(one.processor_seconds() - before[name]) / seconds * 100:.1f} % of a core"
            for name, one in watched.items()
        )
        rate = sent / seconds
        yield f"  {rate:.0f} messages a second for {seconds:.0f} s: {told}; {crowd.inside} still inside"
        began = time.monotonic()
        gate.take_in()
        yield f"  reload with {connections} users: {time.monotonic() - began:.1f} s"
    finally:
        crowd.close()
        gate.close()


def _enrolled(gate: Gate, tokens: dict[str, str]) -> None:
    stamp = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    with gate.folder.locked():
        gate.folder.write_credentials({store: Credential(token, stamp) for store, token in tokens.items()})
    gate_files.make(gate.folder, gate.settings, now())


def register(folder: Path, stores: int) -> Iterator[str]:
    """A register of so many stores: files of the gate, pipeline, one document, alerts."""
    gate = Gate(folder, None)
    tokens = {f"Loja{number:05d}": f"token-{number:05d}" for number in range(1, stores + 1)}
    yield f"  the gate's files for {stores} stores: {_seconds(lambda: _enrolled(gate, tokens)):.2f} s"
    yield f"  one store more: {_seconds(lambda: gate.enrol('One-more')):.2f} s"
    lines = ["id,name,region,city,state,timezone,opening_hours"]
    lines += [
        f"{store},Loja {number},R{number % 5},São Paulo,SP,America/Sao_Paulo,Mon-Sat 09:00-20:00"
        for number, store in enumerate(tokens)
    ]
    file = folder / "stores.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with OpenSearchCluster(folder / "register", heap_mib=HEAP_MIB) as cluster:
        central(cluster.url, "install")
        document = {"@timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "store": {"id": "Loja00001"}}
        yield f"  pipeline without a register: {_of_pipeline(cluster, document):.0f} µs a document"
        for times in ("first", "again, nothing to do"):
            taken = _seconds(lambda: central(cluster.url, "stores", "apply", file))
            yield f"  central stores apply, {times}: {taken:.1f} s"
        connection = Connection(cluster.url)
        size = len(json.dumps(body(Cluster(connect(connection), connection).register())))
        yield f"  pipeline pabx-register: {size / 2**20:.2f} MiB"
        yield f"  pipeline with it: {_of_pipeline(cluster, document):.0f} µs a document"
        yield f"  central stores list: {_seconds(lambda: central(cluster.url, 'stores', 'list')):.1f} s"
        bench = _Bench(cluster)
        bench.stores(0, stores)
        calls = bench.calls(0, stores, 2)
        evaluation, a_round = bench.take()
        yield (
            f"  24 monitors over {stores} stores, {calls} calls of 2 days: {evaluation:.2f} s, "
            f"round of the watch {a_round:.2f} s"
        )


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _of_pipeline(cluster: OpenSearchCluster, document: dict[str, Any]) -> float:
    """Microseconds that the pipeline takes for a document, by the node's own account; the least of eight."""
    lines = "".join(
        f'{{"index":{{"_index":"pabx-cdr-2026.06","_id":"{number}"}}}}\n{json.dumps(document)}\n'
        for number in range(_BULK)
    )
    return min(
        cluster.request("POST", "/_bulk?filter_path=ingest_took", lines, timeout_seconds=120)["ingest_took"]
        * 1000
        / _BULK
        for _ in range(_TIMES)
    )
