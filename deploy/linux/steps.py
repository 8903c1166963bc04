"""The parts of an installation: each says what it would do, does it, and is undone.

A step asks the machine, not a memory of what was done: so the same command goes on from where another one
ended, and does nothing where all is right.
"""

import secrets
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from deploy.linux import holding, versions
from deploy.linux.bundle import numbers
from deploy.linux.layout import USER
from deploy.linux.machine import (
    must,
    point,
    program,
    run,
    user_exists,
    writing,
)
from deploy.linux.site import Site
from deploy.linux.text import InstallError, Text


@dataclass(frozen=True)
class Step(ABC):
    """One part of an installation.

    Attributes:
        site: the machine.
    """

    site: Site

    @abstractmethod
    def plan(self) -> list[Text]:
        """What it would do now; empty: all is as it should be.

        Raises:
            InstallError: it could not be done.
        """

    @abstractmethod
    def do(self) -> None:
        """Do it.

        Raises:
            InstallError: it was not done.
        """

    def undo_plan(self) -> list[Text]:
        """What the removal would do; empty: nothing of it is there."""
        return []

    def undo(self) -> None:  # noqa: B027  # most steps of settings go with their directory
        """Remove it.

        Raises:
            InstallError: it was not removed.
        """


class SystemUser(Step):
    """The user that the agent runs as."""

    def plan(self) -> list[Text]:
        """Make it where it is missing."""
        if user_exists():
            return []
        if program("useradd") is None:
            raise InstallError(
                Text("o programa useradd não existe aqui", "there is no program useradd here"),
                Text("instale-o: apt-get install passwd", "install it: apt-get install passwd"),
            )
        return [
            Text(
                f"criar o usuário do sistema {USER}, sem senha e sem shell",
                f"make the system user {USER}, without password or shell",
            )
        ]

    def do(self) -> None:
        """Make it."""
        if user_exists():
            return
        home = str(self.site.layout.state)
        shell = program("nologin") or "/usr/sbin/nologin"
        must(
            [
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--home-dir",
                home,
                "--shell",
                shell,
                USER,
            ]
        )

    def undo_plan(self) -> list[Text]:
        """Remove it."""
        return (
            [Text(f"remover o usuário do sistema {USER}", f"remove the system user {USER}")]
            if user_exists()
            else []
        )

    def undo(self) -> None:
        """Remove it, and its group."""
        if user_exists():
            must(["userdel", USER])
        run(["groupdel", USER])  # userdel has done it, where the group is the user's own


class Version(Step):
    """The agent itself, where none is installed yet; `upgrade` is what replaces one."""

    def plan(self) -> list[Text]:
        """Lay it down, or put right a file that is not whole."""
        layout, agent = self.site.layout, self.site.new.agent
        if not self._wanted() or (
            versions.is_there(layout, agent) and versions.current(layout) and not self._replaced
        ):
            return []
        where = versions.path_of(layout, agent.version)
        return [
            Text(f"gravar o agente {agent.version} em {where}", f"write the agent {agent.version} to {where}")
        ]

    def do(self) -> None:
        """Lay it down."""
        if self._wanted():
            versions.put(self.site.layout, self.site.new.agent)
            versions.switch(self.site.layout, self.site.new.agent.version)

    def undo_plan(self) -> list[Text]:
        """Remove all versions."""
        home = self.site.layout.home
        return [Text(f"apagar {home}", f"delete {home}")] if home.exists() else []

    def undo(self) -> None:
        """Remove all versions."""
        remove(self.site.layout.home)

    def _wanted(self) -> bool:
        found = versions.current(self.site.layout)
        return not found or self._replaced or found == self.site.new.agent.version

    @property
    def _replaced(self) -> bool:
        """What was never allowed to run needs no way back: it is replaced, and checked after that."""
        return self.newer and bool(holding.why(self.site.layout))

    @property
    def newer(self) -> bool:
        """A version is installed, and the bundle's is newer."""
        found = versions.current(self.site.layout)
        return bool(found) and numbers(self.site.new.agent.version) > numbers(found)


class Launcher(Step):
    """The command `shipper`."""

    def plan(self) -> list[Text]:
        """Link it."""
        path = self.site.layout.launcher
        if self._is_ours():
            return []
        if path.is_symlink() or path.exists():
            raise InstallError(
                Text(f"{path} já existe e não é deste agente", f"{path} is there and is not this agent's"),
                Text(
                    f"tire-o do caminho: mv {path} {path}.antigo",
                    f"move it out of the way: mv {path} {path}.old",
                ),
            )
        return [Text(f"criar o comando {path}", f"make the command {path}")]

    def do(self) -> None:
        """Link it."""
        if not self._is_ours():
            path = self.site.layout.launcher
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            point(path, str(self.site.layout.agent))

    def undo_plan(self) -> list[Text]:
        """Remove it."""
        path = self.site.layout.launcher
        return [Text(f"apagar {path}", f"delete {path}")] if self._is_ours() else []

    def undo(self) -> None:
        """Remove it."""
        if self._is_ours():
            remove(self.site.layout.launcher)

    def _is_ours(self) -> bool:
        path = self.site.layout.launcher
        try:
            return path.readlink() == self.site.layout.agent
        except OSError:
            return False


def new_secret() -> str:
    """192 bits of chance, in characters that no configuration file has a use for."""
    return secrets.token_urlsafe(24)


def remove(path: Path) -> None:
    """Delete a file, a link or a directory, if it is there.

    Raises:
        InstallError: it cannot be.
    """
    with writing(path):
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
