"""Runs the command line."""

import sys

from compose.stack.cli import main

sys.exit(main())
