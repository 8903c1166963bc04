"""The parts that need no machine: Asterisk's files, settings, words, units."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.entry import INSTALLER
from deploy.linux import checked, cli, database, holding, manager
from deploy.linux.administrator import administrator
from deploy.linux.bundle import numbers, read_artefact
from deploy.linux.layout import Layout
from deploy.linux.pbx_steps import AmiUser
from deploy.linux.service_steps import unit
from deploy.linux.settings import decide, fitted
from deploy.linux.site import Options, Site, parsed
from deploy.linux.text import InstallError
from shipper.config import AmiSettings, CdrSettings

LINUX = Path(__file__).parents[3] / "deploy" / "linux"
SYSTEMD = shutil.which("systemd-analyze")
SHELLCHECK = shutil.which("shellcheck")
MOST_EXPOSED = 2.0
"""Of 10, by `systemd-analyze security`, for the agent; for comparison: a unit without any of it has 9.6."""
BUNDLE = 'store.id = "Loja001"\noutput.forward.host = "gate.example"\n'
LINE = st.sampled_from(["[other]", "secret = x", "", "; [shipper]", "read=call ; all", "#include y"])


@given(lines=st.lists(LINE), end=st.sampled_from(["", "\n", "\n\n"]))
def test_taking_the_user_out_leaves_the_file_as_it_was(lines: list[str], end: str) -> None:
    before = "\n".join(lines) + end
    after = manager.with_block(before, AmiSettings(), "s3cret")
    assert manager.has_block(after)
    assert manager.sections(after)["shipper"]["secret"] == "s3cret"
    assert manager.with_block(after, AmiSettings(), "s3cret") == after
    assert manager.without_block(after) == before
    assert manager.foreign_secret(after, "shipper") is None


def test_a_user_that_somebody_else_made_is_seen() -> None:
    text = "[shipper] ; by hand\nsecret => theirs ; not ours\nread=all\n"
    assert manager.foreign_secret(text, "shipper") == "theirs"
    assert manager.foreign_secret(text.replace("[shipper]", "; [shipper]"), "shipper") is None


@pytest.mark.parametrize(("includes", "left"), [("#include manager_custom.conf\n", ""), ("", None)])
def test_a_file_made_for_the_user_goes_unless_asterisk_looks_for_it(
    includes: str, left: str | None, tmp_path: Path
) -> None:
    """Asterisk 22 reads nothing of a file that includes a missing one, and would keep the user (tried)."""
    asterisk = tmp_path / "etc" / "asterisk"
    asterisk.mkdir(parents=True)
    (asterisk / "manager.conf").write_text(f"[general]\nenabled=yes\n{includes}")
    step = AmiUser(Site(Layout(tmp_path), Options(), parsed(BUNDLE, "x"), BUNDLE))
    assert len(step.plan()) == 1
    step.do()
    custom = asterisk / "manager_custom.conf"
    secret = (tmp_path / "etc" / "pabx-shipper" / "ami.secret").read_text().strip()
    assert len(secret) == 32
    assert f"[shipper]\nsecret = {secret}\n" in custom.read_text()
    assert step.plan() == []
    step.undo()
    assert (custom.read_text() if custom.exists() else None) == left


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[general]\nenabled=yes\n#include manager_custom.conf\n", (True, 5038, "0.0.0.0", True)),
        (
            "[general]\nenabled = no\nport=5039 ; x\nbindaddr = 10.0.0.5\n",
            (False, 5039, "10.0.0.5", False),
        ),
        ("[general]\n;enabled = yes\n;#include manager_custom.conf\n", (False, 5038, "0.0.0.0", False)),
        ("#tryinclude /etc/asterisk/manager_custom.conf\n", (False, 5038, "0.0.0.0", True)),
    ],
)
def test_what_managers_file_says(text: str, expected: tuple[bool, int, str, bool]) -> None:
    found = manager.general(text)
    assert (found.enabled, found.port, found.address, found.includes) == expected


def test_settings_that_nobody_touched_follow_the_bundle() -> None:
    first = decide(BUNDLE, None, None)
    assert (first.text, first.bundled, first.edited) == (BUNDLE, BUNDLE, False)
    assert decide(BUNDLE, BUNDLE, BUNDLE).text is None
    newer = BUNDLE + "# newer\n"
    assert decide(newer, BUNDLE, BUNDLE).text == newer
    assert not decide(newer, BUNDLE, BUNDLE).edited


def test_settings_that_were_edited_stay_until_head_office_says_something_new() -> None:
    edited = BUNDLE + "# by hand\n"
    kept = decide(BUNDLE, edited, BUNDLE)
    assert (kept.text, kept.edited) == (None, False)
    newer = BUNDLE + "# newer\n"
    replaced = decide(newer, edited, BUNDLE)
    assert (replaced.text, replaced.edited) == (newer, True)


def test_another_store_is_named() -> None:
    assert decide(BUNDLE.replace("Loja001", "Loja002"), BUNDLE, BUNDLE).other == "Loja001"


@pytest.mark.parametrize(
    "text", [BUNDLE, BUNDLE + '[ami] # x\nusername = "u"\n', BUNDLE + "[spool]\nmax_mib = 9"]
)
def test_the_managers_port_is_put_where_the_agent_reads_it(text: str) -> None:
    before, after = parsed(text, "x"), parsed(fitted(text, 5039), "x")
    assert (before.ami.port, after.ami.port) == (5038, 5039)
    assert (after.ami.username, after.spool, after.store) == (before.ami.username, before.spool, before.store)


def test_settings_are_read_before_their_secrets_are_there() -> None:
    text = BUNDLE + '[cdr]\npassword_file = "/nowhere"\nport = 3307\n[ami]\nsecret_file = "/nowhere"\n'
    assert parsed(text, "x").cdr.port == 3307
    with pytest.raises(InstallError, match=r"bundle: cdr.prot is no setting"):
        parsed(BUNDLE + "[cdr]\nprot = 1\n", "bundle")


def test_versions_compare_as_numbers() -> None:
    assert numbers("0.10.0") > numbers("0.9.9")
    assert numbers("1.0") == numbers("1.0.0")


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"PK\x03\x04 torn"])
def test_what_is_no_agent_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.pyz"
    file.write_bytes(content)
    with pytest.raises(InstallError, match="is no whole agent") as caught:
        read_artefact(file)
    assert str(file) in caught.value.text.pt


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("nothing\n", "cannot be used"),
        ("[client], user=root, password=x\n", r"nothing below \[client\]"),
        ("[client]\nuser=root\nport=x\n", "cannot be used"),
        (None, "cannot be read"),
    ],
)
def test_an_administrators_file_is_named_without_a_parsers_english(
    written: str | None, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "admin.cnf"
    if written is not None:
        file.write_text(written)
    with pytest.raises(InstallError, match=said) as caught:
        administrator(file, tmp_path, CdrSettings())
    told = caught.value.text.pt
    assert told.startswith(f"{file} não ")
    assert "\n" not in told
    for english in ("section", "invalid literal", "No such file", "nothing below"):
        assert english not in told


@pytest.mark.parametrize(
    ("folder", "first"), [("", "service mariadb start"), ("run/systemd/system", "systemctl start mariadb")]
)
def test_the_command_fits_the_machine(folder: str, first: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    with pytest.raises(InstallError, match="does not run") as caught:
        administrator(None, tmp_path, CdrSettings())
    assert f"ligue-o ({first})" in caught.value.text.pt
    down = checked.Found("database", "failed", "127.0.0.1:3306 cannot be reached (x)", "")
    assert f"Para ligá-lo: {first}" in " ".join(line.pt for line in checked.lines([down], site(tmp_path)))


def test_a_database_that_refuses_is_not_said_to_be_down(tmp_path: Path) -> None:
    refused = checked.Found("database", "failed", "127.0.0.1:3306 refused user 'shipper' (Access denied)", "")
    told = checked.lines([refused], site(tmp_path))[1].pt
    assert "O MariaDB está ligado, mas recusou o agente" in told
    assert "GRANT SELECT ON asteriskcdrdb.cdr TO 'shipper'@'127.0.0.1';" in told
    assert f"{tmp_path}/etc/pabx-shipper/cdr.password" in told
    # As the page on the agent has it.
    page = (LINUX.parents[1] / "docs" / "shipper.md").read_text(encoding="utf-8")
    for statement in database.by_hand(CdrSettings()):
        assert statement.partition(" IDENTIFIED")[0] in page


def test_heads_offices_port_is_the_bundles(tmp_path: Path) -> None:
    text = BUNDLE + "output.forward.port = 24524\n"
    away = checked.Found("output", "failed", "", "")
    told = checked.lines([away], Site(Layout(tmp_path), Options(), parsed(text, "x"), text))[1].pt
    assert "A central (gate.example:24524) não respondeu" in told


@pytest.mark.parametrize("left", ["", "installation\n", "anything\n"])
def test_what_was_never_checked_may_not_be_started(left: str, tmp_path: Path) -> None:
    """An empty file is what a power cut may leave."""
    layout = Layout(tmp_path)
    holding.require_free(layout)
    holding.hold(layout, holding.ZONE)
    with pytest.raises(InstallError, match="the time zone is wrong"):
        holding.require_free(layout)
    layout.held.write_text(left)
    with pytest.raises(InstallError, match="the installation did not end"):
        holding.require_free(layout)
    holding.release(layout)
    holding.require_free(layout)


def site(root: Path) -> Site:
    return Site(Layout(root), Options(), parsed(BUNDLE, "x"), BUNDLE)


def texts() -> list[tuple[str, str, str]]:
    """Every `Text` in the sources: where, Portuguese, English; what is filled in as its expression."""
    found = []
    for file in sorted(LINUX.glob("*.py")):
        if file.name == "text.py":  # defines it
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
                pt, en = (ast.unparse(argument) for argument in node.args)
                found.append((f"{file.name}:{node.lineno}", pt, en))
    return found


def test_both_languages_say_the_same_values() -> None:
    """What is filled in: a name may be said in its own language's form (`text.pt`, `text.en`)."""
    found = texts()
    assert len(found) > 60
    for where, pt, en in found:
        values = [sorted(set(re.findall(r"\{([^{}]+)\}", text))) for text in (pt, en)]
        assert [value.replace(".pt", ".en") for value in values[0]] == values[1], where


def test_portuguese_is_not_english() -> None:
    for where, pt, en in texts():
        if re.search(r"[a-z]{4}", re.sub(r"\{[^{}]*\}", "", pt)):
            assert pt != en, where


@pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not on PATH (package systemd)")
def test_systemd_takes_the_units_and_finds_them_closed(tmp_path: Path) -> None:
    for name in ("pabx-shipper.service", "pabx-shipper-upgrade.service", "pabx-shipper-upgrade.timer"):
        text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit(name)).replace(
            "=pabx-shipper\n", "=nobody\n"
        )
        (tmp_path / name).write_text(text)
    for file in tmp_path.iterdir():
        command = [str(SYSTEMD), "verify", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Unknown" not in done.stderr
    agent = tmp_path / "pabx-shipper.service"
    command = [str(SYSTEMD), "security", "--offline=yes", str(agent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    exposed = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposed, done.stdout + done.stderr
    assert float(exposed[1]) <= MOST_EXPOSED


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not on PATH (package shellcheck)")
def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    """The lines of cron are all the shell that there is; each `*.sh` that comes is looked at, too."""
    lines = (unit("cron") + unit("cron-upgrade")).splitlines()
    commands = [re.sub(r"^(@\w+|(\S+ ){4}\S+) root ", "", line) for line in lines if " root " in line]
    assert len(commands) == 3
    script = tmp_path / "cron.sh"
    script.write_text("#!/bin/sh\n" + "\n".join(commands) + "\n")
    scripts = [script, *LINUX.parent.rglob("*.sh")]
    done = subprocess.run([str(SHELLCHECK), *map(str, scripts)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_command_and_option_is_explained() -> None:
    page = (LINUX.parents[1] / "docs" / "install.md").read_text(encoding="utf-8")
    choices = cli._parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert sorted(choices) == sorted(INSTALLER)
    for name, command in choices.items():
        assert f"shipper {name}" in page
        for option in {text for action in command._actions for text in action.option_strings}:
            assert option in {"-h", "--help"} or option in page, option


def test_the_technicians_page_shows_what_is_said() -> None:
    """Its example is what the program prints, and its headings of trouble are messages of the program."""
    page = (LINUX.parents[1] / "docs" / "pt-BR" / "instalacao.md").read_text(encoding="utf-8")
    said = " ".join(pt for _, pt, _ in texts())
    parts = ("database", "rights", "time zone", "trunks", "output", "clock", "spool", "ami")
    for line in checked.lines([checked.Found(part, "ok", "", "") for part in parts], site(Path("/"))):
        assert line.pt in page
    for message in (
        "o MariaDB deste PABX não está ligado",
        "esta máquina já é a loja ",
        "O agente está ligado.",
        "AINDA FALTA",
        "recusou o usuário",
    ):
        assert message in page
        assert message in said
    assert "Pronto. As chamadas desta loja estão indo para a central." in page
    assert len(page.splitlines()) <= 80
