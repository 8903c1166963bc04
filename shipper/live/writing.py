"""A call in progress as a document of ``pabx-live``."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from shipper.document.clock import stamp
from shipper.document.model import Document, Origin, encode
from shipper.document.privacy import Privacy
from shipper.document.text import brief
from shipper.document.validate import validator
from shipper.live.calls import LiveCall, LiveParty
from shipper.numbering import Number

DATASET: Final = "pabx.live"
INDEX: Final = "pabx-live"
"""One index, no month: what is in it is of now."""
ENDED: Final = "ended"
LONGEST: Final = 256
MOST: Final = 100
"""Extensions of one call; a paging group may have more, and nobody reads them."""


class Shown(NamedTuple):
    """What the panel shows of a call at a moment."""

    linked: str
    """The linkedid that its channels have: what became part of another call is told of under that one's."""
    call: LiveCall
    state: str
    """One of the call's own, or `ENDED`."""
    since: float
    """When that state began, seconds since 1970."""
    at: float
    """When it was true, seconds since 1970."""
    sequence: int
    """Rises with each document of the call."""


class LiveWriter:
    """Writes the calls in progress of one store.

    Args:
        origin: Store and agent.
        identity: Gives a call its ``_id`` from its first linkedid.
        read: The numbering plan.
        privacy: What may leave the store in clear.
    """

    def __init__(
        self,
        origin: Origin,
        identity: Callable[[str], str],
        read: Callable[[str], Number],
        privacy: Privacy,
    ) -> None:
        self._origin = origin
        self._identity = identity
        self._read = read
        self._privacy = privacy
        self._validate = validator("live")

    def write(self, shown: Shown) -> Document | None:
        """The document; None where it would be none: a state of now is worth no place in the quarantine."""
        call = shown.call
        at = _iso(shown.at)
        key = self._identity(shown.linked)
        told = {"direction": call.direction, "did": call.did, "trunk": call.trunk, "queue": call.queue}
        live: dict[str, Any] = {"state": shown.state, "since": _iso(shown.since), "as_of": at}
        for name, extensions in (
            ("extensions", call.extensions),
            ("ringing", call.ringing),
            ("talking", call.talking),
        ):
            if extensions:
                live[name] = [brief(text, LONGEST) for text in extensions[:MOST]]
        if call.machine:
            live["machine"] = True
        body: dict[str, Any] = {
            "@timestamp": at,
            "event": {
                "id": key,
                "kind": "state",
                "dataset": DATASET,
                "created": at,
                **({"start": _iso(call.begin)} if call.begin else {}),
                "sequence": shown.sequence,
            },
            "store": {"id": self._origin.store_id, "timezone": self._origin.timezone},
            "agent": {"version": self._origin.version},
            "call": {
                "id": key,
                "linked_ids": [brief(text, LONGEST) for text in call.linked_ids[:MOST]],
                **{name: brief(text, LONGEST) for name, text in told.items() if text},
            },
            "live": live,
        }
        outside_calls = call.direction in {"inbound", "unknown"}
        outside_called = call.direction in {"outbound", "unknown"}
        for name, party, outside in (
            ("source", call.source, outside_calls),
            ("destination", call.destination, outside_called),
        ):
            if fields := self._party(party, outside=outside):
                body[name] = fields
        return None if self._validate(body) else Document(INDEX, key, encode(body).encode(), "index")

    def _party(self, party: LiveParty, *, outside: bool) -> dict[str, str]:
        number, name = party.number, self._privacy.name(party.name)
        e164 = ""
        if outside and not party.extension:
            e164 = self._read(number).e164
            number = self._privacy.number(number, e164)
            e164 = self._privacy.number(e164, e164) if e164 else ""
        found = {"number": number, "e164": e164, "name": name, "extension": party.extension}
        return {field: brief(text, LONGEST) for field, text in found.items() if text}


def _iso(at: float) -> str:
    return stamp(datetime.fromtimestamp(at, UTC))
