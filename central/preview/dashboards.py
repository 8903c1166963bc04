"""A dashboard as the page lays it out: where its panels stand, and what it begins with. Pure."""

from typing import Any, Final

from central.preview.context import of_saved
from central.preview.objects import Json, ObjectError, Objects, SavedObject, query_text

KINDS: Final = {"vega": "vega", "table": "table", "markdown": "markdown", "input_control_vis": "controls"}
"""The types of visualizations that we ship, and what the page calls them."""


def listed(objects: Objects) -> list[Json]:
    """Give all dashboards in the file's order: `id`, `title`, `description`."""
    return [
        {"id": one.id, "title": one.title, "description": one.description}
        for one in objects.of_type("dashboard")
    ]


def dashboard(objects: Objects, key: str) -> Json:
    """Give one dashboard.

    Args:
        objects: all of them.
        key: its id.

    Returns:
        `id`, `title`, `description`, `period` (`from`, `to`, as text), `refresh` (`seconds`, `paused`),
        `query`, `filters`, `panels` (`id`, `kind`, `title`, `titled`, `description`, `grid`), and the saved
        `queries`.

    Raises:
        ObjectError: it is not there, or not of the subset that we ship.
    """
    one = objects.get("dashboard", key)
    options = one.parsed("optionsJSON") or {}
    refresh = one.attributes.get("refreshInterval") or {}
    source = one.source()
    panels = one.parsed("panelsJSON")
    if not isinstance(panels, list):
        raise ObjectError(f"{one.name}: panelsJSON is no list: correct it")
    milliseconds = int(refresh.get("value") or 0)
    return {
        "id": one.id,
        "title": one.title,
        "description": one.description,
        "period": {
            "from": one.attributes.get("timeFrom") or "now-15m",
            "to": one.attributes.get("timeTo") or "now",
        },
        "refresh": {
            "seconds": milliseconds / 1000,
            "paused": bool(refresh.get("pause", True)) or milliseconds <= 0,
        },
        "query": query_text(source, one.name),
        "filters": _filters(source),
        "panels": [_panel(objects, one, each, bool(options.get("hidePanelTitles"))) for each in panels],
        "queries": [_query(each) for each in objects.of_type("query")],
    }


def kind_of(panel: SavedObject) -> str:
    """What the page calls a panel: `search`, or one of `KINDS`.

    Raises:
        ObjectError: it is of a type that we do not ship.
    """
    if panel.type == "search":
        return "search"
    found = (panel.parsed("visState") or {}).get("type")
    if found not in KINDS:
        raise ObjectError(f"{panel.name}: type {found!r} is not one of {', '.join(KINDS)}")
    return KINDS[found]


def _panel(objects: Objects, by: SavedObject, placed: Json, hidden: bool) -> Json:
    one = objects.referred(by, str(placed.get("panelRefName")))
    own = placed.get("embeddableConfig") or {}
    grid = placed.get("gridData") or {}
    return {
        "id": one.id,
        "kind": kind_of(one),
        "title": str(own.get("title", one.title)),
        "titled": not (hidden or own.get("hidePanelTitles")),
        "description": one.description,
        "grid": {side: int(grid[side]) for side in ("x", "y", "w", "h")},
    }


def _query(one: SavedObject) -> Json:
    return {
        "id": one.id,
        "title": one.title,
        "description": one.description,
        "query": query_text(dict(one.attributes), one.name),
        "filters": _filters(dict(one.attributes)),
    }


def _filters(source: Json) -> list[Json]:
    filters: list[Any] = source.get("filters") or source.get("filter") or []
    names = [str((each.get("meta") or {}).get("alias") or "") for each in filters]
    return [
        {"query": dict(made.query), "negate": made.negate, "label": name}
        for each, name in zip(filters, names, strict=True)
        for made in of_saved([each])
    ]
