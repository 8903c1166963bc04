"""Calls in progress on their way out: the newest state of each, before all that waits, and never a queue."""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from shipper.agent import board as boards
from shipper.agent import sending as sendings
from shipper.agent.board import Board, spooled
from shipper.agent.sending import Sending
from shipper.document.model import Document, Origin
from shipper.document.validate import Invalid
from shipper.errors import OutputError
from shipper.outputs import Outcome
from shipper.outputs.base import Refused
from shipper.spool import Spool, Spooled
from tests.shipper.store import eventually
from tests.shipper.test_refused import row

Answer = Callable[[Sequence[Spooled]], Outcome]


def state(call: int, sequence: int = 1) -> Document:
    """A call in progress."""
    return Document("pabx-live", f"{call:032x}", json.dumps({"sequence": sequence}).encode(), "index")


def sequences(board: Board, limit: int = 100) -> list[tuple[int, int]]:
    """What is taken: call and sequence."""
    return [
        (int(document.id, 16), json.loads(document.body)["sequence"]) for _, document in board.take(limit)
    ]


class TestBoard:
    def test_the_newest_state_of_a_call_takes_the_place_of_an_older_one(self) -> None:
        board = Board()
        board.put([state(1), state(2), state(1, 2)])
        board.put([state(1, 3)])
        assert sequences(board) == [(2, 1), (1, 3)]
        assert sequences(board) == []

    def test_no_more_are_taken_than_a_batch_holds(self) -> None:
        board = Board()
        board.put(state(call) for call in range(5))
        assert [sequences(board, 2), sequences(board, 2), sequences(board, 2)] == [
            [(0, 1), (1, 1)],
            [(2, 1), (3, 1)],
            [(4, 1)],
        ]

    def test_what_did_not_arrive_comes_back_unless_there_is_news(self) -> None:
        board = Board()
        board.put([state(1), state(2)])
        entries = board.take(10)
        board.put([state(2, 2)])
        board.give_back(entries)
        assert sequences(board) == [(2, 2), (1, 1)]

    def test_what_is_stale_is_dropped_however_often_it_came_back(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(boards, "STALE_SECONDS", 0.2)
        board = Board()
        board.put([state(1)])
        board.give_back(board.take(10))
        time.sleep(0.15)
        board.give_back(board.take(10))
        board.put([state(2)])
        time.sleep(0.1)
        assert sequences(board) == [(2, 1)]
        assert boards.MOST == 5000

    def test_it_does_not_grow_for_ever(self) -> None:
        board = Board()
        board.put(state(call) for call in range(boards.MOST + 10))
        entries = board.take(boards.MOST * 2)
        assert (len(entries), int(entries[0][1].id, 16)) == (boards.MOST, 10)
        board.put(state(call) for call in range(boards.MOST))
        board.give_back(entries)
        assert len(board.take(boards.MOST * 2)) == boards.MOST

    def test_two_threads_lose_nothing(self) -> None:
        """One puts the next state of each call, the other takes and gives back half."""
        board, last = Board(), 300

        def put() -> None:
            for sequence in range(1, last + 1):
                board.put(state(call, sequence) for call in range(20))

        thread = threading.Thread(target=put)
        thread.start()
        seen: dict[int, int] = {}
        while thread.is_alive():
            sequences_of(board, seen)
        while sequences_of(board, seen):
            pass
        assert seen == dict.fromkeys(range(20), last)

    def test_it_is_sent_as_it_is(self) -> None:
        board = Board()
        board.put([state(7)])
        assert spooled(board.take(1)) == [
            Spooled(0, "pabx-live", f"{7:032x}", b'{"sequence": 1}', "index"),
        ]


def sequences_of(board: Board, seen: dict[int, int]) -> bool:
    """Take a few, give the first of them back, and note the others; False where none were there."""
    entries = board.take(7)
    board.give_back(entries[1:2])
    for _, document in entries[:1] + entries[2:]:
        call, sequence = int(document.id, 16), json.loads(document.body)["sequence"]
        assert sequence >= seen.get(call, 0)
        seen[call] = sequence
    return bool(entries)


class Way:
    """An output that answers as a test wants it to, and remembers what it was given."""

    max_documents = 10
    max_bytes = 10**6

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.live: Answer = taken

    def send(self, batch: Sequence[Spooled]) -> Outcome:
        self.batches.append([f"{document.index_name}/{int(document.id, 16)}" for document in batch])
        return self.live(batch) if batch[0].index_name == "pabx-live" else taken(batch)

    def check(self) -> str:
        return ""

    def close(self) -> None:
        pass


def taken(batch: Sequence[Spooled]) -> Outcome:
    return Outcome(done=[document.seq for document in batch])


def cut(_: Sequence[Spooled]) -> Outcome:
    raise OutputError("cut", "wait")


def half(batch: Sequence[Spooled]) -> Outcome:
    """The line was cut behind the first frame: of the rest nothing is known."""
    return Outcome(done=[batch[0].seq])


def busy(batch: Sequence[Spooled]) -> Outcome:
    return Outcome(retry=[document.seq for document in batch], retry_reason="429")


def refused(batch: Sequence[Spooled]) -> Outcome:
    reason = Invalid("live.state", "enum", "live.state: must be one of talking")
    return Outcome(refused=[Refused(document, reason) for document in batch])


class Sender:
    """A `Sending` with a board, its output and its spool."""

    def __init__(self, folder: Path) -> None:
        self.way, self.board = Way(), Board()
        self.spool = Spool(folder / "spool.db")
        self.stop, self.arrived = threading.Event(), threading.Event()
        origin = Origin("Loja001", "America/Sao_Paulo", "1.0")
        self.sending = Sending(
            self.way,
            Spool(folder / "spool.db"),
            origin,
            self.stop,
            self.arrived,
            board=self.board,
        )

    def run(self, until: Callable[[], bool], what: str) -> None:
        """Send as the agent does, until something is so."""
        thread = threading.Thread(target=self.sending.forever)
        thread.start()
        try:
            eventually(until, what, 10)
        finally:
            self.stop.set()
            self.arrived.set()
            thread.join()


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path)


class TestShow:
    def test_calls_in_progress_go_before_what_waits(self, sender: Sender) -> None:
        sender.spool.add([row(number) for number in range(30)])
        sender.board.put([state(1)])
        sender.run(sender.spool.is_empty, "the spool's delivery")
        assert sender.way.batches[0] == ["pabx-live/1"]
        assert [len(batch) for batch in sender.way.batches[1:]] == [10, 10, 10]

    def test_what_comes_in_the_middle_of_a_backlog_does_not_wait_for_its_end(self, sender: Sender) -> None:
        sender.spool.add([row(number) for number in range(500)])
        way = sender.way

        def put(batch: Sequence[Spooled]) -> Outcome:
            sender.board.put([state(len(way.batches))])
            return taken(batch)

        way.live = put
        sender.board.put([state(1)])
        sender.run(sender.spool.is_empty, "the spool's delivery")
        kinds = [batch[0].partition("/")[0] for batch in way.batches]
        assert kinds[:100] == ["pabx-live", "pabx-cdr-2026.11"] * 50

    @pytest.mark.parametrize("answer", [cut, busy, half])
    def test_an_output_that_takes_none_of_them_keeps_the_spools_turn(
        self, sender: Sender, answer: Answer, caplog: pytest.LogCaptureFixture
    ) -> None:
        sender.way.live = answer
        sender.spool.add([row(number) for number in range(50)])
        sender.board.put([state(1), state(2)])
        sender.run(sender.spool.is_empty, "the spool's delivery")
        # One try, then a pause in which the spool has the output for itself.
        assert [batch for batch in sender.way.batches if batch[0].startswith("pabx-live")] == [
            ["pabx-live/1", "pabx-live/2"]
        ]
        assert len(sender.way.batches) == 6
        assert sequences(sender.board) == [(1, 1), (2, 1)]
        assert (sender.sending.error, caplog.text) == (None, "")

    def test_they_are_sent_again_after_a_pause_as_they_are_then(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sendings, "LIVE_PAUSE_SECONDS", 0.1)
        sender.way.live = cut
        sender.board.put([state(1), state(2)])
        sender.sending.show()
        sender.board.put([state(2, 2)])
        sender.sending.show()
        assert len(sender.way.batches) == 1
        time.sleep(0.11)
        bodies = []

        def look(batch: Sequence[Spooled]) -> Outcome:
            bodies.extend(json.loads(document.body)["sequence"] for document in batch)
            return taken(batch)

        sender.way.live = look
        sender.sending.show()
        assert (sender.way.batches[1], bodies) == (["pabx-live/1", "pabx-live/2"], [1, 2])
        sender.sending.show()
        assert len(sender.way.batches) == 2

    def test_refused_ones_are_logged_and_dropped(
        self, sender: Sender, caplog: pytest.LogCaptureFixture
    ) -> None:
        sender.way.live = refused
        sender.board.put([state(1)])
        with caplog.at_level(logging.ERROR):
            sender.sending.show()
        assert caplog.messages == [
            f"call in progress {1:032x} refused: live.state: must be one of talking",
        ]
        assert sequences(sender.board) == []
        assert sender.spool.is_empty()

    def test_without_a_board_nothing_is_shown(self, tmp_path: Path) -> None:
        way = Way()
        origin = Origin("Loja001", "America/Sao_Paulo", "1.0")
        spool = Spool(tmp_path / "other.db")
        Sending(way, spool, origin, threading.Event(), threading.Event()).show()
        assert way.batches == []
