"""Each failure is one line that says what mends it, and its exit code."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome

Central = Callable[..., Outcome]


def failed(outcome: Outcome, code: int) -> str:
    """The one line of a run that failed."""
    assert outcome.code == code, outcome
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    return outcome.err.rstrip("\n")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def web_server() -> Iterator[str]:
    """A server that is no OpenSearch."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_no_cluster_given(central: Central) -> None:
    assert "pass --url or set OPENSEARCH_URL" in failed(central("install"), 2)


@pytest.mark.parametrize(
    "url", ["search.example:9200", "ftp://x", "http://", "http://x:port", "https://x:99999"]
)
def test_a_url_that_is_none(central: Central, url: str) -> None:
    assert failed(central("install", "--url", url), 2).startswith(f"central: URL {url!r} is not of the form")


def test_a_password_in_the_url(central: Central) -> None:
    line = failed(central("install", "--url", "https://admin:secret@x:9200"), 2)
    assert "--password-file" in line
    assert "secret" not in line


def test_a_user_without_a_password(central: Central) -> None:
    line = failed(central("install", "--url", "http://x:1", "--user", "admin"), 2)
    assert line.endswith("set --password-file or OPENSEARCH_PASSWORD")


def test_a_password_file_that_is_not_there(central: Central, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    line = failed(central("install", "--url", "http://x:1", "--user", "a", "--password-file", missing), 2)
    assert line == f"central: password file {missing}: No such file or directory: correct --password-file"


def test_an_unreachable_cluster(central: Central, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    assert failed(central("install", "--url", url), 1) == (
        f"central: {url} cannot be reached (connection refused): "
        "start the cluster, or correct --url or OPENSEARCH_URL"
    )


def test_a_name_that_is_not_known(central: Central) -> None:
    line = failed(central("install", "--url", "http://no-such-host.invalid:9200"), 1)
    assert "its name is not known" in line


def test_a_server_that_is_no_opensearch(central: Central, web_server: str) -> None:
    assert failed(central("install", "--url", web_server), 1).endswith(
        "answers, but is not an OpenSearch: correct --url"
    )


def test_an_unknown_option_is_not_guessed(central: Central) -> None:
    assert central("install", "--dry", "--url", "http://x:1").code == 2


@pytest.mark.servers
class TestSecureCluster:
    """On a node with TLS and log-in."""

    @pytest.fixture
    def access(self, secure_opensearch: OpenSearchCluster) -> list[str]:
        node = secure_opensearch
        return ["--url", node.url, "--user", str(node.user), "--ca-file", str(node.ca_file)]

    def test_right_access_installs(
        self, central: Central, access: list[str], secure_opensearch: OpenSearchCluster
    ) -> None:
        outcome = central("install", *access, "--password-file", str(secure_opensearch.password_file))
        assert outcome.code == 0, outcome.err
        assert outcome.err == ""

    def test_access_from_the_environment(
        self, central: Central, secure_opensearch: OpenSearchCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node = secure_opensearch
        values = {"URL": node.url, "USER": node.user, "PASSWORD": node.password, "CA_FILE": node.ca_file}
        for name, value in values.items():
            monkeypatch.setenv(f"OPENSEARCH_{name}", str(value))
        assert central("install", "--dry-run").code == 0

    def test_a_wrong_password(self, central: Central, access: list[str], tmp_path: Path) -> None:
        wrong = tmp_path / "password"
        wrong.write_text("wrong\n")
        line = failed(central("install", *access, "--password-file", wrong), 1)
        assert line.endswith(
            "does not know user 'admin' with this password: correct --user or --password-file"
        )
        assert "wrong" not in line

    def test_no_user(self, central: Central, access: list[str]) -> None:
        line = failed(central("install", *access[:2], *access[4:]), 1)
        assert line.endswith("wants a user: pass --user and --password-file")

    def test_a_rejected_certificate(
        self, central: Central, access: list[str], secure_opensearch: OpenSearchCluster
    ) -> None:
        password = ["--password-file", str(secure_opensearch.password_file)]
        line = failed(central("install", *access[:4], *password), 1)
        assert "its certificate is rejected, the system's authorities did not sign it: --ca-file" in line

    def test_a_ca_file_that_is_none(self, central: Central, access: list[str], tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("not a certificate")
        line = failed(central("install", *access[:2], "--ca-file", tmp_path / "ca.pem"), 2)
        assert line.endswith("is not a PEM certificate: correct --ca-file or OPENSEARCH_CA_FILE")

    def test_http_instead_of_https(self, central: Central, secure_opensearch: OpenSearchCluster) -> None:
        line = failed(central("install", "--url", secure_opensearch.url.replace("https", "http")), 1)
        assert "use https:// in --url" in line

    def test_https_instead_of_http(self, central: Central, opensearch: OpenSearchCluster) -> None:
        line = failed(central("install", "--url", opensearch.url.replace("http", "https")), 1)
        assert "does not speak TLS: use http:// in --url" in line

    def test_missing_rights(
        self, central: Central, secure_opensearch: OpenSearchCluster, access: list[str], tmp_path: Path
    ) -> None:
        user = "/_plugins/_security/api/internalusers/reader"
        (tmp_path / "password").write_text("Reads-0nly-but-long-enough")
        secure_opensearch.request("PUT", user, {"password": "Reads-0nly-but-long-enough"})
        try:
            line = failed(
                central("install", *access, "--user", "reader", "--password-file", tmp_path / "password"), 1
            )
        finally:
            secure_opensearch.request("DELETE", user)
        assert "user 'reader' lacks the right for it (no permissions for [cluster:" in line
        assert line.endswith("give the user a role that has it")
