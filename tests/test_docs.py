"""What the documents say is complete: every command, option and setting stands in them."""

import argparse
import dataclasses
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from central import cli as central_cli
from shipper import cli
from shipper.config import Config

ROOT = Path(__file__).parents[1]
SHIPPER = (ROOT / "docs" / "shipper.md").read_text(encoding="utf-8")


def _settings(settings: type, prefix: str = "") -> Iterator[str]:
    for name, kind in typing.get_type_hints(settings).items():
        if dataclasses.is_dataclass(kind):
            yield from _settings(typing.cast("type", kind), f"{prefix}{name}.")
        else:
            yield prefix + name


def _commands() -> Iterator[tuple[str, str]]:
    for action in cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                for option in command._actions:
                    yield from ((name, text) for text in option.option_strings if text.startswith("--"))


@pytest.mark.parametrize("key", list(_settings(Config)))
def test_every_setting_is_explained(key: str) -> None:
    assert f"`{key}`" in SHIPPER


@pytest.mark.parametrize(("command", "option"), [pair for pair in _commands() if pair[1] != "--help"])
def test_every_option_is_explained(command: str, option: str) -> None:
    assert f"`shipper {command}" in SHIPPER
    assert option in SHIPPER


CENTRAL = {
    "install": "README.md",
    "rate": "docs/tariffs.md",
    "erase": "docs/privacy.md",
    "alerts": "docs/alerts.md",
    "audit": "docs/audit.md",
    "learn": "docs/alerts.md",
    "live": "docs/live.md",
    "tidy": "docs/live.md",
    "relate": "docs/relations.md",
    "routine": "docs/operations.md",
    "preview": "docs/dashboards.md",
}


def _central() -> Iterator[tuple[str, str]]:
    cluster = {"--url", "--user", "--password-file", "--ca-file", "--help"}
    for action in central_cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                for option in command._actions:
                    yield from (
                        (name, text) for text in option.option_strings if text not in {"-h", *cluster}
                    )


@pytest.mark.parametrize(("command", "option"), list(_central()))
def test_every_option_of_central_is_explained(command: str, option: str) -> None:
    page = (ROOT / CENTRAL[command]).read_text(encoding="utf-8")
    assert f"central {command}" in page or f"central --url http://127.0.0.1:9200 {command}" in page
    assert option in page


def _nested(name: str) -> Iterator[tuple[str, str]]:
    """Sub-commands of a command of `central`, each with its options."""
    choices = central_cli._parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    below = choices[name]._subparsers._group_actions[0].choices  # type: ignore[index]
    for sub, parser in below.items():
        yield from ((sub, text) for action in parser._actions for text in action.option_strings)


def test_every_part_of_the_gate_is_explained() -> None:
    page = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
    given = {"-h", "--help", "--gate", "--url", "--user", "--password-file", "--ca-file"}
    found = {(sub, option) for sub, option in _nested("gate") if option not in given}
    missing = {sub for sub, _ in _nested("gate") if f"central gate {sub}" not in page}
    missing |= {option for _, option in found if option not in page}
    assert missing <= {"--no-client-certificates", "--door"}  # the other way round of an option that is there


def test_every_part_of_the_alerts_is_explained() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    given = {"-h", "--help", "--url", "--user", "--password-file", "--ca-file"}
    found = {(sub, option) for sub, option in _nested("alerts") if option not in given}
    assert {sub for sub, _ in found} == {"watch", "test"}
    missing = {sub for sub, _ in found if f"central alerts {sub}" not in page}
    assert missing | {option for _, option in found if option not in page} == set()


def test_readme_names_every_folder() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in ("shipper", "central", "pipelines", "index_templates", "compose", "docs", "tests"):
        assert f"`{folder}/`" in readme, folder
