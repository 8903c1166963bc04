"""What a panel shows: its object, asked within the page's context."""

from collections.abc import Mapping
from typing import Any

from central.preview import aggregations, charts, controls, markdown, searches
from central.preview.charts import Ask
from central.preview.context import Context, narrowed, of_saved
from central.preview.dashboards import kind_of
from central.preview.objects import Json, Objects, Pattern, SavedObject, query_text


def answer(ask: Ask, objects: Objects, panel_id: str, context: Context) -> Json:
    """Give what the page needs to show a panel. Values are raw: the page writes them by their format.

    Args:
        ask: searches: index pattern and body to the cluster's answer.
        objects: all of them.
        panel_id: of a visualization or saved search.
        context: the page's.

    Returns:
        `kind`, and by kind: of `vega` `library`, `spec` and `empty`; of `table` `columns`, `rows`, `perPage`
        and `total`; of `search` `columns`, `formats`, `types`, `rows`, `found`; of `markdown` `html`, safe;
        of `controls` `controls`.

    Raises:
        ObjectError: the panel is not there or not of the subset that we ship.
        CentralError: the cluster does not answer, or refuses.
    """
    panel = objects.panel(panel_id)
    kind = kind_of(panel)
    if kind == "search":
        return {"kind": kind, **_search(ask, objects, panel, context)}
    state = panel.parsed("visState")
    params: Mapping[str, Any] = state.get("params") or {}
    if kind == "vega":
        spec = charts.parsed(params.get("spec"), panel.name)
        return {"kind": kind, **charts.filled(ask, spec, context, panel.name)}
    if kind == "table":
        return {"kind": kind, **_table(ask, objects, panel, state, context)}
    if kind == "controls":
        return {"kind": kind, "controls": controls.choices(ask, objects, panel, params, context)}
    return {"kind": kind, "html": markdown.html(str(params.get("markdown") or ""))}


def _table(ask: Ask, objects: Objects, panel: SavedObject, state: Json, context: Context) -> Json:
    pattern = objects.source_pattern(panel)
    of = aggregations.table(state, pattern, panel.name)
    found = ask(
        pattern.title,
        {"size": 0, "track_total_hits": True, "query": _query(panel, pattern, context), "aggs": of.aggs},
    )
    return {
        "columns": [vars(one) for one in of.columns],
        "rows": aggregations.rows(of, found),
        "perPage": of.per_page,
        "total": of.total,
    }


def _search(ask: Ask, objects: Objects, panel: SavedObject, context: Context) -> Json:
    pattern = objects.source_pattern(panel)
    found = ask(pattern.title, searches.body(panel, pattern, _query(panel, pattern, context)))
    return {
        "columns": searches.columns(panel, pattern),
        "formats": dict(pattern.formats),
        "types": dict(pattern.types),
        "rows": searches.rows(found),
        "found": found["hits"]["total"]["value"],
    }


def _query(panel: SavedObject, pattern: Pattern, context: Context) -> Json:
    source = panel.source()
    return narrowed(
        query_text(source, panel.name), of_saved(source.get("filter") or []), context, pattern.time_field
    )
