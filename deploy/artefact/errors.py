"""What keeps the agent from being built."""


class BuildError(Exception):
    """The text names what is in the way, and what mends it."""
