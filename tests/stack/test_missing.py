"""What is missing or taken is one clear line, and a half-finished home is never used."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compose.stack import MariaDB, OpenSearchCluster, StackError, cli
from compose.stack.download import mariadb_home, opensearch_home
from compose.stack.paths import check_home
from compose.stack.ports import check_free, free_port

FETCH = "from compose.stack.download import mariadb_home; print(mariadb_home())"


@pytest.fixture
def empty_cache(server_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PABX_CACHE", str(server_dir))
    return server_dir


def test_missing_maven_says_what_to_install(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackError, match=r"^Maven \(mvn\) not found: install it \(.*apt install maven\)"):
        mariadb_home()
    assert [path.name for path in empty_cache.iterdir() if path.is_dir()] == []


def test_failing_maven_leaves_no_home(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = empty_cache / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text("#!/bin/sh\necho '[INFO] fine'\necho '[ERROR] no route to the repository'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:/usr/bin:/bin")
    with pytest.raises(StackError, match="Maven failed: no route to the repository: check the network"):
        opensearch_home()
    assert [path.name for path in empty_cache.iterdir() if path.is_dir()] == ["bin"]


def test_a_used_port_is_named_with_its_user_and_the_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError) as caught:
            check_free(port, "set --x-port")
    name = Path("/proc/self/comm").read_text(encoding="utf-8").strip()
    assert f"port {port} is in use by {name} (pid {os.getpid()}): set --x-port" == str(caught.value)
    check_free(port, "")


@pytest.mark.parametrize("kind", [MariaDB, OpenSearchCluster])
def test_no_server_starts_on_a_used_port(kind: type[MariaDB | OpenSearchCluster], server_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = (
            MariaDB(server_dir, port=port) if kind is MariaDB else OpenSearchCluster(server_dir, ports=[port])
        )
        with pytest.raises(StackError, match=f"port {port} is in use by"):
            server.start()


def test_up_says_which_setting_moves_a_used_port(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("PABX_MARIADB_PORT", str(port))
        assert cli.main(["up"]) == 1
    printed = capsys.readouterr().err
    assert f"stack: port {port} is in use by" in printed
    assert "set --mariadb-port or PABX_MARIADB_PORT to another" in printed
    assert printed.count("\n") == 1
    assert not (empty_cache / "up" / "mariadb").exists()


def test_free_ports_differ() -> None:
    assert len({free_port() for _ in range(20)}) == 20


def test_a_home_that_others_could_have_written_is_not_executed(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    jar = tmp_path / "lib" / "x.jar"
    jar.touch()
    check_home(tmp_path)
    jar.chmod(0o666)
    with pytest.raises(StackError, match=r"x\.jar could have been written by others"):
        check_home(tmp_path)
    jar.chmod(0o644)
    (tmp_path / "lib").chmod(0o777)
    with pytest.raises(StackError, match="is not executed"):
        check_home(tmp_path)


@pytest.mark.servers
def test_a_killed_download_leaves_nothing_usable_and_two_at_once_do_not_disturb_each_other(
    empty_cache: Path,
) -> None:
    killed = subprocess.Popen([sys.executable, "-c", FETCH])
    while not list(empty_cache.glob(".mariadb-*/fetched/pom.xml")):
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not list(empty_cache.glob("mariadb-*"))
    assert list(empty_cache.glob(".mariadb-*"))

    both = [
        subprocess.Popen([sys.executable, "-c", FETCH], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    homes = {process.communicate()[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert {str(path) for path in empty_cache.glob("mariadb-*")} == homes
    assert len(homes) == 1
    assert not list(empty_cache.glob(".mariadb-*"))
    assert os.access(Path(homes.pop()) / "bin" / "mariadbd", os.X_OK)
