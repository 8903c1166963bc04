"""The command ``python -m deploy.artefact``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.artefact.build import BuildError, build


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the agent.

    Returns:
        0 done, 1 it cannot be built.
    """
    parser = argparse.ArgumentParser(
        prog="python -m deploy.artefact", description="Builds the agent as one file.", allow_abbrev=False
    )
    parser.add_argument("--output", type=Path, default=Path("dist"), metavar="DIR", help="default: dist")
    options = parser.parse_args(arguments)
    try:
        made = build(options.output)
    except BuildError as error:
        print(f"artefact: {error}", file=sys.stderr)
        return 1
    print(f"{made.path}: {made.files} files, {made.size / 1e6:.1f} MB, sha256 {made.sha256}")
    return 0
