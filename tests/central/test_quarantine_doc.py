"""docs/quarantine.md: its output is what is printed, its commands are run, and no name is missing."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from central import cli
from central.assets import assets_root
from central.quarantine.kept import Kept
from central.quarantine.reasons import explain
from compose.stack import OpenSearchCluster
from tests.central.test_quarantine import Central, Quarantine, kept, key, row

pytestmark = pytest.mark.servers

PAGE = (Path(__file__).parents[2] / "docs" / "quarantine.md").read_text(encoding="utf-8")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def quarantine(cluster: OpenSearchCluster, central: Central) -> Quarantine:
    made = Quarantine(cluster, central)
    for number, store in ((1, "Loja001"), (2, "Loja001"), (3, "Loja002")):
        made.put(row(number, store, cdr={"duration": {}}), "pabx-cdr-2026.11")
    return made


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_list_prints_what_the_page_says(quarantine: Quarantine) -> None:
    command, expected = block("console").split("\n", 1)
    assert command == "$ central quarantine list"
    assert re.sub(TIME, "TIME", quarantine.run("list").out) == re.sub(TIME, "TIME", expected)


def test_every_command_runs(quarantine: Quarantine) -> None:
    quarantine.put(kept(row(4)))
    gate = {"rule": "gate.proof", "message": "store.id: not proved", "tag": "pabx.cdr"}
    quarantine.put(row(5) | {"gate": gate}, "pabx-cdr-2026.11")
    codes = []
    for line in block("sh").splitlines():
        program, name, *arguments = shlex.split(line.replace("4b0c1ad1…", key(4)))
        assert (program, name) == ("central", "quarantine")
        codes.append(quarantine._central("quarantine", *arguments, "--url", quarantine.node.url).code)
        quarantine.node.request("POST", "/pabx-*/_refresh")
    assert codes == [0, 0, 1, 0]  # what is refused again stays
    assert quarantine.where()["pabx-cdr-2026.11"] == [key(4), key(5)]


def test_no_name_is_missing(quarantine: Quarantine) -> None:
    said = [
        json.loads(quarantine.run("list", "--json").out),
        json.loads(quarantine.run("show", key(1), "--json").out),
        quarantine.release("--all", code=1),
    ]
    names = {name for body in said for name in body}
    names |= {name for body in said[:2] for part in body.values() for one in part for name in one}
    names |= {"id", "reason"}
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
    assert len(names) == 27


def test_every_option_is_explained() -> None:
    choices = cli._parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    below = choices["quarantine"]._subparsers._group_actions[0].choices  # type: ignore[index]
    options = {
        option
        for command in below.values()
        for action in command._actions
        for option in action.option_strings
    }
    options -= {"-h", "--help", "--url", "--user", "--password-file", "--ca-file"}
    assert len(options) == 7
    assert {option for option in options if f"`{option}" not in PAGE} == set()


def refused(stage: str, rule: str, message: str = "") -> Kept:
    source: dict[str, Any] = {"quarantine": {"stage": stage, "rule": rule}, "error": {"message": message}}
    return Kept("pabx-quarantine-2026.11", "x", 0, 1, source)


def test_every_rule_of_the_gate_is_explained() -> None:
    script = (assets_root() / "pipelines" / "fluent-bit" / "gate.lua").read_text(encoding="utf-8")
    rules = set(re.findall(r'"(gate\.[a-z_]+)"', script))
    assert len(rules) >= 11
    assert {rule for rule in rules if explain(refused("gate", rule)).means == "the gate refused it"} == set()


def test_every_message_of_the_check_is_explained() -> None:
    folder = Path(cli.__file__).parent / "generate" / "painless"
    script = (folder / "check.painless").read_text(encoding="utf-8")
    messages = [
        "".join(part[1:-1] if part[0] == "'" else "x" for part in thrown.split(" + "))
        for thrown in re.findall(r"new IllegalArgumentException\((.+)\);", script)
        if "'" in thrown
    ]
    assert len(messages) >= 9
    means = {message: explain(refused("ingest", "check", message)).means for message in messages}
    assert {text for text, words in means.items() if words.startswith("the cluster refused it")} == set()
