"""An agent that dies in the middle of reading."""

from collections.abc import Callable
from typing import Any

from shipper.errors import SpoolError


def killed_after(add: Callable[..., None], commits: int) -> Callable[..., None]:
    """`Spool.add` that works so many times, and then is the end of the process."""
    left = commits

    def failing(*arguments: Any, **more: Any) -> None:
        nonlocal left
        if left == 0:
            raise SpoolError("killed")
        left -= 1
        add(*arguments, **more)

    return failing
