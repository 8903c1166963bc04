"""The preview's page in a real Chromium, of the system: nothing is downloaded for it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from central.client import connect, connection_from
from central.preview import files
from central.preview.asking import asking
from central.preview.server import Preview, Server
from compose.stack import OpenSearchCluster

BINARY: Final = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
ABSENT: Final = "neither chromium nor google-chrome is on PATH: install one of them to run these"
DASHBOARDS: Final = ("overview", "costs", "peaks", "missed", "live", "store", "fleet")
ZONE: Final = "America/Sao_Paulo"
SOON: Final = 10.0
LOOK: Final = Path(__file__).with_name("look.js").read_text(encoding="utf-8")


class Size(NamedTuple):
    """Of a window, px."""

    width: int
    height: int


SIZES: Final = {"laptop": Size(1366, 768), "desk": Size(1920, 1080), "phone": Size(390, 844)}
LAPTOP: Final = SIZES["laptop"]


@contextmanager
def served(cluster: OpenSearchCluster) -> Iterator[str]:
    """Serve the shipped dashboards of a cluster; gives their address."""
    objects = files.load_objects()
    connection = connection_from({"url": cluster.url}, {})
    titles = {title for each in objects.values() for title in each.titles()}
    ask = asking(connect(connection), connection, sorted(titles))
    with Server(("127.0.0.1", 0), Preview(ask, objects, files.static(), files.vega, "pt-BR")) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BINARY)
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """A window with one dashboard.

    Args:
        page: the browser's.
        url: of the preview.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        """What the browser itself complained of, and what went elsewhere."""
        self._url = url
        page.set_default_timeout(30_000)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url}"))
        page.on(
            "response",
            lambda got: self.wrong.extend([f"{got.status}: {got.url}"] if got.status >= 400 else []),
        )

    def open(self, dashboard: str, **given: str) -> None:
        """Go to a dashboard, and wait until all of it is drawn; `given` as state.js writes it."""
        self.page.goto(
            f"{self._url}#/view/pabx-{dashboard}?{urlencode({'l': 'pt-BR', 'paused': '1', **given})}"
        )
        self.page.wait_for_selector(f"#tabs [aria-current][data-key='pabx-{dashboard}']")
        self.settled()

    def settled(self) -> None:
        """Wait until all is drawn, and has its size."""
        self.page.wait_for_selector("#panels[data-state=complete]")
        self.page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")

    def findings(self) -> list[str]:
        """What is wrong, all in all."""
        looked: list[str] = self.page.evaluate(LOOK)
        return [*self.wrong, *looked]

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self, expression: str) -> object:
        """Evaluate an expression of the element that has the focus, `it`."""
        return self.page.evaluate(f"((it) => {expression})(document.activeElement)")

    def focus_comes(self, expression: str) -> bool:
        """Whether the focus is, or comes soon, where an expression of `it` says."""
        until = monotonic() + SOON
        while not self.focused(expression):
            if monotonic() > until:
                return False
            sleep(0.05)
        return True

    def tab_to(self, selector: str, most: int = 200) -> None:
        """Press Tab until what has the focus matches."""
        for _ in range(most):
            if self.focused(f"it.matches({selector!r})"):
                return
            self.press("Tab")
        raise AssertionError(f"{most} times Tab do not lead to {selector}")

    def pills(self) -> list[str]:
        """The filters in force, as the page tells them."""
        return self.page.locator("#pills .pill > span").all_inner_texts()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != urlsplit(self._url).netloc:
            self.wrong.append(f"asked elsewhere: {request.url}")


@contextmanager
def window(browser: Browser, url: str, size: Size = LAPTOP, language: str = "pt-BR") -> Iterator[Window]:
    """Open a window of its own: nothing of another one is in it."""
    context = browser.new_context(
        viewport={"width": size.width, "height": size.height}, timezone_id=ZONE, locale=language
    )
    try:
        yield Window(context.new_page(), url)
    finally:
        context.close()
