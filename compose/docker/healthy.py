"""`healthy.py PART`: the health check of a container; standard library only, for it runs every few seconds.

It exits with 0 when its part works, else with 1 and a line that says why.
"""

import base64
import json
import os
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS = 5.0


def fluent_bit() -> str:
    """Fluent Bit, in this network namespace, does its work."""
    settings = _gate_settings()
    url = f"http://127.0.0.1:{settings['http_port']}/api/v1/health"
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return "" if answer.status == 200 else f"Fluent Bit answers {answer.status}"  # noqa: PLR2004


def door() -> str:
    """The door lets in who trusts the gate's authority, and answers."""
    settings = _gate_settings()
    with socket.create_connection(("127.0.0.1", settings["port"]), SECONDS) as plain:
        if settings["client_certificates"]:  # this check has none
            return ""
        context = ssl.create_default_context(cafile=_gate() / "ca.pem")
        # It answers HTTP itself; whatever else came would stand in Fluent Bit's log as an error.
        context.set_alpn_protocols(["http/1.1"])
        with context.wrap_socket(plain, server_hostname=settings["host"]) as secured:
            secured.sendall(b"HEALTH\r\n\r\n")
            answer = secured.recv(12)
    return "" if answer == b"HTTP/1.1 400" else f"the door answers {answer!r}"


def cluster() -> str:
    """The cluster answers to the log-in of this container's service."""
    context = ssl.create_default_context(cafile=os.environ["OPENSEARCH_CA_FILE"])
    password = Path(os.environ["PABX_PASSWORD_FILE"]).read_text(encoding="utf-8").strip()
    token = base64.b64encode(f"{os.environ['OPENSEARCH_USER']}:{password}".encode()).decode()
    request = urllib.request.Request(os.environ["OPENSEARCH_URL"])  # noqa: S310  # our own cluster
    request.add_header("Authorization", f"Basic {token}")
    with urllib.request.urlopen(request, timeout=SECONDS, context=context):  # noqa: S310
        return ""


def agent() -> str:
    """The agent runs, by its own word."""
    command = [sys.executable, "-m", "shipper", "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    return "" if json.loads(done.stdout)["running"] else "shipper status says that no agent runs"


def _gate() -> Path:
    return Path(os.environ["PABX_GATE"])


def _gate_settings() -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((_gate() / "gate.json").read_text(encoding="utf-8"))
    return settings


PARTS: dict[str, Callable[[], str]] = {
    "agent": agent,
    "cluster": cluster,
    "door": door,
    "fluent-bit": fluent_bit,
}


def main(arguments: list[str]) -> int:
    """Look at one part. Returns the exit code."""
    try:
        wrong = PARTS[arguments[0]]()
    except (OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError) as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
