"""Every document is held against its schema before it is sent."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import fastjsonschema

from shipper.schema import load


class Invalid(NamedTuple):
    """Why a document is refused: where in it, by which rule, in words."""

    path: str
    rule: str
    message: str


@cache
def validator(kind: str) -> Callable[[Any], Invalid | None]:
    """The check of one kind of document; gives None for a valid one.

    The check that can say where and why takes three times the memory (10 MiB for a row, measured), so
    it is made when the first document is refused.

    Args:
        kind: A schema's name: ``cdr``, ``call``, ``quarantine``.
    """
    check: Callable[[Any], Any] = fastjsonschema.compile(
        load(kind), use_default=False, detailed_exceptions=False
    )
    refusal: type[Exception] = fastjsonschema.JsonSchemaValueException

    def validate(document: Any) -> Invalid | None:
        try:
            check(document)
        except refusal:
            return _explained(kind, document)
        return None

    return validate


def part_validator(kind: str, part: str) -> Callable[[Any], bool]:
    """The check of one object of a kind of document, such as ``source`` of ``call``.

    It says yes or no: a document that has a wrong part is then held against its schema as a whole.
    """
    check: Callable[[Any], Any] = fastjsonschema.compile(
        load(kind)["properties"][part], use_default=False, detailed_exceptions=False
    )

    def is_valid(content: Any) -> bool:
        try:
            check(content)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    return is_valid


def _explained(kind: str, document: Any) -> Invalid:
    try:
        _detailed(kind)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        path = str(error.name).removeprefix("data").lstrip(".")
        return Invalid(path, str(error.rule), f"{path or 'document'}: {_short(error)}")
    return Invalid("", "schema", "document: refused by its schema")


@cache
def _detailed(kind: str) -> Callable[[Any], Any]:
    check: Callable[[Any], Any] = fastjsonschema.compile(load(kind), use_default=False)
    return check


def _short(error: Exception) -> str:
    text = str(error).removeprefix("data.")
    value = repr(getattr(error, "value", ""))
    return f"{text[:200]}, got {value[:200]}"
