"""Which channels there are, by uniqueid, by linkedid and by bridge."""

from typing import Final

from shipper.live.channel import Channel, Kin

KEPT_FORMER: Final = 32
"""Linkedids that a call remembers; more calls than that are hardly ever put together."""


class Roster:
    """The channels of one PBX; what changes them is in `shipper.live.channels.Channels`."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}
        self._kin: dict[str, Kin] = {}
        self._bridges: dict[str, set[Channel]] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def linkedids(self) -> set[str]:
        """The linkedids that have channels."""
        return set(self._kin)

    def of(self, linkedid: str) -> list[Channel]:
        """The channels of a linkedid, the oldest first; none where it has ended."""
        kin = self._kin.get(linkedid)
        return sorted(kin.channels.values(), key=_born) if kin else []

    def _add(self, uniqueid: str, name: str, linkedid: str) -> Channel:
        channel = self._channels[uniqueid] = Channel(uniqueid, name)
        self._put(channel, linkedid)
        return channel

    def _put(self, channel: Channel, linkedid: str) -> None:
        kin = self._kin.get(linkedid)
        if kin is None:
            kin = self._kin[linkedid] = Kin(linkedid)
        kin.channels[channel.uniqueid] = channel
        if channel.uniqueid == linkedid:
            kin.first = channel
        channel.kin = kin

    def _take_out(self, channel: Channel) -> Kin:
        kin = channel.kin
        del kin.channels[channel.uniqueid]
        if not kin.channels:
            del self._kin[kin.linkedid]
            kin.first = None
        return kin

    def _remove(self, channel: Channel) -> set[str]:
        self._leave(channel)
        del self._channels[channel.uniqueid]
        return {self._take_out(channel).linkedid}

    def _join(self, channel: Channel, linkedid: str) -> set[str]:
        """Move a channel to another linkedid, which remembers the one that it had."""
        old = self._take_out(channel)
        self._put(channel, linkedid)
        kin = channel.kin
        former = dict.fromkeys((*kin.former, old.linkedid, *old.former))
        former.pop(linkedid, None)
        kin.former = tuple(former)[:KEPT_FORMER]
        return {old.linkedid, linkedid}

    def _enter(self, channel: Channel, bridge: str) -> None:
        channel.bridge = bridge
        channel.waiting = False
        self._bridges.setdefault(bridge, set()).add(channel)

    def _leave(self, channel: Channel) -> None:
        if channel.bridge:
            members = self._bridges[channel.bridge]
            members.discard(channel)
            if not members:
                del self._bridges[channel.bridge]
            channel.bridge = channel.conference = ""
            channel.parked = False


def _born(channel: Channel) -> tuple[int, int, str]:
    return channel.born
