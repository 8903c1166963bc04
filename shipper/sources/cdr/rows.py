"""Rows as raw bytes, streamed.

pymysql's own cursors decode and convert each value on its own, and fail on bytes that are not what
the column claims. The agent wants the bytes as the server sent them, so this cursor reads the text
protocol's row packets itself; everything else is pymysql's.
"""

from collections.abc import Iterator
from typing import Any

from pymysql.cursors import SSCursor

Row = tuple[bytes | None, ...]

_NULL = 0xFB
_TWO_BYTES = 0xFC
_THREE_BYTES = 0xFD
_EOF = 0xFE
_EOF_PACKET = 9


class RawCursor(SSCursor):
    """An unbuffered cursor whose rows are tuples of bytes (None for NULL)."""

    def raw_rows(self) -> Iterator[Row]:
        """The rows of the query that was executed, one packet at a time.

        Raises:
            pymysql.err.MySQLError: The server ended the result with an error or went away.
        """
        result: Any = self._result  # type: ignore[attr-defined]
        if not result.unbuffered_active:
            return  # the statement has no rows
        read_packet = result.connection._read_packet  # noqa: SLF001
        count = result.field_count
        while result.unbuffered_active:
            packet = read_packet()
            data: bytes = packet.get_all_data()
            if data[0] == _EOF and len(data) < _EOF_PACKET:
                result._check_packet_is_eof(packet)  # noqa: SLF001
                result.unbuffered_active = False
                result.connection = None
                return
            yield _split(data, count)


def _split(data: bytes, count: int) -> Row:
    """The columns of a text-protocol row: each a length-encoded string."""
    row: list[bytes | None] = []
    append = row.append
    at = 0
    for _ in range(count):
        length = data[at]
        at += 1
        if length < _NULL:
            end = at + length
            append(data[at:end])
            at = end
        elif length == _NULL:
            append(None)
        else:
            width = 2 if length == _TWO_BYTES else 3 if length == _THREE_BYTES else 8
            end = at + width + int.from_bytes(data[at : at + width], "little")
            append(data[at + width : end])
            at = end
    return tuple(row)
