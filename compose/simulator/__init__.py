"""A deterministic simulator of Brazilian stores' telephone calls, in the rows that FreePBX's Asterisk writes.

`chain` makes stores, `simulate` their calls with the truth beside the rows, `insertion_order` and `rows` the
rows as the database sees them, `compose.simulator.writer` puts them into MariaDB. What is simplified stands
in docs/simulator.md.
"""

from compose.simulator.calls import simulate
from compose.simulator.model import COLUMNS, CallTruth, SimulatedCall, SimulatedRow
from compose.simulator.stores import StoreProfile, chain
from compose.simulator.streams import batched, doubled, insertion_order, rows

__all__ = [
    "COLUMNS",
    "CallTruth",
    "SimulatedCall",
    "SimulatedRow",
    "StoreProfile",
    "batched",
    "chain",
    "doubled",
    "insertion_order",
    "rows",
    "simulate",
]
