"""The cluster's own authority, and a certificate for each of its nodes."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from cryptography.x509.oid import ExtendedKeyUsageOID

from central.certificates import Pair, new_authority, signed

ORGANISATION: Final = "pabx-cluster"
DAYS: Final = 3650
"""Nobody outside the containers and their machine ever sees them."""


def make_authority(now: dt.datetime) -> Pair:
    """An authority that signs the nodes' certificates and nothing else."""
    return new_authority(ORGANISATION, now, DAYS)


def make_node(authority: Pair, name: str, also: Sequence[str], now: dt.datetime) -> Pair:
    """A node's certificate: it is server, and client of the other nodes.

    Args:
        authority: that signs it.
        name: of the node, by which `nodes_dn` of opensearch.yml knows it.
        also: more names and addresses by which it is reached.
        now: the clock, UTC.

    Raises:
        ValueError: the authority's files are damaged.
    """
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return signed(authority, ORGANISATION, name, now, DAYS, usages, [name, *also])
