"""`python -m dashboards.check`."""

from dashboards.check.cli import main

main()
