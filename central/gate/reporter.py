"""Writes every half minute into the cluster how the Fluent Bit beside the door is.

Past Fluent Bit, since its being down is what the document has to say. In a thread of its own: the door waits
for nothing of it, and goes on when it cannot be done.
"""

import datetime as dt
import logging
import os
import re
import shutil
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol

from central.client import Connection, client_of, translated
from central.errors import CentralError
from central.gate import certificates, control
from central.gate.folder import GateFolder, Settings
from central.gate.health import Reading, Sample, Waiting, document, sample_of

log = logging.getLogger("central.gate")

INDEX: Final = "pabx-gate"
EVERY_SECONDS: Final = 30.0
_MINUTE: Final = 60.0
_TIMEOUT_SECONDS: Final = 10.0
_MOST_TEXT: Final = 200
# Its health_check with the limits that it has by default.
_UNHEALTHY: Final = "within a minute more than five deliveries failed or were given up"
_MOST_METRICS: Final = 1_000_000
"""Some 20,000 bytes come."""
# PROCESS-SECONDS.NANOSECONDS.flb: when it was begun, which a restart does not change.
_CHUNK: Final = re.compile(r"\d+-(\d+)\.\d+\.flb", re.ASCII)


class Counted(Protocol):
    """What the door knows."""

    @property
    def connections(self) -> int:
        """Of stores that are logged in."""

    @property
    def logins_refused(self) -> int:
        """Since its start."""


class Reporter:
    """Writes until the process ends.

    Args:
        folder: the gate's directory; its settings are read anew each time.
        door: what it knows; None: nothing is known of one.
    """

    def __init__(self, folder: GateFolder, door: Counted | None = None) -> None:
        self._folder = folder
        self._door = door
        self._samples: deque[Sample] = deque(maxlen=8)
        self._failing = False

    def start(self) -> None:
        """Write now and every half minute, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="health", daemon=True).start()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            self.write()
            time.sleep(max(1.0, EVERY_SECONDS - (time.monotonic() - began)))

    def write(self) -> None:
        """Write once; one line in the log when that begins to fail, and one when it works again."""
        try:
            settings = self._folder.settings()
            body = self.document(settings)
            connection = connection_of(settings)
            with client_of(connection) as client, translated(connection, INDEX):
                client.index(index=INDEX, id=body["event"]["id"], body=body, params={"pipeline": INDEX})
        except Exception as error:  # noqa: BLE001  # whatever it is, the next half minute comes
            if not self._failing:
                what = str(error) if isinstance(error, CentralError) else f"{type(error).__name__}: {error}"
                log.warning("how the gate is cannot be written into the cluster: %s", what)
            self._failing = True
        else:
            if self._failing:
                log.info("how the gate is can be written into the cluster again")
            self._failing = False

    def document(self, settings: Settings) -> dict[str, Any]:
        """Look now, and compare with what was a minute ago."""
        reading = read(self._folder, settings, self._door)
        sample = sample_of(reading, time.monotonic())
        earlier = _minute_ago(self._samples, sample.at)
        if sample.counters:
            self._samples.append(sample)
        return document(socket.gethostname(), reading, sample, earlier, dt.datetime.now(dt.UTC))


def connection_of(settings: Settings) -> Connection:
    """Where the gate delivers to, with the log-in that Fluent Bit has."""
    host = f"[{settings.opensearch_host}]" if ":" in settings.opensearch_host else settings.opensearch_host
    return Connection(
        f"{'https' if settings.opensearch_tls else 'http'}://{host}:{settings.opensearch_port}",
        settings.opensearch_user,
        settings.opensearch_password,
        Path(settings.opensearch_ca_file) if settings.opensearch_ca_file else None,
        _TIMEOUT_SECONDS,
    )


def read(folder: GateFolder, settings: Settings, door: Counted | None) -> Reading:
    """Look at Fluent Bit, its storage and the certificate; what cannot be looked at is left out."""
    answers, trouble, metrics = _ask(settings.http_port)
    storage = Path(settings.storage)
    ends = free = waiting = None
    with suppress(CentralError, ValueError):
        ends = certificates.ends(folder.read("server.pem"))
    with suppress(OSError):
        free = shutil.disk_usage(storage).free
        waiting = waiting_in(storage)
    return Reading(
        answers,
        trouble,
        metrics,
        waiting,
        free,
        ends,
        door.connections if door else None,
        door.logins_refused if door else None,
    )


def waiting_in(storage: Path) -> Waiting:
    """Count the files in Fluent Bit's storage, which is there whether it runs or not.

    Raises:
        OSError: the directory cannot be read.
    """
    found = list(_chunks(storage))
    oldest = min((begun for _, begun in found), default=None)
    return Waiting(len(found), sum(size for size, _ in found), oldest)


def _chunks(storage: Path) -> Iterator[tuple[int, float]]:
    """Of each file its bytes and when it was begun; an input has a directory each."""
    with os.scandir(storage) as inputs:
        folders = [entry.path for entry in inputs if entry.is_dir()]
    for folder in folders:
        with os.scandir(folder) as files:
            for entry in files:
                match = _CHUNK.fullmatch(entry.name)
                if match:
                    with suppress(FileNotFoundError):  # delivered meanwhile
                        yield entry.stat().st_size, float(match[1])


def _ask(port: int) -> tuple[bool, str, str | None]:
    try:
        status, text = control.get(port, "/api/v1/health", _MOST_TEXT)
        trouble = (
            "" if status == HTTPStatus.OK else f"Fluent Bit answers {status} {text.strip()}: {_UNHEALTHY}"
        )
        status, metrics = control.get(port, "/api/v2/metrics/prometheus", _MOST_METRICS)
    except control.NotRunningError as error:
        return False, f"Fluent Bit {error}", None
    return True, trouble, metrics if status == HTTPStatus.OK else None


def _minute_ago(samples: deque[Sample], at: float) -> Sample | None:
    """The newest one that is a minute old, else the oldest one; none that is much older."""
    while len(samples) > 1 and at - samples[1].at >= _MINUTE:
        samples.popleft()
    if samples and at - samples[0].at >= 2 * _MINUTE:
        samples.popleft()
    return samples[0] if samples else None
