"""The Markdown of our panels as HTML that is safe: headings, lists, bold, italics, code, links. Pure."""

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Final

_INLINE: Final = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\[(?P<text>[^\]]+)\]\((?P<link>[^()\s]+)\)"
    r"|\*\*(?P<bold>[^*]+)\*\*"
    r"|(?<![\w*])[*_](?P<italic>[^*_]+)[*_](?![\w*])"
)
_LINK: Final = re.compile(r"#/[A-Za-z0-9/_?=&.-]*|https?://[^\s\"'<>]+")
_HEADING: Final = re.compile(r"(#{1,4})\s+(.*)")
_ITEM: Final = re.compile(r"\s*[-*]\s+(.*)")
# A panel's title is an h2.
_TOP: Final = 2


def html(text: str) -> str:
    """Give the HTML; whatever is not of the subset stands as the text that it is."""
    blocks = re.split(r"\n\s*\n", text.strip().replace("\r\n", "\n"))
    return "\n".join(part for block in blocks for part in _block(block) if part)


def _block(block: str) -> Iterator[str]:
    for kind, lines in groupby(block.split("\n"), _kind):
        texts = list(lines)
        if kind == "heading":
            for found in filter(None, map(_HEADING.fullmatch, texts)):
                level = len(found[1]) + _TOP
                yield f"<h{level}>{_inline(found[2])}</h{level}>"
        elif kind == "item":
            items = (found[1] for found in map(_ITEM.fullmatch, texts) if found)
            yield "<ul>" + "".join(f"<li>{_inline(one)}</li>" for one in items) + "</ul>"
        elif any(map(str.strip, texts)):
            yield f"<p>{_inline(' '.join(texts).strip())}</p>"


def _kind(line: str) -> str:
    if _HEADING.fullmatch(line):
        return "heading"
    return "item" if _ITEM.fullmatch(line) else "text"


def _inline(text: str) -> str:
    made, position = [], 0
    for found in _INLINE.finditer(text):
        made += [escape(text[position : found.start()]), _marked(found)]
        position = found.end()
    return "".join([*made, escape(text[position:])])


def _marked(found: re.Match[str]) -> str:
    if found["code"]:
        return f"<code>{escape(found['code'])}</code>"
    if found["bold"]:
        return f"<strong>{_inline(found['bold'])}</strong>"
    if found["italic"]:
        return f"<em>{_inline(found['italic'])}</em>"
    if not _LINK.fullmatch(found["link"]):
        return escape(found[0])
    outside = "" if found["link"].startswith("#") else ' rel="noopener noreferrer" target="_blank"'
    return f'<a href="{escape(found["link"])}"{outside}>{_inline(found["text"])}</a>'
