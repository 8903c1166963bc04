"""The long form of the gate's faults: `python -m tests.gate.long [--stores 8] [--rows 19000] [--rounds 10]`.

With the numbers given, more than 200,000 documents: 152,000 rows and the calls that they make.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.gate.chaos import GateChaos
from tests.gate.running import ABSENT, BINARY
from tests.servers import new_server_dir


def main(arguments: list[str] | None = None) -> int:
    """Run it once; 0 where every store's rows and calls are in the index, once."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.gate.long", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--stores", type=int, default=8, metavar="N")
    parser.add_argument("--rows", type=int, default=19_000, metavar="N", help="of each store")
    parser.add_argument("--rounds", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=7, metavar="N")
    options = parser.parse_args(arguments)
    if BINARY is None:
        print(f"gate: {ABSENT}")
        return 0
    began = time.monotonic()
    with new_server_dir() as folder:
        chaos = GateChaos(Path(folder), options.stores, options.seed)
        found = chaos.run(options.rows, options.rounds)
    for store, table, index in found:
        verdict = "equal" if table == index else "DIFFERENT"
        print(f"  {store}: {table.rows} rows, {index.rows} documents, {verdict}")
    for what, times in sorted(chaos.injected.items()):
        print(f"  {times:4} times {what}")
    documents = sum(index.rows for _, _, index in found) + chaos.calls
    print(f"  {documents} documents, {chaos.calls} of them calls; {time.monotonic() - began:.0f} s")
    return 0 if all(table == index for _, table, index in found) else 1


if __name__ == "__main__":
    sys.exit(main())
