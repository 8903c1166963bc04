"""Everything that `central` may report as one line; a leaf module."""


class CentralError(Exception):
    """Something failed; the message names the part, the value and what mends it.

    Attributes:
        exit_code: what the program ends with.
    """

    exit_code = 1


class UsageError(CentralError):
    """An option or a setting is missing or cannot be used."""

    exit_code = 2


class MissingAssetsError(CentralError):
    """The files that belong to the program are not where they should be."""
