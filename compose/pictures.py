"""`make pictures`: the pictures of README and docs, taken of the running demo's dashboards in Chromium."""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from compose.demo.screens import NAME
from compose.stack import StackError, state
from compose.stack.paths import cache_dir

BROWSERS: Final = ("chromium", "google-chrome", "chromium-browser")
WIDTH, HEIGHT, MARGIN = 1366, 1200, 8
"""Of a picture, px: it ends below the last row of panels of which nothing is lost."""
ZONE: Final = "America/Sao_Paulo"
MOST_BYTES: Final = 250_000
_DEMO: Final = "run make demo, and leave its servers running"


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        dashboard: its key, such as `overview`.
        days: that it shows, up to the last one of the calls.
        language: of the page.
        of_one: it is of the store with most calls.
    """

    dashboard: str
    days: int
    language: str = "pt-BR"
    of_one: bool = False

    @property
    def file(self) -> str:
        """Its name."""
        return f"{self.dashboard}{'' if self.language == 'pt-BR' else f'-{self.language}'}.png"


PICTURES: Final = (
    Picture("overview", 7),
    Picture("costs", 28),
    Picture("peaks", 28),
    Picture("missed", 7),
    Picture("live", 1),
    Picture("store", 7, of_one=True),
    Picture("fleet", 7),
    Picture("overview", 7, language="en"),
)


@dataclass(frozen=True)
class Calls:
    """What the pictures are to show.

    Attributes:
        until: the end of the last day with calls.
        store: the name of the one with most calls.
    """

    until: datetime
    store: str


def take(preview: str, calls: Calls, folder: Path) -> Iterator[tuple[Path, int]]:
    """Take all pictures; gives each file and its bytes.

    Args:
        preview: the page's address.
        calls: what they are to show.
        folder: where they are put.

    Raises:
        StackError: there is no browser, or a dashboard shows an error.
    """
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 -- a dev dependency, told where absent
    except ImportError as error:
        raise StackError("playwright is not installed: run make setup") from error
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    if binary is None:
        raise StackError(f"no browser is on PATH ({', '.join(BROWSERS)}): install one of them")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, timezone_id=ZONE)
        for one in PICTURES:
            page.goto("about:blank")
            page.goto(preview + hash_of(one, calls))
            page.wait_for_selector("#panels[data-state=complete]")
            if page.locator(".note.failed").count():
                told = page.locator(".note.failed").first.inner_text()
                raise StackError(f"{preview}{hash_of(one, calls)} shows an error: {told}")
            bottoms: list[float] = page.evaluate(
                "[...document.querySelectorAll('.panel')].map((one) => one.getBoundingClientRect().bottom)"
            )
            end = max((each for each in bottoms if each + MARGIN <= HEIGHT), default=HEIGHT - MARGIN)
            file = folder / one.file
            clip = {"x": 0.0, "y": 0.0, "width": float(WIDTH), "height": end + MARGIN}
            page.screenshot(path=file, clip=clip)  # type: ignore[arg-type]  # a TypedDict of just these
            yield file, file.stat().st_size
        browser.close()


def hash_of(one: Picture, calls: Calls) -> str:
    """The part of the address that says what the page shows, as it writes it itself."""
    given = {
        "l": one.language,
        "from": (calls.until - timedelta(days=one.days)).isoformat(),
        "to": calls.until.isoformat(),
        "paused": "1",
    }
    if one.of_one:
        chosen = {
            "field": "store.name",
            "values": [calls.store],
            "label": "Loja",
            "control": True,
            "pinned": True,
        }
        given["f"] = json.dumps([chosen])
    return f"#/view/pabx-{one.dashboard}?{urlencode(given)}"


def calls_of(cluster: str) -> Calls:
    """Ask a cluster what the pictures are to show.

    Raises:
        StackError: it has no calls.
    """
    aggs = {
        "last": {"max": {"field": "@timestamp"}},
        "stores": {"terms": {"field": "store.name", "size": 1}},
    }
    body = json.dumps({"size": 0, "aggs": aggs}).encode()
    request = Request(  # noqa: S310 -- the demo's own cluster
        f"{cluster}/pabx-calls-*/_search", body, {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=60) as answer:  # noqa: S310 -- the same
        found: dict[str, Any] = json.load(answer)["aggregations"]
    if found["last"]["value"] is None:
        raise StackError(f"{cluster} has no calls: {_DEMO}")
    # To the end of the day in Brazil, which is 3 hours behind.
    last = datetime.fromtimestamp(found["last"]["value"] / 1000, UTC) - timedelta(hours=3)
    until = last.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1, hours=3)
    return Calls(until, found["stores"]["buckets"][0]["key"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the pictures; 0 where all are there and none is too large."""
    options = _parser().parse_args(arguments)
    right = True
    try:
        preview = options.preview or _running(NAME)
        cluster = options.cluster or _running("OpenSearch")
        for file, size in take(preview, calls_of(cluster), options.into):
            small = size <= MOST_BYTES
            right &= small
            print(f"{file} {size // 1000} KB{'' if small else f': more than {MOST_BYTES // 1000}'}")
    except (StackError, OSError) as error:
        print(f"pictures: {error}", file=sys.stderr)
        return 1
    return 0 if right else 1


def _running(name: str) -> str:
    """Where the demo has left something running."""
    left = state.read(cache_dir() / "up" / "state.json")
    for one in left:
        if one.name.startswith(name):
            return one.url
    raise StackError(f"nothing named {name} is running: {_DEMO}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__, allow_abbrev=False)
    parser.add_argument("--preview", metavar="URL", help="of the page (default: the running demo's)")
    parser.add_argument("--cluster", metavar="URL", help="behind it (default: the running demo's)")
    parser.add_argument("--into", type=Path, default=Path("docs/pictures"), metavar="FOLDER")
    return parser


if __name__ == "__main__":
    sys.exit(main())
