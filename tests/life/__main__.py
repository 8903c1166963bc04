"""The long form: ``python -m tests.life [--cuts 10] [--seed N] [--upgrade]``.

Power cuts, one PC for each kind of disk each time; ``--upgrade`` fetches the older MariaDB for the test that
upgrades it, and runs that test.
"""

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from compose.stack import QUICK_START, MariaDB, OpenSearchCluster
from tests.gate.running import BINARY, Gate
from tests.life import older
from tests.life.pc import HeadOffice, StorePc
from tests.life.power import Machine, Torn, power_cut
from tests.life.torn import HONEST, KINDS
from tests.servers import cdr_database_on, new_server_dir
from tests.shipper.running import central_install


def cuts(folder: Path, number: int, seed: int) -> bool:
    """So many power cuts; True where everything came back each time and the audits are clean."""
    chance = random.Random(seed)
    moved: Counter[str] = Counter()
    with (
        MariaDB(folder / "mariadb") as mariadb,
        OpenSearchCluster(folder / "opensearch", jvm_options=QUICK_START) as cluster,
        ExitStack() as end,
    ):
        central_install(cluster)
        gate = None if BINARY is None else Gate(folder / "gates", cluster)
        office = HeadOffice(cluster, gate)
        end.callback(office.close)
        office.open()
        for cut in range(1, number + 1):
            with ExitStack() as pcs:
                torn = []
                for place, (kind, tear) in enumerate(KINDS.items(), 1):
                    store = f"Cut{cut:03d}Loja{place:03d}"
                    database = pcs.enter_context(cdr_database_on(mariadb))
                    machine = Machine(folder / "machines" / store, chance)
                    pc = StorePc(folder / store, database, office, store, prefix=machine.prefix)
                    pcs.callback(pc.off)
                    torn.append(Torn(pc, machine, kind, tear))
                    pc.on()
                power_cut(torn, chance, office.close, office.open)
                for one in torn:
                    one.pc.delivered(180)
                    one.pc.counted()
                    moved[one.kind] += one.moved
            found = office.audit()
            assert (found["days"], found["silent"]) == ([], [])
            print(f"  cut {cut}: all {len(torn)} PCs came back, the audit is clean")
    for kind in KINDS:
        print(f"  {kind:<22}{moved[kind]:>4} of {number} spools were damaged, moved aside and begun anew")
    return not any(moved[kind] for kind in HONEST)


def main(arguments: list[str] | None = None) -> int:
    """Run it once; 0 where all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.life", description=__doc__, allow_abbrev=False)
    parser.add_argument("--cuts", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--upgrade", action="store_true", help="the test of MariaDB's upgrade instead")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    if options.upgrade:
        print(f"  MariaDB {older.VERSION} at {older.home()}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", "tests/life/test_life.py", "-k", "older_version"]
        return subprocess.run(command, check=False).returncode
    with new_server_dir() as folder:
        well = cuts(folder, options.cuts, options.seed)
    print(f"  {time.monotonic() - began:.0f} s")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
