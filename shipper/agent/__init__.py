"""The running agent: a reader and a sender, with the spool between them."""

from shipper.agent.agent import Agent

__all__ = ["Agent"]
