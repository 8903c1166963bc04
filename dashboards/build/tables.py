"""Tables of aggregations: what is counted by what, to be sorted and exported."""

from dataclasses import dataclass
from typing import Any

from dashboards.build.objects import (
    INDEX_REF,
    Json,
    Reference,
    SavedObject,
    pattern_id,
    source_of,
    visualization,
)


@dataclass(frozen=True)
class Metric:
    """One column of figures.

    Attributes:
        title: above it.
        op: `count`, `sum`, `avg`, `max`, `min` or `cardinality`.
        field: of which; empty for `count`.
    """

    title: str
    op: str = "count"
    field: str = ""


@dataclass(frozen=True)
class By:
    """One column that the rows are grouped by.

    Attributes:
        title: above it.
        field: whose values.
        size: at most so many, the first by the first metric.
        missing: what stands for documents without a value; empty: they are left out.
        order: place among the metrics of the one that orders the values, largest first.
    """

    title: str
    field: str
    size: int = 20
    missing: str = ""
    order: int = 0


CALLS_ONCE = "NOT _exists_:call.merged_into"
"""What every table over calls asks: a call that became part of another is none."""


def table(
    key: str,
    title: str,
    kind: str,
    query: str,
    rows: list[By],
    metrics: list[Metric],
    *,
    per_page: int = 10,
    description: str = "",
) -> SavedObject:
    """A table of aggregations.

    Args:
        key: id of the panel without `pabx-`.
        title: above it.
        kind: of the documents.
        query: Lucene, in which they are.
        rows: what they are grouped by, from the left.
        metrics: the figures.
        per_page: rows on a page.
        description: one sentence on what is counted.
    """
    aggs = [_metric(str(number), one) for number, one in enumerate(metrics, start=1)]
    first = len(metrics) + 1
    aggs += [_bucket(str(number), one) for number, one in enumerate(rows, start=first)]
    params = {
        "perPage": per_page,
        "showPartialRows": False,
        "showMetricsAtAllLevels": False,
        "showTotal": False,
        "totalFunc": "sum",
        "percentageCol": "",
    }
    reference = Reference(INDEX_REF, "index-pattern", pattern_id(kind))
    source = source_of(query, INDEX_REF)
    return visualization(
        key,
        title,
        "table",
        params,
        aggs=aggs,
        source=source,
        references=(reference,),
        description=description,
    )


def _metric(number: str, one: Metric) -> Json:
    params: Json = {"customLabel": one.title} | ({"field": one.field} if one.field else {})
    return {"id": number, "enabled": True, "type": one.op, "schema": "metric", "params": params}


def _bucket(number: str, one: By) -> Json:
    params: dict[str, Any] = {
        "field": one.field,
        "orderBy": str(one.order + 1),
        "order": "desc",
        "size": one.size,
        "otherBucket": False,
        "missingBucket": bool(one.missing),
        "missingBucketLabel": one.missing or "—",
        "customLabel": one.title,
    }
    return {"id": number, "enabled": True, "type": "terms", "schema": "bucket", "params": params}
