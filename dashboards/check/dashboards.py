"""Dashboards: the grid, the period, what stands on top, and the way from one to another."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

from dashboards.check.reading import Item, Json, Problem, Shipment, listed, mapping, text_of, whole

WIDTH: Final = 48
"""Columns of the grid."""
FASTEST_MS: Final = 10_000
"""OpenSearch Dashboards has no minimum of its own, and a slow cluster would never come to rest."""

_LINK: Final = re.compile(r"\]\(([^)\s]*)\)")
_VIEW: Final = "#/view/"
_PREFIX: Final = "pabx-"
_SHOWN: Final = {"visualization", "search"}
_SIDES: Final = ("x", "y", "w", "h")


def grid(file: Shipment) -> Iterator[Problem]:
    """Panels lie in the grid, on top of no other, and each names its own object."""
    for item in file.of("dashboard"):
        panels = _panels(item)
        if not panels:
            yield item.name, "has no panels: add one"
        for number, panel in enumerate(panels):
            for wrong in _panel_faults(item, number, panel):
                yield item.name, f"panel {number}: {wrong}"
        counts = Counter(text_of(panel.get("panelIndex")) for panel in panels)
        for index, count in counts.items():
            if count > 1:
                yield item.name, f"panelIndex {index!r} occurs {count} times: give each panel its own"
        for (one, first), (other, second) in combinations(enumerate(_boxes(panels)), 2):
            if _overlap(first, second):
                yield item.name, f"panels {one} and {other} overlap: move one"


def period(file: Shipment) -> Iterator[Problem]:
    """A dashboard opens with a period of its own; without timeRestore it would be ignored."""
    for item in file.of("dashboard"):
        if item.attributes.get("timeRestore") is not True:
            yield (
                item.name,
                "timeRestore is not true, and so its period and refresh do nothing: write true",
            )
        for name in ("timeFrom", "timeTo"):
            if not text_of(item.attributes.get(name)):
                yield item.name, f"{name} is missing: write a date or such as now-7d"


def refresh(file: Shipment) -> Iterator[Problem]:
    """A dashboard refreshes not at all, or at most every ten seconds."""
    for item in file.of("dashboard"):
        given = mapping(item.attributes.get("refreshInterval"))
        value, pause = whole(given.get("value")), given.get("pause")
        if not isinstance(pause, bool) or value is None:
            yield item.name, f"refreshInterval is {given}: write pause (true or false) and value (ms)"
        elif (not pause and value < FASTEST_MS) or (pause and value and value < FASTEST_MS):
            yield (
                item.name,
                f"refreshes every {value} ms: write at least {FASTEST_MS}, or pause true and value 0",
            )


def filled(file: Shipment) -> Iterator[Problem]:
    """The panels fill the grid's width, without a hole."""
    for item in file.of("dashboard"):
        boxes = [box for box in _boxes(_panels(item)) if box is not None]
        covered = sum(width * height for _, _, width, height in boxes)
        bottom = max((top + height for _, top, _, height in boxes), default=0)
        if covered != bottom * WIDTH:
            yield (
                item.name,
                f"its panels cover {covered} of {bottom * WIDTH} cells: widen them to {WIDTH} in each row",
            )


def top(file: Shipment) -> Iterator[Problem]:
    """On top of every dashboard: the way to the others, the filters, how complete the data is."""
    for item in file.of("dashboard"):
        links = f"{_PREFIX}links-{item.id.removeprefix(_PREFIX)}"
        wanted = {links, f"{_PREFIX}controls", f"{_PREFIX}completeness"}
        first = {item.target(panel.get("panelRefName"))[1] for panel in _from_the_top(item)[: len(wanted)]}
        for missing in sorted(wanted - first):
            yield item.name, f"{missing} is not on top: put it above everything else"
        others = {one.id for one in file.of("dashboard")} - {item.id}
        linked = {key for one in file.of("visualization") if one.id == links for key in _linked(one)}
        for other in sorted(others - linked):
            yield item.name, f"{links} has no link to {other}: add one"


def links(file: Shipment) -> Iterator[Problem]:
    """Every link leads to a shipped dashboard."""
    shipped = {one.id for one in file.of("dashboard")}
    for item in file.of("visualization", "markdown"):
        for target in _LINK.findall(text_of(item.params.get("markdown"))):
            if target.removeprefix(_VIEW) not in shipped or not target.startswith(_VIEW):
                yield item.name, f"links to {target!r}: write {_VIEW} and the id of a shipped dashboard"


def named(file: Shipment) -> Iterator[Problem]:
    """Everything has a title, and an id of ours, which no user's own object has."""
    for item in file.items:
        if not text_of(item.attributes.get("title")).strip():
            yield item.name, "has no title: write one"
        if not item.id.startswith(_PREFIX):
            yield (
                item.name,
                f"its id does not begin with {_PREFIX}: let it, so that it replaces no user's own",
            )


def used(file: Shipment) -> Iterator[Problem]:
    """Every visualization is on a dashboard."""
    shown = {
        item.target(panel.get("panelRefName")) for item in file.of("dashboard") for panel in _panels(item)
    }
    for item in file.of("visualization"):
        if (item.type, item.id) not in shown:
            yield item.name, "is on no dashboard: put it on one, or drop it"


def _panels(item: Item) -> list[Json]:
    return [mapping(one) for one in listed(item.texts.get("panelsJSON"))]


def _from_the_top(item: Item) -> list[Json]:
    panels = _panels(item)
    boxes = dict(enumerate(_boxes(panels)))
    placed = sorted((box[1], box[0], number) for number, box in boxes.items() if box is not None)
    return [panels[number] for _, _, number in placed]


def _panel_faults(item: Item, number: int, panel: Json) -> Iterator[str]:
    box = mapping(panel.get("gridData"))
    index = panel.get("panelIndex")
    if not text_of(index) or index != box.get("i"):
        yield f"panelIndex is {index!r}, gridData.i {box.get('i')!r}: write the same text"
    if not text_of(panel.get("version")):
        yield "has no version: write the release that it is made for, such as 2.8.0"
    name = panel.get("panelRefName")
    if name != f"panel_{number}":
        yield f"panelRefName is {name!r}: write 'panel_{number}'"
    elif item.target(name)[0] not in _SHOWN:
        yield f"{name} leads to no visualization or search: correct the reference"
    left, upper, width, height = (whole(box.get(side)) for side in _SIDES)
    if left is None or upper is None or width is None or height is None:
        yield "gridData has not whole numbers x, y, w and h: write all four"
    elif left < 0 or upper < 0 or width < 1 or height < 1 or left + width > WIDTH:
        yield f"lies outside the grid: keep x + w within {WIDTH}, and w and h at 1 or more"


def _boxes(panels: list[Json]) -> list[tuple[int, int, int, int] | None]:
    found: list[tuple[int, int, int, int] | None] = []
    for panel in panels:
        box = mapping(panel.get("gridData"))
        sides = [whole(box.get(side)) for side in _SIDES]
        left, upper, width, height = sides
        known = left is not None and upper is not None and width is not None and height is not None
        found.append((left or 0, upper or 0, width or 0, height or 0) if known else None)
    return found


def _overlap(first: Any, second: Any) -> bool:
    if first is None or second is None:
        return False
    beside = first[0] + first[2] <= second[0] or second[0] + second[2] <= first[0]
    above = first[1] + first[3] <= second[1] or second[1] + second[3] <= first[1]
    return not (beside or above)


def _linked(item: Item) -> set[str]:
    found = _LINK.findall(text_of(item.params.get("markdown")))
    return {target.removeprefix(_VIEW) for target in found}
