"""A store's heartbeat: what its agent says of itself. It becomes a part of the store's document."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

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
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class State(NamedTuple):
    """One look at an agent."""

    documents: int | None
    """Documents that wait; None: the spool cannot be read."""
    used_bytes: int | None
    """Of the spool; likewise."""
    limit_bytes: int
    """``spool.max_mib``."""
    full: bool
    """Reading waits for room in the spool."""
    oldest: float | None
    """Since when the oldest document waits, seconds since 1970; None where none waits."""
    refused: int | None
    """Documents kept here because not even the quarantine took them; likewise."""
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
    more: Mapping[str, Any] = NOTHING
    """What else is known, as fields of ``store``: of reading, of the machine, and which agent this is."""


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
    lag = 0 if state.oldest is None else max(0, round(now.timestamp() - state.oldest))
    spool = {
        "spool_documents": state.documents,
        "spool_bytes": state.used_bytes,
        "spool_limit_bytes": state.limit_bytes,
        "spool_full": state.full,
        "lag_seconds": None if state.documents is None else lag,
        "refused_documents": state.refused,
    }
    store = {
        "id": origin.store_id,
        "timezone": origin.timezone,
        **{name: value for name, value in spool.items() if value is not None},
        "checks": {
            "reading": brief(state.reading, LONGEST) or GOOD,
            "sending": brief(state.sending, LONGEST) or GOOD,
            "spool": brief(state.spool, LONGEST) or GOOD,
            "ami": brief(state.ami, LONGEST) or GOOD,
        },
        **state.more,
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
