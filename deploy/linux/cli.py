"""The installer's commands, from `install` to `keep-alive`: the only place that prints."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from deploy.linux import offer
from deploy.linux.bundle import read_artefact
from deploy.linux.install import install, require_root
from deploy.linux.keep_alive import keep_alive, stay
from deploy.linux.layout import Layout
from deploy.linux.machine import locked
from deploy.linux.site import Options, old_site, use_environment
from deploy.linux.text import LANGUAGES, InstallError, Language, Text, same
from deploy.linux.uninstall import uninstall
from deploy.linux.upgrade import finish_unfinished, rollback, upgrade
from deploy.linux.verify import verify
from shipper.errors import ShipperError

DONE, FAILED, USAGE = 0, 1, 2
_YES: Final = {"s", "sim", "y", "yes"}


class _Person:
    """Whoever reads this."""

    def __init__(self, language: Language, *, yes: bool = False, dry_run: bool = False) -> None:
        self.language = language
        self.yes = yes
        self.dry_run = dry_run

    def tell(self, text: Text) -> None:
        """Say it."""
        print(text.spoken(self.language), flush=True)

    def complain(self, text: Text) -> None:
        """Say what went wrong."""
        print(f"shipper: {text.spoken(self.language)}", file=sys.stderr, flush=True)

    def ask(self) -> bool:
        """Whether to go on."""
        if self.dry_run:
            self.tell(
                Text("Foi só uma simulação: nada foi mudado.", "Only a rehearsal: nothing was changed.")
            )
            return False
        if self.yes:
            return True
        if not sys.stdin.isatty():
            raise InstallError(
                Text("não há ninguém para responder", "there is nobody to answer"),
                Text("acrescente --yes para confirmar", "add --yes to confirm"),
                USAGE,
            )
        question = Text("Continuar? [s/N] ", "Go on? [y/N] ")
        try:
            answer = input(question.spoken(self.language))
        except EOFError:
            answer = ""
        if answer.strip().lower() in _YES:
            return True
        self.tell(Text("Nada foi mudado.", "Nothing was changed."))
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done, 1 something failed or was not wanted, 2 wrong usage or a bundle that cannot be used.
    """
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        cast("Any", stream).reconfigure(errors="replace")
    person = _Person(
        options.language, yes=getattr(options, "yes", True), dry_run=getattr(options, "dry_run", False)
    )
    layout = Layout()
    os.umask(0o022)  # what must not be read by others says so itself
    try:
        require_root(layout)
        _run_from_real_path(layout)
        return int(options.run(layout, options, person))
    except InstallError as error:
        person.complain(error.text)
        return error.exit_code
    except ShipperError as error:
        person.complain(same(str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        person.complain(
            Text("interrompido; rode o mesmo comando de novo", "stopped; run the same command again")
        )
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shipper", description="Installs the agent on a store's Linux.", allow_abbrev=False
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--language", choices=LANGUAGES, default="pt-BR", help="of what is told (pt-BR)")
    asked = argparse.ArgumentParser(add_help=False)
    asked.add_argument("--yes", action="store_true", help="do not ask")
    asked.add_argument("--dry-run", action="store_true", help="only show what would be done")
    asked.add_argument("--no-database", action="store_true", help="leave the database user alone")
    asked.add_argument("--no-ami", action="store_true", help="leave Asterisk's manager user alone")
    asked.add_argument(
        "--database-admin-file", type=Path, metavar="FILE", help="[client] of MariaDB's administrator (root)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=text, description=text, parents=[common, *parents], allow_abbrev=False
        )

    installed = command("install", "Install a store's bundle, or bring it up to date.", asked)
    installed.add_argument(
        "--bundle", type=Path, required=True, metavar="ZIP", help="the zip, or its directory"
    )
    installed.add_argument("--replace", action="store_true", help="in the place of another store's")
    installed.set_defaults(run=_install)
    removed = command("uninstall", "Remove the agent and all that was made for it.", asked)
    removed.set_defaults(run=_uninstall)
    verified = command("verify", "Try every part, and say whether the agent runs and what to do.")
    verified.set_defaults(run=_verify)
    upgraded = command("upgrade", "Put another version in place; the old one comes back if it does not work.")
    which = upgraded.add_mutually_exclusive_group(required=True)
    which.add_argument("file", nargs="?", type=Path, metavar="FILE.pyz", help="the new agent")
    which.add_argument("--fetch", action="store_true", help="ask head office for a signed one")
    upgraded.add_argument("--allow-older", action="store_true", help="also by an older version")
    upgraded.set_defaults(run=_upgrade)
    back = command("rollback", "Go back to the version before.")
    back.set_defaults(run=_rollback)
    kept = command("keep-alive", "Start the agent if none runs.")
    kept.add_argument("--stay", action="store_true", help="each minute, until stopped")
    kept.set_defaults(run=_keep_alive)
    return parser


def _run_from_real_path(layout: Layout) -> None:
    """Start anew by the path without links: an upgrade turns them round under this process."""
    called = Path(sys.path[0] or ".").absolute()
    if called in (layout.launcher, layout.agent) and called.resolve() != called:
        os.execv(sys.executable, [sys.executable, str(called.resolve()), *sys.argv[1:]])  # noqa: S606  # ourselves


def _options(options: argparse.Namespace) -> Options:
    return Options(
        database=not options.no_database,
        ami=not options.no_ami,
        admin_file=options.database_admin_file,
        replace=getattr(options, "replace", False),
        rehearse=options.dry_run,
    )


@contextmanager
def _alone(layout: Layout, person: _Person) -> Iterator[None]:
    """Nobody else installs meanwhile; a rehearsal leaves not even a lock behind."""
    if person.dry_run:
        yield
        return
    with locked(layout, wait=True, busy=lambda: _waits(person)):
        yield


def _verify(layout: Layout, options: argparse.Namespace, person: _Person) -> int:
    del options
    return DONE if verify(layout, person.tell) else FAILED


def _install(layout: Layout, options: argparse.Namespace, person: _Person) -> int:
    with _alone(layout, person):
        done = install(layout, options.bundle.absolute(), _options(options), person.tell, person.ask)
    return DONE if done or options.dry_run else FAILED


def _uninstall(layout: Layout, options: argparse.Namespace, person: _Person) -> int:
    with _alone(layout, person):
        done = uninstall(layout, _options(options), person.tell, person.ask)
        if done and not person.dry_run and not layout.home.exists():
            layout.lock.unlink(missing_ok=True)
    return DONE if done or options.dry_run else FAILED


def _upgrade(layout: Layout, options: argparse.Namespace, person: _Person) -> int:
    with locked(layout, wait=True, busy=lambda: _waits(person)):
        site = old_site(layout, Options())
        finish_unfinished(site, person.tell)
        file = options.file
        if options.fetch:
            use_environment(layout)
            file = offer.fetch(layout.config)
            if file is None:
                person.tell(Text("Nada a fazer: nenhuma versão nova.", "Nothing to do: no new version."))
                return DONE
        allowed = options.allow_older or options.fetch  # what head office signed is judged by `offer`
        if not upgrade(site, read_artefact(file), person.tell, allow_older=allowed):
            person.tell(
                Text("Nada a fazer: esta versão já está em uso.", "Nothing to do: it is in use already.")
            )
    return DONE


def _rollback(layout: Layout, options: argparse.Namespace, person: _Person) -> int:
    del options
    with locked(layout, wait=True, busy=lambda: _waits(person)):
        rollback(old_site(layout, Options()), person.tell)
    return DONE


def _keep_alive(layout: Layout, options: argparse.Namespace, person: _Person) -> int:
    if options.stay:
        stay(layout)
    else:
        keep_alive(layout, person.tell)
    return DONE


def _waits(person: _Person) -> None:
    person.tell(
        Text("Outra instalação está em andamento; esperando.", "Another installation is at work; waiting.")
    )
