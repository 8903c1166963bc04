"""What the steps of an installation know: the machine, the store's settings, and what was asked for."""

import os
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.linux import manager
from deploy.linux.administrator import Admin, administrator
from deploy.linux.bundle import Bundle, store_of
from deploy.linux.layout import Layout
from deploy.linux.machine import local_environment, text_of
from deploy.linux.service import Service
from deploy.linux.settings import fitted
from deploy.linux.text import InstallError, Text
from shipper.config import Config, load
from shipper.errors import ConfigError

DATABASE_SECRET: Final = "cdr.password"  # noqa: S105  # a file's name
AMI_SECRET: Final = "ami.secret"  # noqa: S105  # likewise
"""Files beside the settings, which these name; made by the installer, never by head office."""


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        database: make the database user.
        ami: make the AMI user.
        admin_file: how MariaDB's administrator logs in; None: root by the socket.
        replace: another store is installed here, and this one takes its place.
        rehearse: nothing is to be changed.
    """

    database: bool = True
    ami: bool = True
    admin_file: Path | None = None
    replace: bool = False
    rehearse: bool = False


@dataclass(frozen=True)
class Site:
    """One machine and what it is to become, or what it is.

    Attributes:
        layout: of the machine.
        options: what was asked for.
        config: the settings; secrets that lie on the machine alone are not in it.
        settings: their text.
        bundle: what is installed; None: nothing new is.
    """

    layout: Layout
    options: Options
    config: Config
    settings: str
    bundle: Bundle | None = None

    @property
    def new(self) -> Bundle:
        """What is installed.

        Raises:
            ValueError: nothing new is.
        """
        if self.bundle is None:
            raise ValueError("this site has no bundle")
        return self.bundle

    @property
    def service(self) -> Service:
        """The agent as a service."""
        return Service(self.layout, Path(self.config.spool.path))

    def admin(self) -> Admin:
        """How MariaDB's administrator logs in.

        Raises:
            InstallError: there is no way.
        """
        return administrator(self.options.admin_file, self.layout.root, self.config.cdr)

    def secret(self, name: str) -> str:
        """A secret of this machine; empty: it is not made yet."""
        return (text_of(self.layout.config / name) or "").strip()

    def general(self) -> manager.General | None:
        """What Asterisk's manager interface is set to; None: there is no such file."""
        text = text_of(self.layout.asterisk / manager.MAIN)
        return None if text is None else manager.general(text)


def new_site(layout: Layout, options: Options, bundle: Bundle) -> Site:
    """A machine that is to get a bundle.

    Raises:
        InstallError: the bundle's settings cannot be used.
    """
    config = parsed(bundle.settings, f"{bundle.source}/shipper.toml")
    found = Site(layout, options, config, bundle.settings, bundle).general()
    port = None if found is None or found.port == config.ami.port else found.port
    settings = fitted(bundle.settings, port)
    return Site(layout, options, parsed(settings, f"{bundle.source}/shipper.toml"), settings, bundle)


def old_site(layout: Layout, options: Options) -> Site:
    """A machine as it is; with the usual names where its settings are gone or cannot be read."""
    settings = text_of(layout.settings) or ""
    usual = f'store.id = "{store_of(settings) or "unknown"}"\noutput.forward.host = "unknown"\n'
    try:
        config = parsed(settings, str(layout.settings), local_environment(layout))
    except InstallError:
        settings = usual
        config = parsed(usual, str(layout.settings))
    return Site(layout, options, config, settings)


def parsed(text: str, source: str, environ: dict[str, str] | None = None) -> Config:
    """Read settings whose secrets may not be there yet.

    Args:
        text: of `shipper.toml`.
        source: what to call it.
        environ: overrides.

    Raises:
        InstallError: they cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="pabx-shipper-") as folder:
        file = Path(folder, "shipper.toml")
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
        try:
            table = tomllib.loads(text)
            placeholders = dict.fromkeys(_secret_variables(table, "SHIPPER"), "-")
            return load(file, {**placeholders, **(environ or {})})
        except (ConfigError, tomllib.TOMLDecodeError) as error:
            said = str(getattr(error, "problem", error)).replace(str(file), source)
            raise InstallError(
                Text(f"as configurações não servem: {said}", f"the settings cannot be used: {said}"),
                Text(
                    "peça à central o arquivo da loja de novo", "ask head office for the store's file again"
                ),
                2,
            ) from error


def _secret_variables(table: dict[str, Any], prefix: str) -> Iterator[str]:
    """The variables that stand in for `password_file` and the like."""
    for key, value in table.items():
        name = f"{prefix}_{key.upper()}"
        if isinstance(value, dict):
            yield from _secret_variables(value, name)
        elif key.endswith("_file") and key != "ca_file":
            yield name.removesuffix("_FILE")


def use_environment(layout: Layout) -> None:
    """Let this process see the machine's own settings, as the agent does."""
    os.environ.update(local_environment(layout))
