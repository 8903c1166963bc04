"""Calls that AMI heard, and of which the table should have rows by now."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from shipper.assembly import CallBuilder, leg_of
from shipper.assembly.join import TOUCHING_SECONDS
from shipper.assembly.leg import Leg
from shipper.document.clock import StoreClock, stamp
from shipper.document.model import Document
from shipper.live.unwritten import HeardCall
from shipper.sources.cdr import buckets
from shipper.sources.cdr.database import Database
from shipper.spool import Spool

CALLS_PER_LOOK: Final = 50
AROUND_SECONDS: Final = 3600
"""The PBX's clock may have been set while it went on; a look so far around it costs nothing."""


class Unheard:
    """Makes documents of the calls that are in no row.

    Args:
        database: The table.
        spool: Has what AMI heard.
        clock: The store's.
        now: The agent's clock, UTC.
    """

    def __init__(
        self, database: Database, spool: Spool, clock: StoreClock, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._spool = spool
        self._clock = clock
        self._now = now

    def look(self, builder: CallBuilder) -> int:
        """Look for the rows of the calls whose look-back has passed; gives how many documents were spooled.

        Args:
            builder: Makes calls.

        Raises:
            DatabaseError: The table cannot be read; they are looked for later.
            SpoolError: The spool takes no more; likewise.
        """
        made = 0
        while due := self._spool.heard(self._now().timestamp(), CALLS_PER_LOOK):
            documents = []
            for _, body in due:
                call = HeardCall(*json.loads(body))
                if not self._has_rows(call):
                    documents += self._documents(call, builder)
            counts = {"documents": len(documents), "unheard": len(documents)}
            self._spool.add(documents, counts=counts, looked_for=[linked for linked, _ in due])
            made += len(documents)
        return made

    def _has_rows(self, call: HeardCall) -> bool:
        around = (call.begin - AROUND_SECONDS, call.end + AROUND_SECONDS)
        first, last = (buckets.bucket_at(epoch, self._clock.zone) for epoch in around)
        columns = self._database.columns
        # To its end: the connection has one answer at a time.
        found = list(self._database.related([(first, last)], [*call.linked_ids, *call.names]))
        return any(self._is_of(call, dict(zip(columns, row, strict=True))) for row in found)

    def _is_of(self, call: HeardCall, row: Mapping[str, bytes | None]) -> bool:
        """By linkedid or uniqueid; by a channel's name only while that lived: a restarted PBX counts anew."""
        linkedid, uniqueid, calldate = (
            (row.get(name) or b"").decode(errors="replace") for name in ("linkedid", "uniqueid", "calldate")
        )
        if linkedid in call.linked_ids or (uniqueid and uniqueid in call.names):
            return True
        moment = self._clock.moment(calldate, uniqueid)
        first, last = int(call.begin) - TOUCHING_SECONDS, call.end + TOUCHING_SECONDS
        return moment is None or first <= moment.epoch <= last

    def _documents(self, call: HeardCall, builder: CallBuilder) -> list[Document]:
        legs = [leg for number, row in enumerate(call.rows) if (leg := self._leg(call, number, row))]
        return [builder.heard(legs, stamp(self._now()))] if legs else []

    def _leg(self, call: HeardCall, number: int, row: dict[str, Any]) -> Leg | None:
        start = row.get("start")
        if start is None:
            moment = self._clock.moment(row.get("calldate", ""), row.get("uniqueid", ""))
            start = call.begin if moment is None else moment.epoch
        return leg_of(row, int(start), f"{call.linked}#{number}")


def as_text(calls: Sequence[HeardCall], lookback: float) -> list[tuple[str, float, str]]:
    """Heard calls as the spool keeps them.

    Args:
        calls: The calls.
        lookback: How late a row may appear, seconds.
    """
    return [(call.linked, call.end + lookback, json.dumps(call)) for call in calls]
