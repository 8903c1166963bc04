"""The agent's user in the PBX's MariaDB: may log in from this machine and read two tables, nothing else."""

import configparser
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pymysql

from deploy.linux.text import InstallError, Text, same
from shipper.config import CdrSettings

SOCKETS: Final = ("run/mysqld/mysqld.sock", "var/run/mysqld/mysqld.sock", "var/lib/mysql/mysql.sock")
LOCAL: Final = ("127.0.0.1", "localhost", "::1")
_SECONDS: Final = 15
_REFUSED: Final = {1045, 1044, 1698, 1130, 1227, 1142}
"""Access denied, in MariaDB's several ways (its list of error codes)."""
_NO_TABLE: Final = {1146, 1049, 1051}
_WEAK: Final = {1819}
_READ_ONLY: Final = {1290, 1836}


@dataclass(frozen=True)
class Admin:
    """How MariaDB's administrator logs in.

    Attributes:
        socket: the server's; None: by address.
        user: who.
        password: theirs; empty by the socket, where root needs none.
        host: address.
        port: TCP.
    """

    socket: str | None
    user: str = "root"
    password: str = ""
    host: str = "127.0.0.1"
    port: int = 3306


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
        )
    if there is None:
        raise InstallError(
            Text(
                f"o MariaDB deste PABX não está ligado (não há /{SOCKETS[0]})",
                f"the PBX's MariaDB does not run (there is no /{SOCKETS[0]})",
            ),
            Text(
                "ligue-o (systemctl start mariadb, ou service mariadb start) e rode de novo; "
                "se ele fica em outro lugar: --database-admin-file ARQUIVO; sem mexer nele: --no-database",
                "start it (systemctl start mariadb, or service mariadb start) and run this again; "
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
        raise InstallError(
            Text(f"{file} não pode ser lido ({error.strerror})", f"{file} cannot be read ({error.strerror})"),
            Text(f"veja: ls -l {file}", f"see: ls -l {file}"),
            2,
        ) from error
    except (configparser.Error, KeyError, ValueError) as error:
        raise InstallError(
            Text(f"{file} não serve ({error})", f"{file} cannot be used ({error})"),
            Text(
                "escreva [client] e abaixo user=… e password=…",
                "write [client] and below user=… and password=…",
            ),
            2,
        ) from error
    return found


def new_password() -> str:
    """One that a server with rules for passwords takes: all kinds of characters, 192 bits of chance."""
    return f"{secrets.token_urlsafe(24)}-aA1"


def _hosts(settings: CdrSettings) -> tuple[str, ...]:
    # A server that looks up names takes 127.0.0.1 for localhost, and one that does not, does not.
    return ("127.0.0.1", "localhost") if settings.host == "localhost" else (settings.host,)


def _tables(settings: CdrSettings) -> tuple[tuple[str, str], ...]:
    return (settings.database, settings.table), (settings.freepbx_database, "trunks")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@contextmanager
def _connection(admin: Admin) -> Iterator[Any]:
    try:
        connection = pymysql.connect(
            host=admin.host,
            port=admin.port,
            unix_socket=admin.socket,
            user=admin.user,
            password=admin.password,
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            write_timeout=_SECONDS,
            autocommit=True,
        )
    except (pymysql.Error, OSError) as error:
        raise _named(error, admin) from error
    try:
        yield connection
    except pymysql.Error as error:
        raise _named(error, admin) from error
    finally:
        connection.close()


def _named(error: Exception, admin: Admin) -> InstallError:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    said = str(error.args[1]) if len(error.args) > 1 else str(error)
    where = admin.socket or f"{admin.host}:{admin.port}"
    problem = Text(
        f"MariaDB em {where}, usuário {admin.user}: {said}", f"MariaDB at {where}, user {admin.user}: {said}"
    )
    hints = {
        **dict.fromkeys(
            _REFUSED,
            Text(
                "este usuário não pode criar outros: ponha [client], user=… e password=… de um administrador "
                "em um arquivo, e acrescente --database-admin-file ARQUIVO (ou --no-database, e crie o "
                "usuário à mão)",
                "this user may not make others: put [client], user=… and password=… of an administrator "
                "into a file and add --database-admin-file FILE (or --no-database, and make it by hand)",
            ),
        ),
        **dict.fromkeys(
            _WEAK,
            Text(
                "as regras de senha deste servidor são mais rígidas: crie o usuário à mão (docs/shipper.md), "
                "ponha a senha em /etc/pabx-shipper/cdr.password e use --no-database",
                "this server's rules for passwords are stricter: make the user by hand (docs/shipper.md), "
                "put its password into /etc/pabx-shipper/cdr.password and use --no-database",
            ),
        ),
        **dict.fromkeys(
            _READ_ONLY,
            Text(
                "este servidor está só para leitura: SET GLOBAL read_only = 0",
                "this server is read-only: SET GLOBAL read_only = 0",
            ),
        ),
    }
    else_ = Text(
        "confira se ele está ligado: systemctl status mariadb",
        "see whether it runs: systemctl status mariadb",
    )
    return InstallError(problem, hints.get(number, else_))


def is_right(settings: CdrSettings, password: str) -> bool | None:
    """Whether the agent's user can log in and may do just what it should; None: the server does not say.

    Looks with the agent's own eyes, so nobody needs to be an administrator.
    """
    if not password:
        return False
    try:
        connection = pymysql.connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=password,
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
        )
    except (pymysql.Error, OSError, socket.gaierror) as error:
        return False if error.args and error.args[0] in _REFUSED else None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW GRANTS")
            found = [str(row[0]) for row in cursor.fetchall()]
    except pymysql.Error:
        return None
    finally:
        connection.close()
    granted = {line.partition(" TO ")[0] for line in found if not line.startswith("GRANT USAGE ON *.* TO ")}
    tables = [f"GRANT SELECT ON {_quoted(base)}.{_quoted(table)}" for base, table in _tables(settings)]
    return granted in ({tables[0]}, set(tables))


def exists(admin: Admin, settings: CdrSettings) -> bool:
    """Whether the server knows a user of that name from here.

    Raises:
        InstallError: it cannot be asked.
    """
    with _connection(admin) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM mysql.user WHERE User = %s AND Host IN %s",
            (settings.user, _hosts(settings)),
        )
        return bool(cursor.fetchone()[0])


def require_table(admin: Admin, settings: CdrSettings) -> None:
    """Make sure that the table of the calls is there, before anything is written.

    Raises:
        InstallError: it is not.
    """
    base, table = _tables(settings)[0]
    with _connection(admin) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
            (base, table),
        )
        if not cursor.fetchone()[0]:
            raise InstallError(
                Text(
                    f"o MariaDB não tem a tabela {base}.{table}, onde o FreePBX grava as chamadas",
                    f"MariaDB has no table {base}.{table}, into which FreePBX writes the calls",
                ),
                Text(
                    "confira se este é o computador do PABX; se a tabela tem outro nome, avise a central "
                    "(cdr.database, cdr.table)",
                    "see whether this is the PBX's machine; where the table is named otherwise, tell head "
                    "office (cdr.database, cdr.table)",
                ),
            )


def make(admin: Admin, settings: CdrSettings, password: str) -> None:
    """Make the user, or set its password and its rights anew: never more than reading.

    Raises:
        InstallError: the server refuses.
    """
    with _connection(admin) as connection, connection.cursor() as cursor:
        for host in _hosts(settings):
            who = (settings.user, host)
            cursor.execute("CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", (*who, password))
            cursor.execute("ALTER USER %s@%s IDENTIFIED BY %s", (*who, password))
            cursor.execute("REVOKE ALL PRIVILEGES, GRANT OPTION FROM %s@%s", who)
            for number, (base, table) in enumerate(_tables(settings)):
                try:
                    cursor.execute(f"GRANT SELECT ON {_quoted(base)}.{_quoted(table)} TO %s@%s", who)
                except pymysql.Error as error:
                    if not number or error.args[0] not in _NO_TABLE:  # a bare Asterisk has no trunks' table
                        raise


def drop(admin: Admin, settings: CdrSettings) -> None:
    """Remove the user.

    Raises:
        InstallError: the server refuses.
    """
    with _connection(admin) as connection, connection.cursor() as cursor:
        for host in _hosts(settings):
            cursor.execute("DROP USER IF EXISTS %s@%s", (settings.user, host))


def account(settings: CdrSettings) -> Text:
    """The user's name, as MariaDB writes it."""
    return same(", ".join(f"'{settings.user}'@'{host}'" for host in _hosts(settings)))


def rights(settings: CdrSettings) -> str:
    """What it may read."""
    return ", ".join(f"{base}.{table}" for base, table in _tables(settings))
