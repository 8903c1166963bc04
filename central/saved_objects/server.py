"""Requests to OpenSearch Dashboards, and their failures as one line each."""

import base64
import json
import socket
import ssl
import uuid
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from http.client import responses as phrases
from typing import Any, Final
from urllib.parse import urlsplit

from central.client import Connection, ssl_context
from central.errors import CentralError, UsageError

MAY_WRITE: Final = (
    "give the user a role that may write saved objects, such as kibana_user of OpenSearch Security"
)
"""What mends it that the user lacks the right."""

_OLDEST: Final = "OpenSearch Dashboards 2.8 or newer is needed"
_CORRECT: Final = "correct --dashboards-url or DASHBOARDS_URL"
_MOST_CHARACTERS: Final = 300


def checked_url(url: str) -> str:
    """Check where OpenSearch Dashboards is said to be.

    Returns:
        The address without a slash at its end.

    Raises:
        UsageError: it is no such address.
    """
    form = f"URL {url!r} is not of the form https://host:port or https://host:port/base/path: {_CORRECT}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
    except ValueError:
        raise UsageError(form) from None
    if parts.username or parts.password:
        raise UsageError("--dashboards-url holds a user or password: give them by --user and --password-file")
    # What a browser shows goes on behind the address: /app/home#/
    if not usable or parts.query or parts.fragment or "app" in parts.path.split("/"):
        raise UsageError(form)
    return url.rstrip("/")


class Server:
    """An OpenSearch Dashboards.

    Args:
        url: its address, with its base path if it has one.
        connection: the cluster's, for user, password, authority and timeout.
    """

    def __init__(self, url: str, connection: Connection) -> None:
        self.url = url
        self._asks = connection

    def version(self) -> str:
        """Make sure that an OpenSearch Dashboards answers, and give its version.

        Raises:
            UsageError: the CA file cannot be used.
            CentralError: it does not answer, does not accept us, or is something else.
        """
        answer = self._request("GET", "/api/status", "its state")
        version = answer.get("version") if isinstance(answer, dict) else None
        if not isinstance(version, dict) or "number" not in version:
            raise self._another()
        return str(version["number"])

    def read(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        """Read objects; those that are not there are left out.

        Args:
            keys: type and id of each.

        Raises:
            CentralError: one cannot be read.
        """
        wanted = [{"type": kind, "id": name} for kind, name in keys]
        answer = self._send_json("/api/saved_objects/_bulk_get", wanted, "reading saved objects")
        found = {}
        for one in answer["saved_objects"]:
            error = one.get("error")
            if error is None:
                found[one["type"], one["id"]] = one
            elif error.get("statusCode") != 404:  # noqa: PLR2004 -- HTTP's number for what is not there
                reason = _one_line(error.get("message"))
                raise CentralError(f"{self.url}: {one['type']} {one['id']}: {reason}: {_OLDEST}")
        return found

    def import_lines(self, lines: list[str]) -> dict[str, Any]:
        """Send objects in place of those that are there; the answer's status says nothing of each.

        Returns:
            `success`, `successCount` and, where something was refused, `errors`.

        Raises:
            CentralError: all of it is refused.
        """
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="pabx.ndjson"\r\n'
        head += "Content-Type: application/ndjson\r\n\r\n"
        body = head + "".join(f"{line}\n" for line in lines) + f"\r\n--{boundary}--\r\n"
        answer = self._request(
            "POST",
            "/api/saved_objects/_import?overwrite=true",
            "importing saved objects",
            body.encode(),
            f"multipart/form-data; boundary={boundary}",
        )
        if not isinstance(answer, dict) or "successCount" not in answer:
            raise self._another()
        return answer

    def settings(self) -> dict[str, str]:
        """Read the advanced settings that somebody has set, by name.

        Raises:
            CentralError: they cannot be read.
        """
        answer = self._request("GET", "/api/opensearch-dashboards/settings", "reading settings")
        values = {name: one.get("userValue") for name, one in answer["settings"].items()}
        return {name: str(value) for name, value in values.items() if value is not None}

    def set(self, name: str, value: str) -> None:
        """Set one of them, for all users.

        Raises:
            CentralError: it is refused.
        """
        path = f"/api/opensearch-dashboards/settings/{name}"
        self._send_json(path, {"value": value}, f"setting {name}")

    def _send_json(self, path: str, value: Any, part: str) -> Any:
        return self._request("POST", path, part, json.dumps(value).encode(), "application/json")

    def _request(
        self, method: str, path: str, part: str, body: bytes | None = None, content_type: str = ""
    ) -> Any:
        headers = {"osd-xsrf": "true", "Accept": "application/json"}
        if content_type:
            headers["Content-Type"] = content_type
        if self._asks.user:
            token = base64.b64encode(f"{self._asks.user}:{self._asks.password}".encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        try:
            status, answer, where = self._exchange(method, path, headers, body)
        except ssl.SSLError as error:
            raise CentralError(_tls_failure(self.url, error)) from error
        except (HTTPException, OSError) as error:
            raise CentralError(_unreachable(self.url, error, self._asks.timeout)) from error
        if status != 200:  # noqa: PLR2004 -- each of these requests is answered so
            raise self._refused(status, answer, where, part)
        return answer

    def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Any, str]:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        with_tls = parts.scheme == "https"
        if with_tls:
            context = ssl_context(self._asks.ca_file)
            # Its certificate is often a public one, even where the cluster's is of an own authority.
            context.load_default_certs()
            line: HTTPConnection = HTTPSConnection(
                host, parts.port, timeout=self._asks.timeout, context=context
            )
        else:
            line = HTTPConnection(host, parts.port, timeout=self._asks.timeout)
        try:
            line.request(method, parts.path + path, body=body, headers=dict(headers))
            answer = line.getresponse()
            return answer.status, _parsed(answer), answer.getheader("Location", "")
        finally:
            line.close()

    def _refused(self, status: int, answer: Any, where: str, part: str) -> CentralError:
        who = f"user {self._asks.user!r}" if self._asks.user else "a request without a user"
        reason = _reason(answer) or phrases.get(status, "")
        told = {
            401: f"{self.url} does not know {who} with this password: correct --user or --password-file"
            if self._asks.user
            else f"{self.url} wants a user: pass --user and --password-file",
            403: f"{self.url}: {part}: {who} lacks the right for it ({reason}): {MAY_WRITE}",
            404: f"{self.url} answers, but is not an OpenSearch Dashboards: {_CORRECT}, and its base path",
            413: f"{self.url}: {part}: the file is too large for it ({reason}): raise "
            "savedObjects.maxImportPayloadBytes there, and the limit of a proxy before it",
            415: f"{self.url}: {part}: it does not take the form ({reason}): if a proxy is before it, "
            "give its own address",
            422: f"{self.url}: {part}: {reason}: {_OLDEST}",
            503: f"{self.url} is not ready ({reason}): look at its log, then run it again",
        }
        if status in told:
            return CentralError(told[status])
        if where:
            return CentralError(
                f"{self.url} leads on to {where}: give that address in --dashboards-url, "
                "or, if it is a page for logging in, let it take basic authentication"
            )
        if "no handler found for uri" in reason:
            return CentralError(f"{self.url} is an OpenSearch, not its Dashboards: {_CORRECT}")
        return CentralError(
            f"{self.url}: {part}: it refuses it ({status}): {reason}: look at its log, then run it again"
        )

    def _another(self) -> CentralError:
        return CentralError(f"{self.url} answers, but is not an OpenSearch Dashboards: {_CORRECT}")


def _parsed(answer: HTTPResponse) -> Any:
    text = answer.read().decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _reason(answer: Any) -> str:
    if isinstance(answer, dict):
        return _one_line(answer.get("message") or answer.get("error") or "")
    text = str(answer)
    return "" if text.lstrip().startswith("<") else _one_line(text)  # a page says nothing in one line


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())[:_MOST_CHARACTERS]


def _tls_failure(url: str, error: ssl.SSLError) -> str:
    cause = error.reason or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        mends = "--ca-file or OPENSEARCH_CA_FILE must name the certificate of the authority that signed it"
        if "mismatch" in error.verify_message or "match" in error.verify_message:
            mends = "use the name that it is for in --dashboards-url"
        return f"{url}: its certificate is rejected, {error.verify_message}: {mends}"
    if cause in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return f"{url} does not speak TLS: use http:// in --dashboards-url"
    return f"{url}: TLS failed: {cause}: {_CORRECT}"


def _unreachable(url: str, error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"{url} did not answer in {timeout:.0f} s: look at its log, then run it again"
    if isinstance(error, HTTPException | ConnectionResetError):
        other = "https://" if url.startswith("http:") else "http://"
        return f"{url} broke off the connection: use {other} in --dashboards-url if it speaks that"
    cause = "its name is not known" if isinstance(error, socket.gaierror) else _strerror(error)
    return f"{url} cannot be reached ({cause}): start OpenSearch Dashboards, or {_CORRECT}"


def _strerror(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text[:1].lower() + text[1:]
