"""What an agent measures for its heartbeat: how long, since when, how much room; time is given."""

import json
import logging
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shipper.agent import pulse as module
from shipper.agent.board import Board
from shipper.agent.listening import Listening
from shipper.agent.machine import boot_time, disk_space
from shipper.agent.progress import Listened, Progress
from shipper.agent.pulse import Pulse, Slot
from shipper.agent.trouble import Trouble
from shipper.config import load
from shipper.document.model import Origin
from shipper.document.validate import validator
from shipper.errors import AmiError, DatabaseError, DiskFullError, OutputError
from shipper.spool import LAST_CALL, Spool, SpoolFullError
from tests.shipper.store import Store

ORIGIN = Origin("Loja001", "America/Sao_Paulo", "1.0")


class Clock:
    """Monotonic seconds that the test sets; a real one begins anywhere."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool.db", 1)


def told(spool: Spool, pulse: Pulse, seconds: int = 0) -> dict[str, Any]:
    """The part ``store`` of a heartbeat, which is as the schema wants it."""
    body: dict[str, Any] = json.loads(pulse.document(spool, None, seconds).body)
    assert validator("store")(body) is None
    found: dict[str, Any] = body["store"]
    return found


class TestTrouble:
    @pytest.fixture
    def trouble(self, spool: Spool, clock: Clock) -> Trouble:
        return Trouble("reading", spool, logging.getLogger("test"), clock)

    def test_lasts_until_it_is_over(self, trouble: Trouble, clock: Clock) -> None:
        assert trouble.seconds == 0
        trouble.met(DatabaseError("down"))
        clock.at = 119.9
        trouble.met(DatabaseError("it refuses"))  # another of its ways to be in trouble
        assert trouble.seconds == 119
        trouble.over()
        assert trouble.seconds == 0
        clock.at = 200
        trouble.met(DatabaseError("down"))
        clock.at = 201
        assert trouble.seconds == 1

    @pytest.mark.parametrize("error", [SpoolFullError("1 MiB"), DiskFullError("no room")])
    def test_a_spool_without_room_is_not_the_pbxs_fault(
        self, trouble: Trouble, clock: Clock, error: DiskFullError
    ) -> None:
        trouble.met(error)
        clock.at = 500
        assert trouble.seconds == 0
        trouble.met(DatabaseError("down"))  # as soon as there was room
        clock.at = 530
        assert trouble.seconds == 30
        trouble.met(error)
        assert trouble.seconds == 0


class TestMachine:
    def test_when_it_was_started(self) -> None:
        now, up = datetime.now(UTC).timestamp(), float(Path("/proc/uptime").read_text().split()[0])
        booted = boot_time()
        assert booted is not None
        # A container's own /proc/uptime may be younger than the machine.
        assert 946_684_800 < booted <= now - up + 2

    @pytest.mark.parametrize(
        ("text", "found"),
        [("cpu 1 2\nbtime 1795410607\nctxt 5\n", 1795410607), ("cpu 1\n", None), ("btime x\n", None)],
    )
    def test_what_the_kernel_says(self, tmp_path: Path, text: str, found: int | None) -> None:
        (tmp_path / "stat").write_text(text)
        assert boot_time(tmp_path / "stat") == found
        assert boot_time(tmp_path / "none") is None

    def test_its_disk(self, tmp_path: Path) -> None:
        space = disk_space(tmp_path)
        assert space is not None
        found = os.statvfs(tmp_path)
        assert space[1] == found.f_blocks * found.f_frsize
        assert 0 < space[0] <= space[1]
        assert disk_space(tmp_path / "none") is None


class TestSlot:
    def test_is_drawn_anew_every_ten_minutes(self, clock: Clock) -> None:
        drawn = [3, 5, 5]
        slot = Slot(clock, lambda: drawn.pop(0))
        seen: list[tuple[str, bool]] = []
        for at in (0, 180, 181, 599, 600, 781, 1200, 1201):
            clock.at = at
            fields = slot.fields("2026-11-23T05:10:07.000Z")
            ((name, moment),) = fields["beats"].items()
            assert moment == "2026-11-23T05:10:07.000Z"
            seen.append((name, fields["beats_settled"]))
        assert seen == [
            ("s3", False),
            ("s3", False),
            ("s3", True),
            ("s3", True),
            ("s5", False),
            ("s5", True),
            ("s5", False),
            ("s5", False),
        ]

    def test_any_of_eight(self, clock: Clock) -> None:
        slots = {next(iter(Slot(clock).fields("")["beats"])) for _ in range(1000)}
        assert slots == {f"s{number}" for number in range(8)}


class TestPulse:
    def test_an_agent_that_has_just_begun_says_no_more_than_it_knows(self, spool: Spool) -> None:
        store = told(spool, Pulse(ORIGIN, 30, Progress))
        assert not {"last_row", "last_call", "read_seconds", "pbx_started", "calls_now"} & store.keys()
        spans = ("reading", "sending", "ami")
        assert [store[f"{part}_wrong_seconds"] for part in spans] == [0, 0, 0]
        # Said of a PBX that is not heard too: else the last figure would stay in the store's document.
        assert (store["trunks_down_seconds"], store["extensions_gone_seconds"]) == (0, 0)
        assert abs(datetime.fromisoformat(store["agent_started"]) - datetime.now(UTC)) < timedelta(seconds=5)
        assert 0 < store["disk_free_bytes"] <= store["disk_bytes"]
        assert store["machine_started"] < store["agent_started"]
        assert len(store["beats"]) == 1
        assert store["beats_settled"] is False

    def test_all_that_is_known(self, spool: Spool) -> None:
        progress = Progress(DatabaseError("down"), 130, 131, 1795410607.0, 1795410608.0)
        listened = Listened("ami: cut", {"calls_now": 1, "trunks_down_seconds": 5}, 140, 1795410600.9)
        store = told(spool, Pulse(ORIGIN, 30, lambda: progress, lambda: listened), 150)
        expected = {
            "last_row": "2026-11-23T05:10:07Z",
            "last_call": "2026-11-23T05:10:08Z",
            "read_seconds": 131,
            "reading_wrong_seconds": 130,
            "sending_wrong_seconds": 150,
            "ami_wrong_seconds": 140,
            "trunks_down_seconds": 5,
            "extensions_gone_seconds": 0,
            "calls_now": 1,
        }
        assert expected.items() <= store.items()

    def test_the_latest_call_is_the_latest_of_table_and_pbx(self, spool: Spool) -> None:
        now = datetime.now(UTC).timestamp()

        def latest(row: float | None, heard: float | None) -> str | None:
            pulse = Pulse(
                ORIGIN, 30, lambda: Progress(last_call=row), lambda: Listened("", {}, last_call=heard)
            )
            return told(spool, pulse).get("last_call")

        assert latest(1795410607.0, 1795410609.0) == "2026-11-23T05:10:09Z"
        assert latest(1795410609.0, 1795410607.0) == "2026-11-23T05:10:09Z"
        assert latest(None, 1795410607.0) == "2026-11-23T05:10:07Z"
        assert latest(now + 2 * 86400, 1795410607.0) == "2026-11-23T05:10:07Z"  # of a clock that was wrong
        assert latest(None, now + 2 * 86400) is None

    def test_a_machine_that_tells_nothing(self, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "boot_time", lambda: None)
        monkeypatch.setattr(module, "disk_space", lambda _: None)
        store = told(spool, Pulse(ORIGIN, 30, Progress))
        assert not {"machine_started", "disk_free_bytes", "disk_bytes"} & store.keys()

    def test_a_spool_that_cannot_be_read_is_told_of(self, spool: Spool, tmp_path: Path) -> None:
        """Its table is gone: what is read of it is refused, and the heartbeat comes all the same."""
        assert told(spool, Pulse(ORIGIN, 30, Progress))["spool_documents"] == 0
        with sqlite3.connect(tmp_path / "spool.db") as other:
            other.execute("DROP TABLE notes")
        store = told(spool, Pulse(ORIGIN, 30, Progress))
        assert store["checks"]["spool"].startswith("spool: ")
        assert (store["checks"]["reading"], store["spool_limit_bytes"]) == ("ok", 1048576)
        figures = {
            "spool_documents",
            "spool_bytes",
            "lag_seconds",
            "refused_documents",
            "last_acknowledgement",
        }
        assert not figures & store.keys()

    def test_a_full_spool_stays_full_in_words(self, spool: Spool) -> None:
        store = told(spool, Pulse(ORIGIN, 30, lambda: Progress(SpoolFullError("1 MiB", "wait"))))
        assert (store["checks"]["spool"], store["reading_wrong_seconds"]) == ("full", 0)


def test_the_latest_call_that_was_heard_is_known_after_a_restart(store: Store, tmp_path: Path) -> None:
    """It may never have a row."""
    config = load(store.set("spool", path=str(tmp_path / "spool.db")).write())

    def listening() -> Listening:
        opened = Spool(tmp_path / "spool.db", 1)
        return Listening(config, ORIGIN, opened, Board(), tuple, nothing, nothing)

    first = listening()
    assert first.report().last_call is None
    first._watching._folding.last_call = 1795410607.25
    first._watching._write([], [("1795410607.1", 1795500000.0, "[]")])
    assert first._watching._spool.notes()[LAST_CALL][0] == "1795410607.250"
    assert listening().report() == Listened("", {}, 0, 1795410607.25)


def nothing() -> None:
    """Nobody asks."""


@pytest.mark.parametrize("error", [AmiError("refused", permanent=True), OutputError("cut")])
def test_every_trouble_of_the_other_side_counts(spool: Spool, clock: Clock, error: AmiError) -> None:
    trouble = Trouble("ami", spool, logging.getLogger("test"), clock)
    trouble.met(error)
    clock.at = 61
    assert trouble.seconds == 61
