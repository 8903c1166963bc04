"""Moments in documents, and head office's clock as the cluster has it: whoever asks may have a wrong one."""

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


def moment(text: object) -> datetime | None:
    """Give the moment that a document's field tells; None where it tells none, or not of which zone."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None
