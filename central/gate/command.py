"""`central gate`: what is asked for, and what is told."""

import argparse
import asyncio
import datetime as dt
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from central.client import Connection
from central.errors import CentralError, UsageError
from central.gate import certificates, control, gate
from central.gate.door import Door
from central.gate.folder import DEFAULT, VARIABLE, GateFolder, Settings
from central.gate.reporter import Reporter

DESCRIPTION: Final = (
    "Makes and keeps the directory of head office's Fluent Bit: its configuration, its certificates, and the "
    "stores' credentials. Run it on the machine where that Fluent Bit runs."
)
_TLS_PORT, _PLAIN_PORT = 443, 80


def gate_option(parser: argparse.ArgumentParser) -> None:
    """Where the gate's directory is."""
    parser.add_argument(
        "--gate",
        metavar="DIR",
        type=Path,
        default=Path(os.environ.get(VARIABLE) or DEFAULT),
        help=f"the gate's directory (env: {VARIABLE}; default: {DEFAULT})",
    )


def gate_options(parser: argparse.ArgumentParser, cluster: argparse.ArgumentParser) -> None:
    """The sub-commands of `central gate`."""
    commands = parser.add_subparsers(dest="gate_command", required=True, metavar="COMMAND")

    def command(name: str, text: str, *, of_cluster: bool = False) -> argparse.ArgumentParser:
        parents = [cluster] if of_cluster else []
        made = commands.add_parser(name, parents=parents, help=text, description=text, allow_abbrev=False)
        gate_option(made)
        return made

    init = command(
        "init",
        "make the directory, or bring it up to date; certificates, keys and credentials stay",
        of_cluster=True,
    )
    init.add_argument("--host", metavar="NAME", help="the name by which the stores reach it")
    init.add_argument("--port", type=int, metavar="PORT", help="that the stores connect to (default: 24224)")
    init.add_argument("--listen", metavar="ADDRESS", help="what it is bound to (default: 0.0.0.0)")
    init.add_argument(
        "--inner-port", type=int, metavar="PORT", help="of Fluent Bit, on loopback (default: 24225)"
    )
    init.add_argument("--http-port", type=int, metavar="PORT", help="health and metrics (default: 2020)")
    init.add_argument(
        "--storage", metavar="DIR", help="where undelivered records lie (default: /var/lib/pabx-gate)"
    )
    init.add_argument(
        "--client-certificates",
        action=argparse.BooleanOptionalAction,
        help="stores must show a certificate too",
    )
    init.add_argument(
        "--door",
        action=argparse.BooleanOptionalAction,
        help="TLS ends at central gate serve (default), or with --no-door at Fluent Bit: a few stores only",
    )
    command("serve", "let the stores in: TLS in front of Fluent Bit, until stopped")
    command("renew", "make the server a new certificate; the stores need nothing new")
    command("reload", "let the running Fluent Bit read its files again")
    status = command("status", "who may come in, when the certificate ends, whether Fluent Bit runs")
    status.add_argument("--json", action="store_true", help="the gate's health as JSON, as in pabx-gate")


def run(options: argparse.Namespace, connection: Callable[[], Connection]) -> Iterator[str]:
    """What a sub-command other than `serve` does, told line by line."""
    if options.gate_command == "init":
        yield from init(options, connection())
    else:
        yield from {"renew": renew, "reload": reload, "status": status}[options.gate_command](options)


def init(options: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """`central gate init`."""
    folder = GateFolder(options.gate)
    known = folder.settings() if folder.exists() else None
    if known is None and not options.host:
        raise UsageError("--host is missing: the name by which the stores reach this machine")
    settings = _settings(known or Settings(host=options.host), options, connection)
    yield from gate.make(folder, settings, _now())
    yield f"{folder.path}: {len(folder.credentials())} stores may come in as {settings.host}:{settings.port}"
    yield from take_in(folder)
    also = ", and: central gate serve" if settings.door else ""
    yield f"start it with: fluent-bit -c {folder.path}/fluent-bit.yaml{also}"


def serve(options: argparse.Namespace) -> None:
    """`central gate serve`, until SIGTERM or SIGINT."""
    asyncio.run(_serve(GateFolder(options.gate)))


async def _serve(folder: GateFolder) -> None:
    folder.require()
    if not folder.settings().door:
        raise UsageError("this gate's TLS ends at Fluent Bit: central gate init --door changes that")
    opened = Door(folder)
    Reporter(folder, opened).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, opened.stopped.set)
    await opened.run()


def renew(options: argparse.Namespace) -> Iterator[str]:
    """`central gate renew`."""
    folder = GateFolder(options.gate)
    until = gate.renew_certificate(folder, _now())
    yield f"{folder.path}/server.pem: valid until {until:%Y-%m-%d}"
    yield from take_in(folder)


def reload(options: argparse.Namespace) -> Iterator[str]:
    """`central gate reload`."""
    folder = GateFolder(options.gate)
    folder.require()
    gate.take_in(folder)
    yield "Fluent Bit has read its files again"


def status(options: argparse.Namespace) -> Iterator[str]:
    """`central gate status`; raises at the end where something is wrong, but as JSON says it there."""
    folder = GateFolder(options.gate)
    folder.require()
    settings = folder.settings()
    if options.json:
        yield json.dumps(Reporter(folder).document(settings), ensure_ascii=False, indent=2)
        return
    yield f"address       {settings.host}:{settings.port}"
    yield f"stores        {len(folder.credentials())} have a credential"
    try:
        until = certificates.ends(folder.read("server.pem"))
    except ValueError as error:
        raise CentralError(f"{folder.path}/server.pem: {error}: run central gate renew") from error
    left = (until - _now()).days
    yield f"certificate   valid until {until:%Y-%m-%d}, {left} days"
    door = control.door(settings)
    yield f"door          {door}"
    health = control.health(settings.http_port)
    yield f"fluent bit    {health}"
    if until <= _now():
        raise CentralError(f"{folder.path}/server.pem has expired: no store comes in; run central gate renew")
    if door != control.HEALTHY:
        raise CentralError("nobody lets the stores in: run central gate serve")
    if health != control.HEALTHY:
        raise CentralError("Fluent Bit is not well: docs/operations.md says what to look at")


def take_in(folder: GateFolder) -> Iterator[str]:
    """Let the running Fluent Bit read its files again, and tell whether there is one."""
    try:
        gate.take_in(folder)
    except control.NotRunningError:
        yield "no Fluent Bit runs here: it takes this in when it starts"
    else:
        yield "the running Fluent Bit has taken it in"


def _settings(known: Settings, options: argparse.Namespace, connection: Connection) -> Settings:
    url = urlsplit(connection.url)
    secure = url.scheme == "https"
    given = {
        "host": options.host,
        "port": options.port,
        "listen": options.listen,
        "inner_port": options.inner_port,
        "http_port": options.http_port,
        "storage": options.storage and str(Path(options.storage).absolute()),
        "client_certificates": options.client_certificates,
        "door": options.door,
    }
    return replace(
        known,
        **{name: value for name, value in given.items() if value is not None},
        opensearch_host=url.hostname or "",
        opensearch_port=url.port or (_TLS_PORT if secure else _PLAIN_PORT),
        opensearch_tls=secure,
        opensearch_user=connection.user,
        opensearch_password=connection.password,
        opensearch_ca_file=str(connection.ca_file.absolute()) if connection.ca_file else "",
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
