"""A secret is in its file and in the login's digests, and nowhere else, whatever fails."""

import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compose.stack.ports import free_port
from shipper.config import ForwardSettings, load
from shipper.errors import OutputError
from shipper.outputs import ForwardOutput
from tests.servers import CdrDatabase
from tests.shipper.certificates import Authority
from tests.shipper.fake_forward import FakeForward, fake_forward
from tests.shipper.store import Store, environment, eventually, fill, run
from tests.shipper.test_output_opensearch import document, spooled

pytestmark = pytest.mark.servers

SHARED_KEY, TOKEN = "Shar3d-Key-0f-The-Chain", "T0ken-0f-Loja001"
AMI_SECRET, PRIVACY_KEY = "Am1-S3cret-0f-Asterisk", "Pr1vacy-Key-0f-The-Chain"


@pytest.fixture
def fake() -> Iterator[FakeForward]:
    with fake_forward() as found:
        found.shared_key, found.users = SHARED_KEY, {"Loja001": TOKEN}
        yield found


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def store(
    store_with_rows: Store, cdr_database: CdrDatabase, fake: FakeForward, authority: Authority, tmp_path: Path
) -> Store:
    """All secrets there are, in the configuration and in files of their own; everything works."""
    certificate, key = authority.client("Loja001")
    fake.tls = authority.server(clients=authority.ca_file)
    secret = tmp_path / "token"
    secret.write_text(TOKEN + "\n")
    fill(cdr_database, 5)
    store_with_rows.set("ami", secret=AMI_SECRET)
    store_with_rows.set("privacy", mode="hashed", key=PRIVACY_KEY)
    store_with_rows.set("output", kind="forward")
    return store_with_rows.set(
        "output.forward",
        host="127.0.0.1",
        port=fake.port,
        tls=True,
        ca_file=authority.ca_file,
        shared_key=SHARED_KEY,
        username="Loja001",
        password_file=str(secret),
        client_certificate=certificate,
        client_certificate_key=key,
    )


def secrets_of(store: Store, *more: str) -> list[str]:
    key = Path(store.settings["output.forward"]["client_certificate_key"]).read_text()
    lines = [line for line in key.splitlines() if line and not line.startswith("-")]
    password = store.settings["cdr"]["password"]
    return [SHARED_KEY, TOKEN, AMI_SECRET, PRIVACY_KEY, password, *lines, *more]


def assert_none_in(text: str | bytes, secrets: list[str]) -> None:
    assert text, "nothing was looked through"
    raw = text.encode() if isinstance(text, str) else text
    for secret in secrets:
        assert len(secret) > 8
        assert secret.encode() not in raw


def said(store: Store, *arguments: str) -> str:
    result = store.run(*arguments)
    assert "Traceback" not in result.err
    return f"{result.code} {result.out}{result.err}"


COMMANDS = (
    ("check",),
    ("check", "--json"),
    ("run", "--once"),
    ("status",),
    ("status", "--json"),
    ("refused", "--json"),
    ("backfill", "--since", "2026-11-01"),
)


def test_every_command_where_all_is_well(store: Store, fake: FakeForward) -> None:
    text = "".join(said(store, *command) for command in COMMANDS)
    assert "Forward server at" in text
    assert len(set(fake.ids)) >= 5
    assert_none_in(text, secrets_of(store))
    assert_none_in(store.spool.read_bytes(), secrets_of(store))


def test_what_is_sent_holds_digests_only(store: Store, fake: FakeForward) -> None:
    said(store, "run", "--once")
    assert len(set(fake.ids)) >= 5
    assert b"Loja001" in fake.raw
    assert all("proof" in record for _, record in fake.records)
    assert_none_in(bytes(fake.raw), secrets_of(store))
    assert_none_in(json.dumps(fake.records, ensure_ascii=False), secrets_of(store))


Break = Callable[[Store, FakeForward, Path], list[str]]
"""Makes something fail; gives the secrets that this added."""


def _wrong_key(store: Store, _fake: FakeForward, _folder: Path) -> list[str]:
    store.set("output.forward", shared_key="An0ther-Key")
    return ["An0ther-Key"]


def _wrong_user(_store: Store, fake: FakeForward, _folder: Path) -> list[str]:
    fake.users = {"Loja001": "An0ther-T0ken"}
    return []


def _impostor(_store: Store, fake: FakeForward, _folder: Path) -> list[str]:
    fake.proof = "guessed"
    return []


def _man_in_the_middle(_store: Store, fake: FakeForward, folder: Path) -> list[str]:
    fake.tls = Authority(folder / "other").server()
    return []


def _plain_server(_store: Store, fake: FakeForward, _folder: Path) -> list[str]:
    fake.tls, fake.greeting = None, b"220 ready\r\n"
    return []


def _nobody_there(store: Store, _fake: FakeForward, _folder: Path) -> list[str]:
    store.set("output.forward", port=free_port())
    return []


def _wrong_client_key(store: Store, _fake: FakeForward, folder: Path) -> list[str]:
    _, key = Authority(folder / "other").client("Loja001")
    store.set("output.forward", client_certificate_key=key)
    return []


def _closes(_store: Store, fake: FakeForward, _folder: Path) -> list[str]:
    fake.acknowledge = lambda _: None
    return []


def _wrong_database_password(store: Store, _fake: FakeForward, _folder: Path) -> list[str]:
    store.set("cdr", password="Wr0ng-Passw0rd")
    return ["Wr0ng-Passw0rd"]


def _no_database(store: Store, _fake: FakeForward, _folder: Path) -> list[str]:
    store.set("cdr", port=free_port())
    return []


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (_wrong_key, "closed the connection during the login"),
        (_wrong_user, "refused the login of 'Loja001'"),
        (_impostor, "does not know our shared key"),
        (_man_in_the_middle, "was rejected"),
        (_plain_server, "no TLS with"),
        (_nobody_there, "does not take documents"),
        (_wrong_client_key, "does not fit"),
        (_closes, "closed without an acknowledgement"),
        (_wrong_database_password, "Access denied"),
        (_no_database, "cannot be reached"),
    ],
)
def test_whatever_fails(store: Store, fake: FakeForward, tmp_path: Path, broken: Break, words: str) -> None:
    secrets = secrets_of(store) + broken(store, fake, tmp_path)
    text = "".join(said(store, *command) for command in (("check",), ("run", "--once"), ("status", "--json")))
    assert words.lower() in text.lower()
    assert_none_in(text, secrets)
    assert_none_in(bytes(fake.raw) or b"-", secrets)


def test_log_and_process_list_of_a_running_agent(store: Store, fake: FakeForward) -> None:
    """It meets a failure, then works; nothing is in its arguments either."""
    fake.users = {"Loja001": "An0ther-T0ken"}
    store.set("agent", log_format="json")
    with store.agent() as agent:
        eventually(lambda: "refused the login" in store.log, "the refusal")
        for name in ("cmdline", "comm", "stat"):
            assert_none_in(Path(f"/proc/{agent.pid}/{name}").read_bytes(), secrets_of(store))
        fake.users = {"Loja001": TOKEN}
        eventually(lambda: len(set(fake.ids)) >= 5, "the delivery", 60)
        agent.terminate()
        assert agent.wait(30) == 0
    assert_none_in(store.log, secrets_of(store))


def test_from_the_environment(store: Store) -> None:
    """A secret that is set by a variable is shown no more than one of the file."""
    store.settings["output.forward"].pop("shared_key")
    environ = environment({"SHIPPER_OUTPUT_FORWARD_SHARED_KEY": "Fr0m-The-Environment"})
    config = str(store.write())
    text = "".join(
        run(*command, "--config", config, environ=environ).err + run("status", "--config", config).out
        for command in (("check",), ("run", "--once"))
    )
    assert "closed the connection during the login" in text
    assert_none_in(text, secrets_of(store, "Fr0m-The-Environment"))


def test_neither_settings_nor_errors_show_them(store: Store, fake: FakeForward, tmp_path: Path) -> None:
    config = load(store.write(), {})
    assert config.output.forward.password == TOKEN
    assert_none_in(repr(config), secrets_of(store))
    fake.users = {"Loja001": "An0ther-T0ken"}
    for error in failures(config.output.forward, fake, tmp_path):
        chain: BaseException | None = error
        while chain is not None:
            assert_none_in(f"{chain!r} {chain} {vars(chain)}", secrets_of(store))
            chain = chain.__cause__ or chain.__context__


def failures(settings: ForwardSettings, fake: FakeForward, folder: Path) -> Iterator[OutputError]:
    """Errors of all stages: no connection, TLS, login, acknowledgement."""
    changes: list[dict[str, Any]] = [
        {},
        {"shared_key": "An0ther-Key"},
        {"ca_file": Authority(folder / "third").ca_file},
        {"port": free_port()},
        {"client_certificate_key": settings.client_certificate},
        {"client_certificate": "", "client_certificate_key": ""},
    ]
    for change in changes:
        output = ForwardOutput(replace(settings, **change))
        with pytest.raises(OutputError) as caught:
            output.send(spooled(document(1)))
        output.close()
        yield caught.value
    assert isinstance(fake.tls, ssl.SSLContext)
    assert fake.ids == []
