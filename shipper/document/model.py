"""What a document is on its way through the agent."""

import json
from typing import Literal, NamedTuple

encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False
).encode
"""A document's JSON text, without spaces; NaN and infinities are errors."""


Operation = Literal["create", "index", "delete", "update"]
"""``create``: once and for all. ``index``: one of several states, the highest ``event.sequence`` stays.
``delete``: what stands there is no document of its own any more; the body says what it became.
``update``: a part of a document, put into what stands there; it is made where nothing does."""


class Document(NamedTuple):
    """One document: the index that it belongs to, its ``_id``, and its JSON in UTF-8."""

    index_name: str
    id: str
    body: bytes
    operation: Operation = "create"


class Origin(NamedTuple):
    """What every document of one agent says of where it comes from."""

    store_id: str
    timezone: str
    version: str
