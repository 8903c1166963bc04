"""`central upgrade`: its options, and what it tells."""

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from central.client import Connection, connect
from central.errors import UsageError
from central.gate.command import gate_option
from central.gate.folder import GateFolder
from central.stores.apply import Cluster
from central.stores.inventory import items
from central.stores.listing import listed
from central.stores.register import Line, in_force
from central.upgrades.artefact import load
from central.upgrades.offer import share
from central.upgrades.progress import progress
from central.upgrades.published import Files, Wanted
from central.upgrades.signing import PUBLIC_NAME, load_key, make_key, public_text

DESCRIPTION: Final = (
    "Upgrades the stores' agents from afar, some stores first. Off until init, and only stores whose bundle "
    "was made with --upgrades ask for it. Run it where the gate's directory is."
)
_MOST_PERCENT: Final = 100
Connecting = Callable[[], Connection]
"""Only who asks the cluster needs to be told where it is."""


def options(parser: argparse.ArgumentParser, cluster: argparse.ArgumentParser) -> None:
    """Add the sub-commands; each sets `told`, a function of the options and of what gives the connection.

    Args:
        parser: of `central upgrade`.
        cluster: the options by which the cluster is named.
    """
    commands = parser.add_subparsers(dest="upgrade_command", required=True, metavar="COMMAND")

    def command(name: str, text: str, *, of_cluster: bool = True) -> argparse.ArgumentParser:
        parents = [cluster] if of_cluster else []
        made = commands.add_parser(name, parents=parents, help=text, description=text, allow_abbrev=False)
        gate_option(made)
        return made

    made = command("init", "make the key that upgrades are signed with", of_cluster=False)
    _key_option(made)
    made.add_argument(
        "--replace", action="store_true", help="stores that have the old key take nothing until a new bundle"
    )
    made.set_defaults(told=init)
    made = command("publish", "offer an agent to some stores, or to all")
    made.add_argument("file", type=Path, metavar="AGENT.pyz", help="the agent, as make agent builds it")
    _key_option(made)
    whom = made.add_mutually_exclusive_group(required=True)
    whom.add_argument("--stores", metavar="A,B", help="to these stores")
    whom.add_argument(
        "--percent", type=_percent, metavar="N", help="to so many of a hundred; 20 includes the 10 before"
    )
    whom.add_argument("--all", action="store_true", help="to every store")
    made.add_argument("--allow-older", action="store_true", help="stores with a newer version take it too")
    made.set_defaults(told=publish)
    made = command("halt", "offer nothing any more; what is installed stays", of_cluster=False)
    made.set_defaults(told=halt)
    made = command("status", "who is offered it, who has it, and who rolled it back")
    made.add_argument("--json", action="store_true", help="as JSON")
    made.set_defaults(told=status)


def init(given: argparse.Namespace, _: Connecting) -> Iterator[str]:
    """`central upgrade init`."""
    folder = GateFolder(given.gate)
    folder.require()
    known = Files(folder).public_key()
    new = not given.key.exists()
    if new and known is not None and not given.replace:
        raise UsageError(
            f"{folder.path / PUBLIC_NAME} is there already, and --key {given.key} is not: name the file of "
            "its key, or make another one by --replace: then every store needs a new bundle"
        )
    key = make_key(given.key) if new else load_key(given.key)
    text = public_text(key)
    if known is not None and known.split() != text.split() and not given.replace:
        raise UsageError(
            f"--key {given.key} does not belong to {folder.path / PUBLIC_NAME}: name the other file, or "
            "--replace: then every store needs a new bundle"
        )
    with folder.locked():
        folder.write(PUBLIC_NAME, text)
    if new:
        yield f"{given.key}: made; whoever has it can put programs on every store: keep it away from here"
    yield f"{folder.path / PUBLIC_NAME}: bundles made with --upgrades carry it; others are never upgraded"
    if not folder.settings().door:
        yield "this gate has no door, and only a door serves upgrades: central gate init --door"


def publish(given: argparse.Namespace, connecting: Connecting) -> Iterator[str]:
    """`central upgrade publish`."""
    folder = GateFolder(given.gate)
    folder.require()
    files = Files(folder)
    artefact, key = load(given.file), load_key(given.key)
    now = datetime.now(UTC)
    connection = connecting()
    register = Cluster(connect(connection), connection).register()
    stores = _chosen(given, register, artefact.version, now)
    before = files.offer()
    manifest = files.publish(key, artefact, Wanted(stores, given.allow_older), now)
    whom = "all stores" if manifest.stores is None else f"{len(manifest.stores)} of {len(register)} stores"
    yield f"{manifest.version} is offered to {whom}; they ask within the hour"
    if manifest.stores is not None:
        yield f"offered to: {', '.join(manifest.stores)}"
        if before is not None and before.manifest.version == manifest.version:
            old = before.manifest.stores or tuple(sorted(register))
            if gone := sorted(set(old) - set(manifest.stores)):
                yield f"no longer offered to: {', '.join(gone)}"
    yield "look at it: central upgrade status; stop it: central upgrade halt"
    if not folder.settings().door:
        yield "this gate has no door, and only a door serves upgrades: central gate init --door"


def halt(given: argparse.Namespace, _: Connecting) -> Iterator[str]:
    """`central upgrade halt`."""
    folder = GateFolder(given.gate)
    folder.require()
    manifest = Files(folder).halt()
    if manifest is None:
        yield "nothing is offered"
    else:
        yield f"{manifest.version} is not offered any more; stores that have it keep it"


def status(given: argparse.Namespace, connecting: Connecting) -> Iterator[str]:
    """`central upgrade status`."""
    folder = GateFolder(given.gate)
    folder.require()
    files = Files(folder)
    on = files.public_key() is not None
    offer = files.offer()
    if offer is None:
        if given.json:
            yield json.dumps({"on": on, "offer": None}, indent=2)
        else:
            yield "nothing is offered" if on else "upgrades are off: central upgrade init --key FILE"
        return
    connection = connecting()
    stores = listed(connect(connection), connection)
    found = progress(offer.manifest, items(stores, offer.manifest))
    if given.json:
        yield json.dumps({"on": on, "offer": found.as_dict()}, ensure_ascii=False, indent=2)
    else:
        yield from found.lines()


def _chosen(
    given: argparse.Namespace, register: dict[str, tuple[Line, ...]], version: str, now: datetime
) -> tuple[str, ...] | None:
    """The stores that were asked for; None: all of them."""
    if given.all:
        return None
    if given.percent is not None:
        still = [store for store, lines in register.items() if not in_force(lines, now).closed(now)]
        if not still:
            raise UsageError("--percent: no store is registered: central stores apply FILE.csv")
        return share(still, version, given.percent)
    names = [name.strip() for name in given.stores.split(",") if name.strip()]
    if unknown := [name for name in names if name not in register]:
        raise UsageError(f"--stores {', '.join(unknown)}: not in the register; central stores list shows it")
    if not names:
        raise UsageError("--stores names nobody: write the ids, such as Loja001,Loja002")
    return tuple(dict.fromkeys(names))


def _key_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="the private key, for the maintainer alone"
    )


def _percent(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MOST_PERCENT:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 1 to {_MOST_PERCENT}")
    return int(text)
