"""Puts together what listens to the PBX."""

import time
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from shipper.agent.board import Board
from shipper.agent.progress import Listened
from shipper.agent.watching import Watching
from shipper.assembly.builder import identify_call
from shipper.assembly.endpoints import Endpoints
from shipper.config import Config
from shipper.document.model import Origin
from shipper.document.privacy import Privacy
from shipper.live.events import EventWriter
from shipper.live.folding import Folding
from shipper.live.writing import LiveWriter
from shipper.numbering import reader as numbers
from shipper.spool import LAST_CALL, Spool

HOUR_SECONDS: Final = 3600.0


class Listening:
    """The part of an agent that listens to the PBX.

    Args:
        config: The agent's settings.
        origin: What documents say of where they come from.
        spool: A connection of its own.
        board: Takes calls in progress.
        trunks: Gives the store's trunks, as far as they are known by now.
        hung_up: Told when the table may have new rows.
        arrived: Told when there is something to send.
    """

    def __init__(
        self,
        config: Config,
        origin: Origin,
        spool: Spool,
        board: Board,
        trunks: Callable[[], tuple[str, ...]],
        hung_up: Callable[[], None],
        arrived: Callable[[], None],
    ) -> None:
        self._trunks = trunks
        self._known = trunks()
        read = numbers(config.store.country, config.store.area_code)
        privacy = Privacy(config.privacy.mode, config.privacy.key, read)
        identity = identify_call(origin.store_id)
        self._folding = Folding(
            Endpoints(self._known),
            LiveWriter(origin, identity, read, privacy),
            EventWriter(origin, identity, privacy),
            time.time,
            ZoneInfo(config.store.timezone),
        )
        if (noted := spool.notes().get(LAST_CALL)) is not None:
            self._folding.last_call = float(noted[0])
        lookback = config.cdr.lookback_hours * HOUR_SECONDS
        self._watching = Watching(
            config.ami, self._folding, spool, board, lookback, hung_up, arrived, self._learn
        )

    def forever(self) -> None:
        """Listen until told to stop; whatever fails is tried again."""
        self._watching.forever()

    def stop(self) -> None:
        """End soon; may be called by any thread."""
        self._watching.stop()

    def is_calm(self) -> bool:
        """See `Watching.is_calm`."""
        return self._watching.is_calm()

    def report(self) -> Listened:
        """For the heartbeat: what is wrong, and the PBX's presence as fields of ``store``."""
        watching = self._watching
        return Listened(
            str(watching.error or watching.lacks),
            watching.report,
            watching.wrong_seconds,
            self._folding.last_call,
        )

    def _learn(self) -> None:
        """The reader may have found trunks in FreePBX's list meanwhile."""
        trunks = self._trunks()
        if trunks != self._known:
            self._known = trunks
            self._folding.know(Endpoints(trunks))
