"""A bad line: a TCP proxy that cuts, hangs and crawls on demand, at once or after so many bytes."""

import random
import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

BLOCK = 16384
CRAWL_BYTES_PER_SECOND = 20_000
LOOK_SECONDS = 0.5
"""How often whoever waits looks whether the connection was closed meanwhile: only then it is."""
RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a port of its own and passes on to another.

    Args:
        target: TCP port on loopback.
        seed: Of the places in a frame at which it begins to hang.

    Attributes:
        mode: For every connection, from now on: `pass`; `crawl`: `bytes_per_second`; `hang`: connections are
            taken, nothing goes through any more, in mid-frame too, and nobody is told; `refuse`: whoever
            connects is reset.
        after: Each connection that is made from now on passes so many bytes of the client's, and then is
            `cut` or does `hang`, whatever the mode: (bytes, "cut" or "hang"); None for no end.
        connections: How many were taken.
    """

    def __init__(self, target: int, seed: int = 0) -> None:
        self.target = target
        self.mode = "pass"
        self.bytes_per_second = CRAWL_BYTES_PER_SECOND
        self.after: tuple[int, str] | None = None
        self.connections = 0
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._open: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def cut(self) -> None:
        """Reset every connection, wherever in a frame it is."""
        with self._lock:
            pairs = list(self._open)
        for pair in pairs:
            self._reset(pair)

    def close(self) -> None:
        """Take no more connections, and end those that are."""
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                outer, _ = self._listener.accept()
            except OSError:
                continue
            self.connections += 1
            if self.mode == "refuse":
                outer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                outer.close()
                continue
            try:
                inner = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                outer.close()
                continue
            for connection in (outer, inner):
                connection.settimeout(LOOK_SECONDS)
            pair = (outer, inner)
            with self._lock:
                self._open.add(pair)
            after = self.after
            threading.Thread(target=self._pass, args=(pair, after), daemon=True).start()
            threading.Thread(target=self._pass, args=(pair[::-1], None), daemon=True).start()

    def _pass(self, pair: tuple[socket.socket, socket.socket], after: tuple[int, str] | None) -> None:
        """One direction, from the first to the second."""
        source, sink = pair
        left, end = after or (0, "")
        with suppress(OSError):
            while data := self._receive(source):
                if end and len(data) >= left:
                    self._send(sink, data[:left])
                    if end == "cut":
                        self._reset(pair)
                        return
                    self._hang(source, forever=True)
                    return
                left -= len(data)
                if self.mode == "hang":
                    # A part of what was in the pipe has gone through, the other part waits.
                    part = self._random.randrange(len(data))
                    self._send(sink, data[:part])
                    data = data[part:]
                    self._hang(source, forever=False)
                self._send(sink, data)
        self._end(pair)

    def _hang(self, source: socket.socket, *, forever: bool) -> None:
        while (forever or self.mode == "hang") and not self._closed.is_set() and source.fileno() >= 0:
            time.sleep(0.02)

    def _receive(self, source: socket.socket) -> bytes:
        while True:
            with suppress(TimeoutError):
                return source.recv(BLOCK)

    def _send(self, sink: socket.socket, data: bytes) -> None:
        while data:
            # The speed may change while a block is under way.
            step = max(1, self.bytes_per_second // 20) if self.mode == "crawl" else len(data)
            with suppress(TimeoutError):
                sent = sink.send(data[:step])
                data = data[sent:]
                if self.mode == "crawl":
                    time.sleep(sent / self.bytes_per_second)

    def _reset(self, pair: tuple[socket.socket, socket.socket]) -> None:
        for connection in pair:
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._open -= {pair, pair[::-1]}
        for connection in pair:
            # Wakes the other direction's thread, which keeps the connection open as long as it reads.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
            connection.close()
