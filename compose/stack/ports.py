"""TCP ports on the loopback address."""

import random
import socket
from pathlib import Path

from compose.stack.errors import StackError

_LISTEN = "0A"
# Below Linux's range for outgoing connections, so that none of those takes a port between choice and use.
_FREE_RANGE = range(20_000, 32_000)
_handed_out: set[int] = set()


def free_port() -> int:
    """A port that is free just now and was not handed out before by this process.

    Raises:
        StackError: None is free.
    """
    for port in random.SystemRandom().sample(_FREE_RANGE, 500):
        if port not in _handed_out and not _in_use(port):
            _handed_out.add(port)
            return port
    raise StackError(f"no free port between {_FREE_RANGE.start} and {_FREE_RANGE.stop} on 127.0.0.1")


def check_free(port: int, mend: str) -> None:
    """Make sure that ``port`` can be listened on.

    Args:
        port: The port.
        mend: What to set to choose another one, such as ``set --opensearch-port``.

    Raises:
        StackError: It is in use; the text names the process where that can be seen.
    """
    if _in_use(port):
        raise StackError(f"port {port} is in use by {_user_of(port)}: {mend}")


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # what is only in TIME_WAIT does not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _user_of(port: int) -> str:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for directory in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(link.readlink()) in inodes for link in directory.iterdir()):
                name = (directory.parent / "comm").read_text(encoding="utf-8").strip()
                return f"{name} (pid {directory.parent.name})"
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return "another process"
