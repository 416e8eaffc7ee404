"""Certificates for servers on the loopback: good ones and others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate with its key, both PEM files."""

    certificate: Path
    key: Path


class Authority:
    """An authority of its own, which nobody trusts unless told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])
        now = datetime.now(UTC)
        builder = named(self._name, self._name, self._key, now - DAY, now + DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = written(builder.sign(self._key, hashes.SHA256()), folder / "authority.pem")

    def pair(self, name: str, address: str = "127.0.0.1", ended: bool = False) -> Pair:
        """A certificate for a server at this address, valid now, or until yesterday."""
        end = datetime.now(UTC) + (-DAY if ended else DAY)
        return server_pair(self._folder, name, address, end, self._name, self._key)


def self_signed(folder: Path, name: str, address: str = "127.0.0.1") -> Pair:
    """A certificate for a server at this address, which vouches for itself."""
    return server_pair(folder, name, address, datetime.now(UTC) + DAY, None, None)


def server_pair(
    folder: Path,
    name: str,
    address: str,
    end: datetime,
    issuer: x509.Name | None,
    signer: ec.EllipticCurvePrivateKey | None,
) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = named(subject, issuer or subject, key, end - 3 * DAY, end)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
    ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    certificate = written(builder.sign(signer or key, hashes.SHA256()), folder / f"{name}.pem")
    keys = folder / f"{name}.key"
    keys.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return Pair(certificate, keys)


def named(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def written(certificate: x509.Certificate, file: Path) -> Path:
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file
