"""The page's server: our own files, and what the panels show. It only reads from the cluster."""

import json
import logging
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from central.errors import CentralError
from central.preview import period
from central.preview.answer import answer
from central.preview.asking import ClusterError, QueryError
from central.preview.charts import Ask, NoIndexError
from central.preview.context import ContextError, of_page
from central.preview.dashboards import dashboard, listed
from central.preview.objects import Json, ObjectError, Objects

HEADERS: Final = {
    # Vega evaluates its expressions without eval (the option ast), so that no script but ours ever runs.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_MOST_BYTES: Final = 1_000_000
_KINDS: Final = {
    QueryError: "query",
    ClusterError: "cluster",
    period.PeriodError: "period",
}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_log: Final = logging.getLogger(__name__)


class NotFoundError(CentralError):
    """There is nothing under a path."""


class Preview:
    """What the server answers, without HTTP.

    Args:
        ask: searches.
        objects: of each language.
        files: path to content type and content.
        vega: gives Vega's script.
        language: that the page begins with.
    """

    def __init__(
        self,
        ask: Ask,
        objects: Mapping[str, Objects],
        files: Mapping[str, tuple[str, bytes]],
        vega: Callable[[], bytes],
        language: str,
    ) -> None:
        self._ask, self._objects, self._files, self._vega, self._language = (
            ask,
            objects,
            files,
            vega,
            language,
        )

    def file(self, path: str) -> tuple[str, bytes]:
        """Give a file's content type and content.

        Raises:
            NotFoundError: there is none.
        """
        if path == "/vega.js":
            return "text/javascript; charset=utf-8", self._vega()
        if path not in self._files:
            raise NotFoundError(f"there is nothing under {path}")
        return self._files[path]

    def get(self, path: str, query: Mapping[str, str]) -> Json:
        """Answer a GET below /api/.

        Raises:
            NotFoundError: there is nothing under this path.
            CentralError: what is asked for cannot be given.
        """
        language = query.get("language", self._language)
        if language not in self._objects:
            raise ContextError(f"language {language!r} is not one of {', '.join(self._objects)}")
        objects = self._objects[language]
        if path == "/api/dashboards":
            return {"language": language, "languages": list(self._objects), "dashboards": listed(objects)}
        if path == "/api/period":
            return _period(query)
        if path.startswith("/api/dashboard/"):
            return dashboard(objects, unquote(path.removeprefix("/api/dashboard/")))
        raise NotFoundError(f"there is nothing under {path}")

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """Answer a POST: the panel `body["panel"]` in `body["language"]` within `body["context"]`.

        Raises:
            NotFoundError: there is nothing under this path.
            CentralError: the panel cannot be shown.
        """
        if path != "/api/panel":
            raise NotFoundError(f"there is nothing under {path}")
        objects = self._objects.get(str(body.get("language", self._language)))
        context = body.get("context")
        if objects is None or not isinstance(context, dict):
            raise ContextError("language or context cannot be read: reload the page")
        try:
            return answer(self._ask, objects, str(body.get("panel")), of_page(context))
        except NoIndexError as error:
            return {"kind": "missing", "error": str(error)}  # nothing of this kind has happened: no failure


class Server(ThreadingHTTPServer):
    """The server.

    Args:
        address: that it listens on, and the port; 0: any free one.
        preview: what it answers.

    Raises:
        OSError: the address cannot be listened on.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], preview: Preview) -> None:
        self.preview = preview
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    @property
    def url(self) -> str:
        """Where the page is."""
        name = str(self.server_address[0])
        return f"http://{f'[{name}]' if ':' in name else name}:{self.server_address[1]}/"

    @property
    def open_to_others(self) -> bool:
        """Whether other machines may reach it."""
        return str(self.server_address[0]) not in _LOOPBACK

    def trusts(self, host: str) -> bool:
        """Whether a request came to us by a name of ours: else another site may have led a browser here."""
        if self.open_to_others:
            return True  # by which names it is reached then is not known
        try:
            return urlsplit(f"//{host}").hostname in _LOOPBACK
        except ValueError:
            return False

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # its signature
        """A browser that has gone away is no trouble; all else is logged."""
        if not isinstance(sys.exception(), ConnectionError):
            _log.error("answering %s", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "pabx-preview"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/api/"):
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            self._answer(lambda: _json(self.server.preview.get(parts.path, query)))
        else:
            self._answer(lambda: self.server.preview.file(parts.path))

    do_HEAD = do_GET  # noqa: N815  # the name is http.server's

    def do_POST(self) -> None:
        text = self._body()
        if text is not None:
            self._answer(lambda: _json(self.server.preview.post(urlsplit(self.path).path, _parsed(text))))

    def _body(self) -> bytes | None:
        """Read the body; None: it was refused, and the answer is on its way."""
        length = self.headers.get("Content-Length", "")
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        # A form of another site can send neither this type nor our own origin.
        if kind != "application/json" or self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "only the page itself may ask, in JSON")
        elif not length.isdecimal() or int(length) > _MOST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Content-Length {length!r} is not below 1 MB")
        else:
            return self.rfile.read(int(length))
        return None

    def _answer(self, give: Callable[[], tuple[str, bytes]]) -> None:
        if not self.server.trusts(self.headers.get("Host", "")):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, f"this is {self.server.url}: use this address")
            return
        try:
            kind, content = give()
        except CentralError as error:
            status, text = _failure(error)
            self._send(status, "application/json", text)
        except Exception:  # noqa: BLE001  # a mistake of ours is logged and told in the panel, the page goes on
            _log.exception("%s %s", self.command, self.path)
            body = {"error": "the preview itself failed; its terminal says where", "kind": "failure"}
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "application/json", json.dumps(body).encode())
        else:
            self._send(HTTPStatus.OK, kind, content)

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self.close_connection = True  # the body, if any, was not read
        self._send(status, "application/json", json.dumps({"error": text, "kind": "refused"}).encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def end_headers(self) -> None:
        """Each answer has them, also those that http.server gives by itself."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is http.server's
        """Nothing: what fails is shown in the page."""


def _failure(error: CentralError) -> tuple[HTTPStatus, bytes]:
    if isinstance(error, NotFoundError | ObjectError):
        status, kind = HTTPStatus.NOT_FOUND, "object"
    else:
        kind = _KINDS.get(type(error), "page")
        status = HTTPStatus.BAD_GATEWAY if kind == "cluster" else HTTPStatus.BAD_REQUEST
    return status, json.dumps({"error": str(error), "kind": kind}).encode()


def _period(query: Mapping[str, str]) -> Json:
    try:
        zone = ZoneInfo(query.get("zone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ContextError(f"time zone {query.get('zone')!r} is not known") from error
    since, until = period.between(query.get("from", ""), query.get("to", ""), datetime.now(UTC), zone)
    return {"from": period.iso(since), "to": period.iso(until)}


def _parsed(text: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ContextError("the request is no JSON object: reload the page")
    return body


def _json(body: Json) -> tuple[str, bytes]:
    return "application/json", json.dumps(body, ensure_ascii=False).encode()
