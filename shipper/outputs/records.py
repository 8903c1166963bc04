"""Documents as the Forward protocol's records: tag, time, proof, and frames below the server's limit."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgpack
from fluent.sender import EventTime

from shipper.document.quarantine import INDEX as QUARANTINE
from shipper.document.validate import Invalid
from shipper.outputs.proof import FIELD
from shipper.spool import Spooled

FRAME_BYTES = 4 * 1024 * 1024
"""Of msgpack, before it is compressed. Fluent Bit never acknowledges a frame above its buffer_max_size,
6,144,000 bytes, neither as it is sent nor unpacked (measured)."""
DATED = re.compile(r"-(\d{4})\.(\d{2})(?:\.(\d{2}))?$")
"""How the name of an index ends that is one of a month or of a day."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_SECOND = 2**32 - 1

Prove = Callable[[dict[str, Any], str], str]


def packed(tag: str, document: Spooled, prove: Prove | None) -> bytes | Invalid:
    """A document as an entry of a frame: its time and its record.

    Args:
        tag: Its `tag_of`.
        document: From the spool.
        prove: Makes a record's proof; None where there is no token to prove by.

    Returns:
        Why no server takes it, where none does.
    """
    record: dict[str, Any] = json.loads(document.body)
    at = event_time(record["@timestamp"], document.index_name)
    if at is None:
        words = f"{record['@timestamp']}: the Forward protocol knows the years from 1970 to 2106"
        return Invalid("@timestamp", "forward.time", words)
    if prove is not None:
        record[FIELD] = prove(record, tag)
    try:
        entry: bytes = msgpack.packb((at, record))
    except (ValueError, OverflowError) as error:  # half a character, a number of more than 64 bits
        return Invalid("", "forward.msgpack", f"document cannot be written as msgpack ({error})")
    if len(entry) > FRAME_BYTES:
        words = f"document of {len(entry)} bytes, a Forward server takes {FRAME_BYTES}"
        return Invalid("", "forward.largest_document", words)
    return entry


def tag_of(document: Spooled) -> str:
    """``pabx-cdr-2026.11`` is tagged ``pabx.cdr``; a newer state of a row ``pabx.cdr.state``.

    A document that has states must be written by ``index``, all others by ``create``. Fluent Bit's output
    deletes nothing (5.1.1): a call that became part of another is sent as a state that says so,
    ``call.merged_into``.
    """
    name = document.index_name
    tag = (name.rpartition("-")[0] if DATED.search(name) else name).replace("-", ".", 1)
    return f"{tag}.state" if document.operation != "create" and tag == "pabx.cdr" else tag


def event_time(timestamp: str, index_name: str) -> EventTime | None:
    """The record's time, by which Fluent Bit names the month's or day's index.

    Usually the document's own, to the microsecond. A quarantine document belongs to the month of what was
    refused: where the two differ, it is the first second of the index's month (or day).

    Returns:
        None before 1970 and after 2106, which the protocol's 32 bits of seconds cannot say.
    """
    at = datetime.fromisoformat(timestamp)
    if found := DATED.search(index_name):
        year, month, day = (int(part or 1) for part in found.groups())
        own = at.astimezone(UTC)
        if (own.year, own.month, own.day if found[3] else 1) != (year, month, day):
            at = datetime(year, month, day, tzinfo=UTC)
    # In whole numbers: a float of today's seconds has no room for the microseconds.
    seconds = (at - EPOCH) // timedelta(seconds=1)
    if index_name.startswith(QUARANTINE):
        # Second 0 would be taken for no time at all.
        return EventTime(min(max(seconds, 1), LAST_SECOND), 0)
    return EventTime(seconds, at.microsecond * 1000) if 0 < seconds <= LAST_SECOND else None
