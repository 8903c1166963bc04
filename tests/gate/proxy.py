"""The bad line between stores and head office: a TCP proxy that cuts, hangs and crawls on demand."""

import contextlib
import random
import socket
import struct
import threading
import time

BLOCK = 16384
CRAWL_BYTES_PER_SECOND = 20_000
RESET = struct.pack("ii", 1, 0)


class Line:
    """Listens on a port of its own and passes on to another.

    Args:
        target: TCP port on loopback.
        seed: of the moments at which it breaks off.

    Attributes:
        mode: `pass`; `crawl`: a trickle; `hang`: nothing goes through any more, in mid-frame too, and nobody
            is told; `refuse`: whoever connects is reset.
    """

    def __init__(self, target: int, seed: int) -> None:
        self._target = target
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.mode = "pass"
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection, wherever in a frame it is."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def close(self) -> None:
        """Take no more connections, and end those that are."""
        self._listener.close()
        self.cut()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                if self.mode == "refuse":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    connection.close()
                    continue
                inner = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                if self._listener.fileno() < 0:
                    return
                connection.close()
                continue
            with self._lock:
                self._open |= {connection, inner}
            for source, sink in ((connection, inner), (inner, connection)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(BLOCK):
                while self.mode == "hang":
                    # Half of what was in the pipe has gone through, the other half waits.
                    half = self._random.randrange(len(data) + 1)
                    sink.sendall(data[:half])
                    data = data[half:]
                    time.sleep(0.1)
                if self.mode == "crawl":
                    for at in range(0, len(data), 1024):
                        sink.sendall(data[at : at + 1024])
                        time.sleep(1024 / CRAWL_BYTES_PER_SECOND)
                else:
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}
        for end in (source, sink):
            end.close()
