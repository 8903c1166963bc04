"""Head office's clock as the cluster has it: whoever asks may sit at a machine whose clock is wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_NAME: Final = "now"


def asking(field: str) -> dict[str, Any]:
    """Give an aggregation that brings the cluster's clock along with what is searched.

    Args:
        field: a date that the index maps.
    """
    return {_NAME: {"date_range": {"field": field, "ranges": [{"from": "now"}]}}}


def told(answer: Mapping[str, Any]) -> datetime:
    """Give the moment, UTC, that a search with `asking` tells; without any index this machine's own."""
    buckets = answer.get("aggregations", {}).get(_NAME, {}).get("buckets", [])
    return datetime.fromtimestamp(buckets[0]["from"] / 1000, UTC) if buckets else datetime.now(UTC)
