"""The controls above a dashboard: lists of a field's values to choose from. Pure."""

from collections.abc import Mapping
from typing import Any

from central.preview.charts import Ask
from central.preview.context import Context, narrowed
from central.preview.objects import Json, ObjectError, Objects, SavedObject

_OTHER = "is not of what we ship: list controls of terms without a parent"


def choices(
    ask: Ask, objects: Objects, panel: SavedObject, params: Mapping[str, Any], context: Context
) -> list[Json]:
    """Give each control with its choices.

    Args:
        ask: searches.
        objects: all of them.
        panel: an `input_control_vis`.
        params: of its `visState`.
        context: the page's; only its period narrows the choices, and only where the controls say so.

    Returns:
        Of each: `id`, `field`, `label`, `type` (of the field), `format`, `multiple`, `pinned`, and `choices`:
        `value` and `count`.

    Raises:
        ObjectError: a control is not of the subset that we ship.
        CentralError: the cluster does not answer.
    """
    made = []
    for control in params.get("controls") or []:
        options = control.get("options") or {}
        if control.get("type") != "list" or options.get("type", "terms") != "terms" or control.get("parent"):
            raise ObjectError(f"{panel.name}: control {control.get('label')!r} {_OTHER}")
        pattern = objects.pattern(panel, str(control.get("indexPatternRefName")))
        field = str(control.get("fieldName"))
        kind = pattern.field(field, panel.name)
        timed = pattern.time_field if params.get("useTimeFilter") else None
        answer = ask(
            pattern.title,
            {
                "size": 0,
                "track_total_hits": False,
                "query": narrowed("", (), Context(context.since, context.until), timed),
                "aggs": {"choices": {"terms": {"field": field, "size": 1000, "order": {"_key": "asc"}}}},
            },
        )
        buckets = answer.get("aggregations", {}).get("choices", {}).get("buckets", [])
        made.append(
            {
                "id": str(control.get("id")),
                "field": field,
                "label": str(control.get("label") or field),
                "type": kind,
                "format": pattern.formats.get(field),
                "multiple": options.get("multiselect") is not False,
                "pinned": params.get("pinFilters") is True,
                "choices": [{"value": one["key"], "count": one["doc_count"]} for one in buckets],
            }
        )
    return made
