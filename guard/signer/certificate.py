"""A listener's own certificate, for whoever pins it: the bundle names its digest, so nobody need vouch for it and no date ends it early."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guard.errors import AdapterError, GuardError

YEARS = 20
MAX_BYTES = 256 * 1024


def create_certificate(certificate: Path, key: Path, *, name: str, now: int) -> str:
    """Make a key and its self-signed certificate and give the certificate's SHA-256. Neither file may be there before.

    `now` in Unix seconds. The key is not encrypted: it opens nothing but this listener, and what a signer says is signed besides.
    """
    drawn = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime.fromtimestamp(now, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(drawn.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - timedelta(days=1))
        .not_valid_after(begins + timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(drawn, hashes.SHA256())
    )
    secret = drawn.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_new(key, secret, mode=0o600)
    _write_new(certificate, made.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return _to_pin(made)


def load_pin(certificate: Path) -> str:
    """The SHA-256 of the first certificate of a PEM file, as addresses name it. Raises `listen.certificate`."""
    try:
        with certificate.open("rb") as file:
            found = x509.load_pem_x509_certificates(file.read(MAX_BYTES))
    except OSError as trouble:
        raise AdapterError("listen.certificate", f"{certificate} cannot be read: {trouble.strerror}") from trouble
    except ValueError:
        raise GuardError("listen.certificate", f"{certificate} holds no certificate in PEM form") from None
    return _to_pin(found[0])


def _to_pin(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _write_new(path: Path, raw: bytes, *, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as trouble:
        raise AdapterError("listen.certificate", f"{path} cannot be made: {trouble.strerror}") from trouble
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
