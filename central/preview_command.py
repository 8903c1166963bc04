"""`central preview`: its options, and the page's server."""

import argparse
import logging
from collections.abc import Iterator
from typing import Final

from central.client import Connection, connect
from central.errors import UsageError
from central.preview import files
from central.preview.asking import asking
from central.preview.server import Preview, Server
from central.saved_objects.files import LANGUAGES

DESCRIPTION: Final = (
    "The dashboards as a web page, where no OpenSearch Dashboards runs: made from the same saved objects. "
    "It only reads, and shows whoever can reach it what the given user may see: hence only this machine, "
    "unless --listen says otherwise."
)
_PORT: Final = 5602


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `central preview`."""
    parser.add_argument("--port", type=int, default=_PORT, help=f"that it listens on (default: {_PORT})")
    parser.add_argument(
        "--listen", metavar="ADDRESS", default="127.0.0.1", help="what it is bound to (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default=LANGUAGES[0],
        help=f"that the page begins with (default: {LANGUAGES[0]})",
    )
    parser.set_defaults(lines=told)


def told(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Serve the page until Ctrl-C.

    Raises:
        UsageError: Vega is not installed, or the address cannot be listened on.
        CentralError: the cluster does not answer, or the saved objects are missing.
    """
    objects = files.load_objects()
    files.vega()
    client = connect(connection)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    patterns = {title for each in objects.values() for title in each.titles()}
    ask = asking(client, connection, sorted(patterns))
    preview = Preview(ask, objects, files.static(), files.vega, given.language)
    try:
        server = Server((given.listen, given.port), preview)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"cannot listen on {given.listen}:{given.port}: {error}: correct --listen or --port"
        ) from error
    yield f"{server.url} shows the dashboards of {connection.url} until Ctrl-C"
    if server.open_to_others:
        yield "other machines can reach it: whoever opens it sees all that this user may see"
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return
    finally:
        server.server_close()
