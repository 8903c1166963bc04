"""A store's heartbeat: what its agent says of itself. It becomes a part of the store's document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shipper.document.clock import stamp
from shipper.document.model import Document, Origin, encode
from shipper.document.text import brief

DATASET = "pabx.store"
INDEX = "pabx-stores"
"""One index, no month: a store has one document, of which this is a part."""
LONGEST = 1024
"""Characters of a check by the schema."""
GOOD = "ok"
OFF = "off"


class State(NamedTuple):
    """One look at an agent."""

    documents: int
    """Documents that wait."""
    used_bytes: int
    """Of the spool."""
    limit_bytes: int
    """``spool.max_mib``."""
    full: bool
    """Reading waits for room in the spool."""
    oldest: float | None
    """Since when the oldest document waits, seconds since 1970; None where none waits."""
    refused: int
    """Documents kept here because not even the quarantine took them."""
    acknowledged: float | None
    """When something was acknowledged last, seconds since 1970."""
    reading: str
    """What is wrong with it; empty: nothing."""
    sending: str
    """Likewise."""
    spool: str
    """Likewise."""
    ami: str
    """Likewise; `OFF` where it is not to be listened to."""
    pbx: Mapping[str, Any]
    """What the PBX's events tell, as fields of ``store``; empty where it is not heard."""


def heartbeat(origin: Origin, state: State, now: datetime) -> Document:
    """The part of the store's document that its agent writes.

    It has no ``event.sequence``: a state of now needs none, and the version of a document of which head
    office writes the other part counts both.

    Args:
        origin: Store and agent.
        state: What is to be told.
        now: The agent's clock, UTC.
    """
    created = stamp(now)
    store = {
        "id": origin.store_id,
        "timezone": origin.timezone,
        "spool_documents": state.documents,
        "spool_bytes": state.used_bytes,
        "spool_limit_bytes": state.limit_bytes,
        "spool_full": state.full,
        "lag_seconds": 0 if state.oldest is None else max(0, round(now.timestamp() - state.oldest)),
        "refused_documents": state.refused,
        "checks": {
            "reading": brief(state.reading, LONGEST) or GOOD,
            "sending": brief(state.sending, LONGEST) or GOOD,
            "spool": brief(state.spool, LONGEST) or GOOD,
            "ami": brief(state.ami, LONGEST) or GOOD,
        },
        **state.pbx,
    }
    if state.acknowledged is not None:
        store["last_acknowledgement"] = stamp(datetime.fromtimestamp(state.acknowledged, now.tzinfo))
    body = {
        "@timestamp": created,
        "event": {"id": origin.store_id, "kind": "metric", "dataset": DATASET, "created": created},
        "store": store,
        "agent": {"version": origin.version},
    }
    return Document(INDEX, origin.store_id, encode(body).encode(), "update")
