"""The command line of the stack: ``python -m compose.stack up | down | status``."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

from compose.stack import state
from compose.stack.errors import StackError
from compose.stack.jdk import find_jdk
from compose.stack.mariadb import MariaDB
from compose.stack.opensearch import OpenSearchCluster
from compose.stack.paths import locked, make_cache_dir, make_data_dir
from compose.stack.progress import Progress, ProgressLine

_DONE, _FAILED = 0, 1
_SERVERS = ("MariaDB", "OpenSearch")
# What was started or found running, and what lets it outlive us.
_Started = tuple[list[state.Left], Callable[[], None]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name; that of the process unless given.

    Returns:
        The exit code: 0 done, 1 something failed or does not run, 2 wrong usage.
    """
    options = _parser().parse_args(arguments)
    try:
        directory = make_cache_dir() / "up"
        make_data_dir(directory)
        with locked(directory / ".lock", lambda: print("waiting for another up or down", file=sys.stderr)):
            code: int = options.run(options)
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("stack: interrupted: python -m compose.stack status shows what runs", file=sys.stderr)
        return _FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m compose.stack",
        description="A real OpenSearch and a real MariaDB on 127.0.0.1, without Docker and without root.",
        epilog="Options for OpenSearch's JVM: env OPENSEARCH_JAVA_OPTS. Where it is kept: env PABX_CACHE.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start both and leave them running", allow_abbrev=False)
    up.add_argument("--nodes", type=_nodes, default=1, metavar="N", help="OpenSearch nodes (default 1)")
    up.add_argument("--security", action="store_true", help="OpenSearch with TLS and log-in")
    up.add_argument(
        "--heap-mib", type=int, default=1024, metavar="MIB", help="heap of each node (default 1024)"
    )
    for server, port in (("opensearch", 9200), ("mariadb", 3307)):
        variable = f"PABX_{server.upper()}_PORT"
        up.add_argument(
            f"--{server}-port",
            type=_port,
            default=os.environ.get(variable, str(port)),
            metavar="PORT",
            help=f"default {port} (env: {variable})"
            + ("; further nodes take the ports after it" if server == "opensearch" else ""),
        )
    up.set_defaults(run=_up)
    down = commands.add_parser("down", help="stop both; their data stays", allow_abbrev=False)
    down.set_defaults(run=_down)
    status = commands.add_parser("status", help="what runs; exit 1 unless both do", allow_abbrev=False)
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(run=_status)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:  # noqa: PLR2004 -- the range of TCP ports
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 1 to 65535")
    return int(text)


def _nodes(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of nodes: 1 or more")
    return int(text)


def _up(options: argparse.Namespace) -> int:
    directory = make_cache_dir() / "up"
    file = directory / "state.json"
    find_jdk()  # before minutes of downloading
    running = state.read(file)
    progress = ProgressLine()
    kept: list[state.Left] = []
    for start in (_up_mariadb, _up_opensearch):
        try:
            left, detach = start(options, running, progress)
        finally:
            progress.close()
        kept += left
        state.write(file, kept + [other for other in running if other not in kept])
        detach()  # not before it is remembered: what we were killed over would run on, known to nobody
    _print(kept)
    print("stop them:   make down   (or python -m compose.stack down)")
    return _DONE


def _up_mariadb(options: argparse.Namespace, running: list[state.Left], progress: Progress) -> _Started:
    settings = f"--mariadb-port {options.mariadb_port}"
    mine = _already("MariaDB", settings, running, 1)
    if mine:
        return mine, lambda: None
    server = MariaDB(
        make_cache_dir() / "up" / "mariadb",
        port=options.mariadb_port,
        progress=progress,
        port_hint="set --mariadb-port or PABX_MARIADB_PORT to another",
    )
    server.launch()
    left = [
        state.Left(
            name="MariaDB",
            pid=server.pid,
            identity=state.process_identity(server.pid),
            url=f"mysql://{server.user}@{server.host}:{server.port}",
            log=str(server.log),
            settings=settings,
            secret_file=str(server.password_file),
        )
    ]
    return left, server.detach


def _up_opensearch(options: argparse.Namespace, running: list[state.Left], progress: Progress) -> _Started:
    settings = f"--opensearch-port {options.opensearch_port} --nodes {options.nodes}"
    settings += " --security" if options.security else ""
    mine = _already("OpenSearch", settings, running, options.nodes)
    if mine:
        return mine, lambda: None
    # Clusters of another size or kind cannot take over each other's data.
    name = f"opensearch-{options.nodes}{'-secure' if options.security else ''}"
    cluster = OpenSearchCluster(
        make_cache_dir() / "up" / name,
        nodes=options.nodes,
        ports=range(options.opensearch_port, options.opensearch_port + options.nodes),
        security=options.security,
        heap_mib=options.heap_mib,
        jvm_options=shlex.split(os.environ.get("OPENSEARCH_JAVA_OPTS", "")),
        progress=progress,
        port_hint="set --opensearch-port or PABX_OPENSEARCH_PORT to another",
    )
    cluster.launch()
    left = [
        state.Left(
            name=f"OpenSearch {node.name}",
            pid=node.process.pid,
            identity=state.process_identity(node.process.pid),
            url=url,
            log=str(node.process.log),
            settings=settings,
            secret_file=str(cluster.password_file or ""),
            ca_file=str(cluster.ca_file or ""),
        )
        for node, url in zip(cluster.nodes, cluster.urls, strict=True)
    ]
    return left, cluster.detach


def _already(name: str, settings: str, running: list[state.Left], wanted: int) -> list[state.Left]:
    """What of this server runs; empty if it has to be started."""
    mine = [left for left in running if left.name.startswith(name)]
    if not mine:
        return []
    if mine[0].settings != settings:
        raise StackError(f"{name} already runs with {mine[0].settings}: run make down first")
    if len(mine) < wanted:
        raise StackError(f"only {len(mine)} of {wanted} {name} nodes still run: run make down first")
    print(f"{name} already runs")
    return mine


def _down(_options: argparse.Namespace) -> int:
    file = make_cache_dir() / "up" / "state.json"
    running = state.read(file)
    state.stop(running)
    state.write(file, [])
    print(f"stopped: {', '.join(left.name for left in running)}" if running else "nothing runs")
    return _DONE


def _status(options: argparse.Namespace) -> int:
    running = state.read(make_cache_dir() / "up" / "state.json")
    missing = [name for name in _SERVERS if not any(left.name.startswith(name) for left in running)]
    if options.json:
        print(json.dumps([asdict(left) for left in running], indent=1))
    else:
        _print(running)
        for name in missing:
            print(f"{name:18} does not run: start it with make up")
    return _FAILED if missing else _DONE


def _print(servers: list[state.Left]) -> None:
    for left in servers:
        print(f"{left.name:18} {left.url}   pid {left.pid}   log {left.log}")
        if left.secret_file and not left.ca_file:
            print(f"{'':18} password of root: {left.secret_file}")
    secure = next((left for left in servers if left.ca_file), None)
    if secure is not None:
        print("for central and curl:")
        print(f"export OPENSEARCH_URL={secure.url} OPENSEARCH_USER=admin")
        print(f"export OPENSEARCH_CA_FILE={shlex.quote(secure.ca_file)}")
        print(f'export OPENSEARCH_PASSWORD="$(cat {shlex.quote(secure.secret_file)})"')
