"""What charts have in common: their parts, their axes, and the words for an empty answer."""

from dataclasses import dataclass
from typing import Final

from dashboards.build.objects import Json, SavedObject
from dashboards.build.vega import FAINT, panel, quoted
from dashboards.build.words import Say

NEITHER: Final = (
    "!length(data('answer')) || "
    + " + ".join(f"data('answer')[0].{period}.doc_count" for period in ("now", "before"))
    + " == 0"
)
"""Tells that two periods have nothing to draw."""
NO_FIGURE: Final = "!length(data('answer'))"
"""Tells that a list of buckets has nothing to draw."""
EDGE: Final[Json] = {"stroke": "white", "strokeWidth": 0.5}
"""Parts one on another are told apart without any colour, too."""


@dataclass(frozen=True)
class Series:
    """One of the parts that a chart stacks or draws side by side.

    Attributes:
        label: in the legend.
        value: expression of its figure, `datum` being the bucket.
        colour: of it.
    """

    label: str
    value: str
    colour: str


def drawn(say: Say, key: str, title: str, description: str, spec: Json, empty: str) -> SavedObject:
    """Lay the words for an empty answer over a chart, which would else be bare axes."""
    data = spec.pop("data") | {"name": "answer"}
    nothing = quoted(say("Nada neste período", "Nothing in this period"))
    words = {
        "data": {"values": [{}]},
        "mark": {
            "type": "text",
            "x": {"expr": "width / 2"},
            "y": {"expr": "height / 2"},
            "color": FAINT,
            "text": {"expr": f"({empty}) ? {nothing} : ''"},
        },
    }
    layered = {"$schema": spec.pop("$schema"), "data": data, "layer": [spec, words]}
    return panel(say, key, title, layered, description)


def hour_axis(say: Say) -> Json:
    """The hours of the day."""
    return {
        "field": "at",
        "type": "ordinal",
        "scale": {"domain": list(range(24))},
        "axis": {
            "title": say("hora no relógio da loja", "hour on the store's clock"),
            "labelAngle": 0,
            "ticks": False,
            "labelOverlap": "greedy",
            "labelSeparation": 4,
            "labelColor": FAINT,
        },
    }


def day_axis(say: Say) -> Json:
    """An axis of days, each labelled once."""
    return {
        "title": None,
        "format": say.day_format,
        "labelOverlap": "greedy",
        "labelSeparation": 6,
        "grid": False,
        "tickCount": {"interval": "day", "step": 1},
    }


def figure_axis(unit: str, form: str) -> Json:
    """An axis of figures, from 0."""
    return {
        "field": "figure",
        "type": "quantitative",
        "title": unit,
        "axis": {"format": form, "tickCount": 5},
        "scale": {"zero": True},
    }


def colours_of(parts: list[Series]) -> Json:
    """The colour of each part; one alone needs no legend."""
    scale = {"domain": [one.label for one in parts], "range": [one.colour for one in parts]}
    colours: Json = {"field": "part", "type": "nominal", "scale": scale}
    if len(parts) == 1:
        colours["legend"] = None
    return colours


def utc(day: str) -> str:
    """The expression of a day, year-month-day, as a moment."""
    return f"utc(slice({day}, 0, 4), slice({day}, 5, 7) - 1, slice({day}, 8))"
