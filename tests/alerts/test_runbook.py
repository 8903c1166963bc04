"""Both runbooks have an entry for every alert; their numbers are the thresholds, their commands exist."""

import argparse
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from central.alerts.files import LANGUAGES, RUNBOOKS, load
from central.alerts.thresholds import thresholds
from central.cli import _parser as central_parser
from central.usual.estimate import LEAST_CALLS
from central.usual.expectation import MOST_CALLS
from shipper.cli import _parser as shipper_parser

ROOT = Path(__file__).parents[2]
LIMITS = thresholds()
LABELS = {
    "pt-BR": ("Começa", "Termina", "Não é", "Olhe primeiro", "Resolve", "Quem"),
    "en": ("Begins", "Ends", "Is not", "First", "Mends it", "Concerns"),
}


def number(value: float, language: str) -> str:
    text = f"{value:g}"
    return text.replace(".", ",") if language == "pt-BR" else text


class Said(NamedTuple):
    """How a threshold is told: its value divided, then these words."""

    name: str
    english: str
    portuguese: str
    divided: float = 1

    @property
    def value(self) -> float:
        section, key = self.name.split(".")
        return LIMITS[section][key]

    def text(self, language: str) -> str:
        words = self.portuguese if language == "pt-BR" else self.english
        return words.replace("@", number(self.value / self.divided, language))


def minutes(name: str) -> Said:
    return Said(name, "@ minutes", "@ minutos", 60)


def seconds(name: str) -> Said:
    return Said(name, "@ seconds", "@ segundos")


def share(name: str) -> Said:
    return Said(name, "@ %", "@ %", 0.01)


def gigabytes(name: str) -> Said:
    return Said(name, "@ GB", "@ GB")


HEARD = seconds("agent_silent.seconds")
TOGETHER = (
    seconds("region_silent.seconds"),
    Said("region_silent.stores", "at least @ stores", "ao menos @ lojas"),
    share("region_silent.share"),
)
SAID: Mapping[str, tuple[Said, ...]] = {
    "chain_silent": TOGETHER,
    "region_silent": TOGETHER,
    "agent_silent": (HEARD, minutes("watch.grace_seconds")),
    "pbx_silent": (minutes("pbx_silent.seconds"), HEARD),
    "idle": (HEARD, minutes("idle.read_seconds"), seconds("watch.trouble_seconds")),
    "never_seen": (Said("never_seen.hours", "@ hours", "@ horas"),),
    "abroad": (
        Said("abroad.calls", "with @ such call", "com @ ligação dessas"),
        Said("abroad.minutes", "@ minutes", "@ minutos"),
    ),
    "cost_jump": (
        Said("cost_jump.hours", "in @ hours", "em @ horas"),
        Said("cost_jump.hours", "last @ hours", "últimas @ horas"),
        Said("cost_jump.times", "@ times", "@ vezes"),
        minutes("cost_jump.billable_seconds"),
        Said("cost_jump.cost", "at least @ (", "ao menos @ ("),
    ),
    "missed_rate": (
        Said("missed_rate.hours", "in @ hours", "em @ horas"),
        Said("missed_rate.hours", "last @ hours", "últimas @ horas"),
        Said("missed_rate.calls", "at least @ inbound calls", "ao menos @ ligações recebidas"),
        Said("missed_rate.missed", "at least @ were missed", "ao menos @ foram perdidas"),
        Said("missed_rate.times", "@ times its usual share", "@ vezes a parte de costume"),
        Said("missed_rate.deviations", "@ standard deviations", "@ desvios padrão"),
    ),
    "decline": (share("decline.share"), Said("decline.calls", "at least @ were", "ao menos @.")),
    "two_agents": (seconds("two_agents.seconds"),),
    "clock_wrong": (seconds("clock_wrong.seconds"),),
    "falling_behind": (minutes("falling_behind.seconds"),),
    "spool_filling": (share("spool_filling.share"),),
    "disk_filling": (share("disk_filling.share"), gigabytes("disk_filling.gigabytes")),
    "trunk_down": (),
    "trunk_saturated": (share("trunk_saturated.share"),),
    "refused": (),
    "gate_trouble": (
        minutes("gate_trouble.silent_seconds"),
        Said("gate_trouble.retries_per_minute", "@ or more retries", "@ ou mais repetições"),
        minutes("gate_trouble.waiting_seconds"),
        gigabytes("gate_trouble.free_gigabytes"),
        Said("gate_trouble.certificate_days", "within @ days", "menos de @ dias"),
    ),
    "audit_difference": (Said("audit_difference.days", "that @ day or more", "que @ dia ou mais"),),
    "quarantine": (Said("quarantine.documents", "with @ document", "com @ documento"),),
    "unregistered": (HEARD,),
    "watch_silent": (minutes("watch_silent.seconds"),),
    "usual_old": (Said("usual_old.days", "@ days", "@ dias"),),
}
ELSEWHERE = {
    "idle": (
        f"from {LEAST_CALLS:g} to {MOST_CALLS:g} calls",
        f"de {LEAST_CALLS:g} a {MOST_CALLS:g} ligações",
    ),
    "gate_trouble": ("for 30 days counts as taken away", "por 30 dias conta como desativada"),
}
"""Numbers that are no thresholds: they stand in the code."""
NOT_SAID = {"watch.silent_seconds", "reminder.minutes"}
"""The first is a part of the grouping; the second is told at the top of the page, as once a day."""
FINDINGS = [(one.finding, one.severity) for one in load("en")]


def page(language: str) -> str:
    return (ROOT / RUNBOOKS[language]).read_text(encoding="utf-8")


def entries(language: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", page(language), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (" ".join(text.split()) for text in parts[1::2]), strict=True))


def line(language: str, finding: str, label: str) -> str:
    found = re.search(rf"- \*\*{label}\*\*: (.*?)(?= - \*\*|$)", entries(language)[finding])
    assert found, f"{RUNBOOKS[language]}: {finding} lacks {label}"
    return found[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alert_has_its_entry_with_all_its_parts(language: str) -> None:
    assert list(entries(language)) == [finding for finding, _ in FINDINGS]
    for finding, text in entries(language).items():
        assert re.findall(r"- \*\*(.+?)\*\*:", text) == list(LABELS[language]), finding
        assert re.match(r"[A-Z`].{25,}?[.:]", text), f"{finding} does not begin with what it means"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_names_every_alert_with_its_severity(language: str) -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| (\d) \|", page(language), re.MULTILINE)
    assert rows == [(finding, finding, str(severity)) for finding, severity in FINDINGS]


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_lead_to_an_entry(language: str) -> None:
    for monitor in load(language):
        for name in ("opened", "reminder"):
            text = monitor.action(name)["message_template"]["source"]
            assert re.findall(rf"{re.escape(RUNBOOKS[language])}#(\S+)", text) == [monitor.finding]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("finding", SAID)
def test_the_numbers_are_the_thresholds(language: str, finding: str) -> None:
    begins, ends = LABELS[language][:2]
    text = f"{line(language, finding, begins)} {line(language, finding, ends)}"
    left = text
    for said in SAID[finding]:
        assert re.search(rf"(?<![\d.,]){re.escape(said.text(language))}", text), said.text(language)
        left = left.replace(said.text(language), "")
    for words in ELSEWHERE.get(finding, ()):
        left = left.replace(words, "")
    assert re.findall(r"\d+", left) == [], left


def test_every_threshold_is_told() -> None:
    told = {said.name for all_ in SAID.values() for said in all_}
    there = {f"{section}.{key}" for section, keys in LIMITS.items() for key in keys}
    assert there - told == NOT_SAID
    assert list(SAID) == [finding for finding, _ in FINDINGS]
    assert LIMITS["reminder"]["minutes"] == 24 * 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_exists(language: str) -> None:
    parsers: dict[str, Callable[[], argparse.ArgumentParser]] = {
        "central": central_parser,
        "shipper": shipper_parser,
    }
    named = [words.split() for words in re.findall(r"`((?:central|shipper) [a-z][^`]*)`", page(language))]
    assert len({" ".join(words) for words in named}) > 15
    for name, *words in named:
        unknown = list(_unknown(parsers[name](), words))
        assert not unknown, f"{name} {' '.join(words)}: {unknown}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_leads_somewhere(language: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page(language)):
        file, _, anchor = target.partition("#")
        assert not file or (ROOT / "docs" / file).is_file(), target
        assert not anchor or anchor in entries(language), target


def _unknown(parser: argparse.ArgumentParser, words: list[str]) -> Iterator[str]:
    """What of a command's words the parser does not have; values are not looked at."""
    for word in words:
        below = next((one for one in parser._actions if isinstance(one, argparse._SubParsersAction)), None)
        if word.startswith("--"):
            if word not in parser._option_string_actions:
                yield word
        elif below:
            if word not in below.choices:
                yield word
                return
            parser = below.choices[word]
