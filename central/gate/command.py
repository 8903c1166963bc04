"""`central gate` and `central stores enrol | revoke`: what is asked for, and what is told."""

import argparse
import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from opensearchpy import OpenSearch, exceptions

from central.client import Connection, translated
from central.errors import CentralError, UsageError
from central.gate import certificates, control, gate
from central.gate.folder import DEFAULT, VARIABLE, GateFolder, Settings
from central.gate.render import StoreFacts

DESCRIPTION: Final = (
    "Makes and keeps the directory of head office's Fluent Bit: its configuration, its certificates, and the "
    "stores' credentials. Run it on the machine where that Fluent Bit runs."
)
_INDEX: Final = "pabx-stores"
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
    init.add_argument("--port", type=int, metavar="PORT", help="of the Forward input (default: 24224)")
    init.add_argument("--listen", metavar="ADDRESS", help="what the input is bound to (default: 0.0.0.0)")
    init.add_argument("--http-port", type=int, metavar="PORT", help="health and metrics (default: 2020)")
    init.add_argument(
        "--storage", metavar="DIR", help="where undelivered records lie (default: /var/lib/pabx-gate)"
    )
    init.add_argument(
        "--client-certificates",
        action=argparse.BooleanOptionalAction,
        help="stores must show a certificate too",
    )
    command("renew", "make the server a new certificate; the stores need nothing new")
    command("reload", "let the running Fluent Bit read its files again")
    command("status", "who may come in, when the certificate ends, whether Fluent Bit runs")


def init(options: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """`central gate init`."""
    folder = GateFolder(options.gate)
    known = folder.settings() if folder.exists() else None
    if known is None and not options.host:
        raise UsageError("--host is missing: the name by which the stores reach this machine")
    settings = _settings(known or Settings(host=options.host), options, connection)
    yield from gate.make(folder, settings, _now())
    yield f"{folder.path}: {len(folder.credentials())} stores may come in as {settings.host}:{settings.port}"
    yield from _take_in(folder)
    yield f"start it with: fluent-bit -c {folder.path}/fluent-bit.yaml"


def renew(options: argparse.Namespace) -> Iterator[str]:
    """`central gate renew`."""
    folder = GateFolder(options.gate)
    until = gate.renew_certificate(folder, _now())
    yield f"{folder.path}/server.pem: valid until {until:%Y-%m-%d}"
    yield from _take_in(folder)


def reload(options: argparse.Namespace) -> Iterator[str]:
    """`central gate reload`."""
    folder = GateFolder(options.gate)
    folder.require()
    gate.take_in(folder)
    yield "Fluent Bit has read its files again"


def status(options: argparse.Namespace) -> Iterator[str]:
    """`central gate status`; raises at the end where something is wrong."""
    folder = GateFolder(options.gate)
    folder.require()
    settings = folder.settings()
    yield f"address       {settings.host}:{settings.port}"
    yield f"stores        {len(folder.credentials())} have a credential"
    try:
        until = certificates.ends(folder.read("server.pem"))
    except ValueError as error:
        raise CentralError(f"{folder.path}/server.pem: {error}: run central gate renew") from error
    left = (until - _now()).days
    yield f"certificate   valid until {until:%Y-%m-%d}, {left} days"
    health = control.health(settings.http_port)
    yield f"fluent bit    {health}"
    if until <= _now():
        raise CentralError(f"{folder.path}/server.pem has expired: no store comes in; run central gate renew")
    if health != control.HEALTHY:
        raise CentralError("Fluent Bit is not well: docs/operations.md says what to look at")


def enrol_options(parser: argparse.ArgumentParser) -> None:
    """Of `central stores enrol`."""
    parser.add_argument("store", metavar="STORE_ID")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="where the files for the store are put"
    )
    parser.add_argument("--renew", action="store_true", help="replace the token of a store that has one")
    gate_option(parser)


def revoke_options(parser: argparse.ArgumentParser) -> None:
    """Of `central stores revoke`."""
    parser.add_argument("store", metavar="STORE_ID")
    gate_option(parser)


def enrol(options: argparse.Namespace, client: OpenSearch, connection: Connection) -> Iterator[str]:
    """`central stores enrol`."""
    folder = GateFolder(options.gate)
    folder.require()
    facts = _facts(client, connection, options.store)
    gate.enrol(folder, facts, options.output, _now(), renew=options.renew)
    with translated(connection, f"{_INDEX}/{facts.id}"):
        client.update(index=_INDEX, id=facts.id, body={"doc": {"store": {"revoked_at": None}}})
    yield f"{facts.id} may come in; for its machine, into {gate.STORE_FOLDER}: {options.output}/"
    yield f"whoever has {options.output}/shipper.toml can write as {facts.id}: delete it once it is there"
    yield from _take_in(folder)


def revoke(options: argparse.Namespace, client: OpenSearch, connection: Connection) -> Iterator[str]:
    """`central stores revoke`."""
    folder = GateFolder(options.gate)
    gate.revoke(folder, options.store)
    yield f"{options.store} has no credential any more"
    yield from _take_in(folder)
    stamp = _now().strftime("%Y-%m-%dT%H:%M:%SZ")
    with translated(connection, f"{_INDEX}/{options.store}"):
        try:
            body = {"doc": {"store": {"revoked_at": stamp}}}
            client.update(index=_INDEX, id=options.store, body=body)
        except exceptions.NotFoundError:
            yield f"{options.store} is not in the register: nothing to note there"


def _take_in(folder: GateFolder) -> Iterator[str]:
    try:
        gate.take_in(folder)
    except control.NotRunningError:
        yield "no Fluent Bit runs here: it takes this in when it starts"
    else:
        yield "the running Fluent Bit has taken it in"


def _facts(client: OpenSearch, connection: Connection, store: str) -> StoreFacts:
    with translated(connection, f"{_INDEX}/{store}"):
        try:
            found: dict[str, Any] = client.get(index=_INDEX, id=store)["_source"]["store"]
        except exceptions.NotFoundError:
            raise UsageError(
                f"{store} is not in the register: add a line for it and run central stores apply FILE.csv"
            ) from None
    return StoreFacts(
        id=store,
        timezone=found.get("timezone", ""),
        area_code=found.get("area_code", ""),
        trunks=tuple(found.get("trunks", ())),
    )


def _settings(known: Settings, options: argparse.Namespace, connection: Connection) -> Settings:
    url = urlsplit(connection.url)
    secure = url.scheme == "https"
    given = {
        "host": options.host,
        "port": options.port,
        "listen": options.listen,
        "http_port": options.http_port,
        "storage": options.storage and str(Path(options.storage).absolute()),
        "client_certificates": options.client_certificates,
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
