"""Both relations of a store's calls in one passage over them. Pure."""

from collections.abc import Iterable, Iterator

from central.relations.callbacks import Asked, Callback, callbacks
from central.relations.trunks import Some, simultaneous


def related(calls: Iterable[Some], asked: Asked) -> Iterator[tuple[Some, int | None, Callback | None]]:
    """Say of each call how many were on its trunk, and what became of it where it was missed.

    Args:
        calls: of one store, in the order of their start, beginning with those that still go on at the first
            moment that is asked of; not read farther than needed.
        asked: of which of them.

    Yields:
        Each call that it is asked of, once, as `simultaneous` and `callbacks` tell it.
    """
    counts: dict[str, int | None] = {}

    def counted() -> Iterator[Some]:
        for call, on_trunk in simultaneous(calls):
            if asked.holds(call):
                counts[call.call_id] = on_trunk
            yield call

    for call, callback in callbacks(counted(), asked):
        yield call, counts.pop(call.call_id), callback
