"""docs/stores.md: its files, commands and outputs are run as they stand there, and no name is missing."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central import cli
from central.stores.reading import COLUMNS
from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
PAGE = (Path(__file__).parents[2] / "docs" / "stores.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def url(cluster: OpenSearchCluster) -> Iterator[str]:
    """A cluster without a register, and none left behind."""
    if "pabx-register" in cluster.request("GET", "/_ingest/pipeline"):
        cluster.request("DELETE", "/_ingest/pipeline/pabx-register")
    yield cluster.url
    cluster.request("DELETE", "/_ingest/pipeline/pabx-register")


def test_every_command_runs_and_gives_what_the_page_says(url: str, central: Central, folder: Path) -> None:
    (folder / "stores.csv").write_text(blocks("csv")[0], encoding="utf-8")
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    outcomes = []
    for program, *arguments in commands:
        assert program == "central"
        outcomes.append(central(*arguments, "--url", url))
        assert (outcomes[-1].code, outcomes[-1].err) == (0, "")
    dry, first, second, third, table, listed = outcomes
    expected = blocks("text")[0].replace("https://search.example:9200", url)
    assert first.out == expected
    assert dry.out.endswith("; nothing was changed (--dry-run)\n")
    assert "0 created, 0 changed, 2 unchanged; names for documents: unchanged" in second.out
    assert table.out.endswith("2 registered, 0 not\n")
    names = {*json.loads(third.out), *json.loads(listed.out)["stores"][0], "stores"}
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
    assert json.loads(listed.out)["stores"][0]["name"] == "Loja Paulista"


def test_the_wrong_file_gives_what_the_page_says(central: Central, folder: Path) -> None:
    (folder / "stores.csv").write_text(blocks("csv")[1], encoding="utf-8")
    outcome = central("stores", "apply", "stores.csv", "--url", "http://127.0.0.1:9")
    assert (outcome.code, outcome.out, outcome.err) == (2, "", blocks("text")[1])


def test_every_column_and_option_is_explained() -> None:
    assert {column for column in COLUMNS if f"`{column}`" not in PAGE} == set()
    commands = cli._parser()._subparsers._group_actions[0].choices["stores"]._subparsers._group_actions[0]
    found = {
        (name, option)
        for name in ("apply", "list", "inventory", "enrol", "revoke")
        for action in commands.choices[name]._actions
        for option in action.option_strings
    }
    cluster = {"--url", "--user", "--password-file", "--ca-file", "--help", "-h"}
    asked = {f"central stores {name}.*{option}" for name, option in found if option not in cluster}
    assert {pattern for pattern in asked if not re.search(pattern, PAGE)} == set()
    assert len(asked) == 15
