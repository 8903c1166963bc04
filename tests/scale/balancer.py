"""The shipped example of a balancer, with this test's addresses in place of its own."""

import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from compose.stack.ports import free_port
from tests.shipper.store import eventually

BINARY = shutil.which("haproxy")
ABSENT = "haproxy is not on PATH: install its package to run these"
SHIPPED = Path(__file__).parents[2] / "deploy" / "balancer" / "haproxy.cfg"


class Balancer:
    """HAProxy in front of gates or of nodes.

    Args:
        folder: for its configuration and its log.
        part: ``stores`` or ``cluster``, as the shipped file calls them.
        ports: of the servers, all on 127.0.0.1.
        ca_file: of the gates' authority, where the check asks for it.
    """

    def __init__(self, folder: Path, part: str, ports: Sequence[int], ca_file: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.log = folder / f"haproxy-{part}.log"
        self._config = folder / f"haproxy-{part}.cfg"
        self._config.write_text(configuration(part, self.port, ports, ca_file), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the nodes behind it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [str(BINARY), "-db", "-f", str(self._config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(self._answers, f"a balancer ({self.log})")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(errors="replace")
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def said(self, text: str) -> int:
        """How often its log has it; each time in two lines."""
        return self.log.read_text(errors="replace").count(text)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def configuration(part: str, port: int, ports: Sequence[int], ca_file: Path | None = None) -> str:
    """The shipped file's own lines of one part, with other addresses and as many servers as there are."""
    head, *sections = re.split(r"(?m)^(?=frontend )", SHIPPED.read_text(encoding="utf-8"))
    (text,) = (section for section in sections if section.startswith(f"frontend {part}\n"))
    # A test may not open as many files as a service.
    head, limited = re.subn(r"(?m)^    maxconn .*", "    maxconn 2000", head)
    text, bound = re.subn(r"(?m)^    bind .*", f"    bind 127.0.0.1:{port}", text)
    servers = re.findall(r"(?m)^    server (\S+) \S+$", text)
    assert (limited, bound, len(servers) >= len(ports)) == (1, 1, True)
    text = re.sub(r"(?m)^    server .*\n", "", text).rstrip("\n")
    if ca_file is not None:
        assert "/etc/pabx-gate/ca.pem" in text
        text = text.replace("/etc/pabx-gate/ca.pem", str(ca_file)).replace("gate.example", "localhost")
    lines = [f"    server {name} 127.0.0.1:{at}" for name, at in zip(servers, ports, strict=False)]
    return "\n".join([head + text, *lines]) + "\n"
