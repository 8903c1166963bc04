"""Source ``ami``: what happens in Asterisk at this moment, heard over its Manager Interface."""

from shipper.sources.ami.link import Link
from shipper.sources.ami.message import Event

__all__ = ["Event", "Link"]
