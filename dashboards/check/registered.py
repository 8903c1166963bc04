"""The visualization types that OpenSearch Dashboards 2.8 has registered, and what each may be made of."""

from dataclasses import dataclass
from typing import Final

METRICS: Final = frozenset({
    "count", "avg", "sum", "median", "min", "max", "std_dev", "cardinality", "percentiles",
    "percentile_ranks", "top_hits", "derivative", "cumulative_sum", "moving_avg", "serial_diff", "avg_bucket",
    "sum_bucket", "min_bucket", "max_bucket", "geo_bounds", "geo_centroid",
})  # fmt: skip
BUCKETS: Final = frozenset({
    "date_histogram", "histogram", "range", "date_range", "ip_range", "terms", "filter", "filters",
    "significant_terms", "geohash_grid", "geotile_grid",
})  # fmt: skip
WITHOUT_FIELD: Final = frozenset({
    "count", "filter", "filters", "derivative", "cumulative_sum", "moving_avg", "serial_diff", "avg_bucket",
    "sum_bucket", "min_bucket", "max_bucket",
})  # fmt: skip
"""Aggregations of no field, or of another aggregation's figure."""


@dataclass(frozen=True)
class Schema:
    """A role that aggregations play in a visualization.

    Attributes:
        least: at least so many.
        most: at most so many; None: any number.
        aggs: types that may play it.
    """

    least: int
    most: int | None
    aggs: frozenset[str]


_NO_GEO: Final = METRICS - {"geo_centroid", "geo_bounds"}
_NO_PARENT: Final = _NO_GEO - {"std_dev", "derivative", "serial_diff", "moving_avg", "cumulative_sum"}
_PLAIN: Final = frozenset({"count", "avg", "sum", "min", "max", "cardinality"})
_NO_GRID: Final = BUCKETS - {"geohash_grid", "geotile_grid", "filter"}
_SPLIT: Final = {"split": Schema(0, 1, _NO_GRID)}


def _axes(radius: frozenset[str] = _PLAIN) -> dict[str, Schema]:
    return {
        "metric": Schema(1, None, _NO_GEO),
        "radius": Schema(0, 1, radius),
        "segment": Schema(0, 1, _NO_GRID),
        "group": Schema(0, 3, _NO_GRID),
        **_SPLIT,
    }


def _dial() -> dict[str, Schema]:
    figures = _NO_PARENT - {"percentiles", "percentile_ranks"}
    return {"metric": Schema(1, None, figures), "group": Schema(0, 1, _NO_GRID)}


REGISTERED: Final[dict[str, dict[str, Schema]]] = {
    "vega": {},
    "timelion": {},
    "markdown": {},
    "input_control_vis": {},
    "metrics": {},
    "table": {
        "metric": Schema(1, None, _NO_GEO),
        "bucket": Schema(0, None, BUCKETS - {"filter"}),
        "split": Schema(0, 1, BUCKETS - {"filter"}),
    },
    "metric": {"metric": Schema(1, None, _NO_PARENT), "group": Schema(0, 1, _NO_GRID)},
    "histogram": _axes(),
    "area": _axes(),
    "horizontal_bar": _axes(),
    "line": _axes(_PLAIN | {"top_hits"}),
    "pie": {
        "metric": Schema(1, 1, frozenset({"sum", "count", "cardinality", "top_hits"})),
        "segment": Schema(0, None, _NO_GRID),
        **_SPLIT,
    },
    "heatmap": {
        "metric": Schema(1, 1, _PLAIN | {"median", "std_dev", "top_hits"}),
        "segment": Schema(0, 1, _NO_GRID),
        "group": Schema(0, 1, _NO_GRID),
        **_SPLIT,
    },
    "gauge": _dial(),
    "goal": _dial(),
    "tagcloud": {
        "metric": Schema(1, 1, _NO_GEO - {"std_dev", "percentiles", "percentile_ranks", "derivative"}),
        "segment": Schema(1, 1, frozenset({"terms", "significant_terms"})),
    },
    "tile_map": {
        "metric": Schema(1, 1, _PLAIN | {"top_hits"}),
        "segment": Schema(1, 1, frozenset({"geohash_grid"})),
    },
    "region_map": {
        "metric": Schema(1, 1, _PLAIN | {"top_hits", "sum_bucket", "min_bucket", "max_bucket", "avg_bucket"}),
        "segment": Schema(1, 1, frozenset({"terms"})),
    },
}
"""Type to its schemas; those without any are not made of aggregations."""
