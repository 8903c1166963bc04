"""Columns in the order of the answer."""

from dashboards.build.chart import EDGE, NO_FIGURE, Series, colours_of, drawn, figure_axis
from dashboards.build.objects import Json, SavedObject
from dashboards.build.vega import VEGA_LITE
from dashboards.build.words import Say


def columns(
    say: Say,
    key: str,
    title: str,
    request: Json,
    buckets: str,
    parts: list[Series],
    *,
    unit: str,
    label: str = "datum.key",
    kind: str,
    form: str = ",.0f",
    empty: str = NO_FIGURE,
    description: str = "",
) -> SavedObject:
    """Columns in the order of the answer, stacked.

    Args:
        say: the language.
        key: id of the panel without `pabx-`.
        title: above it.
        request: index and body.
        buckets: where in the answer the columns' buckets are.
        parts: what is stacked, from the bottom.
        unit: what the axis counts.
        label: expression of a column's name.
        kind: what a column is, for the axis.
        form: how d3-format writes a figure.
        empty: expression that tells that there is nothing to draw.
        description: one sentence on what is counted.
    """
    names = [one.label for one in parts]
    spec: Json = {
        "$schema": VEGA_LITE,
        "data": {"url": request, "format": {"property": buckets}},
        "transform": [
            {"calculate": label, "as": "column"},
            *({"calculate": one.value, "as": one.label} for one in parts),
            {"fold": names, "as": ["part", "figure"]},
            {"calculate": "indexof(" + str(names) + ", datum.part)", "as": "order"},
        ],
        "mark": {"type": "bar", **EDGE},
        "encoding": {
            "x": {
                "field": "column",
                "type": "ordinal",
                "sort": None,
                "axis": {"title": kind, "labelAngle": 0, "labelOverlap": True, "grid": False},
            },
            "y": figure_axis(unit, form),
            "color": colours_of(parts),
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [
                {"field": "column", "title": kind},
                {"field": "part", "title": say("O quê", "What")},
                {"field": "figure", "title": unit, "format": form},
            ],
        },
    }
    return drawn(say, key, title, description, spec, empty)
