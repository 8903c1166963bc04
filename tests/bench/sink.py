"""The real agent with one part exchanged: an HTTP connection that packs a bulk body and then drops it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from shipper import agent as agent_package
from shipper.agent import agent as agent_module
from shipper.config import load
from shipper.outputs import OpenSearchOutput, Outcome, Output
from shipper.outputs.opensearch import bulk_body
from shipper.spool import Spooled


class Sink(OpenSearchOutput):
    """Everything of the output but the network and the cluster."""

    packed = 0

    def send(self, batch: Sequence[Spooled]) -> Outcome:
        """Pack, and take it for delivered."""
        Sink.packed += len(bulk_body(batch))
        return Outcome(done=[document.seq for document in batch])


def main() -> None:
    """Run the agent once, on one core."""
    config = load(Path(sys.argv[1]))
    os.sched_setaffinity(0, {int(sys.argv[2])})

    def make_sink(_config: object) -> Output:
        return Sink(config.output.opensearch)

    agent_module.make_output = make_sink
    counted = agent_package.Agent(config).run_once()
    if not counted["delivered"] == counted["documents"] > 0 or not Sink.packed:
        raise RuntimeError(f"not everything was packed: {counted}")


if __name__ == "__main__":
    main()
