"""A stand-in for the REST of the Alerting and Notifications plugins, which cannot be had in a test run.

It answers as version 3.4 of both was seen to: a search comes back in other words, fields are added,
`ui_metadata` is kept as it was and told to Dashboards' own agent alone, names are not checked, 404 for an id
that is not there, 409 for one that is.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
Answer = tuple[int, Any]
MONITORS = "/_plugins/_alerting/monitors"
CONFIGS = "/_plugins/_notifications/configs"


@dataclass
class FakePlugins:
    """Their state, and what they are to do.

    Attributes:
        has: which of the two are there: `alerting`, `notifications`.
        forbids: parts of paths that are answered with 403.
        monitors: by id.
        configs: channels by id.
        settings: of the cluster.
        writes: method and path of each request that changes something.
    """

    has: set[str] = field(default_factory=lambda: {"alerting", "notifications"})
    forbids: set[str] = field(default_factory=set)
    monitors: dict[str, Json] = field(default_factory=dict)
    configs: dict[str, Json] = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    url: str = ""
    _numbers: Iterator[int] = field(default_factory=count)

    def put_monitor(self, body: Json, name: str | None = None) -> str:
        """Keep a monitor as the plugin does; gives its id."""
        key = name or f"id-{next(self._numbers)}"
        added = {"schema_version": 8, "enabled_time": 1, "last_update_time": 2, "data_sources": {}}
        searches = [one["search"] for one in body["inputs"]]
        inputs = [{"search": {**one, "query": _reworded(one["query"])}} for one in searches]
        self.monitors[key] = {**body, **added, "owner": "alerting", "inputs": inputs}
        return key

    def named(self, name: str) -> Json:
        """The one monitor of a name."""
        (found,) = (one for one in self.monitors.values() if one["name"] == name)
        return found

    def answer(self, method: str, path: str, headers: Message, body: Any) -> Answer:
        plugin = re.match(r"/_plugins/_(alerting|notifications)/", path)
        if plugin and plugin[1] not in self.has:
            return 400, {"error": f"no handler found for uri [{path}] and method [{method}]"}
        if any(one in f"{method} {path}" for one in self.forbids):
            reason = f"no permissions for [{path}] and User [name=maintainer]"
            return 403, {"error": {"type": "security_exception", "reason": reason}, "status": 403}
        if method in {"PUT", "POST", "DELETE"} and not path.endswith("/_search"):
            self.writes.append(f"{method} {path}")
        name = path.rpartition("/")[2]
        if path.startswith(MONITORS):
            return self._alerting(method, path.removeprefix(MONITORS), headers, body)
        if path.startswith(CONFIGS):
            return self._configs(method, path.removeprefix(CONFIGS).lstrip("/"), body)
        return self._test(name) if "/feature/test/" in path else self._cluster(method, path, body)

    def _cluster(self, method: str, path: str, body: Any) -> Answer:
        if path == "/_cluster/settings" and method == "PUT":
            self.settings |= body["persistent"]
        answers: Json = {
            "/": {"cluster_name": "pabx", "version": {"number": "3.4.0", "distribution": "opensearch"}},
            "/_cluster/settings": {"persistent": self.settings, "transient": {}},
            "/_plugins/_notifications/features": {"allowed_config_type_list": []},
        }
        return (200, answers[path]) if path in answers else (404, {"error": path})

    def _alerting(self, method: str, rest: str, headers: Message, body: Any) -> Answer:
        if rest == "/alerts":
            return 200, {"alerts": [], "totalAlerts": 0}
        if rest == "/_search":
            begin = body["query"]["prefix"]["monitor.name.keyword"]
            whole = headers.get("User-Agent", "") == "OpenSearch-Dashboards"
            hits = [
                {"_id": key, "_source": {k: v for k, v in one.items() if whole or k != "ui_metadata"}}
                for key, one in self.monitors.items()
                if one["name"].startswith(begin)
            ]
            return 200, {"hits": {"hits": hits[: body["size"]]}}
        if method == "POST":
            return 201, {"_id": self.put_monitor(body)}
        key = rest.lstrip("/")
        if key not in self.monitors:
            return 404, {"error": {"reason": f"Monitor with {key} is not found"}, "status": 404}
        return 200, {"_id": self.put_monitor(body, key)}

    def _configs(self, method: str, key: str, body: Any) -> Answer:
        if method == "POST":
            key = body["config_id"]
            if key in self.configs:
                return 409, {"error": {"reason": f"version conflict, {key} exists"}, "status": 409}
        elif method == "GET" and not key:
            return 200, {"config_list": [_config(*one) for one in self.configs.items()]}
        elif key not in self.configs:
            return 404, {"error": {"reason": f"NotificationConfig {key} not found"}, "status": 404}
        if method == "GET":
            return 200, {"config_list": [_config(key, self.configs[key])]}
        before = self.configs.get(key, body["config"])
        if before["config_type"] != body["config"]["config_type"]:
            return 409, {"error": {"reason": f"Config type cannot be changed after creation {key}"}}
        self.configs[key] = body["config"]
        return 200, {"config_id": key}

    def _test(self, key: str) -> Answer:
        if key not in self.configs:
            return 404, {"error": {"reason": f"NotificationConfig {key} not found"}, "status": 404}
        status = {"delivery_status": {"status_code": "200", "status_text": "taken"}}
        return 200, {"status_list": [{"config_id": key, **status}]}


@contextmanager
def plugins() -> Iterator[FakePlugins]:
    """Both of them on a free port of the loopback address."""
    fake = FakePlugins()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = fake.answer(self.command, urlsplit(self.path).path, self.headers, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _config(key: str, config: Json) -> Json:
    return {"config_id": key, "last_updated_time_ms": 2, "created_time_ms": 1, "config": config}


def _reworded(query: Any) -> Any:
    """A search as the plugin gives it back."""
    if isinstance(query, list):
        return [_reworded(one) for one in query]
    if not isinstance(query, dict):
        return query
    if set(query) == {"term"}:
        return {"term": {name: {"value": value, "boost": 1.0} for name, value in query["term"].items()}}
    if set(query) == {"range"}:
        ((name, limits),) = query["range"].items()
        span = {"from": limits.get("gte"), "to": limits.get("lt", limits.get("lte")), "boost": 1.0}
        return {"range": {name: {**span, "include_lower": True, "include_upper": "lte" in limits}}}
    return {name: _reworded(one) for name, one in query.items()}
