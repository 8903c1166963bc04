"""A FreePBX-like machine: MariaDB with its tables, Asterisk's files, and the bundle of a store."""

import os
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from compose.stack.ports import free_port
from deploy.artefact.build import ROOT, contents
from deploy.artefact.packing import packed
from tests.deploy.linux.box import ENVIRON, Box, new_box

SCHEMA = ROOT / "tests" / "data" / "schema.sql"
STORE = "Loja001"
MANAGER = """;
; FreePBX writes this file anew; users of one's own belong into manager_custom.conf.
[general]
enabled = yes
port = {port}
bindaddr = 0.0.0.0
displayconnects=no ;only effects 1.6+

[admin]
secret = of-freepbx
deny=0.0.0.0/0.0.0.0
permit=127.0.0.1/255.255.255.0
read = system,call,log,verbose,command,agent,user,config,command,dtmf,reporting,cdr,dialplan,originate
write = system,call,log,verbose,command,agent,user,config,command,dtmf,reporting,cdr,dialplan,originate
writetimeout = 5000

#include manager_additional.conf
#include manager_custom.conf
"""
CUSTOM = "[wallboard]\nsecret = of-another\nread = call"  # without an end of line
ASTERISK = """#!/bin/sh
# Stands in for Asterisk's console: says that it was called; its manager is the fake one.
echo "$@" >>/run/asterisk-console
"""


@dataclass(frozen=True)
class Pbx:
    """The machine.

    Attributes:
        box: in which it runs.
        database_port: of MariaDB.
        ami_port: of Asterisk's manager interface.
    """

    box: Box
    database_port: int
    ami_port: int

    def connect(self, user: str = "freepbx", password: str = "of-freepbx") -> "pymysql.Connection[Any]":
        return pymysql.connect(
            host="127.0.0.1", port=self.database_port, user=user, password=password, autocommit=True
        )

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def users(self) -> list[tuple[Any, ...]]:
        return sorted(self.ask("SELECT User, Host FROM mysql.user"))

    def call(self, number: int) -> None:
        """A row as Asterisk writes it when a call ends."""
        self.ask(
            "INSERT INTO asteriskcdrdb.cdr (calldate, clid, src, dst, dcontext, channel, dstchannel, lastapp,"
            " duration, billsec, disposition, uniqueid, linkedid, sequence) VALUES"
            " (DATE_SUB(UTC_TIMESTAMP(), INTERVAL 3 HOUR), '', '1130300000', '101', 'from-trunk',"
            " 'PJSIP/vivo-00000001', 'PJSIP/101-00000002', 'Dial', 12, 10, 'ANSWERED', %s, %s, %s)",
            f"{int(time.time())}.{number}",
            f"{int(time.time())}.{number}",
            number,
        )

    def stop_database(self) -> None:
        self.box.run("mariadb-admin", "shutdown")

    def start_database(self) -> None:
        self.box.run("install", "-d", "-o", "mysql", "/run/mysqld")
        self.box.run("sh", "-c", "setsid mariadbd --user=mysql >/dev/null 2>&1 </dev/null &")
        self.await_database()

    def await_database(self) -> None:
        for _ in range(300):
            if self.box.run("mariadb-admin", "--connect-timeout=2", "ping", check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError("MariaDB does not answer")

    def shipper(self, *words: str, check: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command."""
        return self.box.run("/usr/local/bin/shipper", *words, check=check, **environ)

    def install(
        self, *words: str, check: bool = True, bundle: str = "/root/Loja001.zip"
    ) -> "subprocess.CompletedProcess[str]":
        """Run the installer that lies in the bundle's directory."""
        return self.box.run(
            "python3", "/root/shipper.pyz", "install", "--bundle", bundle, *words, check=check
        )

    def give(self, content: bytes, text: str, **more: bytes) -> None:
        """Lay a store's bundle onto the machine, as a technician does."""
        with tempfile.TemporaryDirectory() as folder:
            self.box.write("/root/Loja001.zip", bundle(Path(folder, "Loja001.zip"), text, content, **more))
        self.box.write("/root/shipper.pyz", content, mode="0755")

    def secret(self) -> str:
        """Of the agent's user in Asterisk's file."""
        text = self.box.read("/etc/asterisk/manager_custom.conf")
        return text.partition("[shipper]\nsecret = ")[2].partition("\n")[0]

    def answer(self, answer: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the installer with a person at a terminal, who answers its question."""
        ours, theirs = os.openpty()
        try:
            os.write(ours, f"{answer}\n".encode())
            return subprocess.run(
                self.box.enter("python3", "/root/shipper.pyz", *words),
                stdin=theirs,
                capture_output=True,
                text=True,
                check=False,
                timeout=240,
                env=ENVIRON,
            )
        finally:
            os.close(ours)
            os.close(theirs)

    def pid(self) -> int:
        """Of the agent; 0: none runs."""
        found = self.box.run(
            "pgrep", "-u", "pabx-shipper", "-f", "shipper.pyz run", check=False
        ).stdout.split()
        return int(found[0]) if found else 0


@contextmanager
def new_pbx(debian: Path, *, boot: bool = False) -> Iterator[Pbx]:
    """A machine with FreePBX's MariaDB and Asterisk's files.

    Args:
        debian: the tree.
        boot: by its own systemd, which starts MariaDB.
    """
    port = free_port()
    files = {
        "/etc/hosts": "127.0.0.1 localhost\n",
        "/etc/mysql/mariadb.conf.d/99-port.cnf": f"[mysqld]\nbind-address=127.0.0.1\nport={port}\n",
        "/etc/systemd/system/mariadb.socket": "",  # empty: masked; it would listen on the usual port
    }
    with new_box(debian, boot=boot, files=files) as box:
        pbx = Pbx(box, port, free_port())
        if boot:
            pbx.await_database()
        else:
            pbx.start_database()
        box.run(
            "mariadb",
            text=f"CREATE DATABASE asteriskcdrdb; USE asteriskcdrdb;\n{SCHEMA.read_text(encoding='utf-8')}\n"
            "CREATE DATABASE asterisk;"
            "CREATE TABLE asterisk.trunks (trunkid INT, tech VARCHAR(20), channelid VARCHAR(190));"
            "INSERT INTO asterisk.trunks VALUES (1, 'pjsip', 'vivo');"
            "CREATE USER freepbx@'127.0.0.1' IDENTIFIED BY 'of-freepbx';"
            "GRANT ALL ON *.* TO freepbx@'127.0.0.1' WITH GRANT OPTION;",
        )
        box.run("useradd", "--system", "--no-create-home", "asterisk")
        box.write("/etc/asterisk/manager.conf", MANAGER.format(port=pbx.ami_port))
        box.write("/etc/asterisk/manager_custom.conf", CUSTOM, mode="0664")
        box.run("chown", "-R", "asterisk:asterisk", "/etc/asterisk")
        box.write("/usr/sbin/asterisk", ASTERISK, mode="0755")
        yield pbx


def agent(version: str | None = None, changed: Mapping[str, str] | None = None) -> bytes:
    """The agent, built from this checkout.

    Args:
        version: another one.
        changed: what is replaced in it, by path.
    """
    files = dict(contents())
    if version is not None:
        source = files["shipper/__init__.py"].decode()
        files["shipper/__init__.py"] = source.replace(_version(source), version).encode()
    files.update({name: text.encode() for name, text in (changed or {}).items()})
    return packed(files)


def broken_in(command: str) -> dict[str, str]:
    """An agent that says its version and passes its check, and does not start."""
    real = agent_source()
    guard = f"import sys\nif {command!r} in sys.argv[1:2]:\n    raise SystemExit('broken on purpose')\n"
    return {"shipper/cli.py": real.replace('"""\n\n', '"""\n' + guard, 1)}


def agent_source() -> str:
    return (ROOT / "shipper" / "cli.py").read_text(encoding="utf-8")


def _version(source: str) -> str:
    return source.partition('__version__ = "')[2].partition('"')[0]


def settings(pbx: Pbx, opensearch: str, store: str = STORE) -> str:
    """As head office makes it, but for the output: straight to a cluster."""
    return f"""# Made by head office for this store alone.
[store]
id = "{store}"
area_code = "11"

[cdr]
port = {pbx.database_port}
password_file = "/etc/pabx-shipper/cdr.password"
poll_seconds = 0.5

[ami]
secret_file = "/etc/pabx-shipper/ami.secret"

[output]
kind = "opensearch"

[output.opensearch]
url = "{opensearch}"
"""


def bundle(target: Path, text: str, content: bytes, **more: bytes) -> bytes:
    """A store's zip.

    Args:
        target: where to make it.
        text: of the settings.
        content: the agent.
        more: other files, by name with `_` for the dot.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shipper.toml", text)
        archive.writestr("shipper.pyz", content)
        archive.writestr("ca.pem", "of head office\n")
        for name, raw in more.items():
            archive.writestr(name.replace("_", "."), raw)
    return target.read_bytes()
