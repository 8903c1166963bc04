"""`python -m compose.docker.prepare`: certificates, passwords and the gate's directory, each in its volume.

Runs to its end at every start, as root of its container. What is there stays: nobody has to choose a
password, and none is in an image or in compose.yaml. Each volume is for the services that need it.
"""

import datetime as dt
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import bcrypt

from central.certificates import Pair
from compose.docker import certificates, texts

NODES: Final = ("opensearch", "opensearch-2", "opensearch-3")
SHARED_NAME: Final = "search"
"""Of all nodes that run: Docker's name service gives one that does."""
SERVER_UID: Final = 1000
"""Of OpenSearch and of Dashboards, in their makers' images."""
OUR_UID: Final = 10001
"""Of our own images; Fluent Bit runs by it too, for it reads the gate's directory."""
DASHBOARDS_FOLDER: Final = "/run/pabx"
_SECRET_BYTES: Final = 24
_SECRET, _PUBLIC, _FOLDER = 0o600, 0o644, 0o750


class PreparationError(Exception):
    """It cannot be done; the text says what mends it."""


@dataclass(frozen=True)
class Volumes:
    """Where each volume is mounted.

    Attributes:
        root: the folder that all but the gate's lie in.
        gate: the gate's directory; its own configuration names it, so that it is the same everywhere.
        storage: where Fluent Bit keeps what is not delivered.
    """

    root: Path = Path("/volumes")
    gate: Path = Path("/etc/pabx-gate")
    storage: Path = Path("/var/lib/pabx-gate")

    def __getitem__(self, name: str) -> Path:
        return self.root / name


def main() -> int:
    """Prepare all of it. Returns the exit code."""
    try:
        for line in prepare(Volumes(), os.environ.get("PABX_GATE_HOST") or "gate"):
            print(line)
    except (PreparationError, OSError, ValueError) as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(volumes: Volumes, host: str, run: Callable[[list[str]], None] | None = None) -> list[str]:
    """Make what is missing.

    Args:
        volumes: where they are.
        host: the name by which the stores reach the gate.
        run: runs `central`; None: this machine's.

    Returns:
        What was done, one line each.

    Raises:
        PreparationError: the gate cannot be made.
        OSError: a volume cannot be written.
    """
    done: list[str] = []
    own = volumes["authority"]
    folder(own, 0)
    pair = _authority(own, done)
    passwords = {user: _password(own, user, done) for user in texts.BACKEND_ROLES}

    nodes = volumes["opensearch-certificates"]
    folder(nodes, SERVER_UID)
    put(nodes / "ca.pem", pair.certificate, SERVER_UID, _PUBLIC)
    for name in NODES:
        _node(nodes, name, pair, done)
    users = volumes["opensearch-security"]
    folder(users, SERVER_UID)
    # A hash is different each time it is made, so it is kept.
    hashes = {user: keep(own / f"{user}.hash", partial(_hash, passwords[user]), 0) for user in passwords}
    for name, text in texts.security(hashes).items():
        put(users / name, text, SERVER_UID, _SECRET)
    folder(volumes["snapshots"], SERVER_UID)

    screens = volumes["dashboards"]
    folder(screens, SERVER_UID)
    cookie = keep(own / "cookie", lambda: secrets.token_urlsafe(32), 0)
    text = texts.dashboards(passwords[texts.SERVER], cookie, DASHBOARDS_FOLDER)
    put(screens / "opensearch_dashboards.yml", text, SERVER_UID, _SECRET)
    put(screens / "ca.pem", pair.certificate, SERVER_UID, _PUBLIC)

    for name in (texts.ADMIN, texts.ROUTINE):
        folder(volumes[name], OUR_UID)
        put(volumes[name] / "ca.pem", pair.certificate, OUR_UID, _PUBLIC)
        put(volumes[name] / "password", passwords[name] + "\n", OUR_UID, _SECRET)

    folder(volumes.gate, OUR_UID)
    folder(volumes.storage, OUR_UID)
    put(volumes.gate / "cluster-ca.pem", pair.certificate, OUR_UID, _PUBLIC)
    (run or _central)(_gate(volumes, host, own / f"{texts.GATE}.password"))
    done.append(f"the gate's directory is up to date; stores reach it as {host}")
    return done


def folder(path: Path, owner: int) -> None:
    """A volume's own folder, for one user."""
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, owner, owner)
    path.chmod(_FOLDER)


def put(path: Path, text: str, owner: int, mode: int) -> None:
    """Write a file whole or not at all; one that holds this already is left alone."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    growing = path.with_name(f".{path.name}.new")
    growing.unlink(missing_ok=True)
    with os.fdopen(
        os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8"
    ) as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.chown(growing, owner, owner)
    growing.replace(path)


def keep(path: Path, make: Callable[[], str], owner: int) -> str:
    """A secret that is made once, without the line's end."""
    if not path.exists():
        put(path, make() + "\n", owner, _SECRET)
    return path.read_text(encoding="utf-8").rstrip("\n")


def _authority(own: Path, done: list[str]) -> Pair:
    if not (own / "ca.pem").exists():
        made = certificates.make_authority(dt.datetime.now(dt.UTC))
        put(own / "ca-key.pem", made.key, 0, _SECRET)
        put(own / "ca.pem", made.certificate, 0, _PUBLIC)
        done.append("made the cluster's authority")
    return Pair(
        (own / "ca.pem").read_text(encoding="utf-8"), (own / "ca-key.pem").read_text(encoding="utf-8")
    )


def _node(nodes: Path, name: str, authority: Pair, done: list[str]) -> None:
    if (nodes / f"{name}.pem").exists():
        return
    also = (SHARED_NAME, "localhost", "127.0.0.1")
    made = certificates.make_node(authority, name, also, dt.datetime.now(dt.UTC))
    put(nodes / f"{name}-key.pem", made.key, SERVER_UID, _SECRET)
    put(nodes / f"{name}.pem", made.certificate, SERVER_UID, _PUBLIC)
    done.append(f"made the certificate of {name}")


def _password(own: Path, user: str, done: list[str]) -> str:
    file = own / f"{user}.password"
    if not file.exists():
        done.append(f"made the password of {user}")
    return keep(file, lambda: secrets.token_urlsafe(_SECRET_BYTES), 0)


def _hash(password: str) -> str:
    """As Security's own tool writes it: the same algorithm under its older letter."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(12)).decode().replace("$2b$", "$2y$", 1)


def _gate(volumes: Volumes, host: str, password_file: Path) -> list[str]:
    return [
        *(
            "--url",
            f"https://{SHARED_NAME}:9200",
            "--user",
            texts.GATE,
            "--password-file",
            str(password_file),
        ),
        *("--ca-file", str(volumes.gate / "cluster-ca.pem"), "gate", "init", "--gate", str(volumes.gate)),
        *("--host", host, "--storage", str(volumes.storage)),
    ]


def _central(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "central", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise PreparationError(ended.stderr.strip() or f"central ended with {ended.returncode}")


if __name__ == "__main__":
    sys.exit(main())
