"""Staged upgrades of the stores' agents: a signed offer in the gate's directory, which the door serves."""
