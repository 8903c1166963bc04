"""One message of the Asterisk Manager Interface: its bytes to an event. Pure.

A message is lines of ``Key: value``, ended by CRLF. Asterisk sends names as phones and trunks sent them,
so any bytes may stand in a value, a lone CR or LF among them.
"""

from typing import Final

from panoramisk.message import Message

from shipper.document.text import readable

Event = dict[str, str]
"""Keys in Asterisk's own spelling (``Event``, ``Uniqueid``); of a repeated key the first value stays."""

EOL: Final = b"\r\n"


def parsed(raw: bytes) -> Event:
    """The event of a message's bytes; lines that are no ``Key: value`` are left out.

    Args:
        raw: The whole message, with or without the empty line that ends it. Where it is no UTF-8, each
            value is decoded by itself, as a column of the ``cdr`` table is.
    """
    event: Event = {}
    try:
        lines = raw.decode().split("\r\n")
    except UnicodeDecodeError:
        lines = [readable("", line, []) for line in raw.split(EOL)]
    for line in lines:
        key, colon, value = line.partition(": ")
        if colon and key not in event:
            event[key] = value
    return event


class Answer(Message):  # type: ignore[misc]  # panoramisk has no types
    """A message for panoramisk's actions, which look keys up in any case.

    Attributes:
        fields: The message as an `Event`.
    """

    def __init__(self, fields: Event) -> None:
        super().__init__({})
        self.fields = fields
        self._store = {key.lower(): (key, value) for key, value in fields.items()}
