"""How long to wait before the next try."""

import random


class Backoff:
    """Exponential with jitter: 140 stores must not come back in step after an outage, but within a minute.

    Args:
        first: Upper bound of the first wait, seconds.
        cap: Upper bound of every wait, seconds.
    """

    def __init__(self, first: float = 0.5, cap: float = 30.0) -> None:
        self._first = first
        self._cap = cap
        self._tries = 0

    def reset(self) -> None:
        """It worked."""
        self._tries = 0

    def next(self) -> float:
        """It failed: seconds to wait, between half the bound and the bound."""
        bound = min(self._cap, self._first * 2**self._tries)
        self._tries = min(self._tries + 1, 30)
        return random.uniform(bound / 2, bound)  # noqa: S311  # not for secrets
