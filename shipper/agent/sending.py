"""The sender's thread: from the spool to the output; what is acknowledged leaves the spool."""

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from shipper.agent.board import Board, spooled
from shipper.agent.pulse import Pulse
from shipper.agent.trouble import Trouble
from shipper.document.account import INDEX as REPORTS
from shipper.document.clock import stamp
from shipper.document.model import Document, Origin
from shipper.document.quarantine import INDEX as QUARANTINE
from shipper.document.quarantine import Quarantine
from shipper.document.validate import Invalid
from shipper.errors import OutputError, ShipperError, SpoolDamagedError
from shipper.outputs import Outcome, Output
from shipper.signs import alive
from shipper.spool import Refusal, Spool, Spooled, damaged

log = logging.getLogger("shipper.sending")

IDLE_SECONDS = 1.0
PROGRESS_SECONDS = 10.0
LIVE_PAUSE_SECONDS = 2.0
"""How long calls in progress wait after they were not taken: the spool's documents have their turn."""


class Sending:
    """Delivers batches, oldest first. What has to be sent again waits for its next round, and blocks nothing.

    A round goes through all that waits. Documents that were not taken stay behind; when most of an index's
    were not (it is closed, it cannot be made), the round goes past the others of it. After a pause the next
    round begins with the oldest again.

    Args:
        output: Where to.
        spool: This thread's own connection to the spool.
        origin: For quarantine documents.
        stop: Set when the agent shall end.
        arrived: Set when documents went into the spool.
        pulse: Makes the heartbeats that are sent between batches.
        board: Calls in progress: they go before what waits in the spool.
    """

    def __init__(
        self,
        output: Output,
        spool: Spool,
        origin: Origin,
        stop: threading.Event,
        arrived: threading.Event,
        pulse: Pulse | None = None,
        board: Board | None = None,
    ) -> None:
        self._output = output
        self._spool = spool
        self._quarantine = Quarantine(origin)
        self._stop = stop
        self._arrived = arrived
        self._pulse = pulse
        self._board = board
        self._live_after = 0.0
        self._trouble = Trouble("sending", spool, log)
        self._delivered = 0
        self._told = time.monotonic()
        self._after = 0  # this round has gone past the documents up to it
        self._past: set[str] = set()  # indices of which it takes no more
        self._left: OutputError | None = None  # why it left some behind
        self._again: float | None = None  # when the next round begins, as soon as that is settled
        self._before = 0  # up to here the round before may have left some behind; 0: it did not

    @property
    def error(self) -> ShipperError | None:
        """What is wrong now, if anything."""
        return self._trouble.error

    @property
    def passed(self) -> tuple[int, tuple[str, ...]]:
        """What waits for another round: up to which `seq`, and of which indices; for the reader's thread."""
        return (self._after, tuple(self._past)) if self._left is not None else (0, ())

    def forever(self) -> None:
        """Send until told to stop; whatever fails is tried again.

        Raises:
            SpoolDamagedError: The spool has to be begun anew.
        """
        while not self._stop.is_set():
            alive()
            self._arrived.clear()
            self.show()
            try:
                sent = self.step()
            except SpoolDamagedError:
                raise
            except ShipperError as error:
                if not isinstance(error, OutputError):
                    self.beat()
                pause = self._trouble.met(error)
                alive(pause)
                self._stop.wait(pause)
                continue
            if self._left is not None and self._again is None:
                self._again = time.monotonic() + self._trouble.met(self._left)
            self.beat()
            if not sent:
                self._arrived.wait(IDLE_SECONDS)

    def close(self) -> None:
        """End the connections to output and spool."""
        self._output.close()
        self._spool.close()

    def drain(self) -> None:
        """Send until the spool is empty.

        Raises:
            ShipperError: The trouble does not end.
        """
        self._again = time.monotonic()
        while not self._stop.is_set():
            try:
                if self.step():
                    self.beat()
                    continue
                if self._left is None:
                    return
                error: ShipperError = self._left
            except ShipperError as met:
                error = met
            if self._trouble.gives_up(error):
                raise error
            self._stop.wait(self._trouble.met(error))
            self._again = time.monotonic()

    def beat(self, *, now: bool = False) -> None:
        """Send a heartbeat, if it is time for one (or at once); one that does not arrive is dropped.

        A state of now is worth nothing later: it is not spooled, and nobody is told.
        """
        if self._pulse is None or not (now or self._pulse.is_due()):
            return
        with suppress(ShipperError):
            beat = self._pulse.document(self._spool, self.error, self._trouble.seconds)
            self._output.send([Spooled(0, *beat)])

    def show(self) -> None:
        """Send what is new of calls in progress; what does not arrive is sent again, as long as it is new."""
        if self._board is None or time.monotonic() < self._live_after:
            return
        entries = self._board.take(self._output.max_documents)
        if not entries:
            return
        try:
            outcome = self._output.send(spooled(entries))
        except ShipperError:
            outcome = None
        if outcome is None or len(outcome.done) + len(outcome.refused) < len(entries):
            self._live_after = time.monotonic() + LIVE_PAUSE_SECONDS
            self._board.give_back(entries)  # those that did arrive are the same state once more
        for refused in outcome.refused if outcome else ():
            log.error("call in progress %s refused: %s", refused.document.id, refused.reason.message)

    def step(self) -> bool:
        """Send one batch; False where nothing waits, or all that does waits for the next round.

        Raises:
            OutputError: It did not arrive.
            SpoolError: It arrived but could not be taken out; sending it again does no harm.
            SpoolDamagedError: What waits cannot be what was put in.
        """
        if self._left is not None and self._again is not None and time.monotonic() >= self._again:
            self._before, self._after = max(1, self._after), 0
            self._past.clear()
            self._left = self._again = None
        batch = self._spool.take(
            self._output.max_documents, self._output.max_bytes, after=self._after, without=self._past
        )
        if not batch:
            if self._before and self._left is None:
                self._works()
            self._spool.shrink()
            return False
        try:
            outcome = self._output.send(batch)
            replaced, refused = self._sort_out(outcome)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise damaged(self._spool.path, f"a document is no JSON: {error}") from error
        done = set(outcome.done)
        last = self._spool.settle(
            outcome.done,
            replaced,
            refused,
            quarantined=outcome.quarantined,
            reports=sum(
                document.seq in done for document in batch if document.index_name.startswith(REPORTS)
            ),
        )
        self._go_past(batch, outcome, last)
        self._delivered += len(outcome.done)
        # Only while there is much to deliver: a line for each call would fill the log.
        if len(batch) == self._output.max_documents and time.monotonic() - self._told > PROGRESS_SECONDS:
            log.info("%d documents delivered so far", self._delivered)
            self._told = time.monotonic()
        return True

    def _go_past(self, batch: Sequence[Spooled], outcome: Outcome, last: int) -> None:
        """The round goes on behind this batch, if something of it has to be sent again."""
        if outcome.retry:
            again = set(outcome.retry)
            balance: Counter[str] = Counter()
            for document in batch:
                balance[document.index_name] += 1 if document.seq in again else -1
            self._past.update(index for index, more in balance.items() if more > 0)
            problem = f"{len(outcome.retry)} documents were not taken ({outcome.retry_reason})"
            if self._left is None:
                self._left, self._again = OutputError(problem, outcome.retry_hint), None
        elif self._left is None and batch[-1].seq >= self._before:
            self._works()
        decided = len(outcome.done) + len(outcome.refused) + len(outcome.retry)
        if (self._left is not None or self._before) and decided == len(batch):
            # A number may be used again, but none that is not above the last one in use.
            self._after = min(batch[-1].seq, last)

    def _works(self) -> None:
        """A round has left nothing behind."""
        self._trouble.over()
        self._after = self._before = 0

    def _sort_out(self, outcome: Outcome) -> tuple[list[tuple[int, Document]], list[Refusal]]:
        """A refused document goes on as a quarantine document; a refused one of those stays here."""
        replaced: list[tuple[int, Document]] = []
        refused: list[Refusal] = []
        for document, reason in outcome.refused:
            log.error("document %s refused: %s", document.id, reason.message)
            if document.index_name.startswith(QUARANTINE):
                refused.append(Refusal(document, reason.message))
                continue
            now = stamp(datetime.now(UTC))
            replaced.append((document.seq, self._wrapped(document, reason, now)))
        return replaced, refused

    def _wrapped(self, document: Spooled, reason: Invalid, now: str) -> Document:
        content = json.loads(document.body)
        return self._quarantine.document(
            document.id,
            stage="output",
            dataset=content["event"]["dataset"],
            index=document.index_name,
            document=content,
            reason=reason,
            created=now,
        )
