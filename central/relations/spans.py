"""Spans of time of each store whose calls are looked at. Pure; moments are milliseconds since 1970."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

END: Final = 253_402_300_799_999
"""The end of the year 9999: what a date in the index can be."""


class Span(NamedTuple):
    """A store's calls that begin in a span.

    Attributes:
        store: its id.
        since: the first moment.
        until: the first moment behind it.
    """

    store: str
    since: int
    until: int


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Give the same spans by store and time, each moment once."""
    open_one: Span | None = None
    for span in sorted(spans):
        if open_one is not None and span.store == open_one.store and span.since <= open_one.until:
            open_one = open_one._replace(until=max(open_one.until, span.until))
            continue
        if open_one is not None:
            yield open_one
        open_one = span
    if open_one is not None:
        yield open_one
