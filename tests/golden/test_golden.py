"""Every case of the golden files through MariaDB, the agent, the pipeline and the index."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from compose.stack import OpenSearchCluster
from shipper.schema import load
from tests.golden import cases
from tests.golden.documents import differences, shown
from tests.golden.running import insert, of_case, read_back, ship
from tests.servers import CdrDatabase
from tests.shipper.running import central_install

STORES = cases.stores()
PERSONAL = ("98765432", "98765-432", "97777666", "Conceição", "Antônio", "Almeida", "Ana Souza", "Bruno Lima")
"""What is in the rows of the stores that hide numbers and names: a number but for its last digit, names."""


@pytest.mark.servers
@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_store_gives_the_expected_documents(
    store: cases.GoldenStore,
    make_cdr_database: Callable[[], CdrDatabase],
    indices: OpenSearchCluster,
    tmp_path: Path,
) -> None:
    central_install(indices)
    database = make_cdr_database()
    rows = insert(store, database)
    ran = ship(store, database, indices, tmp_path)
    assert ran.code == 0, ran.err
    hits = read_back(indices)
    assert [hit["_source"] for hit in hits if hit["_index"].startswith("pabx-quarantine")] == []

    wrong = [name for hit in hits for name in _not_declared(hit)]
    assert wrong == []
    different: list[str] = []
    attributed = 0
    for case in store.cases:
        mine = of_case(case, hits)
        attributed += len(mine)
        different.append(differences(case, shown(store, case, mine)))
    text = "\n".join(filter(None, different))
    assert not text, text
    assert attributed == len(hits), "each document comes from the rows of one case"
    assert sum("cdr" in hit["_source"] for hit in hits) == rows


def test_there_is_a_case_for_each_expected_file() -> None:
    files = {file for store in STORES for file in store.folder.glob("*.json")}
    assert files == {case.expected_file for store in STORES for case in store.cases}


def test_nothing_personal_is_expected_where_it_is_to_be_hidden() -> None:
    hidden = [store for store in STORES if store.settings.get("privacy", {}).get("mode", "clear") != "clear"]
    assert hidden
    for store in hidden:
        for case in store.cases:
            rows = case.file.read_text(encoding="utf-8")
            text = case.expected_file.read_text(encoding="utf-8")
            assert [word for word in PERSONAL if word in rows], f"{case.file} has nothing to hide"
            assert [word for word in PERSONAL if word.casefold() in text.casefold()] == []


def test_two_cases_must_not_share_a_uniqueid(tmp_path: Path) -> None:
    rows = (STORES[0].cases[0].file).read_text(encoding="utf-8")
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(rows, encoding="utf-8")
    (tmp_path / "store.toml").write_bytes((STORES[0].folder / "store.toml").read_bytes())
    with pytest.raises(cases.CaseError, match=r"two\.csv: row 1: linkedid \S+ is used by one\.csv too"):
        cases.stores(root=tmp_path.parent, names=[tmp_path.name])


def _not_declared(hit: dict[str, Any]) -> list[str]:
    """What the document's schema says against it; empty where it says nothing."""
    kind = "cdr" if hit["_index"].startswith("pabx-cdr") else "call"
    assert "ingested" in hit["_source"]["event"]
    errors = jsonschema.Draft7Validator(load(kind)).iter_errors(hit["_source"])
    return [f"{hit['_index']} {hit['_id']}: {error.json_path}: {error.message}" for error in errors]
