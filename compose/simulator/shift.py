"""A simulated call at another time: its rows, uniqueids and truth as if it had been made then. Pure."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from compose.simulator.model import SimulatedCall, SimulatedRow

_RECORDING = re.compile(r"-(\d{8}-\d{6})-(\d+\.\d+)\.wav$")
_STAMP = "%Y%m%d-%H%M%S"
_SECOND = 1000


def shifted(call: SimulatedCall, seconds: int, zone: ZoneInfo) -> SimulatedCall:
    """The call so many seconds later; numbers behind the dots of uniqueids, and sequences, stay.

    Args:
        call: The call.
        seconds: Whole ones, as uniqueids and ``calldate`` know no others; negative: earlier.
        zone: Of its store's clock.
    """

    def clock(local: datetime) -> datetime:
        moment = local.replace(tzinfo=zone).astimezone(UTC) + timedelta(seconds=seconds)
        return moment.astimezone(zone).replace(tzinfo=None)

    def uniqueid(text: str) -> str:
        epoch, dot, number = text.partition(".")
        return f"{int(epoch) + seconds}{dot}{number}"

    def recording(found: "re.Match[str]") -> str:
        at = clock(datetime.strptime(found[1], _STAMP))  # noqa: DTZ007 - the store's clock is naive
        return f"-{at.strftime(_STAMP)}-{uniqueid(found[2])}.wav"

    def row(one: SimulatedRow) -> SimulatedRow:
        return one._replace(
            calldate=clock(one.calldate),
            uniqueid=uniqueid(one.uniqueid),
            linkedid=uniqueid(one.linkedid),
            recordingfile=_RECORDING.sub(recording, one.recordingfile),
            inserted_at=clock(one.inserted_at),
            inserted_ms=one.inserted_ms + seconds * _SECOND,
        )

    truth = replace(
        call.truth,
        linked_ids=tuple(map(uniqueid, call.truth.linked_ids)),
        start=clock(call.truth.start),
        end=clock(call.truth.end),
    )
    return SimulatedCall(list(map(row, call.rows)), truth, call.start_ms + seconds * _SECOND)
