"""The fake server against what a real one was recorded to say, and its faults."""

import socket
import time

import pytest

from compose.simulator.ami import FakeAmi, written
from tests.ami.recording import BANNER, session, snapshot_answers
from tests.shipper.store import eventually

LISTS = ("CoreShowChannels", "DeviceStateList", "ExtensionStateList", "Status")


class Client:
    """A socket that speaks AMI by hand."""

    def __init__(self, ami: FakeAmi) -> None:
        self.socket = socket.create_connection(("127.0.0.1", ami.port), 10)
        self.file = self.socket.makefile("rb")
        assert self.file.readline() == BANNER

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def ask(self, *lines: str) -> None:
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def message(self) -> str:
        """The next message with its empty line; nothing at the end."""
        found = b""
        while line := self.file.readline():
            found += line
            if line == b"\r\n":
                break
        return found.decode()

    def log_in(self) -> None:
        self.ask("Action: Login", "Username: shipper", "Secret: secret")
        assert self.message() == "Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
        assert self.message().startswith("Event: FullyBooted\r\n")


def test_it_greets_as_the_real_one_did() -> None:
    with FakeAmi() as ami:
        client = Client(ami)
        client.ask("Action: Login", "Username: shipper", "Secret: secret")
        said = client.message() + client.message()
        client.close()
    assert session().startswith(BANNER + said.encode())


@pytest.mark.parametrize(("action", "answer"), [(a, text) for _, a, text in snapshot_answers() if a in LISTS])
def test_lists_have_the_form_of_the_recorded_ones(action: str, answer: str) -> None:
    items = [
        dict(line.split(": ", 1) for line in part.split("\r\n")) for part in answer.split("\r\n\r\n")[1:-2]
    ]
    known = {item.pop("ActionID") for item in items} or {"1"}
    with FakeAmi() as ami:
        ami.state = lambda asked: items if asked == action else ()
        client = Client(ami)
        client.log_in()
        client.ask(f"Action: {action}", f"ActionID: {known.pop()}")
        said = "".join(client.message() for _ in range(len(items) + 2))
        client.close()
    assert said == answer


def test_pings_and_what_it_does_not_know() -> None:
    with FakeAmi(write="command") as ami:
        client = Client(ami)
        client.ask("Action: CoreShowChannels")
        assert client.message() == "Response: Error\r\nMessage: Permission denied\r\n\r\n"
        client.log_in()
        client.ask("Action: Ping", "ActionID: 7")
        assert client.message().startswith("Response: Success\r\nActionID: 7\r\nPing: Pong\r\nTimestamp: ")
        client.ask("Action: CoreShowChannels", "ActionID: 8")
        assert client.message() == "Response: Error\r\nActionID: 8\r\nMessage: Permission denied\r\n\r\n"
        client.ask("Action: Nonsense")
        assert client.message() == (
            "Response: Error\r\nMessage: Invalid/unknown command: Nonsense."
            " Use Action: ListCommands to show available commands.\r\n\r\n"
        )
        client.ask("Action: ListCommands")
        assert client.message() == "Response: Success\r\nPing: Keepalive command. (Priv: <none>)\r\n\r\n"
        client.ask("Action: Logoff")
        assert client.message() == "Response: Goodbye\r\nMessage: Thanks for all the fish.\r\n\r\n"
        assert client.message() == ""
        client.close()


def test_commands_are_listed_by_right() -> None:
    with FakeAmi(write="reporting") as ami:
        client = Client(ami)
        client.log_in()
        client.ask("Action: ListCommands")
        assert (
            "CoreShowChannels: List currently active channels. (Priv: system,reporting,all)\r\n"
            in client.message()
        )
        client.close()


@pytest.mark.parametrize("refused", [False, True])
def test_a_refused_login_ends_the_connection(*, refused: bool) -> None:
    with FakeAmi() as ami:
        ami.refuse_login = refused
        client = Client(ami)
        client.ask("Action: Login", "Username: shipper", f"Secret: {'secret' if refused else 'wrong'}")
        assert client.message() == "Response: Error\r\nMessage: Authentication failed\r\n\r\n"
        assert client.message() == ""
        client.close()
        assert (ami.logins, ami.clients) == (0, 0)


def test_a_client_that_reads_nothing_is_cut_off_and_one_that_reads_slowly_is_not() -> None:
    event = written({"Event": "VarSet", "Value": "x" * 1000})
    with FakeAmi() as ami:
        ami.patience = 0.5
        slow, dead = Client(ami), Client(ami)
        slow.log_in()
        dead.log_in()
        ami.send(event * 30_000).result()
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            slow.socket.recv(1 << 20)
            time.sleep(0.05)
        eventually(lambda: ami.cut_off == 1, "that one is cut off")
        assert ami.clients == 1
        slow.close()
        dead.close()


def test_it_hangs_and_goes_on() -> None:
    with FakeAmi() as ami:
        client = Client(ami)
        client.log_in()
        client.socket.settimeout(0.3)
        ami.hang()
        ami.send(b"Event: Hold\r\n\r\n")
        client.ask("Action: Ping")
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        ami.resume()
        client.socket.settimeout(10)
        said = b""
        while said.count(b"\r\n\r\n") < 2:
            said += client.socket.recv(4096)
        assert b"Event: Hold\r\n\r\n" in said
        assert b"Ping: Pong\r\n" in said
        client.close()
