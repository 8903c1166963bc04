"""What strangers wrote, made fit to be printed: a terminal must not take it for its own commands."""

import json
from typing import Any


def printable(text: str) -> str:
    """The text in one line; each character that does not print stands as JSON escapes it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def as_json(body: dict[str, Any]) -> str:
    """JSON that prints: the same values, with everything escaped that a terminal could take amiss."""
    lines = json.dumps(body, ensure_ascii=False, indent=2).split("\n")
    return "\n".join(map(printable, lines))
