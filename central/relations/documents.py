"""Calls as their relations see them: read from documents, and what is to stand in these."""

from dataclasses import dataclass
from typing import Any, Final

from central.calls.cluster import Place, place_of
from central.clock import moment
from central.erasing import ERASED
from central.relations.call import Call, number_of
from central.relations.callbacks import WAITING, Callback

OWNED: Final = ("trunk_calls", "callback")
"""Names below `call` that are written here alone."""
FIELDS: Final = (
    *("event.end", "tags", "source", "destination"),
    *(f"call.{name}" for name in ("id", "direction", "missed", "answered", "answered_by", *OWNED)),
    *(f"call.{name}" for name in ("trunk", "billable_trunk", "duration_seconds")),
)
_OUTSIDE: Final = {"inbound": "source", "outbound": "destination"}


@dataclass(frozen=True, slots=True)
class Found(Call):
    """A call's document.

    Attributes:
        place: where it is.
        said: what stands there of `OWNED`.
        erased: a person's number was taken out of it.
    """

    place: Place
    said: dict[str, Any]
    erased: bool

    def wanted(self, trunk_calls: int | None, callback: Callback | None) -> dict[str, Any]:
        """Give what is to stand there of `OWNED`; what is not known is left out.

        What became of a missed call stays when its number was erased: nothing tells it any more.
        """
        fields: dict[str, Any] = {} if trunk_calls is None else {"trunk_calls": trunk_calls}
        if callback is not None:
            told = callback._asdict().items()
            fields["callback"] = {name: value for name, value in told if value is not None}
            before = self.said.get("callback")
            gone = self.erased and self.number is None
            if gone and isinstance(before, dict) and before.get("state") != WAITING:
                fields["callback"] = before
        return fields


def found_of(hit: dict[str, Any]) -> Found:
    """Read a hit of a search that was sorted by `@timestamp`."""
    source = hit["_source"]
    call = source.get("call", {})
    direction = call.get("direction")
    start: int = hit["sort"][0]
    outside = source.get(_OUTSIDE.get(direction, ""), {})
    outbound = direction == "outbound"
    # In an internal call a mobile phone outside at most rang along: it held no line for as long as that call.
    trunk, onward = (
        call.get(name) if direction != "internal" else None for name in ("trunk", "billable_trunk")
    )
    return Found(
        call_id=call.get("id") or hit["_id"],
        start=start,
        end=_end(source, start),
        trunk=trunk,
        onward=onward if onward != trunk else None,
        number=number_of(outside.get("e164"), outside.get("number")),
        outbound=outbound,
        missed=call.get("missed") is True,
        answered=call.get("answered") is True and direction in _OUTSIDE,
        by=source.get("source", {}).get("extension") if outbound else _first(call.get("answered_by")),
        place=place_of(hit),
        said={name: call[name] for name in OWNED if name in call},
        erased=ERASED in _all(source.get("tags")),
    )


def _end(source: dict[str, Any], start: int) -> int:
    at = moment(source.get("event", {}).get("end"))
    if at is not None:
        return max(start, round(at.timestamp() * 1000))
    seconds = source.get("call", {}).get("duration_seconds")
    return start + (seconds * 1000 if isinstance(seconds, int) and seconds > 0 else 0)


def _first(value: Any) -> str | None:
    texts = _all(value)
    return str(texts[0]) if texts else None


def _all(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
