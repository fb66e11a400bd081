"""The client of the API over TLS: only a certificate that the named authority vouches for, for the name that was asked."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from guard.clients.origin import parse_origin
from guard.clients.server_client import ServerClient
from guard.clients.server_connection import Line
from guard.errors import AdapterError
from tests.clients.hostile import hostile, to_http

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)


def make_certificate(folder: Path, name: x509.GeneralName, *, until: datetime = END) -> tuple[Path, ssl.SSLContext]:
    """A certificate that vouches for itself, and TLS that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "guard")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return folder / "certificate.pem", context


def ask(url: str, ca: Path | None, *, timeout: float = 10) -> object:
    line = Line(origin=parse_origin(url), ca=ca, timeout=timeout)
    return ServerClient(line, pause=lambda _: None).get("/v1/treasury")


LOOPBACK = x509.IPAddress(ip_address("127.0.0.1"))


def test_the_named_authority_is_enough(tmp_path: Path) -> None:
    ca, tls = make_certificate(tmp_path, LOOPBACK)
    with hostile(lambda _: to_http({"a": 1}), tls=tls) as server:
        assert ask(server.url, ca) == {"a": 1}


def test_another_authority_another_name_and_an_expired_one_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    _, tls = make_certificate(tmp_path / "right", LOOPBACK)
    other, _ = make_certificate(tmp_path / "other", LOOPBACK)
    foreign_ca, foreign = make_certificate(tmp_path / "foreign", x509.DNSName("guard.example.com"))
    old_ca, old = make_certificate(tmp_path / "old", LOOPBACK, until=BEGIN + timedelta(days=1))
    for context, trusted in ((tls, other), (tls, None), (foreign, foreign_ca), (old, old_ca)):
        with hostile(lambda _: to_http({}), tls=context) as server, pytest.raises(AdapterError) as caught:
            ask(server.url, trusted)
        assert caught.value.code == "client.certificate"
        assert server.asked == []


def test_a_server_without_tls_is_no_answer(tmp_path: Path) -> None:
    ca, _ = make_certificate(tmp_path, LOOPBACK)
    with hostile(lambda _: to_http({})) as server, pytest.raises(AdapterError) as caught:
        ask(server.url.replace("http:", "https:"), ca, timeout=0.3)
    assert caught.value.code == "client.no-answer"
    assert server.asked == []
