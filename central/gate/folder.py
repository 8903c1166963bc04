"""The gate's directory: every file is written whole, secrets for the service's user only."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any, Final

from central.errors import CentralError, UsageError

DEFAULT: Final = "/etc/pabx-gate"
VARIABLE: Final = "PABX_GATE"
_SECRET, _PUBLIC = 0o600, 0o644


@dataclass(frozen=True)
class Settings:
    """Where the gate listens and where it delivers to.

    Attributes:
        host: the name by which the stores reach it; its certificate is made for it.
        port: TCP port that the stores connect to.
        listen: address that it is bound to.
        inner_port: of Fluent Bit's Forward input, on loopback.
        http_port: of health and metrics, on loopback.
        opensearch_host: the cluster's host.
        opensearch_port: and port.
        opensearch_tls: whether it speaks TLS.
        opensearch_user: who writes (role `pabx_ingest`); empty where the cluster asks for none.
        opensearch_password: of that user.
        opensearch_ca_file: the authority that signed the cluster's certificate; empty: the system's own.
        storage: where Fluent Bit keeps what is not delivered yet.
        client_certificates: a store must show a certificate of the gate's authority too.
        door: TLS ends at `central gate serve`; else Fluent Bit's own input takes it, for a few stores.
    """

    host: str
    port: int = 24224
    listen: str = "0.0.0.0"  # noqa: S104  # the stores come from the internet
    inner_port: int = 24225
    http_port: int = 2020
    opensearch_host: str = "127.0.0.1"
    opensearch_port: int = 9200
    opensearch_tls: bool = False
    opensearch_user: str = ""
    opensearch_password: str = field(default="", repr=False)
    opensearch_ca_file: str = ""
    storage: str = "/var/lib/pabx-gate"
    client_certificates: bool = False
    door: bool = True


@dataclass(frozen=True)
class Credential:
    """A store's.

    Attributes:
        token: the secret that the store logs in with.
        enrolled: when, UTC in ISO 8601.
        former: tokens that were replaced, and whose records may still be on their way.
    """

    token: str = field(repr=False)
    enrolled: str
    former: tuple[str, ...] = field(default=(), repr=False)


class GateFolder:
    """The directory.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """`central gate init` has made it."""
        return (self.path / "gate.json").is_file()

    def require(self) -> None:
        """Raise `UsageError` unless it is there."""
        if not self.exists():
            raise UsageError(
                f"{self.path} is no gate's directory: name it by --gate or {VARIABLE}, "
                "or make it: central gate init --host NAME"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One change at a time: two people may enrol at once."""
        with _explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True, mode=0o750)
            with (self.path / ".lock").open("w") as lock:
                flock(lock, LOCK_EX)
                yield

    def settings(self) -> Settings:
        """What `central gate init` was told."""
        return Settings(**self._json("gate.json"))

    def credentials(self) -> dict[str, Credential]:
        """Every enrolled store's, by its id."""
        if not (self.path / "credentials.json").is_file():
            return {}
        return {
            store: Credential(entry["token"], entry["enrolled"], tuple(entry["former"]))
            for store, entry in self._json("credentials.json").items()
        }

    def write_settings(self, settings: Settings) -> None:
        """Keep them."""
        self.write("gate.json", json.dumps(asdict(settings), indent=2), secret=True)

    def write_credentials(self, credentials: dict[str, Credential]) -> None:
        """Keep all of them."""
        body = {store: asdict(one) for store, one in sorted(credentials.items())}
        self.write("credentials.json", json.dumps(body, indent=2, ensure_ascii=False), secret=True)

    def read(self, name: str) -> str:
        """A file's text."""
        with _explained(self.path / name):
            return (self.path / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str, *, secret: bool = False) -> None:
        """Put a file there in one step; it belongs to whoever the directory belongs to."""
        write_file(self.path / name, text, mode=_SECRET if secret else _PUBLIC)

    def _json(self, name: str) -> dict[str, Any]:
        text = self.read(name)
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise CentralError(f"{self.path / name}: {error}: put back a backup of it") from error
        return found


def write_file(path: Path, content: str | bytes, *, mode: int) -> None:
    """Write a file whole or not at all; a text as UTF-8.

    Raises:
        CentralError: it cannot be written.
    """
    growing = path.with_name(f".{path.name}.new")
    with _explained(path):
        growing.unlink(missing_ok=True)
        descriptor = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(descriptor)
        owner = path.parent.stat()
        if os.geteuid() == 0:
            os.chown(growing, owner.st_uid, owner.st_gid)
        growing.replace(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CentralError(
            f"{error.filename or path}: {error.strerror or error}: run it as the user whom the directory "
            f"belongs to (ls -ld {path if path.is_dir() else path.parent})"
        ) from error
