"""What tests need around the real servers: directories that the servers can reach, and CDR databases."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from compose.stack import MariaDB

_SCHEMA = Path(__file__).parent / "data" / "schema.sql"


@dataclass(frozen=True)
class CdrDatabase:
    """A fresh database with FreePBX's tables and the user of a store's agent.

    Attributes:
        host: Address of the server.
        port: Its TCP port.
        user: A user who may only SELECT from the table ``cdr``.
        password: Their password.
        database: The database's name, unique in the run.
        server: The server that holds it.
    """

    host: str
    port: int
    user: str
    password: str
    database: str
    server: MariaDB

    def connect(self, **options: Any) -> "pymysql.Connection[Any]":
        """A connection as root with this database as default, in autocommit mode."""
        return self.server.connect(self.database, **options)


@contextmanager
def cdr_database_on(server: MariaDB) -> Iterator[CdrDatabase]:
    """Make a fresh `CdrDatabase` on ``server`` and drop it afterwards, if the server still answers."""
    name = f"cdr_{secrets.token_hex(6)}"
    password = secrets.token_urlsafe(12)
    user = f"shipper_{name[-6:]}"
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        cursor.execute(f"USE `{name}`")
        for statement in _SCHEMA.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute(f"CREATE USER `{user}`@`127.0.0.1` IDENTIFIED BY %s", (password,))
        cursor.execute(f"GRANT SELECT ON `{name}`.`cdr` TO `{user}`@`127.0.0.1`")
    yield CdrDatabase(server.host, server.port, user, password, name, server)
    if server.process.running:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP USER IF EXISTS `{user}`@`127.0.0.1`")
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")


@contextmanager
def new_server_dir() -> Iterator[Path]:
    """A temporary directory that servers can use even when root runs the tests.

    pytest's own ``tmp_path`` lies in a directory that is closed to others, and as root the servers
    run under an unprivileged uid.
    """
    directory = Path(tempfile.mkdtemp(prefix="pabx-test-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
