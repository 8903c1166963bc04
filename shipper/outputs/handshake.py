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

_MESSAGE = 4096
_PONG = 5


def login(connection: socket.socket, unpacker: Any, settings: ForwardSettings) -> None:
    """Log in with the shared key, and with user and password where the server asks for them.

    Args:
        connection: Connected, with a timeout.
        unpacker: Of raw msgpack; left behind what was read.
        settings: Keys and names.

    Raises:
        OutputError: The server does not know us, or we do not know it.
    """
    where = f"{settings.host}:{settings.port}"
    try:
        helo = _read(connection, unpacker, where)
    except TimeoutError:
        helo = None
    if not (isinstance(helo, list) and len(helo) > 1 and helo[0] == b"HELO" and isinstance(helo[1], dict)):
        raise OutputError(
            f"{where} does not ask for a shared key",
            "leave output.forward.shared_key and username empty, or set shared_key on the server",
            permanent=True,
        )
    nonce, auth = (helo[1].get(name) or b"" for name in (b"nonce", b"auth"))
    host = socket.gethostname().encode()
    key = settings.shared_key.encode()
    salt = os.urandom(16).hex().encode()
    user = settings.username.encode() if auth else b""
    password = hashlib.sha512(auth + user + settings.password.encode()).hexdigest() if auth else ""
    ping = [b"PING", host, salt, hashlib.sha512(salt + host + nonce + key).hexdigest(), user, password]
    # use_bin_type=False: the server closes the connection on a salt of type bin.
    connection.sendall(msgpack.packb(ping, use_bin_type=False))
    pong = _read(connection, unpacker, where)
    if not (isinstance(pong, list) and len(pong) >= _PONG and pong[0] == b"PONG"):
        raise OutputError(f"{where} answered the login with {str(pong)[:100]}", "is it a Forward server?")
    if pong[1] is not True:
        reason = pong[2].decode(errors="replace") if isinstance(pong[2], bytes) else pong[2]
        raise OutputError(
            f"{where} refused the login of {settings.username!r} ({reason})",
            "set output.forward.username and password to what the central side enrolled",
            permanent=True,
        )
    named, proof = (part if isinstance(part, bytes) else b"" for part in pong[3:_PONG])
    expected = hashlib.sha512(salt + named + nonce + key).hexdigest().encode()
    if not hmac.compare_digest(expected, proof):
        raise OutputError(
            f"{where} does not know our shared key", "set output.forward.shared_key", permanent=True
        )


def _read(connection: socket.socket, unpacker: Any, where: str) -> Any:
    while True:
        for message in unpacker:
            return message
        data = connection.recv(_MESSAGE)
        if not data:
            raise OutputError(
                f"{where} closed the connection during the login",
                "is output.forward.shared_key the server's?",
                permanent=True,
            )
        unpacker.feed(data)
