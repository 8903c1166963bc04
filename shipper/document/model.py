"""What a document is on its way through the agent."""

import json
from typing import NamedTuple

encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False
).encode
"""A document's JSON text, without spaces; NaN and infinities are errors."""


class Document(NamedTuple):
    """One document: the index that it belongs to, its ``_id``, and its JSON in UTF-8."""

    index_name: str
    id: str
    body: bytes


class Origin(NamedTuple):
    """What every document of one agent says of where it comes from."""

    store_id: str
    timezone: str
    version: str
