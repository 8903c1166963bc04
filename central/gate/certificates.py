"""The gate's own authority: the stores trust this one and no other."""

import datetime as dt
import ipaddress
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS: Final = 20 * 365
"""A store's copy of it cannot be renewed from afar."""
SERVER_DAYS: Final = 825
"""What clients of the strictest platforms accept at most (Apple, since 2019)."""
_ORGANISATION: Final = "pabx-gate"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM both."""

    certificate: str
    key: str = field(repr=False)


def make_authority(now: dt.datetime) -> Pair:
    """An authority that signs certificates and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("authority")
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def make_server(authority: Pair, host: str, now: dt.datetime, days: int = SERVER_DAYS) -> Pair:
    """A server's certificate for a host name or an address."""
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    return _signed(authority, host, now, days, ExtendedKeyUsageOID.SERVER_AUTH, alternative)


def make_client(authority: Pair, store: str, now: dt.datetime) -> Pair:
    """A store's certificate, for gates that ask for one."""
    return _signed(authority, store, now, AUTHORITY_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH, None)


def ends(certificate: str) -> dt.datetime:
    """When a certificate expires, UTC.

    Raises:
        ValueError: it is no PEM certificate.
    """
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def _signed(
    authority: Pair,
    common: str,
    now: dt.datetime,
    days: int,
    usage: x509.ObjectIdentifier,
    alternative: x509.GeneralName | None,
) -> Pair:
    signer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signing = serialization.load_pem_private_key(authority.key.encode(), None)
    if not isinstance(signing, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is of another kind")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(common[:64]), signer.subject, key.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    if alternative is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    return _pair(builder.sign(signing, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # A store's clock may be behind.
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _name(common: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, _ORGANISATION), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(certificate.public_bytes(serialization.Encoding.PEM).decode(), text.decode())
