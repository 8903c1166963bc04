"""The spool: documents and position together or not at all, bounded, and nothing leaves too early."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipper.document.model import Document
from shipper.errors import DiskFullError, ShipperError, SpoolError
from shipper.spool import Bucket, Refusal, Spool, SpoolFullError, SpoolLock
from tests.shipper.store import ROOT

BUCKET = "2026-11-23 05:1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "spool.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    found = Spool(path)
    yield found
    found.close()


def documents(first: int, count: int, size: int = 100) -> list[Document]:
    return [Document("pabx-cdr-2026.11", f"{n:032x}", b"x" * size) for n in range(first, first + count)]


def ids(spool: Spool) -> list[int]:
    return [int(found.id, 16) for found in spool.take(1_000_000, 1 << 40)]


def settle_all(spool: Spool) -> None:
    spool.settle([found.seq for found in spool.take(1_000_000, 1 << 40)])


class TestOrder:
    def test_oldest_first_and_they_stay_until_settled(self, spool: Spool) -> None:
        spool.add(documents(0, 5))
        assert ids(spool) == ids(spool) == [0, 1, 2, 3, 4]
        batch = spool.take(2, 1 << 20)
        spool.settle([batch[1].seq])
        assert ids(spool) == [0, 2, 3, 4]

    def test_a_batch_is_bounded_but_never_empty(self, spool: Spool) -> None:
        spool.add(documents(0, 10, size=1000))
        assert len(spool.take(3, 1 << 20)) == 3
        assert len(spool.take(10, 2500)) == 2
        assert len(spool.take(10, 1)) == 1
        settle_all(spool)
        assert spool.take(10, 1) == []

    @settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.integers(1, 6), st.sets(st.integers(0, 9))), max_size=12))
    def test_only_what_was_settled_leaves(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, set[int]]]
    ) -> None:
        spool = Spool(tmp_path_factory.mktemp("spool") / "spool.db")
        waiting: list[int] = []
        added = 0
        for count, places in steps:
            spool.add(documents(added, count))
            waiting += range(added, added + count)
            added += count
            batch = spool.take(10, 1 << 20)
            gone = [found for place, found in enumerate(batch) if place in places]
            spool.settle([found.seq for found in gone])
            waiting = [n for n in waiting if n not in {int(found.id, 16) for found in gone}]
            assert ids(spool) == waiting
        assert spool.counters().get("delivered", 0) == added - len(waiting)
        spool.close()

    def test_a_quarantined_document_takes_the_place_of_the_refused_one(self, spool: Spool) -> None:
        spool.add(documents(0, 3))
        one, two, three = spool.take(3, 1 << 20)
        instead = Document("pabx-quarantine-2026.11", two.id, b"why")
        spool.settle([one.seq], [(two.seq, instead)], [Refusal(three, "too odd")], quarantined=0)
        (left,) = spool.take(9, 1 << 20)
        assert left[1:] == tuple(instead)
        assert spool.counters() == {"delivered": 1, "refused": 1}
        spool.settle([left.seq], quarantined=1)  # it has arrived there
        assert spool.counters() == {"delivered": 2, "quarantined": 1, "refused": 1}
        kept = sqlite3.connect(spool.path).execute("SELECT id, body, reason FROM refused").fetchall()
        assert kept == [(three.id, three.body, "too odd")]


class TestPosition:
    def test_it_is_written_with_the_documents(self, spool: Spool) -> None:
        spool.add(documents(0, 1), {BUCKET: Bucket(1, 77)}, [(BUCKET, "ab" * 16)], {"read": 1})
        assert spool.buckets(BUCKET) == {BUCKET: Bucket(1, 77)}
        assert spool.seen(BUCKET) == {"ab" * 16}
        assert spool.counters() == {"read": 1}
        spool.add((), {BUCKET: Bucket(0, 0)})
        assert spool.buckets("") == {}
        spool.forget_seen("2026-11-23 05:2")
        assert spool.seen(BUCKET) == set()

    @pytest.mark.parametrize("part", ["documents", "seen", "buckets"])
    def test_an_error_in_the_middle_leaves_nothing(self, spool: Spool, part: str) -> None:
        spool.add(documents(0, 2), {BUCKET: Bucket(2, 5)})
        with pytest.raises(ZeroDivisionError):
            spool.add(*interrupted(part, lambda: 1 // 0))
        assert ids(spool) == [0, 1]
        assert spool.buckets("") == {BUCKET: Bucket(2, 5)}
        assert spool.seen("2026-11-23 05:2") == set()
        spool.add(documents(2, 1))  # and it works on
        assert ids(spool) == [0, 1, 2]


def interrupted(part: str, event: Callable[[], Any]) -> tuple[Any, Any, Any]:
    """Arguments of `Spool.add` in whose middle something happens."""

    def broken(entries: Iterable[Any]) -> Iterator[Any]:
        yield from entries
        event()

    class Buckets(dict[str, Bucket]):
        def items(self) -> Any:
            return broken(super().items())

    new = "2026-11-23 05:2"
    found: list[Any] = documents(2, 50)
    seen: list[Any] = [(new, f"{n:032x}") for n in range(2, 52)]
    return (
        broken(found) if part == "documents" else found,
        Buckets({new: Bucket(50, 9)}) if part == "buckets" else {new: Bucket(50, 9)},
        broken(seen) if part == "seen" else seen,
    )


class TestBounded:
    def test_full_it_takes_no_more_until_documents_were_delivered(self, path: Path) -> None:
        spool = Spool(path, max_mib=1)
        number = 0
        with pytest.raises(SpoolFullError) as caught:  # noqa: PT012  # it takes some before
            while True:
                spool.add(documents(number, 100, 1000), {BUCKET: Bucket(number + 100, number)})
                number += 100
        assert 700 <= number <= 1200
        assert f"{path} holds 1 MiB, spool.max_mib is 1" in str(caught.value)
        assert "shipper status" in str(caught.value)
        # Nothing of what was refused is there, and nothing that was there is gone.
        assert ids(spool) == list(range(number))
        assert spool.buckets("") == {BUCKET: Bucket(number, number - 100)}
        spool.settle([found.seq for found in spool.take(500, 1 << 30)])
        spool.add(documents(number, 100, 1000))
        assert ids(spool) == list(range(500, number + 100))
        spool.close()

    def test_the_position_alone_never_blocks(self, path: Path) -> None:
        spool = Spool(path, max_mib=1)
        names = [f"{n:015d}" for n in range(60_000)]
        spool.add((), dict.fromkeys(names, Bucket(1, 4_000_000_000)))
        assert spool.used_bytes() > 1024 * 1024
        spool.add(documents(0, 1))
        with pytest.raises(SpoolFullError):
            spool.add(documents(1, 1))
        settle_all(spool)
        spool.add(documents(1, 1))
        spool.close()

    def test_room_is_used_again(self, path: Path) -> None:
        spool = Spool(path, max_mib=2)
        for number in range(0, 20_000, 500):
            spool.add(documents(number, 500, 1000))
            settle_all(spool)
        assert path.stat().st_size < 2 * 1024 * 1024
        spool.shrink()
        spool.close()


class TestFile:
    def test_only_its_owner_reads_it(self, spool: Spool) -> None:
        spool.add(documents(0, 1))
        for file in spool.path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file

    def test_a_newer_version(self, path: Path) -> None:
        Spool(path).close()
        with sqlite3.connect(path) as raw:
            raw.execute("PRAGMA user_version=99")
        raw.close()
        with pytest.raises(SpoolError) as caught:
            Spool(path)
        assert "is a spool of version 99, this agent knows 4" in str(caught.value)
        assert f"mv {path} {path}.old" in str(caught.value)
        assert caught.value.permanent

    @pytest.mark.parametrize("where", [0, 4096, 8192])
    def test_a_damaged_file_is_one_clear_line(self, path: Path, where: int) -> None:
        spool = Spool(path)
        spool.add(documents(0, 200, 500), {BUCKET: Bucket(200, 1)}, [(BUCKET, "00" * 16)], {"read": 200})
        spool.close()
        with path.open("r+b") as file:
            file.seek(where)
            file.write(b"\xde\xad" * (path.stat().st_size // 2 if where else 8))
        with pytest.raises(SpoolError) as caught:  # noqa: PT012  # which page is met first does not matter
            damaged = Spool(path)
            ids(damaged)
            settle_all(damaged)
            damaged.buckets("")
            damaged.counters()
        line = str(caught.value)
        assert len(line.splitlines()) == 1
        assert f"{path} is damaged" in line
        assert f"mv {path} {path}.damaged" in line
        assert caught.value.permanent

    def test_the_lock_keeps_a_second_one_away(self, path: Path) -> None:
        with SpoolLock(path) as lock:
            assert lock.is_held()
            with pytest.raises(SpoolError) as caught:
                SpoolLock(path).acquire()
        assert f"is held by another shipper (process {os.getpid()})" in str(caught.value)
        assert f"kill {os.getpid()}" in str(caught.value)
        assert not lock.is_held()
        SpoolLock(path).acquire()

    def test_the_lock_of_a_killed_process_is_free(self, path: Path) -> None:
        code = (
            "import pathlib, sys, time; from shipper.spool import SpoolLock; "
            f"SpoolLock(pathlib.Path({str(path)!r})).acquire(); print('held', flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            assert SpoolLock(path).is_held()
            with pytest.raises(SpoolError, match=f"process {other.pid}"):
                SpoolLock(path).acquire()
            other.kill()
        with SpoolLock(path):
            pass


# The child adds documents with their position, "sends" them (a line in a file, which no kill takes
# back) and settles them, as fast as it can.
CHILD = """
import os, pathlib, random, sys
from shipper.document.model import Document
from shipper.spool import Bucket, Spool
spool = Spool(pathlib.Path(sys.argv[1]))
sent = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
number = spool.counters().get("read", 0)
print("started", flush=True)
while True:
    count = random.randint(1, 40)
    new = [Document("pabx-cdr-2026.11", f"{n:032x}", b"x" * 300) for n in range(number, number + count)]
    number += count
    total = sum(range(number))
    seen = [("2026-11-23 05:1", d.id) for d in new]
    spool.add(new, {"2026-11-23 05:1": Bucket(number, total)}, seen, {"read": count})
    batch = spool.take(random.randint(1, 50), 1 << 20)
    os.write(sent, b"".join(b"%d\\n" % int(d.id, 16) for d in batch))
    spool.settle([d.seq for d in batch])
"""


def assert_whole(path: Path, sent: set[int]) -> int:
    """Position, sums, and documents agree; what is not in the spool was sent. Gives how many there were."""
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()
    spool = Spool(path)
    waiting = ids(spool)
    counters = spool.counters()
    (position,) = spool.buckets("").values() or [Bucket(0, 0)]
    seen = {int(key, 16) for key in spool.seen(BUCKET)}
    spool.close()
    number = position.rows
    assert position.crc == sum(range(number))
    assert counters.get("read", 0) == number
    assert seen == set(range(number))
    assert counters.get("delivered", 0) + len(waiting) == number
    assert len(waiting) == len(set(waiting))
    assert set(waiting) | (sent & seen) == set(range(number)), "lost"
    return number


def test_kill_9_at_any_moment(tmp_path: Path) -> None:
    path, log = tmp_path / "spool.db", tmp_path / "sent"
    numbers = [0]
    for round_ in range(14):
        command = [sys.executable, "-c", CHILD, str(path), str(log)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"started\n"
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.05 + 0.0137 * round_)
            child.send_signal(signal.SIGKILL)
        numbers.append(assert_whole(path, {int(line) for line in log.read_text().split()}))
    assert numbers == sorted(numbers)
    assert numbers[-1] > 1000


@pytest.mark.parametrize("part", ["documents", "seen", "buckets"])
def test_kill_9_in_the_middle_of_a_transaction(path: Path, part: str) -> None:
    spool = Spool(path)
    spool.add(documents(0, 2), {BUCKET: Bucket(2, 1)}, [(BUCKET, f"{n:032x}") for n in range(2)], {"read": 2})
    spool.close()
    child = os.fork()
    if not child:  # the child: it dies while it adds
        Spool(path).add(*interrupted(part, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert assert_whole(path, set()) == 2


def test_kill_9_while_it_settles(path: Path) -> None:
    spool = Spool(path)
    spool.add(documents(0, 3), {BUCKET: Bucket(3, 3)}, [(BUCKET, f"{n:032x}") for n in range(3)], {"read": 3})
    spool.close()

    def dying() -> Iterator[tuple[int, Document]]:
        yield 2, Document("pabx-quarantine-2026.11", "f" * 32, b"")
        os.kill(os.getpid(), signal.SIGKILL)

    class Dying(list[tuple[int, Document]]):
        """Killed when it is read the second time: the deletion is done by then, the insertion is not."""

        reads = 0

        def __iter__(self) -> Iterator[tuple[int, Document]]:
            self.reads += 1
            return dying() if self.reads > 1 else super().__iter__()

    child = os.fork()
    if not child:
        Spool(path).settle([1], Dying([(2, documents(1, 1)[0])]))
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert assert_whole(path, set()) == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_at_any_point(small_disk: Path) -> None:
    """With room for 0, 1, 2 … more pages: each step is done or not done, and said; with room it goes on."""
    path, ballast = small_disk / "spool.db", small_disk / "ballast"
    failures = successes = 0
    for free_pages in range(0, 120, 3):
        for file in small_disk.iterdir():
            file.unlink()
        spool = Spool(path)
        spool.add(documents(0, 20), {BUCKET: Bucket(20, 190)}, named(0, 20), {"read": 20})
        room = os.statvfs(small_disk).f_bavail
        ballast.write_bytes(bytes(max(0, room - free_pages) * 4096))
        number, sent = 20, set[int]()
        for _ in range(6):
            try:
                total = sum(range(number + 60))
                position = {BUCKET: Bucket(number + 60, total)}
                spool.add(documents(number, 60, 600), position, named(number, 60), {"read": 60})
                number += 60
                successes += 1
            except DiskFullError as error:
                failures += 1
                assert_tells(error, path)
            try:
                batch = spool.take(10, 1 << 20)
                sent |= {int(found.id, 16) for found in batch}
                spool.settle([found.seq for found in batch])
            except DiskFullError as error:
                failures += 1
                assert_tells(error, path)
        ballast.unlink()
        assert set(range(number)) - sent <= set(ids(spool)) <= set(range(number))
        total = sum(range(number + 5))
        spool.add(documents(number, 5), {BUCKET: Bucket(number + 5, total)}, named(number, 5), {"read": 5})
        settle_all(spool)
        spool.close()
        assert assert_whole(path, set(range(number + 5))) == number + 5
    assert failures > 20
    assert successes > 20


def named(first: int, count: int) -> list[tuple[str, str]]:
    return [(BUCKET, document.id) for document in documents(first, count)]


def assert_tells(error: ShipperError, path: Path) -> None:
    line = str(error)
    assert len(line.splitlines()) == 1
    assert line.startswith(f"spool: no room to write {path}")
    assert f"df -h {path.parent}" in line


def test_a_full_disk_from_the_beginning(small_disk: Path) -> None:
    path, ballast = small_disk / "spool.db", small_disk / "ballast"
    for free_pages in range(0, 40, 2):
        ballast.write_bytes(bytes((os.statvfs(small_disk).f_bavail - free_pages) * 4096))
        try:
            Spool(path).close()
        except DiskFullError as error:
            assert_tells(error, path)
        ballast.unlink()
        Spool(path).close()
        for file in small_disk.iterdir():
            file.unlink()
