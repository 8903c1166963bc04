"""The one error of the stack."""


class StackError(Exception):
    """A server could not be fetched, put together, started or stopped.

    The text is one line: the part, the value, and the command or setting that mends it.
    """
