"""The file between reading and acknowledgement: nothing read is lost, nothing unacknowledged leaves."""

from shipper.spool.lock import SpoolLock
from shipper.spool.refused import Kept
from shipper.spool.store import ACCOUNT, Bucket, Refusal, Spool, Spooled, SpoolFullError
from shipper.spool.todo import Unsettled

__all__ = [
    "ACCOUNT",
    "Bucket",
    "Kept",
    "Refusal",
    "Spool",
    "SpoolFullError",
    "SpoolLock",
    "Spooled",
    "Unsettled",
]
