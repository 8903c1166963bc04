"""Rows to calls: which rows belong together, and what the call was. Pure functions, no input or output."""

from shipper.assembly.builder import CallBuilder
from shipper.assembly.join import is_complete, join
from shipper.assembly.leg import Leg, leg_of
from shipper.assembly.stream import Stream

__all__ = ["CallBuilder", "Leg", "Stream", "is_complete", "join", "leg_of"]
