"""The two listeners of a signer: small HTTP over a Unix socket, loopback or TLS, one POST for each verb, bodies of at most 256 KiB.

Command is for the worker; stop is for people and goes on working whatever else is down. Both limit by source, how often and how many at
once, before anything that was sent is looked at, so that nobody's flood locks a guardian out of another source. One request has one
connection, a thread of its own in which TLS is agreed, and a set time to arrive in.
"""

from __future__ import annotations

import io
import socket
import socketserver
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.formats.listen_addresses import parse_listen_address
from guard.formats.request_ids import HEADER
from guard.signer.limiting import SourceLimit
from guard.signer.requests import COMMAND_VERBS, Verb
from guard.signer.signer import ReleaseRefused, Signer
from guard.signer.sockets import UNPROTECTED, Bound, Protection, bind_socket, load_context, require_protected
from guard.signer.telling import Asked, Teller

MAX_BODY_BYTES = 256 * 1024
REQUEST_TIMEOUT = 15
END_WITHIN = 5
"""Seconds that open requests have when the process is told to end. What they recorded by then stays, answered or not."""
PREFIX = "/v1/"
LIVE_PATH = "/livez"
LOCAL = "socket"
"""The source of everybody who comes in through a Unix socket."""


class DeadlineReader(io.RawIOBase):
    """Reads from a socket until a set instant of the monotonic clock, however slowly the other side drips. Raises `TimeoutError`."""

    def __init__(self, connection: socket.socket, until: float):
        self._connection = connection
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long to arrive")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    """One request. Every way out of it is an answer with a code; nothing of an unexpected fault is told."""

    protocol_version = "HTTP/1.1"
    timeout = REQUEST_TIMEOUT
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(DeadlineReader(self.connection, time.monotonic() + REQUEST_TIMEOUT))

    def do_POST(self) -> None:
        # What a refused request leaves unread on a connection is never read as the next one.
        self.close_connection = True
        try:
            answer, status = self._answer(), 200
        except ReleaseRefused as refused:
            answer, status = {"error": refused.to_json()}, 409
        except GuardError as refused:
            answer, status = {"error": refused.to_json()}, 413 if refused.code == "signer.too-large" else 400
        except AdapterError as trouble:
            answer, status = {"error": trouble.to_json()}, 503
        except OSError:
            return
        except (
            Exception
        ):  # The process boundary: a bug answers 500, releases nothing, and its text goes to the operator's log only.
            self.server.report_fault(self.path)
            answer, status = (
                {"error": {"code": "internal", "message": "internal fault", "next": "see the signer's log"}},
                500,
            )
        self._send(status, answer)
        self._tell(status, answer)

    def do_GET(self) -> None:
        """Whether the process lives and takes requests: for health checks, which learn nothing else."""
        self.close_connection = True
        try:
            self.server.limit.require(self.client_address[0])
        except GuardError as refused:
            self._send(400, {"error": refused.to_json()})
            return
        is_live = self.path == LIVE_PATH
        self._send(200 if is_live else 404, {"live": is_live})

    def _tell(self, status: int, answer: Mapping[str, Any]) -> None:
        """A line for the operator. A request that was refused for its number gets none."""
        error = answer.get("error")
        if isinstance(error, dict) and error.get("code") == "signer.rate":
            return
        verb = self.path.removeprefix(PREFIX)
        asked = Asked(
            listener=self.server.name,
            verb=verb if verb in self.server.verbs else "-",
            source=self.client_address[0],
            request_id=self.headers.get(HEADER),
        )
        if self.server.teller is not None:
            self.server.teller.tell(asked, status, answer)

    def _answer(self) -> dict[str, Any]:
        verb = self.server.verbs.get(self.path.removeprefix(PREFIX)) if self.path.startswith(PREFIX) else None
        self.server.limit.require(self.client_address[0])
        body = self._read_body()
        if verb is None:
            raise GuardError("signer.request", f"{self.path[:60]!r} is not a verb of this listener")
        return verb(self.server.signer, parse_json(body, max_bytes=MAX_BODY_BYTES))

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or len(length) > 9:
            raise GuardError("signer.request", "a request needs a Content-Length")
        if int(length) > MAX_BODY_BYTES:
            raise GuardError("signer.too-large", f"a request has at most {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise GuardError("signer.request", "the request ended before its Content-Length")
        return body

    def _send(self, status: int, answer: Mapping[str, Any]) -> None:
        body = to_canonical(dict(answer))
        try:
            self.connection.settimeout(REQUEST_TIMEOUT)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            return  # Whoever asked is gone. What was recorded stays, and asking again gives the same answer.

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded in the journal, not here."""

    def version_string(self) -> str:
        return "guard"


class Listener(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """A listener with the verbs that it takes. `tls` is None where it speaks plainly."""

    daemon_threads = True
    server_address: Any
    teller: Teller | None = None

    def __init__(self, bound: Bound, tls: ssl.SSLContext | None, signer: Signer, limit: SourceLimit):
        super().__init__(bound.socket.getsockname(), _Handler)
        self.socket = bound.socket
        self._bound = bound
        self._tls = tls
        self.signer = signer
        self.limit = limit
        self._handshakes = limit.to_another()
        self.verbs: Mapping[str, Verb] = {}
        self.name = ""
        self._idle = threading.Condition()
        self._open = 0

    def fileno(self) -> int:
        """What is waited on."""
        return self.socket.fileno()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """One connection, as it came: TLS is agreed in its own thread, so that whoever never finishes holds up nobody."""
        connection, peer = self.socket.accept()
        return connection, (to_source(peer[0]) if peer else LOCAL, 0)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether this source may hold another connection open; if not it is closed before a thread is spent on it."""
        return self.limit.enter(client_address[0])

    def process_request(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # No thread is to be had: the place is given back, and the connection is closed.
            self.limit.leave(client_address[0])
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._idle:
            self._open += 1
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.limit.leave(client_address[0])
            with self._idle:
                self._open -= 1
                self._idle.notify_all()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve the connection, over TLS where the listener has a certificate. A handshake that fails is nobody's request."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        try:
            # A handshake costs more than most requests, and comes before any of them is counted.
            self._handshakes.require(client_address[0])
            connection = self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        except (GuardError, OSError):
            return
        with connection:
            try:
                # The time holds for the whole handshake, however slowly its parts drip in.
                connection.settimeout(REQUEST_TIMEOUT)
                connection.do_handshake()
            except OSError:
                return
            super().finish_request(connection, client_address)
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)

    def shutdown_request(self, request: Any) -> None:
        """Say that nothing more comes, then close."""
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off is nobody's fault; anything else is a bug."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.report_fault("-")

    def end(self) -> None:
        """Take no further connection, and let those that are open come to their answers, for a while."""
        self.shutdown()
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: self._open == 0, timeout=END_WITHIN)

    def server_close(self) -> None:
        """End listening."""
        super().server_close()
        self._bound.close()

    def report_fault(self, path: str) -> None:
        """Tell the operator, on standard error and with the traceback, that a bug was met."""
        sys.stderr.write(f"guard signer: fault in {path[:60]!r}\n{traceback.format_exc()}")
        sys.stderr.flush()


def to_source(host: str) -> str:
    """Whom a connection counts against. An IPv6 source is its network of 64 bits, since one subscriber has all of that."""
    if ":" not in host:
        return host
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((int(address), 64), strict=False).network_address)
    return str(address.ipv4_mapped) if isinstance(address, IPv6Address) else str(address)


def open_listener(
    address: str,
    signer: Signer,
    verbs: Mapping[str, Verb],
    limit: SourceLimit,
    *,
    protection: Protection = UNPROTECTED,
    teller: Teller | None = None,
) -> Listener:
    """Listen at `unix:PATH` or `HOST:PORT`. Raises `listen.*`: beyond loopback it needs a certificate."""
    place = parse_listen_address(address)
    require_protected(place, protection)
    context = load_context(place, protection)
    listener = Listener(bind_socket(place), context, signer, limit)
    listener.verbs, listener.name = verbs, "command" if verbs.keys() == COMMAND_VERBS.keys() else "stop"
    listener.teller = teller
    return listener


def serve_in_background(listener: Listener) -> threading.Thread:
    """Serve until the listener is shut down."""
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    return thread
