"""Command line of the generator; the only place of it that prints."""

import argparse
import sys
from collections.abc import Sequence

from central.generate.main import differing, write


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the generated files, or with `--check` name those that are not up to date.

    Raises:
        SystemExit: 1 when `--check` found a difference, 2 on wrong usage.
    """
    parser = argparse.ArgumentParser(prog="python -m central.generate", allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file differs")
    options = parser.parse_args(arguments)
    if not options.check:
        for name in write():
            print(f"written: {name}")
        return
    names = differing()
    for name in names:
        print(f"{name}: not as generated from shipper/schema; run: make generate", file=sys.stderr)
    if names:
        sys.exit(1)
