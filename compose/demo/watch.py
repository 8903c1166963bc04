"""Watches the panel of now beside what really goes on: how soon it shows it, and whether it is right."""

import statistics
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final

from opensearchpy import OpenSearch, TransportError

from central.live.read import Picture
from compose.demo.telephoning import Key, Ledger

ALLOWED_SECONDS: Final = 2.5
"""How much later the panel may show what happened."""
RIGHT: Final = 0.95
"""Of the looks at a store that have to be right: the machine does much else meanwhile."""
RECENT: Final = "now-20s"
MOST: Final = 5_000
UNAVAILABLE: Final = {"ignore_unavailable": "true"}
EXAMPLES: Final = 3


class Watch:
    """Looks at the panel, and remembers.

    Args:
        client: The cluster.
        ledger: What really goes on.
        stores: Whose calls are looked at.
    """

    def __init__(self, client: OpenSearch, ledger: Ledger, stores: Sequence[str]) -> None:
        self._client = client
        self._ledger = ledger
        self._stores = stores
        self._shown: dict[Key, float] = {}
        self._gone: dict[Key, float] = {}
        self._looks = self._right = 0
        self._last: set[Key] = set()
        self._differences: list[str] = []

    def poll(self) -> None:
        """Search for what has changed; to be called many times a second."""
        recent = {"range": {"live.as_of": {"gte": RECENT}}}
        body = {
            "size": MOST,
            "query": {"bool": {"filter": [recent, {"terms": {"store.id": list(self._stores)}}]}},
            "_source": ["store.id", "call.linked_ids", "live.state"],
        }
        try:
            hits = self._client.search(index="pabx-live", body=body, params=UNAVAILABLE)["hits"]["hits"]
        except TransportError as error:
            if error.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return  # the index is being made
        now = time.time()
        for hit in hits:
            where = self._gone if hit["_source"]["live"]["state"] == "ended" else self._shown
            where.setdefault(_key(hit["_source"]), now)

    def of(self, picture: Picture) -> set[Key]:
        """The calls that the panel shows."""
        self._last = {_key(call.source) for call in picture.calls}
        self._last = {key for key in self._last if key.store in self._stores}
        return self._last

    def judge(self, picture: Picture, before: float, after: float) -> None:
        """Compare a picture with what went on when it was taken.

        Args:
            picture: As the panel shows it.
            before: When it was asked for, seconds since 1970.
            after: When it was there.
        """
        shown = self.of(picture)
        early = before - ALLOWED_SECONDS
        begun, ended = dict(self._ledger.begun), dict(self._ledger.ended)
        may = {key for key, at in begun.items() if at <= after and ended.get(key, after) >= early}
        must = {key for key, at in begun.items() if at <= early and ended.get(key, after + 1) > after}
        for store in self._stores:
            wrong = {key for key in (must - shown) | (shown - may) if key.store == store}
            self._looks += 1
            self._right += not wrong
            for key in sorted(wrong):
                verb = "not shown" if key in must else "shown"
                self._differences.append(f"{store}: call {key.linkedid} was {verb} at {after:.1f}")

    def delays(self) -> list[float]:
        """From the beginning or end of a call until a search found it, seconds, in order."""
        began = [at - self._ledger.begun[key] for key, at in self._shown.items() if key in self._ledger.begun]
        ended = [at - self._ledger.ended[key] for key, at in self._gone.items() if key in self._ledger.ended]
        return sorted(began + ended)

    def unseen(self) -> list[Key]:
        """Calls that lasted long enough to be shown, and never were."""
        ended = self._ledger.ended
        return [
            key
            for key, at in self._ledger.begun.items()
            if key not in self._shown and ended.get(key, at) - at > ALLOWED_SECONDS
        ]

    def report(self) -> Iterator[str]:
        """What was measured."""
        begun = self._ledger.begun
        shown = len(self._shown.keys() & begun.keys())
        yield f"the panel showed {shown} of {len(begun)} calls; the others were over at once"
        if delays := self.delays():
            p99 = delays[int(len(delays) * 0.99)]
            yield (
                f"event -> searchable: median {statistics.median(delays):.2f} s, p99 {p99:.2f} s,"
                f" {len(delays)} beginnings and ends, looked for every 0.1 s"
            )
        share = self._right / max(1, self._looks)
        yield (
            f"a store's calls on the panel were those that went on: in {self._right} of {self._looks} looks,"
            f" {share:.1%}, {ALLOWED_SECONDS} s late at most"
        )

    def wrong(self) -> Iterator[str]:
        """What should not be."""
        for key in self.unseen()[:EXAMPLES]:
            yield f"{key.store}: call {key.linkedid} was never on the panel"
        for key in sorted(self._last)[:EXAMPLES]:
            yield f"{key.store}: call {key.linkedid} is on the panel, and over"
        if not self._looks or self._right < RIGHT * self._looks:
            yield f"the panel was right in {self._right} of {self._looks} looks"
            yield from self._differences[:EXAMPLES]


def _key(source: Any) -> Key:
    return Key(source["store"]["id"], source["call"]["linked_ids"][0])
