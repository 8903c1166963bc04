"""Output ``opensearch``: the bulk API over one kept HTTP(S) connection."""

import base64
import http.client
import json
import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from shipper import __version__
from shipper.config import OpenSearchSettings
from shipper.document.quarantine import INDEX as QUARANTINE
from shipper.document.validate import Invalid
from shipper.errors import OutputError, words
from shipper.outputs import tls
from shipper.outputs.base import Outcome, Refused
from shipper.schema import VERSION
from shipper.signs import alive
from shipper.spool import Spooled

TIMEOUT_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 8_000
"""A body that goes out more slowly over TLS is taken for a thread that hangs."""
CONFLICTS = 3
"""How often the cluster tries an update again that met another one."""
_TEMPLATE = "/_index_template/pabx-cdr?filter_path=index_templates.index_template.version"
_CREATED = 201
_FORBIDDEN = "403 security_exception"
_BAD_REQUEST = 400
_CLUSTER_ERRORS = {
    "validation_exception",  # the limit of shards is reached: the index cannot be made
    "index_closed_exception",
}
_EXISTS = 409
_TOO_LARGE = 413
_TOO_MANY = 429
_SERVER_ERRORS = range(500, 600)
_SUCCESS = range(200, 300)


# Nothing of the answer but what decides: each item's status, reason, and where the pipeline has put it.
_BULK = (
    "/_bulk?filter_path=items.*._index,items.*.status,items.*.error.type,items.*.error.reason,"
    "items.*.error.caused_by.reason"
)


def bulk_body(batch: Sequence[Spooled]) -> bytes:
    """The bulk request that puts these documents there, or takes them away."""
    lines: list[bytes] = []
    for _, index, key, body, operation in batch:
        if operation == "delete":
            lines.append(_deletion(index, key, body))
        elif operation == "update":
            lines += _update(index, key, body)
        else:
            # Which state of a document is newer, the pipeline takes from its event.sequence.
            lines.append(f'{{"{operation}":{{"_index":"{index}","_id":"{key}"}}}}'.encode())
            lines.append(body)
    return b"\n".join(lines) + b"\n"


def _deletion(index: str, key: str, body: bytes) -> bytes:
    """A deletion goes through no pipeline: its version stands in the request."""
    version = json.loads(body)["event"]["sequence"]
    action = {"_index": index, "_id": key, "version": version, "version_type": "external"}
    return json.dumps({"delete": action}).encode()


def _update(index: str, key: str, body: bytes) -> list[bytes]:
    """A part of a document: head office may write another part of it at the same moment."""
    action = f'{{"update":{{"_index":"{index}","_id":"{key}","retry_on_conflict":{CONFLICTS}}}}}'
    return [action.encode(), b'{"doc":' + body + b',"doc_as_upsert":true}']


class OpenSearchOutput:
    """Sends documents with ``create``: an ``_id`` that is there already (409) is a success.

    Args:
        settings: Address and credentials.
    """

    max_documents = 1000
    max_bytes = 5 * 1024 * 1024

    def __init__(self, settings: OpenSearchSettings) -> None:
        self._settings = settings
        url = urlsplit(settings.url)
        self._secure = url.scheme == "https"
        self._host = url.hostname or ""
        self._port = url.port or (443 if self._secure else 80)
        self._path = url.path.rstrip("/")
        self._connection: http.client.HTTPConnection | None = None
        self._ready = False
        self._rights = f"give user {settings.user!r} the rights to create documents and indices in pabx-*"
        self._headers = {"User-Agent": f"pabx-shipper/{__version__}"}
        if settings.user:
            token = base64.b64encode(f"{settings.user}:{settings.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"

    def send(self, batch: Sequence[Spooled]) -> Outcome:
        """Deliver a batch; see `Output.send`."""
        if not self._ready:
            self._require_templates()
            self._ready = True
        status, answer = self._request("POST", _BULK, bulk_body(batch), "application/x-ndjson")
        if status == _TOO_LARGE:
            return self._halve(batch)
        self._raise_for(status, answer)
        try:
            # Each item is {"create": {...}}.
            items = [next(iter(item.values())) for item in json.loads(answer)["items"]]
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
            items = []
        if len(items) != len(batch) or not all(isinstance(item, dict) for item in items):
            raise OutputError(
                f"{self._settings.url} answered {len(items)} items to a bulk of {len(batch)}",
                "does output.opensearch.url lead to an OpenSearch?",
            )
        outcome = _judge(batch, items)
        if outcome.retry_reason.startswith(_FORBIDDEN):
            outcome.retry_hint = self._rights
        return outcome

    def check(self) -> str:
        """Reach the cluster and look for the templates; see `Output.check`."""
        status, answer = self._request("GET", "/")
        self._raise_for(status, answer)
        self._require_templates()
        try:
            version = json.loads(answer)["version"]
            return f"{version.get('distribution', 'cluster')} {version['number']} at {self._settings.url}"
        except (ValueError, KeyError, TypeError):
            raise OutputError(
                f"{self._settings.url} is no OpenSearch", "set output.opensearch.url", permanent=True
            ) from None

    def clock(self) -> float | None:
        """The cluster's clock, seconds since 1970; None where the user may not ask for it."""
        status, answer = self._request("GET", "/_cat/health?format=json&h=epoch")
        try:
            return float(json.loads(answer)[0]["epoch"]) if status in _SUCCESS else None
        except (ValueError, KeyError, TypeError, IndexError):
            return None

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _halve(self, batch: Sequence[Spooled]) -> Outcome:
        """Too large for the server: send the halves; one document alone that is too large is refused."""
        if len(batch) == 1:
            size = len(batch[0].body)
            reason = Invalid(
                "", "http.max_content_length", f"document of {size} bytes is too large for the cluster"
            )
            return Outcome(refused=[Refused(batch[0], reason)])
        middle = len(batch) // 2
        first, second = self.send(batch[:middle]), self.send(batch[middle:])
        return Outcome(
            first.done + second.done,
            first.quarantined + second.quarantined,
            first.refused + second.refused,
            first.retry + second.retry,
            first.retry_reason or second.retry_reason,
            first.retry_hint if first.retry else second.retry_hint,
        )

    def _require_templates(self) -> None:
        status, answer = self._request("GET", _TEMPLATE)
        if status == http.HTTPStatus.NOT_FOUND:
            raise OutputError(
                f"{self._settings.url} has no index template pabx-cdr",
                "run: central install",
                permanent=True,
            )
        if status == http.HTTPStatus.FORBIDDEN:  # an ingest user need not be allowed to look
            return
        self._raise_for(status, answer)
        installed = _template_version(answer)
        if installed is not None and installed < VERSION:
            # Its pipeline would let an older state of a call take the place of a newer one.
            raise OutputError(
                f"{self._settings.url} has templates and pipeline of version {installed}, "
                f"this agent needs {VERSION}",
                "run: central install",
                permanent=True,
            )

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            if self._secure:
                context = tls.context(self._settings.ca_file, "output.opensearch.ca_file")
                self._connection = http.client.HTTPSConnection(
                    self._host, self._port, timeout=TIMEOUT_SECONDS, context=context
                )
            else:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        return self._connection

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        alive(len(body or b"") / SLOWEST_BYTES_PER_SECOND)
        connection = self._connect()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()

    def _request(
        self, method: str, path: str, body: bytes | None = None, content_type: str = ""
    ) -> tuple[int, bytes]:
        headers = {**self._headers, "Content-Type": content_type} if content_type else self._headers
        url = self._settings.url
        kept = self._connection is not None
        try:
            try:
                return self._exchange(method, self._path + path, body, headers)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not kept:
                    raise
                self.close()  # the other side, or a proxy, had enough of an idle connection: a new one
                return self._exchange(method, self._path + path, body, headers)
        except ssl.SSLError as error:
            self.close()
            raise tls.rejected(error, url, "output.opensearch.ca_file") from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            raise OutputError(
                f"{url} cannot be reached ({words(error)})",
                "is the cluster up, and output.opensearch.url right? documents wait in the spool",
            ) from error

    def _raise_for(self, status: int, answer: bytes) -> None:
        """Raise what an answer to a whole request means, unless it is a success."""
        if status in _SUCCESS:
            return
        url, user = self._settings.url, self._settings.user
        if status == http.HTTPStatus.UNAUTHORIZED:
            raise OutputError(
                f"{url} refused the password of user {user!r}",
                "set output.opensearch.user and output.opensearch.password",
                permanent=True,
            )
        if status == http.HTTPStatus.FORBIDDEN:
            raise OutputError(
                f"{url} gives user {user!r} no right to write: {_reason(answer)}",
                self._rights,
                permanent=True,
            )
        if status == _TOO_MANY or status in _SERVER_ERRORS:
            raise OutputError(f"{url} is overloaded ({status}: {_reason(answer)})", "it is tried again")
        raise OutputError(
            f"{url} answered {status}: {_reason(answer)}", "does output.opensearch.url lead to an OpenSearch?"
        )


def _judge(batch: Sequence[Spooled], items: Sequence[dict[str, Any]]) -> Outcome:
    """Each item's answer on its own."""
    outcome = Outcome()
    for document, answer in zip(batch, items, strict=True):
        status = answer.get("status", 0)
        gone = document.operation == "delete" and status == http.HTTPStatus.NOT_FOUND
        if status in (_CREATED, _EXISTS, 200) or gone:
            outcome.done.append(document.seq)
            outcome.quarantined += str(answer.get("_index")).startswith(QUARANTINE)
            continue
        error = answer.get("error")
        error = error if isinstance(error, dict) else {}
        words = f"{error.get('type')}: {error.get('reason')}"
        if isinstance(cause := error.get("caused_by"), dict) and cause.get("reason"):
            words += f" ({cause['reason']})"
        if status == _BAD_REQUEST and not _of_the_cluster(error):
            outcome.refused.append(Refused(document, Invalid("", str(error.get("type", status)), words)))
        else:
            outcome.retry.append(document.seq)
            outcome.retry_reason = outcome.retry_reason or f"{status} {words}"
    return outcome


def _of_the_cluster(error: dict[str, Any]) -> bool:
    """A 400 that no other document would escape: it ends when somebody mends the cluster."""
    return str(error.get("type")) in _CLUSTER_ERRORS or "pipeline with id" in str(error.get("reason"))


def _template_version(answer: bytes) -> int | None:
    """What `central install` has put there; None where the answer is not a cluster's."""
    try:
        return int(json.loads(answer)["index_templates"][0]["index_template"]["version"])
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _reason(answer: bytes) -> str:
    try:
        error = json.loads(answer)["error"]
        return str(error["reason"] if isinstance(error, dict) else error)[:300]
    except (ValueError, KeyError, TypeError):
        return answer[:200].decode(errors="replace").strip()
