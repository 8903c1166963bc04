"""What can go wrong, each with the part that it happened in and what mends it.

A leaf module: everything may import it. The CLI turns an error into one line and an exit code.
"""


class ShipperError(Exception):
    """One thing that failed.

    Args:
        part: The part of the agent that failed (``config``, ``database``, ``ami``, ``spool``, ``output``).
        problem: What is wrong, with the value that was met.
        hint: The command or setting that mends it.
        permanent: True where trying again cannot help until somebody changes something.
    """

    exit_code = 1

    def __init__(self, part: str, problem: str, hint: str = "", *, permanent: bool = False) -> None:
        super().__init__(part, problem, hint)
        self.part = part
        self.problem = " ".join(problem.split())
        self.hint = " ".join(hint.split())
        self.permanent = permanent

    def __str__(self) -> str:
        """Part, problem and hint on a single line."""
        return f"{self.part}: {self.problem}" + (f"; {self.hint}" if self.hint else "")


class ConfigError(ShipperError):
    """The configuration is wrong: nothing was started."""

    exit_code = 2

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__("config", problem, hint, permanent=True)


class DatabaseError(ShipperError):
    """The PBX's database cannot be read."""

    def __init__(self, problem: str, hint: str = "", *, permanent: bool = False) -> None:
        super().__init__("database", problem, hint, permanent=permanent)


class AmiError(ShipperError):
    """The Asterisk Manager Interface cannot be used."""

    def __init__(self, problem: str, hint: str = "", *, permanent: bool = False) -> None:
        super().__init__("ami", problem, hint, permanent=permanent)


class SpoolError(ShipperError):
    """The spool file cannot be used."""

    def __init__(self, problem: str, hint: str = "", *, permanent: bool = False) -> None:
        super().__init__("spool", problem, hint, permanent=permanent)


class DiskFullError(SpoolError):
    """No room left for the spool on its file system; reading stops, nothing is dropped."""


class SpoolDamagedError(SpoolError):
    """The spool's file is damaged: nobody can read on in it. The agent's next start moves it aside."""


class OutputError(ShipperError):
    """Documents cannot be delivered; they stay in the spool."""

    def __init__(self, problem: str, hint: str = "", *, permanent: bool = False) -> None:
        super().__init__("output", problem, hint, permanent=permanent)


def words(error: Exception) -> str:
    """What an exception says, or its name where it says nothing."""
    return str(error) or type(error).__name__
