"""The dashboards as people see them: in Chromium, through the preview, over a chain that telephones."""

import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import pytest
from playwright.sync_api import Browser

from compose.stack import OpenSearchCluster
from tests.dashboards import states
from tests.dashboards.browser import (
    ABSENT,
    BINARY,
    DASHBOARDS,
    LAPTOP,
    SIZES,
    SOON,
    Size,
    Window,
    chromium,
    served,
    window,
)
from tests.dashboards.world import World

pytestmark = [pytest.mark.servers, pytest.mark.skipif(BINARY is None, reason=ABSENT)]

PERIOD: Final = {"from": "2026-08-25T03:00:00Z", "to": "2026-09-08T03:00:00Z"}
AT: Final = datetime(2026, 9, 1, 15, tzinfo=UTC)
FRESH: Final = timedelta(seconds=45)
"""Calls of now are on the board for 90 seconds."""
STOPS: Final = """(() => {
  const all = [...document.querySelectorAll("a[href], button:not(:disabled), input, [tabindex='0']")];
  const stops = all.filter((one) => one.tabIndex >= 0 && one.checkVisibility() && !one.closest("[popover]"));
  stops.forEach((one, at) => (one.stop = at));
  const named = (one) => one.getAttribute("aria-label") ?? one.textContent;
  return stops.map((one) => `${one.localName} ${named(one)}`.slice(0, 60));
})()"""
SHOWS_FOCUS: Final = """(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(it);
  return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
})()"""


class Chain:
    """Twelve stores that have telephoned, and do now."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._tell()

    def now(self) -> None:
        """Let what is of now be of now."""
        if datetime.now(UTC) - self._told > FRESH:
            self._tell()

    def _tell(self) -> None:
        states.forget(self.world.cluster)
        self._told = datetime.now(UTC)
        states.beat(self.world.cluster, self.world.stores, self._told)
        states.calls_now(self.world.cluster, self.world.stores, self._told)
        states.alerts(self.world.cluster, self.world.stores, self._told)
        states.events(self.world.cluster, self.world.stores, AT)
        states.quarantine(self.world.cluster, self.world.stores, AT)
        states.findings(self.world.cluster, self.world.stores, "2026-09-01")


@pytest.fixture(scope="module")
def url(panels_cluster: OpenSearchCluster) -> Iterator[str]:
    with served(panels_cluster) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole run: while it is there, no other test can run an event loop of its own."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def told(world_of: Callable[[str], World]) -> Iterator[Chain]:
    chain = Chain(world_of("twelve"))
    yield chain
    states.forget(chain.world.cluster)


@pytest.fixture
def chain(told: Chain, world_of: Callable[[str], World]) -> Chain:
    assert world_of("twelve") is told.world
    told.now()
    return told


@pytest.fixture
def laptop(browser: Browser, url: str, chain: Chain) -> Iterator[Window]:
    assert chain
    with window(browser, url) as opened:
        yield opened


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("dashboard", DASHBOARDS)
@pytest.mark.parametrize(
    ("size", "language"),
    [
        pytest.param(SIZES[name], language, id=f"{name}-{language}")
        for name, language in (("laptop", "pt-BR"), ("laptop", "en"), ("desk", "pt-BR"), ("phone", "pt-BR"))
    ],
)
def test_nothing_is_wrong_with_a_dashboard(
    browser: Browser, url: str, dashboard: str, size: Size, language: str
) -> None:
    with window(browser, url, size, language) as opened:
        opened.open(dashboard, l=language, **PERIOD)
        assert opened.findings() == []
        assert opened.page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("world", ["empty"], indirect=True)
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wrong_with_dashboards_of_nothing(
    browser: Browser, url: str, world: World, size: str
) -> None:
    assert not world.calls
    with window(browser, url, SIZES[size]) as opened:
        for dashboard in DASHBOARDS:
            opened.open(dashboard)
            assert opened.findings() == [], dashboard


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_tab_reaches_everything_in_the_order_in_which_it_stands(laptop: Window, dashboard: str) -> None:
    laptop.open(dashboard, **PERIOD)
    stops: list[str] = laptop.page.evaluate(STOPS)
    assert sum(stop.startswith("a ") for stop in stops) >= 2 * len(DASHBOARDS) - 1
    reached, dull = [], []
    for _ in range(len(stops) + 10):  # some that scroll are stops by the browser itself
        laptop.press("Tab")
        if laptop.focused("it === document.body"):
            break
        stop = laptop.focused("it.stop ?? -1")
        if not laptop.focused(SHOWS_FOCUS):
            dull.append(laptop.focused("it.outerHTML.slice(0, 200)"))
        if isinstance(stop, int) and stop >= 0:
            reached.append(stop)
    assert [stops[stop] for stop in reached] == stops
    assert dull == []
    corners = laptop.page.evaluate(
        "[...document.querySelectorAll('.panel')].map((one) => [one.offsetTop, one.offsetLeft])"
    )
    assert corners == sorted(corners)


def test_the_first_stop_skips_the_head(laptop: Window) -> None:
    laptop.open("costs", **PERIOD)
    laptop.press("Tab")
    assert laptop.focused("it.textContent") == "Ir para os painéis"
    laptop.press("Enter")
    assert laptop.focus_comes("it.id === 'panels'")
    laptop.press("Tab")
    assert laptop.focused("it.closest('.panel') !== null")
    assert laptop.page.title().startswith("Custos")


def test_a_store_is_chosen_and_given_up_by_keys_alone(laptop: Window) -> None:
    laptop.open("overview", **PERIOD)
    laptop.tab_to(".control .select")
    laptop.press("Enter")
    assert laptop.focus_comes("it.type === 'search'")
    laptop.page.keyboard.type("sao paulo")
    laptop.press("Tab", "Tab", "Space")
    laptop.settled()
    (pill,) = laptop.pills()
    assert pill.startswith("Loja: São Paulo")
    assert laptop.page.locator(".pop:popover-open").count() == 1, "a list of many is to choose several from"
    laptop.press("Escape")
    laptop.page.wait_for_selector(".pop:popover-open", state="detached")
    assert laptop.focus_comes("it.matches('.control .select')")
    assert laptop.focused("it.textContent") == pill.removeprefix("Loja: ")
    laptop.page.evaluate("document.activeElement.blur()")
    laptop.tab_to(".pill button[data-key='remove-0']")
    laptop.press("Enter")
    laptop.settled()
    assert laptop.pills() == []
    assert laptop.wrong == []


def test_a_bar_narrows_by_keys_and_by_a_click(laptop: Window) -> None:
    laptop.open("overview", **PERIOD)
    laptop.tab_to("[data-panel='pabx-overview-worst'] [data-bar]")
    first = laptop.focused("it.getAttribute('aria-label')")
    laptop.press("ArrowDown")
    second = laptop.focused("it.getAttribute('aria-label')")
    assert first != second
    laptop.press("Enter")
    laptop.settled()
    named = str(second).rsplit(":", 1)[0]
    assert laptop.pills() == [f"store.name: {named}"]
    laptop.open("overview", **PERIOD)
    assert laptop.pills() == []
    bar = laptop.page.locator("[data-panel='pabx-overview-worst'] [data-bar]").nth(1)
    bar.click()
    laptop.page.wait_for_selector(".pill")
    laptop.settled()
    assert laptop.pills() == [f"store.name: {named}"]


def test_in_a_table_arrows_lead_from_value_to_value(laptop: Window) -> None:
    laptop.open("missed", **PERIOD)
    values = "[data-panel='pabx-missed-did'] tbody .value"
    laptop.tab_to(values)
    here = laptop.focused("it.textContent")
    laptop.press("ArrowRight")
    beside = laptop.focused("it.textContent")
    laptop.press("Enter")
    laptop.page.wait_for_selector(".pill")
    laptop.settled()
    (pill,) = laptop.pills()
    assert here != beside
    assert pill.endswith(f": {beside}")


@pytest.mark.parametrize("key", ["period", "saved"])
def test_escape_closes_what_a_button_opens(laptop: Window, key: str) -> None:
    laptop.open("overview", **PERIOD)
    laptop.tab_to(f"[data-key='{key}']")
    laptop.press("Enter")
    assert laptop.page.locator(".pop:popover-open").count() == 1
    assert laptop.focus_comes("it.closest('.pop') !== null")
    assert laptop.findings() == []
    laptop.press("Escape")
    laptop.page.wait_for_selector(".pop:popover-open", state="detached")
    assert laptop.focus_comes(f"it.dataset.key === {key!r}")


def test_a_search_is_typed_and_taken_back_by_keys(laptop: Window) -> None:
    laptop.open("overview", **PERIOD)
    laptop.tab_to("[data-key='query']")
    laptop.page.keyboard.type("call.missed:(")
    laptop.press("Enter")
    laptop.page.wait_for_selector(".note.failed")
    laptop.settled()
    told = laptop.page.locator(".note.failed p").first.inner_text()
    assert told == "A busca não foi entendida. Confira aspas, parênteses e dois-pontos."
    assert laptop.focus_comes("it.dataset.key === 'query'")
    laptop.press("Control+A", "Delete", "Enter")
    laptop.page.wait_for_selector(".note.failed", state="detached")
    laptop.settled()
    assert [line for line in laptop.findings() if not line.startswith(("400", "error: Failed to load"))] == []


def test_a_chart_follows_the_window(laptop: Window) -> None:
    laptop.open("overview", **PERIOD)
    for size in (SIZES["phone"], SIZES["desk"], LAPTOP):
        laptop.page.set_viewport_size({"width": size.width, "height": size.height})
        until = monotonic() + SOON
        while laptop.findings() and monotonic() < until:
            sleep(0.1)
        assert laptop.findings() == [], size


def test_the_pictures_are_taken(url: str, chain: Chain, tmp_path: Path) -> None:
    """By a command of its own, as `make pictures` calls it."""
    where = ["--preview", url, "--cluster", chain.world.cluster.url, "--into", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "compose.pictures", *where], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == sorted(
        [*(f"{dashboard}.png" for dashboard in DASHBOARDS), "overview-en.png"]
    )
    for file in files:
        width, height = struct.unpack(">II", file.read_bytes()[16:24])
        assert width == 1366
        assert 600 < height <= 1200, file.name


def test_what_the_pictures_lack_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compose.pictures", "--into", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
        env={"PABX_CACHE": str(tmp_path)},
    )
    assert done.returncode == 1
    assert done.stderr == (
        "pictures: nothing named dashboards is running: run make demo, and leave its servers running\n"
    )
    assert not (tmp_path / "none").exists()
