"""Calls that go on to somebody else, in events: blind and attended transfers, parked calls."""

from compose.simulator.ami_story import LEAST_MS, RANDOM_PART_MS, SETUP_MS, Story, between
from compose.simulator.ami_tape import RING, UP, Live, bridge_fields
from compose.simulator.model import SimulatedRow

_SECOND = 1000
_PARKING_SECONDS = 45


def moved_on(story: Story) -> None:
    """The first telephone has answered; what became of the call then."""
    if len(story.truth.linked_ids) > 1:
        _attended(story)
    elif story.mine[1].lastapp == "Park":
        _park(story)
    else:
        _blind(story)


def _moved(story: Story, row: SimulatedRow) -> int:
    """When the first person's row ended, and this one began."""
    first = story.mine[0]
    at = max(story.moment(row), story.begin + first.duration * _SECOND)
    return between(story.now + LEAST_MS, at, story.end - 4 * LEAST_MS)


def _blind(story: Story) -> None:
    caller, tape, first = story.caller, story.tape, _first(story)
    answered, moved = story.now, _moved(story, story.mine[1])
    second = story.phone(story.mine[1].dstchannel, moved)
    place = {"IsExternal": "Yes", "Context": "from-internal-xfer", "Extension": second.number}
    _transfer(story, first, moved, **place)
    tape.leave(moved, first)
    tape.hangup(moved, first)
    story.place("from-internal-xfer", second.number)
    tape.leave(moved, caller)
    story.call_phone(caller, second, moved + SETUP_MS)
    story.rings(second, moved + SETUP_MS)
    talked = story.truth.talk_seconds * _SECOND + RANDOM_PART_MS - (moved - answered)
    picked_up = between(moved + LEAST_MS, story.end - talked, story.end - LEAST_MS)
    story.answers(caller, second, picked_up)
    story.partner = second


def _attended(story: Story) -> None:
    caller, tape, first = story.caller, story.tape, _first(story)
    row = next(row for row in story.call.rows if row.linkedid != caller.linkedid)
    moved = story.hangs_up(row.uniqueid)
    asked = between(story.now + LEAST_MS, story.moment(row) + RANDOM_PART_MS, moved - 3 * LEAST_MS)
    tape.show(asked, "Hold", first, MusicClass="default")
    question = Live(row.channel, row.uniqueid, row.linkedid, "from-internal", row.dst)
    question.number, question.person = first.number, first.person
    tape.new(asked, question, RING)
    reply = story.phone(row.dstchannel, asked + SETUP_MS, row.linkedid)
    story.call_phone(question, reply, asked + SETUP_MS)
    story.rings(reply, asked + SETUP_MS)
    picked_up = moved - row.billsec * _SECOND - RANDOM_PART_MS
    story.answers(question, reply, between(asked + LEAST_MS, picked_up, moved - LEAST_MS))
    tape.show(moved, "Unhold", first)
    tape.show(moved, "Unhold", question)
    # Before, a trunk with other calls was in use as well: that it was on hold is not told.
    device = {"Device": caller.name.rpartition("-")[0], "State": "INUSE"}
    tape.note(moved, "DeviceStateChange", device)
    bridge, swapped = question.bridge, question.uniqueid
    transfer = {
        **first.fields("OrigTransferer"),
        **bridge_fields(first, "Orig"),
        **question.fields("SecondTransferer"),
        **bridge_fields(question, "Second"),
        **caller.fields("Transferee"),
        **reply.fields("TransferTarget"),
        "IsExternal": "No",
        "DestType": "Bridge",
        "DestBridgeUniqueid": bridge,
    }
    tape.leave(moved, caller)
    tape.leave(moved, question)
    tape.enter(moved, caller, bridge, SwapUniqueid=swapped)
    tape.leave(moved, first)
    tape.note(moved, "AttendedTransfer", {"Result": "Success", **transfer})
    reply.linkedid = caller.linkedid  # the older one counts in a bridge; the next event shows it
    tape.connected(moved, reply, caller)
    tape.connected(moved, caller, reply)
    tape.hangup(moved, question)
    tape.hangup(moved, first)
    story.partner = reply


def _park(story: Story) -> None:
    caller, tape, first = story.caller, story.tape, _first(story)
    parked = _moved(story, story.mine[1])
    slot = story.mine[1].lastdata.partition(":")[2]
    row = next(row for row in story.call.rows if row.lastapp == "ParkedCall")
    fetched = between(parked + 2 * LEAST_MS, story.moment(row) + RANDOM_PART_MS, story.end - LEAST_MS)
    place = {
        "ParkerDialString": first.name.rpartition("-")[0],
        "Parkinglot": "default",
        "ParkingSpace": slot,
    }
    since = {"ParkingTimeout": str(_PARKING_SECONDS), "ParkingDuration": "0"}
    tape.note(parked, "ParkedCall", {**caller.fields("Parkee"), **place, **since})
    _transfer(story, first, parked, IsExternal="Yes", Context="from-internal-xfer", Extension="70")
    tape.leave(parked, caller)
    lot = tape.bridge()
    tape.enter(parked, caller, lot, "parking")
    tape.leave(parked + LEAST_MS, first)
    tape.hangup(parked + LEAST_MS, first)
    fetcher = Live(row.channel, row.uniqueid, row.uniqueid, "from-internal", slot)
    fetcher.number = row.src
    fetcher.person = story.name_of(row.src)
    tape.new(fetched, fetcher, RING)
    tape.state(fetched, fetcher, UP)
    gone = (fetched - parked) // _SECOND
    since = {"ParkingTimeout": str(max(0, _PARKING_SECONDS - gone)), "ParkingDuration": str(gone)}
    both = {**caller.fields("Parkee"), **fetcher.fields("Retriever")}
    tape.note(fetched, "UnParkedCall", {**both, **place, **since})
    tape.leave(fetched, caller)
    tape.join(fetched, caller, fetcher)
    fetcher.linkedid = caller.linkedid
    tape.connected(fetched, fetcher, caller)
    tape.connected(fetched, caller, fetcher)
    story.partner = fetcher


def _transfer(story: Story, transferer: Live, at: int, **place: str) -> None:
    story.tape.show(at, "Unhold", transferer)
    both = {**transferer.fields("Transferer"), **story.caller.fields("Transferee")}
    fields = {"Result": "Success", **both, **bridge_fields(transferer), **place}
    story.tape.note(at, "BlindTransfer", fields)


def _first(story: Story) -> Live:
    """The telephone that answered first."""
    if story.partner is None:
        raise ValueError(f"{story.caller.uniqueid}: transferred, and nobody had answered")
    return story.partner
