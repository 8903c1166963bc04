"""How MariaDB's administrator logs in: root by the server's socket, or whoever a file names."""

import configparser
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.linux.machine import start_command
from deploy.linux.text import InstallError, Text, english, reason
from shipper.config import CdrSettings

SOCKETS: Final = ("run/mysqld/mysqld.sock", "var/run/mysqld/mysqld.sock", "var/lib/mysql/mysql.sock")
_TELLS: Final = {"user", "password", "socket", "host", "port"}


@dataclass(frozen=True)
class Admin:
    """How MariaDB's administrator logs in.

    Attributes:
        socket: the server's; None: by address.
        user: who.
        password: theirs; empty by the socket, where root needs none.
        host: address.
        port: TCP.
        file: that says so; None: nobody named one.
    """

    socket: str | None
    user: str = "root"
    password: str = ""
    host: str = "127.0.0.1"
    port: int = 3306
    file: Path | None = None


def administrator(file: Path | None, root: Path, settings: CdrSettings) -> Admin:
    """Root by the server's socket, or whoever a file of MariaDB's own shape names.

    Args:
        file: with a section `[client]`; None: root.
        root: of the file system.
        settings: `[cdr]`.

    Raises:
        InstallError: the file cannot be used, or no server is there.
    """
    there = next((str(root / name) for name in SOCKETS if (root / name).is_socket()), None)
    if file is not None:
        client = _client(file)
        return Admin(
            client.get("socket") or (None if "host" in client else there),
            client.get("user", "root"),
            client.get("password", ""),
            client.get("host", settings.host),
            int(client.get("port", settings.port)),
            file,
        )
    if there is None:
        start = start_command(root, "mariadb")
        raise InstallError(
            Text(
                f"o MariaDB deste PABX não está ligado (não há /{SOCKETS[0]})",
                f"the PBX's MariaDB does not run (there is no /{SOCKETS[0]})",
            ),
            Text(
                f"ligue-o ({start}) e rode de novo; "
                "se ele fica em outro lugar: --database-admin-file ARQUIVO; sem mexer nele: --no-database",
                f"start it ({start}) and run this again; "
                "where it is elsewhere: --database-admin-file FILE; to leave it alone: --no-database",
            ),
        )
    return Admin(there)


def _client(file: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(allow_no_value=True, strict=False, interpolation=None)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
        found = {name: (value or "").strip("\"'") for name, value in parser["client"].items()}
        int(found.get("port") or 0)
    except OSError as error:
        why = reason(error)
        raise InstallError(
            Text(f"{file} não pode ser lido ({why.pt})", f"{file} cannot be read ({why.en})"),
            Text(f"veja: ls -l {file}", f"see: ls -l {file}"),
            2,
        ) from error
    except (configparser.Error, KeyError, ValueError) as error:
        raise _unusable(file, " ".join(str(error).split())) from error
    if not found.keys() & _TELLS:  # all on one line is taken for the section's name alone
        raise _unusable(file, "nothing below [client]")
    return found


def _unusable(file: Path, why: str) -> InstallError:
    return InstallError(
        Text(f"{file} não serve", f"{file} cannot be used") + english(f" ({why})"),
        Text(
            "escreva [client] e abaixo, cada um na sua linha, user=… e password=…",
            "write [client] and below it, on a line each, user=… and password=…",
        ),
        2,
    )
