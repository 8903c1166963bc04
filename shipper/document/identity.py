"""The ``_id`` of a row: the same row always gets the same one, two rows never share one.

FreePBX's ``cdr`` has no primary key. (uniqueid, sequence) was unique in every recorded row, but
``sequence`` is absent or 0 on old systems and restarts with Asterisk, and a uniqueid repeats across
stores. So the channels and the duration always belong to the identity (they also tell apart two
calls of a PBX whose clock was set back to the same second), and where there is no sequence to
trust, everything else that Asterisk itself wrote does too. Two rows that agree in all of it are
one row written twice, as two CDR backends on one table do.

Every ``_id`` begins with its store's mark, which head office checks against the store's credential:
no store can take, or overwrite, an ``_id`` of another one.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b, sha256

ALWAYS = ("linkedid", "uniqueid", "sequence", "channel", "dstchannel", "duration")
WITHOUT_SEQUENCE = ("calldate", "src", "dst", "dcontext", "lastapp", "lastdata", "billsec", "disposition")

Row = Sequence[bytes | None]
"""One row's columns as the server sent them: bytes, None for NULL."""


MARK_LENGTH = 8


def mark(store_id: str) -> str:
    """How every ``_id`` of a store's documents begins, `MARK_LENGTH` hexadecimal digits.

    SHA-256, since the Lua filter of head office's Fluent Bit has to compute it too.
    """
    return sha256(b"pabx-store:" + store_id.encode()).hexdigest()[:MARK_LENGTH]


def identify(store_id: str, columns: Sequence[str]) -> Callable[[Row], str]:
    """Make the function that gives a row of these columns its ``_id``, 32 hexadecimal digits.

    Args:
        store_id: The store that the rows belong to.
        columns: The table's columns in the order of a row; missing ones count as empty.
    """
    place = {name: number for number, name in enumerate(columns)}
    always = [place.get(name) for name in ALWAYS]
    more = [place.get(name) for name in WITHOUT_SEQUENCE]
    uniqueid, sequence = place.get("uniqueid"), place.get("sequence")
    store, begin = store_id.encode(), mark(store_id)

    def identity(row: Row) -> str:
        parts = [store, *[b"" if n is None else row[n] or b"" for n in always]]
        if uniqueid is None or sequence is None or not row[uniqueid] or (row[sequence] or b"0") == b"0":
            parts += [b"" if n is None else row[n] or b"" for n in more]
        content = b"\0".join(parts)
        if content.count(0) >= len(parts):
            # A NUL inside a text is no border between two: here the lengths say where they are.
            lengths = b",".join(b"%d" % len(part) for part in parts)
            return begin + blake2b(content, digest_size=12, key=blake2b(lengths).digest()).hexdigest()
        return begin + blake2b(content, digest_size=12).hexdigest()

    return identity
