"""Where to go on: lines that can be pasted into a shell."""

from collections.abc import Iterator
from pathlib import Path

from compose.demo.documents import CALLS, ROWS, Documents

TRANSFERRED = {"term": {"call.transferred": True}}
SEVERAL_ROWS = {"range": {"call.legs": {"gt": 2}}}


def lines(documents: Documents, url: str, config: Path) -> Iterator[str]:
    """What to look at next.

    Args:
        documents: The demo's; a call that was transferred is taken from them as an example.
        url: Of the cluster.
        config: A store's ``shipper.toml``.
    """
    _, call = documents.latest(TRANSFERRED, SEVERAL_ROWS)
    if call:
        key, rows = call["call"]["id"], f"its {call['call']['legs']} rows"
        host = url.removeprefix("http://")
        yield f"one call      curl '{host}/{CALLS}/_search?pretty&q=call.id:{key}'"
        yield f"{rows:<14}curl '{host}/{ROWS}/_search?pretty&q=call.id:{key}'"
    yield f"an agent      .venv/bin/shipper status --config {_short(config)}"
    yield f"the cluster   curl '{url}/_cat/indices/pabx-*?v'"
    yield "calls of now  DEMO_LIVE=60 make demo"
    yield "stop it       make down"


def _short(path: Path) -> str:
    """A path as a shell takes it, without the length of one's home."""
    home = str(Path.home()) + "/"
    return str(path).replace(home, "~/", 1) if str(path).startswith(home) else str(path)
