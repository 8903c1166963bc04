"""Certificates, the administrator and the configuration of OpenSearch's Security plugin."""

import datetime as dt
import ipaddress
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from compose.stack.errors import StackError
from compose.stack.paths import kept_secret

ADMIN = "admin"
_DAYS = 3650
_ORGANISATION = "pabx-shipper local stack"


def ca_file(data_dir: Path) -> Path:
    """The certificate of the cluster's own authority."""
    return data_dir / "certs" / "ca.pem"


def password_file(data_dir: Path) -> Path:
    """The file with the administrator's password."""
    return data_dir / "admin-password"


def password(data_dir: Path) -> str:
    """The administrator's password; generated on first use and kept with the data."""
    return kept_secret(password_file(data_dir))


def prepare(data_dir: Path, home: Path, java: Path) -> None:
    """Make certificates and the password's hash where they are missing.

    Raises:
        StackError: The hash cannot be made.
    """
    if not ca_file(data_dir).exists():
        _make_certificates(data_dir / "certs")
    users = data_dir / "certs" / "internal_users.yml"
    if not users.exists():
        entry = {"hash": _hash(home, java, password(data_dir)), "reserved": False, "backend_roles": ["admin"]}
        document = {"_meta": {"type": "internalusers", "config_version": 2}, ADMIN: entry}
        growing = users.with_suffix(".new")
        growing.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
        growing.chmod(0o600)
        growing.replace(users)


def install(data_dir: Path, home: Path, config: Path) -> dict[str, Any]:
    """Put a node's certificates and Security's configuration files into its ``config``.

    Returns:
        The settings that belong into ``opensearch.yml``.
    """
    certs = data_dir / "certs"
    for name in ("ca.pem", "node.pem", "node-key.pem"):
        shutil.copy(certs / name, config / name)
    files = config / "opensearch-security"
    shutil.copytree(home / "plugins" / "opensearch-security" / "config", files, dirs_exist_ok=True)
    shutil.copy(certs / "internal_users.yml", files / "internal_users.yml")  # instead of the demo users
    settings: dict[str, Any] = {
        "plugins.security.allow_default_init_securityindex": True,
        "plugins.security.nodes_dn": [f"CN=node,O={_ORGANISATION}"],
        "plugins.security.restapi.roles_enabled": ["all_access", "security_rest_api_access"],
        "plugins.security.audit.type": "noop",
        "plugins.security.ssl.http.enabled": True,
        "plugins.security.ssl.transport.enforce_hostname_verification": False,
    }
    for layer in ("transport", "http"):
        prefix = f"plugins.security.ssl.{layer}"
        settings[f"{prefix}.pemcert_filepath"] = "node.pem"
        settings[f"{prefix}.pemkey_filepath"] = "node-key.pem"
        settings[f"{prefix}.pemtrustedcas_filepath"] = "ca.pem"
    return settings


def _hash(home: Path, java: Path, secret: str) -> str:
    """The bcrypt hash as Security's own tool makes it; the secret is not seen in the process list."""
    plugin = home / "plugins" / "opensearch-security"
    command = [
        str(java),
        "-XX:TieredStopAtLevel=1",
        "-cp",
        f"{plugin}/*:{home}/lib/*",
        "org.opensearch.security.tools.Hasher",
    ]
    done = subprocess.run(
        [*command, "-env", "PABX_SECRET"],
        env={"PATH": "/usr/bin:/bin", "PABX_SECRET": secret},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = [line.strip() for line in done.stdout.splitlines() if line.startswith("$2")]
    if done.returncode != 0 or not lines:
        raise StackError(
            f"OpenSearch Security: no password hash: {(done.stderr or done.stdout).strip()[-300:]}"
        )
    return lines[-1]


def _make_certificates(directory: Path) -> None:
    """An authority and one node certificate for the loopback address; the authority's key is not kept."""

    def name(common: str) -> x509.Name:
        parts = ((NameOID.ORGANIZATION_NAME, _ORGANISATION), (NameOID.COMMON_NAME, common))
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])

    now = dt.datetime.now(dt.UTC)
    ca_key, node_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def builder(common: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(common))
            .issuer_name(name("authority"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=_DAYS))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
            )
        )

    def usage(*, authority: bool) -> x509.KeyUsage:
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

    authority = (
        builder("authority", ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(authority=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    node = (
        builder("node", node_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(authority=False), critical=True)
        # A node is server and client of the other nodes.
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key_text = node_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    directory.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    key_file = directory / "node-key.pem"
    key_file.touch(mode=0o600)
    key_file.write_bytes(key_text)
    (directory / "node.pem").write_bytes(node.public_bytes(pem))
    # Last, and in one step: its presence says that all three are there.
    growing = directory / "ca.pem.new"
    growing.write_bytes(authority.public_bytes(pem))
    growing.replace(directory / "ca.pem")
