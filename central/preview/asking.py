"""Searches in the cluster: the only place of the preview that talks to it, and only to read."""

from collections.abc import Sequence
from typing import Any, Final

from opensearchpy import OpenSearch, exceptions

from central.client import Connection, translated
from central.errors import CentralError
from central.preview.charts import Ask, NoIndexError
from central.preview.objects import Json

_PARAMS: Final = {"allow_partial_search_results": "false"}
_UNPARSED: Final = ("query_shard_exception", "parse_exception", "parsing_exception", "token_mgr_error")


class ClusterError(CentralError):
    """The cluster does not answer, or refuses; the message says what mends it."""


class QueryError(CentralError):
    """The cluster does not understand the query bar's text or a filter; the message is its own."""


def asking(client: OpenSearch, connection: Connection, patterns: Sequence[str]) -> Ask:
    """Give the function that searches.

    Args:
        client: the cluster.
        connection: where it is, for what a failure says.
        patterns: the only names that are asked for.
    """
    known = frozenset(patterns)

    def ask(index: str, body: Json) -> Json:
        if index not in known:
            raise ClusterError(f"{index!r} is not the title of one of our index patterns: correct the panel")
        try:
            with translated(connection, f"searching {index}"):
                found: Json = client.search(index=index, body=body, params=_PARAMS)
        except CentralError as error:
            raise _told(error, index) from error
        if found.get("timed_out"):
            raise ClusterError(f"searching {index}: the cluster gave up before the end: try again")
        return found

    return ask


def _told(error: CentralError, index: str) -> CentralError:
    cause = error.__cause__
    if isinstance(cause, exceptions.NotFoundError):
        return NoIndexError(index)
    if isinstance(cause, exceptions.RequestError) and any(each in _causes(cause.info) for each in _UNPARSED):
        return QueryError(" ".join(_reason(cause.info).split()) or str(error))
    return ClusterError(str(error))


def _reason(info: Any) -> str:
    """The reason that a shard gives, which names the query; the outer one says only that shards failed."""
    if isinstance(info, list):
        return next(filter(None, map(_reason, info)), "")
    if not isinstance(info, dict):
        return ""
    if info.get("type") in _UNPARSED and isinstance(info.get("reason"), str):
        return str(info["reason"])
    return next(filter(None, map(_reason, info.values())), "")


def _causes(info: Any) -> set[str]:
    """The types of all failures inside an answer, `parse_exception` and the like."""
    if isinstance(info, list):
        return {found for one in info for found in _causes(one)}
    if not isinstance(info, dict):
        return set()
    own = {info["type"]} if isinstance(info.get("type"), str) else set()
    return own | {found for one in info.values() for found in _causes(one)}
