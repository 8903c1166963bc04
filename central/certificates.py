"""An authority of our own and what it signs: the gate's, and in containers the cluster's."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM both."""

    certificate: str
    key: str = field(repr=False)


def new_authority(organisation: str, now: dt.datetime, days: int) -> Pair:
    """An authority that signs certificates and nothing else.

    Args:
        organisation: whose it is; it stands in all names.
        now: the clock, UTC.
        days: how long it is valid.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(organisation, "authority")
    certificate = (
        _builder(name, name, key.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def signed(
    authority: Pair,
    organisation: str,
    common: str,
    now: dt.datetime,
    days: int,
    usages: Sequence[x509.ObjectIdentifier],
    names: Sequence[str] = (),
) -> Pair:
    """A certificate that an authority signs.

    Args:
        authority: which one.
        organisation: whose it is.
        common: the name of who has it; 64 characters of it at most stand in the certificate (RFC 5280).
        now: the clock, UTC.
        days: how long it is valid.
        usages: what it may be used for.
        names: host names and addresses by which it is reached; none: a client's.

    Raises:
        ValueError: the authority's files are damaged.
    """
    signer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signing = serialization.load_pem_private_key(authority.key.encode(), None)
    if not isinstance(signing, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is of another kind")  # noqa: TRY004  # a damaged file
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(organisation, common[:64]), signer.subject, key.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    if names:
        reached = x509.SubjectAlternativeName([_alternative(name) for name in names])
        builder = builder.add_extension(reached, critical=False)
    return _pair(builder.sign(signing, hashes.SHA256()), key)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


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


def _name(organisation: str, common: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, common))
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
