"""A webhook's receiver that takes messages, or does not."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Receiver:
    """Where messages arrive.

    Attributes:
        url: of the webhook.
        status: what it answers.
        seconds: after which it answers.
        got: every message that it has answered with 200.
        paths: the path of each request.
    """

    url: str = ""
    status: int = 200
    seconds: float = 0.0
    got: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def actions(self) -> list[str]:
        """What has come since the last time: finding and action, in order."""
        found = [f"{one['finding']} {one['action']}" for one in self.got]
        self.got.clear()
        return found

    def file(self, folder: Path) -> Path:
        """A file of channels with this one."""
        path = folder / "channels.toml"
        path.write_text(
            f'[[channel]]\nid = "pabx-here"\nkind = "webhook"\nenabled = true\nurl = "{self.url}"\n',
            encoding="utf-8",
        )
        return path


@contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver on a free port of the loopback address."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.paths.append(self.path)
            status, seconds = receiver.status, receiver.seconds
            time.sleep(seconds)
            if status == 200 and not seconds:
                receiver.got.append(body)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
