"""Head office's own writes: in bulk, and past the ingest pipeline, which judges what the stores send."""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from opensearchpy import OpenSearch

from central.client import Connection, translated
from central.errors import CentralError

_BATCH: Final = 500

Pair = tuple[Mapping[str, Any], Mapping[str, Any]]
"""An action of a bulk request, such as `{"update": {"_id": "Loja001"}}`, and what it writes."""


def write(
    client: OpenSearch,
    connection: Connection,
    index: str,
    pairs: Sequence[Pair],
    what: str = "it",
    mend: str = "mend that and run it again, what was written stays",
    *,
    passed_over: Collection[int] = (),
) -> None:
    """Write them, and let searches see it.

    Args:
        client: connected.
        connection: for what a failure says.
        index: where.
        pairs: in the order in which they are written.
        what: that is refused, for what a refusal says.
        mend: what mends it.
        passed_over: statuses of an item that are no failure.

    Raises:
        CentralError: the cluster fails, or refuses an item; what was written until then stays.
    """
    for start in range(0, len(pairs), _BATCH):
        lines = [line for pair in pairs[start : start + _BATCH] for line in pair]
        with translated(connection, f"writing {index}"):
            answer = client.bulk(body=lines, index=index, params={"pipeline": "_none", "refresh": "true"})
        for outer in answer["items"]:
            item = next(iter(outer.values()))
            status = int(item["status"])
            if status >= HTTPStatus.BAD_REQUEST and status not in passed_over:
                error = item.get("error", {})
                reason = (error.get("caused_by") or error).get("reason")
                raise CentralError(
                    f"{index}/{item.get('_id')}: the cluster refuses {what} ({status}: {reason}): {mend}"
                )
