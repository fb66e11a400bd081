"""TLS on a signer's listeners: where it is demanded, what a client believes, and that nobody who dawdles holds it up."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from guard.clients.connecting import connect, parse_target, to_client_context
from guard.clients.signer_client import ask, load_pending, send_stop
from guard.clients.tracing import tracing
from guard.core.policy import SignerIdentity
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import to_canonical
from guard.formats.listen_addresses import parse_listen_address
from guard.signer.certificate import create_certificate, load_pin
from guard.signer.limiting import SourceLimit
from guard.signer.listeners import open_listener, serve_in_background, to_source
from guard.signer.requests import STOP_VERBS
from guard.signer.sockets import Protection, bind_socket, load_context, require_protected
from guard.signer.telling import REFUSALS_AT_ONCE, Teller
from guard.statements.digests import compute_digest
from guard.statements.signed import to_json
from tests.factories import NOW, TREASURY, digest_of
from tests.signer.attacker import Attacker
from tests.signer.teams import A, B, found_team
from tests.team import Team

CHALLENGE = {"challenge": digest_of("challenge")}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that was made for a test."""

    protection: Protection
    pin: str


@pytest.fixture
def team(folder: Path) -> Team:
    """Three signers."""
    return found_team(folder, owners=3)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """One for `localhost`, which its own authority alone vouches for."""
    return make_certificate(tmp_path, "localhost")


def make_certificate(folder: Path, name: str) -> Certificate:
    """A certificate and its key in a folder."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    pin = create_certificate(certificate, key, name=name, now=NOW)
    return Certificate(Protection(certificate=certificate, key=key), pin)


@contextmanager
def listening(
    team: Team, protection: Protection, *, name: str = A, teller: Teller | None = None, burst: int = 10_000
) -> Iterator[int]:
    """The stop listener of one signer on a port of loopback."""
    limit = SourceLimit(team.clock, per_second=1, burst=burst)
    signer = team.signers[name]
    listener = open_listener("127.0.0.1:0", signer, STOP_VERBS, limit, protection=protection, teller=teller)
    serve_in_background(listener)
    try:
        yield int(listener.server_address[1])
    finally:
        listener.end()


def test_a_client_that_pins_the_certificate_is_answered(team: Team, certificate: Certificate) -> None:
    with listening(team, certificate.protection) as port:
        answer = ask(f"https://127.0.0.1:{port}#sha256={certificate.pin}", "pending", CHALLENGE)
    assert answer["pending"]["fields"]["signer"] == A


def test_a_stop_and_its_receipt_go_over_tls_to_the_address_that_the_bundle_names(
    team: Team, certificate: Certificate
) -> None:
    attacker = Attacker(team)
    stop = team.veto(attacker.propose())
    known = next(each for each in team.policy.signers if each.id == A)
    with listening(team, certificate.protection) as port:
        address = f"https://127.0.0.1:{port}#sha256={certificate.pin}"
        identity = SignerIdentity(id=known.id, owner=known.owner, journal_key=known.journal_key, stop_address=address)
        digest = compute_digest(stop.statement, TREASURY)
        assert send_stop(identity, TREASURY, to_json(stop), digest)["statement"] == digest
        assert load_pending(identity, TREASURY)["signer"] == A


def test_another_certificate_than_the_pinned_one_is_told_nothing(
    team: Team, certificate: Certificate, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = make_certificate(tmp_path, "other")
    teller = Teller(A, team.clock)
    with listening(team, other.protection, teller=teller) as port, pytest.raises(AdapterError) as refused:
        ask(f"https://127.0.0.1:{port}#sha256={certificate.pin}", "stop", {"statement": "secret plan"})
    assert refused.value.code == "client.no-answer"
    # The listener saw no request at all: the client had left before it said a word.
    assert capfd.readouterr().err == ""


def test_without_a_pin_the_systems_authorities_decide(
    team: Team, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(team, certificate.protection) as port:
        with pytest.raises(AdapterError):
            ask(f"https://localhost:{port}", "pending", CHALLENGE)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.protection.certificate))
        assert ask(f"https://localhost:{port}", "pending", CHALLENGE)["pending"]["fields"]["signer"] == A
        # The same certificate under a name that it was not made for.
        with pytest.raises(AdapterError):
            ask(f"https://127.0.0.1:{port}", "pending", CHALLENGE)


def test_nothing_below_tls_1_3_is_spoken(team: Team, certificate: Certificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        listening(team, certificate.protection) as port,
        closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as plain,
        pytest.raises(OSError),
    ):
        context.wrap_socket(plain)
    assert to_client_context().minimum_version is ssl.TLSVersion.TLSv1_3


def test_a_client_without_tls_gets_no_answer_and_leaves_no_trace(
    team: Team, certificate: Certificate, capfd: pytest.CaptureFixture[str]
) -> None:
    with listening(team, certificate.protection, teller=Teller(A, team.clock)) as port:
        with pytest.raises(AdapterError):
            ask(f"127.0.0.1:{port}", "pending", CHALLENGE)
        assert ask(f"https://127.0.0.1:{port}#sha256={certificate.pin}", "pending", CHALLENGE)
    assert capfd.readouterr().err == ""


def test_a_source_that_only_shakes_hands_is_limited_like_one_that_asks(team: Team, certificate: Certificate) -> None:
    with listening(team, certificate.protection, burst=3) as port:
        for number in range(4):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                if number < 3:
                    context.wrap_socket(plain).close()
                    continue
                with pytest.raises(OSError):
                    context.wrap_socket(plain)
        team.advance(2)
        address = f"https://127.0.0.1:{port}#sha256={certificate.pin}"
        assert ask(address, "pending", CHALLENGE)["pending"]["fields"]["signer"] == A


def test_handshakes_that_never_finish_hold_nobody_up(team: Team, certificate: Certificate) -> None:
    with listening(team, certificate.protection) as port:
        dawdlers = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(20)]
        try:
            for each in dawdlers[10:]:
                each.sendall(b"\x16\x03\x01\x02\x00\x01")
            address = f"https://127.0.0.1:{port}#sha256={certificate.pin}"
            assert ask(address, "pending", CHALLENGE, timeout=5)["pending"]["fields"]["signer"] == A
        finally:
            for each in dawdlers:
                each.close()


@pytest.mark.parametrize("address", ["0.0.0.0:7101", "[::]:7101", "signer-a:7101", "192.0.2.1:7101", "example.org:80"])
def test_beyond_loopback_a_certificate_is_demanded_or_a_flag_with_a_dangerous_name(
    address: str, certificate: Certificate
) -> None:
    place = parse_listen_address(address)
    with pytest.raises(GuardError) as refused:
        require_protected(place, Protection())
    assert refused.value.code == "listen.plaintext"
    require_protected(place, certificate.protection)
    require_protected(place, Protection(is_plaintext_allowed=True))


@pytest.mark.parametrize("address", ["127.0.0.1:7101", "[::1]:7101", "localhost:7101", "unix:/run/guard/a.sock"])
def test_on_this_machine_none_is_needed(address: str) -> None:
    require_protected(parse_listen_address(address), Protection())


@pytest.mark.parametrize(
    "address", ["", ":1", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:+1", "::1:80", "unix:", "a b:1"]
)
def test_what_is_no_address_is_not_listened_at(address: str) -> None:
    with pytest.raises(GuardError) as refused:
        parse_listen_address(address)
    assert refused.value.code == "listen.address"


def test_a_key_of_another_certificate_or_with_a_password_is_refused(certificate: Certificate, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other")
    place = parse_listen_address("127.0.0.1:0")
    (tmp_path / "empty.pem").write_text("")
    for key in (other.protection.key, tmp_path / "empty.pem", tmp_path / "nowhere.pem"):
        with pytest.raises(GuardError) as refused:
            load_context(place, Protection(certificate=certificate.protection.certificate, key=key))
        assert refused.value.code == "listen.certificate"
    with pytest.raises(GuardError):
        Protection(certificate=certificate.protection.certificate)


def test_the_pin_of_a_file_is_the_one_that_was_told_when_it_was_made(certificate: Certificate) -> None:
    assert certificate.protection.certificate is not None and certificate.protection.key is not None
    assert load_pin(certificate.protection.certificate) == certificate.pin
    assert certificate.protection.key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AdapterError):
        create_certificate(certificate.protection.certificate, certificate.protection.key, name="localhost", now=NOW)


def test_a_socket_that_nobody_serves_is_replaced_and_one_in_use_is_not(folder: Path) -> None:
    place = parse_listen_address(f"unix:{folder}/s.sock")
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(place.path)
        left_behind.listen()
        with pytest.raises(AdapterError) as refused:
            bind_socket(place)
        assert refused.value.code == "listen.failed"
    bound = bind_socket(place)
    assert Path(place.path).is_socket()
    bound.close()
    assert not Path(place.path).exists()


def test_who_ends_late_takes_no_socket_of_another_away(folder: Path) -> None:
    place = parse_listen_address(f"unix:{folder}/s.sock")
    bound = bind_socket(place)
    Path(place.path).rename(folder / "aside.sock")
    newer = bind_socket(place)
    bound.close()
    assert Path(place.path).is_socket()
    newer.close()


def test_a_port_in_use_is_refused_by_name() -> None:
    bound = bind_socket(parse_listen_address("127.0.0.1:0"))
    port = bound.socket.getsockname()[1]
    with pytest.raises(AdapterError, match=f"cannot listen at 127.0.0.1:{port}: address already in use"):
        bind_socket(parse_listen_address(f"127.0.0.1:{port}"))
    bound.close()


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_an_ipv6_source_is_its_network(host: str, source: str) -> None:
    assert to_source(host) == source


def get(port: int, path: str) -> tuple[int, bytes]:
    """One GET."""
    connection = connect(f"127.0.0.1:{port}", 10)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_health_check_learns_that_it_lives_and_nothing_else(team: Team) -> None:
    with listening(team, Protection()) as port:
        assert get(port, "/livez") == (200, b'{"live":true}')
        assert get(port, "/v1/status")[0] == 404


def test_each_decision_has_one_line_with_the_request_id_and_nothing_that_was_sent(
    team: Team, capfd: pytest.CaptureFixture[str]
) -> None:
    attacker = Attacker(team)
    stop = to_json(team.veto(attacker.propose()))
    with listening(team, Protection(), teller=Teller(A, team.clock)) as port, tracing("carry-7.a"):
        ask(f"127.0.0.1:{port}", "stop", {"statement": stop})
        ask(f"127.0.0.1:{port}", "pending", CHALLENGE)
        with pytest.raises(GuardError):
            ask(f"127.0.0.1:{port}", "stop", {"statement": {"secret": "plan"}})
    stored, refused = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (stored["verb"], stored["listener"], stored["request_id"], stored["kind"]) == (
        *("stop", "stop", "carry-7.a", "veto"),
    )
    assert (refused["status"], refused["request_id"]) == (400, "carry-7.a")
    assert "plan" not in json.dumps(refused)


@pytest.mark.parametrize("request_id", ["x" * 65, "a b", "a\tb", "é", ""])
def test_what_is_no_request_id_is_not_written_down(
    request_id: str, team: Team, capfd: pytest.CaptureFixture[str]
) -> None:
    body = to_canonical({"statement": 1})
    with listening(team, Protection(), teller=Teller(A, team.clock)) as port:
        connection = connect(f"127.0.0.1:{port}", 10)
        with closing(connection):
            connection.request("POST", "/v1/stop", body, {"X-Request-Id": request_id.encode("latin-1")})
            assert connection.getresponse().status == 400
    assert "request_id" not in json.loads(capfd.readouterr().err)


def test_strangers_cannot_fill_the_log(team: Team, capfd: pytest.CaptureFixture[str]) -> None:
    teller = Teller(B, team.clock)
    for count in (REFUSALS_AT_ONCE + 5, 1):
        with listening(team, Protection(), name=B, teller=teller) as port:
            for _ in range(count):
                with pytest.raises(GuardError):
                    ask(f"127.0.0.1:{port}", "stop", {})
        team.clock.advance(1)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line.get("withheld") for line in lines] == [None] * REFUSALS_AT_ONCE + [5]


ADDRESSES = [
    ("unix:/run/a.sock", ("unix", "/run/a.sock", 0)),
    ("127.0.0.1:7101", ("http", "127.0.0.1", 7101)),
    ("[::1]:7101", ("http", "::1", 7101)),
    ("http://signer-a:7101", ("http", "signer-a", 7101)),
    ("https://guard.example.org", ("https", "guard.example.org", 443)),
]


@pytest.mark.parametrize(("address", "expected"), ADDRESSES)
def test_an_address_is_understood(address: str, expected: tuple[str, str, int]) -> None:
    target = parse_target(address)
    assert (target.kind, target.host, target.port) == expected


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "unix:",
            "a",
            "a:0",
            "a:70000",
            "::1:80",
            "ftp://a:1",
            "https://u:p@a:1",
            "https://a:1/x",
            "https://a:1?x",
        ),
        *("http://a:1#sha256=" + "a" * 64, "https://a:1#sha256=" + "A" * 64, "https://a:1#sha256=ab", "https://a:1#x"),
        *("https://a:1#", "http://a:1#", "a:1#"),
        *("a..b:1", "x" * 64 + ":1", "a\n:1", " a:1", "a:٣"),
    ],
)
def test_what_is_no_address_is_asked_nothing(address: str) -> None:
    with pytest.raises(GuardError) as refused:
        parse_target(address)
    assert refused.value.code == "client.address"


def test_a_pinned_address_names_its_certificate() -> None:
    assert parse_target("https://a:1#sha256=" + "ab" * 32).pin == "ab" * 32
