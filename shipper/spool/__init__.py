"""The file between reading and acknowledgement: nothing read is lost, nothing unacknowledged leaves."""

from shipper.spool.damage import DAMAGE, mend, set_aside
from shipper.spool.lock import SpoolLock
from shipper.spool.refused import Kept
from shipper.spool.schema import damaged
from shipper.spool.store import ACCOUNT, Bucket, Refusal, Spool, Spooled, SpoolFullError
from shipper.spool.todo import LAST_CALL, Unsettled

__all__ = [
    "ACCOUNT",
    "DAMAGE",
    "LAST_CALL",
    "Bucket",
    "Kept",
    "Refusal",
    "Spool",
    "SpoolFullError",
    "SpoolLock",
    "Spooled",
    "Unsettled",
    "damaged",
    "mend",
    "set_aside",
]
