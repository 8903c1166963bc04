"""A PC's own network: a namespace of the kernel, with a real line to head office whose address can change."""

import ctypes
import os
import select
import socket
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CLONE_NEWNET = 0x40000000
"""sched.h; Python knows setns(2) from 3.12 only."""
OFFICE = "localhost"
"""The name in the certificate of the tests' gate; in the namespace it is another address."""
_BLOCK = 65536
_LOOK_SECONDS = 0.2


class Network:
    """A namespace with one line, which is cut off at first, and a file of names, in which nobody is yet.

    Args:
        number: From 0 to 255: of its names and of its subnet.

    Raises:
        OSError: Not allowed, or ``ip`` is absent.
    """

    def __init__(self, number: int) -> None:
        self.name, self._host, self._store = f"pabx-life{number}", f"pabx{number}h", f"pabx{number}s"
        self._net = f"10.177.{number}"
        self.office_address = f"{self._net}.1"
        self._names = Path("/etc/netns") / self.name / "hosts"
        self._forwarders: list[Forwarder] = []
        try:
            _ip("netns", "add", self.name)
            _ip("link", "add", self._host, "type", "veth", "peer", "name", self._store, "netns", self.name)
            _ip("addr", "add", f"{self.office_address}/24", "dev", self._host)
            self._in("link", "set", "lo", "up")
            self._names.parent.mkdir(parents=True, exist_ok=True)
            self._names.write_text("# nobody yet\n")
        except BaseException:
            self.close()
            raise
        self.prefix: Sequence[str] = ("ip", "netns", "exec", self.name)

    def plug_in(self) -> None:
        """The line's plug, at head office's end."""
        _ip("link", "set", self._host, "up")
        self._in("link", "set", self._store, "up")

    def pull(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        _ip("link", "set", self._host, "down")

    def address(self, last: int) -> None:
        """The PC's address is this one from now on, and none that it had before."""
        self._in("addr", "flush", "dev", self._store)
        self._in("addr", "add", f"{self._net}.{last}/24", "dev", self._store)

    def tell_names(self) -> None:
        """The name of head office is known from now on."""
        self._names.write_text(f"{self.office_address} {OFFICE}\n")

    def bring_in(self, port: int) -> None:
        """What listens on 127.0.0.1 here is reached on 127.0.0.1 there."""
        made: list[socket.socket] = []

        def listen() -> None:
            with Path(f"/var/run/netns/{self.name}").open("rb") as there:
                if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(socket.create_server(("127.0.0.1", port)))

        thread = threading.Thread(target=listen)  # of its own: it is in the namespace for good
        thread.start()
        thread.join()
        self._forwarders.append(Forwarder(made[0], port))

    def office_listens(self, port: int) -> None:
        """What listens on 127.0.0.1 here is reached on head office's address."""
        self._forwarders.append(Forwarder(socket.create_server((self.office_address, port)), port))

    def close(self) -> None:
        """Take all of it away."""
        for forwarder in self._forwarders:
            forwarder.close()
        for command in (("netns", "del", self.name), ("link", "del", self._host)):
            with suppress(OSError):
                _ip(*command)
        with suppress(OSError):
            self._names.unlink()
            self._names.parent.rmdir()

    def _in(self, *arguments: str) -> None:
        _ip("-n", self.name, *arguments)


class Forwarder:
    """Passes connections on to a port of 127.0.0.1, until one of their ends is closed.

    Args:
        listener: Takes them, in whatever namespace it was made.
        port: Where to.
    """

    def __init__(self, listener: socket.socket, port: int) -> None:
        self._listener, self._port = listener, port
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        """End all."""
        self._closed.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            if not select.select([self._listener], [], [], _LOOK_SECONDS)[0]:
                continue
            taken, _ = self._listener.accept()
            self._threads.append(threading.Thread(target=self._pass_on, args=(taken,)))
            self._threads[-1].start()

    def _pass_on(self, taken: socket.socket) -> None:
        with taken, suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as onward:
            other = {taken: onward, onward: taken}
            while not self._closed.is_set():
                for end in select.select([taken, onward], [], [], _LOOK_SECONDS)[0]:
                    if not (block := end.recv(_BLOCK)):
                        return
                    other[end].sendall(block)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def free_number() -> int:
    """One whose names nobody else is likely to use."""
    return os.getpid() % 256
