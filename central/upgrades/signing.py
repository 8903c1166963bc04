"""The key that upgrades are signed with: Ed25519, its private half in the maintainer's file."""

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.errors import CentralError, UsageError

PUBLIC_NAME: Final = "upgrade.pub"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def make_key(file: Path) -> Ed25519PrivateKey:
    """Make a key, and keep it in a new file that nobody else can read.

    Raises:
        CentralError: the file cannot be written, or is there already.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise CentralError(f"--key {file}: {error.strerror}: name a file that can be written") from error
    return key


def load_key(file: Path) -> Ed25519PrivateKey:
    """Read the private key.

    Raises:
        UsageError: there is none, others may read it, or it is of another kind.
    """
    try:
        mode = file.stat().st_mode
        text = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"--key {file}: {error.strerror}: name the file that central upgrade init made"
        ) from error
    if mode & _OTHERS:
        raise UsageError(f"--key {file}: others may read it (mode {mode & 0o777:o}): chmod 600 {file}")
    try:
        key = serialization.load_pem_private_key(text, None)
    except TypeError as error:
        raise UsageError(
            f"--key {file}: it has a passphrase: take it out into a private place, "
            f"openssl pkey -in {file} -out FILE"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"--key {file}: no private key in PEM: central upgrade init makes one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"--key {file}: a key of another kind than Ed25519: central upgrade init makes one")
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """The half that stores verify with, as PEM; the same key gives the same text."""
    found = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return found.decode("ascii")
