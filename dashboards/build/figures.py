"""Figures side by side: what it is, how much, and how that compares with the time before."""

from dataclasses import dataclass
from typing import Final

from dashboards.build.objects import Json, SavedObject
from dashboards.build.vega import BAD, FAINT, FONT, GOOD, TEXT, VEGA, Form, panel, quoted
from dashboards.build.words import Say

ALSO: Final = "data('also')[0]"
"""The bucket of a second request."""


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        label: what it is.
        value: Vega expression in which `@` stands for the answer's bucket of the period.
        form: how it is written.
        note: expression of a text below it, `@` likewise; replaces the comparison where it is not empty.
        better: `more` or `less`, where a change is good or bad; else it is only told.
    """

    label: str
    value: str
    form: Form = Form.COUNT
    note: str = ""
    better: str = ""


def figures(
    say: Say,
    key: str,
    title: str,
    request: Json,
    shown: list[Figure],
    *,
    days: int = 0,
    answer: str = "aggregations.periods.buckets",
    also: tuple[Json, str] | None = None,
    description: str = "",
) -> SavedObject:
    """Figures side by side, wrapped where the panel is narrow.

    Args:
        say: the language.
        key: id of the panel without `pabx-`.
        title: for lists and screen readers.
        request: of `requests.compared`, or of one that has no time before.
        shown: the figures in their order.
        days: how many days before lies what is compared; 0: nothing is.
        answer: where in the answer the buckets `now` and `before` are; without `days` the bucket itself.
        also: a second request, and where in its answer the bucket is that expressions name `ALSO`.
        description: one sentence on what is counted.
    """
    tiles = ", ".join(_tile(say, number, one, days) for number, one in enumerate(shown))
    spec: Json = {
        "$schema": VEGA,
        "signals": [
            # Each figure needs about 140 px, on a telephone half the width.
            {"name": "columns", "update": f"clamp(floor(width / 140), 2, {len(shown)})"},
            {"name": "lines", "update": f"ceil({len(shown)} / columns)"},
            {"name": "tile", "update": "width / columns"},
            {"name": "tall", "update": "height / lines"},
            {"name": "big", "update": "clamp(min(tall * 0.36, tile * 0.17), 14, 40)"},
        ],
        "data": [
            *([{"name": "also", "url": also[0], "format": {"property": also[1]}}] if also else []),
            {"name": "answer", "url": request, "format": {"property": answer}},
            {
                "name": "tiles",
                "source": "answer",
                "transform": [
                    {"type": "formula", "as": "tile", "expr": f"[{tiles}]"},
                    {"type": "flatten", "fields": ["tile"]},
                    {"type": "formula", "as": "left", "expr": "(datum.tile.i % columns) * tile + 6"},
                    {"type": "formula", "as": "top", "expr": "floor(datum.tile.i / columns) * tall"},
                ],
            },
        ],
        "marks": [
            _text("datum.tile.label", "datum.top + tall * 0.18", "12", f"'{FAINT}'"),
            _text("datum.tile.text", "datum.top + tall * 0.5", "big", f"'{TEXT}'", bold=True),
            _text("datum.tile.below", "datum.top + tall * 0.82", "11", "datum.tile.colour"),
        ],
    }
    return panel(say, key, title, spec, description)


def _text(text: str, top: str, size: str, colour: str, *, bold: bool = False) -> Json:
    weight = {"fontWeight": {"value": "bold"}} if bold else {}
    return {
        "type": "text",
        "from": {"data": "tiles"},
        "encode": {
            "update": {
                "x": {"field": "left"},
                "y": {"signal": top},
                "text": {"signal": text},
                "limit": {"signal": "tile - 10"},
                "font": {"value": FONT},
                "fontSize": {"signal": size},
                "fill": {"signal": colour},
                "baseline": {"value": "middle"},
                "tooltip": {"signal": text},
                **weight,
            }
        },
    }


def _tile(say: Say, number: int, one: Figure, days: int) -> str:
    now = one.value.replace("@", "datum.now" if days else "datum")
    below, colour = "''", quoted(FAINT)
    if one.note:
        below = one.note.replace("@", "datum.now" if days else "datum")
    elif days:
        below, colour = _change(say, one, now, one.value.replace("@", "datum.before"), days)
    return (
        f"{{i: {number}, label: {quoted(one.label)}, text: {one.form.text(now)}, "
        f"below: {below}, colour: {colour}}}"
    )


def _change(say: Say, one: Figure, now: str, before: str, days: int) -> tuple[str, str]:
    both = f"isValid({now}) && isValid({before}) && isFinite({now}) && isFinite({before})"
    against = quoted(say(f" ante {days} dias antes", f" on {days} days before"))
    # What would be written as 0 is 0: d3 writes a minus before it.
    if one.form is Form.SHARE:
        points = quoted(say(" p.p.", " pts"))
        change = f"{now} - {before}"
        text = f"format(abs({change}) < 0.0005 ? 0 : ({change}) * 100, '+.1f') + {points} + {against}"
        told = f"{both} ? {text} : ''"
    else:
        change = f"{now} / {before} - 1"
        text = f"format(abs({change}) < 0.005 ? 0 : {change}, '+.0%') + {against}"
        told = f"{both} && {before} > 0 ? {text} : ''"
    if not one.better:
        return told, quoted(FAINT)
    better, worse = (GOOD, BAD) if one.better == "more" else (BAD, GOOD)
    # A change that is written as 0 is none.
    difference = f"(abs({change}) < {0.0005 if one.form is Form.SHARE else 0.005} ? 0 : {change})"
    return told, (
        f"!({both}) || {difference} == 0 ? {quoted(FAINT)} : "
        f"{difference} > 0 ? {quoted(better)} : {quoted(worse)}"
    )
