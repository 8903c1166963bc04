"""A damaged spool is moved aside and begun anew; one that only looks alike stays where it is."""

import json
import logging
import random
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from shipper.document.model import Document
from shipper.errors import DiskFullError, SpoolDamagedError, SpoolError
from shipper.spool import Bucket, Spool, Unsettled
from shipper.spool.damage import CALM_SECONDS, KEPT, mend, set_aside
from shipper.spool.schema import damaged, explain
from tests.life.torn import HONEST, KINDS, Image

NOW = time.time()
TODAY = time.strftime("%Y-%m-%d", time.gmtime(NOW))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "spool.db"


def documents(first: int, count: int, chance: random.Random) -> list[Document]:
    """Some of them larger than a page."""
    return [
        Document("pabx-cdr-2026.11", f"{n:032x}", json.dumps("x" * chance.choice((300, 900, 6000))).encode())
        for n in range(first, first + count)
    ]


def work(spool: Spool, chance: random.Random, steps: int, number: int = 0) -> int:
    """What an agent does with its spool; gives the number of the next document."""
    for _ in range(steps):
        count = chance.randint(1, 30)
        bucket = f"2026-11-{chance.randint(1, 28):02d} {chance.randint(0, 23):02d}:{chance.randint(0, 5)}"
        spool.add(
            documents(number, count, chance),
            {bucket: Bucket(count, chance.randrange(2**32))},
            [(bucket, f"{n:032x}") for n in range(number, number + count)],
            {"read": count},
            [Unsettled(f"call{number}", bucket, bucket, 1e9)],
            [f"call{number - 40}"],
        )
        number += count
        if chance.random() < 0.6:
            batch = spool.take(50, 1 << 20)
            spool.settle([document.seq for document in batch if chance.random() < 0.9])
        spool.hear([(f"heard{number}", 1e9, "{}")], 1e9)
        if chance.random() < 0.05:
            spool._db.execute("PRAGMA wal_checkpoint").fetchall()
    return number


def use_all(path: Path) -> None:
    """Read everything in it, send everything, and go on."""
    with closing(Spool(path)) as spool:
        for bucket in spool.buckets(""):
            spool.seen(bucket)
        spool.counters(), spool.notes(), spool.depth(), spool.kept(), spool.oldest(), spool.waiting()
        spool.due(2e9, 1_000_000), spool.heard(2e9, 1_000_000), spool.next_due(), spool.next_backfill()
        while batch := spool.take(100, 1 << 20):
            for document in batch:
                json.loads(document.body)
            spool.settle([document.seq for document in batch])
        work(spool, random.Random(1), 10, 1_000_000)
        spool.shrink()


def moved(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.glob("spool.db.damaged-*Z"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Image, Image]]:
    """Spools at two moments of their lives."""
    found = []
    for seed in range(5):
        chance = random.Random(seed)
        path = tmp_path_factory.mktemp("life") / "spool.db"
        with closing(Spool(path)) as spool:
            number = work(spool, chance, chance.randint(1, 40))
            earlier = Image.of(path)
            work(spool, chance, chance.randint(1, 120), number)
            found.append((earlier, Image.of(path)))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_power_cut_leaves_the_next_start_can_work_with(
    path: Path, images: list[tuple[Image, Image]], kind: str
) -> None:
    """At once, or after it has met what a look through the file cannot find."""
    for seed, (earlier, last) in enumerate(images):
        KINDS[kind](earlier, last, random.Random(seed)).put(path)
        mend(path)
        try:
            use_all(path)
        except SpoolDamagedError as error:
            set_aside(path, error)
            use_all(path)
        assert len(moved(path)) <= 1
        assert kind not in HONEST or moved(path) == []
        shutil.rmtree(path.parent)


def test_what_an_honest_disk_undoes_is_the_end_of_it(path: Path, images: list[tuple[Image, Image]]) -> None:
    """Documents and position go back together, to a moment between the log's beginning and now."""
    _, last = images[1]
    last.put(path)
    with closing(Spool(path)) as spool:
        whole = spool.counters()["read"]
    reads = []
    for share in (0, 0.3, 0.7):
        Image(last.file, last.log[: int(len(last.log) * share)]).put(path)
        mend(path)
        with closing(Spool(path)) as spool:
            reads.append(spool.counters().get("read", 0))
    assert reads == sorted(reads)
    assert reads[-1] < whole


class TestMovedAside:
    def damage(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        with closing(Spool(path)) as spool:
            spool.add([Document("pabx-cdr-2026.11", "1", b"{}")], counts={"read": 1})
        with path.open("r+b") as file:
            file.write(bytes(4096))

    def test_the_new_one_says_so_and_the_old_one_is_kept(
        self, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.damage(path)
        with caplog.at_level(logging.ERROR):
            mend(path)
        (name,) = moved(path)
        assert f"{path} is damaged (file is not a database); it is {path.parent / name} now" in caplog.text
        with closing(Spool(path)) as spool:
            assert spool.counters() == {}
            text, _ = spool.notes()["damage"]
        assert text.startswith("begun anew: ")
        assert text.endswith(f"is damaged (file is not a database); it is kept as {name}")
        assert path.stat().st_mode & 0o777 == 0o600

    def test_its_log_goes_with_it(self, path: Path) -> None:
        """Found while the agent works, and other connections are still open."""
        with closing(Spool(path)) as spool:
            spool.add([Document("pabx-cdr-2026.11", "1", b"{}")])
            told = set_aside(path, damaged(path, "row 1 missing"))
        assert str(told).startswith(f"spool: {path} is damaged (row 1 missing) and was moved to ")
        (name,) = moved(path)
        aside = path.with_name(name)
        with closing(Spool(aside, read_only=True)) as spool:
            assert spool.waiting() == 1
        with closing(Spool(path)) as spool:
            assert spool.waiting() == 0

    def test_few_are_kept_and_none_for_ever(self, path: Path) -> None:
        self.damage(path)
        ages = (7200, 86400, 20 * 86400, 31 * 86400)
        old = [
            path.with_name(f"spool.db.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(NOW - age))}")
            for age in ages
        ]
        for file in old:
            file.write_bytes(b"old")
            file.with_name(file.name + "-wal").write_bytes(b"old")
        mend(path)
        assert len(moved(path)) == KEPT
        assert [file.exists() for file in old] == [True, True, False, False]
        assert not old[-1].with_name(old[-1].name + "-wal").exists()

    def test_a_disk_that_fails_again_and_again_is_left_to_a_person(self, path: Path) -> None:
        self.damage(path)
        for age in range(KEPT):
            at = time.gmtime(time.time() - CALM_SECONDS + 60 + age)
            path.with_name(f"spool.db.damaged-{time.strftime('%Y%m%dT%H%M%SZ', at)}").write_bytes(b"x")
        with pytest.raises(SpoolError, match=r"3 were within the last hour; the disk of .* may be failing"):
            mend(path)
        assert path.exists()

    def test_a_document_that_came_back_as_zeros(self, path: Path) -> None:
        """The file's structure is whole; its content is not."""
        with closing(Spool(path)) as spool:
            spool.add([Document("pabx-cdr-2026.11", "1", b'{"a": "' + bytes(512) + b'"}')])
            with pytest.raises(SpoolDamagedError, match="document 1 is not what was put in"):
                spool.take(1, 1)

    def test_a_header_that_belongs_to_nothing_inside(self, path: Path) -> None:
        self.damage_header(path, 0)
        mend(path)
        assert len(moved(path)) == 1

    def damage_header(self, path: Path, version: int) -> None:
        Spool(path).close()
        with closing(sqlite3.connect(path)) as raw:
            raw.execute(f"PRAGMA user_version={version}")

    def test_half_of_the_tables(self, path: Path) -> None:
        Spool(path).close()
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("DROP TABLE notes")
        mend(path)
        assert len(moved(path)) == 1

    def test_a_text_that_is_none(self, path: Path) -> None:
        with closing(Spool(path)) as spool:
            spool._db.execute(
                "INSERT INTO documents VALUES (1, CAST(x'ff' AS TEXT), '1', x'7b7d', 1.0, 'create')"
            )
            with pytest.raises(SpoolDamagedError, match="Could not decode"):
                spool.take(1, 1)


class TestOnlyAlike:
    """Nothing is moved, whatever else is said."""

    def test_a_sound_one(self, path: Path) -> None:
        with closing(Spool(path)) as spool:
            work(spool, random.Random(3), 5)
            before = spool.counters()
        mend(path)
        with closing(Spool(path)) as spool:
            assert spool.counters() == before
        assert moved(path) == []

    def test_none_yet(self, path: Path) -> None:
        mend(path)
        assert moved(path) == []
        with closing(Spool(path)) as spool:
            assert "damage" not in spool.notes()

    def test_a_locked_one(self, path: Path) -> None:
        Spool(path).close()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as us:
                with pytest.raises(sqlite3.OperationalError) as caught:
                    us.execute("BEGIN IMMEDIATE")
                assert not isinstance(explain(caught.value, path), SpoolDamagedError)

    def test_one_of_a_newer_version(self, path: Path) -> None:
        TestMovedAside().damage_header(path, 99)
        with pytest.raises(SpoolError, match="is a spool of version 99"):
            mend(path)
        assert moved(path) == []

    def test_a_file_that_is_none(self, path: Path) -> None:
        """A wrong `spool.path` must not move what belongs to somebody else."""
        path.parent.mkdir()
        path.write_bytes(b"[store]\nid = 'Loja001'\n" * 200)
        with pytest.raises(SpoolDamagedError):
            mend(path)
        assert moved(path) == []

    def test_another_programs_database(self, path: Path) -> None:
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE astdb (key TEXT)")
        with pytest.raises(SpoolError, match=r"is the database of another program; set spool\.path"):
            mend(path)
        assert moved(path) == []
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("astdb",)]

    def test_a_disk_without_room(self, tmp_path: Path) -> None:
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(disk)]
        if (done := subprocess.run(mount, capture_output=True, check=False)).returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
        try:
            path = disk / "spool.db"
            with closing(Spool(path)) as spool:
                work(spool, random.Random(4), 2)
            with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
                while True:
                    ballast.write(bytes(4096))
            with pytest.raises(DiskFullError):
                mend(path)
            assert moved(path) == []
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


class TestMachineWentDown:
    """A sound spool under which the machine was lost forgets that it has read the last days."""

    OLD = "2026-01-05 10:0"

    @pytest.fixture
    def boot(self, tmp_path: Path) -> Path:
        file = tmp_path / "boot_id"
        file.write_text("one\n")
        return file

    @pytest.fixture
    def left_open(self, path: Path, boot: Path) -> Image:
        """With its log, as a power cut leaves it; the position is of an old day and of today."""
        Spool(path).close()
        mend(path, boot)
        with closing(Spool(path)) as spool:
            position = {self.OLD: Bucket(1, 1), f"{TODAY} 00:0": Bucket(1, 1)}
            spool.add((), position, [(f"{TODAY} 00:0", "00" * 16)])
            return Image.of(path)

    def known(self, path: Path, boot: Path) -> list[str]:
        mend(path, boot)
        with closing(Spool(path)) as spool:
            return sorted(spool.buckets(""))

    def test_it_did(self, path: Path, boot: Path, left_open: Image) -> None:
        left_open.put(path)
        boot.write_text("two\n")
        assert self.known(path, boot) == [self.OLD]
        with closing(Spool(path)) as spool:
            assert spool.seen(f"{TODAY} 00:0") == set()

    def test_only_the_agent_did(self, path: Path, boot: Path, left_open: Image) -> None:
        left_open.put(path)
        assert self.known(path, boot) == [self.OLD, f"{TODAY} 00:0"]

    def test_it_went_down_in_order(self, path: Path, boot: Path, left_open: Image) -> None:
        left_open.put(path)
        Spool(path).close()  # the log is gone with it
        boot.write_text("two\n")
        assert self.known(path, boot) == [self.OLD, f"{TODAY} 00:0"]


def test_the_words_are_one_line_and_name_what_mends_it(path: Path) -> None:
    line = str(damaged(path, "row 3\nmissing from index"))
    assert line.count("\n") == 0
    assert f"{path} is damaged (row 3 missing from index)" in line
    assert f"mv {path} {path}.damaged" in line
