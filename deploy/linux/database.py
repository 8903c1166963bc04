"""The agent's user in the PBX's MariaDB: may log in from this machine and read two tables, nothing else."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pymysql

from deploy.linux.administrator import Admin
from deploy.linux.text import InstallError, Text, english, same
from shipper.config import CdrSettings

LOCAL: Final = ("127.0.0.1", "localhost", "::1")
_SECONDS: Final = 15
_REFUSED: Final = {1045, 1044, 1698, 1130, 1227, 1142}
"""Access denied, in MariaDB's several ways (its list of error codes)."""
_NO_TABLE: Final = {1146, 1049, 1051}
_WEAK: Final = {1819}
_READ_ONLY: Final = {1290, 1836}


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
    said = english(f": {error.args[1] if len(error.args) > 1 else error}")
    where, user = admin.socket or f"{admin.host}:{admin.port}", admin.user
    if number in _REFUSED:
        problem = Text(
            f"o MariaDB em {where} recusou o usuário {user} (erro {number})",
            f"MariaDB at {where} refused the user {user} (error {number})",
        )
        return InstallError(problem + said, _refused(admin))
    problem = Text(
        f"o MariaDB em {where}, usuário {user}, não aceitou o pedido (erro {number})",
        f"MariaDB at {where}, user {user}, did not do it (error {number})",
    )
    hints = {
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
    else_ = Text("confira se ele está ligado: mariadb-admin ping", "see whether it runs: mariadb-admin ping")
    return InstallError(problem + said, hints.get(number, else_))


def _refused(admin: Admin) -> Text:
    if admin.file is not None:
        return Text(
            f"confira em {admin.file} o user e a password de um administrador do MariaDB, uma linha cada",
            f"see user and password of MariaDB's administrator in {admin.file}, a line each",
        )
    return Text(
        "é preciso um administrador do MariaDB: em um arquivo ponha três linhas, [client], user=… e "
        "password=…, acrescente --database-admin-file ARQUIVO e depois apague o arquivo; "
        "ou deixe o MariaDB como está: --no-database",
        "an administrator of MariaDB is needed: write three lines into a file, [client], user=… and "
        "password=…, add --database-admin-file FILE, and delete the file afterwards; "
        "or leave MariaDB as it is: --no-database",
    )


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


def by_hand(settings: CdrSettings) -> list[str]:
    """What makes the user by hand, as SQL."""
    said = []
    for host in _hosts(settings):
        who = f"'{settings.user}'@'{host}'"
        said.append(f"CREATE USER {who} IDENTIFIED BY '…';")
        said += [f"GRANT SELECT ON {base}.{table} TO {who};" for base, table in _tables(settings)]
    return said
