"""Where documents go: one module per protocol, all behind `Output`."""

from shipper.config import Config
from shipper.outputs.base import Outcome, Output, Refused
from shipper.outputs.forward import ForwardOutput
from shipper.outputs.opensearch import OpenSearchOutput

__all__ = ["ForwardOutput", "OpenSearchOutput", "Outcome", "Output", "Refused", "make_output"]


def make_output(config: Config) -> Output:
    """The output that ``output.kind`` names; connects with the first `Output.send`."""
    if config.output.kind == "opensearch":
        return OpenSearchOutput(config.output.opensearch)
    return ForwardOutput(config.output.forward)
