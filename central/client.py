"""The connection to the cluster, and its failures as one line each."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from opensearchpy import OpenSearch, exceptions

from central.errors import CentralError, UsageError

_TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Connection:
    """Where the cluster is and who asks.

    Attributes:
        url: `http://host:port` or `https://host:port`.
        user: empty where the cluster asks for none.
        password: of that user.
        ca_file: PEM file of the authority that signed the cluster's certificate; None: the system's own.
        timeout: seconds that an answer may take.
    """

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout: float = _TIMEOUT_SECONDS


def connection_from(options: Mapping[str, str | None], environment: Mapping[str, str]) -> Connection:
    """Put the connection together: an option wins over its environment variable.

    Args:
        options: `url`, `user`, `password_file` and `ca_file` as they were given; None or absent: not given.
        environment: where OPENSEARCH_URL, _USER, _PASSWORD and _CA_FILE are looked up.

    Raises:
        UsageError: the URL is missing or is none, or a file cannot be read.
    """
    url = options.get("url") or environment.get("OPENSEARCH_URL", "")
    user = options.get("user") or environment.get("OPENSEARCH_USER", "")
    password_file = options.get("password_file")
    password = (
        _read_secret(Path(password_file)) if password_file else environment.get("OPENSEARCH_PASSWORD", "")
    )
    ca_file = options.get("ca_file") or environment.get("OPENSEARCH_CA_FILE", "")
    if bool(user) != bool(password):
        there, missing = ("user", "password") if user else ("password", "user")
        ways = {"user": "--user or OPENSEARCH_USER", "password": "--password-file or OPENSEARCH_PASSWORD"}
        raise UsageError(f"a {there} is given but no {missing}: set {ways[missing]}")
    return Connection(_checked_url(url), user, password, Path(ca_file) if ca_file else None)


def connect(connection: Connection) -> OpenSearch:
    """Build the client and make sure that an OpenSearch answers.

    Raises:
        UsageError: the CA file cannot be used.
        CentralError: the cluster does not answer, or does not accept us.
    """
    client = client_of(connection)
    with translated(connection):
        answer = client.info()
        if not isinstance(answer, dict) or "cluster_name" not in answer:
            raise CentralError(f"{connection.url} answers, but is not an OpenSearch: correct --url")
    return client


def client_of(connection: Connection) -> OpenSearch:
    """Build the client without a request: whoever may only write cannot ask what answers.

    Raises:
        UsageError: the CA file cannot be used.
    """
    # As many connections as a page asks at once are kept: others would be closed, with a warning each.
    options: dict[str, Any] = {"timeout": connection.timeout, "max_retries": 0, "pool_maxsize": 16}
    if connection.url.startswith("https:"):
        options["ssl_context"] = ssl_context(connection.ca_file)
    if connection.user:
        options["http_auth"] = (connection.user, connection.password)
    return OpenSearch(hosts=[connection.url], **options)


@contextmanager
def translated(connection: Connection, part: str = "") -> Iterator[None]:
    """Turn the client's exceptions into one line that says what mends it.

    Args:
        connection: with whom the block talks.
        part: what the block is about, to begin the line with; else the cluster's URL.

    Raises:
        CentralError: whatever the client raised.
    """
    try:
        yield
    except exceptions.SSLError as error:
        raise CentralError(_tls_failure(connection, str(error.info))) from error
    except exceptions.ConnectionError as error:
        raise CentralError(_unreachable(connection, error)) from error
    except exceptions.TransportError as error:
        raise CentralError(_refused(connection, part or connection.url, error)) from error
    except exceptions.SerializationError as error:
        raise CentralError(f"{connection.url} answers, but is not an OpenSearch: correct --url") from error


def _checked_url(url: str) -> str:
    if not url:
        raise UsageError(
            "no cluster is given: pass --url or set OPENSEARCH_URL, for example https://search.example:9200"
        )
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
    except ValueError:
        usable = False
    else:
        if parts.username or parts.password:
            raise UsageError("the URL holds a user or password: give them by --user and --password-file")
    if not usable:
        raise UsageError(f"URL {url!r} is not of the form https://host:port: correct --url or OPENSEARCH_URL")
    return url.rstrip("/")


def _read_secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"password file {path}: {_reason(error)}: correct --password-file") from error
    if not secret:
        raise UsageError(f"password file {path} is empty: write the password into it")
    return secret


def ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """Trust the authority of a PEM file; None: the system's own.

    Raises:
        UsageError: the file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = "is not a PEM certificate" if isinstance(error, ssl.SSLError) else _reason(error)
        raise UsageError(f"CA file {ca_file}: {reason}: correct --ca-file or OPENSEARCH_CA_FILE") from error


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "is not text"


def _tls_failure(connection: Connection, cause: str) -> str:
    if "WRONG_VERSION_NUMBER" in cause or "record layer failure" in cause:
        return f"{connection.url} does not speak TLS: use http:// in --url, or turn TLS on in the cluster"
    if "Hostname mismatch" in cause or "doesn't match" in cause or "IP address mismatch" in cause:
        return f"{connection.url}: its certificate is for another name: use that name in --url"
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        mends = "--ca-file or OPENSEARCH_CA_FILE must name the certificate of the authority that signed it"
        tried = f"CA file {connection.ca_file}" if connection.ca_file else "the system's authorities"
        why = "it has expired" if "expired" in cause else f"{tried} did not sign it"
        return f"{connection.url}: its certificate is rejected, {why}: {mends}"
    return f"{connection.url}: TLS failed: {cause}"


def _unreachable(connection: Connection, error: exceptions.ConnectionError) -> str:
    cause = f"{type(error.info).__name__}: {error.info}"
    if isinstance(error, exceptions.ConnectionTimeout):
        seconds = f"{connection.timeout:.0f} s"
        return f"{connection.url} did not answer in {seconds}: look at its health, then try again"
    if "RemoteDisconnected" in cause or "Connection aborted" in cause or "BadStatusLine" in cause:
        other = "https://" if connection.url.startswith("http:") else "http://"
        return f"{connection.url} broke off the connection: use {other} in --url if the cluster speaks that"
    short = next((text for key, text in _CAUSES.items() if key in cause), cause)
    return (
        f"{connection.url} cannot be reached ({short}): start the cluster, or correct --url or OPENSEARCH_URL"
    )


_CAUSES: Final = {
    "Connection refused": "connection refused",
    "No route to host": "no route to host",
    "Network is unreachable": "network is unreachable",
    "NameResolutionError": "its name is not known",
}


def _refused(connection: Connection, part: str, error: exceptions.TransportError) -> str:
    who = f"user {connection.user!r}" if connection.user else "a request without a user"
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        if not connection.user:
            return f"{connection.url} wants a user: pass --user and --password-file"
        return f"{connection.url} does not know {who} with this password: correct --user or --password-file"
    reason = _server_reason(error)
    if error.status_code == HTTPStatus.FORBIDDEN:
        return f"{part}: {who} lacks the right for it ({reason}): give the user a role that has it"
    if error.status_code == HTTPStatus.NOT_FOUND and part == connection.url:
        return f"{connection.url} answers, but is not an OpenSearch: correct --url"
    return f"{part}: the cluster refuses it ({error.status_code}): {reason}"


def _server_reason(error: exceptions.TransportError) -> str:
    """The innermost reason that the server gave, in one line."""
    info = error.info
    cause = info.get("error") if isinstance(info, dict) else None
    while isinstance(cause, dict) and isinstance(cause.get("caused_by"), dict):
        cause = cause["caused_by"]
    reason = cause.get("reason") if isinstance(cause, dict) else cause
    return " ".join(str(reason or error.error).split())
