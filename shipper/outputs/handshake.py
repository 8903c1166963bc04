"""The Forward protocol's login: HELO, PING, PONG.

The server proves that it knows the key too: its PONG is checked, and nothing is sent before it.
"""

import hashlib
import hmac
import os
import socket
from typing import Any

import msgpack

from shipper.config import ForwardSettings
from shipper.errors import OutputError
from shipper.outputs.wire import Deadline, Wire

LONGEST_PING = 1023
"""Bytes that Fluent Bit 5.1 reads at once; a PING that is longer never gets an answer."""
_HOST = 64
_REASON = 200
_PONG = 5


def login(wire: Wire, settings: ForwardSettings, deadline: Deadline) -> bool:
    """Log in with the shared key, and with user and password where the server asks for them.

    Args:
        wire: Connected.
        settings: Keys and names.
        deadline: For the whole of it, however the server spreads its bytes.

    Returns:
        Whether the server asked for a user. Where it does not, there is nothing to digest a password
        with, and the protocol sends neither name nor password: the shared key alone lets in. Fluent Bit
        5.1 always asks, with or without users (measured), Fluentd where it has some.

    Raises:
        OutputError: The server does not know us, or we do not know it.
        OSError: The connection failed.
        ValueError: What came is no msgpack; likewise `msgpack.UnpackException`.
    """
    where = f"{settings.host}:{settings.port}"
    nonce, auth = _helo(_read(wire, where, deadline, first=True), where)
    key = settings.shared_key.encode()
    host, salt, ping = _ping(settings, nonce, auth)
    wire.send(ping, deadline)
    pong = _read(wire, where, deadline, first=False)
    if not (isinstance(pong, list) and len(pong) >= _PONG and pong[0] == b"PONG"):
        raise OutputError(f"{where} answered the login with no PONG", "is it a Forward server?")
    if pong[1] is not True:
        who = repr(settings.username) if settings.username else "an agent without output.forward.username"
        raise OutputError(
            f"{where} refused the login of {who} ({_shown(pong[2])})",
            "set output.forward.username and password to what the central side enrolled",
            permanent=True,
        )
    named, proof = (part if isinstance(part, bytes) else b"" for part in pong[3:_PONG])
    expected = hashlib.sha512(salt + named + nonce + key).hexdigest().encode()
    # Its name must not be ours: whoever knows no key could send our own digest back.
    if named == host or not hmac.compare_digest(expected, proof):
        raise OutputError(
            f"{where} does not know our shared key", "set output.forward.shared_key", permanent=True
        )
    return bool(auth)


def _helo(helo: Any, where: str) -> tuple[bytes, bytes]:
    """The server's nonce and the salt of passwords, empty where it asks for no user."""
    if isinstance(helo, list) and len(helo) > 1 and helo[0] == b"HELO" and isinstance(helo[1], dict):
        nonce, auth = (helo[1].get(name) or b"" for name in (b"nonce", b"auth"))
        if isinstance(nonce, bytes) and isinstance(auth, bytes):
            return nonce, auth
    raise OutputError(
        f"{where} does not ask for a shared key",
        "leave output.forward.shared_key and username empty, or set shared_key on the server",
        permanent=True,
    )


def _ping(settings: ForwardSettings, nonce: bytes, auth: bytes) -> tuple[bytes, bytes, bytes]:
    """Our name, the salt, and the message that says that we know the key."""
    # Marked as an agent's: the server proves itself by the same digest over its own name, see `login`.
    host = b"shipper@" + socket.gethostname().encode("ascii", "replace")[:_HOST]
    salt = os.urandom(16).hex().encode()
    user = settings.username.encode() if auth else b""
    digest = hashlib.sha512(salt + host + nonce + settings.shared_key.encode()).hexdigest()
    password = hashlib.sha512(auth + user + settings.password.encode()).hexdigest() if auth else ""
    # use_bin_type=False: the server closes the connection on a salt of type bin.
    ping: bytes = msgpack.packb([b"PING", host, salt, digest, user, password], use_bin_type=False)
    return host, salt, ping


def _read(wire: Wire, where: str, deadline: Deadline, *, first: bool) -> Any:
    try:
        return next(wire.messages(deadline))
    except TimeoutError:
        if not first:
            raise OutputError(
                f"{where} did not answer the login within {deadline.seconds:g} s", "is Fluent Bit well?"
            ) from None
        raise OutputError(
            f"{where} said nothing within {deadline.seconds:g} s: it hangs, or does not ask for a shared key",
            "leave output.forward.shared_key and username empty if the server has none; else: is it well?",
        ) from None
    except ConnectionAbortedError:
        raise OutputError(
            f"{where} closed the connection during the login",
            "is output.forward.shared_key the server's? does it ask for a client certificate?",
            permanent=True,
        ) from None


def _shown(reason: Any) -> str:
    """What the server says, without what would disturb a terminal or a log."""
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else "no reason given"
    return "".join(c if c.isprintable() else " " for c in text[:_REASON])
