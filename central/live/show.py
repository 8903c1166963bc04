"""The panel of now as lines and as JSON: pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from central.live.read import FRESH_SECONDS, Call, Picture, Store
from central.quarantine.printed import printable

STATES: Final = {"ringing": "ringing", "queued": "queued", "talking": "talking", "on_hold": "on hold"}
"""What a call that goes on may do, and how it is said."""
_LONGEST: Final = 36
_MOST_EXTENSIONS: Final = 5


def lines(picture: Picture) -> Iterator[str]:
    """Give it for a person: each store with its calls, the totals, and whose calls are not known."""
    rows = {call.id: _row(call) for call in picture.calls}
    widths = [max(map(len, column)) for column in zip(*rows.values(), strict=True)]
    for head, calls in groupby(picture.calls, _head):
        yield head
        for call in calls:
            cells = (f"{text:<{width}}" for text, width in zip(rows[call.id], widths, strict=True))
            yield f"  {'  '.join(cells)}".rstrip()
    counted = totals(picture.calls)
    if picture.calls:
        count = f"{len(picture.calls):,} call{'s' * (len(picture.calls) > 1)}"
        yield f"{count} now: " + ", ".join(f"{counted[state]:,} {word}" for state, word in STATES.items())
    else:
        yield "no call now"
    heard = len(picture.stores) - len(picture.silent)
    at = f"{picture.as_of:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{at}: {heard:,} of {len(picture.stores):,} stores heard within {FRESH_SECONDS} s"
    for store in picture.silent:
        last = f"last at {store.last_seen}" if store.last_seen else "never yet"
        yield f"not heard, its calls are not known: {_named(store)}, {printable(last)}"
    for store in picture.deaf:
        yield f"its calls are not known: {_named(store)}: {printable(store.trouble)}"


def as_dict(picture: Picture) -> dict[str, Any]:
    """Give it for JSON. Names: docs/live.md."""
    return {
        "as_of": picture.as_of.isoformat().replace("+00:00", "Z"),
        "calls": [_call(call) for call in picture.calls],
        "totals": totals(picture.calls),
        "stores": {
            "known": len(picture.stores),
            "heard": len(picture.stores) - len(picture.silent),
            "not_heard": [
                {"id": store.id, "name": store.name or None, "last_seen": store.last_seen}
                for store in picture.silent
            ],
            "calls_not_known": [
                {"id": store.id, "name": store.name or None, "ami": store.trouble} for store in picture.deaf
            ],
        },
    }


def totals(calls: Sequence[Call]) -> dict[str, int]:
    """How many calls do what."""
    counted = Counter(call.state for call in calls)
    return {state: counted[state] for state in STATES}


def _call(call: Call) -> dict[str, Any]:
    store, about, live = call.part("store"), call.part("call"), call.part("live")
    return {
        "id": call.id,
        "store": store.get("id"),
        "name": store.get("name"),
        "region": store.get("region"),
        "state": call.state,
        "seconds": call.seconds,
        "machine": call.machine,
        "since": live.get("since"),
        "as_of": live.get("as_of"),
        "direction": about.get("direction"),
        "source": call.part("source"),
        "destination": call.part("destination"),
        "extensions": call.extensions(),
        "ringing": call.extensions("ringing"),
        "talking": call.extensions("talking"),
        "did": about.get("did"),
        "trunk": about.get("trunk"),
        "queue": about.get("queue"),
    }


def _row(call: Call) -> list[str]:
    about = call.part("call")
    state = STATES.get(call.state, call.state)
    row = [
        f"{state}, machine" if call.machine else state,
        f"{call.seconds // 60}:{call.seconds % 60:02}",
        str(about.get("direction") or "-"),
        f"{_party(call.part('source'))} -> {_party(call.part('destination'))}",
        _extensions(call.extensions()),
        str(about.get("trunk") or "-"),
        f"queue {about['queue']}" if about.get("queue") else "",
    ]
    return [printable(text) for text in row]


def _party(said: Mapping[str, Any]) -> str:
    number = said.get("extension") or said.get("number") or said.get("e164") or "?"
    text = f"{number} {said.get('name') or ''}".rstrip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _extensions(names: Sequence[str]) -> str:
    shown = ",".join(names[:_MOST_EXTENSIONS]) or "-"
    more = len(names) - _MOST_EXTENSIONS
    return f"{shown},+{more}" if more > 0 else shown


def _head(call: Call) -> str:
    store = call.part("store")
    return printable(f"{store.get('id')} {store.get('name') or ''}".rstrip())


def _named(store: Store) -> str:
    return printable(f"{store.id} {store.name}".rstrip())
