"""`central preview` as a user runs it."""

import os
import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

from compose.stack import OpenSearchCluster

ROOT = Path(__file__).parents[2]


def test_the_command_serves_until_it_is_stopped(indices: OpenSearchCluster) -> None:
    command = [sys.executable, "-m", "central", "preview", "--url", indices.url, "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/ shows the dashboards of (\S+) until Ctrl-C\n", line)
        assert found, line + process.stderr.read()
        assert found[2] == indices.url
        connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=30)
        connection.request("GET", "/vega.js")
        vega = connection.getresponse().read()
        connection.close()
        assert b"vegaEmbed" in vega
        process.send_signal(signal.SIGINT)
        assert (process.wait(30), process.stderr.read()) == (0, "")


def refused(*arguments: str, code: str = "") -> tuple[int, str]:
    start = code + "import sys; from central.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", start, "preview", *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENSEARCH_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_without_vega_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['vl_convert'] = None; "
    told = "central: Vega is not installed, which draws the charts: pip install vl-convert-python\n"
    assert refused("--url", "http://127.0.0.1:9", code=code) == (2, told)


def test_a_port_that_is_taken_is_told(indices: OpenSearchCluster) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, told = refused("--url", indices.url, "--port", port)
    assert code == 2
    assert told == (
        f"central: cannot listen on 127.0.0.1:{port}: [Errno 98] Address already in use: "
        "correct --listen or --port\n"
    )
