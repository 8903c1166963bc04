"""What the page is made of: the shipped saved objects, our own files, and Vega."""

from functools import cache
from pathlib import Path
from typing import Final

from central.errors import UsageError
from central.preview.objects import Objects, read
from central.saved_objects.files import LANGUAGES, load

_STATIC: Final = Path(__file__).with_name("static")
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Vega-Embed alone gives all of it out: Vega and Vega-Lite have no names in the bundle.
_SNIPPET: Final = "window.vegaEmbed = vegaEmbed;"
# Of the pair that OpenSearch Dashboards 3.6 has; what it compiles to is what the bundle's Vega expects.
_VEGA_LITE: Final = "6.4"


def load_objects() -> dict[str, Objects]:
    """Read the shipped saved objects of each language.

    Raises:
        MissingAssetsError: the installation lacks them.
        CentralError: a file holds something else.
    """
    return {
        language: read("\n".join(one.line for one in load(language)), f"pabx.{language}.ndjson")
        for language in LANGUAGES
    }


def static() -> dict[str, tuple[str, bytes]]:
    """Read our own files: path below the server's root to content type and content."""
    found = {
        f"/{one.name}": (_TYPES[one.suffix], one.read_bytes())
        for one in sorted(_STATIC.iterdir())
        if one.suffix in _TYPES
    }
    return {**found, "/": found["/index.html"]}


@cache
def vega() -> bytes:
    """Give Vega, Vega-Lite and Vega-Embed as one script; takes about two seconds once.

    Raises:
        UsageError: the package that brings them is not installed.
    """
    try:
        import vl_convert  # noqa: PLC0415  # an optional dependency, which only this command needs
    except ImportError as error:
        raise UsageError(
            "Vega is not installed, which draws the charts: pip install vl-convert-python"
        ) from error
    return vl_convert.javascript_bundle(_SNIPPET, vl_version=_VEGA_LITE).encode()
