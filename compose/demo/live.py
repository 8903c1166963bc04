"""The panel of now, moving: agents listen while their stores telephone, and the panel is watched."""

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from opensearchpy import OpenSearch

from central.client import Connection
from central.errors import CentralError
from central.live.read import Picture, read
from central.live.show import lines, totals
from compose.demo import stores
from compose.demo.arrived import Arrived
from compose.demo.documents import Documents
from compose.demo.schedule import Planned, plan
from compose.demo.ship import ShippingError
from compose.demo.telephoning import Pbx, Telephoning
from compose.demo.watch import Watch
from compose.simulator import StoreProfile
from compose.simulator.ami import FakeAmi

START_SECONDS = 90.0
"""A dozen agents start at once, on whatever machine this is."""
BEFORE_SECONDS = 2
LOOK_SECONDS = 0.1
DRAW_SECONDS = 1.0
PLAIN_SECONDS = 5.0
END_SECONDS = 10.0
_REDRAW = "\x1b[H\x1b[J"
_CLEAR = "\x1b[2J"


def show(
    database: stores.Server,
    url: str,
    profiles: Sequence[StoreProfile],
    configs: Sequence[Path],
    seconds: int,
    seed: int,
) -> bool:
    """Let the stores telephone now, and print the panel while they do.

    Args:
        database: Has the stores' databases.
        url: Of the cluster.
        profiles: The stores.
        configs: Their agents' files, in the same order.
        seconds: How long they telephone.
        seed: Of the simulation.

    Returns:
        Whether the panel showed what was, and every row and call arrived.

    Raises:
        ShippingError: An agent does not start, or ends.
    """
    client = OpenSearch(url, timeout=60)
    documents = Documents(client, [store.id for store in profiles])
    connection = Connection(url)

    def look() -> Picture:
        return read(client, connection, None, None)

    with ExitStack() as stack:
        pbxs = {}
        for store, config in zip(profiles, configs, strict=True):
            secret = secrets.token_urlsafe(18)
            ami = stack.enter_context(FakeAmi(secret=secret))
            stores.let_listen(config, ami.port, secret)
            pbxs[store.id] = Pbx(store, ami)
        print(f"\nLive: {len(profiles)} stores telephone now, for {seconds} s", flush=True)
        check = stack.enter_context(_agents(configs))
        _listening(pbxs, look, check)
        begin = int(time.time()) + BEFORE_SECONDS
        calls = {store.id: plan(store, begin, seconds, seed) for store in profiles}
        telephoning = Telephoning(pbxs, database, calls)
        watch = Watch(client, telephoning.ledger, list(pbxs))
        telephoning.start()
        stack.callback(telephoning.stop)
        _follow(watch, look, check, begin, seconds)
        telephoning.join()
        _finish(watch, look)
        arrived = Arrived(documents, calls)
        arrived.wait(check)
    return _tell(watch, arrived, calls, documents)


@contextmanager
def _agents(configs: Sequence[Path]) -> Iterator[Callable[[], None]]:
    """Run each store's agent; gives what raises `ShippingError` where one has ended."""
    running: dict[Path, subprocess.Popen[bytes]] = {}

    def check() -> None:
        for config, process in running.items():
            if process.poll() is not None:
                raise ShippingError(f"{config.parent.name}: its agent ended: see {config.parent}/agent.log")

    try:
        for config in configs:
            command = [sys.executable, "-m", "shipper", "run", "--config", str(config)]
            with (config.parent / "agent.log").open("ab") as log:
                running[config] = subprocess.Popen(command, stdout=log, stderr=log)
        yield check
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(30)


def _listening(pbxs: Mapping[str, Pbx], look: Callable[[], Picture], check: Callable[[], None]) -> None:
    """Wait until every agent hears its PBX, and head office knows."""
    until = time.monotonic() + START_SECONDS
    while True:
        check()
        picture = look()
        well = {store.id for store in picture.stores if store.heard and not store.trouble}
        missing = [store for store, pbx in pbxs.items() if not (pbx.ami.clients and store in well)]
        if not missing:
            return
        if time.monotonic() > until:
            raise ShippingError(f"{', '.join(missing)}: not heard within {START_SECONDS:.0f} s")
        time.sleep(0.3)


def _follow(
    watch: Watch, look: Callable[[], Picture], check: Callable[[], None], begin: int, seconds: int
) -> None:
    """Watch the panel until the last call has ended; each second it is drawn, or every few seconds told."""
    screen = sys.stdout.isatty()
    drawn = told = 0.0
    whole = not screen
    if screen:
        print(_CLEAR, end="")
    while (now := time.time()) < begin + seconds:
        watch.poll()
        if now - drawn >= DRAW_SECONDS:
            drawn = now
            check()
            before = time.time()
            try:
                picture = look()
            except CentralError:
                continue  # the index is being made
            watch.judge(picture, before, time.time())
            if screen:
                print(_REDRAW + "\n".join(lines(picture)), flush=True)
            elif now - told >= PLAIN_SECONDS and now >= begin:
                told = now
                print(_line(picture, int(now - begin)), flush=True)
                if whole and now - begin >= seconds / 2:
                    whole = False
                    print("\n" + "\n".join(lines(picture)) + "\n", flush=True)
        time.sleep(LOOK_SECONDS)


def _finish(watch: Watch, look: Callable[[], Picture]) -> None:
    """Watch the last calls leave the panel."""
    until = time.monotonic() + END_SECONDS
    while time.monotonic() < until:
        watch.poll()
        if not watch.of(look()):
            return
        time.sleep(LOOK_SECONDS)


def _line(picture: Picture, second: int) -> str:
    counted = ", ".join(
        f"{number} {state.replace('_', ' ')}" for state, number in totals(picture.calls).items()
    )
    return f"  {second:>4} s  {len(picture.calls):>3} calls now: {counted}"


def _tell(
    watch: Watch, arrived: Arrived, calls: Mapping[str, Sequence[Planned]], documents: Documents
) -> bool:
    """Say what was measured, and what is wrong."""
    made = sum(map(len, calls.values()))
    rows = sum(len(one.call.rows) for planned in calls.values() for one in planned)
    print(f"\n{made} calls with {rows} rows were made and ended")
    for line in (*watch.report(), *arrived.report()):
        print(line)
    healed = documents.healed()
    wrong = [*watch.wrong(), *arrived.wrong()]
    if healed:
        wrong.append(f"{healed} differences between an agent's state and its PBX's had to be healed")
    for line in wrong:
        print(f"WRONG: {line}")
    return not wrong
