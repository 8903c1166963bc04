"""The watch without end: what it does when the cluster was away, and who is told of that."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from central.alerts.evaluate import Result
from central.alerts.files import Json
from central.alerts.watch import Told, Watch
from central.errors import CentralError

GAP_SECONDS: Final = 60.0
"""So long without a good round, heartbeats may have been lost: what is silent then is the cluster."""
SETTLE_SECONDS: Final = 90.0
"""After that, and at the start, stores have so long to be heard (a heartbeat comes every 30 s)."""
AWAY_SECONDS: Final = 180.0
"""A cluster that is away for so long is told: while it is, no monitor can tell anything."""
_WORDS: Final = {
    "pt-BR": (
        "Alerta · o cluster não responde",
        "ALERTA: o cluster não responde há {minutes} minutos, e nenhum alerta pode ser visto: {why}",
        "Fim · o cluster responde de novo",
        "FIM: o cluster responde de novo",
    ),
    "en": (
        "Alert · the cluster does not answer",
        "ALERT: the cluster has not answered for {minutes} minutes, and no alert can be seen: {why}",
        "Over · the cluster answers again",
        "OVER: the cluster answers again",
    ),
}


class Service:
    """Rounds of one watch.

    Args:
        watch: it.
        language: of what is told of the cluster itself.
        clock: seconds, only forward.
    """

    def __init__(self, watch: Watch, language: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._watch = watch
        self._words = _WORDS[language]
        self._clock = clock
        self._good: float | None = None
        self._settled = 0.0
        self._away: float | None = None
        self._told_of = False
        self._failing = ""

    def step(self) -> Iterator[str]:
        """One round, or where the cluster was away only a measurement; gives what is new, a line each."""
        now = self._clock()
        told = Told([])
        try:
            if self._good is None or now - self._good > GAP_SECONDS:
                self._watch.measure()
                self._settled = now + SETTLE_SECONDS
                yield f"alerts begin in {SETTLE_SECONDS:.0f} s: the stores have that long to be heard"
            elif now < self._settled:
                self._watch.measure()
            else:
                told = self._watch.round()
            self._good = now
        except CentralError as error:
            yield from self._failed(str(error), now, told)
            return
        yield from changes(told)
        if self._told_of and self._post(2, "completed", "closed", "", told):
            self._told_of = False
        self._away = None
        problems = [problem(result) for result in told.results if result.error]
        yield from self._said("; ".join([*problems, *dict.fromkeys(told.failed)]))

    def _failed(self, why: str, now: float, told: Told) -> Iterator[str]:
        self._away = now if self._away is None else self._away
        if now - self._away >= AWAY_SECONDS and not self._told_of:
            self._told_of = self._post(0, "active", "opened", why, told)
        yield from self._said("; ".join([why, *told.failed]))

    def _said(self, text: str) -> Iterator[str]:
        """A failure is a line once, and another one when it is over."""
        if text != self._failing:
            yield f"central: {text}" if text else "all monitors run, and all channels take messages, again"
            self._failing = text

    def _post(self, words: int, state: str, action: str, why: str, told: Told) -> bool:
        text = self._words[words + 1].format(minutes=round(AWAY_SECONDS / 60), why=why)
        body: Json = {
            "finding": "cluster_silent",
            "severity": 1,
            "state": state,
            "action": action,
            "of": "-",
            "subject": self._words[words],
            "text": text,
        }
        return self._watch.post(body, told)


def changes(told: Told) -> Iterator[str]:
    """Give what a round found new, a line each."""
    for one, message in told.began:
        yield f"begins  {one.severity} {one.finding}  {message.splitlines()[0] if message else one.keys}"
    for one in told.ended:
        yield f"ends    {one.severity} {one.finding}  {one.keys}"


def problem(result: Result) -> str:
    """Say why a monitor could not be run."""
    return f"monitor {result.monitor.name!r} could not be run: {result.error}"
