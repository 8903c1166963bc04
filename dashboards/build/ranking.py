"""Bars that are ranked: who or what, how much; a click narrows the dashboard to it."""

from dashboards.build.objects import Json, SavedObject
from dashboards.build.requests import CALLS
from dashboards.build.vega import FAINT, FONT, GOOD, LINE, TEXT, VEGA, panel, quoted
from dashboards.build.words import Say


def ranking(
    say: Say,
    key: str,
    title: str,
    request: Json,
    buckets: str,
    *,
    value: str,
    text: str,
    label: str = "datum.key",
    filters: str = "",
    colour: str = GOOD,
    top: str = "",
    mark: str = "",
    index: str = CALLS,
    empty: str = "",
    description: str = "",
) -> SavedObject:
    """Ranked bars with their figures beside them.

    Args:
        say: the language.
        key: id of the panel without `pabx-`.
        title: above it.
        request: index and body.
        buckets: where in the answer the ranked buckets are.
        value: expression of a bar's length.
        text: expression of what stands beside it.
        label: expression of its name.
        filters: field that a click filters by the bucket's key; empty: a click does nothing.
        colour: of the bars.
        top: expression of the longest bar's value; empty: the largest there is.
        mark: expression of a value at which a line is drawn across a bar, such as what is usual.
        index: title of the index pattern whose field a click filters.
        empty: what is said where there is no bar.
        description: one sentence on what is counted.
    """
    nothing = quoted(empty or say("Nada neste período", "Nothing in this period"))
    rows: Json = {
        "name": "rows",
        "url": request,
        "format": {"property": buckets},
        "transform": [
            {"type": "formula", "as": "label", "expr": f"'' + {label}"},
            {"type": "formula", "as": "value", "expr": value},
            {"type": "formula", "as": "text", "expr": text},
            {"type": "formula", "as": "mark", "expr": mark or "null"},
            {"type": "formula", "as": "named", "expr": _width("datum.label")},
            {"type": "formula", "as": "told", "expr": _width("datum.text")},
            {"type": "window", "ops": ["row_number"], "as": ["place"]},
        ],
    }
    rest = "above ? width - 8 - datum.told * size / 12 : names"
    longest = top or "max(0.000001, extent(pluck(data('rows'), 'value'))[1] || 0, most || 0)"
    spec: Json = {
        "$schema": VEGA,
        "signals": [
            {"name": "most", "update": "extent(pluck(data('rows'), 'mark'))[1]"},
            {"name": "tall", "update": "height / max(1, length(data('rows')))"},
            {"name": "named", "update": _longest("named")},
            {"name": "told", "update": _longest("told")},
            # Names and figures above their bars where they leave no room beside them, as on a telephone.
            {"name": "above", "update": "named + told + 90 > width && tall >= 28"},
            {"name": "step", "update": "min(above ? 42 : 28, tall)"},
            {"name": "size", "update": "above && width < 420 ? 11 : 12"},
            {"name": "names", "update": "min(width * 0.4, named)"},
            {"name": "figures", "update": "min(width - names - 44, told)"},
            {"name": "longest", "update": longest},
            {"name": "left", "update": "above ? 1 : names + 8"},
            {"name": "bars", "update": "above ? width - 2 : max(10, width - names - figures - 14)"},
            *_click(filters, index),
        ],
        "data": [rows],
        "marks": [
            _bar("left + bars", LINE, clickable=bool(filters)),
            _bar(f"left + bars * {_part('value')}", colour, clickable=bool(filters)),
            *([_mark_line()] if mark else []),
            _words("above ? 1 : names", "datum.label", rest, "above ? 'left' : 'right'", TEXT),
            _words(
                "left + bars + (above ? 0 : 6)",
                "datum.text",
                "above ? width - 2 : figures",
                "above ? 'right' : 'left'",
                FAINT,
            ),
            {
                "type": "text",
                "encode": {
                    "update": {
                        "x": {"signal": "width / 2"},
                        "y": {"signal": "height / 2"},
                        "align": {"value": "center"},
                        "font": {"value": FONT},
                        "fill": {"value": FAINT},
                        "text": {"signal": f"length(data('rows')) ? '' : {nothing}"},
                    }
                },
            },
        ],
    }
    return panel(say, key, title, spec, description)


def _click(field: str, index: str) -> list[Json]:
    if not field:
        return []
    narrow = f"opensearchDashboardsAddFilter({{match_phrase: {{'{field}': datum.key}}}}, '{index}')"
    return [{"name": "picked", "on": [{"events": "rect:click", "update": narrow}]}]


def _longest(name: str) -> str:
    """How wide the widest of the texts is, px."""
    return f"8 + (extent(pluck(data('rows'), '{name}'))[1] || 0)"


def _width(text: str) -> str:
    """How wide a text is, px, by what letters usually are: some are narrow, others wide."""
    written = f"replace({text}, regexp(' +', 'g'), ' ')"
    narrow = f"length(replace({written}, regexp('[^ .,:;()fijlrt·]', 'g'), ''))"
    wide = f"length(replace({written}, regexp('[^A-Zmw%]', 'g'), ''))"
    return f"6.7 * length({written}) - 3 * {narrow} + 2.4 * {wide}"


def _part(name: str) -> str:
    return f"clamp((isValid(datum.{name}) ? datum.{name} : 0) / longest, 0, 1)"


def _bar(right: str, colour: str, *, clickable: bool) -> Json:
    pointer = {"cursor": {"value": "pointer"}} if clickable else {}
    return {
        "type": "rect",
        "from": {"data": "rows"},
        "encode": {
            "update": {
                "x": {"signal": "left"},
                "x2": {"signal": right},
                "y": {"signal": "(datum.place - 1) * step + step * (above ? 0.6 : 0.18)"},
                "height": {"signal": "step * (above ? 0.26 : 0.64)"},
                "cornerRadius": {"value": 2},
                "fill": {"value": colour},
                "tooltip": {"signal": "datum.label + ': ' + datum.text"},
                **pointer,
            }
        },
    }


def _mark_line() -> Json:
    return {
        "type": "rect",
        "from": {"data": "rows"},
        "encode": {
            "update": {
                "x": {"signal": f"left + bars * {_part('mark')} - 1"},
                "width": {"value": 2},
                "y": {"signal": "(datum.place - 1) * step + step * (above ? 0.58 : 0.08)"},
                "height": {"signal": "step * (above ? 0.3 : 0.84)"},
                "fill": {"value": TEXT},
                "opacity": {"signal": "isValid(datum.mark) ? 1 : 0"},
            }
        },
    }


def _words(left: str, text: str, room: str, align: str, colour: str) -> Json:
    return {
        "type": "text",
        "from": {"data": "rows"},
        "interactive": False,
        "encode": {
            "update": {
                "x": {"signal": left},
                "y": {"signal": "(datum.place - (above ? 0.68 : 0.5)) * step"},
                "text": {"signal": text},
                "limit": {"signal": room},
                "align": {"signal": align},
                "baseline": {"value": "middle"},
                "font": {"value": FONT},
                "fontSize": {"signal": "size"},
                "fill": {"value": colour},
            }
        },
    }
