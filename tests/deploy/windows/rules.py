"""Rules over the syntax tree of install.ps1: what would not run in Windows PowerShell 5.1, or unwatched.

No PowerShell can be had where the tests run, so what it would say when it reads the script is asked of the
tree. Each rule is shown to fail by a line that breaks it (test_install_script.py).
"""

import re
from collections.abc import Iterator

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

# What the script may call, with what parameters: as Windows PowerShell 5.1 on Windows 11 has them.
CMDLETS = {
    "ForEach-Object": "",
    "Get-Credential": "-UserName -Message",
    "Get-ScheduledTask": "-TaskName -TaskPath -ErrorAction",
    "Get-ScheduledTaskInfo": "-TaskName -TaskPath",
    "Get-UICulture": "",
    "Join-Path": "",
    "New-Object": "",
    "Out-Null": "",
    "Read-Host": "",
    "Register-ScheduledTask": "-TaskName -TaskPath -Xml -User -Password -Force",
    "Set-StrictMode": "-Version",
    "Start-Process": "-FilePath -ArgumentList -Verb -Wait -PassThru",
    "Start-ScheduledTask": "-TaskName -TaskPath",
    "Start-Sleep": "-Seconds",
    "Stop-ScheduledTask": "-TaskName -TaskPath -ErrorAction",
    "Test-Path": "-LiteralPath",
    "Unregister-ScheduledTask": "-TaskName -TaskPath -Confirm",
    "Where-Object": "",
    "Write-Host": "-ForegroundColor",
    "Write-Verbose": "",
}
# Variables that PowerShell itself sets.
AUTOMATIC = {
    "_",
    "true",
    "false",
    "null",
    "lastexitcode",
    "psscriptroot",
    "pscommandpath",
    "psboundparameters",
}
# The static types whose methods are called: of .NET Framework 4.8, which Windows 11 has.
TYPES = {
    "System.Security.SecurityElement",
    "System.Security.Principal.WindowsIdentity",
    "System.Security.Principal.WindowsBuiltInRole",
    "Environment",
    "Console",
}
# What gives a variable its value.
SETTING = ("script_parameter", "left_assignment_expression", "foreach_statement")
LISTING = ["--list", "--quiet"]


def parsed(source: bytes) -> Node:
    """The tree's root; a byte order mark is taken off, as PowerShell does."""
    parser = Parser(Language(tree_sitter_powershell.language()))
    return parser.parse(source.removeprefix(b"\xef\xbb\xbf")).root_node


def nodes(root: Node, *types: str) -> Iterator[Node]:
    """All nodes of these types, those within others too, in the order of the text."""
    if root.type in types:
        yield root
    for child in root.children:
        yield from nodes(child, *types)


def text(node: Node | None) -> str:
    """The node's source."""
    assert node is not None
    assert node.text is not None
    return node.text.decode()


def name(command: Node) -> str:
    """What a command calls."""
    return text(command.child_by_field_name("command_name"))


def words(command: Node) -> list[str]:
    """What a command is given, as written."""
    elements = command.child_by_field_name("command_elements")
    if elements is None:
        return []
    return [text(child) for child in elements.children if child.type != "command_argument_sep"]


def functions(root: Node) -> dict[str, Node]:
    """The script's own functions."""
    return {text(next(nodes(found, "function_name"))): found for found in nodes(root, "function_statement")}


def said(node: Node) -> str:
    return f"line {node.start_point.row + 1}: {text(node)[:60]!r}"


def broken(root: Node) -> list[str]:
    """What cannot be parsed: errors, and tokens that the parser had to imagine."""

    def walk(node: Node) -> Iterator[Node]:
        if node.is_error or node.is_missing:
            yield node
        for child in node.children:
            yield from walk(child)

    return [f"no PowerShell: {said(node)}" for node in walk(root)]


def owner(word: Node) -> Node:
    """The command that a parameter belongs to."""
    node = word.parent
    while node is not None and node.type != "command":
        node = node.parent
    assert node is not None
    return node


def foreign(root: Node) -> list[str]:
    """Calls of what 5.1 does not have, or what the script should not use."""
    own = set(functions(root))
    found = []
    for command in nodes(root, "command"):
        called = name(command)
        # `& $Wsl` has its own rule; the name is a variable there.
        if called != "$Wsl" and called not in own | set(CMDLETS):
            found.append(f"not known to be in 5.1: {said(command)}")
        if called in CMDLETS:
            given = {text(word) for word in nodes(command, "command_parameter") if owner(word) == command}
            found += [
                f"not known to be in 5.1: {each} of {said(command)}"
                for each in sorted(given - set(CMDLETS[called].split()))
            ]
    found += [f"7 only: {said(node)}" for node in nodes(root, "pipeline_chain_tail", "foreach_parameter")]
    found += [
        f"a static type that is not listed: {said(node)}"
        for node in nodes(root, "invokation_expression", "member_access")
        if (match := re.match(r"\[([\w.]+)\]::", text(node))) and match[1] not in TYPES
    ]
    return found


def unguarded(root: Node) -> list[str]:
    """Calls of wsl.exe in another form than agreed, or whose exit code nobody reads."""
    found = []
    for command in nodes(root, "command"):
        called = name(command)
        if re.search(r"(^|[\\/])wsl(\.exe)?['\"]?$", called, re.IGNORECASE):
            found.append(f"wsl.exe by a name of its own: {said(command)}")
        if called != "$Wsl":
            continue
        given = words(command)
        if given != LISTING and (given[0] != "-d" or given[2:5] != ["-u", "root", "--exec"]):
            found.append(f"neither the list nor -d NAME -u root --exec: {said(command)}")
        # In 5.1 a redirected standard error of a program becomes a terminating error.
        if re.search(r"(^|\s)[2*]>", text(command)):
            found.append(f"standard error redirected: {said(command)}")
        if "$LASTEXITCODE" not in text(following(command)):
            found.append(f"exit code not looked at: {said(command)}")
    return found


def following(command: Node) -> Node:
    """The statement after the one that a command stands in; the command itself where it is the last."""
    statement = command
    # A list within @(…) or $(…) is no place of its own: what the whole statement does next counts.
    while (parent := statement.parent) is not None and not (
        parent.type == "statement_list"
        and parent.parent is not None
        and parent.parent.type in {"program", "statement_block", "script_block_body"}
    ):
        statement = parent
    after = statement.next_named_sibling
    return command if after is None else after


def plain(variable: str) -> str:
    """A variable's name as PowerShell compares it."""
    return variable.lstrip("$@").lower()


def assigned(place: Node) -> set[str]:
    """The variable that a parameter, an assignment or a loop sets; none where a property is set."""
    return {plain(text(variable)) for variable in list(nodes(place, "variable"))[:1]}


def unknown(root: Node) -> list[str]:
    """Variables that strict mode would not find, and functions that are given more than they take."""
    own = functions(root)

    outside = [
        place for place in nodes(root, *SETTING) if not any(inside(place, each) for each in own.values())
    ]
    everywhere = AUTOMATIC | {each for place in outside for each in assigned(place)}
    found = []
    for each in own.values():
        mine = everywhere | {one for place in nodes(each, *SETTING) for one in assigned(place)}
        found += [
            f"never set: {said(variable)}"
            for variable in nodes(each, "variable")
            if plain(text(variable)) not in mine and not text(variable).lower().startswith("$env:")
        ]
    found += [
        f"never set: {said(variable)}"
        for variable in nodes(root, "variable")
        if not any(inside(variable, each) for each in own.values())
        and plain(text(variable)) not in everywhere
        and not text(variable).lower().startswith("$env:")
    ]
    for command in nodes(root, "command"):
        if name(command) in own:
            takes = len(list(nodes(own[name(command)], "script_parameter")))
            if len(words(command)) > takes:
                found.append(f"more than the {takes} that it takes: {said(command)}")
    return found


def inside(node: Node, outer: Node) -> bool:
    """Whether a node lies within another."""
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte


def careless(root: Node) -> list[str]:
    """A script that would go on after an error."""
    first = [
        re.sub(r"\s+", " ", text(child))
        for block in root.children
        if block.type == "statement_list"
        for child in block.named_children
    ][:2]
    wanted = ["Set-StrictMode -Version 2.0", "$ErrorActionPreference = 'Stop'"]
    return [] if first == wanted else [f"the script begins with {first}, not {wanted}"]


def troubles(source: bytes) -> list[str]:
    """All that is wrong with a script."""
    root = parsed(source)
    return broken(root) + careless(root) + foreign(root) + unguarded(root) + unknown(root)


def verbatim(node: Node) -> str:
    """The value of a string in single quotation marks."""
    return text(node)[1:-1].replace("''", "'")


def tables(root: Node) -> dict[str, dict[str, str]]:
    """The words by language, as the script's $Words has them."""
    found: dict[str, dict[str, str]] = {}
    for entry in nodes(root, "hash_entry"):
        key = text(entry.child(0)).strip()
        inner = list(nodes(entry, "hash_literal_expression"))
        if inner:
            found[key.strip("'")] = {
                text(line.child(0)).strip(): verbatim(next(nodes(line, "string_literal")))
                for line in nodes(inner[0], "hash_entry")
            }
    return found
