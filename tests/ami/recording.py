"""The bytes of real AMI sessions, and a reader of them that knows nothing of the code under test."""

import gzip
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "recordings"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


@cache
def session(name: str = "ami.log.gz") -> bytes:
    """All bytes of a recorded session, the banner first."""
    return gzip.decompress((FOLDER / name).read_bytes())


@cache
def messages(name: str = "ami.log.gz") -> tuple[bytes, ...]:
    """Its messages, banner left out, without empty lines: after some TestEvents there is one too much."""
    found = session(name).removeprefix(BANNER).split(b"\r\n\r\n")
    return tuple(message.removeprefix(b"\r\n") for message in found[:-1])


def event_name(message: bytes) -> str:
    """What the message's first line says that it is; empty for a response."""
    first = message.split(b"\r\n")[0].decode()
    return first.removeprefix("Event: ") if first.startswith("Event: ") else ""


def snapshot_answers() -> list[tuple[str, str, str]]:
    """Of each recorded question: snapshot, action, and the answer's text as it came."""
    found = []
    for path in sorted((FOLDER / "snapshots").glob("*.txt")):
        for part in path.read_bytes().decode().split("##### Action: ")[1:]:
            head, _, answer = part.partition("\r\n")
            found.append((path.stem, head.split()[0], answer.removesuffix("\r\n")))
    return found
