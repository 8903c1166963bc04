"""`python -m central.generate`."""

from central.generate.cli import main

main()
