"""`central live`: its options, and what it tells."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from central.client import Connection, connect
from central.errors import CentralError
from central.live.read import Picture, read
from central.live.show import as_dict, lines
from central.quarantine.printed import as_json

DESCRIPTION: Final = (
    "The calls that go on now, store by store: who rings, waits, talks and is on hold. Says which stores it "
    "does not hear, so that a silence is not taken for quiet."
)
_PAUSE_SECONDS: Final = 1.0
# To the corner, and away with what stands below it: no flicker.
_REDRAW: Final = "\x1b[H\x1b[J"
_CLEAR: Final = "\x1b[2J"


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `central live`."""
    parser.add_argument("--store", metavar="ID", help="only this store")
    parser.add_argument("--region", metavar="REGION", help="only the stores of this region")
    parser.add_argument("--follow", action="store_true", help="draw it anew each second, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="as JSON; with --follow one line each time")
    parser.set_defaults(lines=told)


def told(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """The picture of now as asked for, or one after the other until Ctrl-C."""
    client = connect(connection)

    def look() -> Picture:
        return read(client, connection, given.store, given.region)

    if not given.follow:
        picture = look()
        if given.json:
            yield as_json(as_dict(picture))
        else:
            yield from lines(picture)
        return
    screen = sys.stdout.isatty() and not given.json
    first = look()  # a wrong address or password ends it
    try:
        if screen:
            yield _CLEAR
        yield _frame(first, given, screen=screen)
        while True:
            time.sleep(_PAUSE_SECONDS)
            try:
                yield _frame(look(), given, screen=screen)
            except CentralError as error:
                # A panel on the wall outlives the cluster's restart; what it showed is not true any more.
                yield _line({"error": str(error)}) if given.json else f"{_REDRAW * screen}{error}"
    except KeyboardInterrupt:
        return


def _frame(picture: Picture, given: argparse.Namespace, *, screen: bool) -> str:
    if given.json:
        return _line(as_dict(picture))
    return _REDRAW * screen + "\n".join(lines(picture))


def _line(body: dict[str, Any]) -> str:
    return json.dumps(body)
