"""What a panel shows, as the preview gives it and Vega draws it: texts and bars, in the operator's writing.

The saved object's requests go to the real cluster within a period and filters; a chart is then laid out by
Vega itself, without a browser, so that its expressions and formats are judged too.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import vl_convert

from central.client import connect, connection_from
from central.preview.answer import answer
from central.preview.asking import asking
from central.preview.charts import Ask
from central.preview.context import Context, Filter, of_field
from central.preview.files import load_objects
from central.preview.objects import Json, Objects
from tests.dashboards.reckon import Selection
from tests.dashboards.world import World

LANGUAGE = "pt-BR"
VEGA_LITE = "5.21"
WIDE, TALL = 1_600, 1_200
"""So large that nothing is shortened or left out."""
CLICK = "opensearchDashboardsAddFilter"
"""Only OpenSearch Dashboards and the preview's page know it."""


@cache
def objects() -> Objects:
    """The shipped objects, in the operators' language."""
    return load_objects()[LANGUAGE]


class Screens:
    """The panels of all dashboards over one world.

    Args:
        world: What is in the cluster.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        connection = connection_from({"url": world.cluster.url}, {})
        self._ask: Ask = asking(connect(connection), connection, objects().titles())

    def answer(self, panel: str, selection: Selection) -> Json:
        """What the preview gives for a panel, `overview-figures`; a saved search's is `search-calls`."""
        return answer(self._ask, objects(), f"pabx-{panel}", self._context(selection))

    def table(self, panel: str, selection: Selection) -> list[tuple[Any, ...]]:
        """A table's rows."""
        found = self.answer(panel, selection)
        assert found["kind"] == "table"
        return [tuple(row) for row in found["rows"]]

    def figures(self, panel: str, selection: Selection) -> list[tuple[str, str, str]]:
        """Of figures side by side the label, the figure, and what stands below it."""
        labels, values, below = (_texts(mark) for mark in self._marks(panel, selection))
        return list(zip(labels, values, below, strict=True))

    def ranking(self, panel: str, selection: Selection) -> list[tuple[str, str]]:
        """Of ranked bars the name and the figures beside it, from the top."""
        marks = self._marks(panel, selection)
        names, figures, nothing = [_texts(mark) for mark in marks if mark["marktype"] == "text"]
        assert bool(names) != bool(nothing[0])
        return list(zip(names, figures, strict=True))

    def lengths(self, panel: str, selection: Selection) -> list[float]:
        """How long each of the ranked bars is, as a part of the longest that there could be."""
        room, bars = [mark["items"] for mark in self._marks(panel, selection) if mark["marktype"] == "rect"][
            :2
        ]
        return [bar.get("width", 0) / whole["width"] for bar, whole in zip(bars, room, strict=True)]

    def lines(self, panel: str, selection: Selection) -> list[str]:
        """Every text of a chart's own marks, from the top."""
        marks = self._marks(panel, selection)
        return [text for mark in marks if mark["marktype"] == "text" for text in _texts(mark) if text]

    def parts(self, panel: str, selection: Selection, marktype: str = "rect") -> list[dict[str, str]]:
        """Of a chart over time or over the week what each bar, cell or point says of itself, by its names.

        A chart of nothing has none.
        """
        if self.answer(panel, selection)["empty"]:
            return []
        marks = [mark for mark in self._marks(panel, selection) if mark["marktype"] == marktype]
        return [
            dict(part.split(": ", 1) for part in item["description"].split("; "))
            for mark in marks
            for item in mark["items"]
            if "description" in item  # not the words for an empty answer
        ]

    def _context(self, selection: Selection) -> Context:
        assert selection.since is not None
        assert selection.until is not None
        names = [self._world.store(one).name for one in selection.stores]
        chosen = {"store.name": names, "store.region": selection.regions, "store.city": selection.cities}
        filters: list[Filter] = [of_field(field, list(values)) for field, values in chosen.items() if values]
        return Context(selection.since, selection.until - timedelta(milliseconds=1), filters=filters)

    def _marks(self, panel: str, selection: Selection) -> list[Json]:
        found = self.answer(panel, selection)
        assert found["kind"] == "vega"
        spec = {**found["spec"], "width": WIDE, "height": TALL}
        spec["signals"] = [one for one in spec.get("signals", []) if CLICK not in str(one)]
        if found["library"] == "vega":
            scene = vl_convert.vega_to_scenegraph(spec)
        else:
            scene = vl_convert.vegalite_to_scenegraph(spec, vl_version=VEGA_LITE)
        return list(_drawn(scene["scenegraph"]))


def _drawn(mark: Json) -> Iterator[Json]:
    """The marks of the data, without axes and legends."""
    if mark.get("role") == "mark":
        yield mark
    for item in mark.get("items", []):
        for inner in item.get("items", []):
            yield from _drawn(inner)


def _texts(mark: Json) -> list[str]:
    return [str(item.get("text") or "") for item in mark["items"]]
