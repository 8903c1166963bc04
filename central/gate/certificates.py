"""The gate's own authority: the stores trust this one and no other."""

import datetime as dt
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from central.certificates import Pair, new_authority, signed

AUTHORITY_DAYS: Final = 20 * 365
"""A store's copy of it cannot be renewed from afar."""
SERVER_DAYS: Final = 825
"""What clients of the strictest platforms accept at most (Apple, since 2019)."""
_ORGANISATION: Final = "pabx-gate"


def make_authority(now: dt.datetime) -> Pair:
    """An authority that signs certificates and nothing else."""
    return new_authority(_ORGANISATION, now, AUTHORITY_DAYS)


def make_server(authority: Pair, host: str, now: dt.datetime, days: int = SERVER_DAYS) -> Pair:
    """A server's certificate for a host name or an address."""
    usages = [ExtendedKeyUsageOID.SERVER_AUTH]
    return signed(authority, _ORGANISATION, host, now, days, usages, [host])


def make_client(authority: Pair, store: str, now: dt.datetime) -> Pair:
    """A store's certificate, for gates that ask for one."""
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    return signed(authority, _ORGANISATION, store, now, AUTHORITY_DAYS, usages)


def ends(certificate: str) -> dt.datetime:
    """When a certificate expires, UTC.

    Raises:
        ValueError: it is no PEM certificate.
    """
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
