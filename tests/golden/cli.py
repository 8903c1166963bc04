"""``python -m tests.golden [--generate] [STORE ...]``: compares the golden files, or writes them anew."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from compose.stack import QUICK_START, MariaDB, OpenSearchCluster
from tests.golden.cases import CaseError, GoldenStore, stores
from tests.golden.documents import differences, shown, text_of
from tests.golden.running import insert, of_case, read_back, ship
from tests.servers import cdr_database_on, new_server_dir
from tests.shipper.running import central_install


def main() -> int:
    """Run it; exit code 0 where all files are as they should be, 1 where some differ, 2 for a wrong file."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__, allow_abbrev=False)
    parser.add_argument("--generate", action="store_true", help="write what came out into the files")
    parser.add_argument("stores", nargs="*", metavar="STORE", help="a folder of tests/golden; default: all")
    arguments = parser.parse_args()
    try:
        chosen = stores(arguments.stores)
    except CaseError as error:
        print(error, file=sys.stderr)
        return 2
    different = 0
    with ExitStack() as servers:
        folder = servers.enter_context(new_server_dir())
        mariadb = servers.enter_context(MariaDB(folder / "mariadb"))
        cluster = servers.enter_context(OpenSearchCluster(folder / "opensearch", jvm_options=QUICK_START))
        central_install(cluster)
        for store in chosen:
            cluster.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")
            place = folder / store.name
            place.mkdir()
            different += _store(store, mariadb, cluster, place, generate=arguments.generate)
    return 1 if different and not arguments.generate else 0


def _store(
    store: GoldenStore, mariadb: MariaDB, cluster: OpenSearchCluster, place: Path, *, generate: bool
) -> int:
    """Run one store; gives how many of its files differ from what came out."""
    with cdr_database_on(mariadb) as database:
        insert(store, database)
        ran = ship(store, database, cluster, place)
    print(f"{store.name}: {len(store.cases)} cases; {ran.out.strip() or ran.err.strip()}")
    if ran.code:
        return len(store.cases)
    hits = read_back(cluster)
    different = 0
    for case in store.cases:
        found = shown(store, case, of_case(case, hits))
        lines = differences(case, found)
        if not lines:
            continue
        different += 1
        if generate:
            print(f"  {'changed' if case.expected else 'new'}: {case.expected_file}")
            case.expected_file.write_text(text_of(found), encoding="utf-8")
        else:
            print(lines)
    for hit in hits:
        if hit["_index"].startswith("pabx-quarantine"):
            print(f"  in the quarantine: {hit['_source']['error']['message']}")
    return different
