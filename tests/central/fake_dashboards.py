"""A stand-in for OpenSearch Dashboards, which cannot be had in a test run.

It answers as OpenSearch Dashboards 2.8.0 was seen to: HTTP 200 for what it refuses object by object, an
answer that counts as done what it has not stored, strict types, and the texts of its errors.
"""

import base64
import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], Any]
"""Status, headers, body."""
ATTRIBUTES = {
    "visualization": {
        *["title", "description", "visState", "uiStateJSON", "version"],
        *["kibanaSavedObjectMeta", "savedSearchRefName"],
    },
    "search": {"title", "description", "hits", "columns", "sort", "version", "kibanaSavedObjectMeta"},
    "dashboard": {
        *["title", "description", "hits", "panelsJSON", "optionsJSON", "version", "timeRestore"],
        *["timeFrom", "timeTo", "refreshInterval", "kibanaSavedObjectMeta"],
    },
    "query": {"title", "description", "query", "filters", "timefilter"},
}
NEWEST = {
    "visualization": [7, 10, 0],
    "dashboard": [7, 9, 3],
    "search": [7, 9, 3],
    "index-pattern": [7, 6, 0],
}
LARGEST = 26_214_400


@dataclass
class FakeDashboards:
    """Its state, and what it is to do.

    Attributes:
        base_path: under which it answers.
        user: name and password; None: it asks for none.
        objects: what is stored, by type and id.
        settings: what was set.
        loses: it answers that these are imported, and does not store them.
        answers: instead of its own, status, headers and body of each request whose path begins so.
        seen: method and path of each request.
    """

    base_path: str = ""
    user: tuple[str, str] | None = None
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    loses: set[tuple[str, str]] = field(default_factory=set)
    answers: dict[str, Answer] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    url: str = ""

    def writes(self) -> list[str]:
        """The requests that may change something."""
        return [one for one in self.seen if one.startswith("POST") and "_bulk_get" not in one]

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        self.seen.append(f"{method} {path}")
        if self.user and headers.get("Authorization") != self._token():
            return _error(401, "Unauthorized", "Authentication Exception")
        path = path.removeprefix(self.base_path) if path.startswith(self.base_path) else ""
        for begin, answer in self.answers.items():
            if path.startswith(begin):
                return answer
        if method == "POST" and "osd-xsrf" not in headers:
            return _error(400, "Bad Request", "Request must contain the osd-xsrf header.")
        known: dict[str, Callable[[], Answer]] = {
            "GET /api/status": self._status,
            "GET /api/opensearch-dashboards/settings": self._settings,
            "POST /api/saved_objects/_bulk_get": lambda: self._get(json.loads(body)),
            "POST /api/saved_objects/_import?overwrite=true": lambda: self._import(
                headers.get("Content-Type", ""), body
            ),
        }
        setting = path.removeprefix("/api/opensearch-dashboards/settings/")
        if method == "POST" and setting != path:
            return self._set(setting, json.loads(body))
        found = known.get(f"{method} {path}")
        return found() if found else _error(404, "Not Found", "Not Found")

    def _status(self) -> Answer:
        return 200, {}, {"name": "fake", "version": {"number": "2.8.0"}, "status": {}}

    def _settings(self) -> Answer:
        return 200, {}, {"settings": {key: {"userValue": value} for key, value in self.settings.items()}}

    def _set(self, name: str, body: dict[str, str]) -> Answer:
        self.settings[name] = body["value"]
        return self._settings()

    def _get(self, asked: list[dict[str, str]]) -> Answer:
        return 200, {}, {"saved_objects": [self._found(one) for one in asked]}

    def _token(self) -> str:
        return "Basic " + base64.b64encode(":".join(self.user or ()).encode()).decode()

    def _found(self, asked: dict[str, str]) -> dict[str, Any]:
        kind, name = asked["type"], asked["id"]
        if (kind, name) in self.objects:
            return {"type": kind, "id": name, "version": "WzEsMV0=", **self.objects[kind, name]}
        message = f"Saved object [{kind}/{name}] not found"
        return {**asked, "error": {"statusCode": 404, "error": "Not Found", "message": message}}

    def _import(self, content_type: str, body: bytes) -> Answer:
        if not content_type.startswith("multipart/form-data"):
            return _error(415, "Unsupported Media Type", "Unsupported Media Type")
        if len(body) > LARGEST:
            message = f"Payload content length greater than maximum allowed: {LARGEST}"
            return _error(413, "Request Entity Too Large", message)
        whole = f"Content-Type: {content_type}\r\n\r\n".encode() + body
        (part,) = email.message_from_bytes(whole, policy=email.policy.HTTP).iter_parts()  # type: ignore[attr-defined]
        if not part.get_filename().endswith(".ndjson"):
            return _error(400, "Bad Request", "Invalid file extension")
        text = part.get_payload(decode=True).decode()
        sent = [json.loads(line) for line in text.split("\n") if line.strip()]
        for one in sent:
            for kind, version in one.get("migrationVersion", {}).items():
                if [int(part) for part in version.split(".")] > NEWEST[kind]:
                    message = (
                        f'Document "{one["id"]}" has property "{kind}" which belongs to a more recent version'
                    )
                    return _error(422, "Unprocessable Entity", message)
        return 200, {}, self._stored(sent)

    def _stored(self, sent: list[dict[str, Any]]) -> dict[str, Any]:
        there = {*self.objects, *((one["type"], one["id"]) for one in sent)}
        errors = [
            {"type": one["type"], "id": one["id"], "error": error}
            for one in sent
            if (error := _refusal(one, there)) is not None
        ]
        wrong = {(error["type"], error["id"]) for error in errors}
        # A missing reference keeps all others from being stored too, which are counted all the same.
        if not any(error["error"]["type"] == "missing_references" for error in errors):
            for one in sent:
                key = one["type"], one["id"]
                if key not in wrong | self.loses:
                    self.objects[key] = {
                        "attributes": one["attributes"],
                        "references": one["references"],
                        "updated_at": "2026-11-26T08:52:55.370Z",
                    }
        answer: dict[str, Any] = {"successCount": len(sent) - len(errors), "success": not errors}
        return {**answer, "errors": errors} if errors else answer


def _refusal(one: dict[str, Any], there: set[tuple[str, str]]) -> dict[str, Any] | None:
    kind = one["type"]
    if kind not in ATTRIBUTES and kind != "index-pattern":
        return {"type": "unsupported_type"}
    missing = [
        {"type": to["type"], "id": to["id"]}
        for to in one["references"]
        if to["type"] in {"index-pattern", "search"} and (to["type"], to["id"]) not in there
    ]
    if missing:
        return {"type": "missing_references", "references": missing}
    unknown = [] if kind == "index-pattern" else [*one["attributes"].keys() - ATTRIBUTES[kind]]
    if unknown:
        dynamic = f"dynamic introduction of [{unknown[0]}] within [{kind}] is not allowed"
        return {"type": "unknown", "message": f"mapping set to strict, {dynamic}"}
    return None


def _error(status: int, error: str, message: str) -> Answer:
    return status, {}, {"statusCode": status, "error": error, "message": message}


@contextmanager
def serving(fake: FakeDashboards) -> Iterator[FakeDashboards]:
    """Let it answer; sets its `url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, headers, body = fake.answer(
                self.command, self.path, self.headers, self.rfile.read(length)
            )
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = _do  # noqa: N815 -- the base class calls them so

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        fake.url = f"http://127.0.0.1:{server.server_port}{fake.base_path}"
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
