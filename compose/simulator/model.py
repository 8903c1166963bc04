"""What a simulated call is: its CDR rows, and beside them what really happened."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class SimulatedRow(NamedTuple):
    """One row of FreePBX's `cdr`, in its column order, and the moment at which Asterisk inserts it.

    The first 26 fields are the table's columns. `inserted_at` is the store's local clock (naive, like
    `calldate`), `inserted_ms` the same moment in milliseconds since the epoch, which orders rows where clocks
    go back too.
    """

    calldate: datetime
    clid: str
    src: str
    dst: str
    dcontext: str
    channel: str
    dstchannel: str
    lastapp: str
    lastdata: str
    duration: int
    billsec: int
    disposition: str
    amaflags: int
    accountcode: str
    uniqueid: str
    userfield: str
    did: str
    recordingfile: str
    cnum: str
    cnam: str
    outbound_cnum: str
    outbound_cnam: str
    dst_cnam: str
    linkedid: str
    peeraccount: str
    sequence: int
    inserted_at: datetime
    inserted_ms: int


COLUMNS: tuple[str, ...] = SimulatedRow._fields[:26]


@dataclass(frozen=True, slots=True)
class CallTruth:
    """What a call was, as the simulator meant it. Seconds are whole, rounded down from milliseconds.

    Attributes:
        store_id: The store's id.
        scenario: Name of the course of events, for grouping in tests.
        direction: `internal`, `inbound` or `outbound`.
        outcome: `answered` (a person was bridged), `voicemail`, `abandoned` (gave up in a queue or menu),
            `no_answer`, `busy`, `failed`, `blocked` (sent to the black hole) or `system` (only a machine
            answered).
        answered_by: Extensions, or the dialled number where an outside person answered, in order.
        missed: Inbound, not blocked, and no person answered.
        ring_seconds: How long phones rang until the first person answered, the caller gave up or voicemail
            took over. In a queue only the ringing that ended with an answer; the rest is waiting.
        wait_seconds: Time in menus and queues: until a menu sent the caller on to a phone, until a person was
            bridged out of a queue, or until the caller left; 0 without either.
        talk_seconds: Time in which the caller was joined with a person. Hold counts; menu, queue, parking,
            ringing after a transfer and the consultation of an attended transfer do not.
        billable_seconds: Answered time on trunks towards the outside, which a carrier can bill; 0 for plain
            inbound calls.
        duration_seconds: From the call's first channel to its last hang-up.
        queue: Number of the queue, or empty.
        group: Number of the ring group, or empty.
        did: Number that was called from outside, or empty.
        trunk: Name of the trunk as in channel names, or empty.
        category: Of the outside number, seen from the store: `local_mobile`, `long_distance_fixed`,
            `toll_free`, `shared_cost`, `service`, `international`, `unknown`; `internal` without one.
        transferred: Blind or attended transfer, or parked and picked up.
        linked_ids: All linkedids of its rows, the first call's own first.
        rows: Number of CDR rows.
        source: Calling number as Asterisk shows it; the extension for internal and outbound calls.
        destination: Number that was dialled (inbound: the DID, or what the trunk sent where no DID matched).
        start: Local time of the store, naive.
        end: Local time of the last hang-up, naive.
        unrecoverable: Which of `ring`, `wait`, `talk` and `duration` (their seconds) Asterisk's rows cannot
            tell, in this order; see docs/simulator.md for the reasons.
    """

    store_id: str
    scenario: str
    direction: str
    outcome: str
    answered_by: tuple[str, ...]
    missed: bool
    ring_seconds: int
    wait_seconds: int
    talk_seconds: int
    billable_seconds: int
    duration_seconds: int
    queue: str
    group: str
    did: str
    trunk: str
    category: str
    transferred: bool
    linked_ids: tuple[str, ...]
    rows: int
    source: str
    destination: str
    start: datetime
    end: datetime
    unrecoverable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """One call: its rows in the order of their insertion, and the truth; `start_ms` since the epoch."""

    rows: list[SimulatedRow]
    truth: CallTruth
    start_ms: int
