"""One message to one webhook: signed by the standard, sent where it may go, and every way in which a receiver can fail."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from guard.errors import AdapterError, GuardError
from guard.worker.webhook import (
    Webhook,
    WebhookSecret,
    compute_signature,
    deliver,
    is_allowed,
    is_loopback_name,
    parse_secret,
    resolve,
)

SECRET = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = WebhookSecret(b"x" * 32)
NOW = 1_614_265_330


class Receiver:
    """A server on loopback that answers as it is told, and remembers what came."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.came.append((self.path, dict(self.headers.items()), body))
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *given: Any) -> None:
                return

        return Handler


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), receiver.handler())
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook?token=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(act: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does what it likes with one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            act(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.close()
        thread.join()


def code_of(webhook: Webhook) -> str:
    """What a delivery fails with."""
    with pytest.raises(AdapterError) as failed:
        deliver(webhook, "msg_1", b"{}", now=NOW)
    return failed.value.code


def test_the_signature_is_that_of_the_standards_test_vector() -> None:
    signed = compute_signature((SECRET,), "msg_p5jXN8AQM9LWM0D4loKWxJek", NOW, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_make_two_signatures() -> None:
    both = compute_signature((OTHER, SECRET), "msg_1", NOW, b"{}").split(" ")
    assert both == [compute_signature((each,), "msg_1", NOW, b"{}") for each in (OTHER, SECRET)]


def test_a_message_comes_with_its_id_its_time_and_a_signature_that_verifies() -> None:
    with receiving() as receiver:
        deliver(Webhook(url=receiver.url, secrets=(SECRET,)), "msg_1", b'{"type":"x"}', now=NOW)
    ((path, headers, body),) = receiver.came
    assert (path, body) == ("/hook?token=1", b'{"type":"x"}')
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", str(NOW))
    assert headers["webhook-signature"] == compute_signature((SECRET,), "msg_1", NOW, body)
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [199, 200, 204, 299, 300])
def test_only_a_status_from_200_to_299_is_a_delivery(status: int) -> None:
    with receiving() as receiver:
        receiver.status = status
        webhook = Webhook(url=receiver.url, secrets=(SECRET,), timeout=2)
        if 200 <= status < 300:
            deliver(webhook, "msg_1", b"{}", now=NOW)
        else:
            assert code_of(webhook) == "webhook.failed"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving() as receiver, receiving() as elsewhere:
        receiver.status, receiver.headers = status, {"Location": elsewhere.url}
        assert code_of(Webhook(url=receiver.url, secrets=(SECRET,))) == "webhook.failed"
    assert (len(receiver.came), len(elsewhere.came)) == (1, 0)


@pytest.mark.parametrize(("status", "code"), [(409, "webhook.failed"), (410, "webhook.gone"), (411, "webhook.failed")])
def test_410_says_that_nobody_is_there_any_more(status: int, code: str) -> None:
    with receiving() as receiver:
        receiver.status = status
        assert code_of(Webhook(url=receiver.url, secrets=(SECRET,))) == code


def hang(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.recv(65536)


def drip(connection: socket.socket) -> None:
    """Answer a byte at a time, each in time for a timeout that is counted from byte to byte."""
    connection.settimeout(0.05)
    try:
        for each in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000:
            connection.sendall(bytes([each]))
            try:
                connection.recv(65536)
            except TimeoutError:
                continue
    except OSError:
        return


def begin_well(connection: socket.socket) -> None:
    """A status line that looks good, and no end of the head."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    hang(connection)
    hang(connection)


@pytest.mark.parametrize(
    "act", [hang, drip, begin_well, lambda connection: None, lambda connection: connection.sendall(b"\x00" * 9)]
)
def test_a_receiver_that_hangs_drips_or_talks_nonsense_ends_in_time(act: Callable[[socket.socket], None]) -> None:
    with answering(act) as url:
        assert code_of(Webhook(url=url, secrets=(SECRET,), timeout=0.5)) == "webhook.failed"


def test_a_receiver_that_is_not_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert code_of(Webhook(url=f"http://127.0.0.1:{port}/", secrets=(SECRET,))) == "webhook.failed"
    assert code_of(Webhook(url="https://name.invalid/", secrets=(SECRET,))) == "webhook.failed"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https:///path",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://example.org/\r\nX: y",
        "https://ex\u00e4mple.org/",
        "",
    ],
)
def test_an_address_that_is_none_for_messages_is_refused(url: str) -> None:
    with pytest.raises(GuardError) as refused:
        Webhook(url=url, secrets=(SECRET,))
    assert refused.value.code == "webhook.url"


@pytest.mark.parametrize(
    "url",
    ["https://example.org/x", "http://127.0.0.1:1/", "http://localhost/", "http://[::1]:8/", "https://127.0.0.1/"],
)
def test_https_and_loopback_addresses_are_taken_and_their_path_is_not_shown(url: str) -> None:
    webhook = Webhook(url=url + "?token=secret", secrets=(SECRET,))
    assert "secret" not in repr(webhook)
    assert "MfKQ" not in repr(webhook.secrets)


PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "169.254.169.254",
    "0.0.0.0",  # noqa: S104
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "2001:0:0:0:0:0:0:1",
    "64:ff9b::a9fe:a9fe",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_messages_go_to_no_address_inside_of_a_network(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), is_loopback=False)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"])
def test_messages_go_to_public_addresses(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address), is_loopback=False)
    assert not is_allowed(ipaddress.ip_address(address), is_loopback=True)


def test_a_name_that_leads_inside_is_refused_after_it_is_resolved() -> None:
    """`localhost` said by another name: what counts is where it leads, not what it is called."""
    with pytest.raises(AdapterError) as refused:
        resolve("localhost", 443, is_loopback=False)
    assert refused.value.code == "webhook.target"
    assert resolve("localhost", 80, is_loopback=True).is_loopback


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "https://169.254.169.254/latest/", "https://[fe80::1]/"])
def test_an_address_inside_of_a_network_is_never_connected_to(url: str) -> None:
    assert code_of(Webhook(url=url, secrets=(SECRET,))) == "webhook.target"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("localhost", True), ("127.0.0.2", True), ("::1", True), ("localhost.example.org", False), ("1.1.1.1", False)],
)
def test_loopback_is_what_says_so_by_itself(name: str, is_one: bool) -> None:
    assert is_loopback_name(name) is is_one


@pytest.mark.parametrize("length", [23, 24, 64, 65])
def test_a_secret_has_24_to_64_bytes(length: int) -> None:
    from base64 import b64encode

    text = "whsec_" + b64encode(b"s" * length).decode()
    if 24 <= length <= 64:
        assert parse_secret(text).raw == b"s" * length
    else:
        with pytest.raises(GuardError) as refused:
            parse_secret(text)
        assert refused.value.code == "webhook.secret"


@pytest.mark.parametrize(
    "text", ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64!", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_a_secret_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(GuardError) as refused:
        parse_secret(text)
    assert refused.value.code == "webhook.secret"


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_webhook_has_one_or_two_secrets(count: int) -> None:
    secrets = (SECRET, OTHER, SECRET)[:count]
    if count in (1, 2):
        Webhook(url="https://example.org/", secrets=secrets)
    else:
        with pytest.raises(GuardError):
            Webhook(url="https://example.org/", secrets=secrets)
