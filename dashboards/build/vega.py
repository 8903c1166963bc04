"""What every Vega panel has in common: the schema, the look, and how a number is written."""

from enum import Enum
from typing import Final

from dashboards.build.objects import Json, SavedObject, as_text, visualization
from dashboards.build.words import Say

VEGA: Final = "https://vega.github.io/schema/vega/v5.json"
VEGA_LITE: Final = "https://vega.github.io/schema/vega-lite/v5.json"
FONT: Final = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# Told apart with any colour blindness: any two by 12 at least (CIEDE2000). Texts stand in GOOD and BAD only.
GOOD: Final = "#0072B2"
BAD: Final = "#C2410C"
THIRD: Final = "#009E73"
FOURTH: Final = "#5B2A6E"
WARN: Final = "#C99700"
QUIET: Final = "#9AA5B1"
TEXT: Final = "#1F2933"
FAINT: Final = "#52606D"
LINE: Final = "#E4E7EB"


class Form(Enum):
    """How a figure is written."""

    COUNT = "count"
    SHARE = "share"
    MONEY = "money"
    MINUTES = "minutes"
    SPAN = "span"
    DECIMAL = "decimal"

    def text(self, value: str) -> str:
        """The Vega expression that writes a value; `—` where it is not known.

        Args:
            value: an expression; of MINUTES and SPAN in seconds, of SHARE a quotient.
        """
        known = f"isValid({value}) && isFinite({value})"
        return f"{known} ? {_FORMS[self].replace('@', value)} : '—'"


# A span is written as h:mm:ss: with days, no operator would know what 1.02:03:04 is.
_CLOCK = (
    "(floor(@ / 3600) + ':' + pad('' + floor((@ % 3600) / 60), 2, '0', 'left')"
    " + ':' + pad('' + floor(@ % 60), 2, '0', 'left'))"
)
_FORMS: Final = {
    Form.COUNT: "format(@, ',.0f')",
    Form.SHARE: "format(@, '.1%')",
    Form.MONEY: "format(@, '$,.2f')",
    Form.MINUTES: "format(@ / 60, ',.0f')",
    Form.SPAN: _CLOCK,
    Form.DECIMAL: "format(@, ',.1f')",
}


def config(say: Say) -> Json:
    """The look, and the language's way to write numbers."""
    text = {"font": FONT, "fontSize": 12, "fill": TEXT}
    axis = {
        "labelFont": FONT,
        "titleFont": FONT,
        "labelColor": FAINT,
        "titleColor": FAINT,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
    }
    legend = {
        "labelFont": FONT,
        "labelColor": TEXT,
        "labelFontSize": 11,
        "orient": "top",
        "title": None,
        "symbolType": "square",
        # By the whole panel: a legend that got another line once the axis has taken its width is cut off.
        "columns": {"signal": "max(1, floor((containerSize()[0] || width) / 180))"},
    }
    return {
        # An empty period would put a warning about an infinite scale over the chart.
        "kibana": {"hideWarnings": True},
        "locale": {"number": say.number_locale},
        "text": text,
        "axis": axis,
        "legend": legend,
        "view": {"stroke": None},
        "background": "transparent",
    }


def panel(say: Say, key: str, title: str, spec: Json, description: str = "") -> SavedObject:
    """A panel that Vega draws.

    Args:
        say: the language.
        key: its id without `pabx-`.
        title: above it.
        spec: with `$schema`; look and size are added here.
        description: one sentence on what it counts.
    """
    full = {
        "$schema": spec["$schema"],
        "description": description or title,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 4,
        "config": config(say),
        **spec,
    }
    return visualization(key, title, "vega", {"spec": as_text(full)}, description=description)


def quoted(text: str) -> str:
    """A text inside a Vega expression."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
