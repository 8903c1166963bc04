"""The real Fluent Bit with a Forward input that writes every record into a file, one JSON a line."""

import json
import shutil
import socket
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from compose.stack.ports import free_port
from tests.shipper.store import eventually

BINARY = shutil.which("fluent-bit")


class FluentBit:
    """One server; its chunks lie on disk, so that a kill loses none.

    Args:
        folder: Where everything of it lies.
        options: More settings of the input.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.port = free_port()
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        forward = {
            "name": "forward",
            "listen": "127.0.0.1",
            "port": self.port,
            "storage.type": "filesystem",
            "net.accept_timeout": "2s",
            **self.options,
        }
        config = {
            "service": {
                "flush": 0.2,
                "grace": 1,
                "log_level": "info",
                "storage.path": str(self.folder / "storage"),
                "storage.sync": "normal",
            },
            "pipeline": {
                "inputs": [forward],
                "outputs": [
                    {"name": "file", "match": tag, "path": str(self.folder), "file": tag, "format": "plain"}
                    for tag in ("pabx.cdr", "pabx.quarantine")
                ],
            },
        }
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "fluent-bit.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML
        with (self.folder / "fluent-bit.log").open("ab") as log:
            self.process = subprocess.Popen([str(BINARY), "-c", str(file)], stdout=log, stderr=log)
        eventually(self._listens, f"Fluent Bit's start ({self.folder / 'fluent-bit.log'})")

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "fluent-bit.log").read_text()
        # Its log, not a connection: while TLS is accepted a silent client would hold everyone up.
        needle = f"listening on 127.0.0.1:{self.port}"
        if self.options.get("tls"):
            return needle in (self.folder / "fluent-bit.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def records(self, tag: str = "pabx.cdr") -> list[dict[str, Any]]:
        """What has been written; of a line that a kill cut off, the one that was glued to it."""
        file = self.folder / tag
        found: list[dict[str, Any]] = []
        for line in file.read_bytes().split(b"\n") if file.exists() else []:
            begin = line.rfind(b'{"@timestamp"')
            with suppress(ValueError):
                found.append(json.loads(line[max(begin, 0) :]))
        return found

    def ids(self) -> Counter[str]:
        """``_id`` to how often it came."""
        return Counter(record["event"]["id"] for record in self.records())
