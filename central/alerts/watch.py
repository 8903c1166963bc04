"""One round of head office's watch: measure the stores, run the monitors, remember and tell what is new."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from opensearchpy import OpenSearch

from central.alerts import messages
from central.alerts.channels import Channel
from central.alerts.evaluate import Raised, Result, documents, evaluate
from central.alerts.files import Json, Monitor
from central.alerts.measures import Measured, stamp
from central.alerts.memory import Known, Memory
from central.alerts.send import post
from central.alerts.states import STATUSES, Round, States
from central.client import Connection
from central.errors import CentralError

log = logging.getLogger("central.alerts")

MOST_SINGLE: Final = 10
"""More alerts of one finding that begin or end at once are told in one message."""


@dataclass
class Told:
    """What one round found.

    Attributes:
        results: of each monitor.
        began: alerts that were not there before, each with its message.
        ended: alerts that are over.
        failed: channels that took no message, and messages that could not be filled in, one line each.
        broken: ids of those channels: they are left alone for the rest of the round.
    """

    results: list[Result]
    began: list[tuple[Raised, str]] = field(default_factory=list)
    ended: list[Raised] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)


class Watch:
    """The watch of one cluster.

    Args:
        client: connected.
        connection: for what a failure says.
        monitors: that are run.
        channels: where messages go; none: somebody else tells, or nobody.
        only_looks: it does not keep the alerts: an end that somebody is to hear of is left to who does.
    """

    def __init__(
        self,
        client: OpenSearch,
        connection: Connection,
        monitors: Sequence[Monitor],
        channels: Sequence[Channel] = (),
        *,
        only_looks: bool = False,
    ) -> None:
        self._client = client
        self._connection = connection
        self._monitors = monitors
        self._channels = channels
        self._only_looks = only_looks
        self._states = States(client, connection)
        self._memory = Memory(client, connection)

    def measure(self, now: float | None = None) -> Round:
        """Measure the stores only.

        Args:
            now: instead of the cluster's clock, seconds since 1970.

        Raises:
            CentralError: the cluster fails, as with the method below.
        """
        return self._states.look(now)

    def round(self, now: float | None = None) -> Told:
        """Do all of it once.

        Args:
            now: instead of the cluster's clock, seconds since 1970.
        """
        look = self.measure(now)
        for store, reason in look.unusable.items():
            log.warning("store %s is not watched: %s: correct the register's file", store, reason)
        results = evaluate(self._client, self._connection, self._monitors, round(look.now * 1000))
        raised = [one for result in results for one in result.raised]
        if not any(result.error and result.monitor.finding in STATUSES for result in results):
            self._states.settle(look.stores, raised, look.now)
        told = Told(results)
        self._remember(told, {store.id: store for store in look.stores}, look.now)
        return told

    def messages(self, results: Sequence[Result]) -> dict[tuple[str, str], str]:
        """Give what is to be told of each alert, by finding and keys."""
        told = {}
        for result in results:
            found = self._documents(result.monitor, result.raised)
            for one in result.raised:
                alert = (one, found.get(one.key))
                text = messages.filled_in(self._client, self._connection, result.monitor, "opened", [alert])
                told[one.finding, one.keys] = text[1]
        return told

    def _remember(self, told: Told, stores: Mapping[str, Measured], now: float) -> None:
        active = self._memory.active()
        new: dict[str, Json] = {}
        changes: dict[str, Json] = {}
        try:
            for result in told.results:
                if not result.error:  # what cannot be seen is neither begun nor over
                    known = {key: one for key, one in active.items() if key[0] == result.monitor.finding}
                    began, changed = self._compare(result, known, stores, told, now)
                    new |= began
                    changes |= changed
        finally:  # what was told is told once, whatever comes after
            self._memory.write(new, changes)

    def _compare(
        self,
        result: Result,
        known: dict[tuple[str, str], Known],
        stores: Mapping[str, Measured],
        told: Told,
        now: float,
    ) -> tuple[dict[str, Json], dict[str, Json]]:
        """Tell what is new of one monitor; gives documents of what begins, and what changes of the others."""
        begun = [one for one in result.raised if (one.finding, one.keys) not in known]
        lasting = [known.pop((one.finding, one.keys)) for one in result.raised if one not in begun]
        texts, reached = self._begin(result.monitor, begun, told)
        new = {}
        for one in begun:
            store = stores[one.key].store if one.key in stores else None
            key, body = self._memory.begun(one, now, store, texts[one.keys])
            body["alert"] |= {"notified_at": stamp(now)} if one.keys in reached else {}
            new[key] = body
        changes = self._go_on(result.monitor, lasting, told, now)
        return new, changes | self._end(result.monitor, list(known.values()), told, now)

    def _begin(
        self, monitor: Monitor, begun: Sequence[Raised], told: Told
    ) -> tuple[dict[str, str], set[str]]:
        """Tell what begins; gives the messages by the alerts' keys, and which of them reached somebody."""
        found = self._documents(monitor, begun)
        alerts = [(one, found.get(one.key)) for one in begun]
        texts = {one.keys: self._filled_in(monitor, "opened", [(one, body)], told)[1] for one, body in alerts}
        told.began += [(one, texts[one.keys]) for one in begun]
        return texts, self._tell(monitor, "opened", alerts, told)

    def _go_on(self, monitor: Monitor, lasting: Sequence[Known], told: Told, now: float) -> dict[str, Json]:
        """Remind of what goes on, tell what nobody was reached with; gives what changes."""
        throttle = monitor.action("reminder")["throttle"]["value"] * 60.0
        unheard = [one.raised for one in lasting if one.notified is None]
        found = self._documents(monitor, unheard) if self._channels else {}
        reached = self._tell(monitor, "opened", [(one, found.get(one.key)) for one in unheard], told)
        due = [one.raised for one in lasting if one.notified is not None and now - one.notified >= throttle]
        reached |= self._tell(monitor, "reminder", [(one, None) for one in due], told)
        return {
            one.id: {
                "checked_at": stamp(now),
                **({"notified_at": stamp(now)} if one.raised.keys in reached else {}),
            }
            for one in lasting
        }

    def _end(self, monitor: Monitor, over: Sequence[Known], told: Told, now: float) -> dict[str, Json]:
        """Tell what is over; who heard of its beginning hears of its end, if need be in a later round."""
        heard = [one.raised for one in over if one.notified is not None]
        reached = self._tell(monitor, "closed", [(one, None) for one in heard], told)
        keeps = self._channels or self._only_looks
        waiting = {one.keys for one in heard} - reached if keeps else set()
        ended = [one for one in over if one.raised.keys not in waiting]
        told.ended += [one.raised for one in ended]
        return {one.id: {"state": "completed", "until": stamp(now)} for one in ended}

    def _documents(self, monitor: Monitor, raised: Sequence[Raised]) -> Mapping[str, Json]:
        if not raised or not messages.looks_into_documents(monitor):
            return {}
        return documents(self._client, self._connection, [one.key for one in raised])

    def _tell(
        self, monitor: Monitor, action: str, alerts: Sequence[tuple[Raised, Json | None]], told: Told
    ) -> set[str]:
        """Post to every channel; gives the keys of the alerts that at least one of them took."""
        if not self._channels or not alerts:
            return set()
        reached: set[str] = set()
        for together in [list(alerts)] if len(alerts) > MOST_SINGLE else [[one] for one in alerts]:
            subject, text = self._filled_in(monitor, action, together, told)
            if not text:
                continue
            body = {
                "finding": monitor.finding,
                "severity": monitor.severity,
                "state": "completed" if action == "closed" else "active",
                "action": action,
                "of": " ".join(one.keys for one, _ in together),
                "subject": subject,
                "text": text,
            }
            if self.post(body, told):
                reached |= {one.keys for one, _ in together}
        return reached

    def post(self, body: Json, told: Told) -> bool:
        """Post to every channel but those that have failed in this round; whether one of them took it."""
        taken = False
        for channel in self._channels:
            if channel.id in told.broken:
                continue
            try:
                post(channel, body)
            except CentralError as error:
                told.broken.add(channel.id)
                told.failed.append(str(error))
            else:
                taken = True
        return taken

    def _filled_in(
        self, monitor: Monitor, action: str, alerts: Sequence[tuple[Raised, Json | None]], told: Told
    ) -> tuple[str, str]:
        """Give subject and text; empty: the cluster would not fill it in now (it limits compilations)."""
        try:
            return messages.filled_in(self._client, self._connection, monitor, action, alerts)
        except CentralError as error:
            if str(error) not in told.failed:
                told.failed.append(str(error))
            return "", ""
