"""What systemd is told: by a real agent into a real socket, and when it no longer is."""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

from shipper.agent import watching
from shipper.agent.notify import Manager, Notifying
from shipper.outputs import opensearch, sender
from shipper.signs import PATIENCE_SECONDS, Signs, alive
from shipper.sources.ami import link
from shipper.sources.cdr import database
from tests.servers import CdrDatabase
from tests.shipper.store import ROOT, Store, environment, eventually, fill

SECOND = "1000000"


class Listener:
    """A service manager's socket; `told` is what came so far."""

    def __init__(self, address: str | bytes) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)
        self.told: list[str] = []

    def hear(self) -> list[str]:
        while True:
            try:
                self.told += self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return self.told

    def count(self, line: str) -> int:
        return self.hear().count(line)

    def statuses(self) -> list[str]:
        return [line.removeprefix("STATUS=") for line in self.hear() if line.startswith("STATUS=")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with Listener(str(tmp_path / "notify")) as found:
        yield found


@contextmanager
def running(
    store: Store, patience: float | None = None, **environ: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """The agent's own command, or the same agent that takes a thread for hung sooner than in ten minutes."""
    config = str(store.write())
    command = [sys.executable, "-m", "shipper", "run", "--config", config]
    if patience is not None:
        shown = (
            "import os, signal, sys; from pathlib import Path; from shipper import logs\n"
            "from shipper.agent import Agent; from shipper.config import load\n"
            "from shipper.agent import notify; notify.GRACE_SECONDS = 1.0\n"
            f"logs.start('text'); agent = Agent(load(Path({config!r})), lambda: os._exit(7), {patience})\n"
            "signal.signal(signal.SIGTERM, lambda *_: agent.stop()); agent.run()\n"
        )
        command = [sys.executable, "-c", shown]
    with (store.folder / "agent.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(environ), stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


class TestManager:
    def test_a_path_and_a_name_in_the_abstract_namespace(self, tmp_path: Path) -> None:
        name = f"pabx-test-{os.getpid()}-{time.monotonic_ns()}"
        for shown, address in ((str(tmp_path / "s"), str(tmp_path / "s")), (f"@{name}", f"\0{name}")):
            with Listener(address) as listener:
                manager = Manager({"NOTIFY_SOCKET": shown})
                assert manager.wants_to_know
                manager.tell("READY=1", "STATUS=lê e entrega")
                assert listener.hear() == ["READY=1", "STATUS=lê e entrega"]

    @pytest.mark.parametrize("address", ["", "relative", "vsock:2:1234"])
    def test_nobody_who_could_be_told(self, address: str) -> None:
        manager = Manager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": SECOND})
        assert not manager.wants_to_know
        manager.tell("READY=1")

    def test_a_manager_that_is_gone_or_reads_nothing_costs_nothing(self, tmp_path: Path) -> None:
        manager = Manager({"NOTIFY_SOCKET": str(tmp_path / "gone")})
        manager.tell("READY=1")
        with Listener(str(tmp_path / "full")) as listener:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, suppress(BlockingIOError):
                other.setblocking(False)
                while True:
                    other.sendto(b"other", str(tmp_path / "full"))
            deaf = Manager({"NOTIFY_SOCKET": str(tmp_path / "full")})
            began = time.monotonic()
            deaf.tell("WATCHDOG=1")
            assert 1.9 < time.monotonic() - began < 4
            assert listener.count("WATCHDOG=1") == 0
            deaf.tell("WATCHDOG=1")
            assert listener.count("WATCHDOG=1") == 1

    @pytest.mark.parametrize(
        ("environ", "pause"),
        [
            ({}, None),
            ({"WATCHDOG_USEC": "120000000"}, 10.0),
            ({"WATCHDOG_USEC": "8000000"}, 2.0),
            ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": str(os.getpid())}, 2.0),
            ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": str(os.getpid() + 1)}, None),
            ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "x"}, None),
            ({"WATCHDOG_USEC": "soon"}, None),
            ({"WATCHDOG_USEC": "-5"}, None),
            ({"WATCHDOG_USEC": ""}, None),
        ],
    )
    def test_how_often_the_watchdog_wants_a_sign(self, environ: dict[str, str], pause: float | None) -> None:
        manager = Manager({"NOTIFY_SOCKET": "/run/none", **environ})
        assert manager.has_watchdog == (pause is not None)
        assert manager.pause == (10.0 if pause is None else pause)


class TestSigns:
    def test_a_thread_is_late_only_after_what_it_announced(self) -> None:
        now = 1000.0
        signs = Signs("reading", 300, lambda: now)
        assert (signs.thread, signs.late_seconds) == (None, -300)
        signs.begin()
        assert signs.thread == threading.get_ident()
        now += 299
        assert signs.late_seconds == -1
        now += 2
        assert signs.late_seconds == 1
        alive(60)
        now += 359
        assert signs.late_seconds == -1
        alive()
        now += 301
        assert signs.late_seconds == 1
        signs.give()
        assert signs.late_seconds == -300

    def test_each_thread_gives_its_own(self) -> None:
        mine, other = Signs("sending", 10), Signs("reading", 10)
        mine.begin()

        def work() -> None:
            alive(1000)  # nobody watches this one yet
            other.begin()
            alive(100)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert -10 <= mine.late_seconds < -9
        assert -110 <= other.late_seconds < -109

    def test_the_patience_is_longer_than_any_wait_of_the_agent(self) -> None:
        """Of each part: all limits of one step that it does not announce, one after the other, twice."""
        query = database.CONNECT_SECONDS + database.READ_SECONDS
        addresses, answer = 2, 2  # a name of IPv4 and IPv6; head and body of an answer
        request = opensearch.TIMEOUT_SECONDS * (addresses + answer)
        chunk = sender.CONNECT_SECONDS + sender.LOGIN_SECONDS
        session = link.CONNECT_SECONDS + link.LOGIN_SECONDS + link.ASK_SECONDS * (3 + watching.ROUNDS)
        assert max(query, request, chunk, session) <= PATIENCE_SECONDS / 2


def never() -> None:
    raise AssertionError("it gave up")


class TestNotifying:
    def test_ready_only_once_all_threads_have_begun(self, listener: Listener, tmp_path: Path) -> None:
        reading, sending, stop = Signs("reading"), Signs("sending"), threading.Event()
        manager = Manager({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"})
        Notifying(manager, [reading, sending], lambda: "works\nwell", stop, never).start()
        reading.begin()
        time.sleep(0.3)
        assert listener.hear() == []
        sending.begin()
        eventually(lambda: listener.count("WATCHDOG=1") >= 3, "signs")
        stop.set()
        eventually(lambda: "STATUS=ending" in listener.hear(), "the end")
        told = [line for line in listener.told if line != "WATCHDOG=1"]
        assert told == ["READY=1", "STATUS=works well", "STOPPING=1", "STATUS=ending"]

    def test_one_that_hangs_is_logged_once_with_its_place_and_may_come_back(
        self, listener: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        now = 0.0
        signs, go = Signs("sending", 300, lambda: now), threading.Event()

        def waits_for_ever() -> None:
            signs.begin()
            go.wait()

        thread = threading.Thread(target=waits_for_ever)
        thread.start()
        eventually(lambda: signs.thread, "the thread")
        manager = Manager({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": SECOND})
        notifying = Notifying(manager, [signs], lambda: "x", threading.Event(), never)
        with caplog.at_level(logging.ERROR):
            notifying.step()
            assert (listener.count("WATCHDOG=1"), caplog.messages) == (1, [])
            now = 301
            for _ in range(3):
                notifying.step()
            assert listener.count("WATCHDOG=1") == 1
            (message,) = caplog.messages
            assert message.startswith("sending hangs, in wait (")
            assert "waits_for_ever (" in message
            signs.give()
            notifying.step()
            assert listener.count("WATCHDOG=1") == 2
        go.set()
        thread.join()

    def test_without_a_watchdog_it_gives_up_after_a_minute_of_it(self) -> None:
        """Not after a pause of the whole machine, when every thread is late and gives a sign at once."""
        now, given_up = 0.0, []
        signs = Signs("reading", 300, lambda: now)
        signs.begin()
        notifying = Notifying(
            Manager({}), [signs], lambda: "x", threading.Event(), lambda: given_up.append(now), lambda: now
        )
        now = 40_000
        notifying.step()
        signs.give()
        now += 70
        notifying.step()
        assert given_up == []
        now += 300
        notifying.step()
        now += 59
        notifying.step()
        assert given_up == []
        now += 1
        notifying.step()
        assert given_up == [now]

    def test_a_status_stays_one_short_line(self, listener: Listener, tmp_path: Path) -> None:
        manager = Manager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for text in ("a\nREADY=1\n", "x" * 5000):
            Notifying(manager, [], lambda text=text: text, threading.Event(), never).step()  # type: ignore[misc]
        assert listener.statuses() == ["a READY=1", "x" * 299 + "…"]
        assert listener.count("READY=1") == listener.count("WATCHDOG=1") == 0


@pytest.mark.servers
class TestAgent:
    def test_a_database_and_an_output_that_are_dead_are_no_reason_to_end_it(
        self, store: Store, listener: Listener, tmp_path: Path
    ) -> None:
        """Ready without either, alive for longer than a thread may be silent, and the status says why."""
        notified = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with running(store, patience=1.0, **notified) as process:
            eventually(lambda: listener.count("READY=1"), "ready")
            for _ in range(6):
                before = listener.count("WATCHDOG=1")
                eventually(lambda before=before: listener.count("WATCHDOG=1") > before + 5, "signs", 3)
            assert any("reading: " in status and "127.0.0.1:9" in status for status in listener.statuses())
            process.terminate()
            assert process.wait(10) == 0
            assert listener.hear()[-2:] == ["STOPPING=1", "STATUS=ending"]
        assert "hangs" not in store.log

    def test_a_thread_that_hangs_ends_the_signs(
        self, store_with_rows: Store, cdr_database: CdrDatabase, listener: Listener, tmp_path: Path
    ) -> None:
        """The sender, in a file that is a pipe to which nobody writes: opening it has no limit of time."""
        fill(cdr_database, 5, start="2026-01-05 10:00:00")
        pipe = tmp_path / "ca.pem"
        os.mkfifo(pipe)
        store_with_rows.set("output.opensearch", url="https://127.0.0.1:9", ca_file=str(pipe))
        notified = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with running(store_with_rows, patience=2.0, **notified) as process:
            eventually(lambda: listener.count("WATCHDOG=1"), "a sign")
            eventually(lambda: "sending hangs, in " in store_with_rows.log, "the log")
            fed = listener.count("WATCHDOG=1")
            time.sleep(1)
            assert listener.count("WATCHDOG=1") == fed
            assert process.poll() is None  # to end it is the manager's part
            assert store_with_rows.log.count("hangs") == 1

    def test_a_thread_that_hangs_ends_an_agent_that_nobody_watches(
        self, store_with_rows: Store, cdr_database: CdrDatabase, tmp_path: Path
    ) -> None:
        """As above, without a service manager: what keeps it alive then starts it anew."""
        fill(cdr_database, 5, start="2026-01-05 10:00:00")
        pipe = tmp_path / "ca.pem"
        os.mkfifo(pipe)
        store_with_rows.set("output.opensearch", url="https://127.0.0.1:9", ca_file=str(pipe))
        with running(store_with_rows, patience=2.0) as process:
            assert process.wait(45) == 7
        assert "sending hangs, in " in store_with_rows.log

    def test_nobody_listens(self, ready_store: Store) -> None:
        """One more thread all the same, that sees whether another one hangs."""
        with running(ready_store) as process:
            eventually(lambda: "compared" in ready_store.log, "the first look")
            tasks = Path(f"/proc/{process.pid}/task").glob("*/comm")
            assert len(list(tasks)) == 3
