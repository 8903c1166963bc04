"""A real MariaDB on the loopback address, put together from the cache."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

from compose.stack.download import mariadb_home
from compose.stack.errors import StackError
from compose.stack.paths import hand_over, kept_secret, make_data_dir, server_uid
from compose.stack.ports import check_free, free_port
from compose.stack.process import ServerProcess, telling_line
from compose.stack.progress import Progress, silent

_INSTALL_TIMEOUT_SECONDS = 120.0
_START_TIMEOUT_SECONDS = 90.0
_SETTINGS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-ssl",  # else every start makes a 4096-bit key for the loopback address: 8 s
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    # Committed rows survive a killed server (they are with the kernel), though not a power cut.
    "--innodb-flush-log-at-trx-commit=2",
    "--max-connections=400",
    "--performance-schema=OFF",
    "--local-infile=0",
)


class MariaDB:
    """One MariaDB server with its data in a directory of its own.

    The user ``root`` may connect by TCP from 127.0.0.1 with a generated password, which is kept in
    ``<data_dir>/root-password``, readable by the owner only. There are no anonymous users.
    Starting again on the same directory finds the same data, port (if given) and password.

    Args:
        data_dir: Where data, log, and password live; created if missing.
        port: TCP port on 127.0.0.1; a free one is chosen if None or 0.
        progress: Told what is being done.
        port_hint: What an error recommends when the port is in use.
    """

    user = "root"
    host = "127.0.0.1"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        progress: Progress = silent,
        port_hint: str = "choose another port",
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port or free_port()
        self._progress = progress
        self._port_hint = port_hint
        self.process = ServerProcess("MariaDB", self.data_dir / "mariadb.log")

    def __enter__(self) -> Self:
        """Start it and wait until it is healthy."""
        self.launch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it in order."""
        self.stop()

    @property
    def password(self) -> str:
        """The password of ``root``; generated on first use and kept with the data."""
        return kept_secret(self.password_file)

    @property
    def password_file(self) -> Path:
        """The file that holds the password of ``root``."""
        return self.data_dir / "root-password"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.process.log

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid

    def launch(self) -> None:
        """Start it and wait until it is healthy; if that fails, nothing is left running.

        Raises:
            StackError: As `start` and `wait_healthy`.
        """
        try:
            self.start()
            self.wait_healthy()
        except BaseException:
            self.kill()
            raise

    def start(self) -> None:
        """Start the server and return at once; `wait_healthy` waits for it.

        Raises:
            StackError: It cannot be fetched or installed, the port is in use, or it already runs.
        """
        if sys.platform != "linux" or platform.machine() != "x86_64":
            raise StackError(
                f"MariaDB is published for Linux on x86-64 only, this is {sys.platform} {platform.machine()}"
            )
        check_free(self.port, self._port_hint)
        home = mariadb_home(self._progress)
        make_data_dir(self.data_dir)
        self._install(home)
        data = self.data_dir / "data"
        command: list[str | Path] = [
            home / "bin" / "mariadbd",
            *self._common(home, data),
            *_SETTINGS,
            f"--port={self.port}",
            "--socket=mariadb.sock",  # relative to the data directory: a path of any depth stays short enough
            f"--pid-file={data / 'mariadb.pid'}",
        ]
        self.process.start(command, env=_environment(home), cwd=data)

    def wait_healthy(self, timeout_seconds: float = _START_TIMEOUT_SECONDS) -> float:
        """Wait until ``root`` can log in.

        Args:
            timeout_seconds: How long to wait.

        Returns:
            Seconds waited.

        Raises:
            StackError: It ended or did not answer in time.
        """
        return self.process.wait_until(self._missing, timeout_seconds, self._progress)

    def connect(self, database: str | None = None, **options: Any) -> "pymysql.Connection[Any]":
        """A connection as ``root`` in autocommit mode.

        Args:
            database: Its default database.
            options: More arguments for ``pymysql.connect``.

        Raises:
            pymysql.err.OperationalError: The server does not answer.
        """
        settings: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": database,
            "charset": "utf8mb4",
            "autocommit": True,
            **options,
        }
        return pymysql.connect(**settings)

    def stop(self) -> None:
        """End it in order (SIGTERM) and wait; no error if it does not run."""
        self.process.terminate()
        self.process.join()

    def detach(self) -> None:
        """Let it outlive this process, with which a server dies otherwise."""
        self.process.detach()

    def kill(self) -> None:
        """Kill it (SIGKILL) and wait until it is gone."""
        self.process.kill()

    def restart(self) -> None:
        """Stop it if it runs, then start it on the same data and port and wait until it is healthy."""
        self.stop()
        self.launch()

    def _missing(self) -> str:
        try:
            self.connect(connect_timeout=2).close()
        except pymysql.err.OperationalError as error:
            return str(error.args[-1])
        return ""

    @staticmethod
    def _common(home: Path, data: Path) -> list[str]:
        return [
            "--no-defaults",
            f"--basedir={home}",
            f"--datadir={data}",
            f"--lc-messages-dir={home / 'share'}",
        ]

    def _install(self, home: Path) -> None:
        """Make the system tables once; the directory gets its name only when they are complete."""
        data, growing = self.data_dir / "data", self.data_dir / "data.new"
        if data.is_dir():
            return
        self._progress("MariaDB: installing")
        shutil.rmtree(growing, ignore_errors=True)
        growing.mkdir()
        sql = self._bootstrap_sql(home)
        self.log.touch(mode=0o600)
        hand_over(growing)
        uid = server_uid()
        command: list[str | Path] = [
            home / "bin" / "mariadbd",
            *self._common(home, growing),
            *_SETTINGS,
            "--bootstrap",
            "--skip-networking",
            "--max-allowed-packet=16M",
        ]
        try:
            with self.log.open("ab") as out:
                subprocess.run(
                    command,
                    input=sql.encode(),
                    stdout=out,
                    stderr=out,
                    cwd=growing,
                    env=_environment(home),
                    check=True,
                    timeout=_INSTALL_TIMEOUT_SECONDS,
                    user=uid,
                    group=uid,
                    extra_groups=None if uid is None else [],
                    umask=0o077,
                )
        except (OSError, subprocess.SubprocessError) as error:
            reason = f"{type(error).__name__}, {telling_line(self.log)}"
            raise StackError(f"MariaDB: install failed: {reason} (log: {self.log})") from error
        growing.rename(data)

    def _bootstrap_sql(self, home: Path) -> str:
        """What ``mariadb-install-db`` feeds to ``mariadbd --bootstrap``, then our own user."""
        share = home / "share"
        files = (
            "mariadb_system_tables.sql",
            "mariadb_performance_tables.sql",
            "mariadb_system_tables_data.sql",
        )
        tables = "".join((share / name).read_text(encoding="utf-8") for name in files)
        return (
            "create database mysql;\nuse mysql;\n"
            "set @auth_root_socket=NULL;\n"
            f"{tables}\n"
            "delete from mysql.global_priv where User in ('', 'root');\n"
            "delete from mysql.proxies_priv;\n"
            "flush privileges;\n"
            f"create or replace user 'root'@'127.0.0.1' identified by '{self.password}';\n"
            "grant all privileges on *.* to 'root'@'127.0.0.1' with grant option;\n"
        )


def _environment(home: Path) -> dict[str, str]:
    return {"LD_LIBRARY_PATH": str(home / "libs"), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
