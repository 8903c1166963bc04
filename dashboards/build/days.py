"""Charts over days, on the stores' own calendars."""

from dashboards.build.chart import (
    EDGE,
    NEITHER,
    NO_FIGURE,
    Series,
    colours_of,
    day_axis,
    drawn,
    figure_axis,
    utc,
)
from dashboards.build.objects import Json, SavedObject
from dashboards.build.vega import GOOD, QUIET, VEGA_LITE
from dashboards.build.words import Say


def by_days(
    say: Say,
    key: str,
    title: str,
    request: Json,
    days: str,
    parts: list[Series],
    *,
    unit: str,
    form: str = ",.0f",
    day: str = "datum.key",
    description: str = "",
) -> SavedObject:
    """Bars by day, stacked; a day without calls is a gap.

    Args:
        say: the language.
        key: id of the panel without `pabx-`.
        title: above it.
        request: index and body.
        days: where in the answer the buckets of the days are, their key being `local.date`.
        parts: what is stacked, from the bottom.
        unit: what the axis counts.
        form: how d3-format writes a figure.
        day: expression of a bucket's day, as year-month-day.
        description: one sentence on what is counted.
    """
    names = [one.label for one in parts]
    order = "indexof(" + str(names) + ", datum.part)"
    spec: Json = {
        "$schema": VEGA_LITE,
        "data": {"url": request, "format": {"property": days}},
        "transform": [
            {"calculate": day, "as": "date"},
            {"calculate": utc("datum.date"), "as": "day"},
            *({"calculate": one.value, "as": one.label} for one in parts),
            {"fold": names, "as": ["part", "figure"]},
            {"calculate": order, "as": "order"},
        ],
        "mark": {"type": "bar", "tooltip": True, "width": {"band": 0.8}, **EDGE},
        "encoding": {
            "x": {
                "field": "day",
                "type": "temporal",
                "timeUnit": "utcyearmonthdate",
                "scale": {"type": "utc"},
                "bandPosition": 0,
                "axis": day_axis(say),
            },
            "y": figure_axis(unit, form),
            "color": colours_of(parts),
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [
                {"field": "date", "title": say("Dia", "Day")},
                {"field": "part", "title": say("O quê", "What")},
                {"field": "figure", "title": unit, "format": form},
            ],
        },
    }
    return drawn(say, key, title, description, spec, NO_FIGURE)


def two_periods(
    say: Say,
    key: str,
    title: str,
    request: Json,
    days: int,
    *,
    unit: str,
    value: str = "doc_count",
    description: str = "",
) -> SavedObject:
    """Lines by day: this period, and dashed the one some days before, laid over it.

    Args:
        say: the language.
        key: id of the panel without `pabx-`.
        title: above it.
        request: of `requests.compared`, with `days` by `local.date` in both periods.
        days: how many days before.
        unit: what the axis counts.
        value: where in a day's bucket the figure is.
        description: one sentence on what is counted.
    """
    now, before = say("neste período", "this period"), say(f"{days} dias antes", f"{days} days before")
    spec: Json = {
        "$schema": VEGA_LITE,
        "data": {"url": request, "format": {"property": "aggregations.periods.buckets"}},
        "transform": [
            {"fold": ["now", "before"], "as": ["period", "bucket"]},
            {"calculate": "datum.bucket.days.buckets", "as": "day"},
            {"flatten": ["day"]},
            {"calculate": f"datum.period == 'now' ? '{now}' : '{before}'", "as": "line"},
            {
                "calculate": f"{utc('datum.day.key')} + (datum.period == 'now' ? 0 : {days} * 86400000)",
                "as": "on",
            },
            {"calculate": f"datum.day.{value}", "as": "figure"},
            {"calculate": "datum.day.key", "as": "key"},
        ],
        "mark": {"type": "line", "point": {"size": 28}, "strokeWidth": 2},
        "encoding": {
            "x": {
                "field": "on",
                "type": "temporal",
                "scale": {"type": "utc"},
                "axis": day_axis(say),
            },
            "y": figure_axis(unit, ",.0f"),
            "color": {
                "field": "line",
                "type": "nominal",
                "scale": {"domain": [now, before], "range": [GOOD, QUIET]},
            },
            "strokeDash": {
                "field": "line",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": [now, before], "range": [[1, 0], [5, 4]]},
            },
            "tooltip": [
                {"field": "key", "title": say("Dia", "Day")},
                {"field": "line", "title": say("Período", "Period")},
                {"field": "figure", "title": unit, "format": ",.0f"},
            ],
        },
    }
    return drawn(say, key, title, description, spec, NEITHER)
