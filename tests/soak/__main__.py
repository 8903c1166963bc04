"""``make soak HOURS=n``: the fault and property tests in their long form, each time with other chances.

Rounds of kills with a new seed, in turn with simulated calls judged against their truth and the property
tests at a thousand examples each, until the time is over. Ends at the first fault and names the seed that
finds it again.
"""

import argparse
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

from tests.assembly import scale
from tests.gate import long
from tests.servers import new_server_dir
from tests.shipper.chaos import Chaos

ROWS_PER_STORE = 50_000
ROUNDS = 10
STORES = 3
JUDGED_ROWS = 200_000
PROPERTIES = (
    "tests/shipper/test_reader_properties.py",
    "tests/shipper/test_document.py",
    "tests/shipper/test_clock.py",
)


def main() -> int:
    """Run until the time is over; 0 without a fault."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__, allow_abbrev=False)
    parser.add_argument("--hours", type=float, default=0.25, metavar="N", help="how long (default 0.25)")
    parser.add_argument("--seed", type=int, help="run the kills once with this seed, and nothing else")
    options = parser.parse_args()
    if options.seed is not None:
        return 0 if _kills(options.seed) else 1
    end = time.monotonic() + options.hours * 3600
    rounds = 0
    while time.monotonic() < end:
        seed = secrets.randbelow(1_000_000)
        if not (_kills(seed) and _gate(seed) and _calls(seed) and _properties()):
            return 1
        rounds += 1
        print(f"soak: {rounds} rounds without a fault", flush=True)
    return 0


def _kills(seed: int) -> bool:
    print(f"soak: kills with seed {seed}", flush=True)
    with new_server_dir() as folder:
        found = Chaos(Path(folder), STORES, seed).run(ROWS_PER_STORE, ROUNDS)
    for store, table, index in found:
        verdict = "equal" if table == index else "DIFFERENT"
        print(f"  {store}: {table.rows} rows, {index.rows} documents, {verdict}")
    if any(table != index for _, table, index in found):
        print(f"soak: a fault; find it again with: python -m tests.soak --seed {seed}", file=sys.stderr)
        return False
    return True


def _gate(seed: int) -> bool:
    print(f"soak: the gate's faults with seed {seed}", flush=True)
    again = ["--stores", "4", "--rows", "10000", "--rounds", "5", "--seed", str(seed)]
    if long.main(again):
        print(
            f"soak: a fault; find it again with: python -m tests.gate.long {' '.join(again)}", file=sys.stderr
        )
        return False
    return True


def _calls(seed: int) -> bool:
    print(f"soak: {JUDGED_ROWS} rows put together to calls, with seed {seed}", flush=True)
    again = ["--rows", str(JUDGED_ROWS), "--seed", str(seed)]
    if scale.main(again):
        command = f"python -m tests.assembly.scale {' '.join(again)}"
        print(f"soak: a fault; find it again with: {command}", file=sys.stderr)
        return False
    return True


def _properties() -> bool:
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "soak"}
    command = [sys.executable, "-m", "pytest", "-q", "--timeout=0", *PROPERTIES]
    return subprocess.run(command, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
