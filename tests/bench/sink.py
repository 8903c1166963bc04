"""The real agent with one part exchanged: an HTTP connection that packs a bulk body and then drops it."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from shipper import agent as agent_package
from shipper.agent import agent as agent_module
from shipper.config import load
from shipper.outputs import OpenSearchOutput, Outcome, Output
from shipper.outputs.opensearch import bulk_body
from shipper.sources.cdr import reader as reader_module
from shipper.sources.cdr.calls import Decided
from shipper.spool import Spooled


class Sink(OpenSearchOutput):
    """Everything of the output but the network and the cluster."""

    packed = 0

    def send(self, batch: Sequence[Spooled]) -> Outcome:
        """Pack, and take it for delivered."""
        Sink.packed += len(bulk_body(batch))
        return Outcome(done=[document.seq for document in batch])


class NoCalls:
    """In the place of `Calls`, to measure the agent without them."""

    builder = type("", (), {"identity": staticmethod(lambda _linked: "0" * 32)})()
    generation = 0

    def __init__(self, *_arguments: object) -> None:
        pass

    def begin(self, *, first: bool) -> None:
        """Nothing begins."""

    def add(self, _leg: object, *, dated: bool = True) -> None:
        """Nothing is kept."""

    def passed(self, _created: str, *, whole: bool = True, end: bool = False) -> Decided:  # noqa: ARG002
        """Nothing is decided."""
        return Decided([], [], [])

    def settle(self, _read: object, *, at_once: bool = False) -> Iterator[int]:  # noqa: ARG002
        """Nothing has settled."""
        return iter(())


def main() -> None:
    """Run the agent once, on one core."""
    config = load(Path(sys.argv[1]))
    if "without-calls" in sys.argv:
        reader_module.Calls = NoCalls  # type: ignore[misc,assignment]
        reader_module.leg_of = lambda *_: None  # type: ignore[assignment]
    os.sched_setaffinity(0, {int(sys.argv[2])})

    def make_sink(_config: object) -> Output:
        return Sink(config.output.opensearch)

    agent_module.make_output = make_sink
    counted = agent_package.Agent(config).run_once()
    if not counted["delivered"] == counted["documents"] > 0 or not Sink.packed:
        raise RuntimeError(f"not everything was packed: {counted}")


if __name__ == "__main__":
    main()
