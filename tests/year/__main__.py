"""``python -m tests.year``: lets a year pass and prints what was found, how late, and what was false."""

import argparse
import time

from tests.year.table import lines
from tests.year.year import year


def main() -> None:
    """Run it and print the tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.year", description=__doc__, allow_abbrev=False)
    parser.add_argument("--stores", type=int, default=140)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tell", action="store_true", help="name each false alarm")
    given = parser.parse_args()
    began = time.monotonic()
    verdict = year(given.stores, given.days, given.seed)
    for line in lines(verdict):
        print(line)
    print(f"\n{verdict.holidays} holidays of stores; {verdict.while_closed} alarms while a store was closed")
    for line in verdict.told if given.tell else ():
        print(line)
    print(f"{time.monotonic() - began:.0f} s")


main()
