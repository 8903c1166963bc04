"""Certificates of the tests' own authority."""

import datetime as dt
import ssl
from pathlib import Path

from central.certificates import Pair
from central.gate.certificates import make_authority, make_client, make_server

NOW = dt.datetime.now(dt.UTC)


class Authority:
    """An authority, and what it has signed, as files.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.pair = make_authority(NOW - dt.timedelta(days=400))
        self.ca_file = str(self._file("ca", self.pair.certificate))

    def server(
        self, host: str = "127.0.0.1", *, since: dt.datetime = NOW, days: int = 30, clients: str = ""
    ) -> ssl.SSLContext:
        """A server's side of TLS; `clients` names the authority of those that are let in."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._files("server", make_server(self.pair, host, since, days)))
        if clients:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self, store: str) -> tuple[str, str]:
        """Files of a client's certificate and of its key."""
        return self._files(store, make_client(self.pair, store, NOW))

    def _files(self, name: str, pair: Pair) -> tuple[str, str]:
        return str(self._file(name, pair.certificate)), str(self._file(f"{name}-key", pair.key))

    def _file(self, name: str, content: str) -> Path:
        file = self.folder / f"{name}.pem"
        file.write_text(content)
        return file
