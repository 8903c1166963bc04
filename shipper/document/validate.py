"""Every document is held against its schema before it is sent."""

from collections.abc import Callable
from typing import Any, NamedTuple

import fastjsonschema

from shipper.schema import load


class Invalid(NamedTuple):
    """Why a document is refused: where in it, by which rule, in words."""

    path: str
    rule: str
    message: str


def validator(kind: str) -> Callable[[Any], Invalid | None]:
    """The check of one kind of document; gives None for a valid one.

    Args:
        kind: A schema's name: ``cdr``, ``call``, ``quarantine``.
    """
    check: Callable[[Any], Any] = fastjsonschema.compile(load(kind), use_default=False)
    refusal: type[Exception] = fastjsonschema.JsonSchemaValueException

    def validate(document: Any) -> Invalid | None:
        try:
            check(document)
        except refusal as error:
            path = str(getattr(error, "name", "data")).removeprefix("data").lstrip(".")
            rule = str(getattr(error, "rule", "schema"))
            return Invalid(path, rule, f"{path or 'document'}: {_short(error)}")
        return None

    return validate


def _short(error: Exception) -> str:
    text = str(error).removeprefix("data.")
    value = repr(getattr(error, "value", ""))
    return f"{text[:200]}, got {value[:200]}"
