"""Output ``forward``: the Forward protocol to Fluent Bit or Fluentd, with acknowledgements."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from shipper.config import ForwardSettings
from shipper.document.quarantine import INDEX as QUARANTINE
from shipper.document.validate import Invalid
from shipper.errors import OutputError
from shipper.outputs.base import Outcome, Refused
from shipper.outputs.isolation import STRIKES, Isolation
from shipper.outputs.proof import prover
from shipper.outputs.records import FRAME_BYTES, packed, tag_of
from shipper.outputs.sender import AckSender, NotAcknowledgedError
from shipper.spool import Spooled

NEVER = "forward.never_acknowledged"


@dataclass(slots=True)
class _Frame:
    """Documents of one tag that are sent and acknowledged together."""

    tag: str
    documents: list[Spooled] = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    size: int = 0


class ForwardOutput:
    """Sends documents as records, tagged by kind (``pabx.cdr``), one chunk at a time.

    Args:
        settings: Address, TLS and keys; with a password each record proves whose it is.
        clock: Seconds, never going back.
    """

    max_documents = 1000
    max_bytes = 2 * 1024 * 1024

    def __init__(self, settings: ForwardSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._sender = AckSender(settings)
        self._prove = prover(settings.password) if settings.password else None
        self._isolation = Isolation(self.max_documents)
        self._doubtful = False  # an idle connection said nothing any more: it, or what was sent, is to blame

    def send(self, batch: Sequence[Spooled]) -> Outcome:
        """Deliver a batch; see `Output.send`.

        It ends with the first failure. What was delivered until then is told, and the rest not decided.
        """
        outcome = Outcome()
        found = self._isolation.sort(batch, self._clock())
        for document in found.refused:
            words = (
                f"{self._sender.where} never acknowledged it, {STRIKES} times, but others before and after it"
            )
            outcome.refused.append(Refused(document, Invalid("", NEVER, words)))
            self._isolation.forget(document)
        if self._doubtful:
            self._sender.renew()
        try:
            for frame in self._frames(found.first, outcome):
                self._deliver(frame, outcome)
        except OutputError:
            if outcome.done or outcome.refused:
                return outcome
            raise
        for document in found.alone:
            self._sender.renew()
            try:
                for frame in self._frames([document], outcome):
                    self._deliver(frame, outcome)
            except OutputError as error:
                outcome.retry_reason, outcome.retry_hint = error.problem, error.hint
                break
        decided = {*outcome.done, *(refused.document.seq for refused in outcome.refused)}
        outcome.retry = [d.seq for d in (*found.alone, *found.later) if d.seq not in decided]
        if outcome.retry and not outcome.retry_reason:
            outcome.retry_reason = f"{self._sender.where} did not acknowledge it when it was sent alone"
        return outcome

    def check(self) -> str:
        """Connect and log in; see `Output.check`."""
        self._sender.connect()
        unchecked = self._settings.username and not self._sender.asks_for_user
        more = "; it does not ask who we are: it has no users" if unchecked else ""
        return f"Forward server at {self._sender.where}{more}"

    def close(self) -> None:
        """End the connection."""
        self._sender._close()  # noqa: SLF001  # close() would forbid to connect again

    def _frames(self, documents: Sequence[Spooled], outcome: Outcome) -> Iterator[_Frame]:
        """Portions of what can be sent, in order; what cannot is refused."""
        for tag, group in groupby(documents, key=tag_of):
            frame = _Frame(tag)
            for document in group:
                entry = packed(tag, document, self._prove)
                if isinstance(entry, Invalid):
                    outcome.refused.append(Refused(document, entry))
                    continue
                full = len(frame.documents) >= self._isolation.limit
                if frame.documents and (full or frame.size + len(entry) > FRAME_BYTES):
                    yield frame
                    frame = _Frame(tag)
                frame.documents.append(document)
                frame.entries.append(entry)
                frame.size += len(entry)
            if frame.documents:
                yield frame

    def _deliver(self, frame: _Frame, outcome: Outcome) -> None:
        """Send a frame and wait for its acknowledgement.

        Raises:
            OutputError: None came.
        """
        content, size = b"".join(frame.entries), len(frame.documents)
        try:
            try:
                self._sender.send_chunk(frame.tag, content, size)
            except NotAcknowledgedError as error:
                if not (error.kept and error.closed):
                    raise
                # The server, or something on the way, had enough of an idle connection: a new one.
                self._sender.send_chunk(frame.tag, content, size)
        except NotAcknowledgedError as error:
            if error.stale:
                self._doubtful = True
                self._isolation.interrupted()
            else:
                self._isolation.failed(frame.documents, self._clock())
            raise
        except OutputError:
            self._isolation.interrupted()
            raise
        self._isolation.acknowledged(frame.documents)
        if frame.documents[0].seq:  # a heartbeat shows nothing of documents
            self._doubtful = False
        outcome.done += [document.seq for document in frame.documents]
        outcome.quarantined += sum(found.index_name.startswith(QUARANTINE) for found in frame.documents)
