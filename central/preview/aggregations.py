"""Tables: a `table` visualization's aggregations as a request body, and the answer as rows. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from central.preview.objects import Json, ObjectError, Pattern

MISSING: Final = "__missing__"
"""The bucket of documents without the field, as OpenSearch Dashboards names it in requests."""
_METRICS: Final = ("sum", "avg", "max", "min", "cardinality")
_TOTALS: Final = ("sum", "avg", "max", "min", "count")
_UNSUPPORTED: Final = ("percentageCol", "showMetricsAtAllLevels")
_COUNTED: Final = {"id": "number", "params": {"pattern": "0,0"}}


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        id: of the aggregation.
        label: above it.
        field: that is grouped by or reckoned with; None: documents are counted.
        bucket: it groups.
        type: of the field; of a metric `number`, or `date`.
        format: how its values are written: `{"id", "params"}`, or None.
        missing: what stands for documents without the field; None: they are left out.
    """

    id: str
    label: str
    field: str | None
    bucket: bool
    type: str
    format: Json | None
    missing: str | None = None


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: those that group first.
        aggs: of the request.
        per_page: how many rows are shown at once.
        total: what stands below the figures: `sum`, `avg`, `max`, `min`, `count`; None: nothing.
    """

    columns: Sequence[Column]
    aggs: Json
    per_page: int
    total: str | None


def table(state: Mapping[str, Any], pattern: Pattern, by: str) -> Table:
    """Read a `table` visualization.

    Args:
        state: its `visState`.
        pattern: of its documents.
        by: its name, for messages.

    Raises:
        ObjectError: it is not of the subset that we ship.
    """
    params = state.get("params") or {}
    for key in _UNSUPPORTED:
        if params.get(key):
            raise ObjectError(f"{by}: params.{key} is not of what we ship: leave it out")
    total = (params.get("totalFunc") or "sum") if params.get("showTotal") else None
    if total is not None and total not in _TOTALS:
        raise ObjectError(f"{by}: params.totalFunc {total!r} is not one of {', '.join(_TOTALS)}")
    aggs = [one for one in state.get("aggs") or [] if one.get("enabled", True)]
    buckets = [one for one in aggs if one.get("schema") == "bucket"]
    metrics = [one for one in aggs if one.get("schema") == "metric"]
    if len(buckets) + len(metrics) != len(aggs) or not metrics:
        raise ObjectError(f"{by}: aggs must be of schema metric (one at least) or bucket")
    columns = [_bucket(one, pattern, by) for one in buckets] + [_metric(one, pattern, by) for one in metrics]
    return Table(columns, _nested(buckets, metrics, by), int(params.get("perPage") or 10), total)


def rows(of: Table, answer: Mapping[str, Any]) -> list[list[Any]]:
    """Give the answer's rows: raw values in the order of the columns; None where there is none."""
    buckets = [one for one in of.columns if one.bucket]
    metrics = [one for one in of.columns if not one.bucket]
    top = {**answer.get("aggregations", {}), "doc_count": answer["hits"]["total"]["value"]}
    return list(_rows(top, buckets, metrics, []))


def _rows(
    bucket: Mapping[str, Any], groups: Sequence[Column], metrics: Sequence[Column], before: list[Any]
) -> Iterator[list[Any]]:
    if not groups:
        yield before + [_figure(bucket, one) for one in metrics]
        return
    first, *others = groups
    for one in bucket.get(first.id, {}).get("buckets", []):
        yield from _rows(one, others, metrics, [*before, _key(one, first)])


def _key(bucket: Mapping[str, Any], column: Column) -> Any:
    key = bucket["key"]
    if key == MISSING:
        return column.missing
    return bool(key) if column.type == "boolean" else key


def _figure(bucket: Mapping[str, Any], column: Column) -> Any:
    return bucket["doc_count"] if column.field is None else bucket.get(column.id, {}).get("value")


def _nested(buckets: Sequence[Json], metrics: Sequence[Json], by: str) -> Json:
    """The innermost groups hold all metrics, the others those by which they are ordered."""
    inner = {
        str(one["id"]): {one["type"]: {"field": _params(one)["field"]}} for one in metrics if _reckons(one)
    }
    made = inner
    for depth, one in enumerate(reversed(buckets)):
        params = _params(one)
        order, way = str(params.get("orderBy") or "_key"), str(params.get("order") or "desc")
        known = {str(metric["id"]): metric for metric in metrics}
        if order in known and not _reckons(known[order]):
            order = "_count"
        if order not in {"_key", "_count", *inner}:
            raise ObjectError(f"{by}: agg {one['id']}: orderBy {order!r} is no metric, _key or _count")
        asked: Json = {"field": params["field"], "size": int(params.get("size") or 5), "order": {order: way}}
        if params.get("missingBucket"):
            asked["missing"] = MISSING
        ordering = {order: inner[order]} if depth and order in inner else {}
        below = {**ordering, **made}
        made = {str(one["id"]): {"terms": asked, **({"aggs": below} if below else {})}}
    return made


def _bucket(one: Json, pattern: Pattern, by: str) -> Column:
    params = _params(one)
    if one.get("type") != "terms" or params.get("otherBucket"):
        raise ObjectError(f"{by}: agg {one.get('id')}: buckets are terms without otherBucket in what we ship")
    field = str(params.get("field"))
    kind = pattern.field(field, by)
    missing = str(params.get("missingBucketLabel") or "-") if params.get("missingBucket") else None
    if missing is not None and kind != "string":
        raise ObjectError(f"{by}: agg {one['id']}: missingBucket needs a field of text, {field} is a {kind}")
    label = params.get("customLabel") or field
    return Column(str(one["id"]), str(label), field, True, kind, pattern.formats.get(field), missing)


def _metric(one: Json, pattern: Pattern, by: str) -> Column:
    params, kind = _params(one), one.get("type")
    if kind == "count":
        label = params.get("customLabel") or "count"
        return Column(str(one["id"]), str(label), None, False, "number", _COUNTED)
    if kind not in _METRICS:
        raise ObjectError(
            f"{by}: agg {one.get('id')}: type {kind!r} is not one of count, {', '.join(_METRICS)}"
        )
    field = str(params.get("field"))
    of_field = pattern.field(field, by)
    shown = of_field if kind in {"max", "min"} and of_field == "date" else "number"
    form = _COUNTED if kind == "cardinality" else pattern.formats.get(field)
    label = params.get("customLabel") or f"{kind} {field}"
    return Column(str(one["id"]), str(label), field, False, shown, form)


def _reckons(metric: Json) -> bool:
    return metric.get("type") != "count"


def _params(one: Json) -> Json:
    params = one.get("params")
    return params if isinstance(params, dict) else {}
