"""What the machine says of itself: since when it runs, and what room is left on a disk."""

import os
from pathlib import Path

STATISTICS = Path("/proc/stat")


def boot_time(statistics: Path = STATISTICS) -> int | None:
    """When the machine, or WSL on it, was started; by its clock as it stands now.

    Args:
        statistics: The kernel's; its line ``btime`` says it (proc_stat(5)).

    Returns:
        Seconds since 1970; None where it cannot be read.
    """
    try:
        with statistics.open(encoding="ascii", errors="replace") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("btime ")), None)
    except (OSError, ValueError, IndexError):
        return None


def disk_space(folder: Path) -> tuple[int, int] | None:
    """Bytes that an unprivileged user may still write to a folder's file system, and its size.

    Returns:
        None where it does not answer.
    """
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
