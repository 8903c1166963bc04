"""What OpenSearch Dashboards makes of a DQL text, as far as the guide calls it the same as in Lucene.

OpenSearch Dashboards itself cannot be had in a test. This knows words, phrases, `field:value`,
`field:(one OR other)`, AND, OR, NOT and parentheses, and refuses everything else.
"""

import re
from typing import Any, Final

Json = dict[str, Any]
TOKEN: Final = re.compile(
    r'\s*(?:(?P<mark>[():])|"(?P<phrase>(?:\\.|[^"\\])*)"|(?P<word>(?:\\[*:()<>"]|[^\s():<>"*{}\\])+))'
)
NUMBER: Final = re.compile(r"-?[1-9]\d*|0")
Token = tuple[str, str]


class NotDqlError(Exception):
    """The text is more than this knows."""


def request(text: str) -> Json:
    """Give the query that DQL stands for."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[Token] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise NotDqlError(text)
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))
            at = found.end()
        self._tokens.append(("end", ""))
        self._text = text

    def whole(self) -> Json:
        made = self._either("")
        self._take("end")
        return made

    def _either(self, field: str) -> Json:
        found = [self._both(field)]
        while self._is("OR"):
            found.append(self._both(field))
        return found[0] if len(found) == 1 else {"bool": {"should": found, "minimum_should_match": 1}}

    def _both(self, field: str) -> Json:
        found = [self._not(field)]
        while self._is("AND"):
            found.append(self._not(field))
        return found[0] if len(found) == 1 else {"bool": {"filter": found}}

    def _not(self, field: str) -> Json:
        return {"bool": {"must_not": [self._one(field)]}} if self._is("NOT") else self._one(field)

    def _one(self, field: str) -> Json:
        if self._tokens[0] == ("mark", "("):
            self._take("mark")
            made = self._either(field)
            if self._take("mark") != ")":
                raise NotDqlError(self._text)
            return made
        kind, value = self._tokens.pop(0)
        if kind == "word" and self._tokens[0] == ("mark", ":") and not field:
            self._take("mark")
            return self._one(value)
        if kind not in {"word", "phrase"}:
            raise NotDqlError(self._text)
        return _value(field, re.sub(r"\\(.)", r"\1", value), phrase=kind == "phrase")

    def _is(self, name: str) -> bool:
        there = self._tokens[0] == ("word", name)
        if there:
            self._take("word")
        return there

    def _take(self, kind: str) -> str:
        found, value = self._tokens.pop(0)
        if found != kind:
            raise NotDqlError(self._text)
        return value


def _value(field: str, text: str, *, phrase: bool) -> Json:
    if phrase:
        value: Any = text
    elif text in {"true", "false"}:
        value = text == "true"
    else:
        value = int(text) if NUMBER.fullmatch(text) else text
    if field:
        return {"match_phrase" if phrase else "match": {field: value}}
    return {"multi_match": {"type": "phrase" if phrase else "best_fields", "query": value, "lenient": True}}
