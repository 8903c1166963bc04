"""Where everything lies on a store's machine; a leaf module."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

USER: Final = "pabx-shipper"
SERVICE: Final = "pabx-shipper.service"
UPGRADE_SERVICE: Final = "pabx-shipper-upgrade.service"
UPGRADE_TIMER: Final = "pabx-shipper-upgrade.timer"
AGENT: Final = "shipper.pyz"


@dataclass(frozen=True)
class Layout:
    """The paths.

    Attributes:
        root: of the file system; another one only in tests.
    """

    root: Path = Path("/")

    @property
    def home(self) -> Path:
        """The agent's versions; root's alone to write."""
        return self.root / "opt/pabx-shipper"

    @property
    def versions(self) -> Path:
        """One directory a version."""
        return self.home / "versions"

    @property
    def current(self) -> Path:
        """Link to the version that runs."""
        return self.home / "current"

    @property
    def previous(self) -> Path:
        """Link to what `rollback` goes back to."""
        return self.home / "previous"

    @property
    def unfinished(self) -> Path:
        """There while an upgrade is going on: which one."""
        return self.home / "upgrading.json"

    @property
    def held(self) -> Path:
        """There while no check has allowed the settings that lie here: nobody starts the agent."""
        return self.home / "held"

    @property
    def agent(self) -> Path:
        """The agent that runs, whatever its version."""
        return self.current / AGENT

    @property
    def launcher(self) -> Path:
        """What a person calls."""
        return self.root / "usr/local/bin/shipper"

    @property
    def config(self) -> Path:
        """The settings' directory."""
        return self.root / "etc/pabx-shipper"

    @property
    def settings(self) -> Path:
        """The agent's settings."""
        return self.config / "shipper.toml"

    @property
    def bundled(self) -> Path:
        """The settings as they were installed: whoever edits the others is noticed by it."""
        return self.config / "bundle.toml"

    @property
    def environment(self) -> Path:
        """Settings of this machine that no bundle replaces; made by whoever needs it."""
        return self.config / "environment"

    @property
    def upgrade_key(self) -> Path:
        """There where upgrades from afar are on."""
        return self.config / "upgrade.pub"

    @property
    def state(self) -> Path:
        """The agent's own directory."""
        return self.root / "var/lib/pabx-shipper"

    @property
    def log(self) -> Path:
        """What the agent says where systemd does not run."""
        return self.root / "var/log/pabx-shipper.log"

    @property
    def units(self) -> Path:
        """Of systemd."""
        return self.root / "etc/systemd/system"

    @property
    def cron(self) -> Path:
        """The table of cron, where systemd does not run."""
        return self.root / "etc/cron.d/pabx-shipper"

    @property
    def asterisk(self) -> Path:
        """Asterisk's configuration."""
        return self.root / "etc/asterisk"

    @property
    def lock(self) -> Path:
        """Held by whoever installs, upgrades, removes or starts."""
        return self.root / "run/pabx-shipper.lock"

    @property
    def systemd(self) -> Path:
        """There where systemd is process 1 (sd_booted(3))."""
        return self.root / "run/systemd/system"
