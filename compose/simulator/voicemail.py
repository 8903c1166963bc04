"""The mailbox answers: a row of the caller's own channel, after those of the phones that rang."""

from collections.abc import Callable, Sequence

from compose.simulator.draft import Draft, Line
from compose.simulator.exchange import Script


def to_voicemail(
    draft: Draft,
    line: Line,
    mailbox: str,
    *,
    before: Sequence[Callable[[int], None]] = (),
    count: int = 1,
    busy: bool = False,
    direct: bool = False,
    prefix: str = "",
) -> Script:
    """Let the caller speak to a mailbox.

    Args:
        draft: The call.
        line: The caller's channel.
        mailbox: Extension that owns it.
        before: What writes the earlier rows of the channel; each is given the moment of insert in ms.
        count: How many rows those are.
        busy: The greeting for a busy extension.
        direct: A destination of its own (`vmu100` in ext-local) instead of the extension's fallback.
        prefix: What a ring group has put before the caller's name.
    """
    begin = draft.now
    start, sequence = line.leg(draft.pbx, begin)
    if line.answered is None:
        line.answered = begin
    yield begin + draft.between(5, 55)
    at = draft.inserted(draft.now)
    for write in before:
        write(at)
    draft.outcome = "voicemail"
    shown = draft.face
    if prefix:
        shown = shown._replace(clid=shown.clid.replace('"', f'"{prefix}', 1), cnam=prefix + shown.cnam)
    draft.write(
        line.channel,
        span=(start, draft.now, sequence),
        inserted=at + count,
        dst=f"vmu{mailbox}" if direct else mailbox,
        context="ext-local" if direct else "from-did-direct",
        app="VoiceMail",
        data=f"{mailbox}@default,{'b' if busy else 'u'}",
        disposition="ANSWERED",
        answer=start,
        face=shown,
    )
