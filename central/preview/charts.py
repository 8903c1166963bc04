"""Vega panels: the requests in a spec, and the spec with the answers in their place. Pure."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from central.errors import CentralError
from central.preview.context import Context, inject
from central.preview.objects import Json, ObjectError


class NoIndexError(CentralError):
    """No index is there yet that a chart could be drawn from.

    Args:
        index: the name or pattern that was asked for.
    """

    def __init__(self, index: str) -> None:
        super().__init__(f"no index is there for {index}: run central install, or wait for its first data")


Ask = Callable[[str, Json], Json]
"""Searches: index pattern and body to the cluster's answer."""


def filled(ask: Ask, spec: Mapping[str, Any], context: Context, by: str) -> Json:
    """Give a spec with the answers in the place of its requests.

    Args:
        ask: searches.
        spec: as the saved object has it.
        context: the page's.
        by: the object's name, for messages.

    Returns:
        `library` (`vega` or `vega-lite`), `spec`, and `empty`: whether a Vega-Lite spec has nothing to
        draw; one of Vega says itself what it shows of nothing.

    Raises:
        ObjectError: the spec is not of the subset that we ship.
        CentralError: the cluster does not answer.
    """
    found: list[bool] = []

    def answered(part: Any) -> Any:
        if isinstance(part, list):
            return [answered(one) for one in part]
        if not isinstance(part, dict):
            return part
        made = {key: answered(value) for key, value in part.items() if key != "url"}
        if "url" in part:
            index, body = _request(part["url"], by)
            answer = _as_shown(ask(index, inject(body, context)))
            rows = _rows(answer, part.get("format") or {}, index, by)
            found.append(rows is not None and rows != [])
            made["values"] = answer
        return made

    library = _library(spec, by)
    return {
        "library": library,
        "spec": answered(dict(spec)),
        "empty": library == "vega-lite" and bool(found) and not any(found),
    }


def parsed(text: object, by: str) -> Json:
    """Read the text of a spec.

    Raises:
        ObjectError: it is no JSON object; HJSON, which OpenSearch Dashboards would take, is not shipped.
    """
    try:
        spec = json.loads(str(text))
    except ValueError as error:
        raise ObjectError(f"{by}: params.spec is no JSON ({error}): run: make generate") from error
    if not isinstance(spec, dict):
        raise ObjectError(f"{by}: params.spec is no object: run: make generate")
    return spec


def _request(url: Any, by: str) -> tuple[str, Json]:
    if not isinstance(url, dict) or set(url) != {"index", "body"} or not isinstance(url["body"], dict):
        raise ObjectError(f"{by}: data.url is not exactly index and body: correct it")
    return str(url["index"]), url["body"]


def _rows(answer: Mapping[str, Any], form: Mapping[str, Any], index: str, by: str) -> Any:
    """What Vega will find at `format.property`."""
    value: Any = answer
    for key in filter(None, str(form.get("property") or "").split(".")):
        if not isinstance(value, dict) or key not in value:
            if "aggregations" not in answer:
                raise NoIndexError(index)
            raise ObjectError(f"{by}: the answer has no {form['property']!r}: correct format.property")
        value = value[key]
    return value


def _as_shown(answer: Json) -> Json:
    """OpenSearch Dashboards asks for `hits.total` as a number."""
    hits = answer.get("hits") or {}
    if not isinstance(hits.get("total"), dict):
        return answer
    return {**answer, "hits": {**hits, "total": hits["total"]["value"]}}


def _library(spec: Mapping[str, Any], by: str) -> str:
    for name in ("vega-lite", "vega"):
        if f"/schema/{name}/v5.json" in str(spec.get("$schema")):
            return name
    raise ObjectError(f"{by}: $schema {spec.get('$schema')!r} is neither vega/v5.json nor vega-lite/v5.json")
