"""The newest JDK is found, even where the default ``java`` is an older one."""

import os
from pathlib import Path

import pytest

from compose.stack.errors import StackError
from compose.stack.jdk import find_jdk


def fake_jdk(home: Path, version: str, modules: str = "java.base jdk.localedata") -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n', encoding="ascii")
    return home


def test_the_newest_wins_over_java_home_and_path(server_dir: Path) -> None:
    old = fake_jdk(server_dir / "17", "17.0.15")
    fake_jdk(server_dir / "jvm" / "a", "25.0.3")
    fake_jdk(server_dir / "jvm" / "b", "21.0.9")
    environ = {"JAVA_HOME": str(old), "PATH": str(old / "bin")}
    found = find_jdk(environ, [str(server_dir / "jvm")])
    assert found.version == (25, 0, 3)
    assert server_dir / "jvm" / "a" / "bin" / "java" == found.java


def test_versions_are_compared_as_numbers(server_dir: Path) -> None:
    fake_jdk(server_dir / "a", "21.0.9")
    fake_jdk(server_dir / "b", "21.0.10")
    fake_jdk(server_dir / "c", "100-ea")
    assert find_jdk({}, [str(server_dir)]).version == (100,)
    (server_dir / "c" / "bin" / "java").unlink()
    assert find_jdk({}, [str(server_dir)]).version == (21, 0, 10)


def test_java_on_the_path_is_found_through_links(server_dir: Path) -> None:
    home = fake_jdk(server_dir / "opt" / "jdk", "21.0.1")
    (server_dir / "bin").mkdir()
    (server_dir / "bin" / "java").symlink_to(home / "bin" / "java")
    assert home == find_jdk({"PATH": str(server_dir / "bin")}, []).home


def test_without_a_release_file_java_itself_is_asked(server_dir: Path) -> None:
    home = fake_jdk(server_dir / "a", "17")
    (home / "release").unlink()
    script = """#!/bin/sh
case $1 in
-version) echo 'openjdk version "21.0.4" 2024-07-16' >&2 ;;
--list-modules) echo java.base@21.0.4; echo jdk.localedata@21.0.4 ;;
esac
"""
    (home / "bin" / "java").write_text(script, encoding="ascii")
    assert find_jdk({}, [str(server_dir)]).version == (21, 0, 4)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    with pytest.raises(StackError, match="a is of unknown version"):
        find_jdk({}, [str(server_dir)])


def test_among_equals_java_home_is_taken(server_dir: Path) -> None:
    fake_jdk(server_dir / "jvm" / "a", "21.0.1")
    mine = fake_jdk(server_dir / "mine", "21.0.1")
    assert mine == find_jdk({"JAVA_HOME": str(mine)}, [str(server_dir / "jvm")]).home


def test_no_jdk_is_one_line_that_says_what_to_install() -> None:
    with pytest.raises(StackError) as caught:
        find_jdk({"PATH": "/nonexistent"}, [])
    text = str(caught.value)
    assert "no JDK 21 or newer found: install a JDK 21 or newer" in text
    assert "JAVA_HOME" in text
    assert "\n" not in text


def test_what_was_passed_over_is_named(server_dir: Path) -> None:
    old = fake_jdk(server_dir / "old", "17.0.15")
    cut = fake_jdk(server_dir / "cut", "25", modules="java.base")
    loose = fake_jdk(server_dir / "loose", "25")
    (loose / "bin" / "java").chmod(0o777)
    with pytest.raises(StackError) as caught:
        find_jdk({}, [str(server_dir)])
    text = str(caught.value)
    assert f"{old} is 17.0.15" in text
    assert f"{cut} lacks the module jdk.localedata" in text
    assert f"{loose} is not trusted: {loose / 'bin' / 'java'} is writable by everybody" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the servers under another uid")
def test_as_root_a_jdk_in_a_closed_directory_is_passed_over(server_dir: Path) -> None:
    (server_dir / "closed").mkdir(mode=0o700)
    fake_jdk(server_dir / "closed" / "a", "25")
    with pytest.raises(StackError, match=f"{server_dir}/closed is closed to it"):
        find_jdk({}, [str(server_dir / "closed")])
    (server_dir / "closed").chmod(0o711)
    assert find_jdk({}, [str(server_dir / "closed")]).version == (25,)
