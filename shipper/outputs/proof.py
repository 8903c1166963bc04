"""A record's proof that it is the store's that it names.

Fluent Bit does not tell its filters who logged in. So head office's filter checks each record against
a key that only this store and head office know; see docs/gate.md.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Any

FIELD = "proof"
_DIGITS = 32


def prover(token: str) -> Callable[[dict[str, Any], str], str]:
    """Make the function that proves records by a store's token.

    Args:
        token: The store's; it is in no record itself.

    Returns:
        A function of a record and its tag that gives 32 hexadecimal digits.
    """
    key = sha256(b"pabx-proof:" + token.encode()).digest()

    def proof(record: dict[str, Any], tag: str) -> str:
        event = record["event"]
        sequence = event.get("sequence")
        # As the filter's language writes a number: it knows no whole numbers, only doubles.
        number = "" if sequence is None else f"{float(sequence):.0f}"
        message = f"{record['store']['id']}\n{event['id']}\n{number}\n{tag}"
        return hmac.digest(key, message.encode(), "sha256").hex()[:_DIGITS]

    return proof
