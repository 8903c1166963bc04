"""Head office with a door and a signing key, and stores that ask it for upgrades; no Fluent Bit is needed."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from central.gate import gate as making
from central.gate.folder import GateFolder, Settings
from central.gate.render import StoreFacts
from central.upgrades.artefact import Artefact
from central.upgrades.offer import Manifest
from central.upgrades.published import Files, Wanted
from central.upgrades.signing import PUBLIC_NAME, make_key, public_text
from compose.stack.ports import free_port
from deploy.linux.offer import fetch
from tests.gate.running import now
from tests.shipper.store import eventually


def agent(version: str, filling: int = 0) -> Artefact:
    """A small file of an agent's shape; with filling, that many bytes more that do not compress."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("__main__.py", "import shipper\n")
        archive.writestr("shipper/__init__.py", f'"""The agent."""\n\n__version__ = "{version}"\n')
        archive.writestr("shipper/cli.py", "")
        archive.writestr("filling", os.urandom(filling))
    return Artefact(made.getvalue(), version)


class Office:
    """Head office's machine: a gate's directory, its door, and the maintainer's key.

    Args:
        folder: where everything of it lies.
    """

    def __init__(self, folder: Path, *, client_certificates: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = GateFolder(folder / "gate")
        self.settings = Settings(
            "localhost",
            port=free_port(),
            listen="127.0.0.1",
            inner_port=free_port(),
            http_port=free_port(),
            opensearch_port=free_port(),
            client_certificates=client_certificates,
        )
        making.make(self.folder, self.settings, now())
        self.key = make_key(folder / "upgrade.key")
        self.folder.write(PUBLIC_NAME, public_text(self.key))
        self.log = folder / "door.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def files(self) -> Files:
        return Files(self.folder)

    @property
    def offer(self) -> Path:
        return self.files.path / "offer.json"

    def open(self) -> None:
        """Start the door."""
        command = [sys.executable, "-m", "central", "gate", "serve", "--gate", str(self.folder.path)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(lambda: "stores come in on" in self.text, f"the door ({self.log})")

    @property
    def text(self) -> str:
        return self.log.read_text()

    def publish(self, artefact: Artefact, *stores: str, allow_older: bool = False) -> Manifest:
        """Offer it to these stores; to all where none is named."""
        wanted = Wanted(stores or None, allow_older)
        return self.files.publish(self.key, artefact, wanted, now())

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Site:
    """A store's machine, as an installer leaves it.

    Args:
        office: whose store it is; with a door that is open.
        folder: where everything of it lies.
        store: its id.
        login: whose credential it has got; its own.
    """

    def __init__(self, office: Office, folder: Path, store: str = "Loja001", login: str = "") -> None:
        self.etc, self.home, self.spool = folder / "etc", folder / "opt", folder / "var"
        for made in (self.etc, self.home, self.spool):
            made.mkdir(parents=True)
        token = making.credit(office.folder, [login or store], now(), renew=False)[login or store].token
        files = making.store_files(office.folder, StoreFacts(store), token, now())
        (self.etc / "upgrade.pub").write_text(office.folder.read(PUBLIC_NAME))
        for name, text in files.items():
            (self.etc / name).write_text(text.replace("/etc/pabx-shipper", str(self.etc)))
        self.config.write_text(
            self.config.read_text().replace(f'username = "{store}"', f'username = "{login or store}"')
            + f"\n[spool]\npath = {json.dumps(str(self.spool / 'spool.db'))}\n"
        )

    @property
    def config(self) -> Path:
        return self.etc / "shipper.toml"

    @property
    def result(self) -> dict[str, Any] | None:
        """What `upgrade.json` says, without its moment."""
        file = self.spool / "upgrade.json"
        if not file.exists():
            return None
        found: dict[str, Any] = json.loads(file.read_text())
        assert found.pop("at").endswith("Z")
        return found

    def fetch(self, current: str = "0.1.0") -> Path | None:
        """Ask for an upgrade, as the timer does."""
        return fetch(self.etc, home=self.home, current=current)
