"""install.ps1 is Windows PowerShell 5.1, looks at every exit code, speaks both languages; and its task."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.deploy.windows.rules import (
    functions,
    name,
    nodes,
    parsed,
    tables,
    text,
    troubles,
    verbatim,
    words,
)

SCRIPT = Path(__file__).parents[3] / "deploy" / "windows" / "install.ps1"
SOURCE = SCRIPT.read_bytes()
ROOT = parsed(SOURCE)
WORDS = tables(ROOT)
NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
BEGINNING = b"Set-StrictMode -Version 2.0\n$ErrorActionPreference = 'Stop'\n"


def test_bytes_are_what_powershell_5_reads() -> None:
    # Without the mark 5.1 takes the file for the machine's old code page, and "não" becomes "nÃ£o".
    assert SOURCE.startswith(b"\xef\xbb\xbf")
    assert SOURCE.count(b"\r\n") == SOURCE.count(b"\n") > 300
    assert "não" in SOURCE.decode("utf-8-sig")


def test_script_keeps_the_rules() -> None:
    assert troubles(SOURCE) == []


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("$a = $b ?? 'c'", "no PowerShell"),
        ("$a = ${b}?.Length", "no PowerShell"),
        ("$a = $b ? 1 : 2", "no PowerShell"),
        ("if ($a) { Write-Host 'b'", "no PowerShell"),
        ("Write-Host 'a' && Write-Host 'b'", "7 only"),
        ("1, 2 | ForEach-Object -Parallel { $_ }", "not known to be in 5.1"),
        ("Start-Process -FilePath 'a' -Environment 'b'", "not known to be in 5.1"),
        ("Write-Host $nowhere", "never set"),
        ("function Get-It([string]$Name) { return $Nme }\nGet-It 'a'", "never set"),
        ("function Get-It([string]$Name) { return $Name }\nGet-It 'a' 'b'", "more than the 1"),
        ("Invoke-Expression $a", "not known to be in 5.1"),
        ("iex $a", "not known to be in 5.1"),
        ("Get-Uptime", "not known to be in 5.1"),
        ("Invoke-WebRequest $a", "not known to be in 5.1"),
        ("$a = [System.Net.WebClient]::new()", "a static type that is not listed"),
        ("wsl.exe --shutdown", "wsl.exe by a name of its own"),
        ("& 'C:\\Windows\\System32\\wsl.exe' -l", "wsl.exe by a name of its own"),
        ("$a = @(& $Wsl --list --quiet)\nWrite-Host 'a'", "exit code not looked at"),
        ("& $Wsl -d $Name --exec true\nif ($LASTEXITCODE -ne 0) { exit 1 }", "neither the list"),
        ("& $Wsl -d $Name -u root -- true\nif ($LASTEXITCODE -ne 0) { exit 1 }", "neither the list"),
        ("& $Wsl --shutdown\nif ($LASTEXITCODE -ne 0) { exit 1 }", "neither the list"),
        ("& $Wsl -d $Name -u root --exec true", "exit code not looked at"),
        ("& $Wsl -d $Name -u root --exec true\nWrite-Host 'a'", "exit code not looked at"),
        (
            "& $Wsl -d $Name -u root --exec true 2>&1\nif ($LASTEXITCODE -ne 0) { exit 1 }",
            "standard error redirected",
        ),
        (
            "& $Wsl -d $Name -u root --exec true 2>$null\nif ($LASTEXITCODE -ne 0) { exit 1 }",
            "standard error redirected",
        ),
    ],
)
def test_each_rule_can_fail(line: str, trouble: str) -> None:
    found = troubles(BEGINNING + line.encode())
    assert any(each.startswith(trouble) for each in found)


def test_script_that_goes_on_after_an_error_is_refused() -> None:
    assert troubles(BEGINNING + b"Write-Host 'a'") == []
    assert troubles(b"Write-Host 'a'") != []
    assert troubles(b"$ErrorActionPreference = 'Continue'\n" + BEGINNING) != []


def test_every_word_is_there_in_both_languages() -> None:
    assert list(WORDS) == ["pt-BR", "en"]
    assert list(WORDS["pt-BR"]) == list(WORDS["en"])
    for key, portuguese in WORDS["pt-BR"].items():
        english = WORDS["en"][key]
        assert portuguese != english, key
        # What `-f` would refuse: a brace that is no place.
        assert re.sub(r"\{\d\}", "", portuguese + english).count("{") == 0, key
        assert set(re.findall(r"\{\d\}", portuguese)) == set(re.findall(r"\{\d\}", english)), key


def test_every_word_is_said_with_as_many_values_as_it_has_places() -> None:
    used = set()
    for command in nodes(ROOT, "command"):
        if name(command) not in {"Show-Word", "Stop-With", "Get-Word"} or words(command)[0] == "$Key":
            continue
        key = words(command)[0].strip("'")
        used.add(key)
        values = 0
        if len(words(command)) > 1:
            inside = words(command)[1].removeprefix("@(").removesuffix(")")
            # A value in parentheses may have commas of its own.
            while "(" in inside:
                inside = re.sub(r"\([^()]*\)", "", inside)
            values = inside.count(",") + 1
        places = set(re.findall(r"\{(\d)\}", WORDS["en"][key]))
        assert places == {str(number) for number in range(values)}, f"{key}: {text(command)}"
    assert used == set(WORDS["en"])


def test_functions_are_all_used_and_named_with_verbs_of_powershell() -> None:
    defined = functions(ROOT)
    called = {name(command) for command in nodes(ROOT, "command")}
    assert set(defined) - called == set()
    verbs = {each.split("-")[0] for each in defined}
    # Get-Verb's, as far as they are used.
    assert verbs <= {
        *("Find", "Get", "Show", "Invoke", "Install", "Uninstall", "Register", "Remove", "Stop", "Test"),
        "Wait",
    }


def task(logon_type: str = "S4U") -> ET.Element:
    """The task as it would be registered, with the variables of the here-string filled in."""
    (here,) = nodes(functions(ROOT)["Get-TaskXml"], "expandable_here_string_literal")
    source = text(here).replace("\r\n", "\n").removeprefix('@"\n').removesuffix('\n"@')
    values = {
        "$mark": "pabx-shipper, revision 1: Debian, S-1-5-21-1-2-3-1001, C:\\Program Files\\WSL\\wsl.exe",
        "$program": "C:\\Program Files\\WSL\\wsl.exe",
        "$Name": "Debian",
        "$Sid": "S-1-5-21-1-2-3-1001",
        "$LogonType": logon_type,
        "$Launcher": "/usr/local/bin/shipper",
    }
    filled = re.sub(r"\$\w+", lambda match: values[match[0]], source)
    assert filled.startswith('<?xml version="1.0" encoding="UTF-16"?>\n')
    return ET.fromstring(filled.split("\n", 1)[1])


def value(root: ET.Element, path: str) -> str | None:
    return root.findtext(NAMESPACE + path.replace("/", f"/{NAMESPACE}"))


def test_task_runs_as_the_owner_without_a_login_and_holds_the_distribution() -> None:
    root = task()
    assert value(root, "Principals/Principal/UserId") == "S-1-5-21-1-2-3-1001"
    assert value(root, "Principals/Principal/LogonType") == "S4U"
    assert value(root, "Principals/Principal/RunLevel") == "LeastPrivilege"
    assert value(root, "Actions/Exec/Command") == "C:\\Program Files\\WSL\\wsl.exe"
    assert (
        value(root, "Actions/Exec/Arguments")
        == "-d Debian -u root --exec /usr/local/bin/shipper keep-alive --stay"
    )
    assert value(task("Password"), "Principals/Principal/LogonType") == "Password"


def test_task_starts_at_boot_every_five_minutes_and_after_sleep() -> None:
    triggers = task().find(f"{NAMESPACE}Triggers")
    assert triggers is not None
    boot, time, event = triggers
    # The order of the elements is that of the task schema's types, which are sequences.
    assert [child.tag.removeprefix(NAMESPACE) for child in boot] == ["Enabled", "Delay"]
    assert [child.tag.removeprefix(NAMESPACE) for child in time] == ["Enabled", "StartBoundary", "Repetition"]
    assert [child.tag.removeprefix(NAMESPACE) for child in event] == ["Enabled", "Subscription", "Delay"]
    assert {value(trigger, "Enabled") for trigger in triggers} == {"true"}
    assert value(time, "Repetition/Interval") == "PT5M"
    assert value(time, "Repetition/Duration") is None, "a repetition with a duration ends"
    query = ET.fromstring(value(event, "Subscription") or "")
    assert query.findtext("Query/Select") == (
        "*[System[Provider[@Name='Microsoft-Windows-Power-Troubleshooter'] and EventID=1]]"
    )


def test_task_is_not_stopped_by_time_battery_or_idleness() -> None:
    root = task()
    settings = {
        "MultipleInstancesPolicy": "IgnoreNew",
        "DisallowStartIfOnBatteries": "false",
        "StopIfGoingOnBatteries": "false",
        "StartWhenAvailable": "true",
        "RunOnlyIfNetworkAvailable": "false",
        "RunOnlyIfIdle": "false",
        "IdleSettings/StopOnIdleEnd": "false",
        "IdleSettings/RestartOnIdle": "false",
        "WakeToRun": "false",
        "ExecutionTimeLimit": "PT0S",
        "RestartOnFailure/Interval": "PT1M",
        "RestartOnFailure/Count": "3",
        "Enabled": "true",
    }
    assert {key: value(root, f"Settings/{key}") for key in settings} == settings


def test_names_of_distributions_survive_utf_16() -> None:
    """wsl.exe of an old WSL writes UTF-16, which PowerShell reads as single bytes."""
    (replacement,) = (
        text(node)
        for node in nodes(functions(ROOT)["Get-Distribution"], "comparison_expression")
        if text(node).startswith("$_ -replace")
    )
    pattern = verbatim(
        next(
            node
            for node in nodes(functions(ROOT)["Get-Distribution"], "string_literal")
            if text(node) in replacement
        )
    )
    written = "docker-desktop\r\nFreePBX-17.1_a\r\n\r\n".encode("utf-16").decode("latin-1")
    names = [re.sub(pattern, "", line) for line in written.split("\n")]
    assert [each for each in names if each] == ["docker-desktop", "FreePBX-17.1_a"]


def test_nothing_secret_goes_through_a_command_line() -> None:
    """The password of -StorePassword is for Register-ScheduledTask alone, never for the elevated window."""
    holders = [text(command) for command in nodes(ROOT, "command") if "$password" in text(command).lower()]
    assert [each.split()[0] for each in holders] == ["Register-ScheduledTask"]
    elevated = text(functions(ROOT)["Invoke-TaskStep"])
    assert "$password" not in elevated.lower()
    assert "-Verb RunAs" in elevated


def test_linux_side_knows_what_it_is_called_with() -> None:
    """Each command that the script starts in Linux, asked of the agent's own help."""
    common = ["--language", "--yes", "--dry-run", "--no-database", "--no-ami"]
    calls = {
        "install": ["--bundle", *common, "--replace"],
        "uninstall": common,
        "keep-alive": ["--stay"],
    }
    written = [text(command) for command in nodes(ROOT, "command") if name(command) == "$Wsl"]
    assert any(" install --bundle $folder @options" in each for each in written)
    assert any(" uninstall @options" in each for each in written)
    given = re.findall(r"'(--[\w-]+)'", text(functions(ROOT)["Get-LinuxOption"]))
    assert given == [*common, "--replace"]
    # The one option that uninstall does not have is one that nobody gives it.
    assert "if ($Replace) { $options += '--replace' }" in text(functions(ROOT)["Get-LinuxOption"])
    for command, options in calls.items():
        code = f"import sys; from deploy.entry import main; sys.exit(main([{command!r}, '--help']))"
        asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert asked.returncode == 0, asked.stderr
        assert [option for option in options if option not in asked.stdout] == [], command


def test_answer_no_in_linux_leaves_windows_alone() -> None:
    """The installer ends with 0 there too; so what came of it is looked at before the task is touched."""
    for function, question in (("Install-Store", "-not (Test-Linux"), ("Uninstall-Store", "(Test-Linux")):
        body = text(functions(ROOT)[function])
        check = body.index(f"if (-not $DryRun -and {question} $name @('test', '-e', $Launcher))")
        assert body.index("& $Wsl -d $name -u root --exec") < check < body.index("Invoke-TaskStep")
        assert "Stop-With 'Declined'" in body[check:].split("\n", 1)[0]
