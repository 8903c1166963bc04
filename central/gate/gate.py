"""Makes the gate, and lets stores in and out."""

import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final

from central.assets import assets_root
from central.certificates import Pair
from central.errors import CentralError, UsageError
from central.gate import control, render
from central.gate.certificates import ends, make_authority, make_client, make_server
from central.gate.folder import Credential, GateFolder, Settings, write_file
from central.gate.render import StoreFacts

TOKEN_BYTES: Final = 32
SHIPPED: Final = ("fluent-bit.yaml", "gate.lua")
STORE_FOLDER: Final = "/etc/pabx-shipper"
"""Where the technician puts the files on a store's machine."""


class Given(Enum):
    """What became of a store's credential."""

    NEW = "new"
    RENEWED = "renewed"
    KEPT = "kept"


@dataclass(frozen=True)
class Credit:
    """A store's credential, as it is now.

    Attributes:
        how: what became of it.
        token: the secret.
    """

    how: Given
    token: str = field(repr=False)


def make(folder: GateFolder, settings: Settings, now: dt.datetime) -> list[str]:
    """Make the gate's directory, or bring it up to date: certificates, key and credentials stay.

    Returns:
        What was done, one line each.

    Raises:
        CentralError: a file cannot be written.
    """
    done: list[str] = []
    with folder.locked():
        if not (folder.path / "ca.pem").exists():
            authority = make_authority(now)
            folder.write("ca-key.pem", authority.key, secret=True)
            folder.write("ca.pem", authority.certificate)
            done.append("made an authority: ca.pem goes to the stores, ca-key.pem to nobody")
        if not (folder.path / "shared-key").exists():
            folder.write("shared-key", secrets.token_urlsafe(TOKEN_BYTES) + "\n", secret=True)
            done.append("made the chain's shared key")
        renamed = folder.exists() and folder.settings().host != settings.host
        if renamed or not (folder.path / "server.pem").exists():
            _certify(folder, settings.host, now)
            done.append(f"made the server's certificate for {settings.host}")
        if not (folder.path / "credentials.json").exists():
            folder.write_credentials({})
        folder.write_settings(settings)
        for name in SHIPPED:
            source = assets_root() / "pipelines" / "fluent-bit" / name
            folder.write(name, source.read_text(encoding="utf-8"))
        folder.write("settings.yaml", render.settings_yaml(settings, str(folder.path.resolve())), secret=True)
        _write_users(folder)
        _write_keys(folder)
    return done


def renew_certificate(folder: GateFolder, now: dt.datetime) -> dt.datetime:
    """Make the server a new certificate, signed by the same authority: the stores need nothing new.

    Returns:
        When it expires.
    """
    folder.require()
    with folder.locked():
        return _certify(folder, folder.settings().host, now)


def enrol(folder: GateFolder, store: StoreFacts, output: Path, now: dt.datetime, *, renew: bool) -> None:
    """Make a store's credential, and the files for its machine.

    Args:
        folder: the gate's.
        store: what the register says.
        output: the directory for the store's files, made where it is missing.
        now: the clock, UTC.
        renew: replace the token of a store that has one.

    Raises:
        UsageError: the store is enrolled already.
        CentralError: a file cannot be written.
    """
    folder.require()
    with folder.locked():
        credentials = folder.credentials()
        old = credentials.get(store.id)
        if old is not None and not renew:
            raise UsageError(
                f"{store.id} is enrolled since {old.enrolled}: --renew replaces its token, and ends the one "
                "that its agent has"
            )
        made = _credential(old, now)
        _write_store_files(store_files(folder, store, made.token, now), output)
        _write_credentials(folder, {**credentials, store.id: made})


def credit(
    folder: GateFolder, stores: Collection[str], now: dt.datetime, *, renew: bool
) -> dict[str, Credit]:
    """Give each store a credential; one that has one keeps it, or gets another where `renew` says so.

    Raises:
        CentralError: a file cannot be written.
    """
    folder.require()
    with folder.locked():
        credentials = folder.credentials()
        found: dict[str, Credit] = {}
        for store in stores:
            old = credentials.get(store)
            how = Given.NEW if old is None else Given.RENEWED if renew else Given.KEPT
            one = old if old is not None and how is Given.KEPT else _credential(old, now)
            found[store] = Credit(how, one.token)
            credentials[store] = one
        _write_credentials(folder, credentials)
    return found


def revoke(folder: GateFolder, store: str) -> None:
    """End a store's credential: it cannot log in, and what it sends all the same goes to the quarantine.

    Raises:
        UsageError: it has none.
    """
    folder.require()
    with folder.locked():
        credentials = folder.credentials()
        if store not in credentials:
            raise UsageError(f"{store} has no credential here: central stores list shows who has")
        del credentials[store]
        folder.write_credentials(credentials)
        _write_users(folder)
        _write_keys(folder)


def take_in(folder: GateFolder) -> None:
    """Let the running Fluent Bit know; then tokens that were replaced end.

    Raises:
        NotRunningError: none runs here; it reads all when it starts.
        CentralError: it does not take it in.
    """
    control.reload(folder.settings().http_port)
    with folder.locked():
        credentials = folder.credentials()
        folder.write_credentials({store: replace(one, former=()) for store, one in credentials.items()})
        _write_keys(folder)


def _certify(folder: GateFolder, host: str, now: dt.datetime) -> dt.datetime:
    authority = Pair(folder.read("ca.pem"), folder.read("ca-key.pem"))
    try:
        server = make_server(authority, host, now)
    except (ValueError, TypeError) as error:
        raise CentralError(
            f"{folder.path}/ca.pem or ca-key.pem cannot be used ({error}): put back a backup of them"
        ) from error
    folder.write("server-key.pem", server.key, secret=True)
    folder.write("server.pem", server.certificate)
    return ends(server.certificate)


def _write_users(folder: GateFolder) -> None:
    shared_key = folder.read("shared-key").strip()
    where = str(folder.path.resolve())
    text = render.stores_yaml(folder.settings(), shared_key, folder.credentials(), where)
    folder.write("stores.yaml", text, secret=True)


def _write_keys(folder: GateFolder) -> None:
    folder.write("keys", render.keys(folder.credentials()), secret=True)


def _credential(old: Credential | None, now: dt.datetime) -> Credential:
    former = (*old.former, old.token) if old else ()
    return Credential(secrets.token_urlsafe(TOKEN_BYTES), now.strftime("%Y-%m-%dT%H:%M:%SZ"), former)


def _write_credentials(folder: GateFolder, credentials: dict[str, Credential]) -> None:
    folder.write_credentials(credentials)
    # The key counts before the user can log in: no record of theirs is ever refused.
    _write_keys(folder)
    _write_users(folder)


def store_files(
    folder: GateFolder, store: StoreFacts, token: str, now: dt.datetime, *, installed: bool = False
) -> dict[str, str]:
    """What a store's machine gets: name -> text; all but the certificates is the same each time.

    Args:
        folder: the gate's.
        store: what the register says.
        token: the store's.
        now: the clock, UTC.
        installed: an installer makes the PBX's passwords there, in files of their own.

    Raises:
        CentralError: a file of the gate cannot be used.
    """
    settings, shared_key = folder.settings(), folder.read("shared-key").strip()
    found = {"ca.pem": folder.read("ca.pem")}
    client = ""
    if settings.client_certificates:
        pair = make_client(Pair(found["ca.pem"], folder.read("ca-key.pem")), store.id, now)
        client = f"{STORE_FOLDER}/client"
        found |= {"client.pem": pair.certificate, "client-key.pem": pair.key}
    secrets_in = STORE_FOLDER if installed else ""
    found["shipper.toml"] = render.shipper_toml(
        settings, shared_key, token, store, f"{STORE_FOLDER}/ca.pem", client, secrets_in
    )
    return found


def _write_store_files(files: dict[str, str], output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CentralError(f"--output {output}: {error.strerror}: name a directory to write to") from error
    for name, text in files.items():
        write_file(output / name, text, mode=0o644 if name in {"ca.pem", "client.pem"} else 0o600)
