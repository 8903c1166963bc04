"""The texts that the gate and the stores read; pure functions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from central.gate.folder import Credential, Settings

HANDSHAKE_NAME: Final = "pabx-gate"
_MADE: Final = "# Made by central gate and central stores: do not edit, it is written anew.\n"


@dataclass(frozen=True)
class StoreFacts:
    """What a store's configuration needs of the register.

    Attributes:
        id: the store's id.
        timezone: IANA name; empty where the register does not say.
        area_code: DDD; empty likewise.
        trunks: names of its trunks.
    """

    id: str
    timezone: str = ""
    area_code: str = ""
    trunks: tuple[str, ...] = ()


def settings_yaml(settings: Settings, folder: str) -> str:
    """What `fluent-bit.yaml` takes from its surroundings; `folder` is the gate's directory.

    Its path is absolute: a relative one is not found when Fluent Bit reloads (measured with 5.1.1).
    """
    values = {
        "FOLDER": folder,
        "HTTP_PORT": settings.http_port,
        "STORAGE": settings.storage,
        "OPENSEARCH_HOST": settings.opensearch_host,
        "OPENSEARCH_PORT": settings.opensearch_port,
        "OPENSEARCH_TLS": "on" if settings.opensearch_tls else "off",
        "OPENSEARCH_USER": settings.opensearch_user,
        "OPENSEARCH_PASSWORD": settings.opensearch_password,
        "OPENSEARCH_CA_FILE": settings.opensearch_ca_file,
    }
    lines = [f"  PABX_GATE_{name}: {_quoted(value)}" for name, value in values.items()]
    return _MADE + "env:\n" + "\n".join(lines) + "\n"


def stores_yaml(
    settings: Settings, shared_key: str, credentials: Mapping[str, Credential], folder: str
) -> str:
    """The Forward input with each store's user.

    Args:
        settings: the gate's.
        shared_key: of the chain.
        credentials: by store.
        folder: the gate's directory.
    """
    values: dict[str, object] = {
        **(_behind_door(settings) if settings.door else _with_tls(settings, folder)),
        "storage.type": "filesystem",
        "storage.pause_on_chunks_overlimit": "on",
        "buffer_max_size": 6144000,
        "self_hostname": HANDSHAKE_NAME,
        "shared_key": shared_key,
    }
    comments = {
        **({"listen": "TLS ends at the door (central gate serve)"} if settings.door else {}),
        "tls": "this engine sleeps 0.5 s in each handshake: for a few stores; else central gate init --door",
        "net.accept_timeout": "one silent client holds all others up that long (default: 10 s)",
        "storage.type": "an acknowledged record is in a file; in memory, kill -9 lost all of them",
        "storage.pause_on_chunks_overlimit": "no acknowledgement instead of no room: the stores wait",
        "buffer_max_size": "a frame above it is never acknowledged; the agents stay below",
    }
    lines = [
        f"      {name}: {_quoted(value)}" + (f"  # {comments[name]}" if name in comments else "")
        for name, value in values.items()
    ]
    users = [f"        - {_quoted(f'{store} {one.token}')}" for store, one in sorted(credentials.items())]
    if not users:
        # Without users, whoever has the shared key would be let in; nobody knows this one's password.
        users = [f"        - {_quoted(f'nobody {sha256(shared_key.encode()).hexdigest()}')}"]
    head = f"{_MADE}pipeline:\n  inputs:\n    - name: forward\n"
    return head + "\n".join(lines) + "\n      security.users:\n" + "\n".join(users) + "\n"


def _behind_door(settings: Settings) -> dict[str, object]:
    return {"listen": "127.0.0.1", "port": settings.inner_port}


def _with_tls(settings: Settings, folder: str) -> dict[str, object]:
    asked = {"tls.ca_file": f"{folder}/ca.pem", "tls.verify_client_cert": "on"}
    return {
        "listen": settings.listen,
        "port": settings.port,
        "net.accept_timeout": "2s",
        "tls": "on",
        "tls.verify": "on" if settings.client_certificates else "off",
        "tls.min_version": "TLSv1.2",
        "tls.crt_file": f"{folder}/server.pem",
        "tls.key_file": f"{folder}/server-key.pem",
        **(asked if settings.client_certificates else {}),
    }


def keys(credentials: Mapping[str, Credential]) -> str:
    """What `gate.lua` checks records by: a line for each token that counts."""
    lines = [
        f"{store} {proof_key(token)}\n"
        for store, one in sorted(credentials.items())
        for token in (one.token, *one.former)
    ]
    return "".join(lines)


def proof_key(token: str) -> str:
    """The key of a store's records, in hexadecimal; the agent makes the same from its token."""
    return sha256(b"pabx-proof:" + token.encode()).hexdigest()


def shipper_toml(
    settings: Settings,
    shared_key: str,
    token: str,
    store: StoreFacts,
    ca_file: str,
    client: str = "",
    secrets_in: str = "",
) -> str:
    """A store's ready configuration.

    Args:
        settings: the gate's.
        shared_key: of the chain.
        token: the store's.
        store: what the register says of it.
        ca_file: where on the store's machine the authority's certificate will lie.
        client: prefix of the client certificate's path there, where the gate asks for one.
        secrets_in: directory there in which an installer keeps the PBX's passwords; empty: a person writes
            them into this file.
    """
    lines = [
        "# Made by head office for this store alone: whoever has this file can write as this store.",
        "[store]",
        f"id = {_quoted(store.id)}",
        *([f"timezone = {_quoted(store.timezone)}"] if store.timezone else []),
        *([f"area_code = {_quoted(store.area_code)}"] if store.area_code else []),
        *([f"trunks = {json.dumps(list(store.trunks), ensure_ascii=False)}"] if store.trunks else []),
        "",
        *(_pbx_files(secrets_in) if secrets_in else _PBX_BY_HAND),
        "",
        "[output]",
        'kind = "forward"',
        "",
        "[output.forward]",
        f"host = {_quoted(settings.host)}",
        f"port = {settings.port}",
        "tls = true",
        f"ca_file = {_quoted(ca_file)}",
        *([f"client_certificate = {_quoted(client + '.pem')}"] if client else []),
        *([f"client_certificate_key = {_quoted(client + '-key.pem')}"] if client else []),
        f"shared_key = {_quoted(shared_key)}",
        f"username = {_quoted(store.id)}",
        f"password = {_quoted(token)}",
    ]
    return "\n".join(lines) + "\n"


_PBX_BY_HAND: Final = (
    "[cdr]",
    "# The PBX's user, see docs/shipper.md: GRANT SELECT ON asteriskcdrdb.cdr TO 'shipper'@'127.0.0.1'",
    'password = ""',
)


def _pbx_files(folder: str) -> tuple[str, ...]:
    return (
        "# The installer makes the PBX's two users, and these two files.",
        "[cdr]",
        f"password_file = {_quoted(f'{folder}/cdr.password')}",
        "",
        "[ami]",
        f"secret_file = {_quoted(f'{folder}/ami.secret')}",
    )


def _quoted(value: object) -> str:
    """A JSON text is one of YAML and of TOML too."""
    return str(value) if isinstance(value, int) else json.dumps(str(value), ensure_ascii=False)
