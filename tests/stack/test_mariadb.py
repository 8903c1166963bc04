"""MariaDB: started, stopped, killed, started again."""

import subprocess
import sys
import time
from pathlib import Path

import pymysql
import pytest

from compose.stack import MariaDB, StackError
from compose.stack.state import process_identity

pytestmark = pytest.mark.servers

CRASH = """
import os, sys
from pathlib import Path
from compose.stack import MariaDB
server = MariaDB(Path(sys.argv[1]))
server.launch()
print(server.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_data_password_and_port_survive_a_stop_and_a_kill(server_dir: Path) -> None:
    with MariaDB(server_dir / "db") as server:
        first = (server.pid, server.port, server.password)
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE d")
            cursor.execute("CREATE TABLE d.t (i INT PRIMARY KEY, x VARCHAR(20))")
            cursor.execute("INSERT INTO d.t VALUES (1, 'olá 📞')")
        assert server.password_file.stat().st_mode & 0o777 == 0o600
        server.restart()
        assert first[0] != server.pid
        assert first[1:] == (server.port, server.password)
        with server.connect("d") as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO t VALUES (2, 'committed')")
            server.kill()
        assert not server.process.running
        server.restart()
        with server.connect("d") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT * FROM t ORDER BY i")
            assert list(cursor.fetchall()) == [(1, "olá 📞"), (2, "committed")]
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            server.connect(password="")
    with pytest.raises(pymysql.err.OperationalError):
        server.connect()
    again = MariaDB(server_dir / "db")
    assert first[2] == again.password


def test_it_dies_with_the_process_that_started_it(server_dir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(server_dir / "db")], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while process_identity(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process_identity(pid) == ""


def test_a_failed_start_shows_the_log_line_that_tells_why(server_dir: Path) -> None:
    with MariaDB(server_dir / "db"):
        pass
    (server_dir / "db" / "data" / "ibdata1").write_bytes(b"no table space" * 4096)
    server = MariaDB(server_dir / "db")
    with pytest.raises(
        StackError, match=r"MariaDB ended with 1: .*\[ERROR\] InnoDB.*\(log: .*mariadb\.log\)$"
    ):
        server.launch()
    assert not server.process.running
