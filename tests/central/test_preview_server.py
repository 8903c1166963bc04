"""The preview's server before a real cluster: figures counted by hand, and what it refuses."""

import json
import re
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from opensearchpy import OpenSearch

from central.client import Connection
from central.preview import files
from central.preview.asking import ClusterError, asking
from central.preview.objects import read
from central.preview.server import HEADERS, Preview, Server
from compose.stack import OpenSearchCluster
from tests.central import preview_objects as handmade

CONTEXT = {"from": "2026-11-18T03:00:00Z", "to": "2026-11-26T03:00:00Z"}
_KEYWORDS = ("store.id", "store.name", "call.id", "call.queue", "call.merged_into")
MAPPING: dict[str, Any] = {
    "properties": {
        "@timestamp": {"type": "date"},
        "call.missed": {"type": "boolean"},
        "call.talk_seconds": {"type": "integer"},
        **{name: {"type": "keyword"} for name in _KEYWORDS},
    }
}


class Answer(NamedTuple):
    """What the server gave."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Page:
    """Talks to a server as a browser does.

    Args:
        server: which.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self._server.server_address[1], timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def panel(self, key: str, **context: Any) -> Answer:
        body = {"panel": key, "language": "pt-BR", "context": {**CONTEXT, **context}}
        return self.send("POST", "/api/panel", json.dumps(body).encode(), Content_Type="application/json")


class Served(NamedTuple):
    """A page, and what its server asked the cluster for."""

    page: Page
    asked: list[tuple[str, str]]


def serve(client: OpenSearch, url: str) -> Iterator[Page]:
    objects = read(handmade.text(), "handmade")
    ask = asking(client, Connection(url), objects.titles())
    preview = Preview(ask, {"pt-BR": objects, "en": objects}, files.static(), lambda: b"vega", "pt-BR")
    with Server(("127.0.0.1", 0), preview) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Page(server)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def served(indices: OpenSearchCluster) -> Iterator[Served]:
    """The page before a cluster with the handmade calls."""
    none = {"index": {"default_pipeline": "_none", "final_pipeline": "_none"}}
    indices.request("PUT", "/pabx-calls-2026.11", json.dumps({"settings": none, "mappings": MAPPING}))
    lines = [line for one in handmade.CALLS for line in ({"create": {}}, one)]
    bulk = "".join(json.dumps(line) + "\n" for line in lines)
    assert not indices.request("POST", "/pabx-calls-2026.11/_bulk?refresh=true", bulk)["errors"]
    asked: list[tuple[str, str]] = []
    with OpenSearch(indices.url) as client:
        send = client.transport.perform_request

        def noted(method: str, url: str, *arguments: Any, **more: Any) -> Any:
            asked.append((method, url))
            return send(method, url, *arguments, **more)

        client.transport.perform_request = noted
        for page in serve(client, indices.url):
            yield Served(page, asked)
    indices.request("DELETE", "/pabx-calls-2026.11")


@pytest.fixture
def page(served: Served) -> Page:
    return served.page


@pytest.fixture
def dead() -> Iterator[Page]:
    """The page before a cluster that has gone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with OpenSearch(url, max_retries=0) as client:
        yield from serve(client, url)


def counted(answer: Answer) -> dict[str, int]:
    values = answer.json["spec"]["data"]["values"]
    return {one["key"]: one["doc_count"] for one in values["aggregations"]["stores"]["buckets"]}


def test_a_charts_figures_are_those_of_the_period(page: Page) -> None:
    assert counted(page.panel("pabx-bars")) == {"Loja001": 2, "Loja002": 1, "Loja003": 1}


def test_filters_and_query_narrow_a_chart(page: Page) -> None:
    two = [{"field": "store.id", "values": ["Loja001", "Loja003"]}]
    assert counted(page.panel("pabx-bars", filters=two)) == {"Loja001": 2, "Loja003": 1}
    left = [{"field": "store.id", "values": ["Loja001"], "negate": True}]
    assert counted(page.panel("pabx-bars", filters=left)) == {"Loja002": 1, "Loja003": 1}
    assert counted(page.panel("pabx-bars", query="call.missed:true")) == {"Loja003": 1}
    dsl = [{"query": {"range": {"call.talk_seconds": {"gte": 60}}}}]
    assert counted(page.panel("pabx-bars", filters=dsl)) == {"Loja001": 1, "Loja002": 1}


def test_a_chart_says_when_there_is_nothing(page: Page) -> None:
    before = {"from": "2025-11-18T03:00:00Z", "to": "2025-11-26T03:00:00Z"}
    assert page.panel("pabx-bars", **before).json["empty"] is True
    assert page.panel("pabx-bars").json["empty"] is False


def test_a_tables_rows(page: Page) -> None:
    """By store, the one with most talking first; an average of nothing is unknown, not 0."""
    made = page.panel("pabx-table").json
    assert made["rows"] == [
        ["Loja002", "600", 1, 200.0, 200.0],
        ["Loja001", "500", 1, 60.0, 60.0],
        ["Loja001", "sem fila", 1, 30.0, 30.0],
        ["Loja003", "600", 1, 0.0, None],
    ]
    assert (made["perPage"], made["total"]) == (5, "sum")


def test_a_saved_searchs_rows(page: Page) -> None:
    made = page.panel("pabx-search-calls", query="store.id:Loja001").json
    assert made["found"] == 2
    assert [(one["fields"]["call.id"], one["fields"]["@timestamp"]) for one in made["rows"]] == [
        (["c2"], ["2026-11-24T12:00:00Z"]),
        (["c1"], ["2026-11-23T12:00:00Z"]),
    ]


def test_the_controls_offer_all_values_whatever_is_chosen(page: Page) -> None:
    chosen = [{"field": "store.id", "values": ["Loja001"]}]
    (control,) = page.panel("pabx-controls", filters=chosen).json["controls"]
    assert (control["label"], control["multiple"], control["pinned"]) == ("Loja", True, True)
    assert [one["value"] for one in control["choices"]] == ["Loja001", "Loja002", "Loja003"]


def test_markdown_is_html_that_is_safe(page: Page) -> None:
    assert page.panel("pabx-words").json["html"] == '<p><a href="#/view/pabx-costs">Custos</a> &lt;b&gt;</p>'


def test_a_kind_of_documents_of_which_none_ever_came(page: Page, indices: OpenSearchCluster) -> None:
    indices.request("DELETE", "/pabx-calls-2026.11")
    made = page.panel("pabx-bars")
    assert (made.status, made.json["kind"]) == (200, "missing")
    assert (
        made.json["error"]
        == "no index is there for pabx-calls-*: run central install, or wait for its first data"
    )
    assert page.panel("pabx-table").json["rows"] == []
    indices.request("PUT", "/pabx-calls-2026.11", "{}")


def test_a_query_that_is_none_is_told_in_its_panel(page: Page) -> None:
    made = page.panel("pabx-bars", query='call.missed:("')
    assert (made.status, made.json["kind"]) == (400, "query")
    assert 'Failed to parse query [call.missed:("]' in made.json["error"]


def test_nothing_but_searches_reaches_the_cluster(served: Served) -> None:
    for key in ("pabx-bars", "pabx-table", "pabx-search-calls", "pabx-words", "pabx-controls"):
        assert served.page.panel(key).status == 200
    assert served.asked == [("POST", "/pabx-calls-*/_search")] * 4


def test_no_other_index_is_asked_for(indices: OpenSearchCluster) -> None:
    with OpenSearch(indices.url) as client, pytest.raises(ClusterError, match="'_all' is not the title"):
        asking(client, Connection(indices.url), ["pabx-calls-*"])("_all", {})


def test_a_cluster_that_has_gone_is_told_in_the_panel(dead: Page) -> None:
    made = dead.panel("pabx-bars")
    assert (made.status, made.json["kind"]) == (502, "cluster")
    assert re.fullmatch(
        r"http://127.0.0.1:\d+ cannot be reached \(connection refused\): .*", made.json["error"]
    )
    assert dead.get("/").status == 200
    assert dead.get("/api/dashboards").json["dashboards"][0]["id"] == "pabx-overview"


def test_what_the_page_reads_first(dead: Page) -> None:
    assert dead.get("/api/dashboards").json == {
        "language": "pt-BR",
        "languages": ["pt-BR", "en"],
        "dashboards": [{"id": "pabx-overview", "title": "Visão geral", "description": ""}],
    }
    assert len(dead.get("/api/dashboard/pabx-overview?language=en").json["panels"]) == 5
    period = dead.get(f"/api/period?from={quote('2026-11-23T10:00')}&to=now%2B1d&zone=America/Sao_Paulo").json
    assert period["from"] == "2026-11-23T13:00:00.000Z"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/api/dashboard/pabx-costs", 404, "there is no dashboard 'pabx-costs'"),
        ("/api/dashboard/..%2f..%2fetc%2fpasswd", 404, "there is no dashboard '../../etc/passwd'"),
        ("/api/dashboards?language=fr", 400, "language 'fr' is not one of pt-BR, en"),
        ("/api/period?from=x&to=now", 400, "'x' is no moment"),
        (
            "/api/period?from=now&to=now&zone=../../etc/passwd",
            400,
            "time zone '../../etc/passwd' is not known",
        ),
        ("/api/other", 404, "there is nothing under /api/other"),
        ("/../server.py", 404, "there is nothing under /../server.py"),
        ("/..%2fserver.py", 404, "there is nothing under /..%2fserver.py"),
        ("/static/app.js", 404, "there is nothing under /static/app.js"),
        ("//etc/passwd", 404, "there is nothing under"),
    ],
)
def test_what_is_not_there_is_told(dead: Page, path: str, status: int, told: str) -> None:
    made = dead.get(path)
    assert made.status == status
    assert told in made.json["error"]


@pytest.mark.parametrize("key", ["", "nothing", "../../x", "pabx-calls", "pabx-overview"])
def test_a_panel_that_is_none(dead: Page, key: str) -> None:
    made = dead.panel(key)
    assert (made.status, made.json) == (404, {"error": f"there is no panel {key!r}", "kind": "object"})


def test_only_the_page_itself_may_ask(dead: Page) -> None:
    body = json.dumps({"panel": "pabx-bars", "context": CONTEXT}).encode()
    form = dead.send("POST", "/api/panel", body, Content_Type="text/plain")
    elsewhere = dead.send(
        "POST", "/api/panel", body, Content_Type="application/json", Sec_Fetch_Site="cross-site"
    )
    rebound = dead.send("GET", "/api/dashboards", Host="evil.example:5602")
    assert (form.status, elsewhere.status, rebound.status) == (415, 415, 421)


@pytest.mark.parametrize("host", ["localhost:5602", "127.0.0.1", "[::1]:5602"])
def test_names_of_this_machine_are_ours(dead: Page, host: str) -> None:
    assert dead.send("GET", "/", Host=host).status == 200


@pytest.mark.parametrize(("body", "status"), [(b"[]", 400), (b"{", 400), (b'{"panel": "pabx-bars"}', 400)])
def test_a_request_that_is_none(dead: Page, body: bytes, status: int) -> None:
    assert dead.send("POST", "/api/panel", body, Content_Type="application/json").status == status


def test_a_request_of_any_length_is_not_read(dead: Page) -> None:
    answer = dead.send("POST", "/api/panel", Content_Type="application/json", Content_Length="99999999")
    assert answer.status == 413


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/app.js"), ("GET", "/none"), ("PUT", "/")]
)
def test_no_answer_lets_anything_in_from_elsewhere(dead: Page, method: str, path: str) -> None:
    headers = dead.send(method, path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"


def test_the_pages_own_files_need_nobody_else(dead: Page) -> None:
    """Each module that is imported is there, and no address of another host stands in any file."""
    texts = {
        path: dead.get(path).body.decode()
        for path in files.static()
        if path.endswith((".js", ".html", ".css"))
    }
    assert "/app.js" in texts
    wanted = re.compile(r"""(?:from |import\(|href=|src=)"(/[^"]*)\"""")
    for text in texts.values():
        for path in wanted.findall(text):
            assert dead.get(path).status == 200, path
        assert not re.search(r"https?://", text)
