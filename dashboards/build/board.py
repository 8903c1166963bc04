"""The board of calls that go on now: large lines of text, as many as fit."""

from typing import Final

from dashboards.build.meanings import live_states
from dashboards.build.objects import PATTERNS, Json, SavedObject
from dashboards.build.requests import within
from dashboards.build.vega import FAINT, FONT, FOURTH, GOOD, TEXT, THIRD, VEGA, WARN, panel, quoted
from dashboards.build.words import Say

NOW: Final = {"range": {"live.as_of": {"gte": "now-90s"}}}
"""A call goes on while head office heard of it within this; its agent tells of it every 30 s."""
OVER: Final = {"term": {"live.state": "ended"}}
STATES: Final = {"queued": WARN, "ringing": GOOD, "on_hold": FOURTH, "talking": THIRD}
"""What a call that goes on may do, in the order of the board, and its colour."""


def live_query() -> Json:
    """Calls of now, within the dashboard's filters; the period does not matter."""
    return within(NOW, excluded=(OVER,))


def words(say: Say) -> dict[str, str]:
    """The states of the board in words."""
    return {state: live_states(say)[state] for state in STATES}


def board(say: Say, key: str, title: str) -> SavedObject:
    """The board: what waits longest first.

    Args:
        say: the language.
        key: id of the panel without `pabx-`.
        title: above it.
    """
    body: Json = {"size": 500, "sort": [{"live.since": "asc"}], "query": live_query()}
    names = "{" + ", ".join(f"{state}: {quoted(word)}" for state, word in words(say).items()) + "}"
    colours = "{" + ", ".join(f"{state}: '{colour}'" for state, colour in STATES.items()) + "}"
    order = "{" + ", ".join(f"{state}: {place}" for place, state in enumerate(STATES)) + "}"
    source = "datum._source"
    # Two spans, each by one clock: the store's until it told it, ours since it was heard (docs/live.md).
    seconds = (
        f"floor(max(0, toDate({source}.event.created) - toDate({source}.live.since)) / 1000"
        f" + max(0, now() - toDate({source}.live.as_of)) / 1000)"
    )
    machine = quoted(say(" (máquina)", " (machine)"))
    queue = quoted(say("fila ", "queue "))
    more = quoted(say("e mais ", "and more: "))
    none = quoted(say("Nenhuma chamada agora", "No call now"))
    formulas = {
        "state": f"{source}.live.state",
        "order": f"{order}[datum.state]",
        "colour": f"{colours}[datum.state] || '{FAINT}'",
        "word": f"({names}[datum.state] || datum.state) + ({source}.live.machine ? {machine} : '')",
        "seconds": seconds,
        "span": "floor(datum.seconds / 60) + ':' + pad('' + datum.seconds % 60, 2, '0', 'left')",
        "store": f"{source}.store.name || {source}.store.id",
        "who": f"({_party(source, 'source')}) + ' → ' + ({_party(source, 'destination')})",
        "where": (
            f"({source}.call && {source}.call.queue ? {queue} + {source}.call.queue + '  ' : '')"
            f" + ({source}.call && {source}.call.trunk || '')"
        ),
    }
    spec: Json = {
        "$schema": VEGA,
        "signals": [
            {"name": "all", "update": "length(data('calls'))"},
            # A telephone has room for half of a call in a line: there each call has two.
            {"name": "lines", "update": "width < 560 ? 2 : 1"},
            {
                "name": "step",
                "update": "clamp(height / max(1, min(all + 1, 14)), 24, 44) * (lines > 1 ? 1.25 : 1)",
            },
            {"name": "room", "update": "max(1, floor(height / step) - 1)"},
            {"name": "size", "update": "lines > 1 ? 12 : clamp(min(step * 0.5, width / 52), 11, 22)"},
        ],
        "data": [
            {
                "name": "calls",
                "url": {"index": PATTERNS["live"], "body": body},
                "format": {"property": "hits.hits"},
                "transform": [
                    *({"type": "formula", "as": name, "expr": text} for name, text in formulas.items()),
                    {
                        "type": "collect",
                        "sort": {"field": ["order", "seconds"], "order": ["ascending", "descending"]},
                    },
                    {"type": "window", "ops": ["row_number"], "as": ["place"]},
                ],
            },
            {
                "name": "shown",
                "source": "calls",
                "transform": [{"type": "filter", "expr": "datum.place <= room || (all <= room + 1)"}],
            },
        ],
        "marks": [
            {
                "type": "symbol",
                "from": {"data": "shown"},
                "encode": {
                    "update": {
                        "x": {"value": 10},
                        "y": {"signal": _height(first=True)},
                        "size": {"signal": "size * size * 0.7"},
                        "fill": {"field": "colour"},
                    }
                },
            },
            _cell("word", (0.03, 0.19), (0.06, 0.37), f"'{TEXT}'", bold=True),
            _cell("span", (0.22, 0.07), (0.43, 0.12), f"'{TEXT}'", bold=True),
            _cell("store", (0.29, 0.22), (0.55, 0.45), f"'{TEXT}'"),
            _cell("who", (0.51, 0.33), (0.06, 0.61), f"'{TEXT}'", first=False),
            _cell("where", (0.84, 0.16), (0.67, 0.33), f"'{FAINT}'", first=False),
            {
                "type": "text",
                "encode": {
                    "update": {
                        "x": {"signal": "all ? width * 0.03 : width / 2"},
                        "y": {"signal": "all ? (room + 0.5) * step : height / 2"},
                        "align": {"signal": "all ? 'left' : 'center'"},
                        "baseline": {"value": "middle"},
                        "font": {"value": FONT},
                        "fontSize": {"signal": "all ? size : 18"},
                        "fill": {"value": FAINT},
                        "text": {
                            "signal": f"all == 0 ? {none} : all > room + 1 ? {more} + (all - room) : ''"
                        },
                    }
                },
            },
        ],
    }
    return panel(say, key, title, spec)


def _party(source: str, side: str) -> str:
    party = f"{source}.{side}"
    number = f"({party}.extension || {party}.number || {party}.e164 || '?')"
    return f"{party} ? {number} + ({party}.name ? ' ' + {party}.name : '') : '?'"


def _height(*, first: bool) -> str:
    """Where a call's only line is, or its first or second of two."""
    return f"(datum.place - (lines > 1 ? {0.7 if first else 0.32} : 0.5)) * step"


def _cell(
    field: str,
    one: tuple[float, float],
    two: tuple[float, float],
    colour: str,
    *,
    first: bool = True,
    bold: bool = False,
) -> Json:
    """A column: its left edge and width as parts of the panel's, where a call has one line, and where two."""
    left, width = (f"width * (lines > 1 ? {two[side]} : {one[side]})" for side in (0, 1))
    return {
        "type": "text",
        "from": {"data": "shown"},
        "encode": {
            "update": {
                "x": {"signal": left},
                "y": {"signal": _height(first=first)},
                "limit": {"signal": f"{width} - 4"},
                "text": {"field": field},
                "tooltip": {"field": field},
                "baseline": {"value": "middle"},
                "font": {"value": FONT},
                "fontSize": {"signal": "size"},
                "fontWeight": {"value": "bold" if bold else "normal"},
                "fill": {"signal": colour},
            }
        },
    }
