"""``shipper.toml`` and the environment: every fault is one line, and names what to write instead."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shipper.cli import main
from shipper.config import Config, load
from shipper.errors import ConfigError
from tests.shipper.store import Store, run

MINIMAL = '[store]\nid = "Loja001"\n[output]\nkind = "opensearch"\n'
NOBODY = 65534


def configured(folder: Path, text: str = "", environ: dict[str, str] | None = None) -> Config:
    file = folder / "shipper.toml"
    file.write_text(MINIMAL + text, encoding="utf-8")
    return load(file, environ or {})


def fault(folder: Path, text: str = "", environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        configured(folder, text, environ)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert line.startswith("config: ")
    return line


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything: be nobody for a moment."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


class TestGood:
    def test_defaults(self, tmp_path: Path) -> None:
        config = configured(tmp_path)
        assert config.store.timezone == "America/Sao_Paulo"
        assert (config.cdr.host, config.cdr.port, config.cdr.database) == ("127.0.0.1", 3306, "asteriskcdrdb")
        assert config.spool.max_mib == 512

    def test_every_key_of_the_file_can_be_overridden(self, tmp_path: Path) -> None:
        environ = {
            "SHIPPER_STORE_ID": "Loja 2".replace(" ", ""),
            "SHIPPER_STORE_TRUNKS": "vivo, acme",
            "SHIPPER_CDR_PASSWORD": "ünïcode",
            "SHIPPER_CDR_PORT": "3307",
            "SHIPPER_CDR_POLL_SECONDS": "0.5",
            "SHIPPER_AMI_ENABLED": "no",
            "SHIPPER_OUTPUT_KIND": "forward",
            "SHIPPER_OUTPUT_FORWARD_HOST": "central.example",
            "SHIPPER_OUTPUT_OPENSEARCH_URL": "https://x:9200",
        }
        text = '[cdr]\npassword = "file"\nport = 1\n[output.opensearch]\nurl = "http://y"\n'
        config = configured(tmp_path, text, environ)
        assert config.store.id == "Loja2"
        assert config.store.trunks == ("vivo", "acme")
        assert (config.cdr.password, config.cdr.port, config.cdr.poll_seconds) == ("ünïcode", 3307, 0.5)
        assert config.ami.enabled is False
        assert (config.output.kind, config.output.forward.host) == ("forward", "central.example")
        assert config.output.opensearch.url == "https://x:9200"

    def test_a_secret_from_a_file_loses_only_the_end_of_its_line(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text(" with spaces \r\n")
        assert configured(tmp_path, f'[cdr]\npassword_file = "{secret}"\n').cdr.password == " with spaces "

    def test_order_of_precedence_of_a_secret(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).write_text(name)
        text = f'[cdr]\npassword_file = "{tmp_path}/one"\n'
        from_file = {"SHIPPER_CDR_PASSWORD_FILE": f"{tmp_path}/two"}
        assert configured(tmp_path, text).cdr.password == "one"
        assert configured(tmp_path, text, from_file).cdr.password == "two"
        assert (
            configured(tmp_path, text, {**from_file, "SHIPPER_CDR_PASSWORD": "three"}).cdr.password == "three"
        )

    def test_secrets_are_not_shown(self, tmp_path: Path) -> None:
        environ = {
            "SHIPPER_CDR_PASSWORD": "s3cr3t",
            "SHIPPER_AMI_SECRET": "s3cr3t",
            "SHIPPER_OUTPUT_FORWARD_SHARED_KEY": "s3cr3t",
            "SHIPPER_OUTPUT_FORWARD_PASSWORD": "s3cr3t",
            "SHIPPER_OUTPUT_OPENSEARCH_PASSWORD": "s3cr3t",
        }
        config = configured(tmp_path, environ=environ)
        assert config.output.opensearch.password == "s3cr3t"
        assert "s3cr3t" not in repr(config)


FAULTS: list[tuple[str, tuple[str, ...]]] = [
    ("[cdr]\npasword = 'x'", ("cdr.pasword is no setting", "did you mean password?")),
    ("[cdr]\npassword_fil = 'x'", ("cdr.password_fil is no setting", "did you mean password_file?")),
    ("[crd]\nhost = 'x'", ("crd is no setting", "did you mean cdr?")),
    ("[cdr]\nqqq = 1", ("cdr.qqq is no setting", "known: database, freepbx_database, host")),
    ("[output.opensearch]\nuri = 'x'", ("output.opensearch.uri is no setting", "did you mean")),
    ("cdr = 3", ("cdr",)),
    ("[cdr]\nport = '3306'", ("cdr.port is '3306', not a whole number", "write a whole number")),
    ("[cdr]\nport = true", ("cdr.port is True", "a whole number")),
    ("[cdr]\nport = 33.06", ("cdr.port is 33.06", "a whole number")),
    ("[cdr]\nport = 0", ("cdr.port is 0", "1 to 65535")),
    ("[cdr]\nport = 70000", ("cdr.port is 70000", "1 to 65535")),
    ("[cdr]\nhost = ''", ("cdr.host is empty", "127.0.0.1")),
    ("[cdr]\nhost = 5", ("cdr.host is 5, not a text in quotes",)),
    ("[cdr]\npoll_seconds = 0", ("cdr.poll_seconds is 0", "above 0")),
    ("[cdr]\npoll_seconds = inf", ("cdr.poll_seconds is inf", "at most")),
    ("[cdr]\npoll_seconds = nan", ("cdr.poll_seconds is nan", "above 0")),
    ("[cdr]\nlookback_hours = -1", ("cdr.lookback_hours is -1", "above 0")),
    ("[cdr]\nlookback_hours = 1e9", ("cdr.lookback_hours is 1e+09", "at most")),
    ("[cdr]\ntable = 'a`b'", ("cdr.table is 'a`b'", "FreePBX uses asteriskcdrdb and cdr")),
    ("[cdr]\ndatabase = ''", ("cdr.database is ''", "asteriskcdrdb")),
    (
        "[cdr]\npassword = 'a'\npassword_file = 'b'",
        ("cdr.password and password_file are both set", "keep one"),
    ),
    (
        "[cdr]\npassword_file = '/nowhere/x'",
        ("cdr.password_file: /nowhere/x", "No such file", "ls -l /nowhere/x"),
    ),
    ("[ami]\nenabled = 'yes'", ("ami.enabled is 'yes'", "true or false")),
    ("[spool]\nmax_mib = 0", ("spool.max_mib is 0", "at least 1")),
    ("[spool]\npath = ''", ("spool.path is empty", "name a file")),
    ("[agent]\nheartbeat_seconds = 0", ("agent.heartbeat_seconds is 0", "above 0")),
    ("[agent]\nheartbeat_seconds = inf", ("agent.heartbeat_seconds is inf", "at most")),
    ("[agent]\nlog_format = 'xml'", ("agent.log_format is 'xml'", "allowed: auto, text, json")),
    (
        "[output.opensearch]\nurl = 'localhost:9200'",
        ("output.opensearch.url is 'localhost:9200'", "https://host:9200"),
    ),
    (
        "[output.opensearch]\nurl = 'http://h:port'",
        ("output.opensearch.url is 'http://h:port'", "https://host:9200"),
    ),
    ("[output.opensearch]\nurl = 'http://h:99999'", ("output.opensearch.url is", "https://host:9200")),
    ("[output.opensearch]\nurl = 'http://[::1'", ("output.opensearch.url is", "https://host:9200")),
    ("[output.opensearch]\nurl = 'http://u:p@h'", ("output.opensearch.url holds", "output.opensearch.user")),
]


@pytest.mark.parametrize(("text", "parts"), FAULTS, ids=[text for text, _ in FAULTS])
def test_fault_in_the_file(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    file = tmp_path / "shipper.toml"
    # A key of the top level must stand before the first section.
    body = text + "\n" + MINIMAL if text == "cdr = 3" else MINIMAL + text
    file.write_text(body)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert line.startswith(f"config: {file}: ") or "_file: " in line
    for part in parts:
        assert part in line


@pytest.mark.parametrize("value", ["", "a b", "ç/x", "x" * 65])
def test_store_id(tmp_path: Path, value: str) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text(MINIMAL.replace("Loja001", value))
    with pytest.raises(ConfigError, match=r"store\.id"):
        load(file, {})


def test_forward_needs_a_host(tmp_path: Path) -> None:
    file = tmp_path / "shipper.toml"
    file.write_text('[store]\nid = "Loja001"\n')
    with pytest.raises(ConfigError, match=r'output\.forward\.host is missing; .*output\.kind = "opensearch"'):
        load(file, {})


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        (
            "SHIPPER_CDR_PASWORD",
            "x",
            ("SHIPPER_CDR_PASWORD is no setting", "did you mean SHIPPER_CDR_PASSWORD?"),
        ),
        ("SHIPPER_CDR_PORT", "many", ("SHIPPER_CDR_PORT is 'many', not a number", "set it to a number")),
        ("SHIPPER_AMI_ENABLED", "maybe", ("SHIPPER_AMI_ENABLED is 'maybe'", "true or false")),
        ("SHIPPER_OUTPUT_KIND", "kafka", ("SHIPPER_OUTPUT_KIND is 'kafka'", "allowed: forward, opensearch")),
        (
            "SHIPPER_CDR_PASSWORD_FILE",
            "/nowhere/x",
            ("SHIPPER_CDR_PASSWORD_FILE: /nowhere/x", "ls -l /nowhere/x"),
        ),
        ("SHIPPER_CDR_PORT", "0", ("cdr.port is 0", "1 to 65535")),
    ],
)
def test_fault_in_the_environment(tmp_path: Path, name: str, value: str, parts: tuple[str, ...]) -> None:
    line = fault(tmp_path, environ={name: value})
    for part in parts:
        assert part in line


def test_wrong_toml_names_the_line(tmp_path: Path) -> None:
    line = fault(tmp_path, "[cdr\n")
    assert str(tmp_path / "shipper.toml") in line
    assert "line 5" in line


def test_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "shipper.toml"
    file.write_bytes(b'[store]\nid = "S\xe3o"\n')
    with pytest.raises(ConfigError, match=r"is not UTF-8 .*; save it as UTF-8"):
        load(file, {})


def test_a_secret_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    line = fault(tmp_path, f'[cdr]\npassword_file = "{tmp_path}/secret"\n')
    assert "not UTF-8 text" in line


class TestCommand:
    """The same, as the technician sees it."""

    def one_line(self, *arguments: str, environ: dict[str, str] | None = None) -> str:
        result = run(*arguments, environ=environ)
        assert (result.code, result.out) == (2, "")
        return result.line

    def test_missing_file(self, tmp_path: Path) -> None:
        line = self.one_line("run", "--config", str(tmp_path / "none.toml"))
        problem, _, hint = line.partition("; ")
        assert problem == f"shipper: config: {tmp_path}/none.toml does not exist"
        assert hint == "name the file by --config or SHIPPER_CONFIG"

    def test_missing_file_of_the_environment(self, tmp_path: Path) -> None:
        assert "none.toml does not exist" in self.one_line(
            "status", environ={"SHIPPER_CONFIG": str(tmp_path / "none.toml")}
        )

    def test_a_folder(self, tmp_path: Path) -> None:
        line = self.one_line("run", "--config", str(tmp_path))
        assert f"{tmp_path} cannot be read (Is a directory)" in line
        assert f"ls -l {tmp_path}" in line

    def test_unreadable_file(
        self, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path_factory.mktemp("closed") / "shipper.toml"
        file.write_text(MINIMAL)
        file.chmod(0)
        with unprivileged():
            code = main(["status", "--config", str(file)])
        captured = capsys.readouterr()
        assert code == 2
        assert captured.err == (
            f"shipper: config: {file} cannot be read (Permission denied); "
            f"put sudo in front of the command, or run: ls -l {file}\n"
        )

    def test_unknown_key(self, store: Store) -> None:
        result = store.set("cdr", pasword="x").run("run", "--once")
        assert result.code == 2
        assert (
            result.line
            == f"shipper: config: {store.config}: cdr.pasword is no setting; did you mean password?"
        )

    def test_unknown_variable(self, store: Store) -> None:
        line = self.one_line("run", "--config", str(store.write()), environ={"SHIPPER_CDR_HOTS": "x"})
        problem, _, hint = line.partition("; ")
        assert problem == "shipper: config: environment variable SHIPPER_CDR_HOTS is no setting"
        assert hint == "did you mean SHIPPER_CDR_HOST?"

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((), "required: COMMAND"),
            (("ship",), "invalid choice: 'ship'"),
            (("run", "--onc"), "unrecognized arguments: --onc"),
            (("backfill",), "required: --since"),
            (("backfill", "--since", "yesterday"), "'yesterday' is no date such as 2026-11-23"),
            (("backfill", "--since", "2026-02-30"), "'2026-02-30' is no date"),
        ],
    )
    def test_wrong_usage(self, arguments: tuple[str, ...], words: str) -> None:
        result = run(*arguments)
        assert (result.code, result.out) == (2, "")
        assert words in result.err.splitlines()[-1]

    def test_backfill_that_ends_before_it_begins(self, store: Store) -> None:
        result = store.run("backfill", "--since", "2026-11-24", "--until", "2026-11-23")
        assert result.code == 2
        assert "--until 2026-11-23 is before --since 2026-11-24; swap them" in result.line
        assert not store.spool.exists()

    def test_help_names_every_command(self) -> None:
        result = run("--help")
        assert result.code == 0
        for command in ("run", "check", "status", "backfill"):
            assert f"\n    {command} " in result.out
            one: Any = run(command, "--help")
            assert one.code == 0
            assert "--config FILE" in one.out
