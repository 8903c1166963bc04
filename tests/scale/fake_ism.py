"""A stand-in for a cluster with Index State Management, which cannot be had in a test run.

It answers as version 3.4.0 of the plugin was seen to: a policy comes back with fields added, 409 for one that
is there already unless its number is named, an index that follows a policy is refused another, and a policy
holds for an index as it was when the index got it.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
Answer = tuple[int, Any]
_POLICY = "/_plugins/_ism/policies/pabx-retention"
_INFO = {"cluster_name": "pabx", "version": {"number": "3.4.0", "distribution": "opensearch"}}


@dataclass
class FakeIsm:
    """Its state.

    Attributes:
        indices: monthly ones, each with the policy that it follows.
        policy: ours, as it was sent; empty: there is none.
        asked: method, path and query of each request.
        writes: those that change something of the plugin's.
    """

    indices: dict[str, str | None] = field(default_factory=dict)
    policy: Json = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    url: str = ""
    _number: int = 0

    def answer(self, method: str, target: str, body: Any) -> Answer:
        self.asked.append(f"{method} {target}")
        path, query = urlsplit(target).path, urlsplit(target).query
        if "/_ism/" not in path:
            return self._cluster(path)
        if method != "GET":
            self.writes.append(f"{method} {target}")
        if path == _POLICY:
            return self._policy(method, query, body)
        if path == "/_plugins/_ism/policies":
            return 200, {"policies": [], "total_policies": 0}
        what = path.split("/")[3]
        return 200, self._explained() if what == "explain" else self._managed(what)

    def _cluster(self, path: str) -> Answer:
        answers: Json = {"/": _INFO, "/_component_template": {"component_templates": []}}
        answers |= {"/_index_template": {"index_templates": []}, "/_ingest/pipeline": {}}
        if path in answers:
            return 200, answers[path]
        if path.startswith("/_plugins/"):
            return 400, {"error": f"no handler found for uri [{path}] and method [GET]"}
        return 200, {}

    def _policy(self, method: str, query: str, body: Any) -> Answer:
        if method == "GET":
            if not self.policy:
                return 404, {"error": {"reason": "no such index [.opendistro-ism-config]"}, "status": 404}
            return 200, {"_seq_no": self._number, "_primary_term": 1, "policy": self._with_more()}
        if method == "DELETE":
            self.policy = {}
            return 200, {"result": "deleted"}
        wanted = f"if_seq_no={self._number}&if_primary_term=1" if self.policy else ""
        if query != wanted:
            return 409, {"error": {"reason": "[pabx-retention]: version conflict"}, "status": 409}
        self._number += 1
        self.policy = body["policy"]
        return 201, {"_seq_no": self._number}

    def _with_more(self) -> Json:
        """As it comes back."""
        found: Json = json.loads(json.dumps(self.policy))
        found |= {"policy_id": "pabx-retention", "last_updated_time": 1, "schema_version": 24}
        found["error_notification"] = None
        for state in found["states"]:
            for action in state["actions"]:
                action["retry"] = {"count": 3, "backoff": "exponential", "delay": "1m"}
        for template in found["ism_template"]:
            template["last_updated_time"] = 1
        return found

    def _explained(self) -> Json:
        name = "index.plugins.index_state_management.policy_id"
        return {
            **{index: {name: policy} for index, policy in self.indices.items()},
            "total_managed_indices": 0,
        }

    def _managed(self, what: str) -> Json:
        failed = []
        for index, policy in self.indices.items():
            if what == "add" and policy is None:
                self.indices[index] = "pabx-retention"
            elif what == "add":
                failed.append({"index_name": index, "reason": "This index already has a policy"})
            elif what == "remove":
                self.indices[index] = None
        return {"updated_indices": 0, "failures": bool(failed), "failed_indices": failed}


@contextmanager
def running() -> Iterator[FakeIsm]:
    """It, on a free port of the loopback address."""
    fake = FakeIsm()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = fake.answer(self.command, self.path, body)
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

        def do_DELETE(self) -> None:
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
