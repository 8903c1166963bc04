# -*- coding: utf-8 -*-
"""The ``__main__.py`` of the agent.

It must be parsed by whatever Python a machine has, 2.7 included, so that an old one is told in one line, not
by a syntax error: nothing newer is imported before its version is known.
"""

import sys

NEEDED = (3, 11)


def too_old(version, name):
    # type: (tuple[int, int], str) -> str
    """What to tell a machine whose Python cannot run the agent; empty where it can.

    Args:
        version: (major, minor) of the Python that runs this.
        name: How the agent was called.
    """
    if version >= NEEDED:
        return ""
    text = "shipper: needs Python {0}.{1} or newer, this is {2}.{3}: run it with a newer one, python3.11 {4}"
    return text.format(NEEDED[0], NEEDED[1], version[0], version[1], name)


def main():
    # type: () -> int
    """Run the agent; its exit code, or 2 where this Python is too old."""
    trouble = too_old((sys.version_info[0], sys.version_info[1]), sys.argv[0])
    if trouble:
        sys.stderr.write(trouble + "\n")
        return 2
    from deploy.entry import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
