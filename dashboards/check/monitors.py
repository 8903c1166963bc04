"""The rules of monitors: their table of contents, and those of all monitors together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dashboards.check import monitor_file, monitor_parts
from dashboards.check.monitor_file import MonitorFile
from dashboards.check.monitor_parts import shape_of, sources_of, tags_of
from dashboards.check.reading import Mapped, listed, mapping, text_of
from dashboards.check.rules import Finding, Rule

RULES: Final[tuple[Rule[MonitorFile, str], ...]] = (
    # What the Alerting plugin refuses, or takes and does not do.
    Rule("R-28", monitor_file.form),
    Rule("R-29", monitor_file.window),
    Rule("R-30", monitor_file.destination),
    Rule("R-31", monitor_file.no_documents),
    Rule("R-32", monitor_file.known_keys),
    # What our own alerts need.
    Rule("H-19", monitor_parts.names),
    Rule("H-20", monitor_parts.searched),
    Rule("H-21", monitor_parts.fields),
    Rule("H-22", monitor_parts.throttles),
    Rule("H-23", monitor_parts.messages),
    Rule("H-28", monitor_parts.keys),
)
UNIQUE: Final = "H-24"
"""No name occurs twice."""
SHAPES: Final = "H-25"
"""One name has one shape in all monitors: their alerts share an index that maps what comes first."""
SAME: Final = "H-26"
"""Every language ships the same, and only words differ."""
ENTRY: Final = "H-27"
"""Each alert has its entry in its language's runbook, and none is left over."""

_WORDS: Final = {"subject_template", "message_template"}
_HEADING: Final = re.compile(r"^## (\w+)$", re.MULTILINE)


def check(
    files: Sequence[tuple[str, str]], mapped: Mapped, runbooks: Mapping[str, tuple[str, str]]
) -> list[Finding]:
    """Check monitors by themselves, and all together.

    Args:
        files: name, with the language's folder, and content of each.
        mapped: what the index templates map, of `patterns.mapped_fields`.
        runbooks: language -> name and content of its page.
    """
    sheets = [MonitorFile(name, text, mapped) for name, text in files]
    found = [
        Finding(sheet.file, rule.id, "monitor", text)
        for sheet in sheets
        for rule in RULES
        for text in rule.check(sheet)
    ]
    languages: dict[str, list[MonitorFile]] = {}
    for sheet in sheets:
        languages.setdefault(sheet.language, []).append(sheet)
    for language, own in languages.items():
        found += _unique(own)
        found += _shapes(own)
        page, text = runbooks.get(language, ("", ""))
        found += _entries(own, page, text)
    first, *others = languages.values()
    for other in others:
        found += _differences(first, other)
    return found


def _unique(sheets: Sequence[MonitorFile]) -> Iterator[Finding]:
    seen: dict[Any, str] = {}
    for sheet in sheets:
        name = text_of(sheet.body.get("name"))
        if name in seen:
            yield Finding(
                sheet.file, UNIQUE, "monitor", f"{name!r} is also the name of {seen[name]}: rename it"
            )
        seen.setdefault(name, sheet.file)


def _shapes(sheets: Sequence[MonitorFile]) -> Iterator[Finding]:
    seen: dict[str, tuple[str, str]] = {}
    for sheet in sheets:
        own = {f"key.{name}": "text" for name in sources_of(sheet)}
        own |= {name: shape_of(metric) for name, metric in sheet.metrics.items()}
        for name, shape in own.items():
            other, file = seen.setdefault(name, (shape, sheet.file))
            if other != shape or name in {"key", "doc_count"}:
                text = f"{name!r} is a {shape} here and a {other} in {file}: alerts of one vanish: rename it"
                yield Finding(sheet.file, SHAPES, "monitor", text)


def _entries(sheets: Sequence[MonitorFile], page: str, text: str) -> Iterator[Finding]:
    there = _HEADING.findall(text)
    for sheet in sheets:
        if sheet.finding not in there:
            yield Finding(sheet.file, ENTRY, "monitor", f"{page} has no '## {sheet.finding}': write an entry")
    for left in sorted(set(there) - {sheet.finding for sheet in sheets}):
        yield Finding(page, ENTRY, left, "is the entry of no monitor: take it away")


def _differences(first: Sequence[MonitorFile], other: Sequence[MonitorFile]) -> Iterator[Finding]:
    twins = {sheet.file.rpartition("/")[2]: sheet for sheet in first}
    for sheet in other:
        twin = twins.pop(sheet.file.rpartition("/")[2], None)
        if twin is None:
            text = f"is not in {first[0].language}: build both languages from the same alerts"
        elif place := _unlike(twin.body, sheet.body, ""):
            text = f"{place} differs from {twin.file} in more than words: build both from the same alerts"
        else:
            continue
        yield Finding(sheet.file, SAME, "monitor", text)
    for left in twins.values():
        text = f"is not in {other[0].language}: build both languages from the same alerts"
        yield Finding(left.file, SAME, "monitor", text)


def _unlike(one: Any, other: Any, place: str) -> str:
    """Name the first place that differs in more than words; empty: there is none."""
    name = place.rpartition(".")[2]
    if name in _WORDS:
        texts = [text_of(mapping(value).get("source")) for value in (one, other)]
        same = all(texts) and tags_of(texts[0]) == tags_of(texts[1])
        return "" if same and texts[0].count("\n") == texts[1].count("\n") else place
    if name == "language":
        return ""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        pairs = [(f"{place}.{key}".lstrip("."), value, other[key]) for key, value in one.items()]
    elif isinstance(one, list) and len(one) == len(listed(other)):
        pairs = [(f"{place}[{number}]", *both) for number, both in enumerate(zip(one, other, strict=True))]
    else:
        return "" if type(one) is type(other) and one == other else place or "all of it"
    return next((found for path, mine, theirs in pairs if (found := _unlike(mine, theirs, path))), "")
