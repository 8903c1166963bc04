"""Read a span of days again: by the running agent if there is one, else by this process."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from shipper.agent import Agent
from shipper.config import Config
from shipper.errors import SpoolError
from shipper.sources.cdr import buckets
from shipper.spool import Spool, SpoolLock

POLL_SECONDS = 0.2
TELL_SECONDS = 5.0


def backfill(
    config: Config, agent: Agent, since: date, until: date | None, tell: Callable[[str], None]
) -> bool:
    """Have all rows of some days of the PBX's calendar read and delivered again.

    Documents keep their ``_id``, so what is there already stays as it is.

    Args:
        config: The agent's settings.
        agent: Does it where no agent runs.
        since: First day.
        until: Last day, included; None for no end.
        tell: Gets a line now and then while another agent is waited for.

    Returns:
        True where a running agent did it.

    Raises:
        ShipperError: It could not be done.
    """
    first = f"{since.isoformat()} 00:0"
    last = f"{until.isoformat()} 23:5" if until else buckets.LAST
    path = Path(config.spool.path)
    lock = SpoolLock(path)
    try:
        lock.acquire()
    except SpoolError:
        if not path.exists():
            raise
    else:
        lock.release()
        agent.run_once(first, last)
        return False
    spool = Spool(path, config.spool.max_mib)
    number = spool.request_backfill(first, last)
    tell(f"an agent runs: request {number} is in its spool, waiting until it has read the span")
    told = time.monotonic()
    while spool.has_backfill(number) and not agent.stopped:
        if not lock.is_held():
            raise SpoolError(
                f"the agent ended before it had done request {number}, which stays in {path}",
                "start the agent, it goes on with it, or run this command again",
            )
        time.sleep(POLL_SECONDS)
        if time.monotonic() - told > TELL_SECONDS:
            tell("still waiting; see: shipper status")
            told = time.monotonic()
    spool.close()
    return True
