"""``python -m tests.golden``."""

from tests.golden.cli import main

raise SystemExit(main())
