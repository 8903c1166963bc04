"""``python -m compose.stack``: up, a second up, status, down."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from compose.stack import QUICK_START, cli, state
from compose.stack.download import mariadb_home, opensearch_home
from compose.stack.ports import free_port

HERE = Path(__file__).parents[2]


@pytest.fixture
def cache(server_dir: Path) -> Path:
    """A cache of its own that borrows the assembled servers."""
    for home in (mariadb_home(), opensearch_home()):
        (server_dir / home.name).symlink_to(home)
    return server_dir


def run(cache: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "PABX_CACHE": str(cache), "OPENSEARCH_JAVA_OPTS": " ".join(QUICK_START)}
    command = [sys.executable, "-m", "compose.stack", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=HERE)


@pytest.mark.servers
def test_up_leaves_servers_running_until_down_and_finds_their_data_again(cache: Path) -> None:
    ports = ["--opensearch-port", str(free_port()), "--mariadb-port", str(free_port())]
    try:
        nothing = run(cache, "status")
        assert nothing.returncode == 1
        assert nothing.stdout.count("does not run: start it with make up\n") == 2

        up = run(cache, "up", "--heap-mib", "512", *ports)
        assert up.returncode == 0, up.stderr
        assert f"http://127.0.0.1:{ports[1]}" in up.stdout
        assert "OpenSearch node-1: healthy after" in up.stderr

        url = f"http://127.0.0.1:{ports[1]}/pabx-x/_doc/1"
        call = urllib.request.Request(
            url, data=b'{"x": 1}', headers={"Content-Type": "application/json"}, method="PUT"
        )
        urllib.request.urlopen(call).close()
        shown = json.loads(run(cache, "status", "--json").stdout)
        assert [server["name"] for server in shown] == ["MariaDB", "OpenSearch node-1"]
        assert all(Path(server["log"]).is_file() for server in shown)

        second = run(cache, "up", "--heap-mib", "512", *ports)
        assert second.returncode == 0
        assert second.stdout.startswith("MariaDB already runs\nOpenSearch already runs\n")
        assert shown == json.loads(run(cache, "status", "--json").stdout)

        other = run(cache, "up", "--security", *ports)
        assert other.returncode == 1
        assert f"OpenSearch already runs with {ports[0]} {ports[1]} --nodes 1: run make down" in other.stderr

        down = run(cache, "down")
        assert (down.returncode, down.stdout) == (0, "stopped: MariaDB, OpenSearch node-1\n")
        assert not any(state.process_identity(server["pid"]) for server in shown)
        assert run(cache, "down").stdout == "nothing runs\n"

        assert run(cache, "up", "--heap-mib", "512", *ports).returncode == 0
        with urllib.request.urlopen(url) as answer:
            assert json.load(answer)["found"]
    finally:
        run(cache, "down")


def test_a_recycled_pid_is_neither_shown_nor_killed(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        stale = state.Left("MariaDB", stranger.pid, "boot:1", "", "", "")
        state.write(tmp_path / "state.json", [stale])
        assert state.read(tmp_path / "state.json") == []
        state.stop([stale])
        assert stranger.poll() is None
        mine = state.Left("MariaDB", stranger.pid, state.process_identity(stranger.pid), "", "", "")
        state.write(tmp_path / "state.json", [mine])
        assert [mine] == state.read(tmp_path / "state.json")
        state.stop([mine])
        assert stranger.wait(5) == -15


@pytest.mark.parametrize(
    ("option", "wrong", "says"),
    [
        ("--mariadb-port", "0", "'0' is no port: a number from 1 to 65535"),
        ("--opensearch-port", "65536", "'65536' is no port: a number from 1 to 65535"),
        ("--nodes", "0", "'0' is no number of nodes: 1 or more"),
    ],
)
def test_a_wrong_number_is_refused(
    option: str, wrong: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["up", option, wrong])
    assert says in capsys.readouterr().err
