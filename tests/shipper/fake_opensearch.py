"""A FAKE cluster: an HTTP server that answers as a test tells it to.

Only for what a real node cannot be made to do on demand: 413, 429, 503, half an answer, no JSON, no
answer at all. Everything else is tested on the real one.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OTHERS = ("pabx-stores", "pabx-audit")

Answer = tuple[int, bytes] | None
"""Status and body; None closes the connection without an answer."""


class FakeOpenSearch:
    """Takes every document, unless `answer` decides otherwise.

    Attributes:
        answer: Called for each bulk request with its lines; what it returns is sent.
        documents: ``_id`` to body of what was taken.
        others: The same of heartbeats and of accounts of a day.
        bulks: How many documents each bulk request held.
        connections: How many were made.
        keep_alive: False ends each connection after its answer without announcing it.
        cut: True ends the connection in the middle of a bulk's answer.
        front: The answer to every GET.
    """

    def __init__(self) -> None:
        self.answer: Callable[[list[str]], Answer] = self.take
        self.documents: dict[str, dict[str, Any]] = {}
        self.others: dict[str, dict[str, Any]] = {}
        self.bulks: list[int] = []
        self.connections = 0
        self.keep_alive = True
        self.cut = False
        self.front = (
            b'{"version":{"number":"0","distribution":"fake"},'
            b'"index_templates":[{"index_template":{"version":99}}]}'
        )
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def take(self, lines: list[str]) -> Answer:
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            ((operation, place),) = json.loads(action).items()
            key = place["_id"]
            taken = self.others if place["_index"].startswith(OTHERS) else self.documents
            status = 409 if key in taken else 201
            taken.setdefault(key, json.loads(document))
            items.append({operation: {"status": status}})
        return 200, json.dumps({"errors": False, "items": items}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                fake.connections += 1
                super().setup()

            def do_GET(self) -> None:
                self.reply(200, fake.front)

            def do_POST(self) -> None:
                lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
                fake.bulks.append(len(lines) // 2)
                found = fake.answer(lines)
                if found is None:
                    self.close_connection = True
                else:
                    self.reply(*found)

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                cut = 50 if fake.cut and self.command == "POST" else 0
                self.send_header("Content-Length", str(len(body) + cut))
                self.end_headers()
                self.wfile.write(body)
                # What a proxy does with an idle connection: it ends it, without a word.
                self.close_connection = cut > 0 or not fake.keep_alive

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def fake_opensearch() -> Iterator[FakeOpenSearch]:
    fake = FakeOpenSearch()
    thread = threading.Thread(target=fake.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield fake
    finally:
        fake.server.shutdown()
        fake.server.server_close()
        thread.join()
