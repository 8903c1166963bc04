"""`central alerts` as people run it: what it prints, its JSON, its exit codes, wrong files of channels."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from central import alerts_command
from central.alerts.files import load
from compose.stack import OpenSearchCluster
from tests.alerts.bodies import store
from tests.alerts.receiver import Receiver
from tests.alerts.scene import Ago, change, seed
from tests.central.outcome import Outcome

Central = Callable[..., Outcome]


@pytest.fixture
def silent(node: OpenSearchCluster) -> OpenSearchCluster:
    """A node with a silent store, one whose clock is wrong, and one that is well."""
    known = {"watch": None, "usual": {"learned_at": Ago(0)}}
    stores = [
        store("Loja001", last_seen=Ago(3600), **known),
        store("Loja002", clock_offset_seconds=900, **known),
        store("Loja003", **known),
    ]
    seed(node.url, stores, time.time())
    return node


@pytest.mark.servers
def test_alerts_are_listed_with_what_to_check(silent: OpenSearchCluster, central: Central) -> None:
    found = central("alerts", "--url", silent.url, "--dashboards-url", "https://paineis.example")
    assert (found.code, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[0].startswith("1 agent_silent  Loja001,Loja Centro  since 20")
    assert lines[1] == "    Cidade: São Paulo"
    (second,) = (
        number for number, line in enumerate(lines) if line.startswith("3 clock_wrong  Loja002,Loja 002")
    )
    assert "    1. Sincronize a hora do Windows; depois, no WSL: hwclock -s" in lines[second:]
    assert sum(line.startswith("    Painel: https://paineis.example/app/") for line in lines) == 2
    assert lines[-1] == "2 alerts; 24 of 24 monitors ran"
    change(silent.url, "Loja001", {"last_seen": Ago(1)}, time.time())
    english = central("alerts", "--url", silent.url, "--language", "en").out.splitlines()
    assert english[-1] == "1 alert; 24 of 24 monitors ran"
    assert "    Off by seconds (positive: ahead): 900" in english


@pytest.mark.servers
def test_as_json(silent: OpenSearchCluster, central: Central) -> None:
    found = central("alerts", "--json", "--url", silent.url)
    assert (found.code, found.err) == (0, "")
    told = json.loads(found.out)
    assert (told["monitors"], told["failed"]) == (24, [])
    first, second = told["alerts"]
    assert {key: first[key] for key in ("finding", "severity", "key", "name", "monitor")} == {
        "finding": "agent_silent",
        "severity": 1,
        "key": "Loja001",
        "name": "Loja Centro",
        "monitor": "PABX agent_silent",
    }
    assert first["message"].startswith("ALERTA Loja001,Loja Centro: ")
    assert first["since"] is not None
    assert (second["finding"], second["key"]) == ("clock_wrong", "Loja002")


@pytest.mark.servers
def test_a_monitor_that_fails_is_named_and_the_exit_code_says_so(
    silent: OpenSearchCluster, central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitors = load("pt-BR")
    for one in monitors:
        if one.finding == "refused":
            one.trigger["condition"]["script"]["source"] = "params.nothing.there > 0"
            one.search["query"]["query"] = {"match_all": {}}
    monkeypatch.setattr(alerts_command, "monitors", lambda _: monitors)
    for arguments in (["alerts"], ["alerts", "--json"], ["alerts", "watch", "--once"]):
        found = central(*arguments, "--url", silent.url)
        assert found.code == 1
        assert found.err.startswith("central: monitor 'PABX refused' could not be run: ")
    assert central("alerts", "--url", silent.url).out.splitlines()[-1] == "2 alerts; 23 of 24 monitors ran"


@pytest.mark.servers
def test_one_round_of_the_watch_tells_the_channels_and_says_what_begins_and_ends(
    silent: OpenSearchCluster, central: Central, receiver: Receiver, tmp_path: Path
) -> None:
    watch = ["alerts", "watch", "--once", "--url", silent.url, "--channels", receiver.file(tmp_path)]
    assert central(*watch) == Outcome(
        0,
        "begins  1 agent_silent  ALERTA Loja001,Loja Centro: o agente da loja está sem dar sinal\n"
        "begins  3 clock_wrong  ALERTA Loja002,Loja 002: o relógio da loja está errado\n",
        "",
    )
    assert receiver.actions() == ["agent_silent opened", "clock_wrong opened"]
    assert central(*watch) == Outcome(0, "", "")
    change(silent.url, "Loja001", {"last_seen": Ago(1)}, time.time())
    assert central(*watch) == Outcome(0, "ends    1 agent_silent  Loja001,Loja Centro\n", "")
    assert receiver.actions() == ["agent_silent closed"]

    receiver.status = 500
    change(silent.url, "Loja002", {"clock_offset_seconds": 0}, time.time())
    failed = central(*watch)
    assert (failed.code, failed.out) == (1, "")
    assert failed.err == (
        "central: channel pabx-here: "
        "it answers 500 Internal Server Error: correct its url, or look at the receiver\n"
    )


@pytest.mark.servers
def test_a_test_message(
    node: OpenSearchCluster, central: Central, receiver: Receiver, tmp_path: Path
) -> None:
    file = receiver.file(tmp_path)
    test = ["alerts", "test", "--url", node.url]
    assert central(*test, "--channels", file) == Outcome(0, "pabx-here: sent\n", "")
    assert receiver.actions() == ["test test"]
    assert central(*test, "pabx-here", "--channels", file).out == "pabx-here: sent\n"
    other = central(*test, "pabx-there", "--channels", file)
    assert (other.code, other.err) == (
        2,
        f"central: {file} has no enabled channel 'pabx-there': it has pabx-here\n",
    )
    without = central(*test)
    assert (without.code, without.err) == (
        2,
        "central: the cluster has no Notifications plugin: name a file of channels with --channels\n",
    )
    receiver.status = 404
    refused = central(*test, "--channels", file)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("central: channel pabx-here: it answers 404 Not Found: ")


CHANNEL = 'id = "pabx-a"\nkind = "webhook"\nenabled = true\n'
HOOK = 'url = "https://hooks.example/x"\n'
MAIL = 'id = "pabx-m"\nkind = "email"\nenabled = true\nhost = "h"\nport = 25\nmethod = "none"\nfrom = "a@b"\n'


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[[channel]", ["{file} is no TOML: "]),
        ("[channel]\n", ["{file}: channel is no list of tables: begin each with [[channel]]"]),
        ("[[channels]]\n", ["{file}: 'channels' is unknown: write [[channel]]"]),
        (
            '[[channel]]\nid = "pabx-a"\nkind = "fax"\n',
            ["{file} channel 1 (pabx-a): kind 'fax' is not one of webhook, slack, teams, email"],
        ),
        (
            f"[[channel]]\n{CHANNEL.replace('pabx-a', 'A')}{HOOK}",
            ["{file} channel 1 (A): id 'A': write it as pabx- and small letters, digits or hyphens"],
        ),
        (
            f"[[channel]]\n{CHANNEL}ulr = 1\n",
            [
                "{file} channel 1 (pabx-a): key 'ulr' is unknown: did you mean url?",
                "{file} channel 1 (pabx-a): give either url or url_file",
            ],
        ),
        (
            f"[[channel]]\n{CHANNEL.replace('true', '1')}{HOOK}",
            ["{file} channel 1 (pabx-a): enabled 1: write true or false"],
        ),
        (
            f'[[channel]]\n{CHANNEL}url = "hooks.example"\n',
            ["{file} channel 1 (pabx-a): url 'hooks.example' is not of the form https://host/path"],
        ),
        (
            f'[[channel]]\n{CHANNEL}url_file = "none.txt"\n',
            ["{file} channel 1 (pabx-a): url_file {folder}/none.txt: No such file or directory"],
        ),
        (f"[[channel]]\n{CHANNEL}{HOOK}" * 2, ["{file}: id 'pabx-a' is there twice"]),
        (
            f"[[channel]]\n{CHANNEL.replace('webhook', 'slack')}{HOOK}",
            ["{file} channel 1 (pabx-a): url: kind slack takes an incoming webhook, https://hooks.slack.com"],
        ),
        (
            f"[[channel]]\n{CHANNEL.replace('webhook', 'teams')}{HOOK}",
            ["{file} channel 1 (pabx-a): url: kind teams takes an incoming webhook"],
        ),
        (
            f'[[channel]]\n{MAIL.replace("25", "0")}to = "c@d"\n',
            [
                "{file} channel 1 (pabx-m): port 0: write a number from 1 to 65535",
                '{file} channel 1 (pabx-m): to: write a list of addresses, ["operations@example.com"]',
            ],
        ),
    ],
)
def test_a_wrong_file_of_channels_is_told_by_file_key_and_value(
    central: Central, tmp_path: Path, text: str, problems: list[str]
) -> None:
    file = tmp_path / "channels.toml"
    file.write_text(text, encoding="utf-8")
    for command in (["alerts", "watch", "--once"], ["install"]):
        found = central(*command, "--url", "http://127.0.0.1:9", "--channels", file)
        assert (found.code, found.out) == (2, "")
        told = str(found.err).removeprefix("central: ").splitlines()
        wanted = [one.format(file=file, folder=tmp_path) for one in problems]
        assert [line.startswith(begin) for line, begin in zip(told, wanted, strict=True)] == [True] * len(
            wanted
        )


def test_a_file_of_channels_that_is_not_there(central: Central, tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    found = central("alerts", "watch", "--once", "--url", "http://127.0.0.1:9", "--channels", file)
    assert (found.code, found.err) == (
        2,
        f"central: {file}: No such file or directory: correct --channels\n",
    )


@pytest.mark.parametrize("every", ["0", "301", "1.5", "x", "٣"])
def test_a_pause_that_is_none_is_refused(central: Central, every: str) -> None:
    found = central("alerts", "watch", "--once", "--every", every, "--url", "http://127.0.0.1:9")
    assert found.code == 2
    assert f"{every!r} is no number of seconds from 1 to 300" in str(found.err)


@pytest.mark.servers
def test_mail_without_the_plugin_says_what_to_use_instead(
    node: OpenSearchCluster, central: Central, tmp_path: Path
) -> None:
    file = tmp_path / "channels.toml"
    file.write_text(f'[[channel]]\n{MAIL}to = ["c@d"]\n', encoding="utf-8")
    found: Any = central("alerts", "test", "--url", node.url, "--channels", file)
    assert found.out == "channel pabx-m is left out: only the Notifications plugin sends e-mail\n"
    assert (found.code, "has no enabled channel" in str(found.err)) == (2, True)
