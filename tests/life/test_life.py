"""A store PC's life: whatever happens to it, the agent comes back by itself, and the audit is clean.

Each runs the real agent in a process of its own against a real MariaDB, through the real gate (straight to
the cluster where Fluent Bit is absent) into a real OpenSearch. Nobody touches the agent but the loop that
starts it when it is dead.
"""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compose.stack import MariaDB
from tests.life import older
from tests.life.network import Network, free_number
from tests.life.pc import FAKETIME, HeadOffice, StorePc, freeze, thaw
from tests.life.power import NOTHING_LEFT, Machine, Torn, power_cut
from tests.life.torn import HONEST, KINDS
from tests.servers import CdrDatabase, cdr_database_on
from tests.shipper.store import eventually

pytestmark = pytest.mark.servers
MakePc = Callable[..., StorePc]
NO_FAKETIME = "the package faketime is absent: install it to run these"


def test_boot_with_everything_else_later_than_the_agent(
    store_mariadb: MariaDB, life_database: CdrDatabase, office: HeadOffice, make_pc: MakePc
) -> None:
    pc = make_pc(life_database)
    pc.telephone(yesterday=True)
    store_mariadb.stop()
    office.close()
    pc.on()
    eventually(lambda: "cannot be reached" in pc.log_text(), "an agent without its database", 60)
    store_mariadb.launch()
    pc.telephone()
    time.sleep(1)
    office.open()
    pc.delivered()
    assert pc.starts == 1
    pc.audited()


def test_wsl_is_restarted(store_mariadb: MariaDB, life_database: CdrDatabase, make_pc: MakePc) -> None:
    """SIGTERM to all, a moment, SIGKILL to what is left; three times, with calls in between."""
    pc = make_pc(life_database)
    for ended in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
        pc.on()
        pc.telephone(yesterday=True)
        eventually(pc.spool.exists, "a spool")
        time.sleep(0.5)
        store_mariadb.process.terminate()
        pc.off(ended)
        store_mariadb.kill()
        store_mariadb.launch()
    pc.on()
    pc.telephone()
    pc.delivered()
    pc.audited()


def _is_well(beat: dict[str, Any]) -> bool:
    return set(beat["store"]["checks"].values()) <= {"ok", "off"}


def _clock_of(beat: dict[str, Any]) -> timedelta:
    """How far the agent's clock was ahead, to ten minutes."""
    made, taken = (datetime.fromisoformat(beat["event"][name]) for name in ("created", "ingested"))
    return timedelta(minutes=10 * round((made - taken) / timedelta(minutes=10)))


class Clock:
    """A PC's clock that can be set while its programs run.

    The span since the start (CLOCK_MONOTONIC) is left alone: it stands still in sleep, and nobody sets it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(timedelta())
        self.environ = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead: timedelta) -> None:
        """So far ahead of ours."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.0f}\n")
        new.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    if not FAKETIME.exists():
        pytest.skip(NO_FAKETIME)
    return Clock(tmp_path)


def test_sleep_for_nine_hours(
    store_mariadb: MariaDB, life_database: CdrDatabase, office: HeadOffice, make_pc: MakePc, clock: Clock
) -> None:
    """Everything on the PC stands still, head office gives its connection up, then the clock jumps.

    It jumps only a moment after the PC is awake, as WSL's does, and calls come in before and after.
    """
    pc = make_pc(life_database, environ=clock.environ)
    pc.ahead = timedelta(hours=-9)
    clock.set(pc.ahead)
    pc.on()
    pc.telephone()
    pc.delivered()
    pc.signal(signal.SIGSTOP)
    freeze(store_mariadb)
    office.close()
    office.open()
    time.sleep(2)
    thaw(store_mariadb)
    pc.signal(signal.SIGCONT)
    pc.telephone()
    time.sleep(1)
    clock.set(timedelta())
    pc.ahead = timedelta()
    pc.telephone()
    pc.telephone(yesterday=True)
    pc.delivered()
    assert pc.starts == 1
    pc.audited()


def test_the_clock_jumps_there_and_back(life_database: CdrDatabase, make_pc: MakePc, clock: Clock) -> None:
    pc = make_pc(life_database, environ=clock.environ)
    pc.on()
    pc.telephone(yesterday=True)
    pc.delivered()
    for ahead in (timedelta(hours=2), timedelta(), timedelta(hours=-2), timedelta()):
        clock.set(ahead)
        pc.ahead = ahead
        pc.telephone()
        pc.delivered()
        pc.said(
            lambda beat: _is_well(beat) and _clock_of(beat) == pc.ahead, f"well, by a clock {ahead} ahead"
        )
    assert pc.starts == 1
    pc.audited()


SOME = ("log cut", "file older than log", "pages of zeros", "sector garbled", NOTHING_LEFT)


def test_a_power_cut_leaves_a_torn_spool(
    store_mariadb: MariaDB, office: HeadOffice, make_pc: MakePc, tmp_path: Path
) -> None:
    """One PC for each of some kinds of disk, all at once; the long form is ``python -m tests.life``."""
    chance = random.Random(2611)
    with ExitStack() as databases:
        torn = []
        for number, (kind, tear) in enumerate(((kind, KINDS[kind]) for kind in SOME), 1):
            database = databases.enter_context(cdr_database_on(store_mariadb))
            machine = Machine(tmp_path / f"machine{number}", chance)
            if not machine.works():
                pytest.skip("no mount of our own can be made here (unshare --mount)")
            pc = make_pc(database, f"Loja{number:03d}", prefix=machine.prefix)
            torn.append(Torn(pc, machine, kind, tear))
            pc.on()
        power_cut(torn, chance, office.close, office.open)
        for one in torn:
            one.pc.delivered()
        moved = {one.kind: one.moved for one in torn}
        assert max(moved.values()) == moved[NOTHING_LEFT] == 1, moved
        assert {moved[kind] for kind in SOME if kind in HONEST} == {0}, moved
        for one in torn:
            if one.moved:
                assert "is damaged" in one.pc.log_text()
                one.pc.said(lambda beat: "begun anew" in beat["store"]["checks"]["spool"], "what happened")
            one.pc.counted()
        found = office.audit()
        assert (found["days"], found["silent"]) == ([], [])
        for one in torn:
            one.pc.off()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_disk_is_full_and_the_pc_starts_on_it(
    life_database: CdrDatabase, office: HeadOffice, make_pc: MakePc, small_disk: Path
) -> None:
    """Full while it runs and head office is away, full at its next start, and full at its very first."""
    pc = make_pc(life_database, settings={"spool.path": str(small_disk / "spool.db")})
    ballast = small_disk / "ballast"
    _fill(ballast)
    pc.on()
    eventually(lambda: "no room" in pc.log_text(), "an agent without a disk", 60)
    ballast.unlink()
    pc.telephone(30, yesterday=True)
    pc.delivered()
    office.close()
    _fill(ballast)
    pc.telephone(200, yesterday=True)
    pc.telephone(200)
    time.sleep(2)
    pc.off(signal.SIGKILL)
    pc.on()
    time.sleep(2)
    office.open()
    ballast.unlink()
    pc.delivered(60)
    assert list(small_disk.glob("*.damaged-*")) == []
    pc.audited()


def _fill(ballast: Path) -> None:
    """To the last byte."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_mariadb_is_upgraded(store_mariadb: MariaDB, life_database: CdrDatabase, make_pc: MakePc) -> None:
    """The table is made anew under a running agent, and the server is away and back."""
    pc = make_pc(life_database)
    pc.on()
    pc.telephone(yesterday=True)
    pc.delivered()
    for change in (
        "ALTER TABLE cdr ADD COLUMN recordingsize INT NOT NULL DEFAULT 0, ADD COLUMN note TEXT NULL",
        "ALTER TABLE cdr CONVERT TO CHARACTER SET latin1",
        "ALTER TABLE cdr ENGINE = MyISAM",
        "ALTER TABLE cdr CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, ENGINE = InnoDB",
    ):
        with life_database.connect() as root, root.cursor() as cursor:
            cursor.execute(change)
        pc.telephone(5, yesterday=True)
        time.sleep(0.4)
    store_mariadb.stop()
    time.sleep(2)
    store_mariadb.launch()
    pc.telephone()
    pc.delivered()
    assert pc.starts == 1
    pc.audited()


@pytest.mark.skipif(not older.is_there(), reason=older.ABSENT)
def test_mariadb_is_upgraded_from_an_older_version(make_pc: MakePc, server_dir: Path) -> None:
    """The server is another one on the same data, as the package's upgrade leaves it."""
    with older.servers_are_older():
        server = MariaDB(server_dir / "mariadb")
        server.launch()
    try:
        with cdr_database_on(server) as database:
            pc = make_pc(database)
            pc.on()
            pc.telephone(yesterday=True)
            pc.delivered()
            assert _version(server).startswith(older.VERSION)
            server.stop()
            time.sleep(1)
            server.launch()
            assert not _version(server).startswith(older.VERSION)
            pc.telephone()
            pc.telephone(yesterday=True)
            pc.delivered()
            assert pc.starts == 1
            pc.audited()
    finally:
        server.kill()


def _version(server: MariaDB) -> str:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        return str(cursor.fetchall()[0][0])


@pytest.fixture
def network() -> Iterator[Network]:
    try:
        made = Network(free_number())
    except OSError as error:
        pytest.skip(f"no network of our own can be made here: {error}")
    yield made
    made.close()


def test_the_network_is_late_is_cut_and_gives_another_address(
    life_database: CdrDatabase, office: HeadOffice, make_pc: MakePc, network: Network
) -> None:
    """A connection whose address is gone ends without a word: the agent must find out by itself."""
    network.bring_in(life_database.port)
    network.office_listens(office.port)
    pc = make_pc(life_database, prefix=network.prefix)
    pc.on()
    pc.telephone(yesterday=True)
    eventually(lambda: pc.waiting() >= 20, "20 rows in the spool", 60)
    network.plug_in()
    network.address(2)
    time.sleep(1)
    network.tell_names()
    pc.delivered()
    network.pull()
    pc.telephone()
    time.sleep(2)
    network.plug_in()
    pc.delivered()
    network.address(3)
    pc.telephone()
    pc.delivered(120)
    assert pc.starts == 1
    pc.off()
