"""The sender's thread: from the spool to the output; what is acknowledged leaves the spool."""

import json
import logging
import threading
import time
from datetime import UTC, datetime

from shipper.agent.trouble import Trouble
from shipper.document.clock import stamp
from shipper.document.model import Document, Origin
from shipper.document.quarantine import INDEX as QUARANTINE
from shipper.document.quarantine import Quarantine
from shipper.document.validate import Invalid
from shipper.errors import OutputError, ShipperError
from shipper.outputs import Outcome, Output
from shipper.spool import Refusal, Spool, Spooled

log = logging.getLogger("shipper.sending")

IDLE_SECONDS = 1.0
PROGRESS_SECONDS = 10.0


class Sending:
    """Delivers batches, oldest first.

    Args:
        output: Where to.
        spool: This thread's own connection to the spool.
        origin: For quarantine documents.
        stop: Set when the agent shall end.
        arrived: Set when documents went into the spool.
    """

    def __init__(
        self, output: Output, spool: Spool, origin: Origin, stop: threading.Event, arrived: threading.Event
    ) -> None:
        self._output = output
        self._spool = spool
        self._quarantine = Quarantine(origin)
        self._stop = stop
        self._arrived = arrived
        self._trouble = Trouble("sending", spool, log)
        self._delivered = 0
        self._told = time.monotonic()

    def forever(self) -> None:
        """Send until told to stop; whatever fails is tried again."""
        while not self._stop.is_set():
            self._arrived.clear()
            try:
                sent = self.step()
            except ShipperError as error:
                self._stop.wait(self._trouble.met(error))
                continue
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
        while not self._stop.is_set():
            try:
                if not self.step():
                    return
            except ShipperError as error:
                if self._trouble.gives_up(error):
                    raise
                self._stop.wait(self._trouble.met(error))

    def step(self) -> bool:
        """Send one batch; False where nothing waits.

        Raises:
            OutputError: It did not arrive, or some of it has to be sent again.
            SpoolError: It arrived but could not be taken out; sending it again does no harm.
        """
        batch = self._spool.take(self._output.max_documents, self._output.max_bytes)
        if not batch:
            self._spool.shrink()
            return False
        outcome = self._output.send(batch)
        replaced, refused = self._sort_out(outcome)
        self._spool.settle(outcome.done, replaced, refused, quarantined=outcome.quarantined)
        if outcome.retry:
            problem = f"{len(outcome.retry)} documents were not taken ({outcome.retry_reason})"
            raise OutputError(problem, outcome.retry_hint)
        self._trouble.over()
        self._delivered += len(outcome.done)
        # Only while there is much to deliver: a line for each call would fill the log.
        if len(batch) == self._output.max_documents and time.monotonic() - self._told > PROGRESS_SECONDS:
            log.info("%d documents delivered so far", self._delivered)
            self._told = time.monotonic()
        return True

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
