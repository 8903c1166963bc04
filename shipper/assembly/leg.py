"""What assembly needs of one row."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from shipper.document.clock import created_at

ANSWERED = "ANSWERED"
LARGEST = 2**31 - 1
"""Seconds; what the column holds."""


class Leg(NamedTuple):
    """One row of ``cdr``; texts are empty where the column is, seconds 0."""

    linked: str
    """What joins it to others: its linkedid, else its uniqueid, else its own key."""
    start: int
    """Seconds since 1970, UTC."""
    end: int
    billsec: int
    sequence: int
    disposition: str
    channel: str
    dstchannel: str
    lastapp: str
    lastdata: str
    dcontext: str
    src: str
    dst: str
    clid: str
    cnum: str
    cnam: str
    did: str
    uniqueid: str
    key: str
    """The row's ``_id``."""
    answered: bool
    """Something answered: a person, or a machine."""


def leg_of(cdr: Mapping[str, Any], start: int, key: str) -> Leg | None:
    """Take a row's columns, decoded, as a leg; None where its numbers are none: the quarantine has that row.

    Args:
        cdr: Columns by name, empty ones absent.
        start: When the leg began, seconds since 1970.
        key: The row's ``_id``.
    """
    get = cdr.get
    uniqueid = get("uniqueid", "")
    disposition = get("disposition", "")
    duration, billsec = get("duration", 0), get("billsec", 0)
    sequence = get("sequence", 0)
    if not (type(duration) is type(billsec) is type(sequence) is int and max(duration, billsec) <= LARGEST):
        return None
    return Leg(
        get("linkedid") or uniqueid or key,
        start,
        start + duration,
        billsec,
        sequence,
        disposition,
        get("channel", ""),
        get("dstchannel", ""),
        get("lastapp", ""),
        get("lastdata", ""),
        get("dcontext", ""),
        get("src", ""),
        get("dst", ""),
        get("clid", ""),
        get("cnum", ""),
        get("cnam", ""),
        get("did", ""),
        uniqueid,
        key,
        disposition == ANSWERED,
    )


def names_of(leg: Leg) -> list[str]:
    """The channels that a leg names, by uniqueid and by name.

    A name without a counter, such as ``Message/ast_msg_queue``, is no channel's own and joins nothing.
    """
    names = [name for name in (leg.channel, leg.dstchannel) if "-" in name]
    return [leg.uniqueid, *names] if leg.uniqueid else names


def in_order(leg: Leg) -> tuple[int, int, str]:
    """Sort key of the legs of a call: by time, then as Asterisk counted them."""
    return (leg.start, leg.sequence, leg.key)


def birth(linked: str) -> tuple[int, int, str]:
    """Sort key of linkedids, the oldest first: a linkedid is the uniqueid of a call's first channel.

    Asterisk itself lets the oldest win when two are joined (measured on Asterisk 22).
    """
    counter = linked.rpartition(".")[2]
    number = int(counter) if counter.isascii() and counter.isdigit() and len(counter) <= 18 else 0  # noqa: PLR2004
    return (created_at(linked) or 0, number, linked)
