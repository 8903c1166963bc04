"""Charts over the hours of the day and of the week, on the stores' own clocks."""

from dashboards.build.chart import NEITHER, NO_FIGURE, drawn, figure_axis, hour_axis
from dashboards.build.objects import Json, SavedObject
from dashboards.build.vega import BAD, FOURTH, GOOD, THIRD, VEGA_LITE, WARN
from dashboards.build.words import Say


def by_hours(
    say: Say,
    key: str,
    title: str,
    request: Json,
    groups: str,
    *,
    unit: str,
    value: str,
    kind: str,
    names: dict[str, str] | None = None,
    form: str = ",.0f",
    colours: tuple[str, ...] = (GOOD, BAD, THIRD, FOURTH, WARN),
    description: str = "",
) -> SavedObject:
    """A line for each group over the hours of the day.

    Args:
        say: the language.
        key: id of the panel without `pabx-`.
        title: above it.
        request: index and body; each group has `hours` by `local.hour`.
        groups: where in the answer the groups' buckets are.
        unit: what the axis counts.
        value: expression of an hour's figure, `datum.hour` being its bucket.
        kind: what a group is, for the tooltip.
        names: of groups that are keyed; None: they are a list, and named by their keys.
        form: how d3-format writes a figure.
        colours: of the groups, in their order.
        description: one sentence on what is counted.
    """
    if names is None:
        unfolded: list[Json] = [{"calculate": "datum.key", "as": "group"}]
    else:
        unfolded = [
            {"fold": list(names), "as": ["of", "bucket"]},
            {"calculate": f"{names}[datum.of]", "as": "group"},
            {"calculate": "datum.bucket.hours", "as": "hours"},
        ]
    spec: Json = {
        "$schema": VEGA_LITE,
        "data": {"url": request, "format": {"property": groups}},
        "transform": [
            *unfolded,
            {"calculate": "datum.hours.buckets", "as": "hour"},
            {"flatten": ["hour"]},
            {"calculate": "datum.hour.key", "as": "at"},
            {"calculate": value, "as": "figure"},
        ],
        "mark": {"type": "line", "point": {"size": 24}, "strokeWidth": 2},
        "encoding": {
            "x": hour_axis(say),
            "y": figure_axis(unit, form),
            "color": {
                "field": "group",
                "type": "nominal",
                "sort": None,
                "scale": {"range": list(colours)},
            },
            "tooltip": [
                {"field": "group", "title": kind},
                {"field": "at", "title": say("Hora", "Hour")},
                {"field": "figure", "title": unit, "format": form},
            ],
        },
    }
    empty = NO_FIGURE if names is None else NEITHER
    return drawn(say, key, title, description, spec, empty)


def week(
    say: Say,
    key: str,
    title: str,
    request: Json,
    *,
    value: str = "datum.hour.doc_count",
    unit: str,
    scheme: str = "blues",
    form: str = ",.0f",
    description: str = "",
) -> SavedObject:
    """Weekday by hour, on the stores' own clocks: the darker the more, and the figure itself in the cell.

    Args:
        say: the language.
        key: id of the panel without `pabx-`.
        title: above it.
        request: index and body: `weekdays` by `local.weekday`, each with `hours` by `local.hour`.
        value: expression of a cell's figure, `datum.hour` being its bucket.
        unit: what is counted.
        scheme: Vega's name of a scale of one hue.
        form: how d3-format writes a figure.
        description: one sentence on what is counted.
    """
    days = str(list(say.weekdays))
    # Black and white have the same contrast to a colour of this luminance (WCAG 2): 4.6, to any other more.
    dark = {"condition": {"test": "luminance(scale('color', datum.part)) < 0.179", "value": "white"}}
    room = f"width / 24 > 5.6 * length(format(datum.most, '{form}')) + 4"
    spec: Json = {
        "$schema": VEGA_LITE,
        "data": {"url": request, "format": {"property": "aggregations.weekdays.buckets"}},
        "transform": [
            {"calculate": "datum.key", "as": "weekday"},
            {"calculate": "datum.hours.buckets", "as": "hour"},
            {"flatten": ["hour"]},
            {"calculate": "datum.hour.key", "as": "at"},
            {"calculate": value, "as": "figure"},
            {"filter": "isValid(datum.figure) && isFinite(datum.figure)"},
            {"joinaggregate": [{"op": "max", "field": "figure", "as": "most"}]},
            {"calculate": "datum.most > 0 ? datum.figure / datum.most : 0", "as": "part"},
            {"calculate": f"{days}[datum.weekday - 1]", "as": "day"},
        ],
        "encoding": {
            "x": hour_axis(say),
            "y": {
                "field": "weekday",
                "type": "ordinal",
                "scale": {"domain": [1, 2, 3, 4, 5, 6, 7]},
                "axis": {
                    "title": None,
                    "labelExpr": f"{days}[datum.value - 1]",
                    "ticks": False,
                    "domain": False,
                },
            },
            "tooltip": [
                {"field": "day", "title": say("Dia", "Day")},
                {"field": "at", "title": say("Hora", "Hour")},
                {"field": "figure", "title": unit, "format": form},
            ],
        },
        "layer": [
            {
                "mark": {"type": "rect", "stroke": "white", "strokeWidth": 1},
                "encoding": {
                    "color": {
                        "field": "part",
                        "type": "quantitative",
                        "legend": None,
                        "scale": {"scheme": scheme, "domain": [0, 1]},
                    }
                },
            },
            {
                "mark": {"type": "text", "fontSize": 10},
                "encoding": {
                    "text": {"field": "figure", "type": "quantitative", "format": form},
                    "color": {**dark, "value": "black"},
                    "opacity": {"condition": {"test": room, "value": 1}, "value": 0},
                },
            },
        ],
    }
    return drawn(say, key, title, description, spec, NO_FIGURE)
