"""A call's seconds by another way: from its rows, told by the truth what kind of call they are.

Shares no code with what it judges. For each scenario it is known which row says what; nothing has to be found
out. All simulated zones are without daylight saving in the simulated years, so that the rows' naive times can
be subtracted.
"""

from typing import NamedTuple

from compose.simulator import SimulatedCall, SimulatedRow

BEHIND_LOCAL = {"inbound_queue_answered", "inbound_group_outside"}
"""The one who took the call stands in the row of a Local channel's second half."""

BILLED = {"outbound_answered", "inbound_group_outside"}

AS_THE_ROWS_SAY = {
    "inbound_queue_abandoned": "wait",
    "outbound_unknown_number": "ring",
}
"""What the rows cannot tell here, they do not leave open either: they say something else than what was."""


class Seconds(NamedTuple):
    """Whole seconds; None where the rows do not tell."""

    ring: int | None
    wait: int | None
    talk: int | None
    billable: int
    duration: int


def seconds_of(call: SimulatedCall) -> Seconds:
    """Compute a call's seconds from its rows and its scenario."""
    truth = call.truth
    taken = _taken(call)
    by_name = {
        "ring": _ring(call, taken),
        "wait": _wait(call, taken),
        "talk": sum(row.billsec for row in taken),
    }
    open_ = {name for name in truth.unrecoverable if AS_THE_ROWS_SAY.get(truth.scenario) != name}
    first = min(_start(row) for row in call.rows)
    return Seconds(
        **{name: None if name in open_ else seconds for name, seconds in by_name.items()},
        billable=taken[0].billsec if truth.scenario in BILLED else 0,
        duration=max(_end(row) for row in call.rows) - first,
    )


def _taken(call: SimulatedCall) -> list[SimulatedRow]:
    """The rows in which somebody took the call, in the order of time."""
    truth = call.truth
    found = [row for row in call.rows if row.disposition == "ANSWERED" and row.dstchannel]
    if truth.scenario in BEHIND_LOCAL:
        found = [row for row in found if row.channel.startswith("Local/")]
    else:
        found = [row for row in found if row.uniqueid == truth.linked_ids[0]]
    return sorted(found, key=lambda row: (row.calldate, row.sequence))


def _ring(call: SimulatedCall, taken: list[SimulatedRow]) -> int:
    if taken:
        return taken[0].duration - taken[0].billsec
    if call.truth.queue:
        return 0
    rang = (row for row in call.rows if row.lastapp == "Dial" and row.disposition == "NO ANSWER")
    return max((row.duration for row in rang), default=0)


def _wait(call: SimulatedCall, taken: list[SimulatedRow]) -> int:
    queued = [row for row in call.rows if row.lastapp == "Queue"]
    if call.truth.scenario == "inbound_menu_abandoned":
        return call.rows[0].duration
    if not queued:
        return 0
    if call.truth.scenario == "inbound_queue_answered":
        end = _end(taken[0]) - taken[0].billsec
    elif call.truth.scenario == "inbound_queue_voicemail":
        end = next(_start(row) for row in call.rows if row.lastapp == "VoiceMail")
    else:
        end = max(_end(row) for row in queued)
    return end - min(_start(row) for row in queued)


def _start(row: SimulatedRow) -> int:
    at = row.calldate
    return ((at.toordinal() * 24 + at.hour) * 60 + at.minute) * 60 + at.second


def _end(row: SimulatedRow) -> int:
    return _start(row) + row.duration
