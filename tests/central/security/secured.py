"""A node with Security whose users have nothing but the roles of `central install`."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from central.cli import main
from compose.stack import OpenSearchCluster

API = "/_plugins/_security/api"
PASSWORD = "Vinte-e-tres-lojas-telefonam"
ROLES = (
    "pabx_agent",
    "pabx_alerting",
    "pabx_ingest",
    "pabx_installer",
    "pabx_maintainer",
    "pabx_operator",
    "pabx_store_manager",
)
STORES = ("Loja001", "Loja002", "Loja003")
CALLS = "pabx-calls-2026.11"


@dataclass
class Secured:
    """The node and its users; each has the name of what it is.

    Attributes:
        node: for what the administrator does.
        folder: for files with passwords.
    """

    node: OpenSearchCluster
    folder: Path
    _users: set[str] = field(default_factory=set)

    def user(self, name: str, *backend_roles: str, stores: str | None = None) -> str:
        """Make a user who has these backend roles, and the attribute that names stores."""
        body: dict[str, Any] = {"password": PASSWORD, "backend_roles": list(backend_roles)}
        if stores is not None:
            body["attributes"] = {"stores": stores}
        self.node.request("PUT", f"{API}/internalusers/{name}", body)
        self._users.add(name)
        return name

    def remove_users(self) -> None:
        """Take them all away again."""
        for name in self._users:
            self.node.request("DELETE", f"{API}/internalusers/{name}")

    def ask(
        self, user: str, method: str, path: str, body: Any = None, password: str = PASSWORD
    ) -> tuple[int, Any]:
        """One request as that user: status, and the answer as JSON where it is."""
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        request = urllib.request.Request(self.node.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.node.ssl_context()) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def bulk(self, user: str, *lines: Any, query: str = "") -> list[tuple[int, str]]:
        """A bulk request as that user: of each item its status and the index where it is."""
        body = "".join(json.dumps(line) + "\n" for line in lines)
        status, answer = self.ask(user, "POST", f"/_bulk{query}", body)
        assert status == 200, answer
        items = [next(iter(item.values())) for item in answer["items"]]
        return [(item["status"], item["_index"]) for item in items]

    def empty(self) -> None:
        """Delete all `pabx-*` indices."""
        self.node.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")

    def fill(self) -> None:
        """Of each store four calls and its entry in the register; a refused document of an unknown sender."""
        lines = []
        for number in range(12):
            store = STORES[number % 3]
            call = document(
                f"{store}-{number}",
                store,
                call={"id": f"{store}-{number}", "talk_seconds": number},
                source={"name": f"Segredo{store[-1]} Silva", "number": f"1198765{store[-3:]}{number % 10}"},
            )
            lines += [{"index": {"_index": CALLS, "_id": call["event"]["id"]}}, call]
        for store in STORES:
            register = {**document(store), "store": {"id": store, "name": f"Segredo{store[-1]}"}}
            register["event"]["dataset"] = "pabx.store"
            lines += [{"index": {"_index": "pabx-stores", "_id": store}}, register]
        aside = {"index": {"_index": "pabx-quarantine-2026.11", "_id": "aside", "pipeline": "_none"}}
        lines += [aside, document("aside", None, quarantine={"stage": "gate", "document": {"a": "Segredo4"}})]
        body = "".join(json.dumps(line) + "\n" for line in lines)
        answer = self.node.request("POST", "/_bulk?refresh=true", body)
        assert [item["index"]["status"] for item in answer["items"]] == [201] * 16, answer

    def access(self, user: str) -> list[str | Path]:
        """The options with which `central` works as that user."""
        password = self.folder / user
        password.write_text(PASSWORD)
        return self._access(user, password)

    def administrator(self) -> list[str | Path]:
        """The same for the administrator."""
        assert self.node.user
        assert self.node.password_file
        return self._access(self.node.user, self.node.password_file)

    def _access(self, user: str, password: Path) -> list[str | Path]:
        assert self.node.ca_file
        where: list[str | Path] = ["--url", self.node.url, "--ca-file", self.node.ca_file]
        return [*where, "--user", user, "--password-file", password]


def document(key: str, store: str | None = STORES[0], **parts: Any) -> dict[str, Any]:
    """A call's document of November 2026 as an agent sends it."""
    at = "2026-11-23T15:00:00Z"
    event = {"id": key, "kind": "event", "dataset": "pabx.call", "created": at, "sequence": 1}
    result = {"@timestamp": at, "event": event, "agent": {"version": "1.0"}, **parts}
    return result if store is None else {**result, "store": {"id": store}}


@contextmanager
def secured_node(node: OpenSearchCluster, folder: Path) -> Iterator[Secured]:
    """Install everything, give each role a user of its name, and take all of it away in the end."""
    secured = Secured(node, folder)
    with pytest.raises(SystemExit) as end:
        main([str(option) for option in ["install", *secured.administrator()]])
    assert end.value.code == 0
    own_index = f"{API}/rolesmapping/own_index"
    # A right of every user by default, bulk and more: what a role lacks would not be seen.
    users = node.request("GET", own_index)["own_index"]["users"]
    node.request("PATCH", own_index, [{"op": "add", "path": "/users", "value": []}])
    try:
        for role in ROLES:
            secured.user(role, role, stores='"Loja001","Loja002"' if role == "pabx_store_manager" else None)
        yield secured
    finally:
        secured.remove_users()
        node.request("PATCH", own_index, [{"op": "add", "path": "/users", "value": users}])
        secured.empty()
