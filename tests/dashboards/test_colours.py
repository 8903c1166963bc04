"""The colours of the shipped charts, for those who do not see all of them."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

import pytest

from central.preview.charts import parsed
from dashboards.build import vega
from tests.dashboards.colours import EYES, Lab, Matrix, apart, seen
from tests.dashboards.shown import objects

FAR: Final = 12


def scales() -> dict[str, list[str]]:
    """The colours that one chart uses beside each other, by its panel."""
    found = {}
    for panel in objects().of_type("visualization"):
        state = panel.parsed("visState")
        if state["type"] == "vega":
            for colours in _ranges(parsed(state["params"]["spec"], panel.name)):
                found[panel.id] = colours
    return found


def _ranges(part: Any) -> Iterator[list[str]]:
    if isinstance(part, dict):
        colours = (part.get("scale") or {}).get("range") if isinstance(part.get("scale"), dict) else None
        if colours and all(isinstance(one, str) and one.startswith("#") for one in colours):
            yield colours
        for one in part.values():
            yield from _ranges(one)
    elif isinstance(part, list):
        for one in part:
            yield from _ranges(one)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [  # of the test data that Sharma, Wu and Dalal published with their paper of 2005
        (Lab(50, 2.6772, -79.7751), Lab(50, 0, -82.7485), 2.0425),
        (Lab(50, 0, 0), Lab(50, -1, 2), 2.3669),
        (Lab(50, 2.49, -0.001), Lab(50, -2.49, 0.0011), 7.2195),
        (Lab(50, 2.5, 0), Lab(73, 25, -18), 27.1492),
        (Lab(60.2574, -34.0099, 36.2677), Lab(60.4626, -34.1751, 39.4387), 1.2644),
        (Lab(22.7233, 20.0904, -46.6940), Lab(23.0331, 14.9730, -42.5619), 2.0373),
        (Lab(2.0776, 0.0795, -1.1350), Lab(0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_is_the_published_one(one: Lab, other: Lab, distance: float) -> None:
    assert apart(one, other) == pytest.approx(distance, abs=5e-5)


def test_eyes_see_what_they_see() -> None:
    assert seen("#FFFFFF", EYES["all colours"]) == pytest.approx((100, 0, 0), abs=0.01)
    assert seen("#FF0000", EYES["all colours"]) == pytest.approx((53.24, 80.09, 67.2), abs=0.02)
    red, green = (seen(one, EYES["deuteranopia"]) for one in ("#C80000", "#7C6A00"))
    assert apart(red, green) < FAR


@pytest.mark.parametrize("eyes", EYES.values(), ids=EYES)
def test_no_two_colours_of_a_chart_look_alike(eyes: Matrix) -> None:
    charts = scales()
    assert len(charts["pabx-overview-days"]) == 5
    assert len(charts["pabx-missed-days"]) == 7
    alike = [
        (panel, *pair)
        for panel, colours in charts.items()
        for pair in combinations(colours, 2)
        if apart(*(seen(one, eyes) for one in pair)) < FAR
    ]
    assert alike == []


def test_the_colours_of_the_board_look_different_to_all() -> None:
    four = (vega.GOOD, vega.THIRD, vega.FOURTH, vega.WARN)
    for eyes in EYES.values():
        for one, other in combinations(four, 2):
            assert apart(seen(one, eyes), seen(other, eyes)) >= FAR
