"""`central stores enrol | revoke`: what is asked for, and what is told."""

import argparse
import datetime as dt
from collections.abc import Collection, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeAlias

from opensearchpy import OpenSearch

from central import bulk
from central.client import Connection, connect
from central.errors import CentralError, UsageError
from central.gate import gate
from central.gate.command import gate_option, take_in
from central.gate.folder import GateFolder
from central.gate.gate import Given
from central.gate.render import StoreFacts
from central.stores import bundle
from central.stores.apply import INDEX, Cluster
from central.stores.reading import load
from central.stores.register import Line, in_force
from central.upgrades import artefact
from central.upgrades.published import Files
from central.upgrades.signing import PUBLIC_NAME

# argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
_APPLY: Final = "add a line for it and run central stores apply FILE.csv"
_AGAIN: Final = "run it again: it goes on where it was"


def options(commands: Commands, cluster: argparse.ArgumentParser) -> None:
    """Add `central stores enrol | revoke`; each sets `lines`, a function of options and connection."""
    text = "Makes a store's credential, and the files for its machine; or with --all a bundle for each store."
    made = commands.add_parser("enrol", parents=[cluster], allow_abbrev=False, help=text, description=text)
    made.add_argument("store", nargs="?", metavar="STORE_ID")
    made.add_argument(
        "--all", type=Path, metavar="FILE.csv", help="a bundle for each store of the register's file"
    )
    made.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="where the files for the store are put"
    )
    made.add_argument(
        "--bundle", action="store_true", help="one file that installs the agent: DIR/STORE_ID.zip"
    )
    made.add_argument(
        "--agent", type=Path, metavar="FILE.pyz", help="the agent that goes into bundles (default: our own)"
    )
    made.add_argument("--upgrades", action="store_true", help="bundles let head office upgrade the agent")
    made.add_argument("--renew", action="store_true", help="replace the token of a store that has one")
    gate_option(made)
    made.set_defaults(lines=enrol)
    text = "Ends a store's credential."
    made = commands.add_parser("revoke", parents=[cluster], allow_abbrev=False, help=text, description=text)
    made.add_argument("store", metavar="STORE_ID")
    gate_option(made)
    made.set_defaults(lines=revoke)


def enrol(options: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """`central stores enrol`.

    Raises:
        UsageError: the options do not fit, or a store is not in the register.
        CentralError: the cluster or a file fails; with several stores the others are done, and it is named.
    """
    if (options.store is None) == (options.all is None):
        raise UsageError("name one store, or all of a file: central stores enrol STORE_ID | --all FILE.csv")
    bundles = options.bundle or options.all is not None
    if not bundles and (options.agent or options.upgrades):
        raise UsageError("--agent and --upgrades are for bundles: add --bundle")
    folder = GateFolder(options.gate)
    folder.require()
    if not bundles:
        yield from _enrol_one(options, folder, connection)
        return
    making = Making(folder, options)
    wanted = [options.store] if options.store else list(load(options.all).register)
    client = connect(connection)
    lines = _registered(client, connection, wanted)
    revoked = _revoked(client, connection, wanted)
    if options.store:
        passed_over: dict[str, str] = {}
    else:
        passed_over = _passed_over(lines, revoked, folder.credentials().keys(), _now())
    stores = [_facts(store, line) for store, line in lines.items() if store not in passed_over]
    credits_ = gate.credit(folder, [store.id for store in stores], _now(), renew=options.renew)
    failed = making.write(stores, {store: one.token for store, one in credits_.items()})
    note(client, connection, [store for store in credits_ if store in revoked], revoked_at=None)
    yield from _told(credits_, passed_over)
    yield f"{options.output}: {len(stores) - len(failed)} bundles with the agent {making.agent.version}"
    yield "whoever has a store's bundle can write as that store: delete it once it is installed"
    yield from take_in(folder)
    if failed:
        head = f"no bundle for {len(failed)} of {len(stores)} stores: mend that, and {_AGAIN}"
        raise CentralError("\n".join([head, *failed]))


def _enrol_one(options: argparse.Namespace, folder: GateFolder, connection: Connection) -> Iterator[str]:
    client = connect(connection)
    facts = _facts(options.store, _registered(client, connection, [options.store])[options.store])
    gate.enrol(folder, facts, options.output, _now(), renew=options.renew)
    note(client, connection, [facts.id], revoked_at=None)
    yield f"{facts.id} may come in; for its machine, into {gate.STORE_FOLDER}: {options.output}/"
    yield f"whoever has {options.output}/shipper.toml can write as {facts.id}: delete it once it is there"
    yield from take_in(folder)


def revoke(options: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """`central stores revoke`."""
    folder = GateFolder(options.gate)
    gate.revoke(folder, options.store)
    yield f"{options.store} has no credential any more"
    yield from take_in(folder)
    client = connect(connection)
    if options.store not in Cluster(client, connection).documents([options.store]):
        yield f"{options.store} is not in the register: nothing to note there"
        return
    note(client, connection, [options.store], revoked_at=f"{_now():%Y-%m-%dT%H:%M:%SZ}")


def credentials(path: Path) -> dict[str, str] | None:
    """Since when each store has its credential; None where there is no gate's directory to look into."""
    folder = GateFolder(path)
    try:
        if not folder.exists():
            return None
        return {store: f"since {one.enrolled[:10]}" for store, one in folder.credentials().items()}
    except (OSError, CentralError):  # somebody who may not look there may still list the stores
        return None


def note(
    client: OpenSearch, connection: Connection, stores: Collection[str], *, revoked_at: str | None
) -> None:
    """Write down in the register whether stores have lost their credential; one that is not there is passed.

    Past the pipeline, which would take it for a heartbeat of the store.

    Raises:
        CentralError: the cluster fails or refuses it.
    """
    change = {"doc": {"store": {"revoked_at": revoked_at}}}
    pairs = [({"update": {"_id": store, "retry_on_conflict": 5}}, change) for store in stores]
    bulk.write(client, connection, INDEX, pairs, mend="run it again", passed_over={HTTPStatus.NOT_FOUND})


class Making:
    """What bundles are made of.

    Args:
        folder: the gate's.
        options: of the command.

    Attributes:
        agent: that goes into them.

    Raises:
        UsageError: there is no agent, or upgrades are not set up.
        CentralError: a file is missing.
    """

    def __init__(self, folder: GateFolder, options: argparse.Namespace) -> None:
        self._folder = folder
        self._output: Path = options.output
        self.agent = artefact.load(artefact.find(options.agent))
        self._same = {**bundle.installers(), bundle.AGENT: self.agent.content}
        self._key = Files(folder).public_key() if options.upgrades else None
        if options.upgrades and self._key is None:
            where = folder.path / PUBLIC_NAME
            raise UsageError(f"--upgrades: {where} is missing: central upgrade init --key FILE makes it")

    def write(self, stores: Collection[StoreFacts], tokens: dict[str, str]) -> list[str]:
        """Write each store's bundle.

        Returns:
            What failed, a line for each store.

        Raises:
            CentralError: the directory cannot be made.
        """
        try:
            self._output.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise CentralError(
                f"--output {self._output}: {error.strerror}: name a directory to write to"
            ) from error
        failed = []
        for store in stores:
            try:
                bundle.put(self._output / f"{store.id}.zip", self._packed(store, tokens[store.id]))
            except CentralError as error:
                failed.append(f"{store.id}: {error}")
        return failed

    def _packed(self, store: StoreFacts, token: str) -> bytes:
        own = gate.store_files(self._folder, store, token, _now(), installed=True)
        if self._key is not None:
            own[PUBLIC_NAME] = self._key
        return bundle.packed({**self._same, **{name: own[name].encode() for name in sorted(own)}})


def _registered(client: OpenSearch, connection: Connection, wanted: Collection[str]) -> dict[str, Line]:
    """What the register says today of each.

    Raises:
        UsageError: one is not there; nothing was done.
    """
    register = Cluster(client, connection).register()
    missing = [store for store in wanted if store not in register]
    if missing and len(wanted) == 1:
        raise UsageError(f"{missing[0]} is not in the register: {_APPLY}")
    if missing:
        raise UsageError(
            f"{', '.join(missing)}: not in the register, nobody was enrolled: "
            "run central stores apply with this file first"
        )
    return {store: in_force(register[store], _now()) for store in wanted}


def _revoked(client: OpenSearch, connection: Connection, wanted: Collection[str]) -> dict[str, str]:
    """Of those whose credential was ended, the day."""
    found = Cluster(client, connection).documents(list(wanted))
    times = {store: body.get("store", {}).get("revoked_at") for store, body in found.items()}
    return {store: str(time)[:10] for store, time in times.items() if time}


def _passed_over(
    lines: dict[str, Line], revoked: dict[str, str], known: Collection[str], now: dt.datetime
) -> dict[str, str]:
    """Why a store of a whole file gets nothing: it was shut out or closed, and nobody has named it."""
    found = {}
    for store, line in lines.items():
        if store in revoked and store not in known:
            found[store] = f"revoked on {revoked[store]}"
        elif line.closed(now):
            found[store] = f"closed since {line.closed_from}"
    return found


def _facts(store: str, line: Line) -> StoreFacts:
    return StoreFacts(store, line.timezone, line.area_code, line.trunks)


def _told(credits_: dict[str, gate.Credit], passed_over: dict[str, str]) -> Iterator[str]:
    of = {how: [store for store, one in credits_.items() if one.how is how] for how in Given}
    counted = f"{len(of[Given.NEW])} new, {len(of[Given.RENEWED])} renewed, {len(of[Given.KEPT])} kept"
    yield f"stores: {counted}, {len(passed_over)} passed over"
    for how in (Given.NEW, Given.RENEWED):
        if of[how]:
            yield f"{how.value}: {', '.join(of[how])}"
    for store, why in passed_over.items():
        yield f"passed over: {store}, {why}; all the same: central stores enrol {store} --output DIR --bundle"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
