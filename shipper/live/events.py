"""AMI events that are worth keeping, as documents.

What repeats (somebody guesses passwords, a line flaps) is told at once the first time or the first few
times, and then once a minute with how often it was.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from shipper.document.clock import StoreClock, stamp
from shipper.document.identity import mark
from shipper.document.model import Document, Origin, encode
from shipper.document.privacy import Privacy
from shipper.document.quarantine import Quarantine
from shipper.document.text import brief
from shipper.document.validate import validator
from shipper.live.judge import PERSON, Kept

DATASET: Final = "pabx.event"
INDEX: Final = "pabx-events"
QUIET_SECONDS: Final = 60.0
"""For so long what repeats is counted, and then told as one."""
ONCE: Final = 1
"""How often a guessed password is told before the others of a minute are counted."""
CHANGES: Final = 4
"""How often a change is: a line that flaps is told as such."""
MOST_KEYS: Final = 500
"""Different things of one kind that may repeat in a minute; more are counted together."""
LONGEST: Final = 256
NO_ANSWER: Final = "agent-no-answer"
"""A queue that rings a telephone which nobody takes tells this every few seconds."""
OTHERS: Final = "others"


@dataclass(slots=True)
class _Repeated:
    kept: Kept
    event: str
    since: float
    told: int = 0
    more: int = 0


class EventWriter:
    """Writes the events of one store.

    Args:
        origin: Store and agent.
        identity: Gives a call its ``_id`` from its first linkedid.
        privacy: What may leave the store in clear.
    """

    def __init__(self, origin: Origin, identity: Callable[[str], str], privacy: Privacy) -> None:
        self._origin = origin
        self._identity = identity
        self._privacy = privacy
        self._clock = StoreClock(origin.timezone)
        self._validate = validator("event")
        self._quarantine = Quarantine(origin)
        self._begin = mark(origin.store_id)
        self._repeated: dict[tuple[str, str, str], _Repeated] = {}
        self._keys: Counter[str] = Counter()

    def write(self, name: str, kept: Kept, now: datetime) -> list[Document]:
        """The event's document; none where it is told later together with others like it.

        Args:
            name: The AMI event's name.
            kept: What it says.
            now: The agent's clock, UTC.
        """
        # Who guesses passwords guesses accounts too: of an address one is told.
        key = (kept.action, kept.state, kept.address or kept.object)
        if (kept.linked and kept.action != NO_ANSWER) or kept.calls is not None:
            return [self._document(name, kept, now, 1)]  # a call's own: there is no other
        if key not in self._repeated and self._keys[kept.action] >= MOST_KEYS:
            kept = kept._replace(object=OTHERS, state="", address="")
            key = (kept.action, "", OTHERS)
        if key not in self._repeated:
            self._repeated[key] = _Repeated(kept, name, now.timestamp())
            self._keys[kept.action] += 1
        known = self._repeated[key]
        known.told += 1
        if known.told > (ONCE if kept.object_type == "account" else CHANGES):
            known.more += 1
            return []
        return [self._document(name, kept, now, 1)]

    def repeated(self, now: datetime) -> list[Document]:
        """What came again since it was told; to be asked for now and then."""
        documents = []
        for key, known in list(self._repeated.items()):
            if not 0 <= now.timestamp() - known.since < QUIET_SECONDS:
                if known.more:
                    documents.append(self._document(known.event, known.kept, now, known.more))
                    known.since, known.more = now.timestamp(), 0
                else:
                    del self._repeated[key]
                    self._keys[key[0]] -= 1
        return documents

    def _document(self, name: str, kept: Kept, now: datetime, count: int) -> Document:
        created = stamp(now)
        pbx: dict[str, Any] = {"event": name, "count": count}
        told = {
            "object": self._hidden(kept),
            "object_type": kept.object_type,
            "state": kept.state,
            "previous": kept.previous,
            "cause": kept.cause,
        }
        pbx.update({field: brief(text, LONGEST) for field, text in told.items() if text})
        if kept.calls is not None:
            pbx["calls"] = kept.calls
        local = self._clock.local(int(now.timestamp()))
        body: dict[str, Any] = {
            "@timestamp": created,
            "event": {
                "id": "",
                "kind": "event",
                "dataset": DATASET,
                "action": kept.action,
                "created": created,
            },
            "store": {"id": self._origin.store_id, "timezone": self._origin.timezone},
            "agent": {"version": self._origin.version},
            "local": {"date": local.date, "hour": local.hour, "weekday": local.weekday},
            "log": {"level": kept.level},
            "message": brief(kept.message.replace(PERSON, self._person(kept.person), 1), LONGEST * 2),
            "pbx": pbx,
        }
        if kept.address:
            body["source"] = {"ip": kept.address}
        if kept.linked:
            body["call"] = {"id": self._identity(kept.linked), "linked_ids": [brief(kept.linked, LONGEST)]}
            if kept.queue:
                body["call"]["queue"] = brief(kept.queue, LONGEST)
        content = blake2b(self._origin.store_id.encode() + b"\0event", digest_size=12)
        content.update(json.dumps(body, sort_keys=True).encode())
        key = body["event"]["id"] = self._begin + content.hexdigest()
        index = f"{INDEX}-{created[:4]}.{created[5:7]}.{created[8:10]}"
        if (reason := self._validate(body)) is not None:
            return self._quarantine.document(
                key,
                stage="document",
                dataset=DATASET,
                index=index,
                document=body,
                reason=reason,
                created=created,
            )
        return Document(index, key, encode(body).encode())

    def _hidden(self, kept: Kept) -> str:
        """Who tries to log in may have typed a person's number."""
        return self._privacy.number(kept.object) if kept.object_type == "account" else kept.object

    def _person(self, member: str) -> str:
        """A queue's member is told of by name, or by interface, which may hold a number."""
        return self._privacy.number(member) if "/" in member else self._privacy.name(member)
