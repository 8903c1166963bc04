"""Where the one file begins: it is the agent, and its own installer."""

import sys
from collections.abc import Sequence
from typing import Final

INSTALLER: Final = frozenset(("install", "uninstall", "upgrade", "rollback", "keep-alive", "verify"))
"""The commands of ``deploy.linux``; all others are the agent's."""
_MORE: Final = f"Of the installer, each with --help of its own: {', '.join(sorted(INSTALLER))}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the installer or of the agent.

    Args:
        arguments: Without the program's name; None: those of this process.

    Returns:
        0 done, 1 something failed, 2 wrong usage or configuration.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Each takes time to load, and memory that a running agent would keep.
    if given and given[0] in INSTALLER:
        from deploy.linux.cli import main as install  # noqa: PLC0415

        return install(given)
    from shipper.cli import main as run  # noqa: PLC0415

    return run(given, _MORE)
