"""Did every row and every call of the live stores arrive, and are the calls what they were?"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from compose.demo.documents import ROWS, Documents
from compose.demo.schedule import Planned
from compose.demo.truth import FIELDS, Verdict, differences, meant, told

WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.5
EXAMPLES = 3


class Arrived:
    """Compares what is in the cluster with what the stores did.

    Args:
        documents: The demo's.
        calls: By store, what it telephoned.
    """

    def __init__(self, documents: Documents, calls: Mapping[str, Sequence[Planned]]) -> None:
        self._documents = documents
        self._began = time.monotonic()
        self._seconds = 0.0
        self._rows = {store: sum(len(one.call.rows) for one in made) for store, made in calls.items()}
        self._meant = {store: [meant(one.call.truth) for one in made] for store, made in calls.items()}
        linked = [one for made in calls.values() for plan in made for one in plan.call.truth.linked_ids]
        self._of_rows = {"terms": {"cdr.linkedid": linked}}
        self._of_calls = {"terms": {"call.linked_ids": linked}}

    def wait(self, check: Callable[[], None]) -> None:
        """Wait until all is there and right; not for ever.

        Args:
            check: Raises where an agent has ended.
        """
        while list(self.wrong()) and time.monotonic() - self._began < WAIT_SECONDS:
            check()
            time.sleep(LOOK_SECONDS)
            self._documents.refresh()
        self._seconds = time.monotonic() - self._began

    def report(self) -> Iterator[str]:
        """What was found."""
        if not list(self.wrong()):
            rows, calls = sum(self._rows.values()), sum(map(len, self._meant.values()))
            yield (
                f"all {rows} rows are in the index, and all {calls} calls are right,"
                f" {self._seconds:.0f} s after the last one"
            )

    def wrong(self) -> Iterator[str]:
        """What is missing or differs."""
        rows = {
            store: bucket["doc_count"]
            for store, bucket in self._documents.by_store({}, self._of_rows, index=ROWS).items()
        }
        for store, number in self._rows.items():
            if rows.get(store, 0) != number:
                yield f"{store}: {rows.get(store, 0)} of {number} rows are in the index"
        there: dict[str, list[Verdict]] = {store: [] for store in self._meant}
        for source in self._documents.every_call(FIELDS, self._of_calls):
            there[source["store"]["id"]].append(told(source))
        for store, verdicts in self._meant.items():
            for difference in differences(verdicts, there[store])[:EXAMPLES]:
                yield f"{store}: {difference}"
