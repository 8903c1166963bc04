"""Talks to the Fluent Bit that runs here, over its loopback port."""

import http.client
import json
import socket
import time
from http import HTTPStatus
from typing import Any, Final

from central.errors import CentralError
from central.gate.folder import Settings

_TIMEOUT_SECONDS: Final = 5.0
_RELOAD_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.2


class NotRunningError(CentralError):
    """No Fluent Bit answers."""


def reload(port: int) -> None:
    """Let the running Fluent Bit read its configuration again, and wait until it has.

    What stores have sent and it has acknowledged lies in files and is delivered afterwards; what it had
    not acknowledged they send again.

    Args:
        port: of its HTTP server, on loopback.

    Raises:
        NotRunningError: nothing answers there.
        CentralError: it refuses, or does not come back.
    """
    before = _count(port)
    status, answer = _request(port, "POST", "/api/v2/reload")
    if status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        raise CentralError(
            f"Fluent Bit on 127.0.0.1:{port} does not reload ({status} {answer}): "
            "look at its log, and restart it"
        )
    until = time.monotonic() + _RELOAD_SECONDS
    while time.monotonic() < until:
        try:
            if _count(port) > before:
                return
        except CentralError:
            pass  # while it changes over, nobody answers
        time.sleep(_LOOK_SECONDS)
    raise CentralError(
        f"Fluent Bit on 127.0.0.1:{port} has not reloaded within {_RELOAD_SECONDS:.0f} s: "
        "look at its log, and restart it"
    )


def _count(port: int) -> int:
    _, answer = _request(port, "GET", "/api/v2/reload")
    return int(answer.get("hot_reload_count", 0))


def _request(port: int, method: str, path: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body="{}" if method == "POST" else None)
        response = connection.getresponse()
        found = json.loads(response.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotRunningError(
            f"no Fluent Bit answers on 127.0.0.1:{port} ({error}): start it, or say which port by "
            "central gate init --http-port"
        ) from error
    finally:
        connection.close()
    return response.status, found if isinstance(found, dict) else {}


HEALTHY: Final = "ok"


def health(port: int) -> str:
    """`HEALTHY`, or what is the matter."""
    try:
        status, text = get(port, "/api/v1/health", 200)
    except NotRunningError as error:
        return str(error)
    return HEALTHY if status == HTTPStatus.OK else f"answers {status} {text.strip()}"


def get(port: int, path: str, most: int) -> tuple[int, str]:
    """What its HTTP server answers: status and text, of the text at most that many bytes.

    Raises:
        NotRunningError: nothing answers there.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(most).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise NotRunningError(f"does not answer on 127.0.0.1:{port} ({error})") from error
    finally:
        connection.close()


def door(settings: Settings) -> str:
    """`HEALTHY` where the door takes connections, or what is the matter."""
    address = "127.0.0.1" if settings.listen in {"0.0.0.0", "::", ""} else settings.listen  # noqa: S104
    try:
        socket.create_connection((address, settings.port), _TIMEOUT_SECONDS).close()
    except OSError as error:
        return f"does not answer on {address}:{settings.port} ({error.strerror})"
    return HEALTHY
