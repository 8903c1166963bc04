"""How head office's Fluent Bit is, as a document that a screen and a monitor can show; pure.

What its figures mean was measured with Fluent Bit 5.1.1: docs/operations.md says of each when it is well.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

OK, UNHEALTHY, DOWN = "ok", "unhealthy", "down"
DATASET: Final = "pabx.gate"
_NUMBER: Final = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_LINE: Final = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{(.*)\}})? ({_NUMBER})", re.ASCII)
_LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)"')
_MINUTE: Final = 60.0
# What these give up was worth nothing any more: their outputs have a retry_limit.
_PASSING: Final = ("heartbeats", "live")
_COUNTERS: Final = (
    "received",
    "delivered",
    "errors",
    "retries",
    "retries_failed",
    "dropped",
    "dropped_states",
    "log_errors",
)
_PER_MINUTE: Final = (
    "received",
    "delivered",
    "errors",
    "retries",
    "dropped",
    "log_errors",
    "logins_refused",
)


@dataclass(frozen=True)
class Waiting:
    """What lies in Fluent Bit's storage.

    Attributes:
        chunks: files.
        bytes: of them.
        oldest: when the oldest one was begun, seconds since 1970; None: there is none.
    """

    chunks: int
    bytes: int
    oldest: float | None


@dataclass(frozen=True)
class Reading:
    """What was found; None is what could not be found out.

    Attributes:
        answers: Fluent Bit answers at all.
        trouble: what it says is the matter with it, or why it does not answer; empty: nothing is.
        metrics: its metrics in Prometheus' text format; it has none in its first seconds.
        waiting: of its storage.
        free_bytes: left on the storage's disk.
        certificate_ends: of the certificate that the stores see.
        connections: of stores that are logged in at the door.
        logins_refused: since the door's start.
    """

    answers: bool
    trouble: str = ""
    metrics: str | None = None
    waiting: Waiting | None = None
    free_bytes: int | None = None
    certificate_ends: dt.datetime | None = None
    connections: int | None = None
    logins_refused: int | None = None


@dataclass(frozen=True)
class Sample:
    """The counters of one moment, from which the next one's differences are made.

    Attributes:
        at: seconds of a clock that only goes forward.
        counters: by the field's name.
    """

    at: float
    counters: Mapping[str, int] = field(default_factory=dict)


def document(
    host: str, reading: Reading, sample: Sample, earlier: Sample | None, now: dt.datetime
) -> dict[str, Any]:
    """The document: what is not known is left out.

    Args:
        host: the machine's name.
        reading: what was found.
        sample: the counters of the same reading.
        earlier: those of about a minute ago; None: there are none.
        now: the clock, UTC.
    """
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {**_state(reading), **_figures(reading, sample, earlier, now)}
    return {
        "@timestamp": stamp,
        "event": {"id": host, "kind": "metric", "dataset": DATASET, "created": stamp},
        "host": {"name": host},
        "gate": {name: value for name, value in known.items() if value is not None},
    }


def sample_of(reading: Reading, at: float) -> Sample:
    """The counters of a reading.

    Args:
        reading: what was found.
        at: seconds of a clock that only goes forward.
    """
    metrics = list(_parsed(reading.metrics)) if reading.metrics else []
    counters = _counters(metrics) if metrics else {}
    if reading.logins_refused is not None:
        counters["logins_refused"] = reading.logins_refused
    return Sample(at, counters)


def per_minute(sample: Sample, earlier: Sample | None) -> dict[str, int]:
    """By how much each counter grew within a minute; one that was set back has counted from 0 since."""
    if earlier is None or sample.at <= earlier.at:
        return {}
    share = _MINUTE / (sample.at - earlier.at)
    both = {name: (value, earlier.counters.get(name)) for name, value in sample.counters.items()}
    return {
        name: round((value - before if value >= before else value) * share)
        for name, (value, before) in both.items()
        if before is not None
    }


def _state(reading: Reading) -> dict[str, Any]:
    if not reading.answers:
        return {"state": DOWN, "message": reading.trouble or None}
    trouble = reading.trouble
    if not trouble and _paused(reading):
        trouble = "Fluent Bit takes in nothing until what waits is delivered"
    return {"state": UNHEALTHY if trouble else OK, "message": trouble or None}


def _paused(reading: Reading) -> bool | None:
    values = [
        value
        for name, labels, value in _parsed(reading.metrics or "")
        if name == "fluentbit_input_ingestion_paused" and _from_stores(labels)
    ]
    return any(values) if values else None


def _figures(
    reading: Reading, sample: Sample, earlier: Sample | None, now: dt.datetime
) -> dict[str, int | str | bool | None]:
    waiting, ends = reading.waiting, reading.certificate_ends
    growth = per_minute(sample, earlier)
    return {
        **_process(reading.metrics or ""),
        **sample.counters,
        **{f"{name}_per_minute": growth.get(name) for name in _PER_MINUTE},
        "waiting_chunks": waiting.chunks if waiting else None,
        "waiting_bytes": waiting.bytes if waiting else None,
        "oldest_seconds": _age(waiting, now) if waiting else None,
        "free_bytes": reading.free_bytes,
        "input_paused": _paused(reading),
        "connections": reading.connections,
        "certificate_days": (ends - now).days if ends else None,
    }


def _age(waiting: Waiting, now: dt.datetime) -> int:
    """Never negative: the clock may have been set back since."""
    return 0 if waiting.oldest is None else max(0, int(now.timestamp() - waiting.oldest))


def _process(metrics: str) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for name, labels, value in _parsed(metrics):
        if name == "fluentbit_uptime":
            found["uptime_seconds"] = int(value)
        elif name == "fluentbit_build_info" and "version" in labels:
            found["version"] = labels["version"]
    return found


_Metric = tuple[str, Mapping[str, str], float]


def _counters(metrics: list[_Metric]) -> dict[str, int]:
    """A counter of something that has never happened is not among its metrics: it is 0."""
    total = dict.fromkeys(_COUNTERS, 0.0)
    for name, labels, value in metrics:
        counter = _counter(name, labels)
        if counter:
            total[counter] += value
    return {name: int(value) for name, value in total.items()}


def _counter(name: str, labels: Mapping[str, str]) -> str:
    """Which counter a metric belongs to; empty: none."""
    passing = labels.get("name") in _PASSING
    return {
        # Its other input reads its own files again after a restart.
        "fluentbit_input_records_total": "received" if _from_stores(labels) else "",
        "fluentbit_output_proc_records_total": "delivered",
        "fluentbit_output_errors_total": "errors",
        "fluentbit_output_retries_total": "retries",
        "fluentbit_output_retries_failed_total": "" if passing else "retries_failed",
        "fluentbit_output_dropped_records_total": "dropped_states" if passing else "dropped",
        "fluentbit_routing_logs_drop_records_total": "dropped",
        "fluentbit_logger_logs_total": "log_errors" if labels.get("message_type") == "error" else "",
    }.get(name, "")


def _from_stores(labels: Mapping[str, str]) -> bool:
    return labels.get("name", "").startswith("forward")


def _parsed(metrics: str) -> Iterator[_Metric]:
    """Lines of Prometheus' text format; one that is none is passed over."""
    for line in metrics.splitlines():
        match = _LINE.fullmatch(line)
        if match and isfinite(value := float(match[3])):
            yield match[1], dict(_LABEL.findall(match[2] or "")), value
